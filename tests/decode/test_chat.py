"""Chat Completions, rule by rule."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sidestream.decode import decoder_for
from sidestream.errors import ErrorKind
from sidestream.types import events as ev
from sidestream.types import items as it
from sidestream.types.usage import TokenUsage


def chunk(finish: str | None = None, choice: dict[str, Any] | None = None, **delta: Any) -> Any:
    more = {"finish_reason": finish} if finish is not None else {}
    return {"id": "c", "choices": [{"index": 0, "delta": delta, **more, **(choice or {})}]}


def call(name: str | None = None, arguments: Any = None, **more: Any) -> Any:
    function = {"name": name, "arguments": arguments}
    given = {key: value for key, value in function.items() if value is not None}
    return chunk(tool_calls=[{"type": "function", "function": given, **more}])


STOP = chunk("stop")
USAGE = {"id": "c", "choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 2}}


# --- text and reasoning -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("delta", "text", "reasoning"),
    [
        ({"content": "Hi"}, "Hi", ""),
        ({"content": ""}, "", ""),
        ({"content": None}, "", ""),
        ({"content": 7}, "", ""),
        (
            {"content": ["Hi", {"text": " there"}, {"type": "text", "text": "!"}, 7]},
            "Hi there!",
            "",
        ),
        ({"content": [{"type": "text", "text": 7}, {"type": "image_url"}]}, "", ""),
        ({"content": [{"type": "thinking", "thinking": "Hm"}]}, "", "Hm"),
        ({"content": [{"type": "thinking", "thinking": [{"text": "Hm"}, "?"]}]}, "", "Hm?"),
        ({"content": [{"type": "reasoning", "text": "Hm"}]}, "", "Hm"),
        ({"reasoning": "Hm"}, "", "Hm"),
        ({"reasoning": {"text": "Hm"}}, "", "Hm"),
        ({"reasoning": {"content": "Hm"}}, "", "Hm"),
        ({"reasoning": {"other": "Hm"}}, "", ""),
        ({"reasoning": "", "reasoning_content": "Hm"}, "", "Hm"),
        ({"reasoning": "Hm", "reasoning_content": "Hm"}, "", "Hm"),
        ({"reasoning_text": "Hm"}, "", "Hm"),
        ({"reasoning_details": [{"type": "reasoning.text", "text": "Hm"}]}, "", "Hm"),
        ({"reasoning_details": [{"type": "reasoning.summary", "summary": "Hm"}]}, "", "Hm"),
        ({"reasoning_details": [{"type": "reasoning.encrypted", "data": "x"}, 7]}, "", ""),
        (
            {
                "content": "Hi",
                "reasoning": "Hm",
                "reasoning_details": [{"type": "reasoning.text", "text": "Hm"}],
            },
            "Hi",
            "Hm",
        ),
    ],
)
def test_deltas(delta: dict[str, Any], text: str, reasoning: str, play: Any) -> None:
    outcome = play("chat", [chunk(**delta), STOP])
    assert (outcome.text, outcome.reasoning) == (text, reasoning)


def test_items_in_their_order(play: Any) -> None:
    frames = [
        chunk(role="assistant", content=""),
        chunk(reasoning="First "),
        chunk(reasoning="think."),
        chunk(content="Then "),
        call("tool", "{}", index=0, id="call_1"),
        chunk(reasoning="More."),
        chunk(content="talk."),
        chunk(reasoning=" And more."),
        STOP,
    ]
    outcome = play("chat", frames)
    assert outcome.types == [
        "Created",
        "OutputItemAdded",
        "ReasoningContentDelta",
        "ReasoningContentDelta",
        "OutputItemDone",
        "OutputItemAdded",
        "OutputTextDelta",
        "OutputItemAdded",
        "OutputItemAdded",
        "ReasoningContentDelta",
        "OutputTextDelta",
        "ReasoningContentDelta",
        "OutputItemDone",
        "OutputItemDone",
        "FunctionCallArgumentsDelta",
        "OutputItemDone",
        "Completed",
    ]
    first, second, message, made = outcome.items
    assert [first.content[0].text, second.content[0].text] == ["First think.", "More. And more."]
    assert message.text == "Then talk."
    assert made.arguments == "{}"


def test_reasoning_alone_and_reasoning_before_a_call(play: Any) -> None:
    outcome = play("chat", [chunk(reasoning="Hm"), STOP])
    assert [item.type for item in outcome.items] == ["reasoning"]
    outcome = play("chat", [chunk(reasoning="Hm"), call("tool", "{}"), STOP])
    assert outcome.types[3] == "OutputItemDone"


def test_refusal_after_text(play: Any) -> None:
    outcome = play("chat", [chunk(content="Well."), chunk(refusal="No."), STOP])
    assert [part.model_dump(exclude_none=True) for part in outcome.messages[0].content] == [
        {"type": "output_text", "text": "Well."},
        {"type": "refusal", "refusal": "No."},
    ]


def test_halves_of_characters(play: Any) -> None:
    frames = [
        json.dumps(frame)
        for frame in (
            chunk(reasoning="a\ud83d"),
            chunk(content="b\ud83d"),
            chunk(content="\ude00c\ud83d"),
            chunk(refusal="no\ud83d"),
            call("tool", '{"a":"\ud83d', index=0, id="x\ud83d"),
            call(None, '\ude00"}', index=0),
            chunk(annotations=[{"type": "note", "text": "\ud83d"}]),
            STOP,
        )
    ]
    outcome = play("chat", frames)
    assert outcome.reasoning == "a\ufffd"
    assert outcome.text == "b😀c\ufffd"
    assert outcome.refusal == "no\ufffd"
    assert outcome.calls == [("tool", "x\ufffd", '{"a":"😀"}')]


def test_annotations(play: Any) -> None:
    note = {"type": "url_citation", "url_citation": {"url": "https://a.example"}}
    flat = {"type": "url_citation", "url": "https://a.example"}
    outcome = play("chat", [chunk(annotations=[note, flat, 7, {}]), chunk(content="Hi"), STOP])
    assert [event.annotation for event in outcome.of(ev.OutputTextAnnotationAdded)] == [flat]
    assert outcome.messages[0].content == [it.OutputText(text="Hi", annotations=[flat])]


def test_annotations_without_any_text(play: Any) -> None:
    note = {"type": "file", "url": "x"}
    outcome = play("chat", [chunk(refusal="No", annotations=[note]), STOP])
    assert outcome.messages[0].content == [
        it.Refusal(refusal="No"),
        it.OutputText(annotations=[note]),
    ]


@pytest.mark.parametrize(
    ("streamed", "message", "text"),
    [
        ([], {"content": "Hello"}, "Hello"),
        (["Hel"], {"content": "Hello"}, "Hello"),
        (["Hello"], {"content": "Hello"}, "Hello"),
        (["Hello"], {"content": "Other"}, "Hello"),
        (["Hello"], {"content": None}, "Hello"),
    ],
)
def test_a_whole_message_gives_what_did_not_stream(
    streamed: list[str], message: dict[str, Any], text: str, play: Any
) -> None:
    last = {"id": "c", "choices": [{"message": message, "finish_reason": "stop"}]}
    outcome = play("chat", [*(chunk(content=piece) for piece in streamed), last])
    assert outcome.text == text


def test_a_whole_message_in_all_its_parts(play: Any) -> None:
    message = {
        "content": [{"type": "thinking", "thinking": "Hm"}, {"type": "text", "text": "Hi"}],
        "refusal": "No",
        "annotations": [{"type": "note"}],
        "tool_calls": [{"id": "call_1", "function": {"name": "tool", "arguments": "{}"}}],
    }
    last = {"choices": [{"message": message, "finish_reason": "stop"}]}
    outcome = play("chat", [last, last])
    assert (outcome.text, outcome.refusal, outcome.reasoning) == ("Hi", "No", "Hm")
    assert outcome.calls == [("tool", "call_1", "{}")]
    assert len(outcome.of(ev.OutputTextAnnotationAdded)) == 1


def test_only_one_choice_is_read(play: Any) -> None:
    frames = [
        {"choices": [{"index": 1, "delta": {"content": "b"}}, {"index": 0, "delta": {}}]},
        {"choices": [{"index": 0, "delta": {"content": "a"}}, 7, {"index": 1, "delta": 7}]},
        {"choices": [{"index": 1, "delta": {"content": "c"}, "finish_reason": "stop"}]},
    ]
    assert play("chat", frames).text == "bc"


# --- calls --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("frames", "calls"),
    [
        pytest.param(
            [
                call("a", "", index=0, id="1"),
                call(None, '{"x"', index=0),
                call("b", "", index=1, id="2"),
                call(None, "{", index=1),
                call(None, ":1}", index=0),
                call(None, "}", index=1),
            ],
            [("a", "1", '{"x":1}'), ("b", "2", "{}")],
            id="interleaved",
        ),
        pytest.param(
            [call("a", "{}", id="1"), call("a", "[]", id="2"), call(None, " ", id="1")],
            [("a", "1", "{} "), ("a", "2", "[]")],
            id="ids only",
        ),
        pytest.param(
            [call("a", '{"x":', index=0, id="1"), call(None, "1}")],
            [("a", "1", '{"x":1}')],
            id="the last call",
        ),
        pytest.param(
            [call("a", "{}", index=0, id="1"), call("a", "{}", index=0, id="2")],
            [("a", "1", "{}"), ("a", "2", "{}")],
            id="index zero for all",
        ),
        pytest.param(
            [call("a", "", index=0, id="1"), call("b", "", index=0, id="2")],
            [("a", "1", ""), ("b", "2", "")],
            id="index zero for all, no arguments",
        ),
        pytest.param(
            [call("a", "{", index=0, id="1"), call(None, "}", index=0, id="9")],
            [("a", "1", "{}")],
            id="another id in every delta",
        ),
        pytest.param(
            [call("a", "{", index=0, id="1"), call("a", "}", index=0, id="9")],
            [("a", "1", "{}")],
            id="another id and the name in every delta",
        ),
        pytest.param(
            [call("a", "{", index=0, id="1"), call("a", "}", index=0), call("a", "", index=0)],
            [("a", "1", "{}")],
            id="name repeated",
        ),
        pytest.param(
            [call("get_", "", index=0, id="1"), call("weather", "{}", index=0)],
            [("get_weather", "1", "{}")],
            id="name in pieces",
        ),
        pytest.param(
            [call("get_", "", index=0, id="1"), call("get_weather", "{}", index=0)],
            [("get_weather", "1", "{}")],
            id="name that grows",
        ),
        pytest.param(
            [call(None, "{", index=0, id="1"), call("a", "}", index=0)],
            [("a", "1", "{}")],
            id="name told late",
        ),
        pytest.param([call(None, "{}", index=0, id="1")], [], id="no name at all"),
        pytest.param(
            [call("a", {"x": 1}, index=0, id="1"), call(None, {"x": 1}, index=0)],
            [("a", "1", '{"x": 1}')],
            id="object, sent twice",
        ),
        pytest.param([call("a", 7, id="1")], [("a", "1", "")], id="arguments that are none"),
        pytest.param([call("a", "not json", id="1")], [("a", "1", "not json")], id="not json"),
        pytest.param(
            [chunk(tool_calls={"id": "1", "function": {"name": "a"}})],
            [("a", "1", "")],
            id="no list",
        ),
        pytest.param(
            [
                chunk(
                    tool_calls=[
                        7,
                        {"id": 7, "index": "0", "function": 7},
                        {"function": {"name": 7}},
                    ]
                )
            ],
            [],
            id="nonsense",
        ),
        pytest.param([chunk(tool_calls=None), chunk(tool_calls=7)], [], id="none"),
    ],
)
def test_calls(frames: list[Any], calls: list[tuple[str, str, str]], play: Any) -> None:
    for finish in ("tool_calls", "stop"):
        assert play("chat", [*frames, chunk(finish)]).calls == calls


def test_calls_without_ids_get_one_each(play: Any) -> None:
    frames = [call("a", "{}"), call("b", "{}"), call("b", '{"x":1}'), STOP]
    calls = play("chat", frames).calls
    assert [name for name, _, _ in calls] == ["a", "b", "b"]
    assert len({call_id for _, call_id, _ in calls}) == 3
    assert calls == play("chat", frames).calls, "the same answer gets the same ids"
    other = [{**frame, "id": "other"} for frame in frames]
    assert not {c[1] for c in calls} & {c[1] for c in play("chat", other).calls}


def test_legacy_function_call(play: Any) -> None:
    frames = [
        chunk(function_call={"name": "a", "arguments": '{"x"'}),
        chunk(function_call={"arguments": ":1}"}),
        chunk("function_call"),
    ]
    ((name, call_id, arguments),) = play("chat", frames).calls
    assert (name, arguments) == ("a", '{"x":1}')
    assert call_id.startswith("call_")


def test_custom_tool_calls(play: Any) -> None:
    frames = [
        chunk(tool_calls=[{"index": 0, "id": "1", "custom": {"name": "patch", "input": "a"}}]),
        chunk(tool_calls=[{"index": 0, "custom": {"input": "b"}}]),
        chunk("tool_calls"),
    ]
    outcome = play("chat", frames)
    assert outcome.items == [it.CustomToolCallItem(call_id="1", name="patch", input="ab")]
    assert [event.item_id for event in outcome.of(ev.ToolCallInputDelta)] == ["1", "1"]


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
