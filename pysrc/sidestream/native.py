"""`Fetch` over httpx, for plain CPython. Needs the extra ``native``."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Mapping
from functools import lru_cache
from types import TracebackType
from typing import Self

import httpx

from sidestream.connection_errors import broken_connection_error, network_error, unanswered_error
from sidestream.errors import ErrorKind, SidestreamError
from sidestream.hosts import is_loopback
from sidestream.texts import text
from sidestream.transport import HttpRequest

CONNECT_TIMEOUT_S = 30.0
# After that the client limits the silence itself, since it knows comments and retries.
_TIMEOUT = httpx.Timeout(None, connect=CONNECT_TIMEOUT_S)


async def httpx_fetch(request: HttpRequest) -> HttpxResponse:
    """Send one request over a connection of its own: ``Client(fetch=httpx_fetch, ...)``.

    Proxies are taken from the environment. Redirects are not followed, since they would carry the
    key to another server.
    """
    client = httpx.AsyncClient(timeout=_TIMEOUT, verify=_ssl_context())
    try:
        return await _send(client, request, owned=True)
    except BaseException:
        await client.aclose()
        raise


class HttpxFetch:
    """A `Fetch` that keeps connections open between requests.

    Use it as ``async with HttpxFetch() as fetch``, or give it an `httpx.AsyncClient` of your own,
    which you close yourself.
    """

    def __init__(self, client: httpx.AsyncClient | None = None) -> None:
        self._owned = client is None
        self._client = client or httpx.AsyncClient(timeout=_TIMEOUT, verify=_ssl_context())

    async def __call__(self, request: HttpRequest) -> HttpxResponse:
        """Send one request."""
        return await _send(self._client, request, owned=False)

    async def aclose(self) -> None:
        """Close the connections."""
        if self._owned:
            await self._client.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()


class HttpxResponse:
    """A response whose body is still arriving."""

    def __init__(self, response: httpx.Response, client: httpx.AsyncClient | None) -> None:
        self.status = response.status_code
        self.headers: Mapping[str, str] = {
            name.lower(): value for name, value in response.headers.items()
        }
        self._response = response
        self._client = client

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body, as it arrives."""
        try:
            async for chunk in self._response.aiter_bytes():
                yield chunk
        except (httpx.HTTPError, httpx.StreamError) as error:
            raise broken_connection_error(_reason(error)) from error

    async def aclose(self) -> None:
        """Abort the response if it is still arriving."""
        await self._response.aclose()
        if self._client is not None:
            await self._client.aclose()


async def _send(client: httpx.AsyncClient, request: HttpRequest, *, owned: bool) -> HttpxResponse:
    try:
        headers = [
            (name.encode("ascii"), value.encode("latin-1"))
            for name, value in request.headers.items()
        ]
        outgoing = client.build_request(
            request.method, request.url, headers=headers, content=request.body
        )
        response = await client.send(outgoing, stream=True)
    except httpx.ConnectError as error:
        # When TLS fails, a server has answered.
        if is_loopback(outgoing.url.host) and "SSL" not in str(error):
            raise unanswered_error(outgoing.url.netloc.decode("ascii")) from error
        raise network_error(_reason(error)) from error
    except httpx.HTTPError as error:
        raise network_error(_reason(error)) from error
    except (httpx.InvalidURL, UnicodeError) as error:
        raise SidestreamError(
            ErrorKind.CONFIGURATION,
            text("error_bad_address"),
            hint=text("hint_bad_address"),
        ) from error
    return HttpxResponse(response, client if owned else None)


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__


@lru_cache(maxsize=1)
def _ssl_context() -> ssl.SSLContext:
    # Reading the certificates takes longer than most local requests.
    return httpx.create_ssl_context()
