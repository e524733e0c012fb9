"""Bodies that are no stream: pages, JSON, the other wire API."""

from __future__ import annotations

import json
from typing import Any

import pytest

import sidestream._attempt
import sidestream._response_body
from sidestream import (
    ErrorKind,
)
from sidestream.sse import SSEDecoder
from sidestream.testing import (
    MockSSEStream,
    Reply,
    ResponsesStream,
)
from sidestream.types.events import (
    Completed,
)
from tests.client_calls import Turn, chat_hello, hello


@pytest.mark.parametrize(
    ("body", "headers", "words"),
    [
        ("<!doctype html><title>Sign in</title>", {}, "sent a web page"),
        (" \n<html>", {"content-type": "text/event-stream"}, "sent a web page"),
        ("It works!", {}, "sent text/plain"),
        (b"", {"content-type": "text/event-stream"}, "sent an empty answer"),
        (b" \r\n\n", {}, "sent an empty answer"),
        ([1, 2], {}, "sent application/json"),
        ({"odd": 1}, {}, "JSON, but not a response"),
        ("{ broken", {}, "JSON, but not a response"),
    ],
)
def test_bodies_that_are_no_answer(body: Any, headers: dict[str, str], words: str) -> None:
    turn = Turn(Reply(body, headers=headers))
    assert turn.error is not None
    assert turn.error.kind is ErrorKind.BAD_RESPONSE
    assert words in turn.error.message
    assert turn.error.hint
    assert turn.events == [Completed(response_id="")]
    assert turn.client.last_failed_exchange is not None
    assert turn.client.last_failed_exchange.status == 200


def test_a_stream_of_the_other_wire_api() -> None:
    turn = Turn(Reply(chat_hello()))
    assert turn.error is not None
    assert turn.error.kind is ErrorKind.BAD_RESPONSE
    assert "Responses API" in turn.error.message
    turn = Turn(Reply(hello()), chat=True)
    assert turn.error is not None
    assert "Chat Completions" in turn.error.message


def whole_response() -> Any:
    frames = SSEDecoder().feed(hello().body)
    return json.loads(frames[-1].data)["response"]


@pytest.mark.parametrize("headers", [{}, {"content-type": "text/event-stream"}])
def test_a_server_that_does_not_stream(headers: dict[str, str]) -> None:
    text = json.dumps(whole_response(), indent=1).encode()
    turn = Turn(Reply(MockSSEStream(b"\n " + text).chunked(7), headers=headers))
    assert turn.error is None
    assert turn.text == "Hello"
    assert turn.items[0].text == "Hello"
    message = {"role": "assistant", "content": "Hello"}
    completion = {"id": "c", "choices": [{"message": message, "finish_reason": "stop"}]}
    turn = Turn(Reply(completion, headers=headers), chat=True)
    assert turn.error is None
    assert turn.text == "Hello"


def test_silence_while_a_whole_body_is_made() -> None:
    body = json.dumps(whole_response()).encode()
    turn = Turn(Reply(MockSSEStream().raw(body[:5]).pause(40).raw(body[5:])))
    assert turn.error is None
    assert turn.types[0] == "StreamIdle"


def test_an_error_in_a_whole_body() -> None:
    turn = Turn(Reply({"error": {"message": "Nope.", "code": "x"}}))
    assert turn.error is not None
    assert turn.error.server_message == "Nope."
    assert turn.waits == []
    turn = Turn(Reply({"error": {"message": "Busy.", "code": "slow_down"}}), Reply(hello()))
    assert turn.error is None
    assert len(turn.waits) == 1


def test_a_byte_order_mark_is_no_obstacle() -> None:
    turn = Turn(Reply(MockSSEStream(b"\xef\xbb\xbf" + hello().body).chunked(1)))
    assert turn.error is None
    assert turn.text == "Hello"


def test_junk_between_frames_is_skipped_and_counted() -> None:
    stream = ResponsesStream().created().event("not json").event("[1]").event({"type": "new.thing"})
    stream.raw(b"what: is this\n\n").text("Hello").completed()
    turn = Turn(Reply(stream))
    assert turn.error is None
    assert turn.text == "Hello"
    assert turn.client.stats.skipped_frames >= 2
    assert turn.client.stats.calls == 1


def test_oversized_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sidestream._response_body, "MAX_BODY_BYTES", 1000)
    turn = Turn(Reply({"x": "y" * 2000}))
    assert turn.error is not None
    assert turn.error.kind is ErrorKind.BAD_RESPONSE
    assert "larger than 1,000 bytes" in turn.error.message
    monkeypatch.undo()
    monkeypatch.setattr(sidestream._attempt, "SSEDecoder", lambda: SSEDecoder(max_frame_bytes=1000))
    turn = Turn(Reply(ResponsesStream().created().text("x" * 2000)))
    assert turn.error is not None
    assert "more than 1,000 bytes" in turn.error.message
    assert turn.waits == []
