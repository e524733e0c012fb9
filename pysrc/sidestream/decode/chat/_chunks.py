"""Chunks of a Chat Completions stream: the fields that are read, and what they hold."""

from __future__ import annotations

from typing import Any

from pydantic import ConfigDict, OnErrorOmit, TypeAdapter
from typing_extensions import TypedDict

from sidestream._json import parse
from sidestream.decode._frames import mended


class Delta(TypedDict, total=False):
    # pydantic's way to configure a TypedDict, whose body typing allows fields alone.
    __pydantic_config__ = ConfigDict(extra="allow")  # type: ignore[misc]

    role: Any
    content: Any
    refusal: OnErrorOmit[str]
    reasoning: Any
    reasoning_content: Any
    reasoning_text: Any
    reasoning_details: OnErrorOmit[list[Any]]
    annotations: OnErrorOmit[list[Any]]
    tool_calls: Any
    function_call: OnErrorOmit[dict[str, Any]]


class Choice(TypedDict, total=False):
    index: OnErrorOmit[int]
    delta: OnErrorOmit[Delta]
    message: OnErrorOmit[Delta]
    finish_reason: OnErrorOmit[str]
    error: Any
    usage: Any


class Chunk(TypedDict, total=False):
    """The fields that are read, each left out if it is not of its type."""

    id: OnErrorOmit[str]
    created: Any
    choices: OnErrorOmit[list[OnErrorOmit[Choice]]]
    usage: Any
    x_groq: OnErrorOmit[dict[str, Any]]
    error: Any
    base_resp: Any


CHUNK = TypeAdapter(Chunk)


HALVES = frozenset(
    {"arguments", "content", "input", "reasoning", "reasoning_content", "reasoning_text"}
    | {"refusal"}
    | {"summary", "text", "thinking"}
)


def reasoning_in(delta: Delta) -> tuple[str | None, str]:
    """The reasoning in a delta, and the field it is in; several fields repeat the same text."""
    for name in ("reasoning", "reasoning_content", "reasoning_text"):
        value = delta.get(name)
        if isinstance(value, dict):
            value = value.get("text") or value.get("content")
        if isinstance(value, str) and value:
            return name, value
    for name in ("reasoning_details", "thinking_blocks"):
        parts = delta.get(name)
        texts = (
            part.get("text") or part.get("summary") or part.get("thinking")
            for part in (parts if isinstance(parts, list) else ())
            if isinstance(part, dict)
        )
        if text := "".join(text for text in texts if isinstance(text, str)):
            return name, text
    return None, ""


def content_pieces(content: Any) -> list[tuple[str, str]]:
    """Kind and text of each piece of a ``content``, a string or (Mistral) an array of parts."""
    if isinstance(content, str):
        return [("output_text", content)] if content else []
    pieces = []
    for part in content if isinstance(content, list) else ():
        if isinstance(part, str):
            pieces.append(("output_text", part))
        elif isinstance(part, dict):
            kind, field = _PART_FIELDS.get(str(part.get("type")), ("output_text", "text"))
            value = part.get(field)
            if value is None and kind == "reasoning_text":
                value = part.get("summary")  # Databricks
            if isinstance(value, list):
                value = "".join(text for _, text in content_pieces(value))
            if isinstance(value, str):
                pieces.append((kind, value))
    return pieces


_PART_FIELDS = {
    "thinking": ("reasoning_text", "thinking"),
    "reasoning": ("reasoning_text", "text"),
    "refusal": ("refusal", "refusal"),
}


def as_annotation(raw: Any) -> dict[str, Any] | None:
    """A citation in the form of the Responses API, which has no nested object."""
    raw = mended(raw)
    if not isinstance(raw, dict):
        return None
    nested = raw.get(str(raw.get("type")))
    return {**nested, "type": raw["type"]} if isinstance(nested, dict) else raw


def object_in(text: str) -> dict[str, Any]:
    """The JSON object in a text; empty if the text is something else."""
    try:
        value = mended(parse(text))
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
