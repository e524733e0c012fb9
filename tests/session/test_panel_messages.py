"""What the panels of a conversation receive."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from tests.session.harness import Harness, reply, with_harness


@given(joins=st.lists(st.floats(0, 6), max_size=5), pace=st.sampled_from([0.0, 0.003, 0.3]))
def test_panels_that_join_at_any_time_see_the_same(joins: list[float], pace: float) -> None:
    deltas = [f"word{i} " for i in range(15)]

    @with_harness(reply(*deltas, pace_s=pace))
    async def scene(harness: Harness) -> None:
        harness.chat.send("1", "Hi")
        clock = 0.0
        for at in sorted(joins):
            await asyncio.sleep(at - clock)
            clock = at
            harness.open_panel()
        await harness.until_idle()
        for panel in harness.panels.values():
            assert panel.texts() == {"1": "".join(deltas)}
            assert panel.turns["1"].view() == harness.chat.conversation.turns[0].view()

    scene()


@with_harness(reply("a", "b", pace_s=1))
async def test_the_turn_continues_without_a_panel(harness: Harness) -> None:
    panel = harness.open_panel()
    harness.chat.send("1", "Hi")
    await asyncio.sleep(0.5)
    harness.panels.clear()
    await harness.until_idle()
    assert panel.texts() != {"1": "ab"}
    assert harness.open_panel().texts() == {"1": "ab"}


@with_harness(reply(*("x" * 300), pace_s=0.001))
async def test_events_go_out_in_batches(harness: Harness) -> None:
    panel = harness.open_panel()
    harness.chat.send("1", "Hi")
    await harness.until_idle()
    batches = [m for m in panel.messages if m["type"] == "Events"]
    assert panel.turns["1"].text == "x" * 300
    assert len(batches) < 100
