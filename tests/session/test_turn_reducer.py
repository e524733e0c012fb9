"""Events become the blocks and items of a turn."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidestream.session.turn import Turn, TurnStatus
from sidestream.types.events import response_event
from sidestream.types.items import (
    FunctionCallItem,
    MessageItem,
)
from tests.session.turns import answered, apply, conversation, delta, message, new_turn

FIXTURE = Path(__file__).parent.parent / "fixtures" / "conversation.json"

CASES = json.loads(FIXTURE.read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_events_become_blocks(case: dict[str, Any]) -> None:
    # The same cases bind the panel's reducer, in tests/js/shared-turn-agreement.test.js.
    turn = apply(new_turn(), *case["events"])
    view = turn.view()
    assert len(view["blocks"]) == len(case["blocks"])
    for block, expected in zip(view["blocks"], case["blocks"], strict=True):
        assert {name: block.get(name) for name in expected} == expected
    assert view["status"] == case.get("status", "running")
    assert view.get("notice") == case.get("notice")
    assert view.get("notices") == case.get("notices")
    assert view.get("finish_reason") == case.get("finish_reason")
    assert (view.get("usage") or {}).items() >= case.get("usage", {}).items()


def test_view_holds_what_the_protocol_says_and_nothing_internal() -> None:
    turn = apply(new_turn(), {"type": "ServerModel", "model": "m-1"}, message("Hi", id="msg"))
    turn.finish(TurnStatus.COMPLETED)
    assert turn.view() == {
        "id": "t",
        "user": "?",
        "created_at": 0,
        "status": "completed",
        "model": "m-1",
        "blocks": [{"kind": "text", "text": "Hi", "item_id": "msg", "open": False}],
    }


def test_changes_of_status_are_reported() -> None:
    turn = new_turn()
    changes = [
        turn.apply(response_event.validate_python(event))
        for event in (
            delta("a"),
            {
                "type": "Reconnecting",
                "attempt": 1,
                "max_attempts": 5,
                "delay_ms": 1500,
                "reason": "x",
            },
            delta("b"),
            delta("c"),
            {"type": "StreamIdle", "idle_ms": 30_000, "timeout_ms": 300_000},
            {"type": "SafetyBuffering", "use_cases": [], "reasons": []},
            {"type": "SafetyBuffering", "use_cases": [], "reasons": [], "show_buffering_ui": False},
        )
    ]
    assert changes == [False, True, True, False, True, True, True]
    assert turn.notice is None


@pytest.mark.parametrize(
    ("delay_ms", "shown"), [(0, "0 s"), (200, "0.2 s"), (1500, "1.5 s"), (32_000, "32 s")]
)
def test_waits_are_shown_in_seconds(delay_ms: int, shown: str) -> None:
    event = {"type": "Reconnecting", "attempt": 2, "max_attempts": 5, "reason": "busy"}
    turn = apply(new_turn(), {**event, "delay_ms": delay_ms})
    assert turn.notice == f"Reconnecting 2/5 in {shown}: busy"


def test_a_truncated_answer_stays_for_the_reader_and_for_the_model() -> None:
    turn = apply(new_turn(), message("one"), delta("tw"))
    turn.finish(TurnStatus.STOPPED)
    assert turn.text == "one\n\ntw"
    assert [item.text for item in turn.items if isinstance(item, MessageItem)] == ["one", "tw"]
    assert all(not block.open for block in turn.blocks)


AGAIN = {
    "type": "Reconnecting",
    "attempt": 1,
    "max_attempts": 5,
    "delay_ms": 1000,
    "reason": "the stream broke",
}


@pytest.mark.parametrize("status", [TurnStatus.STOPPED, TurnStatus.INTERRUPTED, TurnStatus.FAILED])
def test_voided_text_returns_if_nothing_replaces_it(status: TurnStatus) -> None:
    turn = apply(new_turn(), message("one"), delta("half of"), AGAIN, delta("ha"), AGAIN)
    assert turn.text == "one"
    stored = Turn.model_validate_json(turn.record())
    for each in (turn, stored):
        each.finish(status)
        assert each.text == "one\n\nhalf of"
        assert [item.text for item in each.items if isinstance(item, MessageItem)] == [
            "one",
            "half of",
        ]
        assert each.withdrawn is None


def test_voided_text_is_gone_once_it_is_replaced() -> None:
    turn = apply(new_turn(), delta("half of"), AGAIN, delta("all of it"))
    turn.finish(TurnStatus.STOPPED)
    assert turn.text == "all of it"
    turn = apply(new_turn(), delta("half of"), AGAIN, delta("all"), message("all"))
    apply(turn, {"type": "Completed"})
    turn.finish(TurnStatus.COMPLETED)
    assert turn.text == "all"
    turn = apply(new_turn(), delta("half of"), AGAIN, delta("h"), {"type": "Completed"})
    turn.finish(TurnStatus.FAILED)
    assert turn.text == "half of"


def test_an_empty_block_does_not_outlive_the_turn() -> None:
    reasoning = {"type": "OutputItemAdded", "item": {"type": "reasoning", "id": "rs"}}
    turn = apply(new_turn(), reasoning)
    assert turn.view()["blocks"] == [
        {"kind": "reasoning", "text": "", "item_id": "rs", "open": True}
    ]
    turn.finish(TurnStatus.FAILED, {"kind": "network", "message": "gone"})
    assert turn.view()["blocks"] == []


def test_finishing_twice_adds_nothing() -> None:
    turn = apply(new_turn(), delta("half"), {"type": "Completed"})
    turn.finish(TurnStatus.FAILED, {"kind": "stream_closed", "message": "closed"})
    assert len(turn.items) == 1


def test_starting_again_forgets_the_old_answer_only() -> None:
    turn = apply(new_turn(), message("old"))
    turn.finish(TurnStatus.FAILED, {"kind": "network", "message": "gone"})
    turn.start()
    assert (turn.user, turn.status, turn.blocks, turn.items, turn.error) == (
        "?",
        TurnStatus.RUNNING,
        [],
        [],
        None,
    )


@given(deltas=st.lists(st.text(max_size=20), max_size=30), read=st.booleans())
def test_deltas_add_up_however_often_the_text_is_read(deltas: list[str], *, read: bool) -> None:
    turn = new_turn()
    for text in deltas:
        apply(turn, delta(text))
        if read:
            turn.view()
    assert turn.text == "".join(deltas)


# --- storage -----------------------------------------------------------------------------------


def test_a_function_call_is_an_item_of_the_answer() -> None:
    chat = conversation()
    call = {"type": "function_call", "call_id": "c1", "name": "f", "arguments": {"a": 1}}
    turn = answered(chat, "1", {"type": "OutputItemDone", "item": call})
    assert isinstance(turn.items[0], FunctionCallItem)
    assert turn.view()["blocks"][0]["text"] == '{"a": 1}'
