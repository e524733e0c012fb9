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
from tests.session.harness import (
    ID,
    Harness,
    MemoryStore,
    limited,
    reasons,
    reply,
    stored,
    with_harness,
)

# --- the queue ---------------------------------------------------------------------------------


@with_harness(reply("a", "b", pace_s=1), reply("two"), reply("three"))
async def test_messages_sent_while_a_turn_runs_are_queued(harness: Harness) -> None:
    panel = harness.open_panel()
    for number in "123":
        harness.chat.send(number, f"q{number}")
    assert reasons(harness) == {"1": None, "2": "turn", "3": "turn"}
    await asyncio.sleep(0.5)
    assert harness.store.last("3")["status"] == "queued"
    assert harness.store.last("3")["sent"] is False
    assert len(harness.fetch.requests) == 1
    late = harness.open_panel()
    await harness.until_idle()
    for each in (panel, late):
        assert each.texts() == {"1": "ab", "2": "two", "3": "three"}
    sent = [item["content"][0]["text"] for item in harness.fetch.json()["input"]]
    assert sent == ["q1", "ab", "q2", "two", "q3"]
    keys = [request.headers["Idempotency-Key"] for request in harness.fetch.requests]
    assert len(set(keys)) == 3


@with_harness(Reply(status=503), reply("Hi"), reply("again"))
async def test_repeated_requests_of_one_run_share_their_key_and_a_new_run_has_another(
    harness: Harness,
) -> None:
    harness.chat.send("1", "Hi")
    await harness.until_idle()
    harness.chat.retry("1")
    await harness.until_idle()
    first, repeated, new = (r.headers["Idempotency-Key"] for r in harness.fetch.requests)
    assert first == repeated != new


@with_harness(reply("a", "b", pace_s=1), then=reply("x"))
async def test_the_queue_is_bounded_and_a_rejected_message_comes_back(harness: Harness) -> None:
    panel = harness.open_panel()
    for number in range(102):
        harness.chat.send(str(number), "q", 1)
    assert [r["id"] for r in panel.rejected] == ["101"]
    assert "100 messages" in panel.rejected[0]["error"]["message"]
    await harness.do("Send", "b", panel=1, id="b1", text="q")
    assert [r["id"] for r in panel.rejected] == ["101", "b1"], "in all conversations"
    await harness.do("Forget")
    await harness.until_idle()


@with_harness(reply("a", "b", pace_s=1), reply("three"))
async def test_a_queued_message_is_cancelled_and_its_text_comes_back(harness: Harness) -> None:
    panel, other = harness.open_panel(), harness.open_panel()
    for number in "123":
        harness.chat.send(number, f"q{number}")
    await asyncio.sleep(0.5)
    harness.chat.cancel("2", 1)
    harness.chat.cancel("2", 1)
    assert len(panel.rejected) == 1
    await harness.until_idle()
    for each in (panel, other):
        assert each.texts() == {"1": "ab", "3": "three"}
    texts = [
        [m.get("text") for m in p.messages if m["type"] == "Cancelled"] for p in (panel, other)
    ]
    assert texts == [[None, "q2"], [None]]
    assert [turn["id"] for turn in harness.store.state()["turns"]] == ["1", "3"]


@with_harness(reply("a", "b", pace_s=1))
async def test_a_message_that_is_cancelled_while_it_is_stored_is_removed(
    harness: Harness,
) -> None:
    harness.store.delay_s = 0.2
    harness.chat.send("1", "q1")
    harness.chat.send("2", "q2")
    await asyncio.sleep(0.1)
    harness.chat.cancel("2")
    await harness.until_idle()
    assert [turn["id"] for turn in harness.store.state()["turns"]] == ["1"]


@with_harness(reply("a", "b", pace_s=1), reply("three"), reply("two"))
async def test_send_now_goes_first_and_stops_the_answer_under_way(harness: Harness) -> None:
    panel = harness.open_panel()
    for number in "123":
        harness.chat.send(number, f"q{number}")
    while harness.chat.conversation.turns[0].text != "a":
        await asyncio.sleep(0.1)
    harness.chat.send_now("3")
    await harness.until_idle()
    assert panel.turns["1"].status == "stopped"
    assert panel.texts() == {"1": "a", "3": "three", "2": "two"}
    assert [turn.id for turn in harness.chat.conversation.path] == ["1", "3", "2"]
    assert [harness.store.last(name).get("parent") for name in "132"] == [None, "1", "3"]
    assert harness.store.heads[ID]["leaf"] == "2"


@with_harness(reply("a", "b", pace_s=1), reply("two"))
async def test_stop_sends_the_next_queued_message(harness: Harness) -> None:
    harness.chat.send("1", "q1")
    harness.chat.send("2", "q2")
    while harness.chat.conversation.turns[0].text != "a":
        await asyncio.sleep(0.1)
    harness.chat.stop()
    await harness.until_idle()
    assert [turn.text for turn in harness.chat.conversation.turns] == ["a", "two"]


