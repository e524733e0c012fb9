from __future__ import annotations

import json
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from sidestream.errors import ErrorKind
from sidestream.session.conversation import Conversation, ConversationSettings
from sidestream.session.tools import ToolOutput
from sidestream.session.turn import Turn, TurnStatus, Waiting
from sidestream.types.events import response_event
from sidestream.types.items import (
    FunctionCallItem,
    FunctionCallOutputItem,
    MessageItem,
    ReasoningItem,
    response_item,
)

FIXTURE = Path(__file__).parent.parent / "fixtures" / "conversation.json"
CASES = json.loads(FIXTURE.read_text(encoding="utf-8"))


def new_turn() -> Turn:
    turn = Turn(id="t", user="?", created_at=0)
    turn.start()
    turn.sent = True
    return turn


def apply(turn: Turn, *events: dict[str, Any]) -> Turn:
    for event in events:
        turn.apply(response_event.validate_python(event))
    return turn


def message(text: str, **fields: Any) -> dict[str, Any]:
    content = [{"type": "output_text", "text": text}]
    item = {"type": "message", "role": "assistant", "content": content, **fields}
    return {"type": "OutputItemDone", "item": item}


def delta(text: str, item_id: str | None = None) -> dict[str, Any]:
    return {"type": "OutputTextDelta", "delta": text, "item_id": item_id}


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


def test_changes_of_status_are_told() -> None:
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


def test_what_was_cut_off_stays_for_the_reader_and_for_the_model() -> None:
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
def test_what_was_taken_back_returns_if_nothing_better_comes(status: TurnStatus) -> None:
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


def test_what_was_taken_back_is_gone_when_something_better_has_come() -> None:
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


# --- history -----------------------------------------------------------------------------------


def conversation() -> Conversation:
    return Conversation(id="c")


def answered(
    conversation: Conversation,
    turn_id: str,
    *events: dict[str, Any],
    status: TurnStatus = TurnStatus.COMPLETED,
    origin: str = "https://a",
) -> Turn:
    turn = conversation.add(turn_id, f"question {turn_id}", 0)
    turn.start()
    turn.origin = origin
    apply(turn, *events)
    turn.finish(status)
    return turn


def texts(conversation: Conversation, turn: Turn) -> list[str]:
    history = conversation.history(turn, "https://a")
    return [f"{i.role}: {i.text}" for i in history if isinstance(i, MessageItem)]


def test_history_is_what_was_said_before() -> None:
    chat = conversation()
    answered(chat, "1", message("answer 1"))
    turn = chat.add("2", "question 2", 0)
    chat.add("3", "question 3", 0)
    assert texts(chat, turn) == ["user: question 1", "assistant: answer 1", "user: question 2"]


