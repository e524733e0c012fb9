"""A turn runs from the stored message to the stored answer."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from sidestream.errors import ErrorKind, SidestreamError
from sidestream.testing import (
    Refuse,
    Reply,
    ResponsesStream,
    run,
)
from tests.session.harness import Harness, MemoryStore, reply, with_harness


@with_harness(reply("Hel", "lo"))
async def test_a_turn_from_message_to_answer(harness: Harness) -> None:
    panel = harness.open_panel()
    harness.chat.send("1", "Hi")
    await harness.until_idle()
    turn = panel.turns["1"]
    assert (turn.user, turn.text, turn.status) == ("Hi", "Hello", "completed")
    assert turn.model == "m"
    assert turn.usage is not None
    assert turn.view() == harness.chat.conversation.turns[0].view()
    assert harness.store.last("1")["status"] == "completed"
    assert harness.busy[0] is True
    assert harness.busy[-1] is False
    assert harness.fetch.all_closed


def test_the_message_is_stored_before_the_request_is_sent() -> None:
    store = MemoryStore()
    store.delay_s = 3

    @with_harness(reply("Hi"), store=store)
    async def scene(harness: Harness) -> None:
        harness.chat.send("1", "Hi")
        await asyncio.sleep(2.9)
        assert harness.fetch.requests == []
        await asyncio.sleep(0.2)
        assert harness.fetch.requests == []
        saved = store.saved[0]
        assert (saved["user"], saved["status"], saved["sent"]) == ("Hi", "running", False)
        # A record with "not sent" must be true, so "sent" is stored before the request is.
        await asyncio.sleep(3)
        assert store.saved[1]["sent"] is True
        assert len(harness.fetch.requests) == 1

    scene()


def test_a_message_that_cannot_be_stored_is_not_sent() -> None:
    store = MemoryStore()
    full = SidestreamError(ErrorKind.INTERNAL, "The disk is full.", hint="Free some space.")

    @with_harness(then=reply("Hi"), store=store)
    async def scene(harness: Harness) -> None:
        panel = harness.open_panel()
        store.error = full
        harness.chat.send("1", "Hi")
        await harness.until_idle()
        assert harness.fetch.requests == []
        assert panel.turns["1"].error == {
            "kind": "internal",
            "message": "The disk is full.",
            "hint": "Free some space.",
            "retryable": False,
        }
        store.error = None
        harness.chat.retry("1")
        await harness.until_idle()
        assert panel.turns["1"].text == "Hi"
        assert store.last("1")["status"] == "completed"

    scene()


@with_harness(reply(*"abcdefghijklmnopqrst", pace_s=0.4))
async def test_a_growing_answer_is_stored_each_second_and_at_the_end(harness: Harness) -> None:
    harness.chat.send("1", "Hi")
    turn = harness.chat.conversation.turns[0]
    a_second_ago = [0] * 11
    while turn.status.active:
        await asyncio.sleep(0.1)
        a_second_ago = [*a_second_ago[1:], len(turn.text)]
        blocks = harness.store.last("1")["blocks"]
        assert len(blocks[0]["text"] if blocks else "") >= a_second_ago[0]
    await harness.until_idle()
    assert len(harness.store.saved) < 16
    assert harness.store.last("1")["blocks"][0]["text"] == "abcdefghijklmnopqrst"


@with_harness(reply(*["x" * 20_000] * 100, pace_s=1.0))
async def test_storing_a_long_answer_costs_no_more_per_second_than_a_short_one(
    harness: Harness,
) -> None:
    harness.chat.send("t1", "Hi")
    turn = harness.chat.conversation.turns[0]
    while turn.status.active:
        await asyncio.sleep(1)
    written = sum(len(json.dumps(record)) for record in harness.store.saved)
    # The end is stored twice: the finished item, and the turn.
    assert written < 100 * 200_000 + 4 * 2 * 2_000_000
    assert len(harness.store.last("t1")["blocks"][0]["text"]) == 2_000_000


def test_a_finished_item_is_stored_at_once() -> None:
    stream = ResponsesStream().created().text("one").pause(20).text("two").completed()

    @with_harness(Reply(stream))
    async def scene(harness: Harness) -> None:
        harness.chat.send("1", "Hi")
        await asyncio.sleep(0.1)
        assert harness.store.last("1")["items"][0]["content"][0]["text"] == "one"

    scene()


@with_harness(reply(*"abcdefgh", pace_s=1.5))
async def test_a_full_disk_in_mid_answer_is_reported_once_and_the_answer_continues(
    harness: Harness,
) -> None:
    panel = harness.open_panel()
    harness.chat.send("1", "Hi")
    await asyncio.sleep(3)
    harness.store.error = SidestreamError(ErrorKind.INTERNAL, "The disk is full.")
    await harness.until_idle()
    assert [r["error"]["message"] for r in panel.rejected] == ["The disk is full."]
    assert panel.turns["1"].text == "abcdefgh"


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
    @with_harness(exchange, reply("better"))
    async def scene(harness: Harness) -> None:
        panel = harness.open_panel()
        harness.chat.send("1", "Hi")
        await harness.until_idle()
        turn = panel.turns["1"]
        assert (turn.status, (turn.error or {})["kind"]) == (status, kind)
        assert harness.store.last("1")["error"] == turn.error
        harness.chat.retry("1")
        await harness.until_idle()
        (again,) = panel.turns.values()
        assert (again.status, again.text, again.error) == ("completed", "better", None)

    scene()


@with_harness(then=Refuse())
async def test_a_network_that_stays_away_ends_the_turn(harness: Harness) -> None:
    panel = harness.open_panel()
    harness.chat.send("1", "Hi")
    await harness.until_idle()
    assert (panel.turns["1"].error or {})["kind"] == "network"
    assert len(harness.fetch.requests) == 5


@with_harness(reply("Hi"))
async def test_no_provider_fails_the_turn_and_keeps_the_message(harness: Harness) -> None:
    panel = harness.open_panel()
    harness.connection_error = SidestreamError(ErrorKind.CONFIGURATION, "No provider is set up.")
    harness.chat.send("1", "Hi")
    await harness.until_idle()
    assert (panel.turns["1"].error or {})["message"] == "No provider is set up."
    harness.connection_error = None
    harness.chat.retry("1")
    await harness.until_idle()
    assert panel.texts() == {"1": "Hi"}


def test_an_internal_error_is_an_error_like_any_other(caplog: pytest.LogCaptureFixture) -> None:
    @with_harness(reply("Hi"))
    async def scene(harness: Harness) -> None:
        panel = harness.open_panel()
        harness.connection_error = ZeroDivisionError("secret detail")
        harness.chat.send("1", "Hi")
        await harness.until_idle()
        error = panel.turns["1"].error or {}
        assert error["kind"] == "internal"
        assert "secret detail" not in json.dumps(error)
        assert harness.chat.conversation.running is None

    scene()

    assert "ZeroDivisionError" in caplog.text


@with_harness(reply("a1"), reply("a2"), reply("a1 again"))
async def test_retry_of_an_earlier_turn_sends_only_the_turns_before_it(harness: Harness) -> None:
    panel = harness.open_panel()
    for turn_id in ("1", "2"):
        harness.chat.send(turn_id, f"q{turn_id}")
        await harness.until_idle()
    harness.chat.retry("1")
    await harness.until_idle()
    assert list(panel.texts().values()) == ["a1 again"]
    assert len(harness.fetch.json()["input"]) == 1


@with_harness(reply("Hi"))
async def test_instructions_and_the_conversation_go_with_the_request(harness: Harness) -> None:
    harness.settings["instructions"] = "Be brief."
    harness.chat.send("1", "Hi")
    await harness.until_idle()
    sent = harness.fetch.json()
    assert sent["instructions"] == "Be brief."
    assert sent["model"] == "m"


# --- a new process -----------------------------------------------------------------------------


def test_a_turn_that_was_running_is_restored_as_interrupted() -> None:
    async def first_process() -> dict[str, Any]:
        harness = Harness(reply("a", "b", "c", pace_s=1))
        await harness.begin()
        harness.chat.send("1", "Hi")
        await asyncio.sleep(5.5)
        return harness.store.state()

    store = MemoryStore(run(first_process()))

    @with_harness(reply("whole"), store=store)
    async def second_process(harness: Harness) -> None:
        panel = harness.open_panel()
        assert panel.turns["1"].status == "interrupted"
        assert panel.texts()["1"] in ("a", "ab")
        await asyncio.sleep(0.1)
        assert store.last("1")["status"] == "interrupted"
        harness.chat.send("1", "Hi")  # the panel does not know whether the command had arrived
        assert harness.fetch.requests == []
        harness.chat.retry("1")
        await harness.until_idle()
        (retried,) = panel.turns
        assert panel.texts() == {retried: "whole"}
        assert store.last("1")["status"] == "interrupted"

    second_process()


@with_harness()
async def test_an_empty_store_is_a_new_conversation(harness: Harness) -> None:
    assert harness.open_panel().turns == {}
