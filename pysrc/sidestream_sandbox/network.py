"""The network of a browser: requests go through the browser, and there are no sockets.

`requests` and `urllib3` find the browser's `fetch` by themselves; `urllib.request` gets it from
pyodide-http. Both are patched when code imports them, so code without requests loads neither. The
browser alone decides which hosts can be reached.
"""

from __future__ import annotations

import errno
import io
import socket
import sys
from collections.abc import Callable, Iterable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, NoReturn

Patch = Callable[[Any], None]

UNSENDABLE = frozenset({"accept-encoding", "connection", "content-length", "host", "user-agent"})
"""Headers that only the browser sets, in lower case."""


def prepare(no_sockets: str) -> None:
    """Prepare the interpreter. Opening a socket raises an error with the text ``no_sockets``."""

    def refuse(*_: object, **__: object) -> NoReturn:
        raise OSError(errno.ENETUNREACH, no_sockets)

    # Types cannot express a method that is replaced.
    socket.socket.connect = socket.create_connection = refuse  # type: ignore[method-assign]
    socket.getaddrinfo = refuse
    sys.meta_path.insert(0, PatchingFinder(PATCHES))


class PatchingFinder(MetaPathFinder):
    """Patches modules right after they were imported.

    Args:
        patches: The function that patches a module, by the module's name.

    """

    def __init__(self, patches: dict[str, Patch]) -> None:
        self._patches = patches

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the spec of another finder, if the module is to be patched."""
        patch = self._patches.get(fullname)
        if patch is None:
            return None
        others = (finder for finder in sys.meta_path if finder is not self)
        found = (finder.find_spec(fullname, path, target) for finder in others)
        spec = next(filter(None, found), None)
        if spec is not None and spec.loader is not None:
            spec.loader = _PatchingLoader(spec.loader, patch)
        return spec


class _PatchingLoader(Loader):
    def __init__(self, loader: Loader, patch: Patch) -> None:
        self._loader = loader
        self._patch = patch

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self._loader.exec_module(module)
        self._patch(module)

    def __getattr__(self, name: str) -> Any:
        # Sources and data, which tracebacks and other readers need.
        return getattr(self._loader, name)


# --- urllib.request -----------------------------------------------------------------------------


def patch_urllib(urllib_request: Any) -> None:
    """Let the browser send the requests, in the one function that opens connections.

    Everything else stays as it is: data, headers, openers, cookies, `HTTPError`.
    """
    from http.client import HTTPResponse, responses

    class Answered:
        """Takes the place of a socket, and holds the whole response."""

        def __init__(self, data: bytes) -> None:
            self._data = data

        def makefile(self, *_: object) -> io.BytesIO:
            return io.BytesIO(self._data)

    def do_open(_: object, __: object, request: Any, **___: object) -> Any:
        from pyodide.ffi import JsException
        from pyodide_http._core import Request, send

        given = {**request.unredirected_hdrs, **request.headers}
        headers = {name: text for name, text in given.items() if name.lower() not in UNSENDABLE}
        timeout = request.timeout if isinstance(request.timeout, int | float) else 0
        method, body = request.get_method(), whole(request.data)
        try:
            answer = send(Request(method, request.full_url, None, body, headers, timeout))
        except JsException as error:
            late = error.name == "TimeoutError"
            reason = TimeoutError("The request timed out.") if late else error.message
            raise urllib_request.URLError(reason) from None
        # The browser has decompressed the body.
        fields = {
            name: text
            for name, text in answer.headers.items()
            if name.lower() not in ("content-encoding", "content-length", "transfer-encoding")
        }
        fields["content-length"] = str(len(answer.body))
        status = f"HTTP/1.1 {answer.status_code} {responses.get(answer.status_code, '')}"
        head = "\r\n".join([status, *(f"{name}: {text}" for name, text in fields.items())])
        data = head.encode("latin-1", "replace") + b"\r\n\r\n" + answer.body
        answered: Any = Answered(data)
        response: Any = HTTPResponse(answered, method=method, url=request.full_url)
        response.begin()
        # `urllib.request` itself does the same.
        response.url, response.msg = request.full_url, response.reason
        return response

    urllib_request.AbstractHTTPHandler.do_open = do_open


def patch_pyodide_http(pyodide_http: Any) -> None:
    """Make a second patch by the user's code, which is usual elsewhere, do nothing."""
    pyodide_http._SHOULD_PATCH = False


# --- urllib3, and requests with it --------------------------------------------------------------


def patch_urllib3(connection: Any) -> None:
    """Send files and iterables as a body, and raise only errors that `requests` knows."""
    from http.client import HTTPException

    from urllib3.exceptions import ReadTimeoutError, TimeoutError

    ask = connection.EmscriptenHTTPConnection.request

    def request(
        self: Any, method: str, url: str, body: Any = None, *more: Any, **named: Any
    ) -> None:
        try:
            ask(self, method, url, whole(body), *more, **named)
        # No connection error here: urllib3 would repeat a request that may have been received.
        except TimeoutError:
            raise ReadTimeoutError(self, url, "The request timed out.") from None
        except HTTPException as error:
            raise HTTPException(str(error)) from None

    connection.EmscriptenHTTPConnection.request = request


def patch_urllib3_response(response: Any) -> None:
    """Do the same for a body that breaks off."""
    from urllib3.exceptions import ReadTimeoutError, TimeoutError

    read = response.EmscriptenHttpResponseWrapper.read

    def patched(self: Any, *given: Any, **named: Any) -> Any:
        try:
            return read(self, *given, **named)
        except TimeoutError:
            raise ReadTimeoutError(self._pool, self.url, "The answer timed out.") from None

    response.EmscriptenHttpResponseWrapper.read = patched


def whole(body: Any) -> Any:
    """Return a request's body as one value, since the browser takes no files and iterables."""
    if hasattr(body, "read"):
        body = body.read()
    elif isinstance(body, Iterable) and not isinstance(body, str | bytes | bytearray | memoryview):
        parts = (part.encode() if isinstance(part, str) else part for part in body)
        body = b"".join(parts)
    return body


PATCHES: dict[str, Patch] = {
    "urllib.request": patch_urllib,
    "pyodide_http": patch_pyodide_http,
    "urllib3.contrib.emscripten.connection": patch_urllib3,
    "urllib3.contrib.emscripten.response": patch_urllib3_response,
}
