"""Branches: edits, retries, continued answers."""

from __future__ import annotations

import asyncio

import pytest

from sidestream.session.conversation import Conversation
from sidestream.testing import (
    Reply,
    ResponsesStream,
)
from tests.session.harness import (
    ID,
    Harness,
    MemoryStore,
    reasons,
    reply,
    with_harness,
)

# --- branches ----------------------------------------------------------------------------------


@with_harness(reply("a1"), reply("a2"), reply("b1"), reply("b2"), reply("c2"))
async def test_an_edited_message_begins_a_branch_and_the_old_one_stays(harness: Harness) -> None:
    panel, other = harness.open_panel(), harness.open_panel()
    for turn_id in ("1", "2"):
        harness.chat.send(turn_id, f"q{turn_id}")
        await harness.until_idle()
    harness.chat.send("1b", "other", replaces="1")
    await harness.until_idle()
    for each in (panel, other):
        assert each.texts() == {"1b": "b1"}
        assert each.siblings("1b") == ["1", "1b"]
    assert len(harness.fetch.json()["input"]) == 1
    harness.chat.send("2b", "more")
    await harness.until_idle()
    assert list(panel.turns) == ["1b", "2b"]
    await harness.do("ShowBranch", panel=1, turn="1")
    assert panel.texts() == other.texts() == {"1": "a1", "2": "a2"}
    harness.chat.send("3", "on")
    await harness.until_idle()
    sent = [item["content"][0]["text"] for item in harness.fetch.json()["input"]]
    assert sent == ["q1", "a1", "q2", "a2", "on"]
    assert harness.store.heads[ID]["leaf"] == "3"


def test_an_answer_is_regenerated_beside_the_first_one_also_after_a_restart() -> None:
    store = MemoryStore()

    @with_harness(reply("a1"), reply("a2"), store=store)
    async def first_process(harness: Harness) -> None:
        panel = harness.open_panel()
        harness.chat.send("1", "q1")
        await harness.until_idle()
        for _ in range(2):
            await harness.do("Regenerate", panel=1, id="2", turn="1")
        await harness.until_idle()
        assert panel.texts() == {"2": "a2"}
        assert panel.turns["2"].user == "q1"
        assert panel.siblings("2") == ["1", "2"]

    first_process()

    @with_harness(store=store)
    async def second_process(harness: Harness) -> None:
        panel = harness.open_panel()
        assert panel.texts() == {"2": "a2"}
        await harness.do("ShowBranch", panel=1, turn="1")
        assert panel.texts() == {"1": "a1"}
        await harness.until_idle()
        assert store.heads[ID]["leaf"] == "1"

    second_process()


def test_a_retry_loses_no_partial_answer() -> None:
    cut = Reply(ResponsesStream().created().text("half").incomplete())

    @with_harness(Reply(status=401), cut, reply("whole"), reply("b"))
    async def scene(harness: Harness) -> None:
        panel = harness.open_panel()
        harness.chat.send("1", "Hi")
        await harness.until_idle()
        harness.chat.retry("1")
        await harness.until_idle()
        assert panel.texts() == {"1": "half"}, "nothing had come: it runs again in its place"
        harness.chat.retry("1")
        await harness.until_idle()
        (retried,) = panel.turns
        assert panel.texts() == {retried: "whole"}
        assert panel.siblings(retried) == ["1", retried]
        assert harness.store.last("1")["blocks"][0]["text"] == "half"

    scene()


def test_queued_messages_follow_the_branch_of_the_retry() -> None:
    cut = Reply(ResponsesStream().created().text("half").failed("server_error", "no"))

    @with_harness(cut, reply("whole"), reply("two"), then=Reply(status=500))
    async def scene(harness: Harness) -> None:
        panel = harness.open_panel()
        harness.chat.send("1", "q1")
        harness.chat.send("2", "q2")
        await harness.until_idle()
        assert reasons(harness) == {"1": None, "2": "pause"}
        await harness.do("ShowBranch", panel=1, turn="1")
        assert "waiting" in panel.rejected[-1]["error"]["message"]
        harness.chat.retry("1")
        await harness.until_idle()
        assert list(panel.texts().values()) == ["whole", "two"]
        sent = [item["content"][0]["text"] for item in harness.fetch.json()["input"]]
        assert sent == ["q1", "whole", "q2"]

    scene()


