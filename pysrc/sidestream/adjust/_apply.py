"""A request with changes applied."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from sidestream.adjust._change import Change, Request
from sidestream.adjust._fields import change_at_path
from sidestream.adjust._history import (
    fill_empty_content,
    move_system_into_user_message,
    remove_encrypted_reasoning,
    remove_item_ids,
    remove_reasoning,
    remove_signatures,
    separate_parallel_calls,
    shorten_long_texts,
)
from sidestream.adjust._images import remove_earlier_images, remove_image, remove_images
from sidestream.adjust._schemas import remove_schema_details, remove_schema_keywords


def apply(request: Request, changes: Iterable[Change]) -> Request:
    """The request with the changes. Parts that no change concerns are the same objects."""
    for change in changes:
        if change.action == "history":
            request = HISTORY_CHANGES[change.path](request, change.value)
        elif change.path.startswith("schema:"):
            keyword = frozenset({change.path.removeprefix("schema:")})
            request = remove_schema_keywords(request, keyword)
        else:
            request = change_at_path(request, change.path.split("."), change)
    return request


HISTORY_CHANGES: dict[str, Callable[[Request, Any], Request]] = {
    "images": remove_images,
    "earlier images": remove_earlier_images,
    "image": remove_image,
    "encrypted reasoning": remove_encrypted_reasoning,
    "reasoning": remove_reasoning,
    "ids": remove_item_ids,
    "signatures": remove_signatures,
    "parallel calls": separate_parallel_calls,
    "empty content": fill_empty_content,
    "long texts": shorten_long_texts,
    "system": move_system_into_user_message,
    "schema": remove_schema_details,
}
