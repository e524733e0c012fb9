from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidestream.connection_errors import network_error
from sidestream.errors import ErrorKind, SidestreamError
from sidestream.session.conversation import Conversation, ConversationSettings
from sidestream.session.turn import Turn, TurnStatus
from sidestream.sse import SSEDecoder
from sidestream.testing import (
    Refuse,
    Reply,
    ResponsesStream,
    StoredResponses,
    now,
    run,
)
from sidestream.transport import HttpRequest
from tests.session.world import ID, MemoryStore, Panel, World, in_world, story


def test_a_turn_from_message_to_answer() -> None:
    @in_world(story("Hel", "lo"))
    async def scene(world: World) -> None:
        panel = world.open_panel()
        world.chat.send("1", "Hi")
        await world.quiet()
        turn = panel.turns["1"]
        assert (turn.user, turn.text, turn.status) == ("Hi", "Hello", "completed")
        assert turn.model == "m"
        assert turn.usage is not None
        assert turn.view() == world.chat.conversation.turns[0].view()
        assert world.store.last("1")["status"] == "completed"
        assert world.busy[0] is True
        assert world.busy[-1] is False
        assert world.fetch.all_closed


def test_the_message_is_stored_before_the_request_leaves() -> None:
    store = MemoryStore()
    store.delay_s = 3

    @in_world(story("Hi"), store=store)
    async def scene(world: World) -> None:
        world.chat.send("1", "Hi")
        await asyncio.sleep(2.9)
        assert world.fetch.requests == []
        await asyncio.sleep(0.2)
        assert world.fetch.requests == []
        saved = store.saved[0]
        assert (saved["user"], saved["status"], saved["sent"]) == ("Hi", "running", False)
        # A record that says "not sent" must be true, so the opposite is written before, too.
        await asyncio.sleep(3)
        assert store.saved[1]["sent"] is True
        assert len(world.fetch.requests) == 1


def test_a_message_that_cannot_be_stored_is_not_sent() -> None:
    store = MemoryStore()
    full = SidestreamError(ErrorKind.INTERNAL, "The disk is full.", hint="Free some space.")

    @in_world(then=story("Hi"), store=store)
    async def scene(world: World) -> None:
        panel = world.open_panel()
        store.error = full
        world.chat.send("1", "Hi")
        await world.quiet()
        assert world.fetch.requests == []
        assert panel.turns["1"].error == {
            "kind": "internal",
            "message": "The disk is full.",
            "hint": "Free some space.",
            "retryable": False,
        }
        store.error = None
        world.chat.retry("1")
        await world.quiet()
        assert panel.turns["1"].text == "Hi"
        assert store.last("1")["status"] == "completed"


def test_a_growing_answer_is_stored_each_second_and_at_the_end() -> None:
    @in_world(story(*"abcdefghijklmnopqrst", pace_s=0.4))
    async def scene(world: World) -> None:
        world.chat.send("1", "Hi")
        turn = world.chat.conversation.turns[0]
        a_second_ago = [0] * 11
        while turn.status.active:
            await asyncio.sleep(0.1)
            a_second_ago = [*a_second_ago[1:], len(turn.text)]
            blocks = world.store.last("1")["blocks"]
            assert len(blocks[0]["text"] if blocks else "") >= a_second_ago[0]
        await world.quiet()
        assert len(world.store.saved) < 16
        assert world.store.last("1")["blocks"][0]["text"] == "abcdefghijklmnopqrst"


def test_storing_a_long_answer_costs_no_more_per_second_than_a_short_one() -> None:
    @in_world(story(*["x" * 20_000] * 100, pace_s=1.0))
    async def scene(world: World) -> None:
        world.chat.send("t1", "Hi")
        turn = world.chat.conversation.turns[0]
        while turn.status.active:
            await asyncio.sleep(1)
        written = sum(len(json.dumps(record)) for record in world.store.saved)
        # The end is stored twice: the finished item, and the turn.
        assert written < 100 * 200_000 + 4 * 2 * 2_000_000
        assert len(world.store.last("t1")["blocks"][0]["text"]) == 2_000_000


def test_a_finished_item_is_stored_at_once() -> None:
    stream = ResponsesStream().created().text("one").pause(20).text("two").completed()

    @in_world(Reply(stream))
    async def scene(world: World) -> None:
        world.chat.send("1", "Hi")
        await asyncio.sleep(0.1)
        assert world.store.last("1")["items"][0]["content"][0]["text"] == "one"


def test_a_full_disk_in_mid_answer_is_said_once_and_the_answer_goes_on() -> None:
    @in_world(story(*"abcdefgh", pace_s=1.5))
    async def scene(world: World) -> None:
        panel = world.open_panel()
        world.chat.send("1", "Hi")
        await asyncio.sleep(3)
        world.store.error = SidestreamError(ErrorKind.INTERNAL, "The disk is full.")
        await world.quiet()
        assert [r["error"]["message"] for r in panel.rejected] == ["The disk is full."]
        assert panel.turns["1"].text == "abcdefgh"


# --- several conversations ---------------------------------------------------------------------


def stored(conversation_id: str, *turns: dict[str, Any]) -> dict[str, Any]:
    return {"id": conversation_id, "created_at": 1, "turns": list(turns)}


