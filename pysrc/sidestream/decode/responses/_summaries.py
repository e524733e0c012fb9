"""The parts of a reasoning summary."""

from __future__ import annotations

from sidestream.decode._events import Events
from sidestream.decode._text import Text
from sidestream.types.events import (
    ReasoningSummaryDelta,
    ReasoningSummaryDone,
    ReasoningSummaryPartAdded,
)


class Summaries:
    """Collects the summary of one reasoning item, part by part."""

    __slots__ = ("_done", "_highest", "_item_id", "_texts", "partial")

    def __init__(self, item_id: str) -> None:
        self._item_id = item_id
        self.partial = False
        """Whether the item began before the decoder did: see `Item.partial`."""
        self._texts: dict[int, Text] = {}
        self._highest = 0
        """The highest index of a part."""
        self._done: set[int] = set()
        """The parts whose `ReasoningSummaryDone` was given."""

    def __len__(self) -> int:
        return len(self._texts)

    @property
    def texts(self) -> list[str]:
        """The texts of all parts, in the order of their indexes."""
        return [str(self._texts[index]) for index in sorted(self._texts)]

    def begin(self, index: int | None, events: Events) -> Text:
        """The part with an index, begun now if need be; ``None`` begins another part."""
        index = len(self._texts) if index is None else index
        if index not in self._texts:
            self._begin_silently(index)
            events.append(ReasoningSummaryPartAdded(summary_index=index))
        return self._texts[index]

    def add(self, delta: str, index: int | None, events: Events) -> None:
        """Add text to a part; ``None`` means the last one."""
        index = self._highest if index is None else index
        if self.partial:
            self._begin_silently(index)
        shown = self.begin(index, events).add(delta)
        if shown:
            events.add_text(ReasoningSummaryDelta, shown, index)

    def end(self, text: str, index: int | None, events: Events) -> None:
        """End a part, once, and add what did not stream of it."""
        index = self._highest if index is None else index
        if index in self._done:
            return
        self._done.add(index)
        if not self.partial:
            summary = self.begin(index, events)
            rest = summary.end(text)
            if rest:
                events.add_text(ReasoningSummaryDelta, rest, index)
            text = str(summary)
        events.append(ReasoningSummaryDone(item_id=self._item_id, text=text, summary_index=index))

    def end_all(self, texts: list[str], events: Events) -> None:
        """End every part, given the texts that the finished item has."""
        for index in sorted({*range(len(texts)), *self._texts}):
            text = texts[index] if 0 <= index < len(texts) else ""
            if text or index in self._texts:
                self.end(text, index, events)

    def _begin_silently(self, index: int) -> None:
        self._texts.setdefault(index, Text())
        self._highest = max(self._highest, index)
