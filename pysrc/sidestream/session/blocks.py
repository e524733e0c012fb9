"""Blocks: the pieces of an answer in the order of appearance, and how items are shown in them.

A block is the ``Block`` of ``shared/protocol.js``. The panel makes the same blocks of the same
items (``extension/shared/turn.js``).
"""

from __future__ import annotations

import json
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, PrivateAttr

from sidestream.types.items import CustomToolCallItem, FunctionCallItem, ResponseItem

BlockKind = Literal["text", "reasoning", "refusal", "tool"]
PART_BREAK = "\n\n"
"""Separates the parts of a text."""
MAX_CITATIONS = 500
"""How many sources of one text are listed at most."""


class Stored(BaseModel):
    """A model that is stored. Fields that only another version knows are ignored."""

    model_config = ConfigDict(extra="ignore")


class Citation(Stored):
    """A source that the answer names: a page by its address, or a file by its name."""

    url: str | None = None
    title: str | None = None


class Block(Stored):
    """One piece of an answer, in the order of appearance. `append` costs the same at any length."""

    kind: BlockKind
    text: str = ""
    name: str | None = None
    item_id: str | None = None
    call_id: str | None = None
    status: str | None = None
    citations: list[Citation] | None = None
    asks: bool | None = None
    """Whether the call waits for the user's approval."""
    begun: bool | None = None
    """Whether the call has begun to be carried out."""
    output: str | None = None
    """The output of the call."""
    failed: bool | None = None
    duration_ms: int | None = None
    shown: dict[str, Any] | None = None
    """The artifacts of the call: figures, files, sources. Those of the provider's own tools are
    added by `shown_of`."""
    open: bool = True
    _tail: list[str] = PrivateAttr(default_factory=list)
    _part: int | None = PrivateAttr(default=None)
    _cited: set[tuple[str | None, str | None]] = PrivateAttr(default_factory=set)

    def append(self, delta: str) -> None:
        """Append to the text; `settle` then brings ``text`` up to date."""
        if delta:
            self._tail.append(delta)

    def replace(self, text: str) -> None:
        """Replace the text; later deltas are appended to the new one."""
        self._tail.clear()
        self.text = text

    def settle(self) -> Block:
        """Join what was appended to ``text``."""
        if self._tail:
            self.text += "".join(self._tail)
            self._tail.clear()
        return self

    @property
    def empty(self) -> bool:
        """Whether there is nothing to show. The block of a tool always shows its name."""
        return self.kind != "tool" and not self.text and not self._tail

    def begin_part(self, index: int) -> None:
        """Separate a new part of a reasoning summary with a blank line."""
        if index != self._part and not self.empty:
            last = self._tail[-1] if self._tail else self.text
            if not last.endswith(PART_BREAK):
                self.append(PART_BREAK)
        self._part = index

    def continue_part(self, index: int) -> None:
        """Begin a part of a reasoning summary unless the text is in that part already."""
        if self._part is None and not self.empty:
            # The part of a stored block is unknown; most likely the text continues the same one.
            self._part = index
        self.begin_part(index)

    def cite(self, citations: list[Citation]) -> None:
        """Add sources that are not listed yet, up to `MAX_CITATIONS`."""
        if self.citations and not self._cited:
            self._cited = {_known_by(citation) for citation in self.citations}
        for citation in citations:
            if _known_by(citation) in self._cited or len(self._cited) >= MAX_CITATIONS:
                continue
            self._cited.add(_known_by(citation))
            if self.citations is None:
                self.citations = []
            self.citations.append(citation)

    def close(self, text: str = "") -> None:
        """Finish the block. ``text``, where given, is its final text."""
        self.settle()
        if text:
            self.text = text
        self.open = False


def tool_name(item: ResponseItem) -> str | None:
    """The name under which a call is shown; None for items that are no calls."""
    if isinstance(item, (FunctionCallItem, CustomToolCallItem)):
        return item.name or item.type.removesuffix("_call")
    return item.type.removesuffix("_call") if item.type.endswith("_call") else None


