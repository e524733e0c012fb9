"""Branches: edits, retries, continued answers."""

from __future__ import annotations

import asyncio

import pytest

from sidestream.session.conversation import Conversation
from sidestream.testing import (
    Reply,
    ResponsesStream,
)
from tests.session.world import (
    ID,
    MemoryStore,
    World,
    in_world,
    reasons,
    story,
)

# --- branches ----------------------------------------------------------------------------------


def test_an_edited_message_begins_a_branch_and_the_old_one_stays() -> None:
    @in_world(story("a1"), story("a2"), story("b1"), story("b2"), story("c2"))
    async def scene(world: World) -> None:
        panel, other = world.open_panel(), world.open_panel()
        for turn_id in ("1", "2"):
            world.chat.send(turn_id, f"q{turn_id}")
            await world.quiet()
        world.chat.send("1b", "other", replaces="1")
        await world.quiet()
        for each in (panel, other):
            assert each.texts() == {"1b": "b1"}
            assert each.siblings("1b") == ["1", "1b"]
        assert len(world.fetch.json()["input"]) == 1
        world.chat.send("2b", "more")
        await world.quiet()
        assert list(panel.turns) == ["1b", "2b"]
        await world.do("ShowBranch", panel=1, turn="1")
        assert panel.texts() == other.texts() == {"1": "a1", "2": "a2"}
        world.chat.send("3", "on")
        await world.quiet()
        sent = [item["content"][0]["text"] for item in world.fetch.json()["input"]]
        assert sent == ["q1", "a1", "q2", "a2", "on"]
        assert world.store.heads[ID]["leaf"] == "3"


def test_an_answer_is_regenerated_beside_the_first_one_also_after_a_restart() -> None:
    store = MemoryStore()

    @in_world(story("a1"), story("a2"), store=store)
    async def first_life(world: World) -> None:
        panel = world.open_panel()
        world.chat.send("1", "q1")
        await world.quiet()
        for _ in range(2):
            await world.do("Regenerate", panel=1, id="2", turn="1")
        await world.quiet()
        assert panel.texts() == {"2": "a2"}
        assert panel.turns["2"].user == "q1"
        assert panel.siblings("2") == ["1", "2"]

    @in_world(store=store)
    async def second_life(world: World) -> None:
        panel = world.open_panel()
        assert panel.texts() == {"2": "a2"}
        await world.do("ShowBranch", panel=1, turn="1")
        assert panel.texts() == {"1": "a1"}
        await world.quiet()
        assert store.heads[ID]["leaf"] == "1"


def test_a_retry_loses_nothing_that_had_come() -> None:
    cut = Reply(ResponsesStream().created().text("half").incomplete())

    @in_world(Reply(status=401), cut, story("whole"), story("b"))
    async def scene(world: World) -> None:
        panel = world.open_panel()
        world.chat.send("1", "Hi")
        await world.quiet()
        world.chat.retry("1")
        await world.quiet()
        assert panel.texts() == {"1": "half"}, "nothing had come: it runs again in its place"
        world.chat.retry("1")
        await world.quiet()
        (retried,) = panel.turns
        assert panel.texts() == {retried: "whole"}
        assert panel.siblings(retried) == ["1", retried]
        assert world.store.last("1")["blocks"][0]["text"] == "half"


def test_waiting_messages_follow_the_branch_of_the_retry() -> None:
    cut = Reply(ResponsesStream().created().text("half").failed("server_error", "no"))

    @in_world(cut, story("whole"), story("two"), then=Reply(status=500))
    async def scene(world: World) -> None:
        panel = world.open_panel()
        world.chat.send("1", "q1")
        world.chat.send("2", "q2")
        await world.quiet()
        assert reasons(world) == {"1": None, "2": "pause"}
        await world.do("ShowBranch", panel=1, turn="1")
        assert "waiting" in panel.rejected[-1]["error"]["message"]
        world.chat.retry("1")
        await world.quiet()
        assert list(panel.texts().values()) == ["whole", "two"]
        sent = [item["content"][0]["text"] for item in world.fetch.json()["input"]]
        assert sent == ["q1", "whole", "q2"]


