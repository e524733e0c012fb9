"""Conversations with settings of their own, and long ones, which are summarised."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from sidestream.testing import (
    Reply,
    ResponsesStream,
)
from tests.session.world import (
    ID,
    OLD_TURN,
    MemoryStore,
    World,
    in_world,
    reasons,
    stored,
    story,
)


def test_a_conversation_has_its_own_model_instructions_and_effort() -> None:
    @in_world(then=story("Hi"))
    async def scene(world: World) -> None:
        panel, other = world.open_panel(), world.open_panel()
        own = {"model": "gpt-5", "instructions": "Rhyme.", "effort": "low", "verbosity": "high"}
        await world.do("Configure", panel=1, settings=own)
        for each in (panel, other):
            assert each.messages[-1] == {"type": "Configured", "settings": own}
        world.chat.send("1", "Hi")
        await world.quiet()
        sent = world.fetch.json()
        assert (sent["model"], sent["instructions"]) == ("gpt-5", "Rhyme.")
        assert sent["reasoning"]["effort"] == "low"
        assert sent["text"]["verbosity"] == "high"
        assert world.store.heads[ID]["settings"] == own
        await world.do("Send", "b", id="2", text="Hi")
        await world.quiet()
        assert world.fetch.json()["model"] == "m"
        await world.do("Configure", panel=1, settings={})
        await world.quiet()
        assert world.store.heads[ID]["settings"] == {}


def long_story(text: str, tokens: int) -> Reply:
    stream = ResponsesStream().created().text(text)
    return Reply(stream.completed(input_tokens=tokens - 10, output_tokens=10))


def texts_of(request: dict[str, Any]) -> list[str]:
    return [part["text"] for item in request["input"] for part in item["content"]]


def test_a_conversation_that_fills_the_window_is_summarised_first() -> None:
    @in_world(long_story("long", 9_100), story("SUMMARY"), story("on"), story("more"))
    async def scene(world: World) -> None:
        panel = world.open_panel()
        world.settings["context_window"] = 10_000
        world.chat.send("1", "q1")
        await world.quiet()
        world.chat.send("2", "q2")
        await world.quiet()
        kinds = [turn.kind for turn in panel.turns.values()]
        assert kinds == [None, "compaction", None]
        assert list(panel.texts().values()) == ["long", "SUMMARY", "on"]
        asked = [item["content"][0]["text"] for item in world.fetch.json(1)["input"]]
        assert asked[:2] == ["q1", "long"]
        assert "Summarise" in asked[2]
        # Some receivers want one message where two of the user's stand next to each other.
        sent = "\n".join(texts_of(world.fetch.json(2)))
        assert "SUMMARY" in sent
        assert sent.endswith("q2")
        world.chat.send("3", "q3")
        await world.quiet()
        sent = "\n".join(texts_of(world.fetch.json()))
        assert sent.endswith("q2\non\nq3")
        late = world.open_panel()
        assert late.texts() == panel.texts()


def test_trimming_leaves_the_oldest_out_of_the_request_only() -> None:
    @in_world(*[story(f"{number} " * 4_000) for number in range(4)])
    async def scene(world: World) -> None:
        panel = world.open_panel()
        world.settings |= {"context_window": 6_000, "compaction": "trim"}
        for number in "1234":
            world.chat.send(number, f"q{number}")
            await world.quiet()
        assert list(panel.turns) == ["1", "2", "3", "4"]
        sent = [item["content"][0]["text"] for item in world.fetch.json()["input"]]
        assert sent[0::2] == ["q2", "q3", "q4"]
        assert len(world.fetch.requests) == 4


def test_nothing_is_done_about_the_length_where_the_user_says_so() -> None:
    @in_world(then=long_story("long", 9_900))
    async def scene(world: World) -> None:
        world.settings |= {"context_window": 10_000, "compaction": "off"}
        for number in "12":
            world.chat.send(number, "q")
            await world.quiet()
        assert len(world.fetch.json()["input"]) == 3
        assert len(world.fetch.requests) == 2


def test_a_summary_on_the_users_word_and_then_the_retry() -> None:
    too_long = {"error": {"message": "too long", "code": "context_length_exceeded"}}

    @in_world(
        story("one"),
        Reply(status=400, body=json.dumps(too_long).encode()),
        story("SUMMARY"),
        story("two"),
        story("AGAIN"),
    )
    async def scene(world: World) -> None:
        panel = world.open_panel()
        await world.do("Compact", panel=1)
        assert "nothing to summarise" in panel.rejected[-1]["error"]["message"]
        for number in "12":
            world.chat.send(number, f"q{number}")
            await world.quiet()
        assert panel.turns["2"].status == "failed"
        assert [panel.actions(turn_id) for turn_id in "12"] == [None, ["compact"]]
        await world.do("Compact", panel=1, retry="2")
        await world.quiet()
        assert list(panel.texts().values()) == ["one", "SUMMARY", "two"]
        assert panel.turns["2"].error is None
        assert panel.actions("2") is None
        await world.do("Compact", panel=1)
        await world.quiet()
        assert list(panel.texts().values()) == ["one", "SUMMARY", "two", "AGAIN"]


def test_no_summary_is_offered_where_there_is_nothing_to_summarise() -> None:
    too_long = {"error": {"message": "too long", "code": "context_length_exceeded"}}

    @in_world(Reply(status=400, body=json.dumps(too_long).encode()))
    async def scene(world: World) -> None:
        panel = world.open_panel()
        world.chat.send("1", "so long")
        await world.quiet()
        assert panel.turns["1"].error is not None
        assert panel.actions("1") is None


def test_a_summary_that_fails_or_is_stopped_loses_nothing() -> None:
    @in_world(
        long_story("long", 9_100),
        Reply(status=401),
        story("SUM", "MARY", pace_s=5),
        story("two"),
    )
    async def scene(world: World) -> None:
        panel = world.open_panel()
        world.settings["context_window"] = 10_000
        world.chat.send("1", "q1")
        await world.quiet()
        world.chat.send("2", "q2")
        await world.quiet()
        assert reasons(world)["2"] == "pause"
        (failed,) = (turn.id for turn in panel.turns.values() if turn.kind)
        world.chat.retry(failed)
        await asyncio.sleep(7)
        world.chat.stop()
        await world.quiet()
        assert panel.turns["2"].text == "two"
        sent = [item["content"][0]["text"] for item in world.fetch.json()["input"]]
        assert sent == ["q1", "long", "q2"]


def test_a_long_conversation_is_shown_from_its_end() -> None:
    turns = [{**OLD_TURN, "id": f"t{n}", "position": n, "parent": f"t{n - 1}"} for n in range(100)]
    del turns[0]["parent"]
    store = MemoryStore(stored(ID, *turns))

    @in_world(store=store)
    async def scene(world: World) -> None:
        panel = world.open_panel()
        assert list(panel.turns) == [f"t{n}" for n in range(60, 100)]
        assert panel.messages[-1]["conversation"]["earlier"] == 60
        await world.do("Earlier", panel=1, before="t60")
        await world.do("Earlier", panel=1, before="t20")
        await world.do("Earlier", panel=1, before="t0")
        first, second, none = panel.messages[-3:]
        assert [turn["id"] for turn in first["turns"]] == [f"t{n}" for n in range(20, 60)]
        assert (first["earlier"], second["earlier"], none["earlier"]) == (20, 0, 0)
        assert [turn["id"] for turn in second["turns"]] == [f"t{n}" for n in range(20)]
        assert none["turns"] == []
