"""The Chat Completions stream, as OpenAI and the many servers that imitate it send it.

The answer becomes the items that the Responses API would give: reasoning, one message, then the
calls in the order in which they began. Only the first choice is read; more are never asked for.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from typing import Any

from pydantic import ConfigDict, OnErrorOmit, TypeAdapter
from typing_extensions import TypedDict

from sidestream._json import parse
from sidestream.decode._bounds import MAX_ITEMS, MAX_TEXT_BYTES
from sidestream.decode._errors import (
    TOO_MANY,
    bad_response,
    empty_answer,
    incomplete,
    stream_closed,
    too_much_text,
)
from sidestream.decode._events import Events
from sidestream.decode._extras import (
    ON_MESSAGE,
    ON_REASONING,
    Extra,
    merge,
    says_nothing,
    settled,
)
from sidestream.decode._failures import ended_badly, error_in, is_said, objects_in, told_error
from sidestream.decode._frames import frame_text, is_json, mended, read_frame
from sidestream.decode._inband import InBand, Piece, split
from sidestream.decode._text import Text
from sidestream.decode._tool_calls import as_json_text, call_id_for, plain_name, unwrapped
from sidestream.decode._usage import token_usage
from sidestream.errors import SidestreamError, error_from_server_error
from sidestream.sse import ErrorData
from sidestream.types.events import (
    Completed,
    Created,
    FunctionCallArgumentsDelta,
    OutputItemAdded,
    OutputItemDone,
    OutputTextAnnotationAdded,
    OutputTextDelta,
    OutputTextReplaced,
    ReasoningContentDelta,
    RefusalDelta,
    ToolCallInputDelta,
)
from sidestream.types.items import (
    IN_BAND,
    ContentItem,
    CustomToolCallItem,
    FunctionCallItem,
    MessageItem,
    OutputText,
    ReasoningItem,
    ReasoningText,
    Refusal,
    ResponseItem,
)
from sidestream.types.usage import TokenUsage

_HALVES = frozenset(
    {"arguments", "content", "input", "reasoning", "reasoning_content", "reasoning_text"}
    | {"refusal"}
    | {"summary", "text", "thinking"}
)


class _Delta(TypedDict, total=False):
    # pydantic's way to configure a TypedDict, whose body typing allows fields alone.
    __pydantic_config__ = ConfigDict(extra="allow")  # type: ignore[misc]

    role: Any
    content: Any
    refusal: OnErrorOmit[str]
    reasoning: Any
    reasoning_content: Any
    reasoning_text: Any
    reasoning_details: OnErrorOmit[list[Any]]
    annotations: OnErrorOmit[list[Any]]
    tool_calls: Any
    function_call: OnErrorOmit[dict[str, Any]]


class _Choice(TypedDict, total=False):
    index: OnErrorOmit[int]
    delta: OnErrorOmit[_Delta]
    message: OnErrorOmit[_Delta]
    finish_reason: OnErrorOmit[str]
    error: Any
    usage: Any


class _Chunk(TypedDict, total=False):
    """The fields that are read, each left out if it is not of its type."""

    id: OnErrorOmit[str]
    created: Any
    choices: OnErrorOmit[list[OnErrorOmit[_Choice]]]
    usage: Any
    x_groq: OnErrorOmit[dict[str, Any]]
    error: Any
    base_resp: Any


_CHUNK = TypeAdapter(_Chunk)

_CALL_FIELDS = frozenset({"id", "type", "index", "function", "custom"})


class _Call:
    """A tool call under way."""

    __slots__ = (
        *("_first", "_last", "_looks", "_size", "_whole_at", "call_id", "changed", "custom"),
        *("extra", "held", "index", "last_object", "name", "server_id", "text"),
    )

    def __init__(self, call_id: str, server_id: str, index: int | None, *, custom: bool) -> None:
        self.call_id = call_id
        self.server_id = server_id
        self.index = index
        self.custom = custom
        self.name = ""
        self.text = Text()
        self.held = ""
        """Arguments without content: they count only if nothing follows them."""
        self.last_object = ""
        """The last delta that was a whole object."""
        self.changed = False
        """The whole arguments were followed by others."""
        self.extra: Extra = {}
        self._size = 0
        self._first = self._last = ""
        self._looks = 0
        self._whole_at = -1

    @property
    def begun(self) -> bool:
        """Whether anything is known of the arguments."""
        return bool(self.text or self.held.strip())

    @property
    def whole(self) -> bool:
        """Whether the arguments are whole: another value after them belongs to another call.

        Each look costs as much as the arguments are long, so only a few are taken.
        """
        if not self.text:
            return is_json(self.held)
        if self._whole_at == self._size:
            return True
        if (self._first == "{" and self._last != "}") or self._looks >= _MAX_LOOKS:
            return False
        self._looks += 1
        if not is_json(str(self.text)):
            return False
        self._whole_at = self._size
        return True

    def add(self, delta: str) -> str:
        """Take more of the arguments, and give back what can be shown of it.

        Claude behind some gateways sends ``{}`` before the real arguments; vLLM and others repeat
        all of them at the end; a few send with each delta everything so far.
        """
        if self.custom:
            return self._append(delta)
        if not self.text:
            if delta.strip() in _EMPTY:
                if not (delta.strip() and self.held.strip()):
                    self.held += delta
                return ""
            if not self.held.strip():
                delta = self.held + delta
            self.held = ""
            return self._append(delta)
        if self._first != "{" or not delta.startswith("{"):
            return self._append(delta)
        if len(delta) >= self._size and delta.startswith(str(self.text)):
            return self._append(delta[self._size :])
        if delta.rstrip().endswith("}") and is_json(delta):
            self.last_object = delta
            if self.whole:
                self.changed = self.changed or not self.repeats(delta)
                return ""
        return self._append(delta)

    def _append(self, delta: str) -> str:
        shown = self.text.add(delta)
        if shown:
            self._size += len(shown)
            bare = shown.strip()
            if bare:
                self._first = self._first or bare[0]
                self._last = bare[-1]
        return shown

    def end(self) -> str:
        """The arguments are over: what of them was not shown yet."""
        if self.text or not self.held.strip():
            return ""
        return self._append("{}" if self.held.strip() == "null" else self.held)

    def repeats(self, text: str) -> bool:
        """Whether a text is the arguments once more, whichever way they are written."""
        own = str(self.text)
        if text == own:
            return True
        try:
            return bool(parse(text) == parse(own))
        except ValueError:
            return False

    def item(self) -> FunctionCallItem | CustomToolCallItem:
        text, extra = str(self.text), self.extra or None
        name = plain_name(self.name)
        if self.custom:
            return CustomToolCallItem(call_id=self.call_id, name=name, input=text, extra=extra)
        # What was shown stands, unless it cannot be run and what the server said last can, or it is
        # whole and the server has told it once more, not quite the same (Gemini).
        if self.last_object and (not is_json(text) or self.changed):
            text = self.last_object
        return FunctionCallItem(
            call_id=self.call_id, name=name, arguments=unwrapped(text), extra=extra
        )


_EMPTY = frozenset({"", "{}", "{ }", "null"})
_MAX_LOOKS = 32


class ChatDecoder:
    """Decoder of Chat Completions."""

    sequence_number: int | None = None

    def __init__(self, *, now: Callable[[], float] = time.time) -> None:
        self.done = False
        self.error: SidestreamError | None = None
        self.skipped = 0
        self.finished_items: list[ResponseItem] = []
        self._now = now
        self._created = False
        self._complete = False
        self._completed = False
        self.response_id = ""
        self._created_at: Any = None
        self._choice: int | None = None
        self._finish_reason = ""
        self._usage: TokenUsage | None = None
        self._reasoning: list[Text] = []
        self._reasoning_open = False
        self._reasoned = False
        """The delta at hand has reasoning in a field of its own."""
        self._open_field: str | None = None
        self._reasoning_under: str | None = None
        self._reasoning_field: str | None = None
        self._reasoning_extra: Extra = {}
        self._message_extra: Extra = {}
        self._in_band = InBand()
        self._message_open = False
        self._parts: list[tuple[str, Text]] = []
        self._sizes: dict[str, int] = {}
        """The characters of all parts of a kind."""
        self._annotations: list[dict[str, Any]] = []
        self._cited: set[str] = set()
        """The annotations as JSON."""
        self._calls: list[_Call] = []
        self._by_index: dict[int, _Call] = {}
        self._by_id: dict[str, _Call] = {}
        self._current: _Call | None = None
        self._together: list[_Call] = []
        """The calls of the last delta that had several."""

    @property
    def complete(self) -> bool:
        """Whether a finish reason or ``[DONE]`` has come, even one that says "cut short"."""
        return self._complete

    @property
    def has_open(self) -> bool:
        """Whether an item has begun and is not finished."""
        return self._reasoning_open or self._message_open or bool(self._calls)

    @property
    def holds_call(self) -> bool:
        """Calls are whole with the end of the answer only."""
        return False

    @property
    def foreign(self) -> bool:
        """Whether frames came, but none of Chat Completions: asking again will not help."""
        return self.skipped > 0 and not self._created

    # --- the way in -----------------------------------------------------------------------------

    def feed(self, data: str | bytes) -> Events:
        """See `Decoder.feed`."""
        events = Events()
        self.feed_all([data], events)
        return events

    def feed_all(self, frames: Iterable[str | bytes], events: Events) -> None:
        """See `Decoder.feed_all`."""
        for data in frames:
            if self.done:
                return
            if len(data) > MAX_TEXT_BYTES:
                self.done, self._complete, self.error = True, False, too_much_text()
                return
            chunk = read_frame(_CHUNK, data, _HALVES)
            if chunk is None or not chunk.get("choices"):
                self._odd_frame(chunk, data, events)
            else:
                self._chunk(chunk, data, events)
            self._end_if_crowded()

    def _end_if_crowded(self) -> None:
        """End an answer of more parts than an answer may have; `close` gives what is left."""
        counts = (len(self.finished_items) + len(self._calls), len(self._parts), len(self._cited))
        if max(counts) > MAX_ITEMS and not self.done:
            self.done, self._complete = True, False
            self._finish_reason = TOO_MANY
            self.error = incomplete(TOO_MANY)

    def _odd_frame(self, chunk: _Chunk | None, data: str | bytes, events: Events) -> None:
        """A frame that brings nothing of the answer: its end, its usage, an error, or nothing."""
        text = frame_text(data).strip()
        if text.strip("[]\"' ").upper() == "DONE":
            self._end(events)
            return
        certain = isinstance(data, ErrorData)
        if chunk is not None and not certain:
            error = told_error(_object(text))
            if error:
                self._failed(error)
            elif "choices" in chunk or chunk.get("usage"):
                self._chunk(chunk, data, events)
            else:
                self.skipped += 1
            return
        if not text:
            return
        error = error_in(text, certain=certain)
        objects, rest = objects_in(text)
        if not certain and not rest:
            # Several chunks in one event, or JSON that is no object.
            self.skipped += not objects
            for value in objects:
                data = json.dumps(value)
                chunk = read_frame(_CHUNK, data, _HALVES)
                if chunk is not None and not self.done:
                    self._chunk(chunk, data, events)
        if error is not None:
            self._failed(error)
        elif rest and not certain:
            self._corrupt(text)

    def _corrupt(self, text: str) -> None:
        self.skipped += 1
        if self._complete or text.lower().strip(" .:[]\"'") in _SIGNS_OF_LIFE:
            return
        if not self._created and not text.startswith("{"):
            return  # no chat completion at all, perhaps: see `foreign`
        # Nothing repeats the words of a chunk that cannot be read.
        self.done = True
        self.error = stream_closed("The server sent a part of the answer that cannot be read.")

    def _failed(self, error: Any) -> None:
        self.done = True
        self._complete = False
        self.error = error_from_server_error(
            error, fallback="The provider ended the answer with an error.", now=self._now()
        )

    def feed_body(self, body: bytes) -> Events:
        """See `Decoder.feed_body`: a chat completion object."""
        events = Events()
        self.feed_all([body], events)
        if not self.done and self._created:
            self._end(events)
        if not self.done:
            self.done = True
            self.error = bad_response("The server's answer is JSON, but not a chat completion.")
        return events

    def close(self) -> Events:
        """See `Decoder.close`."""
        events = Events()
        if self._completed:
            return events
        if not self.done:
            if self._finish_reason:
                self._end(events)
            elif self.foreign:
                self.error = bad_response("The server's answer holds no chat completion chunks.")
            else:
                self.error = stream_closed("stream closed before the answer was finished")
        if self.error is not None and not self._completed:
            told_end = self.done
            self._calls = [call for call in self._calls if told_end and call.whole]
            self._flush(events)
            self._tell_end(self.response_id if told_end else "", events)
        self.done = True
        return events

    # --- chunks ---------------------------------------------------------------------------------

    def _chunk(self, chunk: _Chunk, data: str | bytes, events: Events) -> None:
        before = events.mark
        error = None
        if chunk.get("error"):
            error = told_error(_object(frame_text(data)))
        elif "base_resp" in chunk or "x_groq" in chunk:
            error = told_error(dict(chunk))
        if not self._created and not error and (chunk.get("id") or chunk.get("choices")):
            # Azure's first chunk has neither: it tells what its filter thinks of the prompt.
            self._created = True
            self.response_id = chunk.get("id", "")
            self._created_at = chunk.get("created")
            events.append(Created(response_id=self.response_id or None))
        finished_before = bool(self._finish_reason)
        usage = chunk.get("usage") or chunk.get("x_groq", {}).get("usage")
        for choice in chunk.get("choices", ()):
            if self._choice is None:
                self._choice = choice.get("index", 0)
            if choice.get("index", 0) != self._choice:
                continue
            error = error or choice.get("error")
            usage = usage or choice.get("usage")
            self._read(choice, events)
        if usage:
            self._usage = token_usage(usage) or self._usage
        if error:
            if self._finish_reason and (
                ended := ended_badly(self._finish_reason, error, now=self._now)
            ):
                self.done, self._complete, self.error = True, False, ended
            else:
                self._failed(error)
        elif self.error is not None and self.error.retryable:
            # Another answer may be better: there is no use in waiting for the figures of this one.
            self.done, self._complete = True, False
        elif usage and finished_before and events.mark == before:
            # The usage chunk is the last one; some servers never send [DONE] after it.
            self._end(events)

    def _read(self, choice: _Choice, events: Events) -> None:
        delta, message = choice.get("delta"), choice.get("message")
        if delta:
            self._reasoned = False
            # Nearly all deltas hold nothing but text.
            more = len(delta) > 1 or "content" not in delta
            if more:
                self._note_extras(delta)
                self._read_reasoning(delta, events)
            content = delta.get("content")
            if isinstance(content, str):
                self._say("output_text", content, events)
            else:
                for kind, text in _content(content):
                    self._say(kind, text, events)
            if more:
                self._say("refusal", delta.get("refusal", ""), events)
                self._cite(delta.get("annotations", []), events)
                self._call_all(delta, events)
        if message:
            self._read_whole(message, events)
        reason = choice.get("finish_reason")
        if reason and self.error is None and is_said(reason):
            self._finish_reason = reason
            self._complete = True
            # Known now, though reading goes on for the usage.
            self.error = ended_badly(reason, now=self._now)

    def _read_whole(self, message: _Delta, events: Events) -> None:
        """A message that is not a delta: only what did not stream of it counts."""
        self._note_extras(message)
        if not self._reasoning:
            self._read_reasoning(message, events)
        texts = _content(message.get("content"))
        for kind in ("reasoning_text", "output_text", "refusal"):
            whole = "".join(text for k, text in texts if k == kind)
            if kind == "refusal":
                whole = message.get("refusal") or whole
            if kind == "reasoning_text":
                if not self._reasoning:
                    self._reason(whole, None, events)
                continue
            if kind == "output_text" and whole and self._in_band.begun:
                self._flush_in_band(events)
                if self._in_band.found:
                    whole = split(whole)[1]
            if len(whole) <= self._sizes.get(kind, 0):
                continue
            sent = "".join(str(text) for k, text in self._parts if k == kind)
            if whole.startswith(sent):
                self._say(kind, whole[len(sent) :], events)
        if not self._annotations:
            self._cite(message.get("annotations", []), events)
        if self._calls:
            self._call_again(message, events)
        else:
            self._call_all(message, events)

    # --- reasoning and text ---------------------------------------------------------------------

    def _note_extras(self, delta: _Delta) -> None:
        for name in delta:
            if name in ON_REASONING:
                merge(self._reasoning_extra, {name: mended(delta.get(name))})
            elif name in ON_MESSAGE:
                fields = mended(delta.get(name))
                if not isinstance(fields, dict):
                    continue
                if name == "provider_specific_fields":
                    # LiteLLM: most of it is said elsewhere as well.
                    if "thinking_blocks" not in delta:
                        blocks = fields.get("thinking_blocks")
                        merge(self._reasoning_extra, {"thinking_blocks": blocks})
                    fields = {k: v for k, v in fields.items() if k.startswith("thought")}
                else:
                    # Gemini: that a delta is a thought must not come back with the answer.
                    fields = {
                        k: {n: v for n, v in part.items() if n != "thought"}
                        for k, part in fields.items()
                        if isinstance(part, dict)
                    }
                    fields = {k: part for k, part in fields.items() if part}
                merge(self._message_extra, {name: fields})

    def _read_reasoning(self, delta: _Delta, events: Events) -> None:
        field, text = _reasoning(delta)
        if not text or (field in ON_REASONING and self._reasoning_under not in (None, field)):
            # The same once more, perhaps with a signature.
            return
        self._reasoning_under = self._reasoning_under or field
        if field not in ON_REASONING:
            self._reasoning_field = self._reasoning_field or field
        self._reasoned = True
        self._reason(text, self._reasoning_field, events)

    def _reason(self, delta: str, field: str | None, events: Events) -> None:
        if not delta:
            return
        if self._reasoning_open and field != self._open_field:
            self._end_reasoning(events)
        if not self._reasoning_open:
            self._reasoning_open = True
            self._open_field = field
            self._reasoning.append(Text())
            events.append(OutputItemAdded(item=ReasoningItem(field=field)))
        shown = self._reasoning[-1].add(delta)
        if shown:
            events.add_text(ReasoningContentDelta, shown, 0)

    def _end_reasoning(self, events: Events) -> None:
        if not self._reasoning_open:
            return
        self._reasoning_open = False
        text = self._reasoning[-1]
        rest = text.end("")
        if rest:
            events.add_text(ReasoningContentDelta, rest, 0)
        item = ReasoningItem(
            content=[ReasoningText(text=str(text))],
            field=self._open_field,
            extra=self._new_reasoning_extra(),
        )
        self._finished(item, events)

    def _new_reasoning_extra(self) -> Extra | None:
        """What came with the reasoning since the last item of it."""
        extra, self._reasoning_extra = self._reasoning_extra, {}
        return settled(extra) or None

    def _say(self, kind: str, delta: str, events: Events) -> None:
        if kind == "output_text":
            if self._in_band.plain(delta):
                self._add_text(kind, delta, events)
            else:
                for piece in self._in_band.feed(delta):
                    self._take_piece(piece, events)
        elif kind == "reasoning_text":
            self._reason(delta, None, events)
        elif delta:
            self._flush_in_band(events)
            self._add_text(kind, delta, events)

    def _add_text(self, kind: str, delta: str, events: Events) -> None:
        if not delta:
            return
        self._open_message(events)
        if not self._parts or self._parts[-1][0] != kind:
            self._end_part(events)
            self._parts.append((kind, Text()))
        self._show(kind, self._parts[-1][1].add(delta), events)

    def _take_piece(self, piece: Piece, events: Events) -> None:
        """What the splitter makes of the text."""
        kind, text = piece
        if kind == "text":
            self._add_text("output_text", text, events)
        elif kind == "think":
            # MiniMax says the same in a field of its own.
            if not self._reasoned:
                self._reason(text, IN_BAND, events)
        elif kind == "end":
            self._end_reasoning(events)
        else:
            sent = "".join(str(said) for k, said in self._parts if k == "output_text")
            self._parts = [part for part in self._parts if part[0] != "output_text"]
            self._sizes["output_text"] = 0
            if sent:
                events.append(OutputTextReplaced(text=""))
            self._reason((sent + text).strip(), IN_BAND, events)

    def _flush_in_band(self, events: Events) -> None:
        if not self._in_band.settled:
            for piece in self._in_band.end():
                self._take_piece(piece, events)

    def _show(self, kind: str, text: str, events: Events) -> None:
        if text:
            self._sizes[kind] = self._sizes.get(kind, 0) + len(text)
            events.add_text(RefusalDelta if kind == "refusal" else OutputTextDelta, text, None)

    def _end_part(self, events: Events) -> None:
        for kind, text in self._parts[-1:]:
            self._show(kind, text.end(""), events)

    def _open_message(self, events: Events) -> None:
        # What is thought after the first word goes into a second reasoning item that stays open,
        # because some servers mix the two token by token.
        if self._reasoning_open and len(self._reasoning) == 1:
            self._end_reasoning(events)
        if not self._message_open:
            self._message_open = True
            events.append(OutputItemAdded(item=MessageItem(role="assistant")))

    def _cite(self, annotations: list[Any], events: Events) -> None:
        for raw in annotations:
            annotation = _annotation(raw)
            written = json.dumps(annotation, sort_keys=True) if annotation else ""
            if annotation and written not in self._cited:
                self._cited.add(written)
                self._open_message(events)
                self._annotations.append(annotation)
                events.append(OutputTextAnnotationAdded(annotation=annotation))

    # --- tool calls -----------------------------------------------------------------------------

    def _call_all(self, delta: _Delta, events: Events) -> None:
        calls = delta.get("tool_calls")
        given = calls if isinstance(calls, list) else [calls]
        parts: list[dict[str, Any]] = [raw for raw in given if isinstance(raw, dict)]
        if len(parts) > 1:
            # Without an id, an index and a name, their places say whose they are.
            known = self._together if all(map(_is_anonymous, parts)) else []
            places: list[_Call | None] = [*known[: len(parts)]]
            places += [None] * (len(parts) - len(places))
            self._together = [
                self._call(raw, events, place) for raw, place in zip(parts, places, strict=True)
            ]
        elif parts:
            self._call(parts[0], events)
        legacy = delta.get("function_call")
        if legacy:
            self._call({"index": -1, "function": legacy}, events)

    def _call(self, raw: dict[str, Any], events: Events, call: _Call | None = None) -> _Call:
        custom = isinstance(raw.get("custom"), dict)
        function = raw["custom"] if custom else raw.get("function")
        if not isinstance(function, dict):
            function = {}
        name = function.get("name")
        name = mended(name) if isinstance(name, str) else ""
        value = function.get("input" if custom else "arguments")
        text = as_json_text(value) or ""
        server_id = raw.get("id")
        server_id = server_id if isinstance(server_id, str) else ""
        index = raw.get("index")
        index = index if isinstance(index, int) else None
        call = call or self._find_call(server_id, index, name, text)
        if call is None:
            call = self._begin_call(server_id, index, name, events, custom=custom)
        elif not call.name:
            call.name = name
        elif name != call.name and not call.begun and not name.startswith(call.name):
            call.name += name
        elif name and not call.begun:
            call.name = name
        self._current = call
        self._note_call(call, raw)
        if not isinstance(value, str) and call.text:
            # A server that sends objects sends them whole, and may send them again.
            return call
        if text:
            self._show_call(call, call.add(text), events)
        return call

    def _note_call(self, call: _Call, raw: dict[str, Any]) -> None:
        for name, value in raw.items():
            if name not in _CALL_FIELDS and not says_nothing(value):
                merge(call.extra, {mended(name): mended(value)})

    def _show_call(self, call: _Call, shown: str, events: Events) -> None:
        if not shown:
            return
        call_id = call.call_id
        if call.custom:
            events.append(ToolCallInputDelta(delta=shown, item_id=call_id, call_id=call_id))
        else:
            name = plain_name(call.name) or None
            events.append(
                FunctionCallArgumentsDelta(delta=shown, item_id=call_id, call_id=call_id, name=name)
            )

    def _find_call(self, server_id: str, index: int | None, name: str, text: str) -> _Call | None:
        """The call that a delta goes on with; ``None`` if it begins one.

        An id that was seen decides, then the index, then the call under way. Some servers give all
        calls the index 0 or the same id, some give every delta another id, some repeat the name in
        each delta, some give neither id nor index.
        """
        call = self._by_id.get(server_id)
        if call is not None:
            if index is None or call.index is None or index == call.index:
                return None if self._is_another(call, name, text) else call
            own = self._by_index.get(index)
            if own is not None and own.server_id == server_id:
                return own
            return None if name else call
        if index is not None:
            call = self._by_index.get(index)
        elif not server_id:
            call = self._under_way(text) if not name else self._current
        if call is None:
            if name or self._current is None or self._current.whole:
                return None
            # What names no call cannot begin one.
            return self._current
        if not name or not call.name:
            return call
        if name != call.name and (call.begun or (server_id and call.server_id)):
            return None
        if (server_id or (text and index is None)) and call.whole:
            return None
        if index is not None and text and call.text and call.whole and not call.repeats(text):
            return None
        return call

    def _is_another(self, call: _Call, name: str, text: str) -> bool:
        """Whether a delta with the id (and index) of a call begins another call all the same."""
        if not name or not call.name or not call.begun or not call.whole:
            return False
        if name != call.name:
            return True
        return bool(call.text and text) and not call.repeats(text)

    def _under_way(self, text: str) -> _Call | None:
        """The call that a fragment without a name, an id and an index continues."""
        if self._current is None or not text or not self._current.whole:
            return self._current
        open_calls = (call for call in reversed(self._calls) if call.text and not call.whole)
        return next(open_calls, self._current)

    def _begin_call(
        self,
        server_id: str,
        index: int | None,
        name: str,
        events: Events,
        *,
        custom: bool,
    ) -> _Call:
        self._flush_in_band(events)
        if self._reasoning_open and len(self._reasoning) == 1:
            self._end_reasoning(events)
        call_id = server_id
        if not server_id or server_id in self._by_id:
            call_id = call_id_for(
                self.response_id, self._created_at, len(self.finished_items), len(self._calls)
            )
        call = _Call(call_id, server_id, index, custom=custom)
        call.name = name
        self._calls.append(call)
        if server_id:
            self._by_id.setdefault(server_id, call)
        if index is not None:
            self._by_index[index] = call
        events.append(OutputItemAdded(item=call.item()))
        return call

    def _call_again(self, message: _Delta, events: Events) -> None:
        """The calls of a whole message, after they streamed: what it adds to them counts."""
        calls = message.get("tool_calls")
        for place, raw in enumerate(calls if isinstance(calls, list) else ()):
            if not isinstance(raw, dict):
                continue
            given = raw.get("id")
            call = self._by_id.get(given) if isinstance(given, str) else None
            if call is None and place < len(self._calls):
                call = self._calls[place]
            function = raw.get("function")
            if call is None or not isinstance(function, dict):
                continue
            if function.get("name") not in (None, call.name):
                continue
            self._note_call(call, raw)
            text = as_json_text(function.get("arguments")) or ""
            if not call.whole and is_json(text):
                self._show_call(call, call.add(text), events)

    # --- the end --------------------------------------------------------------------------------

    def _end(self, events: Events) -> None:
        """The server has said all: finish everything, unless the answer was cut short."""
        self.done = self._complete = True
        if self.error is None:
            self._flush(events)
            if not self.finished_items:
                self.error = empty_answer()
            self._tell_end(self.response_id, events)

    def _flush(self, events: Events) -> None:
        self._flush_in_band(events)
        self._end_reasoning(events)
        self._flush_extras(events)
        if self._message_open:
            self._message_open = False
            self._end_part(events)
            content: list[ContentItem] = [
                Refusal(refusal=str(text)) if kind == "refusal" else OutputText(text=str(text))
                for kind, text in self._parts
                if text
            ]
            if self._annotations:
                content = _annotated(content, self._annotations)
            if content:
                extra = self._message_extra or None
                message = MessageItem(role="assistant", content=content, extra=extra)
                self._finished(message, events)
        for call in self._calls:
            if call.name:
                self._show_call(call, call.end(), events)
                self._finished(call.item(), events)
        self._calls = []

    def _flush_extras(self, events: Events) -> None:
        """What came with the reasoning after it was finished, in an item before the message.

        A message without content is no item, so what came with it stands here as well.
        """
        if not self._parts and not self._annotations and (self._calls or self._reasoning):
            merge(self._reasoning_extra, self._message_extra)
        extra = self._new_reasoning_extra()
        if extra is None:
            return
        item = ReasoningItem(field=self._reasoning_field, extra=extra)
        events.append(OutputItemAdded(item=ReasoningItem(field=self._reasoning_field)))
        self._finished(item, events)

    def _finished(self, item: ResponseItem, events: Events) -> None:
        self.finished_items.append(item)
        events.append(OutputItemDone(item=item))

    def _tell_end(self, response_id: str, events: Events) -> None:
        self._completed = True
        events.append(
            Completed(
                response_id=response_id,
                token_usage=self._usage,
                finish_reason=self._finish_reason or None,
            )
        )


# --- parts of a delta ---------------------------------------------------------------------------


def _reasoning(delta: _Delta) -> tuple[str | None, str]:
    """Reasoning under any of its names; servers that give several say the same in each."""
    for name in ("reasoning", "reasoning_content", "reasoning_text"):
        value = delta.get(name)
        if isinstance(value, dict):
            value = value.get("text") or value.get("content")
        if isinstance(value, str) and value:
            return name, value
    for name in ("reasoning_details", "thinking_blocks"):
        parts = delta.get(name)
        texts = (
            part.get("text") or part.get("summary") or part.get("thinking")
            for part in (parts if isinstance(parts, list) else ())
            if isinstance(part, dict)
        )
        if text := "".join(text for text in texts if isinstance(text, str)):
            return name, text
    return None, ""


def _is_anonymous(raw: dict[str, Any]) -> bool:
    """Whether a piece of a call says nothing of the call that it belongs to."""
    function = raw.get("function")
    name = function.get("name") if isinstance(function, dict) else None
    return not raw.get("id") and raw.get("index") is None and not name


def _object(text: str) -> dict[str, Any]:
    """A text that is known to be an object."""
    try:
        value = mended(parse(text))
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


_SIGNS_OF_LIFE = frozenset(
    {"ping", "pong", "keepalive", "keep-alive", "keep_alive", "heartbeat", "ok", "start", "open"}
    | {"connected", "processing", "openrouter processing"}
)


def _content(content: Any) -> list[tuple[str, str]]:
    """Kind and text of each piece of a ``content``, a string or (Mistral) an array of parts."""
    if isinstance(content, str):
        return [("output_text", content)] if content else []
    pieces = []
    for part in content if isinstance(content, list) else ():
        if isinstance(part, str):
            pieces.append(("output_text", part))
        elif isinstance(part, dict):
            kind, field = _PART_FIELDS.get(str(part.get("type")), ("output_text", "text"))
            value = part.get(field)
            if value is None and kind == "reasoning_text":
                value = part.get("summary")  # Databricks
            if isinstance(value, list):
                value = "".join(text for _, text in _content(value))
            if isinstance(value, str):
                pieces.append((kind, value))
    return pieces


_PART_FIELDS = {
    "thinking": ("reasoning_text", "thinking"),
    "reasoning": ("reasoning_text", "text"),
    "refusal": ("refusal", "refusal"),
}


def _annotation(raw: Any) -> dict[str, Any] | None:
    """A citation in the words of the Responses API, which has no nested object."""
    raw = mended(raw)
    if not isinstance(raw, dict):
        return None
    nested = raw.get(str(raw.get("type")))
    return {**nested, "type": raw["type"]} if isinstance(nested, dict) else raw


def _annotated(content: list[ContentItem], annotations: list[dict[str, Any]]) -> list[ContentItem]:
    """The content with the citations at its first text, or at a text of their own."""
    for place, part in enumerate(content):
        if isinstance(part, OutputText):
            cited = OutputText(text=part.text, annotations=annotations)
            return [*content[:place], cited, *content[place + 1 :]]
    return [*content, OutputText(annotations=annotations)]
