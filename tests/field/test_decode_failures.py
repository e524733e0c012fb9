"""Public reports about failed answers that were shown as good ones."""

from __future__ import annotations

import json

import pytest

from sidestream.decode import decoder_for
from sidestream.errors import ErrorKind
from tests.field.decoding import (
    DONE,
    added,
    call,
    chat,
    chunk,
    completed,
    message,
    outline,
    read,
    responses,
    sse,
    text,
)

HALF = {
    "chat": sse(chunk(content="Half")),
    "responses": sse({"type": "response.created", "response": {"id": "r"}}, text("Half")),
}
BOTH = pytest.mark.parametrize("wire_api", ["chat", "responses"])

# How servers report an error, whatever their wire API is.
SHAPES = {
    # llama.cpp until September 2025
    "field": b'error: {"code":500,"message":"boom","type":"server_error"}\n\n',
    "field with text": b"error: boom\n\n",
    "named event with text": b"event: error\ndata: boom\n\n",
    "named event with a JSON string": b'event: error\ndata: "boom"\n\n',
    "named event, no blanks": b'event:error\ndata:{"msg":"boom"}\n\n',
    "named event, name last": b'data: {"msg":"boom"}\nevent: error\n\n',
    "named event, CRLF": b"event: error\r\ndata: boom\r\n\r\n",
    "flat event": sse({"type": "error", "code": "server_error", "message": "boom"}),
    "true": sse({"error": True, "message": "boom"}),
    "text": sse({"error": "boom"}),
    "text and a message": sse({"error": "Bad Gateway", "message": "boom", "status": 502}),
    "detail": sse({"detail": "boom"}),
    "details": sse({"detail": [{"loc": ["body"], "msg": "boom"}]}),
    "list": sse([{"error": {"code": 500, "message": "boom"}}]),
    "vLLM's older form": sse({"object": "error", "message": "boom", "code": 50001}),
    "bare code": sse({"code": 500, "message": "boom"}),
    "DashScope": sse({"code": "InternalError", "message": "boom", "request_id": "x"}),
    "Baidu": sse({"error_code": 17, "error_msg": "boom"}),
    "Bedrock": sse({"type": "internalServerException", "message": "boom"}),
    "base_resp": sse({"base_resp": {"status_code": 1013, "status_msg": "boom"}, "choices": None}),
    "Groq": sse({"choices": [], "x_groq": {"id": "req_1", "error": "boom"}}),
    "not successful": sse({"success": False, "message": "boom"}),
    "outside of events": b'{"error":{"message":"boom"}}\n',
    "outside of events, pretty": b'{\n  "error": {\n    "message": "boom"\n  }\n}\n\n',
    "behind half a line": b'data: {"id":"c","cho{"error":{"message":"boom"}}\n\n',
    "in a second line": b'data: {"id":"c","cho\ndata: {"error":{"message":"boom"}}\n\n',
    "cut off before its blank line": b'data: {"error":{"message":"boom"}}',
}


@BOTH
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("end", [b"", DONE])
def test_an_error_of_any_shape_ends_the_answer(wire_api: str, shape: str, end: bytes) -> None:
    """ggml-org/llama.cpp (SSE field ``error``), farzaa/clicky#132 (an ``event: error`` in a 200 is
    taken for success), diegosouzapw/OmniRoute#8210 (an error without choices is taken for an empty
    success), open-octo/octo-agent#910 and aaif-goose/goose#8027 (``data: {"error": …}`` after text)
    and agentjido/req_llm#661 (also with a bare text).
    """
    if shape == "cut off before its blank line" and end:
        return
    for before in (HALF[wire_api], b""):
        for size in (1 << 20, 7):
            outcome = read(wire_api, before + SHAPES[shape] + end, size=size)
            assert "boom" in str(outcome.error)
            assert outcome.text == ("Half" if before else "")


@BOTH
@pytest.mark.parametrize(
    "between",
    [
        b": comment\n\n",
        b"event: ping\ndata: ok\n\n",
        sse({"type": "ping"}),
        sse("keepalive"),
        sse({"code": 0, "message": "ok"}),
        sse({"code": 200, "message": "success"}),
        sse({"error": None}),
        sse({"error": ""}),
        sse({"status": "processing"}),
        sse({"base_resp": {"status_code": 0, "status_msg": ""}}),
        sse("1700000000"),
    ],
)
def test_what_is_no_error_ends_nothing(wire_api: str, between: bytes) -> None:
    """Floway#498 (comments as signs of life), and what gateways send beside the answer."""
    end = sse(chunk("stop")) + DONE if wire_api == "chat" else sse(completed())
    outcome = read(wire_api, HALF[wire_api] + between + end)
    assert outcome.error is None
    assert outcome.text == "Half"


