"""One request with its retries, over whatever `Fetch` the host provides."""

from __future__ import annotations

import asyncio
import json
import random as _random
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from sidestream.auth import Auth
from sidestream.errors import (
    ErrorKind,
    SidestreamError,
    error_from_response,
    timeout_error,
    without_secrets,
)
from sidestream.redaction import is_secret_name, redact
from sidestream.retry import retry_delay_ms
from sidestream.transport import Fetch, HttpRequest, HttpResponse
from sidestream.types.events import Reconnecting, StreamIdle

IDLE_NOTICE_MS = 30_000
"""After this much silence the user is told."""
REFRESH_TIMEOUT_MS = 60_000
ERROR_BODY_TIMEOUT_MS = 10_000
"""How long the body of an answer that is an error may keep us waiting."""
MAX_ERROR_BODY_BYTES = 256 * 1024
MAX_KEPT_BODY_BYTES = 64 * 1024
MAX_OUTLINED_BYTES = 2 * 1024 * 1024
"""A larger request is named in a diagnosis by its size alone: to read it would take too long."""
MAX_OUTLINE = 16_000
"""Characters that are kept of a request's outline."""
_ROOM_BYTES = 1 << 19
_MAX_REASON = 300
_TICK_S = 1.0


class Exchange:
    """One request under way, read in the background so that silence can be told while it lasts.

    Any byte counts as a sign of life, the headers too. Reading pauses while half a megabyte
    waits to be taken.
    """

    def __init__(self, send: Callable[[], Awaitable[HttpResponse]], timeout_ms: int) -> None:
        self.response: HttpResponse | None = None
        """Set once the headers are there."""
        self.ended = False
        """Nothing more will come."""
        self._timeout_ms = timeout_ms
        self._error: BaseException | None = None
        self._chunks: list[bytes] = []
        self._size = 0
        self._waiter: asyncio.Future[None] | None = None
        self._room: asyncio.Future[None] | None = None
        self._loop = asyncio.get_running_loop()
        self._last_sign = self._loop.time()
        self._notice_due = False
        self._noticed = False
        self._timer: asyncio.TimerHandle | None = None
        self._set_timer()
        self._task = asyncio.ensure_future(self._read(send))

    @property
    def timeout_ms(self) -> int:
        """How long the server may be silent. May be changed at any time."""
        return self._timeout_ms

    @timeout_ms.setter
    def timeout_ms(self, value: int) -> None:
        self._timeout_ms = value
        self._last_sign = self._loop.time()
        self._set_timer()

    @property
    def idle(self) -> StreamIdle:
        """The notice for a silence that lasts."""
        return StreamIdle(idle_ms=IDLE_NOTICE_MS, timeout_ms=self._timeout_ms)

    def take(self) -> bytes:
        """All bytes that have arrived and were not taken yet."""
        data = self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)
        self._chunks.clear()
        self._size = 0
        if self._room is not None and not self._room.done():
            self._room.set_result(None)
        return data

    async def wait(self) -> bool:
        """Wait until there is news: headers, bytes or the end. False: only silence, told once.

        Raises the `SidestreamError` that ended the exchange, when all bytes before it are taken.
        """
        response = self.response
        while not (self._chunks or self.ended or self.response is not response):
            if self._notice_due:
                self._notice_due = False
                return False
            self._waiter = self._loop.create_future()
            await self._waiter
        if self._error is not None and not self._chunks:
            raise self._error
        return True

    async def aclose(self) -> None:
        """Abort what is still under way and release everything. May be called twice."""
        self._stop_timer()
        self._task.cancel()
        try:
            await asyncio.wait([self._task])
        finally:
            if self.response is not None:
                await self.response.aclose()

    async def _read(self, send: Callable[[], Awaitable[HttpResponse]]) -> None:
        try:
            self.response = await send()
            self._sign_of_life()
            # Not every loop closes abandoned generators (Pyodide's does not).
            async with _closing(self.response.chunks()) as chunks:
                async for chunk in chunks:
                    if chunk:
                        await self._add(chunk)
        except Exception as error:
            self._error = self._error or error
        finally:
            self.ended = True
            self._stop_timer()
            self._wake()

    async def _add(self, chunk: bytes) -> None:
        self._chunks.append(chunk)
        self._size += len(chunk)
        self._sign_of_life()
        while self._size >= _ROOM_BYTES:
            self._room = self._loop.create_future()
            await self._room
            self._room = None
            self._last_sign = self._loop.time()

    def _sign_of_life(self) -> None:
        self._last_sign = self._loop.time()
        if self._noticed:
            self._noticed = self._notice_due = False
            self._set_timer()
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    # One timer that looks at the clock when it fires is cheaper than one for each chunk. It fires
    # early, since Pyodide's loop keeps a cancelled timer until it would have fired.
    def _set_timer(self) -> None:
        self._stop_timer()
        if self.ended:
            return
        due_ms = self._timeout_ms if self._noticed else min(IDLE_NOTICE_MS, self._timeout_ms)
        delay = self._last_sign + due_ms / 1000 - self._loop.time()
        self._timer = self._loop.call_later(min(max(delay, 0), _TICK_S), self._check)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _check(self) -> None:
        if self._room is not None:  # it is we who are slow
            self._last_sign = self._loop.time()
        silent_ms = round((self._loop.time() - self._last_sign) * 1000)
        if silent_ms >= self._timeout_ms:
            self._error = timeout_error(self._timeout_ms)
            self._task.cancel()
            return
        if silent_ms >= IDLE_NOTICE_MS and not self._noticed:
            self._noticed = self._notice_due = True
            self._wake()
        self._set_timer()


