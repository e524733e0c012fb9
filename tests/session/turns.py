"""Turns and conversations for the tests, made of events."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from sidestream.session.conversation import Conversation
from sidestream.session.turn import Turn, TurnStatus
from sidestream.types.events import response_event


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


def stored(conversation: Conversation) -> dict[str, Any]:
    """Return what the next process reads."""
    turns = [json.loads(turn.record()) for turn in conversation.turns]
    return {**json.loads(conversation.head()), "turns": turns}


def ids(turns: Iterable[Turn]) -> list[str]:
    return [turn.id for turn in turns]
