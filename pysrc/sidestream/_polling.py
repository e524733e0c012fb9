"""`Polling`: the pauses between requests for a background answer that is not finished."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from sidestream.errors import ErrorKind, SidestreamError
from sidestream.exchange import IDLE_NOTICE_MS
from sidestream.texts import text
from sidestream.types.events import StreamIdle

FIRST_PAUSE_S = 2.0
"""The first pause. Each further one is half as long again, up to `LONGEST_PAUSE_S`."""
LONGEST_PAUSE_S = 60.0
GIVE_UP_AFTER_S = 3600.0
"""How long an answer may stay unfinished."""


class Polling:
    """Waits for a background answer that can no longer be streamed."""

    def __init__(self) -> None:
        self._since: float | None = None
        self._pause_s = FIRST_PAUSE_S

    async def pause(self) -> AsyncGenerator[StreamIdle, None]:
        """Wait until the next request, after a `StreamIdle` event if the wait is already long.

        Raises `SidestreamError` when the answer has been awaited for long enough.
        """
        now = asyncio.get_running_loop().time()
        self._since = now if self._since is None else self._since
        waited_s = now - self._since
        if waited_s >= GIVE_UP_AFTER_S:
            raise _never_finished(waited_s)
        if waited_s * 1000 >= IDLE_NOTICE_MS:
            idle_ms, timeout_ms = round(waited_s * 1000), round(GIVE_UP_AFTER_S * 1000)
            yield StreamIdle(idle_ms=idle_ms, timeout_ms=timeout_ms)
        await asyncio.sleep(self._pause_s)
        self._pause_s = min(self._pause_s * 1.5, LONGEST_PAUSE_S)


def _never_finished(waited_s: float) -> SidestreamError:
    return SidestreamError(
        ErrorKind.TIMEOUT,
        text("error_never_finished", count=round(waited_s / 60)),
        hint=text("hint_never_finished"),
    )