@with_harness(reply("a1"), reply(*"abc", pace_s=1))
async def test_branches_stay_as_they_are_while_an_answer_is_written(harness: Harness) -> None:
    panel = harness.open_panel()
    harness.chat.send("1", "q1")
    await harness.until_idle()
    harness.chat.send("2", "q2")
    harness.chat.send("3", "q3")
    await asyncio.sleep(1)
    harness.chat.send("1b", "other", 1, "1")
    assert panel.rejected[-1]["id"] == "1b", "the text comes back"
    await harness.do("Regenerate", panel=1, id="x", turn="1")
    await harness.do("ShowBranch", panel=1, turn="1")
    await harness.do("Compact", panel=1)
    assert len(panel.rejected) == 4
    harness.chat.send("3b", "changed", 1, "3")
    harness.chat.send("1c", "other", 1, "gone")
    assert [r.get("id") for r in panel.rejected[4:]] == ["3b", "1c"]
    harness.chat.cancel("3")
    await harness.until_idle()
    assert panel.texts() == {"1": "a1", "2": "abc"}


# --- continuing a truncated answer --------------------------------------------------------------


@with_harness(reply("One, ", "two, ", pace_s=1), then=reply("three."))
async def test_a_truncated_answer_is_continued_in_a_turn_of_its_own(harness: Harness) -> None:
    panel = harness.open_panel()
    harness.chat.send("1", "Count")
    await asyncio.sleep(5.5)
    harness.chat.stop()
    assert panel.actions("1") == ["continue"]
    await harness.do("Continue", panel=1, id="2", turn="1")
    await harness.until_idle()
    assert panel.texts() == {"1": "One, ", "2": "three."}
    assert panel.turns["2"].user == "Continue."
    assert panel.turns["2"].parent == "1"
    said = [item["content"][0]["text"] for item in harness.fetch.json()["input"]]
    assert said == ["Count", "One, ", "Continue."]
    await harness.do("Continue", panel=1, id="2", turn="1")  # the same command again
    await harness.do("Continue", panel=1, id="3", turn="1")
    await harness.do("Continue", panel=1, id="3", turn="2")
    await harness.do("Continue", panel=1, id="3", turn="nowhere")
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
def test_only_a_truncated_answer_can_be_continued(stream: ResponsesStream, offered: bool) -> None:
    @with_harness(Reply(stream))
    async def scene(harness: Harness) -> None:
        panel = harness.open_panel()
        harness.chat.send("1", "Hi")
        await harness.until_idle()
        assert (panel.actions("1") == ["continue"]) is offered
        if not offered:
            await harness.do("Continue", panel=1, id="2", turn="1")
            assert len(panel.rejected) == 1

    scene()


@with_harness(
    Reply(ResponsesStream().created().text("a").failed("invalid_prompt", "no").paced(0.1)),
    reply("b"),
    reply("c"),
)
async def test_queued_messages_follow_the_continuation(harness: Harness) -> None:
    panel = harness.open_panel()
    harness.chat.send("1", "Hi")
    harness.chat.send("2", "Next")
    await asyncio.sleep(5)
    assert panel.turns["2"].status == "queued"
    await harness.do("Continue", panel=1, id="3", turn="1")
    await harness.until_idle()
    assert [turn.id for turn in harness.chat.conversation.path] == ["1", "3", "2"]
    assert panel.texts() == {"1": "a", "3": "b", "2": "c"}
    restored, _ = Conversation.restore(harness.store.state())
    assert [turn.id for turn in restored.path] == ["1", "3", "2"]
