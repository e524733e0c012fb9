from __future__ import annotations

import asyncio
import gc
import weakref

from hypothesis import given
from hypothesis import strategies as st

from sidestream.browser.timers import share_timers
from sidestream.testing import run


class Loop:
    """Counts the timers that the loop beneath is asked for."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.armed = 0
        call_later = self.loop.call_later

        def counting(*args: object, **kwargs: object) -> asyncio.TimerHandle:
            self.armed += 1
            return call_later(*args, **kwargs)  # type: ignore[arg-type]

        self.loop.call_later = counting  # type: ignore[method-assign]
        share_timers(self.loop)


@given(st.lists(st.tuples(st.floats(0, 100), st.booleans()), max_size=20))
def test_each_wait_ends_when_it_is_due_or_not_at_all(waits: list[tuple[float, bool]]) -> None:
    async def scene() -> None:
        loop = Loop().loop
        fired: list[tuple[float, float]] = []
        handles = [
            (loop.call_later(delay, lambda d=delay: fired.append((d, loop.time()))), cancelled)
            for delay, cancelled in waits
        ]
        for handle, cancelled in handles:
            if cancelled:
                handle.cancel()
        await asyncio.sleep(101)
        assert sorted(d for d, _ in fired) == sorted(d for d, cancelled in waits if not cancelled)
        assert all(abs(at - delay) <= 0.006 for delay, at in fired)

    run(scene())


def test_a_cancelled_wait_is_gone_at_once() -> None:
    class Thing:
        pass

    async def scene() -> None:
        loop = Loop().loop
        thing = Thing()
        gone = weakref.ref(thing)
        loop.call_later(300, print, thing).cancel()
        del thing
        gc.collect()
        assert gone() is None

    run(scene())


def test_many_cancelled_waits_share_one_timer() -> None:
    async def scene() -> None:
        counting = Loop()
        for _ in range(100):
            counting.loop.call_later(30, print).cancel()
        assert counting.armed == 1

    run(scene())


def test_a_wait_that_is_set_by_another_is_kept() -> None:
    async def scene() -> None:
        loop = Loop().loop
        fired: list[float] = []

        def again() -> None:
            fired.append(loop.time())
            if len(fired) < 3:
                loop.call_later(10, again)

        loop.call_later(10, again)
        loop.call_later(25, lambda: fired.append(loop.time()))
        await asyncio.sleep(40)
        assert [round(at) for at in fired] == [10, 20, 25, 30]

    run(scene())
