"""Messages that wait to be sent, and what they wait for."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from sidestream.session.conversation import ConversationSettings
from sidestream.session.turn import Turn, TurnStatus
from sidestream.testing import (
    Reply,
    ResponsesStream,
    now,
    run,
)
from tests.session.world import (
    ID,
    MemoryStore,
    World,
    in_world,
    limited,
    reasons,
    stored,
    story,
)

# --- the line ----------------------------------------------------------------------------------


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
