"""The commands of one conversation."""

from __future__ import annotations

import asyncio

from sidestream.testing import (
    Reply,
)
from tests.session.world import World, in_world, story


def test_the_same_send_twice_starts_one_turn() -> None:
    @in_world(story("Hi"))
    async def scene(world: World) -> None:
        panel = world.open_panel()
        world.chat.send("1", "Hi")
        world.chat.send("1", "Hi")
        await world.quiet()
        world.chat.send("1", "Hi")
        await world.quiet()
        assert len(world.fetch.requests) == 1
        assert list(panel.turns) == ["1"]
        assert panel.rejected == []


def test_what_cannot_be_carried_out_is_rejected_to_the_asker_only() -> None:
    @in_world(story("a", "b", pace_s=1))
    async def scene(world: World) -> None:
        asker, other = world.open_panel(), world.open_panel()
        world.chat.send("0", "  \n", 1)
        world.chat.retry("unknown", 1)
        world.chat.send("1", "Hi", 1)
        world.chat.retry("1", 1)
        world.chat.cancel("1", 1)
        world.chat.send_now("unknown", 1)
        assert [r.get("id") for r in asker.rejected] == ["0", None, None, None, None]
        assert other.rejected == []
        await world.quiet()
        assert list(asker.turns) == ["1"]


def test_stop_aborts_the_request_and_keeps_what_came() -> None:
    @in_world(story("a", "b", "c", pace_s=1), story("again"))
    async def scene(world: World) -> None:
        panel = world.open_panel()
        world.chat.send("1", "Hi")
        while panel.texts().get("1") != "ab":
            await asyncio.sleep(0.1)
        world.chat.stop()
        assert panel.turns["1"].status == "stopped"
        # At once, not when the network has noticed.
        world.chat.send("2", "go on")
        await world.quiet()
        assert world.fetch.all_closed
        assert panel.texts() == {"1": "ab", "2": "again"}
        assert world.store.last("1")["status"] == "stopped"
        sent = world.fetch.json()["input"]
        assert [item["content"][0]["text"] for item in sent] == ["Hi", "ab", "go on"]


def test_stop_and_retry_in_one_breath() -> None:
    @in_world(story("a", "b", pace_s=1), story("new"))
    async def scene(world: World) -> None:
        panel = world.open_panel()
        world.chat.send("1", "Hi")
        await asyncio.sleep(1.5)
        world.chat.stop()
        world.chat.retry("1")
        await world.quiet()
        assert panel.texts() == {"1": "new"}
        assert panel.turns["1"].status == "completed"
        assert world.store.last("1")["blocks"][0]["text"] == "new"


def test_stop_without_a_turn_does_nothing() -> None:
    @in_world(story("Hi"))
    async def scene(world: World) -> None:
        world.chat.stop()
        world.chat.send("1", "Hi")
        await world.quiet()
        world.chat.stop()
        assert world.chat.conversation.turns[0].status == "completed"


def test_stop_while_reconnecting() -> None:
    @in_world(then=Reply(status=503))
    async def scene(world: World) -> None:
        panel = world.open_panel()
        world.chat.send("1", "Hi")
        await asyncio.sleep(0.5)
        assert panel.turns["1"].status == "reconnecting"
        assert "Reconnecting 1/4" in (panel.turns["1"].notice or "")
        world.chat.stop()
        await world.quiet()
        assert panel.turns["1"].status == "stopped"
        assert panel.turns["1"].notice is None
        assert len(world.fetch.requests) == 1
