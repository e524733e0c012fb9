"""The answer that a Chat Completions stream builds up: its id and its finished items."""

from __future__ import annotations

from typing import Any

from sidestream.decode._events import Events
from sidestream.types.events import OutputItemDone
from sidestream.types.items import ResponseItem


class Answer:
    """What reasoning, message and tool calls of one answer share."""

    __slots__ = ("created_at", "finished_items", "id")

    def __init__(self) -> None:
        self.id = ""
        """The provider's id of the answer, empty until a chunk has it."""
        self.created_at: Any = None
        """When the provider began it, as the first chunk says."""
        self.finished_items: list[ResponseItem] = []

    def finish(self, item: ResponseItem, events: Events) -> None:
        """Add a finished item."""
        self.finished_items.append(item)
        events.append(OutputItemDone(item=item))
