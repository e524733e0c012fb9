"""Responses API: frames that cannot be read, and text that cannot be passed on."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.decode.responses.frames import DONE, R, added, call, delta, done


@pytest.mark.parametrize(
    ("frame", "skipped"),
    [
        ("", 0),
        ("   ", 0),
        ("{", 1),
        ("null", 1),
        ("[]", 1),
        ("{}", 1),
        ('{"type":7}', 1),
        ('{"type":"response.something.new"}', 1),
        ('{"type":"other.web_search_call.x"}', 1),
        ('{"type":"response.x_call"}', 1),
        ('{"type":"ping"}', 0),
        ('{"type":"response.output_text.delta"}', 1),
        ('{"type":"response.output_text.delta","delta":{}}', 1),
        ('{"type":"response.output_text.delta","delta":""}', 0),
        ('{"type":"response.refusal.delta","delta":null}', 1),
        ("[" * 100_000, 1),
    ],
)
def test_skipped_frames_are_counted(frame: str, skipped: int, play: Any) -> None:
    outcome = play("responses", [delta("Hi"), frame, delta("!"), DONE])
    assert outcome.decoder.skipped == skipped
    assert outcome.text == "Hi!"


def test_control_characters_in_strings_are_forgiven(play: Any) -> None:
    frame = '{"type":"response.output_text.delta","delta":"a\nb"}'
    assert play("responses", [frame, DONE]).text == "a\nb"


def test_nothing_that_is_passed_on_holds_half_a_character(play: Any) -> None:
    item = {"type": "future_call", "id": "f", "note\ud83d": ["\ude00", {"deep": "x\ud83d"}]}
    deep: Any = "bottom"
    for _ in range(150):
        deep = [deep]
    frames = [
        json.dumps({"type": "response.output_item.done", "item": item}),
        json.dumps({"type": "response.output_item.done", "item": {**item, "id": "g", "d": deep}}),
        json.dumps({"type": R + "code_interpreter_call_code.delta", "delta": "\ud83d"}),
        DONE,
    ]
    outcome = play("responses", frames)
    assert outcome.items[0].model_dump()["note\ufffd"] == ["\ufffd", {"deep": "x\ufffd"}]
    assert "bottom" not in outcome.events[3].to_json()


def test_nothing_that_is_passed_on_is_too_deep_to_be_written(play: Any) -> None:
    deep: Any = "bottom"
    for _ in range(150):
        deep = [deep]
    chunk = {"choices": [{"delta": {"annotations": [{"type": "note", "deep": deep}]}}]}
    frames = [
        added("future_call", "a", item={"deep": deep}),
        done("future_call", "b", item={"deep": deep}),
        {"type": R + "output_text.annotation.added", "annotation": {"deep": deep}},
        {
            "type": "response.metadata",
            "metadata": {"openai_chatgpt_moderation_metadata": {"deep": deep}},
        },
        {
            "type": "response.completed",
            "response": {"output": [{"type": "future_call", "id": "c", "deep": deep}]},
        },
    ]
    for outcome in (play("responses", frames), play("chat", [chunk, "[DONE]"])):
        written = [event.to_json() for event in outcome.events]
        assert any('"deep"' in text for text in written)
        assert not any("bottom" in text for text in written)


@pytest.mark.parametrize("opening", ["[", '{"a":', '[{"a":', '{"a":"\\u0041",'])
@pytest.mark.parametrize("levels", [150, 300, 1_000, 200_000])
def test_a_deeply_nested_frame_is_skipped_without_recursion_error(
    opening: str, levels: int, play: Any
) -> None:
    abyss = opening * levels
    call_of = {"type": R + "function_call_arguments.delta", "item_id": "fc_1", "delta": abyss}
    frames = [
        abyss,
        f'{{"type":"ping","half":"\\ud83d","deep":{abyss}',
        added("function_call", "fc_1", item=call()),
        call_of,
        done("function_call", "fc_1", item=call("{}")),
        DONE,
    ]
    outcome = play("responses", frames, exact=False)
    assert outcome.decoder.skipped == 2
    assert outcome.calls == [("tool", "call_1", "{}")]


@pytest.mark.parametrize(
    ("deltas", "text"),
    [
        (["\ud83d", "\ude00"], "😀"),
        (["a\ud83d", "\ude00b"], "a😀b"),
        (["\ud83d", "a"], "\ufffda"),
        (["\ude00"], "\ufffd"),
        (["a\ud83d"], "a\ufffd"),
        (["\ud83d"], ""),
        (["\ud83d", "\ud83d\ude00"], "\ufffd😀"),
    ],
)
def test_halves_of_characters(deltas: list[str], text: str, play: Any) -> None:
    frames = [json.dumps(delta(piece)) for piece in deltas]
    outcome = play("responses", [*frames, DONE])
    assert outcome.text == text or (text == "" and outcome.text == "\ufffd")
    assert "".join(message.text for message in outcome.messages) == outcome.text


def test_half_a_character_before_another_part(play: Any) -> None:
    frames = [
        json.dumps(delta("a\ud83d")),
        {"type": R + "refusal.delta", "item_id": "msg_1", "delta": "no"},
        json.dumps({"type": R + "function_call_arguments.delta", "delta": "\ud83d"}),
        DONE,
    ]
    outcome = play("responses", frames)
    assert (outcome.text, outcome.refusal) == ("a\ufffd", "no")