@BOTH
@pytest.mark.parametrize(
    "body",
    [
        {"detail": "boom"},
        {"error": "boom"},
        {"error": True, "message": "boom"},
        {"base_resp": {"status_code": 1004, "status_msg": "boom"}, "choices": None},
        {"code": 500, "msg": "boom"},
    ],
)
def test_an_error_is_the_whole_body_of_a_200(wire_api: str, body: dict[str, object]) -> None:
    """CherryHQ/cherry-studio#11287 (``base_resp``) and its relatives."""
    decoder = decoder_for(wire_api)
    decoder.feed_body(json.dumps(body).encode())
    assert "boom" in str(decoder.error)


def test_a_chunk_that_cannot_be_read_is_a_broken_stream() -> None:
    """SamSaffron/term-llm#448: a truncated chunk is skipped, and the answer shown as whole."""
    cut = sse(chunk(content="Hel"), '{"id":"c","choices":[{"index":0,"delta":{"cont')
    outcome = read("chat", cut + DONE)
    assert outcome.error.kind is ErrorKind.STREAM_CLOSED
    assert outcome.error.retryable
    assert outcome.text == "Hel"
    # Half a call is dropped.
    half = sse(chunk(**call("tool", '{"path": "/tm', index=0, id="1")), '{"id":"c","cho')
    outcome = read("chat", half + DONE)
    assert outcome.error.kind is ErrorKind.STREAM_CLOSED
    assert outcome.calls == []


def test_two_chunks_in_one_event_are_both_read() -> None:
    """Whole chunks without a separator are no broken stream."""
    both = json.dumps(chunk(content="a")) + json.dumps(chunk(content="b"))
    outcome = read("chat", sse(both, chunk("stop")))
    assert outcome.error is None
    assert outcome.text == "ab"


@pytest.mark.parametrize(
    ("reason", "kind", "word"),
    [
        ("abort", ErrorKind.INCOMPLETE, "cancelled"),
        ("insufficient_system_resource", ErrorKind.SERVER_OVERLOADED, "broke off the answer"),
        ("engine_overloaded", ErrorKind.SERVER_OVERLOADED, "broke off the answer"),
        ("MALFORMED_FUNCTION_CALL", ErrorKind.BAD_RESPONSE, "MALFORMED_FUNCTION_CALL"),
        (
            "function_call_filter: MALFORMED_FUNCTION_CALL",
            ErrorKind.BAD_RESPONSE,
            "tool call that cannot be read",
        ),
        ("content_filter", ErrorKind.INCOMPLETE, "content filter"),
        ("refusal", ErrorKind.INCOMPLETE, "content filter"),
        ("PROHIBITED_CONTENT", ErrorKind.INCOMPLETE, "content filter"),
        ("guardrail_intervened", ErrorKind.INCOMPLETE, "content filter"),
        ("sensitive", ErrorKind.INCOMPLETE, "content filter"),
        ("MAX_TOKENS", ErrorKind.INCOMPLETE, "output tokens"),
        ("model_length", ErrorKind.INCOMPLETE, "output tokens"),
        ("model_context_window_exceeded", ErrorKind.INCOMPLETE, "context window"),
        ("repetition_truncation", ErrorKind.INCOMPLETE, "repeated itself"),
        ("pause_turn", ErrorKind.INCOMPLETE, "paused"),
        ("something_new", ErrorKind.INCOMPLETE, "something_new"),
        ("error", ErrorKind.SERVER_ERROR, "error"),
    ],
)
def test_other_ends_than_good_ones_are_errors(reason: str, kind: ErrorKind, word: str) -> None:
    """vllm-project/vllm#57082 (``abort`` before ``[DONE]``), CherryHQ/cherry-studio#16079 (filters
    and unmapped reasons shown as success), and the reasons of DeepSeek, Gemini, Bedrock and GLM.
    """
    outcome = read("chat", chat({"content": "Half"}, finish=reason))
    assert outcome.error.kind is kind
    assert word in str(outcome.error)
    assert outcome.text == "Half"
    assert outcome.completed.finish_reason == reason
    # The request is repeated only if that may help.
    assert outcome.error.retryable is (kind not in (ErrorKind.INCOMPLETE,))


