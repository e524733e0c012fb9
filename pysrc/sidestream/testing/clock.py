"""An event loop with virtual time: sleeping takes no time, and every run is the same."""

from __future__ import annotations

import asyncio
from asyncio import events, tasks
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

T = TypeVar("T")

START = 1_700_000_000.0
"""The Unix time at which every virtual clock begins (2023-11-14 22:13:20 UTC)."""


class DeadlockError(RuntimeError):
    """All tasks wait and nothing is scheduled to wake them, or the virtual time is used up."""


def run(main: Coroutine[Any, Any, T], *, limit_s: float = 86_400.0) -> T:
    """Run a coroutine to its end on an event loop with virtual time.

    Whenever nothing is ready, the clock jumps to the next timer. Works on CPython and inside
    Pyodide, also while another loop is running. Tasks that are left over are cancelled.

    Raises `DeadlockError` when nothing can ever happen again, or when ``limit_s`` seconds of
    virtual time have passed (a timer that repeats for ever keeps a deadlock alive).
    """
    with _no_running_loop():
        loop = VirtualTimeLoop(limit_s)
        try:
            return loop.run_until_complete(main)
        finally:
            loop.extend(limit_s)
            try:
                _cancel_what_is_left(loop)
                loop.run_until_complete(loop.shutdown_asyncgens())
            finally:
                loop.close()


def now() -> float:
    """The virtual Unix time in seconds, for every ``now=`` parameter."""
    return START + asyncio.get_running_loop().time()


class VirtualTimeLoop(asyncio.BaseEventLoop):
    """A loop without input or output, whose clock begins at 0 and jumps from timer to timer."""

    def __init__(self, limit_s: float) -> None:
        super().__init__()
        self._now = 0.0
        self._limit_s = limit_s
        # BaseEventLoop waits in `_selector.select` and fires timers within `_clock_resolution`.
        self._selector = self
        self._clock_resolution = 1e-6

    def time(self) -> float:
        """Seconds of virtual time since the loop was made."""
        return self._now

    def extend(self, seconds: float) -> None:
        """Allow this much more virtual time from now on."""
        self._limit_s = self._now + seconds

    def select(self, timeout: float | None) -> list[Any]:
        """Jump to the next timer instead of waiting for it."""
        if timeout is None:
            raise DeadlockError(f"nothing is scheduled, so this never ends: {self._waiting()}")
        self._now += timeout
        if self._now > self._limit_s:
            raise DeadlockError(f"still not done at {self._now:.0f} s: {self._waiting()}")
        return []

    def _process_events(self, event_list: list[Any]) -> None:
        pass

    def _write_to_self(self) -> None:
        pass

    def _waiting(self) -> str:
        # The repr of a task would add pages of callbacks, so this is the one of its coroutine.
        return "; ".join(sorted(repr(task.get_coro()) for task in asyncio.all_tasks(self)))


_ROUNDS = 10


def _cancel_what_is_left(loop: VirtualTimeLoop) -> None:
    # A cancelled task may begin others. Those that do so without end are ignored.
    for _ in range(_ROUNDS):
        left = asyncio.all_tasks(loop)
        if not left:
            return
        for task in left:
            task.cancel()
        loop.run_until_complete(_gather(left))


async def _gather(left: set[asyncio.Task[Any]]) -> None:
    await asyncio.gather(*left, return_exceptions=True)


@contextmanager
def _no_running_loop() -> Iterator[None]:
    # Pyodide's WebLoop counts as running all the time. Since Python 3.14 the current task belongs
    # to the thread, so it has to step aside as well; older versions keep it by loop.
    outer = events._get_running_loop()
    if outer is None:
        yield
        return
    swap = getattr(tasks, "_swap_current_task", None)
    task = swap(outer, None) if swap else None
    events._set_running_loop(None)
    try:
        yield
    finally:
        events._set_running_loop(outer)
        if swap:
            swap(outer, task)