def item_id_of(item: ResponseItem) -> str:
    """The id by which the block of an item is found."""
    return item.id or getattr(item, "call_id", None) or ""


# The fields in which the kinds of calls describe what they do, in the order of preference.
_TOOL_TEXTS = ("arguments", "input", "code", "action", "revised_prompt", "queries")
_ACTION_TEXTS = ("query", "queries", "command", "url")


def tool_text(item: ResponseItem) -> str:
    """The text that describes what a call does; "" if there is none."""
    for field in _TOOL_TEXTS:
        value = getattr(item, field, None)
        if field == "action" and isinstance(value, dict):
            value = next((value[key] for key in _ACTION_TEXTS if value.get(key) is not None), None)
        if value is not None:
            return _as_text(value)
    return ""


def _as_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        return " ".join(value)
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def citations_of(annotations: list[dict[str, Any]]) -> list[Citation]:
    """The sources among annotations. The Chat Completions API nests web pages one level deeper."""
    found: list[Citation] = []
    for annotation in annotations:
        inner = annotation.get("url_citation")
        source = inner if isinstance(inner, dict) else annotation
        url, title = _text(source, "url"), _text(source, "title")
        if url:
            found.append(Citation(url=url, title=title))
        elif name := _text(annotation, "filename"):
            found.append(Citation(title=name))
    return found


def _text(source: dict[str, Any], field: str) -> str | None:
    value = source.get(field)
    return value if isinstance(value, str) and value else None


def _known_by(citation: Citation) -> tuple[str | None, str | None]:
    """The identity of a source: its address, or its name where it has none."""
    return (citation.url, None) if citation.url is not None else (None, citation.title)


class BlockIndex:
    """Finds the block that an event belongs to without a search through all blocks.

    The result is that of a search from the last block to the first one.
    """

    def __init__(self, blocks: list[Block]) -> None:
        self.blocks = blocks
        self.size = 0
        self._order: dict[int, int] = {}
        """The place in the order of appearance, by the block's identity."""
        self._open: dict[BlockKind, list[Block]] = {}
        self._open_of: dict[tuple[BlockKind, str | None], list[Block]] = {}
        self._last_of: dict[tuple[BlockKind, str | None], Block] = {}
        self._tools: dict[str | None, list[Block]] = {}
        for block in blocks:
            self.note(block)

    def note(self, block: Block) -> None:
        """Index a block that was appended."""
        self._order[id(block)] = len(self._order)
        self.size += 1
        if block.kind == "tool":
            self._tools.setdefault(block.item_id, []).append(block)
        if block.open:
            self._open.setdefault(block.kind, []).append(block)
            self._open_of.setdefault((block.kind, block.item_id), []).append(block)
        self._last_of[block.kind, block.item_id] = block

    def forget(self, block: Block) -> None:
        """Forget a block that was removed."""
        self.size -= 1
        if self._last_of.get((block.kind, block.item_id)) is block:
            del self._last_of[block.kind, block.item_id]

    def open_block(self, kind: BlockKind, item_id: str | None) -> Block | None:
        """The last open block of a kind; with ``item_id`` of that item, or of none."""
        if item_id is None:
            return _last_open(self._open.get(kind))
        own = _last_open(self._open_of.get((kind, item_id)))
        other = _last_open(self._open_of.get((kind, None)))
        if own is None or other is None:
            return own or other
        return max(own, other, key=lambda block: self._order[id(block)])

    def last_of(self, kind: BlockKind, item_id: str | None) -> Block | None:
        """The last block of that item."""
        return self._last_of.get((kind, item_id))

    def tools(self, item_id: str) -> list[Block]:
        """The calls of that item id, in order; without an id only those from the open ones on."""
        found = self._tools.get(item_id, [])
        if not item_id:
            _last_open(found)
        return found


def _last_open(blocks: list[Block] | None) -> Block | None:
    """The last open block. Those after it leave the list: a closed block stays closed."""
    while blocks:
        if blocks[-1].open:
            return blocks[-1]
        blocks.pop()
    return None
