"""Frames of the Responses API for the tests."""

from __future__ import annotations

from typing import Any

R = "response."

DONE = {"type": "response.completed", "response": {"id": "resp_1"}}


def delta(text: str, item_id: str | None = "msg_1", **more: Any) -> dict[str, Any]:
    frame = {"type": "response.output_text.delta", "delta": text, **more}
    return frame if item_id is None else {**frame, "item_id": item_id}


def added(kind: str, item_id: str | None = None, **more: Any) -> dict[str, Any]:
    item = {"type": kind, **({"id": item_id} if item_id else {}), **more.pop("item", {})}
    return {"type": "response.output_item.added", "item": item, **more}


def done(kind: str, item_id: str | None = None, **more: Any) -> dict[str, Any]:
    return {**added(kind, item_id, **more), "type": "response.output_item.done"}


def says(text: str) -> dict[str, Any]:
    return {"role": "assistant", "content": [{"type": "output_text", "text": text}]}


def call(arguments: Any = "", **more: Any) -> dict[str, Any]:
    return {"call_id": "call_1", "name": "tool", "arguments": arguments, **more}
