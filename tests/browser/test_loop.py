from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import pytest

from sidestream.browser.loop import TURN_S, share_turns


class BrowserLoop(asyncio.AbstractEventLoop):
    """Stands in for Pyodide's loop: each `call_soon` becomes a task of the browser."""

    def __init__(self) -> None:
        self.now = 0.0
        self.tasks: list[Callable[[], Any]] = []
        self.failures: list[dict[str, Any]] = []

    def get_debug(self) -> bool:
        return False

    def time(self) -> float:
        return self.now

    def call_soon(self, callback: Any, *args: Any, context: Any = None) -> Any:
        self.tasks.append(lambda: callback(*args))

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        self.failures.append(context)

    def turn(self) -> None:
        tasks, self.tasks = self.tasks, []
        for task in tasks:
            task()


@pytest.fixture
def loop() -> BrowserLoop:
    loop = BrowserLoop()
    share_turns(loop)
    return loop


def test_what_is_ready_runs_in_one_task_and_in_order(loop: BrowserLoop) -> None:
    ran: list[str] = []
    loop.call_soon(lambda: (ran.append("a"), loop.call_soon(ran.append, "c")))
    loop.call_soon(ran.append, "never").cancel()
    loop.call_soon(ran.append, "b")
    assert (len(loop.tasks), ran) == (1, [])
    loop.turn()
    assert ran == ["a", "b", "c"]
    assert loop.tasks == []
    loop.call_soon(ran.append, "d")
    loop.turn()
    assert ran[-1] == "d"


def test_the_browser_runs_between_batches(loop: BrowserLoop) -> None:
    ran = 0

    def work() -> None:
        nonlocal ran
        ran += 1
        loop.now += TURN_S / 3.5
        loop.call_soon(work)

    loop.call_soon(work)
    for turn in range(1, 4):
        loop.turn()
        assert (ran, len(loop.tasks)) == (turn * 4, 1)


def test_a_failure_stops_no_other_task(loop: BrowserLoop) -> None:
    ran: list[str] = []

    def leave() -> None:
        raise KeyboardInterrupt

    loop.call_soon([].pop)
    loop.call_soon(ran.append, "a")
    loop.call_soon(leave)
    loop.call_soon(ran.append, "b")
    with pytest.raises(KeyboardInterrupt):
        loop.turn()
    assert [type(failure["exception"]) for failure in loop.failures] == [IndexError]
    loop.turn()
    assert ran == ["a", "b"]


def test_each_callback_has_its_context(loop: BrowserLoop) -> None:
    variable: ContextVar[str] = ContextVar("variable", default="")
    seen: list[str] = []
    variable.set("then")
    loop.call_soon(lambda: seen.append(variable.get()))
    variable.set("now")
    loop.turn()
    assert seen == ["then"]
