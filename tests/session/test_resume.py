"""A turn whose answer the provider stores, read by one process after the other.

Each process begins with what the one before it has stored.
"""

from __future__ import annotations

import json
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidestream import CallOptions, Client, ErrorKind, Prompt, Provider, SidestreamError
from sidestream.session.turn import Turn
from sidestream.testing import MockSSEStream, ResponsesStream, StoredResponses, now, run
from sidestream.types.events import Batch

FIXTURES = Path(__file__).parents[1] / "fixtures"
RECORDINGS = [
    path
    for path in sorted(FIXTURES.glob("*/*responses*.sse"))
    # Failed answers may be retried. The others' ids change from frame to frame, or their items end
    # in another order than they began in, so their frames cannot be matched without the
    # beginning. These servers do not store answers anyway.
    if not any(word in path.name for word in ("failed", "error_event"))
    and not path.name.startswith(("copilot", "litellm", "openrouter"))
]


def hello() -> ResponsesStream:
    thought = ResponsesStream().created().reasoning("Let me ", "think.", encrypted_content="secret")
    return thought.text("Hel", "lo, ", "world", "!").completed()


class Process:
    """Keeps a turn's record as the extension does."""

    def __init__(self, server: StoredResponses) -> None:
        self.server = server
        server.pace_s = 0.1  # each frame is a batch of its own
        self.record = Turn(id="t", user="Hi", created_at=0).record()
        self.position: tuple[str, int] | None = None
        self.error: SidestreamError | None = None
        self.ended = False

    def live(self, batches: int | None) -> None:
        """Run to the end of the answer, or until ``batches`` arrived. Only the record is left."""
        run(self._live(batches))

    async def _live(self, limit: int | None) -> None:
        turn = Turn.model_validate_json(self.record)
        provider = Provider(name="Test", base_url="https://a.test/v1")
        options = CallOptions(model="m", background=True)
        client = Client(
            provider=provider, fetch=self.server, defaults=options, now=now, random=lambda: 0.0
        )
        if self.position is None:
            answer = client.stream_batches(Prompt.from_text("Hi"))
        else:
            answer = client.resume(*self.position, finished_items=turn.items)
        count = 0
        try:
            async with aclosing(answer) as all_batches:
                async for batch in all_batches:
                    self._take(turn, batch)
                    count += 1
                    if count == limit:
                        return
        except SidestreamError as error:
            self.error = error
        self.ended = True

    def _take(self, turn: Turn, batch: Batch) -> None:
        for event in batch:
            turn.apply(event)
        if batch.sequence_number is not None:
            self.position = batch.response_id, batch.sequence_number
        self.record = turn.record()

    @property
    def answer(self) -> dict[str, Any]:
        record: dict[str, Any] = json.loads(self.record)
        return {name: record.get(name) for name in ("blocks", "items", "usage")}


@pytest.mark.parametrize("path", RECORDINGS, ids=[path.stem for path in RECORDINGS])
@settings(max_examples=15)
@given(data=st.data())
def test_an_answer_read_by_many_processes_is_the_same(path: Path, data: st.DataObject) -> None:
    stream = MockSSEStream.from_file(path)
    frames = stream.body.count(b"\n\n")
    uncut = Process(StoredResponses(stream))
    uncut.live(None)
    process = Process(StoredResponses(*[stream] * 20))
    for batches in data.draw(st.lists(st.integers(1, max(frames, 1)), max_size=6)):
        if not process.ended:
            process.live(batches)
    if not process.ended:
        process.live(None)
    assert process.answer == uncut.answer
    assert (process.error and process.error.message) == (uncut.error and uncut.error.message)
    assert process.server.asked == 1


def test_an_open_reasoning_summary_continues_without_a_break() -> None:
    stream = ResponsesStream().created().reasoning("Let me ", "think ", "hard.").completed()
    process = Process(StoredResponses(stream))
    process.live(5)
    assert json.loads(process.record)["blocks"][0]["text"] == "Let me think "
    process.live(None)
    assert json.loads(process.record)["blocks"][0]["text"] == "Let me think hard."


def test_an_open_call_keeps_its_name() -> None:
    stream = ResponsesStream().created().function_call("look", '{"a"', ": 1", "}").completed()
    process = Process(StoredResponses(stream))
    process.live(4)
    process.live(None)
    block = json.loads(process.record)["blocks"][0]
    assert (block["name"], block["text"], block["call_id"]) == ("look", '{"a": 1}', "call_1")


def test_a_text_that_repeats_itself_is_not_doubled() -> None:
    """The rest of "aaaa" begins like the whole text."""
    stream = ResponsesStream().created().text("aa", "aa", "aa").completed()
    process = Process(StoredResponses(stream))
    process.live(4)
    process.live(None)
    assert json.loads(process.record)["blocks"][0]["text"] == "aaaaaa"


def test_what_can_no_longer_be_streamed_comes_as_whole_items() -> None:
    stream = hello()
    process = Process(StoredResponses(stream))
    process.live(8)
    process.server.streams = False
    process.server.looks_until_done = 2
    process.live(None)
    uncut = Process(StoredResponses(hello()))
    uncut.live(None)
    assert process.answer == uncut.answer


@pytest.mark.parametrize("streams", [True, False])
def test_an_answer_that_was_cut_short_meanwhile(streams: bool) -> None:
    stream = ResponsesStream().created().text("Hel", "lo")
    process = Process(StoredResponses(stream.incomplete()))
    process.live(4)
    process.server.streams = streams
    process.live(None)
    assert process.error is not None
    assert process.error.kind is ErrorKind.INCOMPLETE
    assert json.loads(process.record)["blocks"][0]["text"] == "Hello"


def test_an_answer_that_failed_meanwhile_raises_the_providers_error() -> None:
    stream = ResponsesStream().created().text("Hel", done=False)
    process = Process(StoredResponses(stream.failed("insufficient_quota", "No money.")))
    process.live(3)
    process.live(None)
    assert process.error is not None
    assert process.error.kind is ErrorKind.QUOTA_EXCEEDED
    assert json.loads(process.record)["blocks"][0]["text"] == "Hel"
    assert process.server.asked == 1