OLD_TURN = {"id": "old", "user": "Then", "created_at": 1, "status": "completed", "position": 0}


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


# --- settings of a conversation, and its length ------------------------------------------------


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


# --- several panels ----------------------------------------------------------------------------


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


# --- commands ----------------------------------------------------------------------------------


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


# --- the line ----------------------------------------------------------------------------------


def reasons(world: World) -> dict[str, str | None]:
    return {
        turn.id: turn.waiting.reason if turn.waiting else None
        for turn in world.chat.conversation.turns
    }


def limited(*deltas: str, requests_left: int, reset: str) -> Reply:
    headers = {
        "x-ratelimit-limit-requests": "10",
        "x-ratelimit-remaining-requests": str(requests_left),
        "x-ratelimit-reset-requests": reset,
    }
    return Reply(ResponsesStream().created().text(*deltas).completed(), headers=headers)


def test_messages_sent_while_a_turn_runs_wait_their_turn() -> None:
    @in_world(story("a", "b", pace_s=1), story("two"), story("three"))
    async def scene(world: World) -> None:
        panel = world.open_panel()
        for number in "123":
            world.chat.send(number, f"q{number}")
        assert reasons(world) == {"1": None, "2": "turn", "3": "turn"}
        await asyncio.sleep(0.5)
        assert world.store.last("3")["status"] == "queued"
        assert world.store.last("3")["sent"] is False
        assert len(world.fetch.requests) == 1
        late = world.open_panel()
        await world.quiet()
        for each in (panel, late):
            assert each.texts() == {"1": "ab", "2": "two", "3": "three"}
        sent = [item["content"][0]["text"] for item in world.fetch.json()["input"]]
        assert sent == ["q1", "ab", "q2", "two", "q3"]
        keys = [request.headers["Idempotency-Key"] for request in world.fetch.requests]
        assert len(set(keys)) == 3


def test_repeated_requests_of_one_run_share_their_key_and_a_new_run_has_another() -> None:
    @in_world(Reply(status=503), story("Hi"), story("again"))
    async def scene(world: World) -> None:
        world.chat.send("1", "Hi")
        await world.quiet()
        world.chat.retry("1")
        await world.quiet()
        first, repeated, new = (r.headers["Idempotency-Key"] for r in world.fetch.requests)
        assert first == repeated != new


def test_the_line_is_bounded_and_a_refused_message_comes_back() -> None:
    @in_world(story("a", "b", pace_s=1), then=story("x"))
    async def scene(world: World) -> None:
        panel = world.open_panel()
        for number in range(102):
            world.chat.send(str(number), "q", 1)
        assert [r["id"] for r in panel.rejected] == ["101"]
        assert "100 messages" in panel.rejected[0]["error"]["message"]
        await world.do("Send", "b", panel=1, id="b1", text="q")
        assert [r["id"] for r in panel.rejected] == ["101", "b1"], "in all conversations"
        await world.do("Forget")
        await world.quiet()


def test_a_waiting_message_is_cancelled_and_its_text_comes_back() -> None:
    @in_world(story("a", "b", pace_s=1), story("three"))
    async def scene(world: World) -> None:
        panel, other = world.open_panel(), world.open_panel()
        for number in "123":
            world.chat.send(number, f"q{number}")
        await asyncio.sleep(0.5)
        world.chat.cancel("2", 1)
        world.chat.cancel("2", 1)
        assert len(panel.rejected) == 1
        await world.quiet()
        for each in (panel, other):
            assert each.texts() == {"1": "ab", "3": "three"}
        texts = [
            [m.get("text") for m in p.messages if m["type"] == "Cancelled"] for p in (panel, other)
        ]
        assert texts == [[None, "q2"], [None]]
        assert [turn["id"] for turn in world.store.state()["turns"]] == ["1", "3"]


def test_a_cancelled_message_that_was_just_being_written_is_gone_all_the_same() -> None:
    @in_world(story("a", "b", pace_s=1))
    async def scene(world: World) -> None:
        world.store.delay_s = 0.2
        world.chat.send("1", "q1")
        world.chat.send("2", "q2")
        await asyncio.sleep(0.1)
        world.chat.cancel("2")
        await world.quiet()
        assert [turn["id"] for turn in world.store.state()["turns"]] == ["1"]


def test_send_now_goes_first_and_stops_the_answer_under_way() -> None:
    @in_world(story("a", "b", pace_s=1), story("three"), story("two"))
    async def scene(world: World) -> None:
        panel = world.open_panel()
        for number in "123":
            world.chat.send(number, f"q{number}")
        while world.chat.conversation.turns[0].text != "a":
            await asyncio.sleep(0.1)
        world.chat.send_now("3")
        await world.quiet()
        assert panel.turns["1"].status == "stopped"
        assert panel.texts() == {"1": "a", "3": "three", "2": "two"}
        assert [turn.id for turn in world.chat.conversation.path] == ["1", "3", "2"]
        assert [world.store.last(name).get("parent") for name in "132"] == [None, "1", "3"]
        assert world.store.heads[ID]["leaf"] == "2"


