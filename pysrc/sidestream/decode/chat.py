"""The Chat Completions stream, as OpenAI and the many servers that imitate it send it.

The answer becomes the items that the Responses API would give: reasoning, one message, then the
calls in the order in which they began. Only the first choice is read; more are never asked for.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

from pydantic import OnErrorOmit, TypeAdapter
from typing_extensions import TypedDict

from sidestream.decode._common import (
    Text,
    as_json_text,
    bad_response,
    call_id_for,
    frame_text,
    incomplete,
    is_json,
    mended,
    read_frame,
    stream_closed,
    token_usage,
)
from sidestream.decode._events import Events
from sidestream.errors import SidestreamError, error_from_server_error
from sidestream.types.events import (
    Completed,
    Created,
    FunctionCallArgumentsDelta,
    OutputItemAdded,
    OutputItemDone,
    OutputTextAnnotationAdded,
    OutputTextDelta,
    ReasoningContentDelta,
    RefusalDelta,
    ToolCallInputDelta,
)
from sidestream.types.items import (
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

_CUT_SHORT = frozenset({"length", "max_tokens", "content_filter"})


class _Delta(TypedDict, total=False):
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
    object: OnErrorOmit[str]
    code: Any
    message: OnErrorOmit[str]
    error_type: OnErrorOmit[str]
    error_message: OnErrorOmit[str]


_CHUNK = TypeAdapter(_Chunk)


class _Call:
    """A tool call under way."""

    __slots__ = ("call_id", "custom", "name", "server_id", "text")

    def __init__(self, call_id: str, server_id: str, *, custom: bool) -> None:
        self.call_id = call_id
        self.server_id = server_id
        self.custom = custom
        self.name = ""
        self.text = Text()

    @property
    def whole(self) -> bool:
        """Whether the arguments are whole: another value after them belongs to another call."""
        return is_json(str(self.text))

    def item(self) -> FunctionCallItem | CustomToolCallItem:
        if self.custom:
            return CustomToolCallItem(call_id=self.call_id, name=self.name, input=str(self.text))
        return FunctionCallItem(call_id=self.call_id, name=self.name, arguments=str(self.text))


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
        self._message_open = False
        self._parts: list[tuple[str, Text]] = []
        self._annotations: list[dict[str, Any]] = []
        self._calls: list[_Call] = []
        self._by_index: dict[int, _Call] = {}
        self._by_id: dict[str, _Call] = {}

    @property
    def complete(self) -> bool:
        """Whether a finish reason or ``[DONE]`` has come, even one that says "cut short"."""
        return self._complete

    @property
    def has_open(self) -> bool:
        """Whether an item has begun and is not finished."""
        return self._reasoning_open or self._message_open or bool(self._calls)

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
            chunk = read_frame(_CHUNK, data, _HALVES)
            if chunk is not None:
                self._chunk(chunk, events)
                continue
            text = frame_text(data).strip()
            if text in ("[DONE]", "DONE"):
                self._end(events)
            elif text:
                self.skipped += 1

    def feed_body(self, body: bytes) -> Events:
        """See `Decoder.feed_body`: a chat completion object."""
        events = Events()
        answer = read_frame(_CHUNK, body, _HALVES)
        if answer is not None:
            self._chunk(answer, events)
        if not self.done and answer is not None and answer.get("choices"):
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
        if self.error is not None:
            told_end = self.done
            self._calls = [call for call in self._calls if told_end and call.whole]
            self._flush(events)
            self._tell_end(self.response_id if told_end else "", events)
        self.done = True
        return events

    # --- chunks ---------------------------------------------------------------------------------

    def _chunk(self, chunk: _Chunk, events: Events) -> None:
        before = events.mark
        error = chunk.get("error")
        if not error and (chunk.get("object") == "error" or chunk.get("error_message")):
            error = {
                "code": chunk.get("code"),
                "type": chunk.get("error_type"),
                "message": chunk.get("error_message") or chunk.get("message"),
            }
        if not error and "choices" not in chunk and not chunk.get("usage"):
            self.skipped += 1
            return
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
        self._usage = token_usage(usage) or self._usage
        if error or self._finish_reason in ("error", "network_error"):
            self.done = True
            self._complete = False
            self.error = error_from_server_error(
                error, fallback="The provider ended the answer with an error.", now=self._now()
            )
        elif usage and finished_before and events.mark == before:
            # The usage chunk is the last one; some servers never send [DONE] after it.
            self._end(events)

    def _read(self, choice: _Choice, events: Events) -> None:
        delta, message = choice.get("delta"), choice.get("message")
        if delta:
            if len(delta) > 1 or "content" not in delta:
                self._reason(_reasoning(delta), events)
            content = delta.get("content")
            if isinstance(content, str):
                self._say("output_text", content, events)
            else:
                for kind, text in _content(content):
                    self._say(kind, text, events)
            self._say("refusal", delta.get("refusal", ""), events)
            self._cite(delta.get("annotations", []), events)
            self._call_all(delta, events)
        if message:
            self._read_whole(message, events)
        reason = choice.get("finish_reason")
        if reason and self._finish_reason not in _CUT_SHORT:
            self._finish_reason = reason
            self._complete = True
            if reason in _CUT_SHORT:
                # Known now, though reading goes on for the usage.
                self.error = incomplete(reason)

    def _read_whole(self, message: _Delta, events: Events) -> None:
        """A message that is not a delta: only what did not stream of it counts."""
        if not self._reasoning:
            self._reason(_reasoning(message), events)
        texts = _content(message.get("content"))
        for kind in ("reasoning_text", "output_text", "refusal"):
            whole = "".join(text for k, text in texts if k == kind)
            if kind == "refusal":
                whole = message.get("refusal") or whole
            if kind == "reasoning_text":
                if not self._reasoning:
                    self._reason(whole, events)
                continue
            sent = "".join(str(text) for k, text in self._parts if k == kind)
            if whole.startswith(sent):
                self._say(kind, whole[len(sent) :], events)
        if not self._annotations:
            self._cite(message.get("annotations", []), events)
        if not self._calls:
            self._call_all(message, events)

    # --- reasoning and text ---------------------------------------------------------------------

    def _reason(self, delta: str, events: Events) -> None:
        if not delta:
            return
        if not self._reasoning_open:
            self._reasoning_open = True
            self._reasoning.append(Text())
            events.append(OutputItemAdded(item=ReasoningItem()))
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
        self._finished(ReasoningItem(content=[ReasoningText(text=str(text))]), events)

    def _say(self, kind: str, delta: str, events: Events) -> None:
        if kind == "reasoning_text":
            self._reason(delta, events)
            return
        if not delta:
            return
        self._open_message(events)
        if not self._parts or self._parts[-1][0] != kind:
            self._end_part(events)
            self._parts.append((kind, Text()))
        self._show(kind, self._parts[-1][1].add(delta), events)

    def _show(self, kind: str, text: str, events: Events) -> None:
        if text:
            events.add_text(RefusalDelta if kind == "refusal" else OutputTextDelta, text, None)

    def _end_part(self, events: Events) -> None:
        for kind, text in self._parts[-1:]:
            self._show(kind, text.end(""), events)

    def _open_message(self, events: Events) -> None:
        # What is thought after the first word goes into a second reasoning item that stays open,
        # because some servers mix the two token by token.
        if len(self._reasoning) == 1:
            self._end_reasoning(events)
        if not self._message_open:
            self._message_open = True
            events.append(OutputItemAdded(item=MessageItem(role="assistant")))

    def _cite(self, annotations: list[Any], events: Events) -> None:
        for raw in annotations:
            annotation = _annotation(raw)
            if annotation and annotation not in self._annotations:
                self._open_message(events)
                self._annotations.append(annotation)
                events.append(OutputTextAnnotationAdded(annotation=annotation))

    # --- tool calls -----------------------------------------------------------------------------

    def _call_all(self, delta: _Delta, events: Events) -> None:
        calls = delta.get("tool_calls")
        for raw in calls if isinstance(calls, list) else [calls]:
            if isinstance(raw, dict):
                self._call(raw, events)
        legacy = delta.get("function_call")
        if legacy:
            self._call({"index": -1, "function": legacy}, events)

    def _call(self, raw: dict[str, Any], events: Events) -> None:
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
        call = self._find_call(server_id, index, name, text)
        if call is None:
            call = self._begin_call(server_id, index, name, events, custom=custom)
        elif not call.name:
            call.name = name
        elif name != call.name and not call.text and not name.startswith(call.name):
            call.name += name
        elif name and not call.text:
            call.name = name
        if not isinstance(value, str) and call.text:
            # A server that sends objects sends them whole, and may send them again.
            return
        shown = call.text.add(text) if text else ""
        if shown and custom:
            events.append(
                ToolCallInputDelta(delta=shown, item_id=call.call_id, call_id=call.call_id)
            )
        elif shown:
            events.append(
                FunctionCallArgumentsDelta(
                    delta=shown,
                    item_id=call.call_id,
                    call_id=call.call_id,
                    name=call.name or None,
                )
            )

    def _find_call(self, server_id: str, index: int | None, name: str, text: str) -> _Call | None:
        """The call that a delta goes on with; ``None`` if it begins one.

        An id that was seen decides, then the index, then the last call. Some servers give all
        calls the index 0, some give every delta another id, some repeat the name in each delta,
        some give neither id nor index.
        """
        if server_id in self._by_id:
            return self._by_id[server_id]
        if index is not None:
            call = self._by_index.get(index)
        elif server_id:
            return None
        else:
            call = self._calls[-1] if self._calls else None
        if call is None or not name or not call.name:
            return call
        if name != call.name and (call.text or (server_id and call.server_id)):
            return None
        if call.whole and (server_id or text):
            return None
        return call

    def _begin_call(
        self,
        server_id: str,
        index: int | None,
        name: str,
        events: Events,
        *,
        custom: bool,
    ) -> _Call:
        if len(self._reasoning) == 1:
            self._end_reasoning(events)
        call_id = server_id or call_id_for(
            self.response_id, self._created_at, len(self.finished_items), len(self._calls)
        )
        call = _Call(call_id, server_id, custom=custom)
        call.name = name
        self._calls.append(call)
        if server_id:
            self._by_id[server_id] = call
        if index is not None:
            self._by_index[index] = call
        events.append(OutputItemAdded(item=call.item()))
        return call

    # --- the end --------------------------------------------------------------------------------

    def _end(self, events: Events) -> None:
        """The server has said all: finish everything, unless the answer was cut short."""
        self.done = self._complete = True
        if self.error is None:
            self._flush(events)
            self._tell_end(self.response_id, events)

    def _flush(self, events: Events) -> None:
        self._end_reasoning(events)
        if self._message_open:
            self._message_open = False
            self._end_part(events)
            content: list[ContentItem] = [
                Refusal(refusal=str(text)) if kind == "refusal" else OutputText(text=str(text))
                for kind, text in self._parts
            ]
            if self._annotations:
                content = _annotated(content, self._annotations)
            self._finished(MessageItem(role="assistant", content=content), events)
        for call in self._calls:
            if call.name:
                self._finished(call.item(), events)
        self._calls = []

    def _finished(self, item: ResponseItem, events: Events) -> None:
        self.finished_items.append(item)
        events.append(OutputItemDone(item=item))

    def _tell_end(self, response_id: str, events: Events) -> None:
        self._completed = True
        events.append(Completed(response_id=response_id, token_usage=self._usage))


# --- parts of a delta ---------------------------------------------------------------------------


def _reasoning(delta: _Delta) -> str:
    """Reasoning under any of its names; servers that give several say the same in each."""
    for name in ("reasoning", "reasoning_content", "reasoning_text"):
        value = delta.get(name)
        if isinstance(value, dict):
            value = value.get("text") or value.get("content")
        if isinstance(value, str) and value:
            return value
    details = delta.get("reasoning_details", ())
    texts = (
        detail.get("text") or detail.get("summary")
        for detail in details
        if isinstance(detail, dict)
    )
    return "".join(text for text in texts if isinstance(text, str))


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
