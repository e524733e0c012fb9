from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidestream.errors import ErrorKind, SidestreamError
from sidestream.session.chat import Chat, Connection
from sidestream.session.connection import connect
from sidestream.session.conversation import Conversation, Turn, TurnStatus
from sidestream.testing import FakeFetch, Refuse, Reply, ResponsesStream, now, run
from sidestream.types.events import response_event

SETTINGS = {"name": "Test", "base_url": "https://a.test/v1", "wire_api": "responses", "model": "m"}


class MemoryStore:
    """Keeps every record that was ever written, in order; can be told to fail or to be slow."""

    def __init__(self, data: dict[str, Any] | None = None) -> None:
        self.data = data
        self.others: dict[str, dict[str, Any]] = {}
        """What can be opened."""
        self.begun: list[str] = []
        self.saved: list[dict[str, Any]] = []
        self.error: SidestreamError | None = None
        self.delay_s = 0.0

    async def load(self) -> dict[str, Any] | None:
        return self.data

    async def open(self, conversation_id: str) -> dict[str, Any] | None:
        await asyncio.sleep(self.delay_s)
        if self.error:
            raise self.error
        return self.others.get(conversation_id)

    async def begin(self, conversation: Conversation) -> None:
        if self.error:
            raise self.error
        self.begun.append(conversation.id)

    async def save(self, conversation_id: str, turn: str) -> None:
        if self.delay_s:
            await asyncio.sleep(self.delay_s)
        if self.error:
            raise self.error
        self.saved.append({**json.loads(turn), "conversation": conversation_id})

    async def remove(self, conversation_id: str, turn_id: str) -> None:
        if self.error:
            raise self.error
        self.saved = [record for record in self.saved if record["id"] != turn_id]

    def state(self) -> dict[str, Any]:
        """What the next process finds."""
        last = {record["id"]: record for record in self.saved}
        turns = sorted(last.values(), key=lambda record: record["position"])
        return {"id": self.saved[0]["conversation"], "turns": turns}

    def last(self, turn_id: str) -> dict[str, Any]:
        return next(record for record in reversed(self.saved) if record["id"] == turn_id)


class Panel:
    """What a panel makes of the messages; it insists on whole sequences."""

    def __init__(self) -> None:
        self.turns: dict[str, Turn] = {}
        self.seq: dict[str, int] = {}
        self.rejected: list[dict[str, Any]] = []
        self.messages: list[dict[str, Any]] = []
        self.joined = False

    def receive(self, text: str) -> None:
        message = json.loads(text)
        self.messages.append(message)
        match message["type"]:
            case "Conversation":
                self.joined = True
                turns = message["conversation"]["turns"]
                self.turns = {turn["id"]: Turn.model_validate(turn) for turn in turns}
                self.seq = dict.fromkeys(self.turns, message["seq"])
            case "Turn":
                turn = Turn.model_validate(message["turn"])
                old = self.turns.get(turn.id)
                if old is None or (turn.status.running and not old.status.running):
                    self.seq[turn.id] = 0
                self.turns[turn.id] = turn
            case "Events":
                turn_id = message["turn_id"]
                assert message["seq"] == self.seq[turn_id] + 1
                self.seq[turn_id] += 1
                for event in message["events"]:
                    self.turns[turn_id].apply(response_event.validate_python(event))
            case "Cancelled":
                self.turns.pop(message["id"], None)
            case "Rejected":
                self.rejected.append(message)

    def texts(self) -> dict[str, str]:
        return {turn.id: turn.text for turn in self.turns.values()}


class World:
    """A chat with a scripted provider, an in-memory store and panels."""

    def __init__(self, *exchanges: Any, store: MemoryStore | None = None, then: Any = None) -> None:
        self.fetch = FakeFetch(*exchanges, then=then)
        self.store = store or MemoryStore()
        self.panels: dict[int, Panel] = {}
        self.busy: list[bool] = []
        self.connection_error: Exception | None = None
        self.settings: dict[str, Any] = dict(SETTINGS)
        self.alarms: list[int] = []
        self.is_online = True
        self.chat = Chat(
            store=self.store,
            post=self._post,
            connect=self._connect,
            busy=self.busy.append,
            alarm=self.alarms.append,
            online=lambda: self.is_online,
            now=now,
        )

    def open_panel(self) -> Panel:
        panel = Panel()
        self.panels[len(self.panels) + 1] = panel
        self.chat.join(len(self.panels))
        return panel

    def _post(self, message: str, panel: int) -> None:
        for number, receiver in self.panels.items():
            if panel == number or (panel == 0 and receiver.joined):
                receiver.receive(message)

    async def _connect(self) -> Connection:
        if self.connection_error:
            raise self.connection_error
        return connect({"settings": self.settings}, self.fetch)

    async def quiet(self) -> None:
        """Until nothing is under way any more."""
        while not self.busy or self.busy[-1]:
            await asyncio.sleep(0.05)


