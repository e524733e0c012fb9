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
from tests.session.world import MemoryStore, World, in_world, story


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
