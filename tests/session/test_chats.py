"""Several conversations are open at once."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from sidestream.errors import ErrorKind, SidestreamError
from sidestream.session.turn import Turn
from tests.session.world import (
    ID,
    OLD_TURN,
    MemoryStore,
    Panel,
    World,
    in_world,
    limited,
    stored,
    story,
)


def test_a_stored_conversation_is_opened_and_goes_on() -> None:
    @in_world(story("two"))
    async def scene(world: World) -> None:
        world.store.put(stored("b", OLD_TURN))
        panel = Panel()
        world.panels[1] = panel
        await world.do("Join", "b", panel=1)
        assert list(panel.turns) == ["old"]
        await world.do("Send", "b", panel=1, id="2", text="Now")
        await world.quiet()
        assert panel.texts() == {"old": "", "2": "two"}
        assert world.store.last("2")["conversation"] == "b"
        assert world.store.last("2")["position"] == 1
        assert world.store.last("2")["parent"] == "old"
        assert world.store.heads["b"]["leaf"] == "2"
        assert "Then" in str(world.fetch.requests[-1].body)


def test_two_conversations_run_at_once_and_each_panel_sees_its_own() -> None:
    @in_world(story(*"abcdef", pace_s=1), story(*"uvwxyz", pace_s=0.7))
    async def scene(world: World) -> None:
        await world.do("Join", "b", panel=98)
        first, second, also_second = (
            world.open_panel(),
            world.open_panel("b"),
            world.open_panel("b"),
        )
        await world.do("Send", ID, id="1", text="one")
        await world.do("Send", "b", id="2", text="two")
        await asyncio.sleep(2)
        both = [world.chats.opened[name].conversation.running for name in (ID, "b")]
        assert all(both)
        await world.quiet()
        assert first.texts() == {"1": "abcdef"}
        assert second.texts() == also_second.texts() == {"2": "uvwxyz"}
        assert world.store.last("1")["conversation"] == ID
        assert world.store.last("2")["conversation"] == "b"


def test_a_panel_that_shows_another_conversation_leaves_the_first_one_running() -> None:
    @in_world(story(*"abc", pace_s=1), story("new"))
    async def scene(world: World) -> None:
        panel = world.open_panel()
        await world.do("Send", panel=1, id="1", text="one")
        await asyncio.sleep(1.5)
        await world.do("Join", "b", panel=1)
        assert panel.turns == {}
        await world.do("Send", "b", panel=1, id="2", text="two")
        await world.quiet()
        assert panel.texts() == {"2": "new"}
        await world.do("Join", ID, panel=1)
        assert panel.texts() == {"1": "abc"}


def test_a_conversation_that_nobody_shows_is_kept_open_as_long_as_it_works() -> None:
    @in_world(story(*"abc", pace_s=1))
    async def scene(world: World) -> None:
        await world.do("Join", "b", panel=1)
        await world.do("Send", "b", panel=1, id="1", text="one")
        await world.do("Left", panel=1)
        assert "b" in world.chats.opened
        await world.quiet()
        assert "b" not in world.chats.opened
        assert world.store.last("1")["status"] == "completed"


def test_a_conversation_is_read_after_what_was_being_written() -> None:
    @in_world(story("abc"))
    async def scene(world: World) -> None:
        world.store.delay_s = 1
        await world.do("Send", "b", panel=1, id="1", text="one")
        while "b" in world.chats.opened:
            await asyncio.sleep(0.1)
        panel = world.panels[1] = Panel()
        await world.do("Join", "b", panel=1)
        assert panel.texts() == {"1": "abc"}
        assert panel.turns["1"].status == "completed"


def test_settings_that_are_being_written_are_there_for_who_opens_the_conversation() -> None:
    @in_world(story("abc"))
    async def scene(world: World) -> None:
        await world.do("Send", "b", panel=1, id="1", text="one")
        await world.quiet()
        world.store.delay_s = 1
        await world.do("Configure", "b", panel=1, settings={"effort": "low"})
        panel = world.panels[1] = Panel()
        await world.do("Join", "b", panel=1)
        assert panel.messages[-1]["conversation"]["settings"] == {"effort": "low"}
        await world.quiet()
        assert list(world.chats.opened) == [ID, "b"]
        await world.do("Left", panel=1)
        assert list(world.chats.opened) == [ID]


def test_what_cannot_be_opened_is_said_and_the_message_comes_back() -> None:
    @in_world()
    async def scene(world: World) -> None:
        panel = world.open_panel()
        world.store.error = SidestreamError(ErrorKind.INTERNAL, "Broken.")
        await world.do("Join", "b", panel=1)
        await world.do("Send", "b", panel=1, id="1", text="Hi")
        assert [r["error"]["message"] for r in panel.rejected] == ["Broken.", "Broken."]
        assert panel.rejected[-1]["id"] == "1"
        world.store.error = None
        await world.do("Join", "b", panel=1)
        assert panel.messages[-1]["type"] == "Conversation"


def test_a_deleted_conversation_is_left_and_its_turn_stopped() -> None:
    @in_world(story(*"abc", pace_s=1))
    async def scene(world: World) -> None:
        await world.do("Send", "b", id="1", text="Hi")
        await world.do("Send", "b", id="2", text="And")
        await asyncio.sleep(1.5)
        await world.do("Forget", "another")
        assert "b" in world.chats.opened
        await world.do("Forget", "b")
        await world.quiet()
        assert "b" not in world.chats.opened
        assert world.store.last("1")["status"] == "stopped"
        assert world.store.last("2")["status"] == "stopped"
        assert world.fetch.all_closed
        assert len(world.fetch.requests) == 1


def test_an_unreadable_conversation_keeps_no_other_from_resuming() -> None:
    store = MemoryStore()
    for name in "ab":
        turn = Turn(id=name, user="q", created_at=0, sent=False)
        store.put(stored(name, json.loads(turn.record())))
    read = store.load

    async def load(conversation_id: str) -> dict[str, Any] | None:
        if conversation_id == "a":
            raise SidestreamError(ErrorKind.INTERNAL, "Broken.")
        return await read(conversation_id)

    # A method of this one store, for which typing has no word.
    store.load = load  # type: ignore[method-assign]

    @in_world(story("Hi"), store=store)
    async def scene(world: World) -> None:
        await world.quiet()
        assert store.last("b")["status"] == "completed"


def test_of_those_who_waited_for_a_limit_one_goes_first_and_the_others_see() -> None:
    @in_world(
        limited("one", requests_left=0, reset="90s"),
        limited("two", requests_left=0, reset="50s"),
        limited("three", requests_left=5, reset="50s"),
        story("four"),
    )
    async def scene(world: World) -> None:
        await world.do("Send", id="1", text="q1")
        await world.quiet()
        for number, name in enumerate("xyz", 2):
            await world.do("Send", name, id=str(number), text="q")
            await asyncio.sleep(1)
        assert len(world.fetch.requests) == 1
        await asyncio.sleep(95)
        assert len(world.fetch.requests) == 2
        assert world.store.last("2")["status"] == "completed"
        assert world.store.last("3")["status"] == world.store.last("4")["status"] == "queued"
        await asyncio.sleep(60)
        assert len(world.fetch.requests) == 4
        assert world.store.last("4")["status"] == "completed"