def story(*deltas: str, pace_s: float = 0.0) -> Reply:
    stream = ResponsesStream().created().text(*deltas).completed()
    return Reply(stream.paced(pace_s) if pace_s else stream)


def in_world(
    *exchanges: Any, store: MemoryStore | None = None, then: Any = None
) -> Callable[[Callable[[World], Awaitable[None]]], None]:
    """Run the decorated coroutine in a world of its own."""

    def decorate(scene: Callable[[World], Awaitable[None]]) -> None:
        async def play() -> None:
            await scene(World(*exchanges, store=store, then=then))

        run(play())

    return decorate


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
        assert store.begun == [world.chat.conversation.id]
        saved = store.saved[0]
        assert (saved["user"], saved["status"], saved["sent"]) == ("Hi", "running", False)
        # A record that says "not sent" must be true, so the opposite is written before, too.
        await asyncio.sleep(3)
        assert store.saved[1]["sent"] is True
        assert len(world.fetch.requests) == 1


def test_a_message_that_cannot_be_stored_is_not_sent() -> None:
    store = MemoryStore()
    store.error = SidestreamError(ErrorKind.INTERNAL, "The disk is full.", hint="Free some space.")

    @in_world(then=story("Hi"), store=store)
    async def scene(world: World) -> None:
        panel = world.open_panel()
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


OLD_TURN = {"id": "old", "user": "Then", "created_at": 1, "status": "completed"}


def test_a_stored_conversation_is_opened_and_goes_on_for_every_panel() -> None:
    @in_world(story("one"), story("two"))
    async def scene(world: World) -> None:
        panels = [world.open_panel(), world.open_panel()]
        world.chat.send("1", "Hi")
        await world.quiet()
        world.store.others["b"] = stored("b", OLD_TURN)
        world.chat.open("b")
        await world.quiet()
        assert world.chat.conversation.id == "b"
        for panel in panels:
            assert list(panel.turns) == ["old"]
        world.chat.send("2", "Now")
        await world.quiet()
        assert world.store.last("2")["conversation"] == "b"
        assert world.store.last("2")["position"] == 1
        assert "b" not in world.store.begun
        assert "Then" in str(world.fetch.requests[-1].body)


def test_opening_another_conversation_stops_the_turn_and_keeps_what_came() -> None:
    @in_world(story(*"abcdefghijkl", pace_s=1))
    async def scene(world: World) -> None:
        panel = world.open_panel()
        world.chat.send("1", "Hi")
        await asyncio.sleep(8)
        first = world.chat.conversation.id
        world.store.others["b"] = stored("b")
        world.store.delay_s = 0.5
        world.chat.open("b")
        world.chat.send("2", "Too early", 1)
        assert panel.rejected[-1]["id"] == "2"
        await world.quiet()
        assert world.chat.conversation.id == "b"
        kept = world.store.last("1")
        assert (kept["conversation"], kept["status"]) == (first, "stopped")
        assert kept["blocks"][0]["text"].startswith("a")
        assert world.fetch.all_closed


def test_the_shown_conversation_is_not_stopped_by_opening_it() -> None:
    @in_world(story(*"abc", pace_s=1))
    async def scene(world: World) -> None:
        panel = world.open_panel()
        world.chat.send("1", "Hi")
        await asyncio.sleep(1.5)
        world.chat.open(world.chat.conversation.id)
        await world.quiet()
        assert panel.texts() == {"1": "abc"}