@pytest.mark.parametrize(
    "status", [TurnStatus.FAILED, TurnStatus.STOPPED, TurnStatus.INTERRUPTED, TurnStatus.INCOMPLETE]
)
def test_history_keeps_what_had_come_of_a_turn_that_ended_badly(status: TurnStatus) -> None:
    chat = conversation()
    call = {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"}
    reasoning = {"type": "reasoning", "encrypted_content": "x"}
    done = [{"type": "OutputItemDone", "item": item} for item in (reasoning, call)]
    answered(chat, "1", *done, delta("half"), status=status)
    turn = chat.add("2", "more", 0)
    assert texts(chat, turn) == ["user: question 1", "assistant: half", "user: more"]
    items = chat.history(turn, "https://a")
    (output,) = (item for item in items if isinstance(item, FunctionCallOutputItem))
    assert output.call_id == "c1"
    assert "Nothing of it was done" in str(output.output)
    assert any(isinstance(item, ReasoningItem) for item in items), "a call goes with its reasoning"


@pytest.mark.parametrize("kind", [ErrorKind.INVALID_REQUEST, ErrorKind.CONTEXT_WINDOW_EXCEEDED])
def test_history_drops_the_calls_of_a_request_that_was_refused(kind: ErrorKind) -> None:
    chat = conversation()
    call = {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"}
    answered(chat, "1", {"type": "OutputItemDone", "item": call}, delta("half"))
    chat.turns[-1].finish(TurnStatus.FAILED, {"kind": kind.value, "message": "No."})
    turn = chat.add("2", "more", 0)
    assert texts(chat, turn) == ["user: question 1", "assistant: half", "user: more"]
    assert all(isinstance(item, MessageItem) for item in chat.history(turn, "https://a"))


def test_reasoning_goes_back_to_its_own_provider_only() -> None:
    chat = conversation()
    reasoning = {
        "type": "OutputItemDone",
        "item": {"type": "reasoning", "encrypted_content": "x"},
    }
    answered(chat, "1", reasoning, message("answer"))
    turn = chat.add("2", "more", 0)
    assert any(isinstance(item, ReasoningItem) for item in chat.history(turn, "https://a"))
    assert not any(isinstance(item, ReasoningItem) for item in chat.history(turn, "https://b"))


# --- storage -----------------------------------------------------------------------------------


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


def test_a_turn_found_under_way_is_interrupted_and_keeps_its_text() -> None:
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


def test_what_is_whole_in_a_damaged_answer_stays_and_the_turn_says_so() -> None:
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


def test_running_and_find() -> None:
    chat = conversation()
    assert chat.running is None
    first = answered(chat, "1", message("a"))
    second = chat.add("2", "b", 0)
    assert chat.running is None
    assert chat.queued == [second]
    second.start()
    assert chat.running is second
    assert chat.queued == []
    assert chat.find("1") is first
    assert chat.find("9") is None
    assert [turn["id"] for turn in chat.view()["turns"]] == ["1", "2"]


def test_a_function_call_is_an_item_of_the_answer() -> None:
    chat = conversation()
    call = {"type": "function_call", "call_id": "c1", "name": "f", "arguments": {"a": 1}}
    turn = answered(chat, "1", {"type": "OutputItemDone", "item": call})
    assert isinstance(turn.items[0], FunctionCallItem)
    assert turn.view()["blocks"][0]["text"] == '{"a": 1}'


# --- the tree ----------------------------------------------------------------------------------


def stored(conversation: Conversation) -> dict[str, Any]:
    """What the next process reads."""
    turns = [json.loads(turn.record()) for turn in conversation.turns]
    return {**json.loads(conversation.head()), "turns": turns}


def ids(turns: Iterable[Turn]) -> list[str]:
    return [turn.id for turn in turns]


COMMANDS = st.lists(
    st.tuples(
        st.sampled_from(["send", "finish", "branch", "show", "insert", "first", "cancel"]),
        st.integers(0, 30),
    ),
    max_size=40,
)


@given(COMMANDS)
def test_whatever_is_done_the_tree_is_whole_and_comes_back_as_it_was(
    commands: list[tuple[str, int]],
) -> None:
    conversation = Conversation(id="c")
    made: list[str] = []
    cancelled: set[str] = set()
    for number, (command, which) in enumerate(commands):
        path, queued, name = conversation.path, conversation.queued, str(number)
        chosen = path[which % len(path)] if path else None
        waiting = queued[which % len(queued)] if queued else None
        match command:
            case "send":
                conversation.add(name, name, 0).wait(Waiting(reason="turn"))
                made.append(name)
            case "finish" if queued:
                queued[0].start()
                queued[0].finish(TurnStatus.COMPLETED)
            case "branch" if chosen and chosen not in queued:
                conversation.branch(chosen, name, name, 0).finish(TurnStatus.COMPLETED)
                made.append(name)
                assert ids(conversation.queued) == ids(queued)
                assert name in ids(conversation.path)
            case "show" if conversation.turns and not queued:
                turn = conversation.turns[which % len(conversation.turns)]
                conversation.show(turn)
                assert turn in conversation.path
            case "insert" if waiting and waiting is queued[0]:
                conversation.insert(name, 0, waiting).finish(TurnStatus.COMPLETED)
                made.append(name)
                assert ids(conversation.queued) == ids(queued)
            case "first" if waiting:
                conversation.put_first(waiting)
                assert conversation.queued[0] is waiting
                assert sorted(ids(conversation.queued)) == sorted(ids(queued))
            case "cancel" if waiting:
                conversation.remove(waiting)
                cancelled.add(waiting.id)
                assert waiting not in conversation.path
        assert ids(conversation.turns) == [turn for turn in made if turn not in cancelled]
        assert conversation.path[-1:] == [
            t for t in conversation.turns if t.id == conversation.leaf
        ]
        for turn, after in pairwise(conversation.path):
            assert conversation.before(after) is turn
            assert after.status is TurnStatus.QUEUED or turn.status is not TurnStatus.QUEUED
        if conversation.path:
            assert conversation.path[0].parent is None
    for turn in conversation.queued:
        turn.sent = False
    again, ended = Conversation.restore(stored(conversation))
    assert ended == []
    assert ids(again.path) == ids(conversation.path)
    assert [again.view_of(turn) for turn in again.turns] == [
        conversation.view_of(turn) for turn in conversation.turns
    ]


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


@pytest.mark.parametrize(
    ("bad", "value"),
    [
        *[("temperature", value) for value in (9.0, -1, "hot", float("nan"))],
        *[("top_p", 1.5), ("max_output_tokens", 0), ("summary", "long"), ("tools", 5)],
        ("effort", ["high"]),
    ],
)
def test_a_setting_that_cannot_be_read_does_not_lose_the_others(bad: str, value: Any) -> None:
    good = {"instructions": "Be brief.", "model": "m-2", "temperature": 0.5, "summary": "concise"}
    data = {"id": "c", "created_at": 0, "turns": [], "settings": {**good, bad: value}}
    settings = Conversation.restore(data)[0].settings
    kept = settings.model_dump(exclude_none=True)
    assert kept == {name: good[name] for name in good if name != bad}


def test_settings_out_of_range_are_refused() -> None:
    for wrong in ({"temperature": 9.0}, {"top_p": -0.1}, {"max_output_tokens": 0}):
        with pytest.raises(ValidationError):
            ConversationSettings.model_validate(wrong)
    right = {"temperature": 0.0, "top_p": 1.0, "max_output_tokens": 1, "summary": "off"}
    assert ConversationSettings.model_validate(right).temperature == 0.0


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
