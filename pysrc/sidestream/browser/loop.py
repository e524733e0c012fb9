"""asyncio's loop under Pyodide, with fewer ways across the border."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from contextvars import Context
from typing import Any

TURN_S = 0.004
"""After this long the browser gets its turn, and with it commands and timers."""


def share_turns(loop: asyncio.AbstractEventLoop) -> None:
    """Let what is ready run in one task of the browser.

    Pyodide's loop makes a JavaScript callback and a task of the browser for each `call_soon`, which
    costs more than all that is done with a few deltas, and one chunk takes several of them.
    """
    ready: deque[asyncio.Handle] = deque()
    in_a_task = loop.call_soon
    waiting = False

    def call_soon(
        callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        nonlocal waiting
        handle = asyncio.Handle(callback, args, loop, context)
        ready.append(handle)
        if not waiting:
            waiting = True
            in_a_task(run)
        return handle

    def run() -> None:
        nonlocal waiting
        end = loop.time() + TURN_S
        try:
            while ready:
                handle = ready.popleft()
                if not handle.cancelled():
                    handle._run()
                if loop.time() > end:
                    break
        finally:
            waiting = bool(ready)
            if waiting:
                in_a_task(run)

    # Typing has no word for a method that one object has of its own.
    loop.call_soon = call_soon  # type: ignore[method-assign, assignment]
