"""Conversations with settings of their own, and long ones, which are summarised."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from sidestream.testing import (
    Reply,
    ResponsesStream,
)
from tests.session.harness import (
    ID,
    OLD_TURN,
    Harness,
    MemoryStore,
    reasons,
    reply,
    stored,
    with_harness,
)


@with_harness(then=reply("Hi"))
async def test_a_conversation_has_its_own_model_instructions_and_effort(harness: Harness) -> None:
    panel, other = harness.open_panel(), harness.open_panel()
    own = {"model": "gpt-5", "instructions": "Rhyme.", "effort": "low", "verbosity": "high"}
    await harness.do("Configure", panel=1, settings=own)
    for each in (panel, other):
        assert each.messages[-1] == {"type": "Configured", "settings": own}
    harness.chat.send("1", "Hi")
    await harness.until_idle()
    sent = harness.fetch.json()
    assert (sent["model"], sent["instructions"]) == ("gpt-5", "Rhyme.")
    assert sent["reasoning"]["effort"] == "low"
    assert sent["text"]["verbosity"] == "high"
    assert harness.store.heads[ID]["settings"] == own
    await harness.do("Send", "b", id="2", text="Hi")
    await harness.until_idle()
    assert harness.fetch.json()["model"] == "m"
    await harness.do("Configure", panel=1, settings={})
    await harness.until_idle()
    assert harness.store.heads[ID]["settings"] == {}


def long_reply(text: str, tokens: int) -> Reply:
    stream = ResponsesStream().created().text(text)
    return Reply(stream.completed(input_tokens=tokens - 10, output_tokens=10))


def texts_of(request: dict[str, Any]) -> list[str]:
    return [part["text"] for item in request["input"] for part in item["content"]]


@with_harness(long_reply("long", 9_100), reply("SUMMARY"), reply("on"), reply("more"))
async def test_a_conversation_that_fills_the_window_is_summarised_first(harness: Harness) -> None:
    panel = harness.open_panel()
    harness.settings["context_window"] = 10_000
    harness.chat.send("1", "q1")
    await harness.until_idle()
    harness.chat.send("2", "q2")
    await harness.until_idle()
    kinds = [turn.kind for turn in panel.turns.values()]
    assert kinds == [None, "compaction", None]
    assert list(panel.texts().values()) == ["long", "SUMMARY", "on"]
    asked = [item["content"][0]["text"] for item in harness.fetch.json(1)["input"]]
    assert asked[:2] == ["q1", "long"]
    assert "Summarise" in asked[2]
    # Some receivers require one message in place of two adjacent user messages.
    sent = "\n".join(texts_of(harness.fetch.json(2)))
    assert "SUMMARY" in sent
    assert sent.endswith("q2")
    harness.chat.send("3", "q3")
    await harness.until_idle()
    sent = "\n".join(texts_of(harness.fetch.json()))
    assert sent.endswith("q2\non\nq3")
    late = harness.open_panel()
    assert late.texts() == panel.texts()


@with_harness(*[reply(f"{number} " * 4_000) for number in range(4)])
async def test_trimming_removes_the_oldest_turns_from_the_request_only(harness: Harness) -> None:
    panel = harness.open_panel()
    harness.settings |= {"context_window": 6_000, "compaction": "trim"}
    for number in "1234":
        harness.chat.send(number, f"q{number}")
        await harness.until_idle()
    assert list(panel.turns) == ["1", "2", "3", "4"]
    sent = [item["content"][0]["text"] for item in harness.fetch.json()["input"]]
    assert sent[0::2] == ["q2", "q3", "q4"]
    assert len(harness.fetch.requests) == 4


@with_harness(then=long_reply("long", 9_900))
async def test_nothing_is_done_about_the_length_where_compaction_is_off(harness: Harness) -> None:
    harness.settings |= {"context_window": 10_000, "compaction": "off"}
    for number in "12":
        harness.chat.send(number, "q")
        await harness.until_idle()
    assert len(harness.fetch.json()["input"]) == 3
    assert len(harness.fetch.requests) == 2


def test_a_summary_on_request_and_then_the_retry() -> None:
    too_long = {"error": {"message": "too long", "code": "context_length_exceeded"}}

    @with_harness(
        reply("one"),
        Reply(status=400, body=json.dumps(too_long).encode()),
        reply("SUMMARY"),
        reply("two"),
        reply("AGAIN"),
    )
    async def scene(harness: Harness) -> None:
        panel = harness.open_panel()
        await harness.do("Compact", panel=1)
        assert "nothing to summarise" in panel.rejected[-1]["error"]["message"]
        for number in "12":
            harness.chat.send(number, f"q{number}")
            await harness.until_idle()
        assert panel.turns["2"].status == "failed"
        assert [panel.actions(turn_id) for turn_id in "12"] == [None, ["compact"]]
        await harness.do("Compact", panel=1, retry="2")
        await harness.until_idle()
        assert list(panel.texts().values()) == ["one", "SUMMARY", "two"]
        assert panel.turns["2"].error is None
        assert panel.actions("2") is None
        await harness.do("Compact", panel=1)
        await harness.until_idle()
        assert list(panel.texts().values()) == ["one", "SUMMARY", "two", "AGAIN"]

    scene()


def test_no_summary_is_offered_where_there_is_nothing_to_summarise() -> None:
    too_long = {"error": {"message": "too long", "code": "context_length_exceeded"}}

    @with_harness(Reply(status=400, body=json.dumps(too_long).encode()))
    async def scene(harness: Harness) -> None:
        panel = harness.open_panel()
        harness.chat.send("1", "so long")
        await harness.until_idle()
        assert panel.turns["1"].error is not None
        assert panel.actions("1") is None

    scene()


@with_harness(
    long_reply("long", 9_100),
    Reply(status=401),
    reply("SUM", "MARY", pace_s=5),
    reply("two"),
)
async def test_a_summary_that_fails_or_is_stopped_loses_nothing(harness: Harness) -> None:
    panel = harness.open_panel()
    harness.settings["context_window"] = 10_000
    harness.chat.send("1", "q1")
    await harness.until_idle()
    harness.chat.send("2", "q2")
    await harness.until_idle()
    assert reasons(harness)["2"] == "pause"
    (failed,) = (turn.id for turn in panel.turns.values() if turn.kind)
    harness.chat.retry(failed)
    await asyncio.sleep(7)
    harness.chat.stop()
    await harness.until_idle()
    assert panel.turns["2"].text == "two"
    sent = [item["content"][0]["text"] for item in harness.fetch.json()["input"]]
    assert sent == ["q1", "long", "q2"]


def test_a_long_conversation_is_shown_from_its_end() -> None:
    turns = [{**OLD_TURN, "id": f"t{n}", "position": n, "parent": f"t{n - 1}"} for n in range(100)]
    del turns[0]["parent"]
    store = MemoryStore(stored(ID, *turns))

    @with_harness(store=store)
    async def scene(harness: Harness) -> None:
        panel = harness.open_panel()
        assert list(panel.turns) == [f"t{n}" for n in range(60, 100)]
        assert panel.messages[-1]["conversation"]["earlier"] == 60
        await harness.do("Earlier", panel=1, before="t60")
        await harness.do("Earlier", panel=1, before="t20")
        await harness.do("Earlier", panel=1, before="t0")
        first, second, none = panel.messages[-3:]
        assert [turn["id"] for turn in first["turns"]] == [f"t{n}" for n in range(20, 60)]
        assert (first["earlier"], second["earlier"], none["earlier"]) == (20, 0, 0)
        assert [turn["id"] for turn in second["turns"]] == [f"t{n}" for n in range(20)]
        assert none["turns"] == []

    scene()