def test_stop_lets_the_next_in_line_go() -> None:
    @in_world(story("a", "b", pace_s=1), story("two"))
    async def scene(world: World) -> None:
        world.chat.send("1", "q1")
        world.chat.send("2", "q2")
        while world.chat.conversation.turns[0].text != "a":
            await asyncio.sleep(0.1)
        world.chat.stop()
        await world.quiet()
        assert [turn.text for turn in world.chat.conversation.turns] == ["a", "two"]


def test_the_line_stands_after_a_failure_until_the_retry_succeeds() -> None:
    bad_key = Reply(status=401, body=b'{"error": {"message": "bad key"}}')

    @in_world(bad_key, story("one"), story("two"))
    async def scene(world: World) -> None:
        world.chat.send("1", "q1")
        world.chat.send("2", "q2")
        await world.quiet()
        await asyncio.sleep(600)
        assert len(world.fetch.requests) == 1
        assert reasons(world) == {"1": None, "2": "pause"}
        world.chat.retry("1")
        await world.quiet()
        assert [turn.text for turn in world.chat.conversation.turns] == ["one", "two"]


def test_a_held_back_message_goes_on_the_users_word() -> None:
    @in_world(Reply(status=401), story("two"))
    async def scene(world: World) -> None:
        world.chat.send("1", "q1")
        world.chat.send("2", "q2")
        await world.quiet()
        world.chat.retry("2")
        await world.quiet()
        assert world.chat.conversation.turns[1].text == "two"


def test_an_answer_is_stored_before_its_end_is_told() -> None:
    @in_world(story("one"))
    async def scene(world: World) -> None:
        panel = world.open_panel()
        world.store.delay_s = 0.1
        world.chat.send("1", "q1")
        while panel.turns.get("1") is None or panel.turns["1"].status is not TurnStatus.COMPLETED:
            await asyncio.sleep(0.01)
        assert world.store.last("1")["status"] == "completed"


def test_the_providers_limit_is_waited_for() -> None:
    @in_world(limited("one", requests_left=0, reset="90s"), story("two"))
    async def scene(world: World) -> None:
        panel = world.open_panel()
        world.chat.send("1", "q1")
        await world.quiet()
        begin = now()
        world.chat.send("2", "q2")
        await asyncio.sleep(1)
        waiting = panel.turns["2"].waiting
        assert waiting is not None
        assert waiting.reason == "rate_limit"
        assert waiting.until is not None
        assert abs(waiting.until / 1000 - (begin + 90)) < 1
        assert world.alarms[-1] == waiting.until
        assert world.busy[-1] is False
        told = len(world.alarms)
        await world.do("Wake")
        assert len(world.alarms) == told
        await asyncio.sleep(60)
        assert len(world.fetch.requests) == 1
        await asyncio.sleep(31)
        assert panel.texts()["2"] == "two"
        assert now() - begin >= 90


def test_send_now_does_not_wait_for_the_limit() -> None:
    @in_world(limited("one", requests_left=0, reset="90s"), story("two"))
    async def scene(world: World) -> None:
        world.chat.send("1", "q1")
        await world.quiet()
        world.chat.send("2", "q2")
        await asyncio.sleep(1)
        world.chat.send_now("2")
        await world.quiet()
        assert world.chat.conversation.turns[1].text == "two"
        assert world.alarms[-1] == 0


def test_a_long_wait_that_the_server_asks_for_is_waited_for_but_not_by_the_retry() -> None:
    busy = Reply(status=429, headers={"retry-after": "3600"})

    @in_world(busy, story("one"), story("two"), story("three"))
    async def scene(world: World) -> None:
        world.chat.send("1", "q1")
        await world.quiet()
        world.chat.send("2", "q2")
        await asyncio.sleep(1)
        assert reasons(world) == {"1": "rate_limit", "2": "turn"}
        world.chat.retry("1")
        await world.quiet()
        assert world.chat.conversation.turns[0].text == "one"
        assert reasons(world) == {"1": None, "2": "rate_limit"}
        # It is this model's limit.
        world.settings["model"] = "another"
        await world.do("Send", "b", id="3", text="q3")
        await world.quiet()
        assert world.store.last("3")["blocks"][0]["text"] == "two"


def test_another_account_does_not_wait_for_the_limit_of_the_first() -> None:
    @in_world(limited("one", requests_left=0, reset="90s"), story("two"))
    async def scene(world: World) -> None:
        world.chat.send("1", "q1")
        await world.quiet()
        world.chat.send("2", "q2")
        await asyncio.sleep(1)
        assert reasons(world) == {"1": None, "2": "rate_limit"}
        await world.do("NewAccount")
        await world.quiet()
        assert world.chat.conversation.path[1].text == "two"
        assert world.alarms[-1] == 0


def test_offline_messages_wait_for_the_network() -> None:
    @in_world(story("Hi"))
    async def scene(world: World) -> None:
        world.is_online = False
        world.chat.send("1", "Hi")
        await asyncio.sleep(300)
        assert reasons(world) == {"1": "offline"}
        assert world.fetch.requests == []
        world.is_online = True
        await world.do("Wake")
        await world.quiet()
        assert world.chat.conversation.turns[0].text == "Hi"


