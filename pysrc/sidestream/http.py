"""One request with its retries: `Retries` holds the budgets, `Sender` sends."""

from __future__ import annotations

import asyncio
import random as _random
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass, field

from sidestream.auth import Auth
from sidestream.connection_errors import timeout_error
from sidestream.errors import ErrorKind, SidestreamError, without_secrets
from sidestream.exchange import Exchange, read_body
from sidestream.failed_exchange import FailedExchange, secrets_of
from sidestream.retry import retry_delay_ms
from sidestream.server_errors import error_from_response
from sidestream.texts import text, with_text
from sidestream.transport import Fetch, HttpRequest, HttpResponse
from sidestream.types.events import Reconnecting, StreamIdle

REFRESH_TIMEOUT_MS = 60_000
ERROR_BODY_TIMEOUT_MS = 10_000
"""How long the server may be silent in the body of an error."""
MAX_ERROR_BODY_BYTES = 256 * 1024
_MAX_REASON = 300


class Retries:
    """The retry budgets of one call, which all its attempts share."""

    def __init__(
        self, request_max: int, stream_max: int, random: Callable[[], float] = _random.random
    ) -> None:
        self.count = 0
        self._request_max = request_max
        self._stream_max = stream_max
        self._requests = 0
        self._streams = 0
        self._random = random

    def after(self, error: SidestreamError, *, stream: bool) -> Reconnecting | None:
        """Return the notice of the next attempt, or ``None`` when the error is final.

        With ``stream`` an answer has broken, which takes from the budget for streams; without it a
        request got no answer, which takes from the budget for requests.
        """
        used, limit = (
            (self._streams, self._stream_max) if stream else (self._requests, self._request_max)
        )
        if not error.retryable or used >= limit:
            return None
        delay_ms = retry_delay_ms(used, error.retry_after_ms, random=self._random)
        if delay_ms is None:
            return None
        if stream:
            self._streams += 1
        else:
            self._requests += 1
        self.count += 1
        reason = error.summary
        if len(reason) > _MAX_REASON:
            reason = reason[:_MAX_REASON] + "..."
        return Reconnecting(
            attempt=used + 1,
            max_attempts=limit,
            delay_ms=delay_ms,
            **with_text("reason", reason),
        )

    def restore(self) -> None:
        """Restore the budget for broken answers, since the answer has got further."""
        self._streams = 0


@dataclass(slots=True)
class Sender:
    """Sends the requests of one call."""

    fetch: Fetch
    auth: Auth
    build: Callable[[Mapping[str, str]], HttpRequest]
    """Makes the next request from the headers of the sign-in."""
    retries: Retries
    timeout_ms: int
    now: Callable[[], float] = time.time
    on_failure: Callable[[FailedExchange], None] = lambda failed: None
    on_send: Callable[[HttpRequest], None] = lambda request: None
    request: HttpRequest | None = None
    """The last request that was made."""
    failed_headers: Mapping[str, str] = field(default_factory=dict)
    """The headers of the last answer that was an error."""
    _refreshed: bool = False

    async def open(self) -> AsyncGenerator[Reconnecting | StreamIdle | Exchange, None]:
        """Send the request until the server answers with 2xx.

        Yields a notice for each retry and silence, and last the `Exchange`, which the caller
        closes. Raises the `SidestreamError` that is final, or the last one of the budget.
        """
        while True:
            self.request = None
            exchange = Exchange(self._send, self.timeout_ms)
            handed_over = False
            try:
                while exchange.response is None:
                    if not await exchange.wait():
                        yield exchange.idle
                if 200 <= exchange.response.status <= 299:
                    handed_over = True
                    yield exchange
                    return
                error = await self._error_of(exchange, exchange.response)
            except SidestreamError as failure:
                error = without_secrets(failure, self.secrets())
                self.record(error)
            finally:
                if not handed_over:
                    await exchange.aclose()
            try:
                if error.status == 401 and await self._refresh():
                    continue
            except SidestreamError as failure:
                error = without_secrets(failure, self.secrets())
            notice = self.retries.after(error, stream=False)
            if notice is None:
                raise error
            yield notice
            await asyncio.sleep(notice.delay_ms / 1000)

    def record(
        self,
        error: SidestreamError,
        response: HttpResponse | None = None,
        body: bytes = b"",
    ) -> None:
        """Keep a failed exchange for diagnosis."""
        request = self.request
        if request is None:
            return
        self.on_failure(FailedExchange.of(request, error, response, body, at=self.now()))

    def secrets(self) -> list[str]:
        """Return the secrets of the last request, which the server may repeat."""
        return secrets_of(self.request) if self.request else []

    async def _send(self) -> HttpResponse:
        self.request = self.build(await self.auth.headers(self.fetch))
        self.on_send(self.request)
        return await self.fetch(self.request)

    async def _refresh(self) -> bool:
        """Renew the credentials after a 401, once. True: the request is worth another try."""
        if self._refreshed:
            return False
        try:
            async with asyncio.timeout(REFRESH_TIMEOUT_MS / 1000):
                self._refreshed = await self.auth.refresh(self.fetch)
        except TimeoutError:
            raise timeout_error(REFRESH_TIMEOUT_MS) from None
        return self._refreshed

    async def _error_of(self, exchange: Exchange, response: HttpResponse) -> SidestreamError:
        exchange.timeout_ms = min(self.timeout_ms, ERROR_BODY_TIMEOUT_MS)
        body = await read_body(exchange, MAX_ERROR_BODY_BYTES)
        request = self.request
        assert request is not None  # noqa: S101 - there is an answer to it
        error = error_from_response(
            response.status,
            response.headers,
            body,
            now=self.now(),
            url=request.url,
            secrets=self.secrets(),
        )
        error = without_secrets(error, self.secrets())
        self.failed_headers = response.headers
        if error.status == 401:
            error = _explain_401(error, self.auth.mode, request.headers)
        self.record(error, response, body)
        return error


def _explain_401(error: SidestreamError, mode: str, headers: Mapping[str, str]) -> SidestreamError:
    """Make the reason for a 401 plain, where the request shows it."""
    if mode == "chatgpt":
        error.kind = ErrorKind.SIGN_IN_REQUIRED
        error.message = text("error_sign_in_refused")
        error.hint = text("hint_sign_in_refused")
    elif not {name.lower() for name in headers} & {"authorization", "api-key", "x-api-key"}:
        error.message = text("error_key_missing")
        error.hint = text("hint_key_missing")
    return error
