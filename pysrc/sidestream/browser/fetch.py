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
from sidestream.texts import text
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
            message = text("error_offline")
            hint = text("hint_offline")
        case "permission":
            message = text("error_host_permission", host=host)
            hint = text("hint_host_permission")
            retryable = False
        case "redirect":
            # The target of the redirect, if the browser could find it out.
            if target := failure.get("detail"):
                message = text("error_host_redirects_to", host=host, url=target)
            else:
                message = text("error_host_redirects", host=host)
            hint = text("hint_host_redirects")
            kind, retryable = ErrorKind.CONFIGURATION, False
        case "header":
            message = text("error_header_refused", name=failure["detail"])
            hint = text("hint_header_refused")
            kind, retryable = ErrorKind.CONFIGURATION, False
        case "broken":
            message = text("error_host_broke", host=host)
            hint = text("hint_host_broke")
        case _ if is_loopback(parts.hostname):
            return unanswered_error(host)
        case _:
            message = text("error_host_unreachable", host=host)
            hint = text("hint_host_unreachable")
    return SidestreamError(kind, message, hint=hint, retryable=retryable)