def test_a_server_on_this_computer_needs_no_network() -> None:
    @in_world(story("Hi"))
    async def scene(world: World) -> None:
        world.is_online = False
        world.settings["base_url"] = "http://localhost:1234/v1"
        world.chat.send("1", "Hi")
        await world.quiet()
        assert world.chat.conversation.turns[0].text == "Hi"


def test_a_line_in_a_conversation_that_is_opened_is_not_sent() -> None:
    @in_world(then=story("Hi"))
    async def scene(world: World) -> None:
        turn = Turn(id="1", user="from a file", created_at=0, status=TurnStatus.QUEUED, sent=False)
        world.store.put(stored("b", json.loads(turn.record())))
        await world.do("Join", "b", panel=1)
        await world.quiet()
        await asyncio.sleep(100)
        assert world.fetch.requests == []
        assert world.store.last("1")["status"] == "stopped"
        await world.do("Retry", "b", panel=1, id="1")
        await world.quiet()
        assert world.store.last("1")["blocks"][0]["text"] == "Hi"


@pytest.mark.parametrize("at", [0.05, 0.15, 0.25, 0.35, 0.45, 1.5, 2.5, 4.0])
def test_the_line_survives_the_process_and_nothing_is_sent_twice(at: float) -> None:
    """The process ends at some moment; the next one goes on from what had been written."""
    answers = (story("a", "b", pace_s=1), story("two"))

    async def first_life() -> tuple[MemoryStore, int]:
        world = World(*answers)
        await world.begin()
        world.store.delay_s = 0.1
        world.chat.send("1", "q1")
        world.chat.send("2", "q2")
        await asyncio.sleep(at)
        return world.store, len(world.fetch.requests)

    store, requests = run(first_life())
    if not store.saved:
        return
    store.delay_s = 0.0

    @in_world(then=story("after"), store=store)
    async def second_life(world: World) -> None:
        await asyncio.sleep(10)
        sent = requests + len(world.fetch.requests)
        states = {turn.id: turn.status.value for turn in world.chat.conversation.turns}
        if "interrupted" in states.values():
            # It may have left, so only the user can send it again; what is behind it waits.
            assert sent == requests
            assert set(states.values()) <= {"completed", "interrupted", "queued"}
        else:
            assert set(states.values()) == {"completed"}
            assert sent == len(states)


# --- errors ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("exchange", "status", "kind"),
    [
        (Reply(status=401, body=b'{"error": {"message": "bad key"}}'), "failed", "authentication"),
        (Reply(ResponsesStream().created().text("a").incomplete()), "incomplete", "incomplete"),
        (
            Reply(ResponsesStream().created().text("a").failed("invalid_prompt", "no")),
            "failed",
            "invalid_request",
        ),
    ],
)
def test_errors_end_the_turn_and_can_be_retried(exchange: Any, status: str, kind: str) -> None:
    @in_world(exchange, story("better"))
    async def scene(world: World) -> None:
        panel = world.open_panel()
        world.chat.send("1", "Hi")
        await world.quiet()
        turn = panel.turns["1"]
        assert (turn.status, (turn.error or {})["kind"]) == (status, kind)
        assert world.store.last("1")["error"] == turn.error
        world.chat.retry("1")
        await world.quiet()
        (again,) = panel.turns.values()
        assert (again.status, again.text, again.error) == ("completed", "better", None)


def test_a_network_that_stays_away_ends_the_turn() -> None:
    @in_world(then=Refuse())
    async def scene(world: World) -> None:
        panel = world.open_panel()
        world.chat.send("1", "Hi")
        await world.quiet()
        assert (panel.turns["1"].error or {})["kind"] == "network"
        assert len(world.fetch.requests) == 5


def test_no_provider_fails_the_turn_and_keeps_the_message() -> None:
    @in_world(story("Hi"))
    async def scene(world: World) -> None:
        panel = world.open_panel()
        world.connection_error = SidestreamError(ErrorKind.CONFIGURATION, "No provider is set up.")
        world.chat.send("1", "Hi")
        await world.quiet()
        assert (panel.turns["1"].error or {})["message"] == "No provider is set up."
        world.connection_error = None
        world.chat.retry("1")
        await world.quiet()
        assert panel.texts() == {"1": "Hi"}


def test_a_fault_of_ours_is_an_error_like_any_other(caplog: pytest.LogCaptureFixture) -> None:
    @in_world(story("Hi"))
    async def scene(world: World) -> None:
        panel = world.open_panel()
        world.connection_error = ZeroDivisionError("secret detail")
        world.chat.send("1", "Hi")
        await world.quiet()
        error = panel.turns["1"].error or {}
        assert error["kind"] == "internal"
        assert "secret detail" not in json.dumps(error)
        assert world.chat.conversation.running is None

    assert "ZeroDivisionError" in caplog.text


def test_retry_of_an_earlier_turn_sends_what_was_said_before_it() -> None:
    @in_world(story("a1"), story("a2"), story("a1 again"))
    async def scene(world: World) -> None:
        panel = world.open_panel()
        for turn_id in ("1", "2"):
            world.chat.send(turn_id, f"q{turn_id}")
            await world.quiet()
        world.chat.retry("1")
        await world.quiet()
        assert list(panel.texts().values()) == ["a1 again"]
        assert len(world.fetch.json()["input"]) == 1