def test_what_was_stopped_is_written_before_it_can_be_opened_again() -> None:
    @in_world(story(*"abc", pace_s=1))
    async def scene(world: World) -> None:
        world.chat.send("1", "Hi")
        await asyncio.sleep(1.5)
        world.store.delay_s = 1
        first = world.chat.conversation.id
        world.chat.new_chat()
        world.store.others[first] = stored(first)
        read = world.store.open

        async def open_now(conversation_id: str) -> dict[str, Any] | None:
            assert world.store.last("1")["status"] == "stopped"
            return await read(conversation_id)

        # A method of this one store, for which typing has no word.
        world.store.open = open_now  # type: ignore[method-assign]
        world.chat.open(first)
        await world.quiet()
        assert world.chat.conversation.id == first


def test_of_two_conversations_opened_in_a_row_the_last_one_is_shown() -> None:
    @in_world()
    async def scene(world: World) -> None:
        panel = world.open_panel()
        world.store.others = {name: stored(name, {**OLD_TURN, "id": name}) for name in "ab"}
        world.store.delay_s = 1
        world.chat.open("a")
        await asyncio.sleep(0.5)
        world.chat.open("b")
        await world.quiet()
        assert list(panel.turns) == ["b"]
        world.chat.open("a")
        world.chat.new_chat()
        await world.quiet()
        assert list(panel.turns) == []


@pytest.mark.parametrize("error", [None, SidestreamError(ErrorKind.INTERNAL, "Broken.")])
def test_what_cannot_be_opened_leaves_the_shown_one(error: SidestreamError | None) -> None:
    @in_world(story("one"))
    async def scene(world: World) -> None:
        panel = world.open_panel()
        world.chat.send("1", "Hi")
        await world.quiet()
        world.store.error = error
        world.chat.open("gone", 1)
        await world.quiet()
        assert panel.texts() == {"1": "one"}
        message = "Broken." if error else "That conversation is not there any more."
        assert panel.rejected[-1]["error"]["message"] == message


def test_a_deleted_conversation_is_left_and_its_turn_stopped() -> None:
    @in_world(story(*"abc", pace_s=1))
    async def scene(world: World) -> None:
        panel = world.open_panel()
        world.chat.send("1", "Hi")
        await asyncio.sleep(1.5)
        deleted = world.chat.conversation.id
        world.chat.forget("another")
        assert list(panel.turns) == ["1"]
        world.chat.forget(deleted)
        await world.quiet()
        assert list(panel.turns) == []
        assert world.chat.conversation.id != deleted
        assert world.store.last("1")["status"] == "stopped"
        assert world.fetch.all_closed


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
        assert len(batches) < 60


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


def test_new_chat_stops_the_turn_and_begins_anew() -> None:
    @in_world(story("a", "b", pace_s=1), story("fresh"))
    async def scene(world: World) -> None:
        panel = world.open_panel()
        world.chat.send("1", "Hi")
        await asyncio.sleep(1.5)
        first = world.chat.conversation.id
        world.chat.new_chat()
        assert panel.turns == {}
        await world.quiet()
        assert world.store.last("1")["status"] == "stopped"
        world.chat.send("2", "Hello")
        await world.quiet()
        assert panel.texts() == {"2": "fresh"}
        assert len(world.fetch.json()["input"]) == 1
        second = world.chat.conversation.id
        assert world.store.begun == [first, second]
        assert [r["conversation"] for r in world.store.saved][-1] == second


def test_new_chat_in_an_empty_one_keeps_it() -> None:
    @in_world()
    async def scene(world: World) -> None:
        panel = world.open_panel()
        before = world.chat.conversation.id
        world.chat.new_chat()
        assert world.chat.conversation.id == before
        assert panel.messages[-1]["type"] == "Conversation"
        assert world.store.begun == []


def test_a_new_chat_that_cannot_be_stored_is_said() -> None:
    @in_world(story("Hi"))
    async def scene(world: World) -> None:
        panel = world.open_panel()
        world.chat.send("1", "Hi")
        await world.quiet()
        world.store.error = SidestreamError(ErrorKind.INTERNAL, "The disk is full.")
        world.chat.new_chat()
        await world.quiet()
        assert [r["error"]["message"] for r in panel.rejected] == ["The disk is full."]


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
        world.chat.new_chat()
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
        order = [turn["id"] for turn in world.store.state()["turns"]]
        assert order == [turn.id for turn in world.chat.conversation.turns] == ["1", "3", "2"]


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


