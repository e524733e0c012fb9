"""Responses API: what a finished item adds to the deltas of its text and reasoning."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sidestream.decode import decoder_for
from sidestream.types import events as ev
from tests.decode.responses.frames import DONE, R, added, call, delta, done, says


@pytest.mark.parametrize(
    ("final", "text"),
    [
        pytest.param(says("Hello"), "Hello", id="equal"),
        pytest.param(says("Hello, world"), "Hello, world", id="longer"),
        pytest.param(says(""), "Hello", id="empty"),
        pytest.param(says("Good bye"), "Hello", id="other: what was shown stands"),
        pytest.param({"role": "assistant"}, "Hello", id="without content"),
        pytest.param({"content": None}, "Hello", id="null"),
        pytest.param({"role": 7, "content": "Hello!"}, "Hello!", id="string"),
        pytest.param({"content": [{"type": "text", "text": "Hello."}]}, "Hello.", id="type text"),
        pytest.param({"content": [7, {"type": "output_text"}]}, "Hello", id="odd parts"),
        pytest.param(
            {"content": [{"type": "input_image"}, {"type": "output_text", "text": "Hello"}]},
            "Hello",
            id="a part that cannot be",
        ),
        pytest.param(
            {"content": [{"type": "chart", "of": 1}, {"type": "output_text", "text": "Hello"}]},
            "Hello",
            id="an unknown part",
        ),
    ],
)
def test_finished_message_agrees_with_its_deltas(
    final: dict[str, Any], text: str, play: Any
) -> None:
    frames = [delta("Hel"), delta("lo"), done("message", "msg_1", item=final), DONE]
    outcome = play("responses", frames)
    assert outcome.text == text
    assert [message.text for message in outcome.messages] == [text]
    assert outcome.messages[0].role == "assistant"


def test_unknown_parts_are_kept(play: Any) -> None:
    final = {"content": [{"type": "chart", "of": 1}, {"type": "output_text", "text": "Hi"}]}
    outcome = play("responses", [delta("Hi"), done("message", "msg_1", item=final), DONE])
    assert outcome.messages[0].content[0].model_dump() == {"type": "chart", "of": 1}


def test_refusal_and_text_that_contradict_the_deltas(play: Any) -> None:
    frames = [
        delta("Well"),
        {"type": "response.refusal.delta", "delta": "No", "item_id": "msg_1"},
        delta(", yes"),
        delta(" indeed"),
        done("message", "msg_1", item=says("else")),
        DONE,
    ]
    outcome = play("responses", frames)
    assert [part.model_dump(exclude_none=True) for part in outcome.messages[0].content] == [
        {"type": "output_text", "text": "Well"},
        {"type": "refusal", "refusal": "No"},
        {"type": "output_text", "text": ", yes indeed"},
    ]


def test_citations_survive_a_contradiction(play: Any) -> None:
    note = {"type": "url_citation", "url": "https://a.example"}
    final = {"content": [{"type": "output_text", "text": "else", "annotations": [note, 7]}]}
    outcome = play("responses", [delta("Hi"), done("message", "msg_1", item=final), DONE])
    assert outcome.messages[0].content[0].annotations == [note]
    assert [event.annotation for event in outcome.of(ev.OutputTextAnnotationAdded)] == [note]


def test_citations_that_the_item_lacks_come_from_the_stream(play: Any) -> None:
    note = {"type": "url_citation", "url": "https://a.example"}
    frames = [
        delta("Hi"),
        {"type": "response.output_text.annotation.added", "annotation": note, "item_id": "msg_1"},
        {"type": "response.output_text.annotation.added", "annotation": 7, "item_id": "msg_1"},
        done("message", "msg_1", item=says("Hi")),
        DONE,
    ]
    outcome = play("responses", frames)
    assert outcome.messages[0].content[0].annotations == [note]
    assert len(outcome.of(ev.OutputTextAnnotationAdded)) == 1


def test_messages_of_other_roles_are_not_shown(play: Any) -> None:
    final = {"role": "user", "content": [{"type": "input_text", "text": "Echo"}]}
    outcome = play("responses", [done("message", "msg_1", item=final), DONE])
    assert outcome.text == ""
    assert outcome.messages[0].text == "Echo"


@pytest.mark.parametrize(
    ("frames", "text"),
    [
        pytest.param([R + "output_text.done"], "whole", id="text.done alone"),
        pytest.param([R + "content_part.done"], "whole", id="part.done alone"),
        pytest.param([R + "output_text.done", R + "content_part.done"], "whole", id="both"),
        pytest.param([delta("wh"), R + "output_text.done"], "whole", id="the rest"),
        pytest.param([delta("no"), R + "output_text.done"], "no", id="a contradiction"),
        pytest.param([R + "output_text.done", delta("?")], "whole?", id="a later part"),
    ],
)
def test_done_events_give_what_did_not_stream(frames: list[Any], text: str, play: Any) -> None:
    part = {"type": "output_text", "text": "whole"}
    made = [
        {"type": frame, "item_id": "msg_1", "text": "whole", "part": part}
        if isinstance(frame, str)
        else frame
        for frame in frames
    ]
    outcome = play("responses", [added("message", "msg_1"), *made, DONE])
    assert outcome.text == text
    assert outcome.messages[0].text == text


def test_late_done_of_an_earlier_part_is_no_text_of_the_next(play: Any) -> None:
    frames = [
        added("message", "msg_1"),
        delta("I am one.", content_index=0),
        {"type": "response.content_part.added", "item_id": "msg_1", "content_index": 1},
        delta("I", content_index=1),
        {"type": R + "output_text.done", "item_id": "msg_1", "content_index": 0, "text": "I am"},
        delta(" too.", content_index=1),
        DONE,
    ]
    assert play("responses", frames).text == "I am one.I too."


def test_deltas_after_the_item_is_finished_are_ignored(play: Any) -> None:
    late = [
        delta("late"),
        {"type": R + "output_text.done", "item_id": "msg_1", "text": "much later"},
        {"type": R + "refusal.delta", "item_id": "msg_1", "delta": "late"},
        {"type": R + "content_part.done", "item_id": "msg_1", "part": {"type": "refusal"}},
        {"type": R + "output_text.annotation.added", "item_id": "msg_1", "annotation": {"a": 1}},
        done("message", "msg_1", item=says("Hi again")),
    ]
    outcome = play("responses", [delta("Hi"), done("message", "msg_1"), *late, DONE])
    assert outcome.text == "Hi"
    assert len(outcome.messages) == 1


def test_reasoning_after_it_is_finished_is_ignored(play: Any) -> None:
    reasoning = {"summary": [{"type": "summary_text", "text": "S"}]}
    late = [
        {"type": R + "reasoning_text.delta", "item_id": "rs_1", "delta": "late"},
        {"type": R + "reasoning_summary_text.delta", "item_id": "rs_1", "delta": "late"},
        {"type": R + "reasoning_summary_part.added", "item_id": "rs_1", "summary_index": 9},
        {"type": R + "reasoning_summary_text.done", "item_id": "rs_1", "text": "late"},
        {"type": R + "function_call_arguments.delta", "item_id": "fc_1", "delta": "late"},
        {"type": R + "function_call_arguments.done", "item_id": "fc_1", "arguments": "late"},
        {"type": R + "custom_tool_call_input.delta", "item_id": "ct_1", "delta": "late"},
    ]
    frames = [
        done("reasoning", "rs_1", item=reasoning),
        done("function_call", "fc_1", item=call("{}")),
        done("custom_tool_call", "ct_1", item={"call_id": "c", "name": "t", "input": "i"}),
        *late,
        DONE,
    ]
    outcome = play("responses", frames)
    assert [item.type for item in outcome.items] == [
        "reasoning",
        "function_call",
        "custom_tool_call",
    ]
    assert outcome.summary == "S"


# --- reasoning -----------------------------------------------------------------------------------


def test_summary_parts_end_with_what_did_not_stream(play: Any) -> None:
    final = {"summary": [{"type": "summary_text", "text": "One."}, "Two.", 7, {"text": "Three."}]}
    frames = [
        {"type": R + "reasoning_summary_text.delta", "item_id": "rs_1", "delta": "On"},
        {"type": R + "reasoning_summary_part.done", "item_id": "rs_1", "part": {"text": "One"}},
        {"type": R + "reasoning_summary_text.done", "item_id": "rs_1", "text": "One"},
        done("reasoning", "rs_1", item=final),
        DONE,
    ]
    outcome = play("responses", frames)
    assert outcome.of(ev.ReasoningSummaryDone) == [
        ev.ReasoningSummaryDone(item_id="rs_1", text="One", summary_index=0),
        ev.ReasoningSummaryDone(item_id="rs_1", text="Two.", summary_index=1),
        ev.ReasoningSummaryDone(item_id="rs_1", text="Three.", summary_index=2),
    ]
    assert [part.text for part in outcome.items[0].summary] == ["One", "Two.", "Three."]


def test_raw_reasoning_agrees_with_its_deltas(play: Any) -> None:
    frames = [
        {"type": R + "reasoning_text.delta", "item_id": "rs_1", "delta": "I think"},
        done("reasoning", "rs_1", item={"content": [{"type": "reasoning_text", "text": "other"}]}),
        {"type": R + "reasoning.delta", "item_id": "rs_2", "delta": {"text": "So"}},
        {"type": R + "reasoning.done", "item_id": "rs_2", "text": "So be it"},
        {"type": R + "reasoning_part.added", "item_id": "rs_2"},
        {"type": R + "reasoning_text.delta", "item_id": "rs_2", "delta": "Next."},
        done("reasoning", "rs_2", item={"summary": None}),
        DONE,
    ]
    outcome = play("responses", frames)
    contents = [[part.text for part in item.content] for item in outcome.items]
    assert contents == [["I think"], ["So be it", "Next."]]
    indexes = [event.content_index for event in outcome.of(ev.ReasoningContentDelta)]
    assert indexes == [0, 0, 0, 1]


def test_encrypted_reasoning_keeps_the_id_that_it_was_finished_with(play: Any) -> None:
    frames = [
        added("reasoning", "rs_a", output_index=0),
        done("reasoning", "rs_b", output_index=0, item={"encrypted_content": "x"}),
        added("message", "msg_a", output_index=1),
        done("message", "msg_b", output_index=1, item=says("Hi")),
        DONE,
    ]
    outcome = play("responses", frames)
    assert [item.id for item in outcome.items] == ["rs_b", "msg_a"]


def test_reasoning_that_is_finished_late_comes_first(play: Any) -> None:
    frames = [
        added("reasoning", "rs_1"),
        done("function_call", "fc_1", item=call("{}")),
        delta("Hi"),
        done("message", "msg_1", item=says("Hi")),
        done("reasoning", "rs_1", item={"encrypted_content": "x"}),
    ]
    decoder = decoder_for("responses")
    types = [[event.type for event in decoder.feed(json.dumps(frame))] for frame in frames]
    assert "OutputItemDone" not in types[1] + types[3]
    assert types[4] == ["OutputItemDone"] * 3
    assert [item.type for item in decoder.finished_items] == [
        "reasoning",
        "function_call",
        "message",
    ]