def test_instructions_and_the_conversation_go_with_the_request() -> None:
    @in_world(story("Hi"))
    async def scene(world: World) -> None:
        world.settings["instructions"] = "Be brief."
        world.chat.send("1", "Hi")
        await world.quiet()
        sent = world.fetch.json()
        assert sent["instructions"] == "Be brief."
        assert sent["model"] == "m"


# --- waking up ---------------------------------------------------------------------------------


def test_a_turn_that_was_under_way_comes_back_interrupted() -> None:
    async def first_life() -> dict[str, Any]:
        world = World(story("a", "b", "c", pace_s=1))
        await world.begin()
        world.chat.send("1", "Hi")
        await asyncio.sleep(5.5)
        return world.store.state()

    store = MemoryStore(run(first_life()))

    @in_world(story("whole"), store=store)
    async def second_life(world: World) -> None:
        panel = world.open_panel()
        assert panel.turns["1"].status == "interrupted"
        assert panel.texts()["1"] in ("a", "ab")
        await asyncio.sleep(0.1)
        assert store.last("1")["status"] == "interrupted"
        world.chat.send("1", "Hi")  # the panel does not know whether it had arrived
        assert world.fetch.requests == []
        world.chat.retry("1")
        await world.quiet()
        (retried,) = panel.turns
        assert panel.texts() == {retried: "whole"}
        assert store.last("1")["status"] == "interrupted"


def test_an_empty_store_is_a_new_conversation() -> None:
    @in_world()
    async def scene(world: World) -> None:
        assert world.open_panel().turns == {}


# --- answers that the provider keeps ------------------------------------------------------------


async def background_world(server: StoredResponses, store: MemoryStore | None = None) -> World:
    """A process whose provider keeps its answers."""
    world = World(store=store)
    world.fetch = server
    world.settings["background"] = True
    await world.begin()
    return world


def killed(server: StoredResponses, at_s: float, *, then: str | None = None) -> MemoryStore:
    """What is stored when the process ends in mid-answer. ``then`` is a message that waits."""

    async def life() -> MemoryStore:
        world = await background_world(server)
        world.chat.send("1", "Hi")
        if then is not None:
            world.chat.send("2", then)
        await asyncio.sleep(at_s)
        return MemoryStore(world.store.state())

    return run(life())


def kept_story_stream() -> ResponsesStream:
    stream = ResponsesStream().created().reasoning("Well, ", "well.")
    return stream.text(*(f"word {n} " for n in range(40))).completed()


def kept_story() -> StoredResponses:
    server = StoredResponses(kept_story_stream(), hello())
    server.pace_s = 0.3
    return server


def hello() -> ResponsesStream:
    return ResponsesStream(response_id="resp_2").created().text("Hel", "lo").completed()


LONG_STORY = "".join(f"word {n} " for n in range(40))


@pytest.mark.parametrize("at_s", [1.0, 2.2, 3.5, 4.0, 4.7, 8.05, 15.0, 16.1])
def test_an_answer_that_the_provider_keeps_is_picked_up_by_the_next_process(at_s: float) -> None:
    server = kept_story()
    store = killed(server, at_s)
    had = store.last("1")
    assert had["status"] == "running"
    assert had["sequence_number"] >= 0

    async def second_life() -> None:
        world = await background_world(server, store)
        panel = world.open_panel()
        turn = panel.turns["1"]
        assert (turn.status, turn.notice) == (
            "reconnecting",
            "Picking the answer up where it broke off",
        )
        assert turn.response_id is None  # it is no matter of the panel's
        await world.quiet()
        assert panel.turns["1"].text == LONG_STORY
        assert [block.text for block in panel.turns["1"].blocks] == ["Well, well.", LONG_STORY]
        assert panel.turns["1"].status == "completed"
        assert "running" in {
            message["turn"]["status"] for message in panel.messages if message["type"] == "Turn"
        }
        assert server.asked == 1
        record = store.last("1")
        assert (record["status"], record.get("response_id")) == ("completed", None)
        assert [item["type"] for item in record["items"]] == ["reasoning", "message"]

    run(second_life())


def test_text_and_position_are_written_together() -> None:
    """Whatever was written last: what comes after the position is what is missing of the text."""
    server = kept_story()

    async def life() -> MemoryStore:
        world = await background_world(server)
        world.chat.send("1", "Hi")
        await world.quiet()
        return world.store

    read = SSEDecoder().feed_data
    frames = [json.loads(frame) for frame in read(kept_story_stream().body)]
    for record in run(life()).saved:
        if "sequence_number" not in record:
            continue
        seen = [f for f in frames if f["sequence_number"] <= record["sequence_number"]]
        text = "".join(f["delta"] for f in seen if f["type"] == "response.output_text.delta")
        told = [block["text"] for block in record["blocks"] if block["kind"] == "text"]
        assert "".join(told) == text


def test_messages_in_line_go_after_the_answer_that_was_picked_up() -> None:
    server = kept_story()
    store = killed(server, 5, then="And now?")
    server.answer_next(hello())  # what was asked for while dying counts for nothing
    asked = server.asked

    async def second_life() -> None:
        world = await background_world(server, store)
        await world.quiet()
        texts = {turn.id: turn.text for turn in world.chat.conversation.turns}
        assert texts == {"1": LONG_STORY, "2": "Hello"}
        assert server.asked == asked + 1

    run(second_life())


