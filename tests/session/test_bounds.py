"""However much a server sends at once, commands still work, and little is repeated in storage."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from sidestream._attempt import AT_ONCE_BYTES
from sidestream.decode._bounds import MAX_ITEMS
from sidestream.session.answer_reader import EVENTS_AT_ONCE
from sidestream.session.turn import Turn, TurnStatus
from sidestream.sse import SSEDecoder
from sidestream.testing import MockSSEStream, Reply, run
from tests.session.harness import Harness, with_harness

CREATED = {"type": "response.created", "response": {"id": "r"}}
COMPLETED = {"type": "response.completed", "response": {"id": "r"}}


def call(number: int) -> dict[str, Any]:
    ids = {"id": f"fc_{number}", "call_id": f"call_{number}"}
    item = {"type": "function_call", **ids, "name": "add", "arguments": "{}"}
    return {"type": "response.output_item.done", "output_index": number, "item": item}


def text(delta: str, item_id: str = "m") -> dict[str, Any]:
    return {"type": "response.output_text.delta", "item_id": item_id, "delta": delta}


def at_once(*frames: Any) -> Reply:
    """An answer that arrives as a whole."""
    stream = MockSSEStream()
    for frame in frames:
        stream.event(frame)
    return Reply(MockSSEStream(stream.body))


class Counter:
    """Counts work between two turns of the event loop, and keeps the maximum."""

    def __init__(self) -> None:
        self.count = self.most = self.turns = 0

    def add(self, count: int = 1) -> None:
        self.count += count
        self.most = max(self.most, self.count)

    async def watch(self) -> None:
        while True:
            self.count = 0
            self.turns += 1
            await asyncio.sleep(0)


MANY = {
    "calls": [CREATED, *map(call, range(900)), COMPLETED],
    "deltas of many texts": [CREATED, *(text("a", f"m{n % 400}") for n in range(3_000)), COMPLETED],
    "junk": ["x"] * 5_000,
    "unknown events": [{"type": "nobody.knows"}] * 2_000,
}


@pytest.mark.parametrize("frames", MANY.values(), ids=MANY)
def test_the_event_loop_keeps_running_while_much_arrives(
    frames: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    events, size = Counter(), Counter()
    apply, feed = Turn.apply, SSEDecoder.feed_data

    def counted_apply(turn: Turn, event: Any) -> bool:
        events.add()
        return apply(turn, event)

    def counted_feed(decoder: SSEDecoder, chunk: bytes) -> list[bytes]:
        size.add(len(chunk))
        return feed(decoder, chunk)

    monkeypatch.setattr(Turn, "apply", counted_apply)
    monkeypatch.setattr(SSEDecoder, "feed_data", counted_feed)

    async def scene() -> None:
        harness = Harness(then=at_once(*frames))
        harness.settings |= {"request_max_retries": 0, "stream_max_retries": 0}
        await harness.begin()
        watching = [asyncio.ensure_future(counter.watch()) for counter in (events, size)]
        harness.chat.send("1", "Hello")
        while harness.chat.conversation.running:
            await asyncio.sleep(0)
        for task in watching:
            task.cancel()

    run(scene())
    assert 0 < size.most <= 2 * AT_ONCE_BYTES
    assert events.most <= 2 * EVENTS_AT_ONCE


@with_harness(at_once(CREATED, *(text("a", f"m{n % 500}") for n in range(4_000)), COMPLETED))
async def test_stop_works_in_the_middle_of_a_large_chunk(harness: Harness) -> None:
    panel = harness.open_panel()
    harness.chat.send("1", "Hello")
    while not panel.turns["1"].blocks:
        await asyncio.sleep(0)
    harness.chats.receive({"type": "Stop", "conversation": "c", "panel": 1})
    taken = len(panel.turns["1"].blocks)
    while harness.chat.conversation.running:
        await asyncio.sleep(0)
    turn = harness.chat.conversation.turns[0]
    assert turn.status is TurnStatus.STOPPED
    assert len(turn.blocks) <= taken + 3 * EVENTS_AT_ONCE


def written(count: int) -> tuple[int, int]:
    """Return the characters that are stored and sent while an answer of ``count`` calls arrives."""
    stored: list[int] = []
    sent: list[int] = []

    async def scene() -> None:
        stream = MockSSEStream().event(CREATED)
        for number in range(count):
            safety = {"use_cases": [], "reasons": [str(number)], "retry_model": None}
            stream.event({**call(number), "safety_buffering": safety}).pause(0.001)
        harness = Harness(then=Reply(stream.event(COMPLETED)))
        await harness.begin()
        panel = harness.open_panel()
        harness.chat.send("1", "Hello")
        await harness.until_idle()
        stored.extend(len(json.dumps(record)) for record in harness.store.saved)
        sent.extend(len(json.dumps(message)) for message in panel.messages)

    run(scene())
    return sum(stored), sum(sent)


def test_storing_and_sending_grow_linearly_with_the_answer() -> None:
    """oh-my-pi#10726: a snapshot of the whole message with each piece of it."""
    few, many = written(200), written(800)
    assert many[0] < 7 * few[0]
    assert many[1] < 7 * few[1]


@with_harness(at_once(CREATED, text("Hello. "), *map(call, range(MAX_ITEMS + 50)), COMPLETED))
async def test_a_turn_of_too_many_parts_ends_and_keeps_what_arrived(harness: Harness) -> None:
    panel = harness.open_panel()
    harness.chat.send("1", "Hello")
    await harness.until_idle()
    turn = panel.turns["1"]
    assert turn.status is TurnStatus.INCOMPLETE
    assert turn.error is not None
    assert "more than 1,000 parts" in turn.error["message"]
    assert turn.text == "Hello. "
    assert "continue" in (panel.actions("1") or [])
