"""What the panels of a conversation receive."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from tests.session.world import World, in_world, story


@given(joins=st.lists(st.floats(0, 6), max_size=5), pace=st.sampled_from([0.0, 0.003, 0.3]))
def test_panels_that_join_at_any_time_see_the_same(joins: list[float], pace: float) -> None:
    deltas = [f"word{i} " for i in range(15)]

    @in_world(story(*deltas, pace_s=pace))
    async def scene(world: World) -> None:
        world.chat.send("1", "Hi")
        clock = 0.0
        for at in sorted(joins):
            await asyncio.sleep(at - clock)
            clock = at
            world.open_panel()
        await world.quiet()
        for panel in world.panels.values():
            assert panel.texts() == {"1": "".join(deltas)}
            assert panel.turns["1"].view() == world.chat.conversation.turns[0].view()


def test_the_turn_goes_on_without_a_panel() -> None:
    @in_world(story("a", "b", pace_s=1))
    async def scene(world: World) -> None:
        panel = world.open_panel()
        world.chat.send("1", "Hi")
        await asyncio.sleep(0.5)
        world.panels.clear()
        await world.quiet()
        assert panel.texts() != {"1": "ab"}
        assert world.open_panel().texts() == {"1": "ab"}


def test_events_go_out_in_batches() -> None:
    @in_world(story(*("x" * 300), pace_s=0.001))
    async def scene(world: World) -> None:
        panel = world.open_panel()
        world.chat.send("1", "Hi")
        await world.quiet()
        batches = [m for m in panel.messages if m["type"] == "Events"]
        assert panel.turns["1"].text == "x" * 300
        assert len(batches) < 100
