"""One request and its stream: silence, its end, faults at any byte."""

from __future__ import annotations

import tracemalloc
from contextlib import aclosing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidestream import (
    ErrorKind,
    WireApi,
)
from sidestream.testing import (
    ChatStream,
    FakeFetch,
    MockSSEStream,
    Reply,
    ResponsesStream,
    run,
)
from sidestream.types.events import (
    OutputTextDelta,
    RateLimits,
    StreamIdle,
)
from sidestream.types.items import (
    FunctionCallItem,
)
from tests.client_calls import PROMPT, Turn, client, hello, provider


def test_ends_at_completed_even_if_the_connection_stays_open() -> None:
    stream = hello().stall()
    turn = Turn(Reply(stream))
    assert turn.error is None
    assert turn.elapsed == 0
    assert turn.fetch.responses[0].aborted


def test_a_chat_that_never_closes_ends_soon_after_its_finish_reason() -> None:
    turn = Turn(Reply(ChatStream().text("Hello").finish().stall()), chat=True)
    assert turn.error is None
    assert turn.text == "Hello"
    assert turn.elapsed == pytest.approx(5)
    turn = Turn(Reply(ChatStream().text("Hello").finish().fail()), chat=True)
    assert turn.error is None
    short = provider(WireApi.CHAT, stream_idle_timeout_ms=2000)
    turn = Turn(Reply(ChatStream().text("Hello").finish().stall()), provider=short)
    assert turn.elapsed == pytest.approx(2)


def test_a_chat_without_done() -> None:
    turn = Turn(Reply(ChatStream().text("Hello").finish()), chat=True)
    assert turn.error is None
    assert turn.text == "Hello"


def test_a_long_answer_in_large_chunks() -> None:
    stream = ResponsesStream().text(*["word "] * 500).completed()
    turn = Turn(Reply(MockSSEStream(stream.body).chunked(3000)))
    assert turn.error is None
    assert turn.text == "word " * 500


def test_a_large_chunk_takes_little_memory_to_decode() -> None:
    body = ResponsesStream().text(*["word "] * 10_000).completed().body
    reading = client(FakeFetch(Reply(MockSSEStream(body).chunked(len(body)))))

    async def main() -> tuple[str, int]:
        text = ""
        tracemalloc.start()
        try:
            async with aclosing(reading.stream_batches(PROMPT)) as batches:
                async for batch in batches:
                    text += "".join(e.delta for e in batch if isinstance(e, OutputTextDelta))
            return text, tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    text, peak = run(main())
    assert text == "word " * 10_000
    assert peak < 2.5 * len(body)  # the stream copies it twice


# --- silence -----------------------------------------------------------------------------------


def test_silence_is_reported_once_and_comments_count_as_activity() -> None:
    stream = ResponsesStream().created().pause(45).comment().pause(45)
    turn = Turn(Reply(stream.text("Hello").completed()))
    assert turn.types.count("StreamIdle") == 2
    assert StreamIdle(idle_ms=30_000, timeout_ms=300_000) in turn.events
    stream = ResponsesStream().created()
    for _ in range(30):
        stream.pause(25).comment()
    turn = Turn(Reply(stream.text("Hello").completed()))
    assert turn.elapsed == pytest.approx(750)
    assert "StreamIdle" not in turn.types
    assert turn.error is None


def test_a_stream_of_comments_alone_ends() -> None:
    """opencode#43519: a stalled generation was kept open by comments and never ended."""
    stream = ResponsesStream().created().text("He", done=False)
    for _ in range(100):
        stream.pause(25).comment()
    turn = Turn(Reply(stream), provider=provider(stream_max_retries=0))
    assert turn.elapsed == pytest.approx(925)
    assert turn.error is not None
    assert turn.error.kind is ErrorKind.TIMEOUT
    assert turn.text == "He"


def test_too_long_a_silence_is_a_broken_stream() -> None:
    turn = Turn(Reply(ResponsesStream().created().text("He", done=False).stall()), Reply(hello()))
    assert turn.error is None
    assert turn.text == "Hello"
    assert [wait.reason for wait in turn.waits] == ["The server has sent nothing for 5 min."]
    assert turn.fetch.times == pytest.approx([0, 301])
    only_one = provider(stream_max_retries=0)
    turn = Turn(Reply(ResponsesStream().text("He", done=False).stall()), provider=only_one)
    assert turn.error is not None
    assert (turn.error.kind, turn.error.retryable) == (ErrorKind.TIMEOUT, True)
    assert turn.text == "He"


# --- broken streams ----------------------------------------------------------------------------


def test_a_refusal_reports_its_rate_limits_first() -> None:
    headers = {"x-codex-primary-used-percent": "100"}
    body = {"error": {"type": "usage_limit_reached", "message": "x", "plan_type": "plus"}}
    turn = Turn(Reply(body, status=429, headers=headers))
    assert turn.types == ["RateLimits", "Completed"]
    assert turn.error is not None
    assert turn.error.kind is ErrorKind.USAGE_LIMIT_REACHED
    assert turn.error.plan_type == "plus"


# --- properties --------------------------------------------------------------------------------

WHOLE = ResponsesStream().created().reasoning("a\u00e9", "\u20ac").text("\U0001f600", "x\u00fc")
WHOLE.function_call("f", '{"a":', ' "\u00e9"}').completed()

CHAT = ChatStream().reasoning("\u00e9").text("\U0001f600", "\u20ac").tool_call("f", "{", "}")
CHAT.finish("tool_calls").usage().done()


@given(size=st.integers(1, 400), chat=st.booleans())
def test_chunks_make_no_difference(size: int, chat: bool) -> None:
    body = (CHAT if chat else WHOLE).body
    whole = Turn(Reply(MockSSEStream(body)), chat=chat)
    cut = Turn(Reply(MockSSEStream(body).chunked(size)), chat=chat)
    assert cut.events == whole.events
    assert cut.error is None


@given(at=st.integers(0, len(WHOLE.body)), fault=st.sampled_from(["cut", "fail", "stall"]))
def test_a_fault_at_any_byte_loses_nothing_and_doubles_nothing(at: int, fault: str) -> None:
    stream = MockSSEStream(WHOLE.body)
    getattr(stream, f"{fault}_at")(at)
    turn = Turn(Reply(stream), Reply(WHOLE))
    calls = [item for item in turn.items if isinstance(item, FunctionCallItem)]
    assert len(calls) <= 1
    if turn.error is None:
        assert turn.items[-1] == calls[0]
    else:
        kinds = (ErrorKind.STREAM_CLOSED, ErrorKind.TIMEOUT, ErrorKind.BAD_RESPONSE)
        assert turn.error.kind in kinds


@given(st.lists(st.binary(max_size=30) | st.sampled_from([b"data: {}\n\n", b"\n\n"]), max_size=8))
def test_any_bytes_end_in_completed(pieces: list[bytes]) -> None:
    for chat in (False, True):
        stream = MockSSEStream()
        for piece in pieces:
            stream.raw(piece)
        turn = Turn(*[Reply(stream)] * 6, chat=chat)
        assert turn.error is not None
        assert turn.events


def test_rate_limits_come_as_snapshots() -> None:
    turn = Turn(Reply(hello(), headers={"x-codex-primary-used-percent": "5"}))
    snapshots = [event.snapshot for event in turn.events if isinstance(event, RateLimits)]
    assert [snapshot.limit_id for snapshot in snapshots] == ["codex"]
