"""An item of the Responses API that is still arriving, and what it becomes."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from sidestream.decode._bounds import MAX_ITEMS
from sidestream.decode._events import Events
from sidestream.decode._frames import is_json
from sidestream.decode._inband import InBand, Piece, split
from sidestream.decode._text import Text
from sidestream.decode._tool_calls import as_json_text, plain_name, unwrapped
from sidestream.decode._validated import item_from
from sidestream.decode.responses._raw_items import (
    CALLS,
    annotate,
    as_said,
    citations_in,
    content_parts,
    extra_of,
    says_something,
    string,
    texts,
    without_ours,
)
from sidestream.decode.responses._summaries import Summaries
from sidestream.types.events import (
    FunctionCallArgumentsDelta,
    OutputItemAdded,
    OutputTextAnnotationAdded,
    OutputTextDelta,
    OutputTextReplaced,
    ReasoningContentDelta,
    RefusalDelta,
    ToolCallInputDelta,
)
from sidestream.types.items import (
    IN_BAND,
    ResponseItem,
)


class _Part:
    """A content part of a message or of raw reasoning, as streamed."""

    __slots__ = ("index", "kind", "text")

    def __init__(self, kind: str, index: int | None) -> None:
        self.kind = kind
        self.index = index
        self.text = Text()


class Item:
    """An item that has begun. Its methods append the events that they cause to ``events``."""

    __slots__ = (
        *("again", "annotations", "base", "call_id", "closed", "done_text", "final", "fresh", "id"),
        *("implicit", "in_band", "index", "key", "kind", "name", "partial", "parts"),
        *("sizes", "summaries", "thought", "thoughts", "value"),
    )

    def __init__(self, kind: str, item_id: str, index: int | None) -> None:
        self.kind = kind
        self.id = item_id
        """The id in the events that are given out."""
        self.key = item_id
        """The first id that the server gave, perhaps after the item was announced."""
        self.index = index
        self.call_id = ""
        self.name = ""
        self.base: dict[str, Any] = {}
        self.implicit = True
        """Whether a delta has begun the item, and not ``output_item.added``."""
        self.partial = False
        """Whether the item began before the decoder did, so that its earlier deltas are unknown."""
        self.parts: list[_Part] = []
        self.fresh = True
        """Whether the next delta begins a new part."""
        self.sizes: dict[str, int] = {}
        """The characters of all parts of a kind."""
        self.annotations: list[dict[str, Any]] = []
        self.summaries = Summaries(item_id)
        self.value = Text()
        """A call's arguments or input."""
        self.done_text: str | None = None
        """The arguments or input in the call's ``.done`` event, after which the call is whole."""
        self.closed = False
        self.final: ResponseItem | None = None
        self.in_band = InBand()
        self.thought: Item | None = None
        """Unfinished reasoning that the server sends inside the text."""
        self.thoughts: list[ResponseItem] = []
        """Finished reasoning of that kind, which is given out before the item."""
        self.again: Item | None = None
        """The finished item that this one seems to repeat, until an event shows otherwise."""

    def join_late(self) -> None:
        """Note that the item began before the decoder did."""
        self.partial = self.summaries.partial = True

    def take(self, raw: dict[str, Any]) -> None:
        """Keep what the server sends of the item when it begins."""
        self.base = without_ours(raw)
        self.call_id = string(raw.get("call_id")) or self.call_id
        self.name = plain_name(string(raw.get("name"))) or self.name

    def announced(self) -> ResponseItem:
        """The item for `OutputItemAdded`: without content, which follows as deltas."""
        raw = {**self.base, "type": self.kind, "id": self.id or None}
        if self.kind == "message":
            raw = {"role": "assistant", **raw, "content": []}
        elif self.kind == "reasoning":
            raw |= {"summary": [], "content": None}
        elif self.kind in CALLS:
            raw |= {"call_id": self.call_id, "name": self.name, "arguments": "", "input": ""}
        return item_from(raw)

    # --- content --------------------------------------------------------------------------------

    def streamed(self, kind: str) -> str:
        """The text of all parts of a kind."""
        return "".join(str(part.text) for part in self.parts if part.kind == kind)

    def grows(self, kind: str) -> bool:
        """Whether the next delta of that kind continues the last part."""
        return not self.fresh and self.parts[-1].kind == kind

    @property
    def flows(self) -> bool:
        """Whether more text can be given out as it arrives."""
        return self.grows("output_text") and self.in_band.decided

    @property
    def crowded(self) -> bool:
        """Whether the item has more parts than `MAX_ITEMS`."""
        return max(len(self.parts), len(self.summaries), len(self.annotations)) > MAX_ITEMS

    def part_delta(self, kind: str, delta: str, index: int | None, events: Events) -> None:
        """Add to a part: ``output_text``, ``refusal`` or ``reasoning_text``."""
        if self.kind != "message" or self.partial:
            self._add(kind, delta, index, events)
        elif kind != "output_text":
            self._flush_in_band(index, events)
            self._add(kind, delta, index, events)
        elif self.in_band.plain(delta):
            self._add(kind, delta, index, events)
        else:
            for piece in self.in_band.feed(delta):
                self._take_piece(piece, index, events)

    def _flush_in_band(self, index: int | None, events: Events) -> None:
        for piece in self.in_band.end():
            self._take_piece(piece, index, events)

    def _take_piece(self, piece: Piece, index: int | None, events: Events) -> None:
        """Act on one piece of what the in-band splitter makes of the text."""
        kind, text = piece
        if kind == "text":
            self._add("output_text", text, index, events)
        elif kind == "think":
            self._think(text, events)
        elif kind == "end":
            self._end_thought(events)
        else:
            sent = self.streamed("output_text")
            self.parts = [part for part in self.parts if part.kind != "output_text"]
            self.sizes["output_text"] = 0
            self.fresh = True
            if sent:
                events.append(OutputTextReplaced(item_id=self.id or None))
            self._think((sent + text).strip(), events)

    def _think(self, text: str, events: Events) -> None:
        if not text:
            return
        if self.thought is None:
            self.thought = Item("reasoning", "", None)
            self.thought.base = {"field": IN_BAND}
            events.append(OutputItemAdded(item=self.thought.announced()))
        self.thought.part_delta("reasoning_text", text, None, events)

    def _end_thought(self, events: Events) -> None:
        thought, self.thought = self.thought, None
        if thought is not None:
            thought.finish(None, events)
            if thought.final is not None:
                self.thoughts.append(thought.final)

    def _add(self, kind: str, delta: str, index: int | None, events: Events) -> None:
        if not self.grows(kind):
            for part in self.parts[-1:]:
                self._show(part.kind, part.text.end(""), events)
            self.parts.append(_Part(kind, index))
            self.fresh = False
        self._show(kind, self.parts[-1].text.add(delta), events)

    def part_done(self, kind: str, text: str, index: int | None, events: Events) -> None:
        """Add what did not stream of a part; a text that contradicts the deltas is ignored."""
        if kind == "output_text" and self.kind == "message" and not self.partial:
            if self.in_band.begun:
                self._flush_in_band(index, events)
            if self.in_band.found:
                text = split(text)[1]
        part = self.parts[-1] if self.parts and not self.fresh else None
        if self.partial:
            self.fresh = True
        elif part is None or part.kind != kind:
            known = any(str(part.text) == text for part in self.parts if part.kind == kind)
            same = len(text) == self.sizes.get(kind, 0) and text == self.streamed(kind)
            if text and not known and not same:
                self.part_delta(kind, text, index, events)
                if kind == "output_text":
                    self._flush_in_band(index, events)
                self.fresh = True
        elif text.startswith(str(part.text)) and (
            None in (part.index, index) or part.index == index
        ):
            self._show(kind, part.text.end(text), events)
            self.fresh = True

    def cite(self, annotation: dict[str, Any], events: Events) -> None:
        """Add a citation."""
        self.annotations.append(annotation)
        events.append(OutputTextAnnotationAdded(annotation=annotation, item_id=self.id or None))

    def _show(self, kind: str, text: str, events: Events) -> None:
        if not text:
            return
        self.sizes[kind] = self.sizes.get(kind, 0) + len(text)
        if kind == "output_text":
            events.add_text(OutputTextDelta, text, self.id or None)
        elif kind == "refusal":
            events.add_text(RefusalDelta, text, self.id or None)
        else:
            events.add_text(ReasoningContentDelta, text, max(len(self.parts) - 1, 0))

    # --- calls ----------------------------------------------------------------------------------

    def call_delta(self, delta: str, events: Events) -> None:
        """Add to a call's arguments or input."""
        self._show_call(self.value.add(delta), events)

    def call_done(self, text: str, events: Events) -> None:
        """End a call's arguments or input, and add what did not stream if the deltas agree."""
        self.done_text = text
        if not self.partial and text.startswith(str(self.value)):
            self._show_call(self.value.end(text), events)

    def _show_call(self, delta: str, events: Events) -> None:
        if not delta:
            return
        item_id, call_id = self.id or self.call_id, self.call_id or None
        if self.kind == "custom_tool_call":
            events.append(ToolCallInputDelta(delta=delta, item_id=item_id, call_id=call_id))
        else:
            name = self.name or None
            events.append(
                FunctionCallArgumentsDelta(delta=delta, item_id=item_id, call_id=call_id, name=name)
            )

    # --- the end --------------------------------------------------------------------------------

    def finish(self, raw: dict[str, Any] | None, events: Events) -> None:
        """Close the item; `final` is the finished item, ``None`` if nothing is in it.

        ``raw`` is the finished item as the server sent it, ``None`` if it sent none. What it has
        beyond the deltas is given out as deltas.
        """
        self.closed = True
        base = {name: value for name, value in self.base.items() if name != "status"}
        said = {k: v for k, v in without_ours(raw or {}).items() if v is not None}
        fields = {**base, **said, "type": self.kind}
        # Encrypted reasoning is bound to the id it is finished with; the rest was streamed under
        # the id it began with.
        if self.kind != "reasoning" or not isinstance(fields.get("id"), str):
            fields["id"] = self.id or None
        if (extra := extra_of(fields)) is not None:
            fields["extra"] = extra
        if self.partial:
            if raw is not None:
                self.final = item_from(as_said(fields))
            return
        if self.kind == "message":
            self._finish_message(fields, events)
        elif self.kind == "reasoning":
            self._finish_reasoning(fields, events)
        elif self.kind in CALLS:
            self._finish_call(fields, events)
        if says_something(fields) or (raw is not None and self.kind != "message"):
            self.final = item_from(fields)

    def _finish_message(self, fields: dict[str, Any], events: Events) -> None:
        fields["role"] = string(fields.get("role")) or "assistant"
        final = content_parts(fields.get("content"))
        if fields["role"] == "assistant":
            self._flush_in_band(None, events)
            self._take_thoughts_out(final, events)
            whole = {
                kind: "".join(text for k, text in texts(final) if k == kind)
                for kind in ("output_text", "refusal")
            }
            agrees = all(text.startswith(self.streamed(kind)) for kind, text in whole.items())
            if agrees and (any(whole.values()) or not self.parts):
                for kind, text in whole.items():
                    self._show(kind, text[len(self.streamed(kind)) :], events)
            else:
                for part in self.parts[-1:]:
                    self._show(part.kind, part.text.end(""), events)
                final = self._streamed_content(final)
        cited = citations_in(final)
        for note in cited[len(self.annotations) :]:
            events.append(OutputTextAnnotationAdded(annotation=note, item_id=self.id or None))
        if not cited:
            annotate(final, self.annotations)
        fields["content"] = final

    def _take_thoughts_out(self, content: list[dict[str, Any]], events: Events) -> None:
        """Remove in-band reasoning from the finished text, as it was removed from the deltas."""
        if self.parts and not self.in_band.found:
            return
        first = next((part for part in content if part["type"] == "output_text"), None)
        if first is None:
            return
        thought, text = split(first["text"])
        if not self.in_band.found:
            self._think(thought, events)
            self._end_thought(events)
        first["text"] = text

    def _streamed_content(self, final: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Content made of the deltas alone, with the citations of the finished item."""
        content: list[dict[str, Any]] = []
        for kind, parts in groupby(self.parts, key=lambda part: part.kind):
            field = "refusal" if kind == "refusal" else "text"
            content.append({"type": kind, field: "".join(str(part.text) for part in parts)})
        annotate(content, citations_in(final))
        return content

    def _finish_reasoning(self, fields: dict[str, Any], events: Events) -> None:
        summary = [text for _, text in texts(fields.get("summary"), reasoning=True)]
        self.summaries.end_all(summary, events)
        said = self.summaries.texts
        fields["summary"] = [{"type": "summary_text", "text": text} for text in said if text]
        content = [text for _, text in texts(fields.get("content"), reasoning=True) if text]
        if content == said and not self.parts:
            content = []  # The content repeats the summary.
        whole, sent = "".join(content), self.streamed("reasoning_text")
        if whole.startswith(sent):
            self._show("reasoning_text", whole[len(sent) :], events)
        else:
            self._show("reasoning_text", self.parts[-1].text.end(""), events)
            content = [str(part.text) for part in self.parts]
        fields["content"] = [{"type": "reasoning_text", "text": text} for text in content] or None
        fields["encrypted_content"] = fields.get("encrypted_content") or None

    def _finish_call(self, fields: dict[str, Any], events: Events) -> None:
        field = "input" if self.kind == "custom_tool_call" else "arguments"
        text = as_json_text(fields.get(field)) or self.done_text or ""
        self.name = plain_name(string(fields.get("name"))) or self.name
        self.call_id = string(fields.get("call_id")) or self.call_id or self.id
        self._show_call(self.value.end(text), events)
        fields |= {"name": self.name, "call_id": self.call_id, field: str(self.value)}
        # A call that cannot be run helps nobody: what was streamed stands unless it is no JSON and
        # the finished arguments are.
        if field == "arguments" and not is_json(fields[field]) and is_json(text):
            fields[field] = text
        if field == "arguments":
            fields[field] = unwrapped(fields[field])