def test_an_answer_that_the_provider_has_forgotten_comes_back_interrupted() -> None:
    server = kept_story()
    store = killed(server, 8)
    server.forget()

    async def second_life() -> None:
        world = await background_world(server, store)
        panel = world.open_panel()
        await world.quiet()
        turn = panel.turns["1"]
        assert turn.status == "interrupted"
        assert turn.error is not None
        assert turn.text
        assert LONG_STORY.startswith(turn.text)
        assert server.asked == 1
        assert "sequence_number" not in store.last("1")
        world.chat.retry("1")
        await world.quiet()
        assert "Hello" in panel.texts().values()

    run(second_life())


def test_an_answer_of_another_provider_is_not_asked_for() -> None:
    server = kept_story()
    store = killed(server, 8)
    count = len(server.requests)

    async def second_life() -> None:
        world = World(store=store)
        world.fetch = server
        world.settings |= {"base_url": "https://b.test/v1", "background": True}
        await world.begin()
        await world.quiet()
        assert world.chat.conversation.turns[0].status == "interrupted"
        assert len(server.requests) == count

    run(second_life())


def test_an_answer_in_a_conversation_that_is_merely_opened_is_not_picked_up() -> None:
    """It may be of a file."""
    server = kept_story()
    state = killed(server, 8).state()
    count = len(server.requests)

    async def second_life() -> None:
        world = await background_world(server)
        world.store.put({**state, "id": "b"})
        await world.do("Join", "b", panel=1)
        await world.quiet()
        assert world.store.last("1")["status"] == "interrupted"
        assert len(server.requests) == count

    run(second_life())


def test_a_broken_stream_goes_on_in_the_panel() -> None:
    server = kept_story()
    server.cuts = [2500, 1500]

    async def life() -> None:
        world = await background_world(server)
        panel = world.open_panel()
        world.chat.send("1", "Hi")
        await world.quiet()
        assert panel.turns["1"].text == LONG_STORY
        assert panel.turns["1"].view() == world.chat.conversation.turns[0].view()
        assert server.asked == 1
        assert len(server.requests) == 3

    run(life())


def test_an_answer_that_is_asked_for_again_has_a_new_position() -> None:
    server = StoredResponses(ResponsesStream().created().text("Hel", "lo").completed(), hello())
    server.cuts = [700]

    async def life() -> None:
        world = await background_world(server)
        world.chat.send("1", "Hi")
        turn = world.chat.conversation.turns[0]
        while turn.response_id is None:
            await asyncio.sleep(0.01)
        server.forget()
        ids = set()
        while turn.status.active:
            ids.add(turn.response_id)
            await asyncio.sleep(0.01)
        assert ids == {"resp_1", None, "resp_2"}
        assert turn.text == "Hello"

    server.pace_s = 0.1
    run(life())


class Outage:
    """A provider that cannot be reached for a while."""

    def __init__(self, server: StoredResponses, begin_s: float, end_s: float) -> None:
        self.server = server
        self.requests = server.requests
        self.begin_s, self.end_s = begin_s, end_s
        server.pace_s = 0.3

    async def __call__(self, request: HttpRequest) -> Any:
        if self.begin_s <= asyncio.get_running_loop().time() < self.end_s:
            raise network_error("no network")
        return await self.server(request)


async def outage_world(server: StoredResponses, end_s: float) -> World:
    """A process whose answer breaks off, and whose network is away from second 1 to ``end_s``."""
    server.cuts = [3000]
    world = await background_world(server)
    # It does for a request what the scripted provider does, which is all that a world asks of it.
    world.fetch = Outage(server, 1, end_s)  # type: ignore[assignment]
    return world


@pytest.mark.parametrize("end_s", [20.0, 100.0, 400.0])
@pytest.mark.parametrize("online", [True, False])
def test_a_long_outage_is_waited_for_if_the_provider_keeps_the_answer(
    end_s: float, online: bool
) -> None:
    server = kept_story()

    async def life() -> None:
        world = await outage_world(server, end_s)
        panel = world.open_panel()
        world.chat.send("1", "Hi")
        await asyncio.sleep(15)
        assert panel.turns["1"].status == "reconnecting"
        half = panel.turns["1"].text
        assert half
        assert LONG_STORY.startswith(half)
        world.is_online = online
        await asyncio.sleep(end_s - 15)
        world.is_online = True
        back = asyncio.get_running_loop().time()
        await world.quiet()
        assert panel.turns["1"].status == "completed"
        assert panel.turns["1"].text == LONG_STORY
        assert server.asked == 1
        # At most a pause, what the client waits between two requests, and the rest of the answer.
        assert asyncio.get_running_loop().time() - back < 30 + 32 + 20

    run(life())


