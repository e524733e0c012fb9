"""A request without images: without all of them, the earlier ones, or one."""

from __future__ import annotations

from typing import Any

from sidestream.adjust._change import Request
from sidestream.adjust._items import image_digest, image_urls, is_user_message, items_of
from sidestream.payload.history import IMAGE_OMITTED


def remove_images(request: Request, _: Any) -> Request:
    """The request without any image."""
    name, items = items_of(request)
    return {
        **request,
        name: [_replace_images(item) for item in items if not _is_generated_image(item)],
    }


def remove_earlier_images(request: Request, _: Any) -> Request:
    """The request without the images before the user's last message."""
    name, items = items_of(request)
    last = max((place for place, item in enumerate(items) if is_user_message(item)), default=0)
    earlier = [_replace_images(item) for item in items[:last] if not _is_generated_image(item)]
    return {**request, name: [*earlier, *items[last:]]}


def remove_image(request: Request, digest: Any) -> Request:
    """The request without one image."""
    name, items = items_of(request)
    return {**request, name: [_replace_images(item, digest) for item in items]}


def loses_images(request: Request, changed: Request) -> bool:
    """Whether the last user message has fewer images after the changes than before."""
    if changed is request:
        return False
    before, after = (_last_user_message(each) for each in (request, changed))
    return len([*image_urls(before)]) > len([*image_urls(after)])


def _last_user_message(request: Request) -> Any:
    return next((item for item in reversed(items_of(request)[1]) if is_user_message(item)), None)


def _is_generated_image(item: Any) -> bool:
    return isinstance(item, dict) and item.get("type") == "image_generation_call"


def _replace_images(item: Any, digest: str | None = None) -> Any:
    if not isinstance(item, dict):
        return item
    for name in ("content", "output"):
        parts = item.get(name)
        if isinstance(parts, list) and any(_is_image(part, digest) for part in parts):
            kind = "text" if any(p.get("type") in _CHAT_PARTS for p in parts) else "input_text"
            note = {"type": kind, "text": IMAGE_OMITTED}
            item = {**item, name: [note if _is_image(p, digest) else p for p in parts]}
    return item


_CHAT_PARTS = ("image_url", "text")


def _is_image(part: Any, digest: str | None = None) -> bool:
    if not isinstance(part, dict) or part.get("type") not in ("image_url", "input_image"):
        return False
    return digest is None or any(image_digest(url) == digest for url in image_urls(part))
