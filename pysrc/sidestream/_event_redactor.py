"""`EventRedactor`: cuts secrets out of the events of a turn."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel

from sidestream.echoes import SHOWN, Echoes, EchoStream, echoes_of
from sidestream.types.events import (
    Batch,
    Completed,
    FunctionCallArgumentsDelta,
    OutputItemDone,
    OutputTextDelta,
    OutputTextReplaced,
    ReasoningContentDelta,
    ReasoningSummaryDelta,
    ReasoningSummaryDone,
    Reconnecting,
    RefusalDelta,
    ResponseEvent,
    ToolCallInputDelta,
    ToolCallProgress,
)

# The field that holds a piece of a text, and the field that says which text that is.
_PIECES: dict[type[ResponseEvent], tuple[str, str]] = {
    OutputTextDelta: ("delta", "item_id"),
    RefusalDelta: ("delta", "item_id"),
    ReasoningContentDelta: ("delta", "content_index"),
    ReasoningSummaryDelta: ("delta", "summary_index"),
    FunctionCallArgumentsDelta: ("delta", "item_id"),
    ToolCallInputDelta: ("delta", "item_id"),
    ToolCallProgress: ("detail", "item_id"),
}
# After these events, no text that began before them continues.
_ENDS = (OutputItemDone, ReasoningSummaryDone, Completed)
_MAX_STREAMS = 500
_MAX_NAMES = 2_000

_Place = tuple[type[ResponseEvent], Any]


class EventRedactor:
    """Cuts secrets out of the events of one turn, also where one lies over several deltas.

    The deltas of an item still agree with the item. The end of a text is held while it may be the
    beginning of a secret; it is given with the next delta, or before the event that ends the text.
    """

    def __init__(self) -> None:
        self._secrets: list[str] = []
        self._echoes = Echoes(())
        self._streams: dict[_Place, tuple[EchoStream, ResponseEvent]] = {}
        """A stream for each text, and the last event of it, in whose form a held end is given."""
        self._names: dict[str, str] = {}
        """Ids and names of delta events, of which most are the same."""

    def look_for(self, secrets: Iterable[str]) -> None:
        """Add secrets: those that the next request is sent with."""
        new = [secret for secret in secrets if secret not in self._secrets]
        if new:
            self._secrets += new
            self._echoes = echoes_of(*self._secrets)
            self._names.clear()

    def clean(self, batch: Batch) -> Batch:
        """The batch, in place."""
        if not self._echoes:
            return batch
        cleaned: list[ResponseEvent] = []
        for event in batch:
            if type(event) in _PIECES:
                cleaned += self._piece(event)
                continue
            if isinstance(event, _ENDS):
                cleaned += self._flush()
            elif isinstance(event, OutputTextReplaced) or (
                isinstance(event, Reconnecting) and not event.resumes
            ):
                # What was shown of the text is void, and so is what was held of it.
                self._streams.clear()
            cleaned.append(self._whole(event))
        batch[:] = cleaned
        return batch

    def _piece(self, event: ResponseEvent) -> list[ResponseEvent]:
        field, place_field = _PIECES[type(event)]
        changes = self._renamed(event, field)
        place = type(event), getattr(event, place_field)
        known = self._streams.get(place)
        given = getattr(event, field) or ""
        before: list[ResponseEvent] = []
        if known is None and len(self._streams) >= _MAX_STREAMS:
            before = self._flush()
        stream = known[0] if known else self._echoes.stream()
        shown = stream.feed(given)
        self._streams[place] = (stream, event)
        if shown != given:
            changes[field] = shown
        if not shown and given and not isinstance(event, ToolCallProgress):
            return before
        return [*before, event.model_copy(update=changes) if changes else event]

    def _renamed(self, event: ResponseEvent, piece: str) -> dict[str, Any]:
        """The changes to what an event says beside its piece of a text."""
        changes: dict[str, Any] = {}
        for name, value in vars(event).items():
            if name in (piece, "type") or not isinstance(value, str):
                continue
            known = self._names.get(value)
            if known is None:
                if len(self._names) >= _MAX_NAMES:
                    self._names.clear()
                known = self._names[value] = self._echoes.cut(value, shown=SHOWN)
            if known != value:
                changes[name] = known
        return changes

    def _flush(self) -> list[ResponseEvent]:
        """Return the held ends of all texts."""
        held: list[ResponseEvent] = []
        for stream, last in self._streams.values():
            if rest := stream.end():
                field, _ = _PIECES[type(last)]
                held.append(last.model_copy(update={field: rest, **self._renamed(last, field)}))
        self._streams.clear()
        return held

    def _whole(self, event: ResponseEvent) -> ResponseEvent:
        if not self._echoes.are_in(event.to_json()):
            return event
        cleaned: ResponseEvent = self._cut(event)
        return cleaned

    def _cut(self, value: Any) -> Any:
        """The value without secrets in its texts; the same one where there are none.

        Events are nested no deeper than 32 levels.
        """
        if isinstance(value, str):
            return self._echoes.cut(value, shown=SHOWN)
        if isinstance(value, BaseModel):
            changes = {name: new for name, old in value if (new := self._cut(old)) is not old}
            return value.model_copy(update=changes) if changes else value
        if isinstance(value, list):
            parts = [self._cut(part) for part in value]
            return parts if any(a is not b for a, b in zip(parts, value, strict=True)) else value
        if isinstance(value, dict):
            return {self._cut(name): self._cut(part) for name, part in value.items()}
        return value