def test_an_outage_without_end_ends_the_turn() -> None:
    server = kept_story()

    async def life() -> None:
        world = await outage_world(server, 1e9)
        world.chat.send("1", "Hi")
        await world.quiet()
        turn = world.chat.conversation.turns[0]
        assert (turn.status, turn.error and turn.error["kind"]) == ("failed", "network")
        assert turn.text
        assert LONG_STORY.startswith(turn.text)
        assert 600 < asyncio.get_running_loop().time() < 800
        assert world.store.last("1")["status"] == "failed"

    run(life())


def test_an_outage_can_be_stopped() -> None:
    server = kept_story()

    async def life() -> None:
        world = await outage_world(server, 200)
        world.chat.send("1", "Hi")
        await asyncio.sleep(100)
        world.chat.stop()
        await world.quiet()
        assert world.store.last("1")["status"] == "stopped"
        assert asyncio.get_running_loop().time() < 150

    run(life())


def test_what_was_forgotten_during_the_outage() -> None:
    server = kept_story()

    async def life() -> None:
        world = await outage_world(server, 100)
        world.chat.send("1", "Hi")
        await asyncio.sleep(90)
        server.forget()
        await world.quiet()
        turn = world.chat.conversation.turns[0]
        assert (turn.status, turn.error and turn.error["kind"]) == ("failed", "not_found")
        assert turn.is_cut
        assert server.asked == 1

    run(life())


def test_stop_ends_the_answer_at_the_provider() -> None:
    server = kept_story()

    async def life() -> None:
        world = await background_world(server)
        world.chat.send("1", "Hi")
        await asyncio.sleep(6)
        world.chat.stop()
        await world.quiet()
        assert server.cancelled_ids == ["resp_1"]
        assert world.store.last("1")["status"] == "stopped"
        assert "response_id" not in world.store.last("1")

    run(life())


def test_stop_stops_although_the_provider_does_not() -> None:
    server = kept_story()

    async def life() -> None:
        world = await background_world(server)
        world.chat.send("1", "Hi")
        await asyncio.sleep(6)
        server.forget()
        world.chat.stop()
        await world.quiet()
        assert world.store.last("1")["status"] == "stopped"

    run(life())


def test_a_plain_answer_is_neither_kept_nor_cancelled() -> None:
    @in_world(story("a", "b", "c", pace_s=1))
    async def scene(world: World) -> None:
        world.chat.send("1", "Hi")
        await asyncio.sleep(5.5)
        world.chat.stop()
        await world.quiet()
        assert len(world.fetch.requests) == 1
        assert "background" not in world.fetch.json()
        assert not any("response_id" in record for record in world.store.saved)


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


# --- usage and limits --------------------------------------------------------------------------


def spending(*deltas: str, **usage: Any) -> Reply:
    return Reply(ResponsesStream().created().text(*deltas).completed(**usage))


def last_of(panel: Panel, kind: str) -> dict[str, Any]:
    return next(message for message in reversed(panel.messages) if message["type"] == kind)


def shown_meter(panel: Panel) -> dict[str, Any]:
    """What the panel shows after all its messages."""
    for message in reversed(panel.messages):
        if message["type"] == "Meter":
            return dict(message["meter"])
        if message["type"] == "Conversation":
            return dict(message["conversation"].get("meter") or {})
    raise AssertionError("no conversation was sent")


def test_what_a_conversation_uses_is_told_after_each_turn_and_with_each_branch() -> None:
    @in_world(
        spending("one", input_tokens=100, output_tokens=20),
        spending("two", input_tokens=150, output_tokens=30),
        spending("anew", input_tokens=90, output_tokens=10),
    )
    async def scene(world: World) -> None:
        world.settings["context_window"] = 1000
        panel = world.open_panel()
        assert shown_meter(panel) == {}
        await world.do("Send", id="1", text="q1")
        await world.quiet()
        assert shown_meter(panel)["context_used"] == 120
        await world.do("Send", id="2", text="q2")
        await world.quiet()
        meter = shown_meter(panel)
        assert meter["usage"]["total_tokens"] == 300
        assert meter["last"]["total_tokens"] == 180
        figures = {name: meter[name] for name in ("context_used", "context_window", "compact_at")}
        assert figures == {"context_used": 180, "context_window": 1000, "compact_at": 900}
        await world.do("Regenerate", id="3", turn="1")
        await world.quiet()
        assert shown_meter(panel)["context_used"] == 100
        assert shown_meter(panel)["usage"]["total_tokens"] == 400
        await world.do("ShowBranch", turn="2")
        assert shown_meter(panel)["context_used"] == 180
        assert shown_meter(panel)["usage"]["total_tokens"] == 400
        # The next process tells the same.
        again = World(store=world.store)
        again.settings["context_window"] = 1000
        await again.begin()
        late = again.open_panel()
        await again.quiet()
        assert shown_meter(late) == shown_meter(panel)


def test_the_meter_follows_the_settings_of_the_conversation() -> None:
    @in_world(spending("one"))
    async def scene(world: World) -> None:
        panel = world.open_panel()
        world.chat.send("1", "q1")
        await world.quiet()
        assert "context_window" not in shown_meter(panel)
        own = {"model": "gpt-5.2", "compaction": "off"}
        await world.do("Configure", settings=own)
        await world.quiet()
        assert shown_meter(panel)["context_window"] == 272_000
        assert "compact_at" not in shown_meter(panel)
        # Another profile becomes the active one.
        await world.do("Configure", settings={})
        world.settings["context_window"] = 500
        await world.do("NewProvider")
        await world.quiet()
        assert shown_meter(panel)["context_window"] == 500
        # Nobody can answer any more: what is known of the window stays.
        world.connection_error = SidestreamError(ErrorKind.CONFIGURATION, "There is no key.")
        await world.do("NewProvider")
        await world.quiet()
        assert shown_meter(panel)["context_window"] == 500


