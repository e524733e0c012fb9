"""Blocks: the pieces of an answer, in the order of appearance, and what items say in them.

They are the ``Block`` of ``extension/protocol.js``. The panel makes the same of the same items
(``extension/sidepanel/turn.js``).
"""

from __future__ import annotations

import json
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, PrivateAttr

from sidestream.types.items import CustomToolCallItem, FunctionCallItem, ResponseItem

BlockKind = Literal["text", "reasoning", "refusal", "tool"]
PART_BREAK = "\n\n"
"""Between the parts of a text."""


class Stored(BaseModel):
    """What is stored. Fields that only another version knows are left out."""

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
    """A call that waits for the user's leave."""
    begun: bool | None = None
    """A call that is being carried out."""
    output: str | None = None
    """What a call gave."""
    failed: bool | None = None
    duration_ms: int | None = None
    shown: dict[str, Any] | None = None
    """What a call has to show beside its output: figures, files, sources. Of the provider's own
    tools it is left to `shown_of`."""
    open: bool = True
    _tail: list[str] = PrivateAttr(default_factory=list)
    _part: int | None = PrivateAttr(default=None)

    def append(self, delta: str) -> None:
        """Let the text grow; `settle` makes ``text`` whole again."""
        if delta:
            self._tail.append(delta)

    def settle(self) -> Block:
        """Join what was appended to ``text``."""
        if self._tail:
            self.text += "".join(self._tail)
            self._tail.clear()
        return self

    @property
    def empty(self) -> bool:
        """Whether there is nothing to show of it. A tool's block always shows its name."""
        return self.kind != "tool" and not self.text and not self._tail

    def begin_part(self, index: int) -> None:
        """Set a new part of a reasoning summary off with a blank line."""
        if index != self._part and not self.empty:
            last = self._tail[-1] if self._tail else self.text
            if not last.endswith(PART_BREAK):
                self.append(PART_BREAK)
        self._part = index

    def go_on(self, index: int) -> None:
        """Begin a part of a reasoning summary unless it is the one that the text is in."""
        if self._part is None and not self.empty:
            # Of a block that was read from the store the part is unknown; most likely it goes on.
            self._part = index
        self.begin_part(index)

    def cite(self, citations: list[Citation]) -> None:
        """Add sources that are not named yet."""
        named = list(self.citations or ())
        for citation in citations:
            if all(_is_other(citation, other) for other in named):
                named.append(citation)
        if named:
            self.citations = named

    def close(self, text: str = "") -> None:
        """Finish it. ``text``, where given, is what it says for good."""
        self.settle()
        if text:
            self.text = text
        self.open = False


def tool_name(item: ResponseItem) -> str | None:
    """What a call is shown as; None for items that are no calls."""
    if isinstance(item, (FunctionCallItem, CustomToolCallItem)):
        return item.name or item.type.removesuffix("_call")
    return item.type.removesuffix("_call") if item.type.endswith("_call") else None


def item_id_of(item: ResponseItem) -> str:
    """By which an item's block is known."""
    return item.id or getattr(item, "call_id", None) or ""


# Where the kinds of calls say what they do, in the order of preference.
_TOOL_TEXTS = ("arguments", "input", "code", "action", "revised_prompt", "queries")
_ACTION_TEXTS = ("query", "queries", "command", "url")


def tool_text(item: ResponseItem) -> str:
    """What a call says that it does; "" when it does not say."""
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
    """The sources among annotations; Chat Completions nest those of the web one level deeper."""
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


def _is_other(one: Citation, other: Citation) -> bool:
    return one.url != other.url or (one.url is None and one.title != other.title)