def test_branches_stay_as_they_are_while_an_answer_is_written() -> None:
    @in_world(story("a1"), story(*"abc", pace_s=1))
    async def scene(world: World) -> None:
        panel = world.open_panel()
        world.chat.send("1", "q1")
        await world.quiet()
        world.chat.send("2", "q2")
        world.chat.send("3", "q3")
        await asyncio.sleep(1)
        world.chat.send("1b", "other", 1, "1")
        assert panel.rejected[-1]["id"] == "1b", "the text comes back"
        await world.do("Regenerate", panel=1, id="x", turn="1")
        await world.do("ShowBranch", panel=1, turn="1")
        await world.do("Compact", panel=1)
        assert len(panel.rejected) == 4
        world.chat.send("3b", "changed", 1, "3")
        world.chat.send("1c", "other", 1, "gone")
        assert [r.get("id") for r in panel.rejected[4:]] == ["3b", "1c"]
        world.chat.cancel("3")
        await world.quiet()
        assert panel.texts() == {"1": "a1", "2": "abc"}


# --- going on with an answer that was cut off ---------------------------------------------------


def test_a_cut_answer_is_continued_in_a_turn_of_its_own() -> None:
    @in_world(story("One, ", "two, ", pace_s=1), then=story("three."))
    async def scene(world: World) -> None:
        panel = world.open_panel()
        world.chat.send("1", "Count")
        await asyncio.sleep(5.5)
        world.chat.stop()
        assert panel.actions("1") == ["continue"]
        await world.do("Continue", panel=1, id="2", turn="1")
        await world.quiet()
        assert panel.texts() == {"1": "One, ", "2": "three."}
        assert panel.turns["2"].user == "Continue."
        assert panel.turns["2"].parent == "1"
        said = [item["content"][0]["text"] for item in world.fetch.json()["input"]]
        assert said == ["Count", "One, ", "Continue."]
        await world.do("Continue", panel=1, id="2", turn="1")  # the same once more
        await world.do("Continue", panel=1, id="3", turn="1")
        await world.do("Continue", panel=1, id="3", turn="2")
        await world.do("Continue", panel=1, id="3", turn="nowhere")
        assert set(panel.turns) == {"1", "2"}
        assert len(panel.rejected) == 3


@pytest.mark.parametrize(
    ("stream", "offered"),
    [
        (ResponsesStream().created().text("a").incomplete(), True),
        (ResponsesStream().created().text("a").failed("invalid_prompt", "no"), True),
        (ResponsesStream().created().failed("invalid_prompt", "no"), False),
        (ResponsesStream().created().reasoning("Hm.").incomplete(), False),
        (ResponsesStream().created().text("a").completed(), False),
    ],
)
def test_only_what_was_cut_off_in_mid_answer_can_be_continued(
    stream: ResponsesStream, offered: bool
) -> None:
    @in_world(Reply(stream))
    async def scene(world: World) -> None:
        panel = world.open_panel()
        world.chat.send("1", "Hi")
        await world.quiet()
        assert (panel.actions("1") == ["continue"]) is offered
        if not offered:
            await world.do("Continue", panel=1, id="2", turn="1")
            assert len(panel.rejected) == 1


def test_waiting_messages_follow_the_continuation() -> None:
    @in_world(
        Reply(ResponsesStream().created().text("a").failed("invalid_prompt", "no").paced(0.1)),
        story("b"),
        story("c"),
    )
    async def scene(world: World) -> None:
        panel = world.open_panel()
        world.chat.send("1", "Hi")
        world.chat.send("2", "Next")
        await asyncio.sleep(5)
        assert panel.turns["2"].status == "queued"
        await world.do("Continue", panel=1, id="3", turn="1")
        await world.quiet()
        assert [turn.id for turn in world.chat.conversation.path] == ["1", "3", "2"]
        assert panel.texts() == {"1": "a", "3": "b", "2": "c"}
        restored, _ = Conversation.restore(world.store.state())
        assert [turn.id for turn in restored.path] == ["1", "3", "2"]
