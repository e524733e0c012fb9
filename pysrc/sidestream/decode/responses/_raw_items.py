"""Items of the Responses API as servers send them, brought into the form that items have."""

from __future__ import annotations

from typing import Any

from sidestream.decode._bounds import MAX_ITEMS
from sidestream.decode._extras import OURS, Extra, says_nothing
from sidestream.decode._inband import split
from sidestream.decode._tool_calls import as_json_text, plain_name, unwrapped
from sidestream.decode._validated import content_part
from sidestream.types._base import WireModel
from sidestream.types.items import (
    CustomToolCallItem,
    FunctionCallItem,
    MessageItem,
    ReasoningItem,
)

CALLS = frozenset({"function_call", "custom_tool_call"})


_MODELS: dict[str, type[WireModel]] = {
    "message": MessageItem,
    "reasoning": ReasoningItem,
    "function_call": FunctionCallItem,
    "custom_tool_call": CustomToolCallItem,
}


_KNOWN = {
    kind: frozenset({*model.model_fields, "status", "object"}) for kind, model in _MODELS.items()
}


def extra_of(raw: dict[str, Any]) -> Extra | None:
    """The unknown fields of an item, which its maker may want back."""
    known = _KNOWN.get(string(raw.get("type")))
    if known is None:
        return None
    extra = {k: v for k, v in raw.items() if k not in known and not says_nothing(v)}
    return extra or None


def string(value: Any) -> str:
    """The value if it is a string, else an empty one."""
    return value if isinstance(value, str) else ""


def without_ours(raw: dict[str, Any]) -> dict[str, Any]:
    """An item of the server without the fields that only we may set."""
    return {k: v for k, v in raw.items() if k not in OURS} if OURS & raw.keys() else raw


def as_said(fields: dict[str, Any]) -> dict[str, Any]:
    """A finished item of the server, in the form that items have."""
    kind = fields["type"]
    if kind == "message":
        fields["role"] = string(fields.get("role")) or "assistant"
        fields["content"] = content_parts(fields.get("content"))
        for part in fields["content"]:
            if part["type"] == "output_text":
                part["text"] = split(part["text"])[1]
                break
    elif kind == "reasoning":
        for name, part_kind in (("summary", "summary_text"), ("content", "reasoning_text")):
            said = [text for _, text in texts(fields.get(name), reasoning=True) if text]
            fields[name] = [{"type": part_kind, "text": text} for text in said]
        fields["content"] = fields["content"] or None
        fields["encrypted_content"] = fields.get("encrypted_content") or None
    elif kind in CALLS:
        field = "input" if kind == "custom_tool_call" else "arguments"
        fields["call_id"] = string(fields.get("call_id")) or string(fields.get("id"))
        text = as_json_text(fields.get(field)) or ""
        fields["name"] = plain_name(string(fields.get("name")))
        fields[field] = unwrapped(text) if field == "arguments" else text
    return fields


def says_something(raw: dict[str, Any]) -> bool:
    """Whether an item is more than an empty message, empty reasoning or a call without a name."""
    if raw["type"] not in ("message", "reasoning", *CALLS):
        return True
    if raw["type"] == "message" and isinstance(raw.get("content"), list):
        return any(not isinstance(part, dict) or _is_content(part) for part in raw["content"])
    return any(raw.get(name) for name in ("content", "summary", "encrypted_content", "name"))


def _is_content(part: dict[str, Any]) -> bool:
    """Whether a content part has content."""
    kind = part.get("type")
    if kind in ("output_text", "text", "refusal"):
        return bool(part.get("text") or part.get("refusal") or part.get("annotations"))
    return True


def texts(parts: Any, *, reasoning: bool = False) -> list[tuple[str, str]]:
    """Kind and text of the parts that have text. ``reasoning``: all of them are reasoning."""
    found = []
    for part in [parts] if isinstance(parts, str) else parts if isinstance(parts, list) else ():
        if isinstance(part, str):
            part = {"type": "output_text", "text": part}
        kind = part.get("type") if isinstance(part, dict) else None
        if reasoning and isinstance(part, dict):
            found.append(("reasoning_text", string(part.get("text"))))
        elif kind == "refusal":
            found.append(("refusal", string(part.get("refusal"))))
        elif kind in ("output_text", "input_text", "text"):
            found.append(("output_text", string(part.get("text"))))
    return found


def content_parts(content: Any) -> list[dict[str, Any]]:
    """Content parts with the fields that they must have; servers send other shapes as well."""
    if isinstance(content, str):
        content = [{"type": "output_text", "text": content}]
    parts: list[dict[str, Any]] = []
    for part in content if isinstance(content, list) else ():
        kind = part.get("type") if isinstance(part, dict) else None
        if kind in ("output_text", "text"):
            notes = part.get("annotations")
            notes = notes[:MAX_ITEMS] if isinstance(notes, list) else []
            notes = [note for note in notes if isinstance(note, dict)]
            made = {"type": "output_text", "text": string(part.get("text"))}
            parts.append({**made, "annotations": notes or None})
        elif kind == "refusal":
            parts.append({"type": "refusal", "refusal": string(part.get("refusal"))})
        elif isinstance(part, dict) and content_part(part):
            parts.append(part)
    return parts


def citations_in(content: list[dict[str, Any]]) -> list[dict[str, Any]]:
    parts = (part for part in content if part["type"] == "output_text")
    return [note for part in parts for note in part.get("annotations") or ()]


def annotate(content: list[dict[str, Any]], annotations: list[dict[str, Any]]) -> None:
    for part in content:
        if annotations and part["type"] == "output_text":
            part["annotations"] = annotations
            return
