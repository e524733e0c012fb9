"""The message of a Chat Completions answer: text, refusal and citations."""

from __future__ import annotations

import json
from typing import Any

from sidestream.decode._events import Events
from sidestream.decode._extras import ON_MESSAGE, ON_REASONING, Extra, merge
from sidestream.decode._frames import mended
from sidestream.decode._inband import InBand, Piece, split
from sidestream.decode._text import Text
from sidestream.decode.chat._answer import Answer
from sidestream.decode.chat._chunks import Delta, as_annotation
from sidestream.decode.chat._reasoning import Reasoning
from sidestream.types.events import (
    OutputItemAdded,
    OutputTextAnnotationAdded,
    OutputTextDelta,
    OutputTextReplaced,
    RefusalDelta,
)
from sidestream.types.items import IN_BAND, ContentItem, MessageItem, OutputText, Refusal


class Message:
    """Collects the text of the answer; reasoning inside the text goes to ``reasoning``."""

    __slots__ = (
        *("_annotations", "_answer", "_extra", "_in_band", "_reasoning", "_sizes"),
        *("cited", "is_open", "parts", "reasoned"),
    )

    def __init__(self, answer: Answer, reasoning: Reasoning) -> None:
        self._answer = answer
        self._reasoning = reasoning
        self._in_band = InBand()
        self.is_open = False
        """Whether the message has begun and is not finished."""
        self.parts: list[tuple[str, Text]] = []
        """Kind and text of each content part."""
        self.reasoned = False
        """Whether the delta that is being read has reasoning in a field of its own."""
        self.cited: set[str] = set()
        """The annotations as JSON."""
        self._sizes: dict[str, int] = {}
        """The characters of all parts of a kind."""
        self._annotations: list[dict[str, Any]] = []
        self._extra: Extra = {}

    # --- text -----------------------------------------------------------------------------------

    def say(self, kind: str, delta: str, events: Events) -> None:
        """Add text of a kind: ``output_text``, ``refusal`` or ``reasoning_text``."""
        if kind == "output_text":
            if self._in_band.plain(delta):
                self._add(kind, delta, events)
            else:
                for piece in self._in_band.feed(delta):
                    self._take_piece(piece, events)
        elif kind == "reasoning_text":
            self._reasoning.add(delta, None, events)
        elif delta:
            self.flush_in_band(events)
            self._add(kind, delta, events)

    def complete(self, kind: str, whole: str, events: Events) -> None:
        """Add what did not stream of a ``whole`` text that the server sends at the end."""
        if kind == "output_text" and whole and self._in_band.begun:
            self.flush_in_band(events)
            if self._in_band.found:
                whole = split(whole)[1]
        if len(whole) <= self._sizes.get(kind, 0):
            return
        sent = "".join(str(text) for k, text in self.parts if k == kind)
        if whole.startswith(sent):
            self.say(kind, whole[len(sent) :], events)

    def flush_in_band(self, events: Events) -> None:
        """Add the text that was kept back because it might have been a reasoning tag."""
        if not self._in_band.settled:
            for piece in self._in_band.end():
                self._take_piece(piece, events)

    def _add(self, kind: str, delta: str, events: Events) -> None:
        if not delta:
            return
        self._begin(events)
        if not self.parts or self.parts[-1][0] != kind:
            self._end_part(events)
            self.parts.append((kind, Text()))
        self._show(kind, self.parts[-1][1].add(delta), events)

    def _take_piece(self, piece: Piece, events: Events) -> None:
        """Act on one piece of what the in-band splitter makes of the text."""
        kind, text = piece
        if kind == "text":
            self._add("output_text", text, events)
        elif kind == "think":
            # MiniMax repeats in the text what it sends in a field of its own.
            if not self.reasoned:
                self._reasoning.add(text, IN_BAND, events)
        elif kind == "end":
            self._reasoning.end(events)
        else:
            sent = "".join(str(said) for k, said in self.parts if k == "output_text")
            self.parts = [part for part in self.parts if part[0] != "output_text"]
            self._sizes["output_text"] = 0
            if sent:
                events.append(OutputTextReplaced(text=""))
            self._reasoning.add((sent + text).strip(), IN_BAND, events)

    def _show(self, kind: str, text: str, events: Events) -> None:
        if text:
            self._sizes[kind] = self._sizes.get(kind, 0) + len(text)
            events.add_text(RefusalDelta if kind == "refusal" else OutputTextDelta, text, None)

    def _end_part(self, events: Events) -> None:
        for kind, text in self.parts[-1:]:
            self._show(kind, text.end(""), events)

    def _begin(self, events: Events) -> None:
        self._reasoning.end_first(events)
        if not self.is_open:
            self.is_open = True
            events.append(OutputItemAdded(item=MessageItem(role="assistant")))

    # --- citations and unknown fields -----------------------------------------------------------

    def cite(self, annotations: list[Any], events: Events) -> None:
        """Add citations, each of them once."""
        for raw in annotations:
            annotation = as_annotation(raw)
            written = json.dumps(annotation, sort_keys=True) if annotation else ""
            if annotation and written not in self.cited:
                self.cited.add(written)
                self._begin(events)
                self._annotations.append(annotation)
                events.append(OutputTextAnnotationAdded(annotation=annotation))

    def cite_unless_cited(self, annotations: list[Any], events: Events) -> None:
        """Add the citations of a whole message, unless they streamed."""
        if not self._annotations:
            self.cite(annotations, events)

    def note_extras(self, delta: Delta) -> None:
        """Keep the unknown fields of a delta that must go back to the server."""
        for name in delta:
            if name in ON_REASONING:
                self._reasoning.note_extra({name: mended(delta.get(name))})
            elif name in ON_MESSAGE:
                fields = mended(delta.get(name))
                if not isinstance(fields, dict):
                    continue
                if name == "provider_specific_fields":
                    # LiteLLM sends most of this in other fields as well.
                    if "thinking_blocks" not in delta:
                        blocks = fields.get("thinking_blocks")
                        self._reasoning.note_extra({"thinking_blocks": blocks})
                    fields = {k: v for k, v in fields.items() if k.startswith("thought")}
                else:
                    # Gemini marks a delta as a thought, which must not come back with the answer.
                    fields = {
                        k: {n: v for n, v in part.items() if n != "thought"}
                        for k, part in fields.items()
                        if isinstance(part, dict)
                    }
                    fields = {k: part for k, part in fields.items() if part}
                merge(self._extra, {name: fields})

    # --- the end --------------------------------------------------------------------------------

    def finish_reasoning(self, events: Events, *, calls_follow: bool) -> None:
        """Finish the reasoning, and what came with it, before the message is finished.

        A message without content is no item, so what came with it goes to the reasoning.
        """
        self.flush_in_band(events)
        self._reasoning.end(events)
        if not self.parts and not self._annotations and (calls_follow or self._reasoning.texts):
            self._reasoning.note_extra(self._extra)
        self._reasoning.finish_extras(events)

    def finish(self, events: Events) -> None:
        """Finish the message, if it has begun."""
        if not self.is_open:
            return
        self.is_open = False
        self._end_part(events)
        content: list[ContentItem] = [
            Refusal(refusal=str(text)) if kind == "refusal" else OutputText(text=str(text))
            for kind, text in self.parts
            if text
        ]
        if self._annotations:
            content = _annotated(content, self._annotations)
        if content:
            extra = self._extra or None
            message = MessageItem(role="assistant", content=content, extra=extra)
            self._answer.finish(message, events)


def _annotated(content: list[ContentItem], annotations: list[dict[str, Any]]) -> list[ContentItem]:
    """The content with the citations at its first text, or at an empty text of their own."""
    for place, part in enumerate(content):
        if isinstance(part, OutputText):
            cited = OutputText(text=part.text, annotations=annotations)
            return [*content[:place], cited, *content[place + 1 :]]
    return [*content, OutputText(annotations=annotations)]
