"""The messages or items of a request, and its images."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

from sidestream.adjust._change import Request


def items_of(request: Request) -> tuple[str, list[Any]]:
    """The name of the field that holds the history, and its items."""
    name = "input" if "input" in request else "messages"
    items = request.get(name)
    return name, items if isinstance(items, list) else []


def is_user_message(item: Any) -> bool:
    """Whether this is a message of the user's."""
    return isinstance(item, dict) and item.get("role") == "user"


def image_urls(part: Any) -> Iterator[str]:
    """The URLs of the images in a part of a request."""
    if isinstance(part, list):
        for each in part:
            yield from image_urls(each)
    elif isinstance(part, dict):
        image = part.get("image_url")
        url = image.get("url") if isinstance(image, dict) else image
        if isinstance(url, str):
            yield url
        else:
            yield from image_urls(part.get("content"))
    elif isinstance(part, str) and part.startswith(("data:image/", "https://", "http://")):
        yield part


def image_digest(url: str) -> str:
    """A short digest by which an image is remembered."""
    return hashlib.sha256(url.encode("utf-8", "replace")).hexdigest()[:16]
