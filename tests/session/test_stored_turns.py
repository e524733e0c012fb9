"""Turns are restored from their records, damaged ones included."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidestream.session.conversation import Conversation
from sidestream.session.tools import ToolOutput
from sidestream.session.turn import Turn, TurnStatus, Waiting
from sidestream.types.items import (
    MessageItem,
    response_item,
)
from tests.session.turns import answered, apply, conversation, delta, ids, message, new_turn, stored


def restored(*records: dict[str, Any]) -> tuple[Conversation, list[Turn]]:
    return Conversation.restore({"id": "c", "created_at": 5, "turns": list(records)})


def test_a_stored_turn_comes_back_whole() -> None:
    chat = conversation()
    reasoning = {
        "type": "OutputItemDone",
        "item": {"type": "reasoning", "encrypted_content": "x", "summary": []},
    }
    unknown = {"type": "OutputItemDone", "item": {"type": "new_item", "extra": [1]}}
    turn = answered(chat, "1", reasoning, unknown, message("answer", id="m"))
    again, interrupted = restored({**json.loads(turn.record()), "conversation_id": "c"})
    assert interrupted == []
    assert again.turns[0].record() == turn.record()
    assert again.turns[0].view() == turn.view()
    assert again.turns[0].items == turn.items


def test_a_turn_that_was_running_is_interrupted_and_keeps_its_text() -> None:
    turn = apply(new_turn(), message("one"), delta("tw"))
    again, interrupted = restored(json.loads(turn.record()))
    assert interrupted == again.turns
    view = again.turns[0].view()
    assert view["status"] == "interrupted"
    assert view["error"]["retryable"] is True
    assert [block["text"] for block in view["blocks"]] == ["one", "tw"]
    assert again.turns[0].items[-1] == response_item.validate_python(message("tw")["item"])


def test_records_that_cannot_be_read_are_left_out() -> None:
    good = json.loads(new_turn().record())
    again, _ = restored({"id": "broken"}, {**good, "version": 99}, good)
    assert [turn.id for turn in again.turns] == ["t"]


DAMAGE: list[dict[str, Any]] = [
    *[{"user": value} for value in (None, 5, ["x"])],
    *[{"created_at": value} for value in (None, "now", float("nan"), 1e308, [])],
    *[{"status": value} for value in ("odd", None, {})],
    *[{"version": value} for value in ("2", None, [], {})],
    *[{"items": value} for value in (None, "x", [None], [{"type": "message"}], [{"type": []}])],
    *[
        {"blocks": value}
        for value in (5, [{"kind": "html"}], [[[[]]]], [{"kind": "text", "text": 1}])
    ],
    *[{"usage": {"input_tokens": "many"}}, {"error": "odd"}, {"parent": {}}, {"position": "first"}],
    *[{"attachments": [{}]}, {"waiting": {"reason": "moon"}}, {"notices": [1]}, {"__proto__": 1}],
]


@pytest.mark.parametrize("damage", DAMAGE, ids=str)
def test_a_damaged_record_is_shown_as_far_as_it_can_be_read(damage: dict[str, Any]) -> None:
    # OpenHands/OpenHands#17497: one corrupted conversation broke the whole list, and
    # RongleCat/grok-app#1242: one message whose text was no text kept its chat from opening.
    chat = conversation()
    good = [json.loads(answered(chat, turn_id, message(turn_id)).record()) for turn_id in "abc"]
    again, _ = restored(good[0], {**good[1], **damage}, good[2])
    assert [turn.id for turn in again.turns] == ["a", "b", "c"]
    assert [turn.id for turn in again.path][-1] == "c"
    assert again.history(again.path[-1])
    assert json.dumps(again.view())


def test_whole_parts_of_a_damaged_answer_stay_and_the_turn_has_a_notice() -> None:
    chat = conversation()
    record = json.loads(answered(chat, "a", message("one"), message("two")).record())
    record["blocks"][0]["text"] = 1
    record["items"].insert(0, {"type": "message", "content": {}})
    again, _ = restored(record)
    [turn] = again.turns
    assert [block.text for block in turn.blocks] == ["two"]
    assert [item.text for item in turn.items if isinstance(item, MessageItem)] == ["one", "two"]
    assert turn.notices == ["A part of this could not be read, and is left out."]


def test_records_of_one_id_are_one_turn() -> None:
    good = json.loads(new_turn().record())
    again, _ = restored(good, good)
    assert len(again.turns) == 1


@pytest.mark.parametrize("leaf", [[], {}, 5, None, "gone"])
@pytest.mark.parametrize("created_at", [None, "x", [], -1])
def test_a_damaged_head_does_not_keep_a_conversation_from_opening(
    leaf: Any, created_at: Any
) -> None:
    good = json.loads(new_turn().record())
    data = {"id": "c", "created_at": created_at, "leaf": leaf, "turns": [good]}
    assert Conversation.restore(data)[0].path


def test_a_new_turn_comes_after_all_that_are_stored() -> None:
    chat = conversation()
    stored = [json.loads(chat.add(turn_id, "?", 0).record()) for turn_id in "abc"]
    again, _ = restored({**stored[0], "version": 99}, stored[1], stored[2])
    assert [turn.id for turn in again.turns] == ["b", "c"]
    assert again.add("d", "?", 0).position == 3


# --- the tree ----------------------------------------------------------------------------------


@given(st.data())
def test_damaged_records_lose_nothing_but_themselves(data: st.DataObject) -> None:
    conversation = Conversation(id="c")
    for number in range(5):
        conversation.add(str(number), "q", 0).finish(TurnStatus.COMPLETED)
    conversation.branch(conversation.path[2], "5", "q", 0).finish(TurnStatus.COMPLETED)
    damaged = stored(conversation)
    for turn in damaged["turns"]:
        junk = data.draw(st.sampled_from([None, "parent", "circle", "version", "blocks"]))
        match junk:
            case "parent":
                turn["parent"] = "gone"
            case "circle":
                turn["parent"] = turn["id"]
            case "version":
                turn["version"] = 99
            case "blocks":
                turn["blocks"] = "none"
    damaged["leaf"] = data.draw(st.sampled_from([*"012345", "gone", None]))
    damaged["settings"] = data.draw(st.sampled_from([{}, {"verbosity": "loud"}, "odd"]))
    restored, _ = Conversation.restore(damaged)
    left_out = {t["id"] for t in damaged["turns"] if t["version"] == 99}
    assert set(ids(restored.turns)) == set("012345") - left_out
    if restored.turns:
        assert restored.path
        assert restored.history(restored.path[-1])
    restored.view()


def test_a_turn_that_waits_in_the_middle_of_its_answer_is_stored_with_it() -> None:
    chat = conversation()
    call = {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"}
    turn = chat.add("1", "question", 0)
    turn.start()
    turn.sent = True
    apply(turn, {"type": "OutputItemDone", "item": call})
    turn.finish_call(turn.open_calls[0], ToolOutput("3"))
    turn.begin_call()
    apply(turn, delta("half an ans"))
    turn.put_back(Waiting(reason="rate_limit", until=5))
    assert [block.kind for block in turn.blocks] == ["tool"]
    again, ended = restored(json.loads(turn.record()))
    assert ended == []
    (waiting,) = again.turns
    assert waiting.status is TurnStatus.QUEUED
    waiting.start()
    assert [item.type for item in waiting.items] == ["function_call", "function_call_output"]
    assert waiting.calls == 1
