"""Items and content parts, validated one field at a time."""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter, ValidationError

from sidestream.types.items import ContentItem, ResponseItem, response_item

_CONTENT: TypeAdapter[ContentItem] = TypeAdapter(ContentItem)


def item_from(raw: dict[str, Any]) -> ResponseItem:
    """The item, without the fields that are not what they should be."""
    raw = dict(raw)
    while True:
        try:
            return response_item.validate_python(raw)
        except ValidationError as error:
            for problem in error.errors(include_url=False, include_input=False):
                # A location begins with the item's type and the field.
                name = str(problem["loc"][1])
                raw.pop(name, None)
                if problem["type"] == "missing":
                    raw[name] = ""


def content_part(raw: dict[str, Any]) -> bool:
    """Whether this is a content part that an item may hold."""
    try:
        _CONTENT.validate_python(raw)
    except ValidationError:
        return False
    return True
