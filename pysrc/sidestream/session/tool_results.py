"""The artifacts of calls of the provider's own tools: images and sources.

They are made of the finished item whenever a panel receives the turn, and not stored beside it: an
image in base64 takes megabytes. The panel makes the same (``extension/shared/tool-results.js``).
"""

from __future__ import annotations

import re
from typing import Any

from sidestream.types.items import (
    CodeInterpreterCallItem,
    FileSearchCallItem,
    ImageGenerationCallItem,
    ResponseItem,
    WebSearchCallItem,
)

MAX_SOURCES = 100
"""How many pages or files of one call are listed at most."""

MAX_SHOWN = 12_000_000
"""How many characters of images and files a panel receives with a conversation, since messages are
limited to 64 MiB. It asks for older ones when the user wants to see them."""

# The beginnings of image files in base64. SVG is not among them, since it is a document.
_BEGINNINGS = {"iVBORw0KGgo": "png", "/9j/": "jpeg", "UklGR": "webp", "R0lGOD": "gif"}
_DATA_URL = re.compile(r"data:image/[\w.+-]+;base64,")


def shown_of(item: ResponseItem) -> dict[str, Any] | None:
    """The artifacts of a finished item, for `Block.shown`; None if there are none."""
    figures: list[dict[str, Any]] = []
    files: list[dict[str, Any]] = []
    sources: list[dict[str, Any]] = []
    if isinstance(item, ImageGenerationCallItem):
        _add_image(item.result or "", figures, files)
    elif isinstance(item, CodeInterpreterCallItem):
        for part in item.outputs or ():
            url = part.get("url")
            if part.get("type") != "image" or not isinstance(url, str):
                continue
            if inline := _DATA_URL.match(url):
                _add_image(url[inline.end() :], figures, files)
            else:
                sources.append({"url": url, "title": f"Image {len(figures) + len(sources) + 1}"})
    elif isinstance(item, FileSearchCallItem):
        sources = [{"title": result.get("filename")} for result in item.results or ()]
    elif isinstance(item, WebSearchCallItem):
        found = (item.action or {}).get("sources")
        for source in found if isinstance(found, list) else ():
            if isinstance(source, dict):
                sources.append({"url": source.get("url"), "title": source.get("name")})
    shown = {"figures": figures, "files": files, "sources": _named(sources)}
    return {name: parts for name, parts in shown.items() if parts} or None


def _add_image(base64: str, figures: list[dict[str, Any]], files: list[dict[str, Any]]) -> None:
    """Add an image as a figure, or as a file to save if browsers do not show its format."""
    if not base64:
        return
    for beginning, kind in _BEGINNINGS.items():
        if base64.startswith(beginning):
            figures.append({"type": kind, "base64": base64})
            return
    files.append({"name": "image", "size": len(base64) * 3 // 4, "base64": base64})


def _named(sources: list[dict[str, Any]]) -> list[dict[str, str]]:
    """The first `MAX_SOURCES` sources with an address or a name, each once."""
    named: dict[tuple[tuple[str, str], ...], dict[str, str]] = {}
    for source in sources:
        known = {key: value for key, value in source.items() if value and isinstance(value, str)}
        if known and len(named) < MAX_SOURCES:
            named.setdefault(tuple(known.items()), known)
    return [*named.values()]


def hold_back(blocks: list[dict[str, Any]], room: int) -> int:
    """Remove the artifacts from a turn's view that do not fit into ``room``; returns its rest.

    The latest artifacts are kept first. ``held_back`` marks a block whose artifacts were removed.
    """
    for block in reversed(blocks):
        shown = block.get("shown")
        if not shown:
            continue
        parts = [*shown.get("figures", ()), *shown.get("files", ())]
        size = sum(len(part.get("base64") or part.get("text") or "") for part in parts)
        if size <= room:
            room -= size
            continue
        sources = {"sources": shown["sources"]} if "sources" in shown else {}
        block["shown"] = {**sources, "held_back": True}
    return room
