"""The reasoning of a Chat Completions answer, which servers send under several names."""

from __future__ import annotations

from sidestream.decode._events import Events
from sidestream.decode._extras import ON_REASONING, Extra, merge, settled
from sidestream.decode._text import Text
from sidestream.decode.chat._answer import Answer
from sidestream.decode.chat._chunks import Delta, reasoning_in
from sidestream.types.events import OutputItemAdded, ReasoningContentDelta
from sidestream.types.items import ReasoningItem, ReasoningText


class Reasoning:
    """Collects reasoning, and the unknown fields that come with it, into items."""

    __slots__ = ("_answer", "_extra", "_field", "_open_field", "_read_from", "is_open", "texts")

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self.texts: list[Text] = []
        """The text of each reasoning item, the open one included."""
        self.is_open = False
        """Whether a reasoning item has begun and is not finished."""
        self._open_field: str | None = None
        """The field that the open item's text comes from."""
        self._read_from: str | None = None
        """The first field in which reasoning came: the others repeat it."""
        self._field: str | None = None
        """The same, where the field holds plain text: reasoning goes back in it."""
        self._extra: Extra = {}

    def note_extra(self, fields: Extra) -> None:
        """Add unknown fields that belong to the reasoning."""
        merge(self._extra, fields)

    def read(self, delta: Delta, events: Events) -> bool:
        """Read the reasoning fields of a delta; tells whether they brought reasoning."""
        field, text = reasoning_in(delta)
        if not text or (field in ON_REASONING and self._read_from not in (None, field)):
            # The text is a repetition, perhaps with a signature.
            return False
        self._read_from = self._read_from or field
        if field not in ON_REASONING:
            self._field = self._field or field
        self.add(text, self._field, events)
        return True

    def add(self, delta: str, field: str | None, events: Events) -> None:
        """Add text, to another item if it comes from another field than the open one's."""
        if not delta:
            return
        if self.is_open and field != self._open_field:
            self.end(events)
        if not self.is_open:
            self.is_open = True
            self._open_field = field
            self.texts.append(Text())
            events.append(OutputItemAdded(item=ReasoningItem(field=field)))
        shown = self.texts[-1].add(delta)
        if shown:
            events.add_text(ReasoningContentDelta, shown, 0)

    def end(self, events: Events) -> None:
        """Finish the open item, if there is one."""
        if not self.is_open:
            return
        self.is_open = False
        text = self.texts[-1]
        rest = text.end("")
        if rest:
            events.add_text(ReasoningContentDelta, rest, 0)
        item = ReasoningItem(
            content=[ReasoningText(text=str(text))],
            field=self._open_field,
            extra=self._take_extra(),
        )
        self._answer.finish(item, events)

    def end_first(self, events: Events) -> None:
        """Finish the first item before a message or call begins.

        A later item stays open, because some servers mix reasoning and text token by token.
        """
        if self.is_open and len(self.texts) == 1:
            self.end(events)

    def finish_extras(self, events: Events) -> None:
        """Give out the fields that arrived after the reasoning was finished, as an item."""
        extra = self._take_extra()
        if extra is None:
            return
        item = ReasoningItem(field=self._field, extra=extra)
        events.append(OutputItemAdded(item=ReasoningItem(field=self._field)))
        self._answer.finish(item, events)

    def _take_extra(self) -> Extra | None:
        """The fields that have arrived since the last reasoning item."""
        extra, self._extra = self._extra, {}
        return settled(extra) or None