@asynccontextmanager
async def _closing(chunks: AsyncIterator[bytes]) -> AsyncIterator[AsyncIterator[bytes]]:
    try:
        yield chunks
    finally:
        aclose = getattr(chunks, "aclose", None)
        if aclose is not None:
            await aclose()


class Retries:
    """The budgets of one call. They are spent once, however the failures are mixed."""

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
        """The notice of the next attempt, or ``None`` when the error is final.

        ``stream`` says which budget it goes to: an answer that broke, or a request that got none.
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
        reason = str(error)
        if len(reason) > _MAX_REASON:
            reason = reason[:_MAX_REASON] + "..."
        return Reconnecting(attempt=used + 1, max_attempts=limit, delay_ms=delay_ms, reason=reason)

    def restore(self) -> None:
        """Give the budget for broken answers back: the answer has got further."""
        self._streams = 0


@dataclass(frozen=True, slots=True)
class FailedExchange:
    """A request that failed, kept for diagnosis. Everything secret is cut out."""

    method: str
    url: str
    """Without its query."""
    request_headers: Mapping[str, str]
    request_body: str
    """Its form and settings; what anybody wrote is replaced by its length."""
    error: Mapping[str, Any]
    status: int | None = None
    response_headers: Mapping[str, str] = field(default_factory=dict)
    response_body: str = ""
    at: float = 0.0
    """Unix time in seconds."""


@dataclass(slots=True)
class Sender:
    """Sends the requests of one call, with everything that they share."""

    fetch: Fetch
    auth: Auth
    build: Callable[[Mapping[str, str]], HttpRequest]
    """From the auth headers to the next request."""
    retries: Retries
    timeout_ms: int
    now: Callable[[], float] = time.time
    on_failure: Callable[[FailedExchange], None] = lambda failed: None
    on_send: Callable[[HttpRequest], None] = lambda request: None
    request: HttpRequest | None = None
    """The last request, once it was made."""
    failed_headers: Mapping[str, str] = field(default_factory=dict)
    """The headers of the last answer that was an error."""
    _refreshed: bool = False

    async def open(self) -> AsyncGenerator[Reconnecting | StreamIdle | Exchange, None]:
        """Ask until there is an answer of 2xx: yields notices, and the `Exchange` last.

        Who gets the exchange closes it. Raises the `SidestreamError` that no retry could mend.
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
        secrets = self.secrets()
        headers = response.headers if response is not None else {}
        self.on_failure(
            FailedExchange(
                method=request.method,
                url=redact(request.address, secrets),
                request_headers={
                    name: value if name.lower() in _HARMLESS_HEADERS else "***"
                    for name, value in request.headers.items()
                },
                request_body=redact(_outline(request.body or b""), secrets),
                error=error.to_dict(),
                status=response.status if response is not None else error.status,
                response_headers={
                    redact(name, secrets): "***" if is_secret_name(name) else redact(value, secrets)
                    for name, value in headers.items()
                },
                response_body=redact(
                    body[:MAX_KEPT_BODY_BYTES].decode("utf-8", "replace"), secrets
                ),
                at=self.now(),
            )
        )

    def secrets(self) -> list[str]:
        """The values of the last request that must not be seen, should the server repeat them."""
        return secrets_of(self.request) if self.request else []

    async def _send(self) -> HttpResponse:
        self.request = self.build(await self.auth.headers(self.fetch))
        self.on_send(self.request)
        return await self.fetch(self.request)

    async def _refresh(self) -> bool:
        """Renew the credentials after a 401, once; True if that is worth another try."""
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