def test_queued_messages_are_on_hold_after_a_failure_until_the_retry_succeeds() -> None:
    bad_key = Reply(status=401, body=b'{"error": {"message": "bad key"}}')

    @with_harness(bad_key, reply("one"), reply("two"))
    async def scene(harness: Harness) -> None:
        harness.chat.send("1", "q1")
        harness.chat.send("2", "q2")
        await harness.until_idle()
        await asyncio.sleep(600)
        assert len(harness.fetch.requests) == 1
        assert reasons(harness) == {"1": None, "2": "pause"}
        harness.chat.retry("1")
        await harness.until_idle()
        assert [turn.text for turn in harness.chat.conversation.turns] == ["one", "two"]

    scene()


@with_harness(Reply(status=401), reply("two"))
async def test_a_message_on_hold_is_sent_on_request(harness: Harness) -> None:
    harness.chat.send("1", "q1")
    harness.chat.send("2", "q2")
    await harness.until_idle()
    harness.chat.retry("2")
    await harness.until_idle()
    assert harness.chat.conversation.turns[1].text == "two"


@with_harness(reply("one"))
async def test_an_answer_is_stored_before_its_end_is_reported(harness: Harness) -> None:
    panel = harness.open_panel()
    harness.store.delay_s = 0.1
    harness.chat.send("1", "q1")
    while panel.turns.get("1") is None or panel.turns["1"].status is not TurnStatus.COMPLETED:
        await asyncio.sleep(0.01)
    assert harness.store.last("1")["status"] == "completed"


@with_harness(limited("one", requests_left=0, reset="90s"), reply("two"))
async def test_the_providers_limit_is_waited_for(harness: Harness) -> None:
    panel = harness.open_panel()
    harness.chat.send("1", "q1")
    await harness.until_idle()
    begin = now()
    harness.chat.send("2", "q2")
    await asyncio.sleep(1)
    waiting = panel.turns["2"].waiting
    assert waiting is not None
    assert waiting.reason == "rate_limit"
    assert waiting.until is not None
    assert abs(waiting.until / 1000 - (begin + 90)) < 1
    assert harness.alarms[-1] == waiting.until
    assert harness.busy[-1] is False
    count = len(harness.alarms)
    await harness.do("Wake")
    assert len(harness.alarms) == count
    await asyncio.sleep(60)
    assert len(harness.fetch.requests) == 1
    await asyncio.sleep(31)
    assert panel.texts()["2"] == "two"
    assert now() - begin >= 90


@with_harness(limited("one", requests_left=0, reset="90s"), reply("two"))
async def test_send_now_does_not_wait_for_the_limit(harness: Harness) -> None:
    harness.chat.send("1", "q1")
    await harness.until_idle()
    harness.chat.send("2", "q2")
    await asyncio.sleep(1)
    harness.chat.send_now("2")
    await harness.until_idle()
    assert harness.chat.conversation.turns[1].text == "two"
    assert harness.alarms[-1] == 0


def test_a_long_wait_of_the_server_holds_for_the_queue_but_not_for_a_retry() -> None:
    busy = Reply(status=429, headers={"retry-after": "3600"})

    @with_harness(busy, reply("one"), reply("two"), reply("three"))
    async def scene(harness: Harness) -> None:
        harness.chat.send("1", "q1")
        await harness.until_idle()
        harness.chat.send("2", "q2")
        await asyncio.sleep(1)
        assert reasons(harness) == {"1": "rate_limit", "2": "turn"}
        harness.chat.retry("1")
        await harness.until_idle()
        assert harness.chat.conversation.turns[0].text == "one"
        assert reasons(harness) == {"1": None, "2": "rate_limit"}
        # The limit belongs to this model.
        harness.settings["model"] = "another"
        await harness.do("Send", "b", id="3", text="q3")
        await harness.until_idle()
        assert harness.store.last("3")["blocks"][0]["text"] == "two"

    scene()


@with_harness(limited("one", requests_left=0, reset="90s"), reply("two"))
async def test_another_account_does_not_wait_for_the_limit_of_the_first(harness: Harness) -> None:
    harness.chat.send("1", "q1")
    await harness.until_idle()
    harness.chat.send("2", "q2")
    await asyncio.sleep(1)
    assert reasons(harness) == {"1": None, "2": "rate_limit"}
    await harness.do("NewAccount")
    await harness.until_idle()
    assert harness.chat.conversation.path[1].text == "two"
    assert harness.alarms[-1] == 0


@with_harness(reply("Hi"))
async def test_offline_messages_wait_for_the_network(harness: Harness) -> None:
    harness.is_online = False
    harness.chat.send("1", "Hi")
    await asyncio.sleep(300)
    assert reasons(harness) == {"1": "offline"}
    assert harness.fetch.requests == []
    harness.is_online = True
    await harness.do("Wake")
    await harness.until_idle()
    assert harness.chat.conversation.turns[0].text == "Hi"


