"""Chat Completions: how an answer ends, frames that are none, and bodies that are not streamed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sidestream.decode import decoder_for
from sidestream.errors import ErrorKind
from sidestream.types import events as ev
from sidestream.types.usage import TokenUsage
from tests.decode.chat.frames import STOP, call, chunk

USAGE = {"id": "c", "choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 2}}


# --- the end ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "frames",
    [
        pytest.param([STOP, USAGE, "[DONE]"], id="all of it"),
        pytest.param([STOP, USAGE], id="no sentinel"),
        pytest.param(
            [{**chunk("stop"), "usage": USAGE["usage"]}, "[DONE]"], id="usage with the reason"
        ),
        pytest.param([{**chunk("stop"), "usage": USAGE["usage"]}], id="usage, then nothing"),
        pytest.param([{**chunk(content=""), "usage": USAGE["usage"]}, "DONE"], id="no reason"),
        pytest.param([STOP, {**chunk(content=""), "usage": USAGE["usage"]}], id="usage, a choice"),
        pytest.param([STOP, {"usage": USAGE["usage"]}], id="usage, no choices"),
        pytest.param([chunk("stop", {"usage": USAGE["usage"]})], id="usage in the choice"),
        pytest.param(
            [{**chunk("stop"), "x_groq": {"usage": USAGE["usage"]}}, "[DONE]"], id="Groq's usage"
        ),
        pytest.param([chunk("eos"), USAGE], id="another reason"),
    ],
)
def test_completion(frames: list[Any], play: Any) -> None:
    outcome = play("chat", [chunk(content="Hi"), *frames])
    assert outcome.error is None
    assert outcome.text == "Hi"
    assert outcome.completed.response_id == "c"
    assert outcome.usage == TokenUsage(input_tokens=1, output_tokens=2, total_tokens=3)


def test_an_answer_is_complete_with_its_finish_reason() -> None:
    decoder = decoder_for("chat")
    decoder.feed(json.dumps(chunk(content="Hi")))
    assert not decoder.complete
    assert decoder.has_open
    decoder.feed(json.dumps(STOP))
    assert decoder.complete
    assert not decoder.done, "the usage may still come"
    assert [event.type for event in decoder.feed(json.dumps(USAGE))] == [
        "OutputItemDone",
        "Completed",
    ]
    assert decoder.done


def test_what_comes_after_the_finish_reason_is_not_lost(play: Any) -> None:
    late = {**chunk(content=" there"), "usage": {"prompt_tokens": 1}}
    outcome = play("chat", [chunk("stop", content="Hi"), late, chunk(content="!"), "[DONE]"])
    assert outcome.text == "Hi there!"


@pytest.mark.parametrize("reason", ["length", "max_tokens", "content_filter"])
@pytest.mark.parametrize("end", [[], ["[DONE]"], [USAGE], [USAGE, "[DONE]"], [STOP]])
def test_cut_short(reason: str, end: list[Any], play: Any) -> None:
    frames = [
        chunk(content="Hi"),
        call("whole", "{}", index=0, id="1"),
        call("half", '{"', index=1, id="2"),
        chunk(reason),
    ]
    outcome = play("chat", [*frames, *end])
    assert outcome.error.kind == ErrorKind.INCOMPLETE
    assert not outcome.error.retryable
    assert outcome.messages[0].text == "Hi"
    assert outcome.calls == [("whole", "1", "{}")]
    assert (outcome.usage is not None) is (USAGE in end)
    assert outcome.completed.response_id == "c"


@pytest.mark.parametrize("reason", ["length", "content_filter"])
def test_a_cut_is_known_before_the_usage(reason: str) -> None:
    decoder = decoder_for("chat")
    decoder.feed(json.dumps(chunk(reason, content="Hi")))
    assert decoder.complete
    assert not decoder.done
    assert decoder.error is not None
    assert decoder.error.kind == ErrorKind.INCOMPLETE
    assert decoder.feed(json.dumps(USAGE)) == []
    assert decoder.done


def test_broken_off(play: Any) -> None:
    outcome = play("chat", [chunk(reasoning="Hm"), chunk(content="Hi"), call("a", "{}", id="1")])
    assert outcome.error.kind == ErrorKind.STREAM_CLOSED
    assert outcome.error.retryable
    assert [item.type for item in outcome.items] == ["reasoning", "message"]
    assert outcome.completed.response_id == ""


@pytest.mark.parametrize(
    ("frame", "kind"),
    [
        ({"error": {"code": 502, "message": "Provider disconnected"}}, ErrorKind.SERVER_ERROR),
        ({"error": {"code": "insufficient_quota"}, "choices": []}, ErrorKind.QUOTA_EXCEEDED),
        ({"error": "an error was encountered while running the model"}, ErrorKind.SERVER_ERROR),
        ({"object": "error", "message": "Too long", "code": 400}, ErrorKind.INVALID_REQUEST),
        (
            {"choices": None, "error_type": "invalid_request_error", "error_message": "Bad"},
            ErrorKind.INVALID_REQUEST,
        ),
        (chunk("error", {"error": {"code": "insufficient_quota"}}), ErrorKind.QUOTA_EXCEEDED),
        (chunk("error"), ErrorKind.SERVER_ERROR),
        (chunk("network_error"), ErrorKind.SERVER_ERROR),
    ],
)
def test_errors_end_the_answer(frame: dict[str, Any], kind: ErrorKind, play: Any) -> None:
    outcome = play("chat", [chunk(content="Hi"), frame, chunk(content="late")])
    assert outcome.error.kind == kind
    assert outcome.text == "Hi"
    assert not outcome.decoder.complete
    decoder = decoder_for("chat")
    decoder.feed(json.dumps(chunk(content="Hi")))
    assert decoder.feed(json.dumps(frame)) == []
    assert decoder.has_open, "open items stay open, so that the request can be repeated"


@pytest.mark.parametrize(
    ("frame", "skipped"),
    [
        ("", 0),
        ("0", 1),
        ("ping", 1),
        ("[]", 1),
        ("{}", 1),
        ('{"choices":7}', 1),
        ('{"choices":null}', 1),
        ('{"type":"ping"}', 1),
        ('{"choices":[]}', 0),
        ('{"choices":[{}]}', 0),
        ('{"choices":[{"delta":null}]}', 0),
        ('{"error":null,"choices":[]}', 0),
    ],
)
def test_skipped_frames_are_counted(frame: str, skipped: int, play: Any) -> None:
    outcome = play("chat", [chunk(content="Hi"), frame, STOP])
    assert outcome.decoder.skipped == skipped
    assert outcome.text == "Hi"
    assert outcome.error is None


@pytest.mark.parametrize(
    "frame", ["{", '"choices":[{"delta":{"content":" there"}}]}', "[" * 100_000]
)
def test_a_chunk_that_cannot_be_read_breaks_the_stream(frame: str, play: Any) -> None:
    outcome = play("chat", [chunk(content="Hi"), frame, chunk(content="!"), STOP])
    assert outcome.error.kind is ErrorKind.STREAM_CLOSED
    assert outcome.error.retryable
    assert outcome.text == "Hi"
    assert play("chat", [chunk(content="Hi"), STOP, frame]).error is None, "nothing is lost there"


def test_stream_of_another_kind(play: Any) -> None:
    frames = [{"type": "response.created"}, {"type": "response.output_text.delta", "delta": "Hi"}]
    outcome = play("chat", frames)
    assert outcome.error.kind == ErrorKind.BAD_RESPONSE
    assert outcome.types == ["Completed"]


# --- bodies that are not streamed ---------------------------------------------------------------


def test_whole_completion() -> None:
    message = {
        "role": "assistant",
        "content": "Hello 😀",
        "reasoning_content": "Hm",
        "tool_calls": [{"id": "1", "function": {"name": "a", "arguments": "{}"}}],
    }
    completion = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3},
    }
    decoder = decoder_for("chat")
    events = decoder.feed_body(json.dumps(completion).encode())
    assert decoder.complete
    assert decoder.close() == []
    assert [item.type for item in decoder.finished_items] == [
        "reasoning",
        "message",
        "function_call",
    ]
    assert [event.delta for event in events if isinstance(event, ev.OutputTextDelta)] == [
        "Hello 😀"
    ]
    assert events[-1] == ev.Completed(
        response_id="chatcmpl-1",
        token_usage=TokenUsage(input_tokens=1, output_tokens=2, total_tokens=3),
        finish_reason="tool_calls",
    )


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", ErrorKind.BAD_RESPONSE),
        (b"<html>", ErrorKind.BAD_RESPONSE),
        (b"{}", ErrorKind.BAD_RESPONSE),
        (b'{"choices":[]}', ErrorKind.BAD_RESPONSE),
        (b'{"output":[]}', ErrorKind.BAD_RESPONSE),
        (b'{"error":{"code":"insufficient_quota"}}', ErrorKind.QUOTA_EXCEEDED),
        (
            b'{"choices":[{"message":{"content":"Hi"},"finish_reason":"length"}]}',
            ErrorKind.INCOMPLETE,
        ),
    ],
)
def test_bodies_that_are_no_answer(body: bytes, kind: ErrorKind) -> None:
    decoder = decoder_for("chat")
    events = decoder.feed_body(body)
    events += decoder.close()
    assert decoder.error is not None
    assert decoder.error.kind == kind
    assert events[-1].type == "Completed"
