"""Frames of the Responses API: the fields that are read, and what they hold."""

from __future__ import annotations

from typing import Annotated, Any, Literal, NotRequired

from pydantic import Field, OnErrorOmit, TypeAdapter
from typing_extensions import TypedDict

HALVES = frozenset({"delta"})


# Numbers of thousands of digits are none that anybody could count with.
_Index = Annotated[int, Field(ge=-(2**31), lt=2**31)]


_Number = Annotated[int, Field(ge=-(2**53), lt=2**53)]


class Frame(TypedDict, total=False):
    """The fields that are read, each left out if it is not of its type."""

    type: OnErrorOmit[str]
    delta: Any
    item_id: OnErrorOmit[str]
    call_id: OnErrorOmit[str]
    name: OnErrorOmit[str]
    output_index: OnErrorOmit[_Index]
    content_index: OnErrorOmit[_Index]
    summary_index: OnErrorOmit[_Index]
    text: OnErrorOmit[str]
    refusal: OnErrorOmit[str]
    arguments: Any
    input: OnErrorOmit[str]
    command: OnErrorOmit[str]
    item: OnErrorOmit[dict[str, Any]]
    part: OnErrorOmit[dict[str, Any]]
    annotation: OnErrorOmit[dict[str, Any]]
    response: OnErrorOmit[dict[str, Any]]
    headers: OnErrorOmit[dict[str, Any]]
    metadata: OnErrorOmit[dict[str, Any]]
    safety_buffering: OnErrorOmit[dict[str, Any]]
    error: Any
    object: OnErrorOmit[str]
    code: Any
    message: OnErrorOmit[str]
    sequence_number: OnErrorOmit[_Number]


class _MoreText(TypedDict):
    """A text delta with nothing beside it: the last three, where they say more, are objects."""

    type: Literal["response.output_text.delta"]
    delta: str
    item_id: str
    response: NotRequired[None]
    headers: NotRequired[None]
    safety_buffering: NotRequired[None]


FRAME = TypeAdapter(Frame)


MORE_TEXT = TypeAdapter(_MoreText)


BODY: TypeAdapter[dict[str, Any]] = TypeAdapter(dict[str, Any])


def identity_of(raw: dict[str, Any], frame: Frame) -> tuple[str, str, int | None]:
    """Type, id (empty if there is none) and index of an item."""
    kind, item_id = raw.get("type"), raw.get("id") or frame.get("item_id")
    return (
        kind if isinstance(kind, str) else "",
        item_id if isinstance(item_id, str) else "",
        frame.get("output_index"),
    )


def model_in_headers(headers: Any) -> str:
    if not isinstance(headers, dict):
        return ""
    for name, value in headers.items():
        if name.lower() in ("openai-model", "x-openai-model"):
            if isinstance(value, list):
                value = value[0] if value else None
            return value if isinstance(value, str) else ""
    return ""


def may_hold_images(frame: Frame) -> bool:
    kinds = frame.get("type", ""), frame.get("item", {}).get("type")
    return "response" in frame or any("image" in str(k) or "interpreter" in str(k) for k in kinds)
