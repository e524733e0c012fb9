from __future__ import annotations

import errno
import http.client
import importlib
import io
import socket
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import pytest

from sidestream_sandbox import network


class JsError(Exception):
    """Pyodide's exception for an error of JavaScript."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name
        self.message = message


@dataclass
class Request:
    """The request of pyodide-http."""

    method: str
    url: str
    params: Any
    body: Any
    headers: dict[str, str]
    timeout: float


@dataclass
class Answer:
    status_code: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


class Browser:
    """Sends requests in place of pyodide-http."""

    def __init__(self) -> None:
        self.sent: list[Request] = []
        self.answer: Answer | JsError = Answer()

    def send(self, request: Request) -> Answer:
        self.sent.append(request)
        if isinstance(self.answer, JsError):
            raise self.answer
        return self.answer


def module(name: str, **contents: object) -> ModuleType:
    made = ModuleType(name)
    vars(made).update(contents)
    return made


@pytest.fixture
def browser(monkeypatch: pytest.MonkeyPatch) -> Browser:
    """`urllib.request` over a scripted browser."""
    browser = Browser()
    core = module("pyodide_http._core", Request=Request, send=browser.send)
    monkeypatch.setitem(sys.modules, "pyodide_http", module("pyodide_http", _core=core))
    monkeypatch.setitem(sys.modules, "pyodide_http._core", core)
    # Pyodide itself has these modules. They are restored afterwards.
    monkeypatch.setitem(sys.modules, "pyodide", module("pyodide"))
    monkeypatch.setitem(sys.modules, "pyodide.ffi", module("pyodide.ffi", JsException=JsError))
    handler: Any = urllib.request
    monkeypatch.setattr(handler.AbstractHTTPHandler, "do_open", handler.AbstractHTTPHandler.do_open)
    monkeypatch.setattr(urllib.request, "_opener", None)
    network.patch_urllib(urllib.request)
    return browser


URL = "https://api.example.com/path?q=1"


def test_urllib_gets_what_the_browser_got(browser: Browser) -> None:
    gone = {"content-encoding": "gzip", "content-length": "5", "transfer-encoding": "chunked"}
    browser.answer = Answer(
        200, {"Content-Type": "text/plain; charset=utf-8", **gone}, b"\x00hello"
    )
    with urllib.request.urlopen(URL, timeout=3) as response:
        assert (response.status, response.reason, response.geturl()) == (200, "OK", URL)
        assert response.headers.get_content_charset() == "utf-8"
        assert response.getheader("content-encoding") is None
        assert response.read(1) == b"\x00"
        assert response.read() == b"hello"
    (request,) = browser.sent
    assert (request.method, request.url, request.timeout) == ("GET", URL, 3)
    assert (request.body, request.headers) == (None, {})


def test_data_headers_and_methods_are_sent(browser: Browser) -> None:
    urllib.request.urlopen(URL, b"a=1")
    data = io.BytesIO(b"file")
    urllib.request.urlopen(urllib.request.Request(URL, data, {"X-A": "b"}, method="PUT"))
    form, put = browser.sent
    assert (form.method, form.body) == ("POST", b"a=1")
    assert form.headers == {"Content-type": "application/x-www-form-urlencoded"}
    assert (put.method, put.body, put.headers["X-a"]) == ("PUT", b"file", "b")


def test_an_error_status_is_an_error_with_its_body(browser: Browser) -> None:
    browser.answer = Answer(404, {"X-Why": "gone \u2026"}, b"not here")
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(URL)
    with caught.value as error:
        assert (error.code, error.reason, error.read()) == (404, "Not Found", b"not here")


def test_an_answer_without_a_body(browser: Browser) -> None:
    browser.answer = Answer(200, {"content-length": "700"})
    head = urllib.request.urlopen(urllib.request.Request(URL, method="HEAD"))
    assert (head.status, head.read()) == (200, b"")


def test_a_failure_carries_the_sandboxs_message(browser: Browser) -> None:
    browser.answer = JsError("NetworkError", "It may not be reached.")
    with pytest.raises(urllib.error.URLError, match="may not be reached"):
        urllib.request.urlopen(URL)
    browser.answer = JsError("TimeoutError", "Failed to execute 'send'")
    with pytest.raises(urllib.error.URLError) as caught:
        urllib.request.urlopen(URL)
    assert isinstance(caught.value.reason, TimeoutError)


@pytest.fixture
def modules() -> Iterator[None]:
    finders, loaded = list(sys.meta_path), dict(sys.modules)
    yield
    sys.meta_path[:] = finders
    for name in set(sys.modules) - set(loaded):
        del sys.modules[name]
    sys.modules.update(loaded)


@pytest.mark.usefixtures("modules")
def test_modules_are_changed_when_they_are_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    changed: list[str] = []

    def patch(imported: ModuleType) -> None:
        assert callable(imported.fnmatch)
        changed.append(imported.__name__)

    patches = {"fnmatch": patch, "no_such_module": patch}
    sys.meta_path.insert(0, network.PatchingFinder(patches))
    sys.modules.pop("fnmatch", None)
    again = importlib.import_module("fnmatch")
    importlib.import_module("fnmatch")
    assert changed == ["fnmatch"]
    assert again.__spec__
    source: Any = again.__spec__.loader
    # Tracebacks still show its lines.
    assert hasattr(source, "get_source")
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("no_such_module")


@pytest.mark.usefixtures("modules")
def test_a_socket_reports_that_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    for owner, name in (
        (socket.socket, "connect"),
        (socket, "create_connection"),
        (socket, "getaddrinfo"),
    ):
        monkeypatch.setattr(owner, name, getattr(owner, name))
    network.prepare("No sockets here.")
    with pytest.raises(OSError, match="No sockets here") as caught:
        http.client.HTTPConnection("api.example.com").request("GET", "/")
    assert caught.value.errno == errno.ENETUNREACH
    with pytest.raises(OSError, match="No sockets here"):
        socket.getaddrinfo("api.example.com", 443)


def test_a_body_in_one_piece() -> None:
    for body in (None, "text", b"bytes"):
        assert network.whole(body) is body
    assert network.whole(io.BytesIO(b"file")) == b"file"
    assert network.whole(part for part in ("a", b"b")) == b"ab"


@pytest.fixture
def urllib3(monkeypatch: pytest.MonkeyPatch) -> type[Exception]:
    """Stand in for urllib3. Returns what its Emscripten support raises after a timeout."""

    class LateError(Exception):
        pass

    read = type("ReadTimeoutError", (LateError,), {})
    errors = module("urllib3.exceptions", TimeoutError=LateError, ReadTimeoutError=read)
    monkeypatch.setitem(sys.modules, "urllib3", module("urllib3", exceptions=errors))
    monkeypatch.setitem(sys.modules, "urllib3.exceptions", errors)
    return LateError


def test_urllib3_sends_files_and_reports_timeouts(urllib3: type[Exception]) -> None:
    bodies: list[Any] = []

    class EmscriptenHTTPConnection:
        def request(self, method: str, url: str, body: Any = None, **named: Any) -> None:
            bodies.append((method, url, body, named))
            if url == "/slow":
                raise urllib3
            if url == "/closed":
                raise http.client.HTTPException("It may not be reached.")

    class EmscriptenHttpResponseWrapper:
        _pool, url = None, "/"

        def read(self, amount: int | None = None) -> bytes:
            if amount is None:
                raise urllib3
            return b"x" * amount

    network.patch_urllib3(module("connection", EmscriptenHTTPConnection=EmscriptenHTTPConnection))
    network.patch_urllib3_response(
        module("response", EmscriptenHttpResponseWrapper=EmscriptenHttpResponseWrapper)
    )
    connection = EmscriptenHTTPConnection()
    connection.request("PUT", "/", io.BytesIO(b"file"), preload_content=False)
    assert bodies == [("PUT", "/", b"file", {"preload_content": False})]
    with pytest.raises(urllib3) as caught:
        connection.request("GET", "/slow")
    assert type(caught.value).__name__ == "ReadTimeoutError"
    with pytest.raises(http.client.HTTPException, match="may not be reached") as closed:
        connection.request("GET", "/closed")
    assert closed.value.__suppress_context__
    assert EmscriptenHttpResponseWrapper().read(2) == b"xx"
    with pytest.raises(urllib3) as caught:
        EmscriptenHttpResponseWrapper().read()
    assert type(caught.value).__name__ == "ReadTimeoutError"
