"""`Exchange`: one request and its response, with a limit to how long the server may be silent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from sidestream.connection_errors import timeout_error
from sidestream.errors import SidestreamError
from sidestream.transport import HttpResponse
from sidestream.types.events import StreamIdle

IDLE_NOTICE_MS = 30_000
"""After this much silence a `StreamIdle` event is due."""
_ROOM_BYTES = 1 << 19
_TICK_S = 1.0


class Exchange:
    """One request and its response, read in the background.

    A background task reads, so that a silence can be reported while it lasts. Any byte counts as a
    sign of life, and so do the headers. Reading pauses while half a megabyte waits to be taken.
    """

    def __init__(self, send: Callable[[], Awaitable[HttpResponse]], timeout_ms: int) -> None:
        self.response: HttpResponse | None = None
        """Set once the headers are there."""
        self.ended = False
        """Whether the response has ended, for good or ill."""
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
        """How long the server may be silent. It may be changed at any time."""
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
        """Return all bytes that have arrived and were not taken yet."""
        data = self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)
        self._chunks.clear()
        self._size = 0
        if self._room is not None and not self._room.done():
            self._room.set_result(None)
        return data

    async def wait(self) -> bool:
        """Wait for the headers, for bytes or for the end.

        Returns False when there is only silence, once per silence. Raises the `SidestreamError`
        that ended the exchange as soon as all bytes before it are taken.
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
        """Abort the request if it is still running. May be called twice."""
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
    # every second, since Pyodide's loop keeps a cancelled timer until it would have fired.
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
        if self._room is not None:  # the reader is slow, not the server
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


async def read_body(exchange: Exchange, limit: int) -> bytes:
    """Read the rest of a body, at most ``limit`` bytes.

    Of a body that breaks or falls silent, what arrived is returned.
    """
    body = bytearray()
    with suppress(SidestreamError):
        while len(body) < limit and not exchange.ended:
            await exchange.wait()
            body += exchange.take()
    body += exchange.take()
    return bytes(body[:limit])