@with_harness(reply("Hi"))
async def test_a_server_on_this_computer_needs_no_network(harness: Harness) -> None:
    harness.is_online = False
    harness.settings["base_url"] = "http://localhost:1234/v1"
    harness.chat.send("1", "Hi")
    await harness.until_idle()
    assert harness.chat.conversation.turns[0].text == "Hi"


@with_harness(then=reply("Hi"))
async def test_opening_a_conversation_does_not_send_its_queue(harness: Harness) -> None:
    turn = Turn(id="1", user="from a file", created_at=0, status=TurnStatus.QUEUED, sent=False)
    harness.store.put(stored("b", json.loads(turn.record())))
    await harness.do("Join", "b", panel=1)
    await harness.until_idle()
    await asyncio.sleep(100)
    assert harness.fetch.requests == []
    assert harness.store.last("1")["status"] == "stopped"
    await harness.do("Retry", "b", panel=1, id="1")
    await harness.until_idle()
    assert harness.store.last("1")["blocks"][0]["text"] == "Hi"


@pytest.mark.parametrize("at", [0.05, 0.15, 0.25, 0.35, 0.45, 1.5, 2.5, 4.0])
def test_the_queue_survives_the_process_and_nothing_is_sent_twice(at: float) -> None:
    """The process ends at some moment, and the next one continues with what was stored."""
    answers = (reply("a", "b", pace_s=1), reply("two"))

    async def first_process() -> tuple[MemoryStore, int]:
        harness = Harness(*answers)
        await harness.begin()
        harness.store.delay_s = 0.1
        harness.chat.send("1", "q1")
        harness.chat.send("2", "q2")
        await asyncio.sleep(at)
        return harness.store, len(harness.fetch.requests)

    store, requests = run(first_process())
    if not store.saved:
        return
    store.delay_s = 0.0

    @with_harness(then=reply("after"), store=store)
    async def second_process(harness: Harness) -> None:
        await asyncio.sleep(10)
        sent = requests + len(harness.fetch.requests)
        states = {turn.id: turn.status.value for turn in harness.chat.conversation.turns}
        if "interrupted" in states.values():
            # It may have been sent, so only the user can send it again. The messages after it wait.
            assert sent == requests
            assert set(states.values()) <= {"completed", "interrupted", "queued"}
        else:
            assert set(states.values()) == {"completed"}
            assert sent == len(states)

    second_process()


# --- the user's own limits ----------------------------------------------------------------------


@with_harness(reply("one"), reply("two"), reply("three"))
async def test_no_more_requests_are_sent_in_a_minute_than_the_user_allows(harness: Harness) -> None:
    harness.settings["requests_per_minute"] = 2
    for number in "123":
        await harness.do("Send", id=number, text=f"q{number}")
    await asyncio.sleep(5)
    assert reasons(harness) == {"1": None, "2": None, "3": "rate_limit"}
    assert len(harness.fetch.requests) == 2
    await asyncio.sleep(60)
    await harness.until_idle()
    assert [turn.text for turn in harness.chat.conversation.path] == ["one", "two", "three"]


def test_the_calls_of_a_turn_count_as_well() -> None:
    def calls(request: Any) -> Reply:
        rounds = request.body.decode().count('"function_call_output"')
        if rounds >= 3:
            return reply("Done.")
        stream = ResponsesStream().created()
        stream.function_call("add", '{"first": 1, "second": 2}', call_id=f"c{rounds}")
        return Reply(stream.completed())

    @with_harness(then=calls)
    async def scene(harness: Harness) -> None:
        harness.settings["requests_per_minute"] = 2
        harness.adder.delay_s = 0.0
        harness.chat.open.configure(ConversationSettings(tools={"add": "always"}))
        panel = harness.open_panel()
        begun = now()
        await harness.do("Send", id="1", text="Add")
        await asyncio.sleep(5)
        assert "2 requests a minute" in (panel.turns["1"].notice or "")
        await harness.until_idle()
        assert panel.turns["1"].text == "Done."
        assert panel.turns["1"].notice is None
        assert 60 <= now() - begun < 130

    scene()


@with_harness(then=reply("Hi", pace_s=5))
async def test_the_length_of_the_queue_is_a_setting(harness: Harness) -> None:
    harness.settings["max_waiting"] = 2
    panel = harness.open_panel()
    for number in "1234":
        await harness.do("Send", id=number, text="q", panel=1)
        await asyncio.sleep(0.1)
    assert [message["id"] for message in panel.rejected] == ["4"]
    assert "2 messages are waiting" in panel.rejected[0]["error"]["message"]


@with_harness(then=reply("Hi"))
async def test_what_servers_refuse_is_remembered_for_the_next_process(harness: Harness) -> None:
    harness.store.texts["adjustments"] = harness.chats.adjustments.to_json()
    again = await harness.restart()
    assert again.chats.adjustments.to_json() == harness.chats.adjustments.to_json()