def test_a_long_wait_that_the_server_asks_for_holds_the_next_message_not_the_retry() -> None:
    busy = Reply(status=429, headers={"retry-after": "3600"})

    @in_world(busy, story("one"), story("two"), story("three"))
    async def scene(world: World) -> None:
        world.chat.send("1", "q1")
        await world.quiet()
        world.chat.send("2", "q2")
        await asyncio.sleep(1)
        assert reasons(world) == {"1": None, "2": "rate_limit"}
        world.chat.retry("1")
        await world.quiet()
        assert world.chat.conversation.turns[0].text == "one"
        assert reasons(world) == {"1": None, "2": "rate_limit"}
        # It is this model's limit.
        world.settings["model"] = "another"
        world.chat.new_chat()
        world.chat.send("3", "q3")
        await world.quiet()
        assert world.chat.conversation.turns[0].text == "two"


def test_offline_messages_wait_for_the_network() -> None:
    @in_world(story("Hi"))
    async def scene(world: World) -> None:
        world.is_online = False
        world.chat.send("1", "Hi")
        await asyncio.sleep(300)
        assert reasons(world) == {"1": "offline"}
        assert world.fetch.requests == []
        world.is_online = True
        world.chat.wake()
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


def test_new_chat_sends_nothing_that_waited() -> None:
    @in_world(story("a", "b", pace_s=1))
    async def scene(world: World) -> None:
        world.chat.send("1", "q1")
        world.chat.send("2", "q2")
        await asyncio.sleep(1.5)
        world.chat.new_chat()
        await world.quiet()
        await asyncio.sleep(100)
        assert len(world.fetch.requests) == 1
        assert world.store.last("2")["status"] == "stopped"


def test_a_line_in_a_conversation_that_is_opened_is_not_sent() -> None:
    @in_world(then=story("Hi"))
    async def scene(world: World) -> None:
        turn = Turn(id="1", user="from a file", created_at=0, status=TurnStatus.QUEUED, sent=False)
        world.store.others["other"] = {"id": "other", "turns": [json.loads(turn.record())]}
        world.chat.open("other")
        await world.quiet()
        await asyncio.sleep(100)
        assert world.fetch.requests == []
        assert world.chat.conversation.turns[0].status == "stopped"
        world.chat.retry("1")
        await world.quiet()
        assert world.chat.conversation.turns[0].text == "Hi"


@pytest.mark.parametrize("at", [0.05, 0.15, 0.25, 0.35, 0.45, 1.5, 2.5, 4.0])
def test_the_line_survives_the_process_and_nothing_is_sent_twice(at: float) -> None:
    """The process ends at some moment; the next one goes on from what had been written."""
    answers = (story("a", "b", pace_s=1), story("two"))

    async def first_life() -> tuple[MemoryStore, int]:
        world = World(*answers)
        world.store.delay_s = 0.1
        world.chat.send("1", "q1")
        world.chat.send("2", "q2")
        await asyncio.sleep(at)
        return world.store, len(world.fetch.requests)

    store, requests = run(first_life())
    if not store.saved:
        return
    store.data = store.state()
    store.delay_s = 0.0

    @in_world(then=story("after"), store=store)
    async def second_life(world: World) -> None:
        await world.chat.load()
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
        assert (panel.turns["1"].status, panel.texts()) == ("completed", {"1": "better"})
        assert panel.turns["1"].error is None


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
        assert panel.texts() == {"1": "a1 again", "2": "a2"}
        assert len(world.fetch.json()["input"]) == 1
        assert world.store.last("1")["position"] == 0


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
        world.chat.send("1", "Hi")
        await asyncio.sleep(5.5)
        record = world.store.last("1")
        return {"id": record["conversation"], "turns": [record]}

    store = MemoryStore(run(first_life()))

    @in_world(story("whole"), store=store)
    async def second_life(world: World) -> None:
        await world.chat.load()
        panel = world.open_panel()
        assert panel.turns["1"].status == "interrupted"
        assert panel.texts()["1"] in ("a", "ab")
        await asyncio.sleep(0.1)
        assert store.last("1")["status"] == "interrupted"
        world.chat.send("1", "Hi")  # the panel does not know whether it had arrived
        assert world.fetch.requests == []
        world.chat.retry("1")
        await world.quiet()
        assert panel.texts() == {"1": "whole"}
        assert store.begun == []


def test_an_empty_store_is_a_new_conversation() -> None:
    @in_world()
    async def scene(world: World) -> None:
        await world.chat.load()
        assert world.open_panel().turns == {}
