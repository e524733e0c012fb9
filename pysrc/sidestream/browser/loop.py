"""asyncio's loop under Pyodide, with fewer calls between Python and JavaScript."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from contextvars import Context
from typing import Any

TURN_S = 0.004
"""After this time the browser runs, so that commands and timers are not held up."""


def share_turns(loop: asyncio.AbstractEventLoop) -> None:
    """Run all callbacks that are ready in one task of the browser.

    Pyodide's loop makes a JavaScript callback and a browser task for each `call_soon`. That costs
    more than handling a few deltas does, and one chunk needs several of them.
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

    # Types cannot express a method that is replaced on one object.
    loop.call_soon = call_soon  # type: ignore[method-assign, assignment]