def secrets_of(request: HttpRequest) -> list[str]:
    """The values of a request's headers and query that open something."""
    secrets = []
    for name, value in request.headers.items():
        scheme, _, credentials = value.partition(" ")
        if is_secret_name(name):
            secrets.append(credentials if credentials and len(scheme) < 20 else value)
        elif name.lower() not in _HARMLESS_HEADERS and redact(value) != value:
            # A key in a header of the user's own, whatever that is called.
            secrets.append(value)
    for name, value in parse_qsl(urlsplit(request.url).query):
        if is_secret_name(name) or redact(value) != value:
            secrets.append(value)
    return list(dict.fromkeys(secret for secret in secrets if len(secret) >= 4))


# Whose values say something in a diagnosis and cannot be secret. Of other headers, which the user
# may have set, nobody knows.
_HARMLESS_HEADERS = frozenset(
    {
        *("accept", "content-type", "openai-beta", "originator", "x-client-request-id"),
        *("conversation_id", "session_id", "session-id", "thread-id", "idempotency-key"),
        *("openai-organization", "openai-project", "http-referer", "x-title", "user-agent"),
    }
)


def _outline(body: bytes) -> str:
    """A request's body for a diagnosis: its form and its settings, without what anybody wrote."""
    if not body or len(body) > MAX_OUTLINED_BYTES:
        return f"({len(body):,} bytes)" if body else ""
    try:
        value = json.loads(body)
    except ValueError:
        return f"({len(body):,} bytes)"
    text = json.dumps(_shape(value), ensure_ascii=False)
    return text if len(text) <= MAX_OUTLINE else f"{text[:MAX_OUTLINE]}... ({len(body):,} bytes)"


def _shape(value: Any, name: str = "") -> Any:
    if isinstance(value, dict):
        return {key: _shape(part, key) for key, part in value.items()}
    if isinstance(value, list):
        return [_shape(part, name) for part in value]
    if isinstance(value, str) and (name not in _SHOWN_TEXTS or len(value) > _LONGEST_SHOWN):
        return f"({len(value):,} characters)"
    return value


# The fields of a request whose texts are names and settings, and never anybody's words.
_SHOWN_TEXTS = frozenset(
    {
        *("model", "role", "type", "effort", "summary", "reasoning_effort", "verbosity", "name"),
        *("tool_choice", "service_tier", "include", "id", "call_id", "tool_call_id", "detail"),
        *("status", "phase", "context", "truncation", "required", "format", "mode"),
    }
)
_LONGEST_SHOWN = 100


async def read_body(exchange: Exchange, limit: int) -> bytes:
    """The rest of a body, at most ``limit`` bytes; what came, if it breaks or falls silent."""
    body = bytearray()
    with suppress(SidestreamError):
        while len(body) < limit and not exchange.ended:
            await exchange.wait()
            body += exchange.take()
    body += exchange.take()
    return bytes(body[:limit])


def _explain_401(error: SidestreamError, mode: str, headers: Mapping[str, str]) -> SidestreamError:
    """Say which of the reasons for a 401 it is, where the request shows it."""
    if mode == "chatgpt":
        error.kind = ErrorKind.SIGN_IN_REQUIRED
        error.message = "The ChatGPT sign-in was refused."
        error.hint = "Sign in again."
    elif not {name.lower() for name in headers} & {"authorization", "api-key", "x-api-key"}:
        error.message = "The provider wants an API key."
        error.hint = "Enter the API key in the settings."
    return error
