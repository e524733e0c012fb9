"""The events of one batch of bytes."""

from __future__ import annotations

from typing import Any

from sidestream.types.events import (
    Batch,
    OutputTextDelta,
    ReasoningContentDelta,
    ReasoningSummaryDelta,
    RefusalDelta,
)

TextDelta = OutputTextDelta | RefusalDelta | ReasoningContentDelta | ReasoningSummaryDelta

# The field that tells one text from another.
_PLACES: dict[type[TextDelta], str] = {
    OutputTextDelta: "item_id",
    RefusalDelta: "item_id",
    ReasoningContentDelta: "content_index",
    ReasoningSummaryDelta: "summary_index",
}


class Events(Batch):
    """Events in their order.

    With ``joined``, deltas of one text that follow each other become one event, which `join`
    completes in the end. An event costs as much as reading its frame, and who shows a text does not
    need the pieces in which it arrived.
    """

    def __init__(self, *, joined: bool = False) -> None:
        super().__init__()
        self.joined = joined
        # The last text, as long as nothing came after it.
        self._length = -1
        self._kind: type[TextDelta] = OutputTextDelta
        self._place: str | int | None = None
        self._pieces: list[str] = []

    def add_text(self, kind: type[TextDelta], delta: str, place: str | int | None) -> None:
        """Append a delta. ``place`` is the item's id or the part's index, as the kind has it."""
        if len(self) == self._length and place == self._place and kind is self._kind:
            self._pieces.append(delta)
            return
        self.append(_delta(kind, delta, place))
        if self.joined:
            self.join()
            self._length = len(self)
            self._kind = kind
            self._place = place
            self._pieces = [delta]

    @property
    def mark(self) -> tuple[int, int]:
        """Changes with everything that is added."""
        return len(self), len(self._pieces)

    def join(self) -> Events:
        """Complete the event of the last text."""
        if len(self._pieces) > 1:
            self[self._length - 1] = _delta(self._kind, "".join(self._pieces), self._place)
        self._length = -1
        self._pieces.clear()
        return self


def _delta(kind: type[TextDelta], delta: str, place: str | int | None) -> TextDelta:
    fields: dict[str, Any] = {"delta": delta, _PLACES[kind]: place}
    return kind(**fields)
