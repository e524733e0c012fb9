"""Chat Completions: text, reasoning, refusals and annotations."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sidestream.types import events as ev
from sidestream.types import items as it
from tests.decode.chat.frames import STOP, call, chunk


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
