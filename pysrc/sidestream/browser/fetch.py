"""`sidestream.transport.Fetch` over the browser's fetch, pumped by ``worker/python/bridge.js``."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from pyodide.ffi import create_proxy, to_js

from sidestream.browser.host import FetchPump, Host
from sidestream.connection_errors import unanswered_error
from sidestream.errors import ErrorKind, SidestreamError
from sidestream.hosts import is_loopback
from sidestream.transport import Fetch, HttpRequest, HttpResponse


def browser_fetch(host: Host) -> Fetch:
    """The `Fetch` that the core uses in the browser."""

    async def fetch(request: HttpRequest) -> HttpResponse:
        body = None if request.body is None else to_js(request.body)
        pump = host.fetch(request.method, request.url, json.dumps(dict(request.headers)), body)
        try:
            head = json.loads(await pump.head())
        except BaseException:
            pump.abort()
            raise
        if "failure" in head:
            raise _network_error(head["failure"], request.url)
        return _BrowserResponse(pump, head, request.url)

    return fetch


class _BrowserResponse:
    def __init__(self, pump: FetchPump, head: dict[str, Any], url: str) -> None:
        self._pump = pump
        self._url = url
        self.status: int = head["status"]
        self.headers: Mapping[str, str] = head["headers"]

    async def chunks(self) -> AsyncIterator[bytes]:
        pump = self._pump
        loop = asyncio.get_running_loop()
        news: asyncio.Future[None] | None = None

        def tell() -> None:
            if news is not None and not news.done():
                news.set_result(None)

        # A callback costs a fraction of an awaited promise.
        listener = create_proxy(tell)
        pump.listen(listener)
        try:
            while True:
                data = pump.take()
                if data is not None:
                    yield data.to_bytes()
                elif not pump.ended:
                    news = loop.create_future()
                    await news
                elif pump.failure:
                    raise _network_error(json.loads(pump.failure), self._url)
                else:
                    return
        finally:
            pump.listen(None)
            listener.destroy()

    async def aclose(self) -> None:
        self._pump.abort()


def _network_error(failure: dict[str, str], url: str) -> SidestreamError:
    parts = urlsplit(url)
    host = parts.netloc
    kind, retryable = ErrorKind.NETWORK, True
    match failure["reason"]:
        case "offline":
            message = "There is no network connection."
            hint = "Connect to the network, then try again."
        case "permission":
            message = f"The browser does not let Sidestream reach {host} yet."
            hint = "Open the settings and save them; the browser then asks for access to this host."
            retryable = False
        case "redirect":
            # The target of the redirect, if the browser could find it out.
            target = f" to {failure['detail']}" if failure.get("detail") else ""
            message = f"{host} answered with a redirect{target}, which is not followed with a key."
            hint = "Correct the base URL: often https instead of http, or another path."
            kind, retryable = ErrorKind.CONFIGURATION, False
        case "header":
            message = f"The header {failure['detail']} cannot be sent: its value is not allowed."
            hint = "Correct it in the settings. A copied key may hold a stray character."
            kind, retryable = ErrorKind.CONFIGURATION, False
        case "broken":
            message = f"The connection to {host} broke."
            hint = "Try again. If it keeps breaking, check the network or the server."
        case _ if is_loopback(parts.hostname):
            return unanswered_error(host)
        case _:
            message = f"{host} cannot be reached."
            hint = (
                "Check the base URL for typing errors, and whether the server or a proxy is down."
            )
    return SidestreamError(kind, message, hint=hint, retryable=retryable)
