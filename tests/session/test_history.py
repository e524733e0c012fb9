"""What a turn sends of the turns before it."""

from __future__ import annotations

import pytest

from sidestream.errors import ErrorKind
from sidestream.session.conversation import Conversation
from sidestream.session.turn import Turn, TurnStatus
from sidestream.types.items import (
    FunctionCallOutputItem,
    MessageItem,
    ReasoningItem,
)
from tests.session.turns import answered, conversation, delta, message


def texts(conversation: Conversation, turn: Turn) -> list[str]:
    history = conversation.history(turn, "https://a")
    return [f"{i.role}: {i.text}" for i in history if isinstance(i, MessageItem)]


def test_history_holds_the_turns_before() -> None:
    chat = conversation()
    answered(chat, "1", message("answer 1"))
    turn = chat.add("2", "question 2", 0)
    chat.add("3", "question 3", 0)
    assert texts(chat, turn) == ["user: question 1", "assistant: answer 1", "user: question 2"]


@pytest.mark.parametrize(
    "status", [TurnStatus.FAILED, TurnStatus.STOPPED, TurnStatus.INTERRUPTED, TurnStatus.INCOMPLETE]
)
def test_history_keeps_the_partial_answer_of_a_failed_turn(status: TurnStatus) -> None:
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
