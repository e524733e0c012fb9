"""Several conversations are open at once."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from sidestream.errors import ErrorKind, SidestreamError
from sidestream.session.turn import Turn
from tests.session.harness import (
    ID,
    OLD_TURN,
    Harness,
    MemoryStore,
    Panel,
    limited,
    reply,
    stored,
    with_harness,
)


@with_harness(reply("two"))
async def test_a_stored_conversation_is_opened_and_continued(harness: Harness) -> None:
    harness.store.put(stored("b", OLD_TURN))
    panel = Panel()
    harness.panels[1] = panel
    await harness.do("Join", "b", panel=1)
    assert list(panel.turns) == ["old"]
    await harness.do("Send", "b", panel=1, id="2", text="Now")
    await harness.until_idle()
    assert panel.texts() == {"old": "", "2": "two"}
    assert harness.store.last("2")["conversation"] == "b"
    assert harness.store.last("2")["position"] == 1
    assert harness.store.last("2")["parent"] == "old"
    assert harness.store.heads["b"]["leaf"] == "2"
    assert "Then" in str(harness.fetch.requests[-1].body)


@with_harness(reply(*"abcdef", pace_s=1), reply(*"uvwxyz", pace_s=0.7))
async def test_two_conversations_run_at_once_and_each_panel_sees_its_own(harness: Harness) -> None:
    await harness.do("Join", "b", panel=98)
    first, second, also_second = (
        harness.open_panel(),
        harness.open_panel("b"),
        harness.open_panel("b"),
    )
    await harness.do("Send", ID, id="1", text="one")
    await harness.do("Send", "b", id="2", text="two")
    await asyncio.sleep(2)
    both = [harness.chats.opened[name].conversation.running for name in (ID, "b")]
    assert all(both)
    await harness.until_idle()
    assert first.texts() == {"1": "abcdef"}
    assert second.texts() == also_second.texts() == {"2": "uvwxyz"}
    assert harness.store.last("1")["conversation"] == ID
    assert harness.store.last("2")["conversation"] == "b"


@with_harness(reply(*"abc", pace_s=1), reply("new"))
async def test_a_panel_that_shows_another_conversation_leaves_the_first_one_running(
    harness: Harness,
) -> None:
    panel = harness.open_panel()
    await harness.do("Send", panel=1, id="1", text="one")
    await asyncio.sleep(1.5)
    await harness.do("Join", "b", panel=1)
    assert panel.turns == {}
    await harness.do("Send", "b", panel=1, id="2", text="two")
    await harness.until_idle()
    assert panel.texts() == {"2": "new"}
    await harness.do("Join", ID, panel=1)
    assert panel.texts() == {"1": "abc"}


@with_harness(reply(*"abc", pace_s=1))
async def test_a_conversation_without_a_panel_stays_open_while_it_works(
    harness: Harness,
) -> None:
    await harness.do("Join", "b", panel=1)
    await harness.do("Send", "b", panel=1, id="1", text="one")
    await harness.do("Left", panel=1)
    assert "b" in harness.chats.opened
    await harness.until_idle()
    assert "b" not in harness.chats.opened
    assert harness.store.last("1")["status"] == "completed"


@with_harness(reply("abc"))
async def test_a_conversation_is_read_after_pending_writes(harness: Harness) -> None:
    harness.store.delay_s = 1
    await harness.do("Send", "b", panel=1, id="1", text="one")
    while "b" in harness.chats.opened:
        await asyncio.sleep(0.1)
    panel = harness.panels[1] = Panel()
    await harness.do("Join", "b", panel=1)
    assert panel.texts() == {"1": "abc"}
    assert panel.turns["1"].status == "completed"


@with_harness(reply("abc"))
async def test_opening_a_conversation_waits_for_settings_that_are_being_written(
    harness: Harness,
) -> None:
    await harness.do("Send", "b", panel=1, id="1", text="one")
    await harness.until_idle()
    harness.store.delay_s = 1
    await harness.do("Configure", "b", panel=1, settings={"effort": "low"})
    panel = harness.panels[1] = Panel()
    await harness.do("Join", "b", panel=1)
    assert panel.messages[-1]["conversation"]["settings"] == {"effort": "low"}
    await harness.until_idle()
    assert list(harness.chats.opened) == [ID, "b"]
    await harness.do("Left", panel=1)
    assert list(harness.chats.opened) == [ID]


@with_harness()
async def test_a_conversation_that_cannot_be_opened_is_reported_and_the_message_returned(
    harness: Harness,
) -> None:
    panel = harness.open_panel()
    harness.store.error = SidestreamError(ErrorKind.INTERNAL, "Broken.")
    await harness.do("Join", "b", panel=1)
    await harness.do("Send", "b", panel=1, id="1", text="Hi")
    assert [r["error"]["message"] for r in panel.rejected] == ["Broken.", "Broken."]
    assert panel.rejected[-1]["id"] == "1"
    harness.store.error = None
    await harness.do("Join", "b", panel=1)
    assert panel.messages[-1]["type"] == "Conversation"


@with_harness(reply(*"abc", pace_s=1))
async def test_a_deleted_conversation_is_left_and_its_turn_stopped(harness: Harness) -> None:
    await harness.do("Send", "b", id="1", text="Hi")
    await harness.do("Send", "b", id="2", text="And")
    await asyncio.sleep(1.5)
    await harness.do("Forget", "another")
    assert "b" in harness.chats.opened
    await harness.do("Forget", "b")
    await harness.until_idle()
    assert "b" not in harness.chats.opened
    assert harness.store.last("1")["status"] == "stopped"
    assert harness.store.last("2")["status"] == "stopped"
    assert harness.fetch.all_closed
    assert len(harness.fetch.requests) == 1


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

    # Types cannot express a method that is replaced on one object.
    store.load = load  # type: ignore[method-assign]

    @with_harness(reply("Hi"), store=store)
    async def scene(harness: Harness) -> None:
        await harness.until_idle()
        assert store.last("b")["status"] == "completed"

    scene()


@with_harness(
    limited("one", requests_left=0, reset="90s"),
    limited("two", requests_left=0, reset="50s"),
    limited("three", requests_left=5, reset="50s"),
    reply("four"),
)
async def test_after_a_limit_one_request_is_sent_first_as_a_probe(
    harness: Harness,
) -> None:
    await harness.do("Send", id="1", text="q1")
    await harness.until_idle()
    for number, name in enumerate("xyz", 2):
        await harness.do("Send", name, id=str(number), text="q")
        await asyncio.sleep(1)
    assert len(harness.fetch.requests) == 1
    await asyncio.sleep(95)
    assert len(harness.fetch.requests) == 2
    assert harness.store.last("2")["status"] == "completed"
    assert harness.store.last("3")["status"] == harness.store.last("4")["status"] == "queued"
    await asyncio.sleep(60)
    assert len(harness.fetch.requests) == 4
    assert harness.store.last("4")["status"] == "completed"
