"""Responses API: how an answer ends, and bodies that are not streamed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sidestream.decode import decoder_for
from sidestream.errors import ErrorKind
from sidestream.types import events as ev
from sidestream.types.usage import TokenUsage
from tests.decode.responses.frames import DONE, added, call, delta, done, says


@pytest.mark.parametrize(
    ("frame", "response_id"),
    [
        (DONE, "resp_1"),
        ({"type": "response.done", "response": {"id": "resp_1", "status": "completed"}}, "resp_1"),
        ({"type": "response.completed"}, ""),
        ({"type": "response.completed", "response": {"id": 7, "usage": "?"}}, ""),
        ("[DONE]", ""),
    ],
)
def test_completion(frame: Any, response_id: str, play: Any) -> None:
    outcome = play("responses", [done("message", "msg_1", item=says("Hi")), frame])
    assert outcome.decoder.complete
    assert outcome.error is None
    assert outcome.completed.response_id == response_id
    assert len(outcome.events) == outcome.fed


def test_done_marker_does_not_complete_an_open_item(play: Any) -> None:
    assert play("responses", ["[DONE]"]).error.kind == ErrorKind.STREAM_CLOSED
    outcome = play("responses", [done("message", "a", item=says("Hi")), delta("Ha"), "[DONE]"])
    assert outcome.error.kind == ErrorKind.STREAM_CLOSED
    assert outcome.completed.response_id == ""


@pytest.mark.parametrize("status", ["failed", "incomplete", "cancelled"])
def test_status_of_a_completed_response_counts(status: str, play: Any) -> None:
    response = {"status": status, "error": {"message": "Oh no"}}
    outcome = play("responses", [delta("Hi"), {"type": "response.completed", "response": response}])
    assert not outcome.decoder.complete
    assert outcome.error is not None
    assert outcome.messages[0].text == "Hi"


@pytest.mark.parametrize(
    ("kind", "response", "code", "words"),
    [
        ("incomplete", {"incomplete_details": {"reason": "max_output_tokens"}}, True, "limit"),
        ("incomplete", {"incomplete_details": {"reason": "content_filter"}}, True, "filter"),
        ("incomplete", {"incomplete_details": {"reason": "sleepy"}}, True, "sleepy"),
        ("incomplete", {"incomplete_details": "?"}, False, "gives no reason"),
        ("incomplete", None, False, "gives no reason"),
        ("cancelled", {}, True, "cancelled"),
    ],
)
def test_incomplete(kind: str, response: Any, code: bool, words: str, play: Any) -> None:
    frame = {"type": f"response.{kind}", "response": response}
    outcome = play("responses", [delta("Hi"), frame])
    assert outcome.error.kind == ErrorKind.INCOMPLETE
    assert not outcome.error.retryable
    assert words in outcome.error.message
    assert outcome.error.hint
    assert (outcome.error.server_code is not None) is code
    assert outcome.messages[0].text == "Hi"


def test_incomplete_response_fills_in_what_is_whole(play: Any) -> None:
    output = [
        {"type": "message", "id": "msg_1", "status": "incomplete", **says("Hello")},
        {"type": "function_call", "id": "fc_1", "status": "completed", **call("{}")},
        {"type": "function_call", "id": "fc_2", "status": "incomplete", **call('{"')},
        {"type": "function_call", "id": "fc_3", "status": "incomplete", **call('{"')},
    ]
    frames = [
        delta("Hel"),
        added("function_call", "fc_2", item=call()),
        {
            "type": "response.incomplete",
            "response": {"id": "resp_1", "output": output, "usage": {"output_tokens": 3}},
        },
    ]
    outcome = play("responses", frames)
    assert outcome.text == "Hello"
    assert outcome.calls == [("tool", "call_1", "{}")]
    assert outcome.usage == TokenUsage(output_tokens=3, total_tokens=3)
    assert outcome.completed.response_id == "resp_1"


@pytest.mark.parametrize(
    ("frame", "kind"),
    [
        (
            {"type": "error", "code": "context_length_exceeded", "message": "Too long"},
            ErrorKind.CONTEXT_WINDOW_EXCEEDED,
        ),
        (
            {"type": "error", "error": {"code": "insufficient_quota", "message": "No money"}},
            ErrorKind.QUOTA_EXCEEDED,
        ),
        ({"type": "response.error", "error": {"message": "?"}}, ErrorKind.SERVER_ERROR),
        ({"type": "error", "code": 503, "message": "Busy"}, ErrorKind.SERVER_ERROR),
        ({"type": "error"}, ErrorKind.SERVER_ERROR),
        ({"error": {"code": "insufficient_quota"}}, ErrorKind.QUOTA_EXCEEDED),
        ({"error": "plain words"}, ErrorKind.SERVER_ERROR),
        ({"object": "error", "message": "vLLM words", "code": 400}, ErrorKind.INVALID_REQUEST),
        (
            {"type": "response.failed", "response": {"error": {"code": "server_is_overloaded"}}},
            ErrorKind.SERVER_OVERLOADED,
        ),
        ({"type": "response.failed"}, ErrorKind.SERVER_ERROR),
    ],
)
def test_errors_end_the_answer(frame: dict[str, Any], kind: ErrorKind, play: Any) -> None:
    decoder = decoder_for("responses")
    decoder.feed(json.dumps(delta("Hi")))
    assert decoder.feed(json.dumps(frame)) == []
    assert decoder.done
    assert decoder.has_open, "open items stay open, so that the request can be repeated"
    outcome = play("responses", [delta("Hi"), frame, delta("late")])
    assert outcome.error.kind == kind
    assert outcome.text == "Hi"
    assert outcome.messages[0].text == "Hi"


def test_stream_of_another_kind(play: Any) -> None:
    chunk = {"object": "chat.completion.chunk", "choices": [{"delta": {"content": "Hi"}}]}
    decoder = decoder_for("responses")
    decoder.feed(json.dumps(chunk))
    assert decoder.foreign
    outcome = play("responses", [chunk, chunk])
    assert outcome.error.kind == ErrorKind.BAD_RESPONSE
    assert not outcome.error.retryable
    assert "wire API" in outcome.error.hint


@pytest.mark.parametrize("frames", [[], [": comment"][:0], ["{"], [{"type": "ping"}]])
def test_streams_without_any_answer(frames: list[Any], play: Any) -> None:
    outcome = play("responses", frames)
    assert outcome.types == ["Completed"]
    assert outcome.error.kind in (ErrorKind.STREAM_CLOSED, ErrorKind.BAD_RESPONSE)


# --- bodies that are not streamed ----------------------------------------------------------------


def body(value: Any) -> tuple[Any, list[Any]]:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    decoder = decoder_for("responses", now=lambda: 0.0)
    events = decoder.feed_body(data)
    return decoder, [*events, *decoder.close()]


@pytest.mark.parametrize("wrapped", [False, True])
def test_whole_response(wrapped: bool) -> None:
    response = {
        "id": "resp_1",
        "object": "response",
        "status": "completed",
        "output": [
            {"type": "reasoning", "id": "rs_1", "summary": [{"text": "Why"}]},
            {"type": "message", "id": "msg_1", **says("Hello 😀")},
            {"type": "function_call", "id": "fc_1", **call('{"a":1}')},
        ],
        "usage": {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3},
    }
    value = {"type": "response.completed", "response": response} if wrapped else response
    decoder, events = body(value)
    types = [event.type for event in events]
    assert ("Created" in types) is not wrapped
    assert decoder.complete
    assert types[-1] == "Completed"
    assert types.count("OutputItemDone") == 3
    deltas = [event.delta for event in events if isinstance(event, ev.OutputTextDelta)]
    assert deltas == ["Hello 😀"]
    assert events[-1].token_usage.total_tokens == 3


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (b"", ErrorKind.BAD_RESPONSE),
        (b"\xff\xfe", ErrorKind.BAD_RESPONSE),
        (b"[]", ErrorKind.BAD_RESPONSE),
        ({}, ErrorKind.BAD_RESPONSE),
        ({"choices": [{"message": {"content": "Hi"}}]}, ErrorKind.BAD_RESPONSE),
        ({"output": [], "status": "queued"}, ErrorKind.BAD_RESPONSE),
        ({"type": "response.created", "response": {}}, ErrorKind.BAD_RESPONSE),
        ({"error": {"code": "insufficient_quota"}}, ErrorKind.QUOTA_EXCEEDED),
        (
            {"output": [], "status": "failed", "error": {"code": "insufficient_quota"}},
            ErrorKind.QUOTA_EXCEEDED,
        ),
        ({"output": [], "status": "incomplete"}, ErrorKind.INCOMPLETE),
    ],
)
def test_bodies_that_are_no_answer(value: Any, kind: ErrorKind) -> None:
    decoder, events = body(value)
    assert decoder.error is not None
    assert decoder.error.kind == kind
    assert [event.type for event in events][-1] == "Completed"