@pytest.mark.parametrize(
    "reason",
    [
        *("stop", "STOP", "tool_calls", "function_call", "end_turn", "tool_use", "stop_sequence"),
        *("eos", "eos_token", "COMPLETE", "normal", "FINISH_REASON_STOP", "unload", "TOOL_CALL"),
    ],
)
def test_good_ends_of_all_servers_are_good(reason: str) -> None:
    """Hugging Face, Together, Cohere, Anthropic and Gemini behind gateways that map nothing."""
    outcome = read("chat", chat({"content": "Hi"}, finish=reason))
    assert outcome.error is None
    assert outcome.completed.finish_reason == reason


@pytest.mark.parametrize("reason", ["", "null", "None"])
def test_an_empty_finish_reason_is_none(reason: str) -> None:
    """DashScope sends the text "null" until the end."""
    body = sse(chunk(reason, content="Hel"), chunk(reason, content="lo"))
    assert read("chat", body).error.kind is ErrorKind.STREAM_CLOSED
    outcome = read("chat", body + DONE)
    assert outcome.error is None
    assert outcome.text == "Hello"


@pytest.mark.parametrize(
    "body",
    [
        DONE,
        sse(chunk(role="assistant"), chunk("stop")) + DONE,
        sse(chunk(content=""), chunk("stop"), {"choices": [], "usage": {"prompt_tokens": 9}}),
        chat({"content": "<think>\n\n</think>"}),
    ],
)
def test_an_empty_answer_is_an_error(body: bytes) -> None:
    """lmstudio-ai/lmstudio-bug-tracker#2339: ``stop`` without any text, shown as a good answer."""
    outcome = read("chat", body)
    assert outcome.error is not None
    assert not outcome.error.retryable
    assert outcome.items == []


def test_an_empty_response_is_an_error() -> None:
    """The same over the Responses API; an empty message is no item."""
    outcome = read("responses", sse(added(message("")), completed(message(""))))
    assert outcome.error.message == "The provider sent an empty answer."
    assert outcome.items == []


def test_done_alone_does_not_make_half_a_response_whole() -> None:
    """bigduu/Bamboo-agent#405: after an upstream failure a proxy sends nothing but ``[DONE]``."""
    outcome = read("responses", HALF["responses"] + DONE)
    assert outcome.error.kind is ErrorKind.STREAM_CLOSED
    assert outcome.text == "Half"


def test_a_stream_without_its_end_stays_an_error() -> None:
    """airi#2589: a Responses stream that closes after a whole message, without its end."""
    body = responses("Hello").split(b'data: {"type": "response.completed"')[0]
    outcome = read("responses", body)
    assert outcome.error.kind is ErrorKind.STREAM_CLOSED
    assert outline(outcome) == [("message", "Hello")]
    assert outcome.completed.response_id == ""


def test_the_last_event_may_lack_its_blank_line() -> None:
    """apogee#139, for both wire APIs: a whole event counts."""
    assert read("chat", sse(chunk(content="Hi")) + b"data: [DONE]").error is None
    body = responses("Hi").removesuffix(b"\n\n")
    outcome = read("responses", body)
    assert outcome.error is None
    assert outcome.text == "Hi"
    assert outcome.completed.finish_reason == "completed"


def test_impossible_figures_are_unknown() -> None:
    """Counts of 400 digits, negative ones, and cached tokens that are counted beside the input
    (zerostack#122, aionrs#84, anomalyco/opencode#48542)."""
    usage = {"prompt_tokens": int("9" * 400), "completion_tokens": -3, "total_tokens": 10}
    outcome = read("chat", sse(chunk(content="Hi"), {**chunk("stop"), "usage": usage}))
    assert (outcome.usage.input_tokens, outcome.usage.output_tokens) == (0, 0)
    assert outcome.usage.total_tokens == 10
    usage = {
        "prompt_tokens": 3,
        "completion_tokens": 400,
        "total_tokens": 403,
        "cache_read_input_tokens": 8500,
        "cache_creation_input_tokens": 500,
    }
    outcome = read("chat", sse(chunk(content="Hi"), {**chunk("stop"), "usage": usage}))
    assert outcome.usage.input_tokens == 9003
    assert outcome.usage.total_tokens == 9403
    usage["prompt_tokens"] = 9100
    outcome = read("chat", sse(chunk(content="Hi"), {**chunk("stop"), "usage": usage}))
    assert outcome.usage.input_tokens == 9100


def test_the_text_may_be_in_the_last_event_alone() -> None:
    """NousResearch/hermes-agent#5707: no output at all, but its text beside it."""
    outcome = read("responses", sse(completed(output_text="Hello")))
    assert outcome.error is None
    assert outline(outcome) == [("message", "Hello")]
    assert outline(read("responses", sse(text("Hi"), completed(output_text="Hi")))) == [
        ("message", "Hi")
    ]