def test_limits_are_told_to_all_panels_once_an_answer_and_to_those_that_join() -> None:
    @in_world(limited("one", requests_left=3, reset="90s"), story("two"))
    async def scene(world: World) -> None:
        await world.do("Join", "b")
        panels = [world.open_panel(), world.open_panel("b")]
        assert [last_of(panel, "Limits")["limits"] for panel in panels] == [[], []]
        world.chat.send("1", "q1")
        await world.quiet()
        for panel in (*panels, world.open_panel()):
            (limits,) = last_of(panel, "Limits")["limits"]
            (quota,) = limits["quotas"]
            assert (limits["name"], limits["model"]) == ("https://a.test", "m")
            assert (quota["label"], quota["limit"], quota["remaining"]) == ("Requests", 10, 3)
        assert [message["type"] for message in panels[0].messages].count("Limits") == 2


def test_a_limit_holds_in_the_next_process() -> None:
    @in_world(limited("one", requests_left=0, reset="90s"))
    async def scene(world: World) -> None:
        world.chat.send("1", "q1")
        await world.quiet()
        again = World(story("two"), store=world.store)
        await again.begin()
        panel = again.open_panel()
        (limits,) = last_of(panel, "Limits")["limits"]
        assert limits["wait_until"] > now() * 1000
        await again.do("Send", id="2", text="q2")
        await asyncio.sleep(1)
        assert reasons(again) == {"1": None, "2": "rate_limit"}
        await asyncio.sleep(90)
        assert panel.texts()["2"] == "two"


def test_limits_that_cannot_be_read_or_written_keep_nobody_from_chatting() -> None:
    class Forgetful(MemoryStore):
        async def recall(self, name: str) -> str:
            raise SidestreamError(ErrorKind.INTERNAL, "No.")

        async def remember(self, name: str, text: str) -> None:
            raise SidestreamError(ErrorKind.INTERNAL, "No.")

    @in_world(limited("one", requests_left=3, reset="90s"), store=Forgetful())
    async def scene(world: World) -> None:
        panel = world.open_panel()
        world.chat.send("1", "q1")
        await world.quiet()
        assert panel.texts() == {"1": "one"}
        assert panel.rejected == []
        assert len(last_of(panel, "Limits")["limits"]) == 1


# --- the user's own limits ----------------------------------------------------------------------


def test_no_more_requests_leave_in_a_minute_than_the_user_allows() -> None:
    @in_world(story("one"), story("two"), story("three"))
    async def scene(world: World) -> None:
        world.settings["requests_per_minute"] = 2
        for number in "123":
            await world.do("Send", id=number, text=f"q{number}")
        await asyncio.sleep(5)
        assert reasons(world) == {"1": None, "2": None, "3": "rate_limit"}
        assert len(world.fetch.requests) == 2
        await asyncio.sleep(60)
        await world.quiet()
        assert [turn.text for turn in world.chat.conversation.path] == ["one", "two", "three"]


def test_the_calls_of_a_turn_count_as_well() -> None:
    def calls(request: Any) -> Reply:
        rounds = request.body.decode().count('"function_call_output"')
        if rounds >= 3:
            return story("Done.")
        stream = ResponsesStream().created()
        stream.function_call("add", '{"first": 1, "second": 2}', call_id=f"c{rounds}")
        return Reply(stream.completed())

    @in_world(then=calls)
    async def scene(world: World) -> None:
        world.settings["requests_per_minute"] = 2
        world.adder.delay_s = 0.0
        world.chat.open.configure(ConversationSettings(tools={"add": "always"}))
        panel = world.open_panel()
        begun = now()
        await world.do("Send", id="1", text="Add")
        await asyncio.sleep(5)
        assert "2 requests a minute" in (panel.turns["1"].notice or "")
        await world.quiet()
        assert panel.turns["1"].text == "Done."
        assert panel.turns["1"].notice is None
        assert 60 <= now() - begun < 130


def test_how_many_messages_may_wait_is_a_setting() -> None:
    @in_world(then=story("Hi", pace_s=5))
    async def scene(world: World) -> None:
        world.settings["max_waiting"] = 2
        panel = world.open_panel()
        for number in "1234":
            await world.do("Send", id=number, text="q", panel=1)
            await asyncio.sleep(0.1)
        assert [message["id"] for message in panel.rejected] == ["4"]
        assert "2 messages are waiting" in panel.rejected[0]["error"]["message"]


def test_what_servers_refuse_is_remembered_for_the_next_process() -> None:
    @in_world(then=story("Hi"))
    async def scene(world: World) -> None:
        world.store.texts["adjustments"] = world.chats.adjustments.to_json()
        again = World(store=world.store)
        await again.chats.load()
        assert again.chats.adjustments.to_json() == world.chats.adjustments.to_json()
