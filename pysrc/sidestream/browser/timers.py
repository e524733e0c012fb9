"""One JavaScript timer for all long waits.

Pyodide's event loop cannot take a timer back: the one behind a cancelled handle keeps its Python
objects until it is due. Each request waits for 30 seconds of silence that hardly ever come, so
these would pile up. Here the long waits share a timer, and a cancelled one is gone at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import Context
from typing import Any

LONG_S = 5.0
"""Shorter waits are left to the loop."""


def share_timers(loop: asyncio.AbstractEventLoop) -> None:
    """Make the loop's ``call_later`` (and what rests on it) share one timer for long waits."""
    loop.call_later = _SharedTimer(loop).call_later  # type: ignore[assignment]


class _SharedTimer:
    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._call_later = loop.call_later
        self._waiting: set[_LongWait] = set()
        self._armed_for = float("inf")

    def call_later(
        self,
        delay: float,
        callback: Callable[..., Any],
        *args: Any,
        context: Context | None = None,
    ) -> asyncio.Handle:
        if delay < LONG_S:
            return self._call_later(delay, callback, *args, context=context)
        wait = _LongWait(
            self._loop.time() + delay, self._waiting, callback, args, self._loop, context
        )
        self._waiting.add(wait)
        self._arm()
        return wait

    def _arm(self) -> None:
        due = min((wait.due for wait in self._waiting), default=float("inf"))
        if due < self._armed_for:
            self._armed_for = due
            self._call_later(max(0.0, due - self._loop.time()), self._fire, due)

    def _fire(self, due: float) -> None:
        if due == self._armed_for:
            self._armed_for = float("inf")
        # A timer may fire a little early.
        now = self._loop.time() + 0.005
        for wait in sorted(self._waiting, key=lambda wait: wait.due):
            if wait.due <= now:
                self._waiting.discard(wait)
                wait._run()
        self._arm()


class _LongWait(asyncio.Handle):
    def __init__(
        self,
        due: float,
        waiting: set[_LongWait],
        callback: Callable[..., Any],
        args: tuple[Any, ...],
        loop: asyncio.AbstractEventLoop,
        context: Context | None,
    ) -> None:
        super().__init__(callback, args, loop, context)
        self.due = due
        self._waiting = waiting

    def cancel(self) -> None:
        self._waiting.discard(self)
        super().cancel()
