"""The Responses API's stream (``docs/events.md`` says what becomes of every event type).

Only the JSON ``type`` counts, never the SSE event name. Events find their item by ``item_id``, then
by ``output_index``, then by being of the kind that is open: servers in use leave out any of them,
let indexes collide, or give every event of an item another id.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from pydantic import OnErrorOmit, TypeAdapter
from typing_extensions import TypedDict

from sidestream.decode._common import (
    Text,
    as_json_text,
    bad_response,
    call_id_for,
    content_part,
    incomplete,
    is_json,
    item_from,
    joined_surrogates,
    read_frame,
    stream_closed,
    token_usage,
)
from sidestream.errors import SidestreamError, error_from_server_error
from sidestream.types.events import (
    Completed,
    Created,
    FunctionCallArgumentsDelta,
    ModelVerifications,
    OutputItemAdded,
    OutputItemDone,
    OutputTextAnnotationAdded,
    OutputTextDelta,
    ReasoningContentDelta,
    ReasoningSummaryDelta,
    ReasoningSummaryDone,
    ReasoningSummaryPartAdded,
    RefusalDelta,
    ResponseEvent,
    SafetyBuffering,
    ServerModel,
    ToolCallInputDelta,
    ToolCallProgress,
    TurnModerationMetadata,
    WebSearchCallBegin,
)
from sidestream.types.items import ResponseItem
from sidestream.types.usage import TokenUsage

# Other types are skipped and counted; these are known and say nothing that we need.
_IGNORED = frozenset(
    {
        "keepalive",
        "ping",
        "codex.rate_limits",
        "responsesapi.websocket_timing",
        "response.audio.delta",
        "response.audio.done",
        "response.audio.transcript.delta",
        "response.audio.transcript.done",
        "response.code_interpreter_call_code.done",
        "response.heartbeat",
        "response.mcp_call_arguments.done",
        "response.metadata",
        "response.reasoning_part.added",
        "response.shell_call_command.done",
        "response.shell_call_output_content.done",
        "response.steer.accepted",
        "response.steer.failed",
        "response.steer.pending",
    }
)

# Events of a built-in tool's inner work: item type, status.
_TOOL_DETAILS = {
    "response.code_interpreter_call_code.delta": ("code_interpreter_call", "code"),
    "response.mcp_call_arguments.delta": ("mcp_call", "arguments"),
    "response.shell_call_command.added": ("shell_call", "command"),
    "response.shell_call_command.delta": ("shell_call", "command"),
    "response.shell_call_output_content.delta": ("shell_call", "output"),
    "response.compaction.compacting": ("compaction", "compacting"),
}

# Codex's enum of what `ModelVerifications` may hold.
_VERIFICATIONS = frozenset({"trusted_access_for_cyber"})

_CALLS = frozenset({"function_call", "custom_tool_call"})

_HALVES = frozenset({"delta"})


class _Frame(TypedDict, total=False):
    """The fields that are read, each left out if it is not of its type."""

    type: OnErrorOmit[str]
    delta: Any
    item_id: OnErrorOmit[str]
    call_id: OnErrorOmit[str]
    name: OnErrorOmit[str]
    output_index: OnErrorOmit[int]
    content_index: OnErrorOmit[int]
    summary_index: OnErrorOmit[int]
    text: OnErrorOmit[str]
    refusal: OnErrorOmit[str]
    arguments: Any
    input: OnErrorOmit[str]
    command: OnErrorOmit[str]
    item: OnErrorOmit[dict[str, Any]]
    part: OnErrorOmit[dict[str, Any]]
    annotation: OnErrorOmit[dict[str, Any]]
    response: OnErrorOmit[dict[str, Any]]
    headers: OnErrorOmit[dict[str, Any]]
    metadata: OnErrorOmit[dict[str, Any]]
    safety_buffering: OnErrorOmit[dict[str, Any]]
    error: Any
    object: OnErrorOmit[str]
    code: Any
    message: OnErrorOmit[str]
    param: Any


_FRAME = TypeAdapter(_Frame)


class _Part:
    """A content part of a message or of raw reasoning, as streamed."""

    __slots__ = ("index", "kind", "text")

    def __init__(self, kind: str, index: int | None) -> None:
        self.kind = kind
        self.index = index
        self.text = Text()


class _Item:
    """An item that has begun, and what was streamed of it."""

    __slots__ = (
        "annotations",
        "base",
        "call_id",
        "closed",
        "done_text",
        "final",
        "fresh",
        "id",
        "implicit",
        "index",
        "key",
        "kind",
        "name",
        "parts",
        "said",
        "summaries",
        "told",
        "value",
    )

    def __init__(self, kind: str, item_id: str, index: int | None) -> None:
        self.kind = kind
        self.id = item_id
        """Of the events that are given out."""
        self.key = item_id
        """The first id that the server gave, perhaps after the item was announced."""
        self.index = index
        self.call_id = ""
        self.name = ""
        self.base: dict[str, Any] = {}
        self.implicit = True
        """Begun by a delta, not by ``output_item.added``."""
        self.parts: list[_Part] = []
        self.fresh = True
        """The next delta begins a new part."""
        self.annotations: list[dict[str, Any]] = []
        self.summaries: dict[int, Text] = {}
        self.told: set[int] = set()
        """Summary parts whose `ReasoningSummaryDone` was given."""
        self.value = Text()
        """A call's arguments or input."""
        self.done_text: str | None = None
        """The same from the call's ``.done`` event: the call is whole."""
        self.said: dict[str, Any] | None = None
        """The item as ``output_item.done`` had it."""
        self.closed = False
        self.final: ResponseItem | None = None

    def streamed(self, kind: str) -> str:
        return "".join(str(part.text) for part in self.parts if part.kind == kind)


class ResponsesDecoder:
    """Decoder of the Responses API."""

    def __init__(
        self, *, now: Callable[[], float] = time.time, faster_model: str | None = None
    ) -> None:
        self.done = False
        self.error: SidestreamError | None = None
        self.skipped = 0
        self.finished_items: list[ResponseItem] = []
        self._now = now
        self._faster_model = faster_model
        self._response_id = ""
        self._usage: TokenUsage | None = None
        self._end_turn: bool | None = None
        self._unread_output: Any = None
        self._created = False
        self._recognised = False
        self._completed = False
        self._server_model = ""
        self._safety: SafetyBuffering | None = None
        self._all: list[_Item] = []
        self._pending: list[_Item] = []
        self._by_id: dict[str, _Item] = {}
        self._by_index: dict[int, _Item] = {}
        self._current: _Item | None = None

    @property
    def complete(self) -> bool:
        """Whether ``response.completed`` (or an equal) has come."""
        return self.done and self.error is None

    @property
    def has_open(self) -> bool:
        """Whether an item has begun and is not finished."""
        return bool(self._pending)

    @property
    def foreign(self) -> bool:
        """Whether frames came, but none of the Responses API: asking again will not help."""
        return self.skipped > 0 and not self._recognised

    # --- the way in -----------------------------------------------------------------------------

    def feed(self, data: str) -> list[ResponseEvent]:
        """See `Decoder.feed`. Takes about 2 µs for a text delta on CPython."""
        events: list[ResponseEvent] = []
        if self.done:
            return events
        frame = read_frame(_FRAME, data, _HALVES)
        if frame is None:
            self._no_frame(data, events)
            return events
        if "response" in frame or "headers" in frame or "safety_buffering" in frame:
            self._said_beside(frame, events)
        kind = frame.get("type", "")
        handler = _HANDLERS.get(kind)
        if handler is not None:
            self._recognised = True
            handler(self, frame, events)
        elif kind in _IGNORED:
            self._recognised = True
        elif not self._tool_progress(kind, frame, events):
            self._untyped(kind, frame)
        return events

    def feed_body(self, body: bytes) -> list[ResponseEvent]:
        """See `Decoder.feed_body`: a response object, or one wrapped into its last event."""
        events: list[ResponseEvent] = []
        answer = read_frame(_BODY, body, frozenset())
        if answer is not None and str(answer.get("type", "")).startswith("response."):
            events = self.feed(body.decode("utf-8", "replace"))
        elif (
            answer is not None
            and isinstance(answer.get("output"), list)
            and answer.get("status") not in ("queued", "in_progress")
        ):
            self._said_beside({"response": answer}, events)
            self._accepted({"response": answer}, events)
            self._ended({"response": answer}, "completed", events)
        elif answer is not None and answer.get("error"):
            self._failed(answer["error"])
        if not self.done:
            self.done = True
            self.error = bad_response("The server's answer is JSON, but not a response.")
        return events

    def close(self) -> list[ResponseEvent]:
        """See `Decoder.close`."""
        events: list[ResponseEvent] = []
        if self._completed:
            return events
        told_end = self.done
        if not self.done:
            self.done = True
            self.error = (
                bad_response("The server's answer holds no events of the Responses API.")
                if self.foreign
                else stream_closed("stream closed before response.completed")
            )
        self._fill_in(self._unread_output, events, whole=False)
        for item in list(self._pending):
            if item.kind in ("message", "reasoning") or item.done_text is not None:
                if not item.closed:
                    self._finish(item, None, events)
            elif not item.closed:
                self._pending.remove(item)
        self._release(events)
        self._complete(self._response_id if told_end else "", events)
        return events

    # --- frames that are no events --------------------------------------------------------------

    def _no_frame(self, data: str, events: list[ResponseEvent]) -> None:
        text = data.strip()
        if text == "[DONE]":
            # Some proxies swallow response.completed and keep this sentinel of Chat Completions.
            # It is believed if nothing is half-said.
            if self.finished_items and all(item.kind == "reasoning" for item in self._pending):
                self._ended({}, "completed", events)
        elif text:
            self.skipped += 1

    def _untyped(self, kind: str, frame: _Frame) -> None:
        if not kind and (frame.get("error") or frame.get("object") == "error"):
            self._error_event(frame)
        else:
            self.skipped += 1

    def _said_beside(self, frame: _Frame, events: list[ResponseEvent]) -> None:
        """What any event may carry beside its own matter: the model's name, safety buffering."""
        for headers in (frame.get("response", {}).get("headers"), frame.get("headers")):
            model = _model_header(headers)
            if model:
                if model != self._server_model:
                    self._server_model = model
                    events.append(ServerModel(model=model))
                break
        safety = frame.get("safety_buffering")
        if safety is None:
            return
        use_cases, reasons = safety.get("use_cases"), safety.get("reasons")
        if not isinstance(use_cases, list) or not isinstance(reasons, list):
            return
        faster = safety.get("retry_model", self._faster_model)
        event = SafetyBuffering(
            use_cases=[case for case in use_cases if isinstance(case, str)],
            reasons=[reason for reason in reasons if isinstance(reason, str)],
            faster_model=faster if isinstance(faster, str) else None,
        )
        if event != self._safety:
            self._safety = event
            events.append(event)

    # --- finding items --------------------------------------------------------------------------

    def _find(self, kind: str | None, frame: _Frame, *, begins: bool) -> _Item | None:
        """The item that a frame speaks of. ``begins``: the frame may be the first of a new item.

        A closed item is found as well; its late events are to be ignored.
        """
        item_id, call_id = frame.get("item_id") or "", frame.get("call_id") or ""
        index = frame.get("output_index")
        known = self._by_id.get(item_id) or self._by_id.get(call_id)
        if known is not None and kind in (None, known.kind):
            return known
        new_id = known is None and bool(item_id or call_id)
        item = self._by_index.get(index) if index is not None else None
        if item is not None and kind in (None, item.kind):
            if item.closed and begins and new_id:
                return None  # indexes collide
            self._bind(item, item_id if new_id else "")
            return item
        if kind is None:
            return self._pending[-1] if self._pending and not new_id else None
        item = next((item for item in reversed(self._all) if item.kind == kind), None)
        if item is None:
            return None
        if new_id:
            if item.closed or item.key:
                return None
            self._bind(item, item_id)
            return item
        if index is not None and item.index not in (None, index):
            return None
        return None if item.closed and begins else item

    def _bind(self, item: _Item, item_id: str) -> None:
        """Note another id of an item: the one that it lacked, or one of many.

        The id in the events stays the one that it was announced with.
        """
        if item_id:
            self._by_id[item_id] = item
            item.key = item.key or item_id

    def _open(
        self, kind: str, frame: _Frame, events: list[ResponseEvent], *, begins: bool = True
    ) -> _Item | None:
        """The open item that a frame speaks of, begun now if need be; ``None`` for a late frame."""
        item = self._find(kind, frame, begins=begins)
        if item is None:
            item = self._begin(kind, frame.get("item_id") or "", frame.get("output_index"))
            item.call_id = frame.get("call_id") or ""
            item.name = frame.get("name") or ""
            if item.call_id:
                self._by_id.setdefault(item.call_id, item)
            self._announce(item, events)
        return None if item.closed else item

    def _begin(self, kind: str, item_id: str, index: int | None) -> _Item:
        item = _Item(kind, item_id, index)
        self._all.append(item)
        self._pending.append(item)
        if item_id:
            self._by_id[item_id] = item
        if index is not None:
            self._by_index[index] = item
        return item

    def _announce(self, item: _Item, events: list[ResponseEvent]) -> None:
        raw = {**item.base, "type": item.kind, "id": item.id or None}
        if item.kind == "message":
            raw = {"role": "assistant", **raw, "content": []}
        elif item.kind == "reasoning":
            raw |= {"summary": [], "content": None}
        elif item.kind in _CALLS:
            raw |= {"call_id": item.call_id, "name": item.name, "arguments": "", "input": ""}
        if item.kind == "web_search_call":
            events.append(WebSearchCallBegin(call_id=item.id))
        events.append(OutputItemAdded(item=item_from(raw)))

    # --- events: the response and its items -----------------------------------------------------

    def _accepted(self, frame: _Frame, events: list[ResponseEvent]) -> None:
        response_id = frame.get("response", {}).get("id")
        if isinstance(response_id, str):
            self._response_id = response_id
        if not self._created:
            self._created = True
            events.append(Created(response_id=self._response_id or None))

    def _item_added(self, frame: _Frame, events: list[ResponseEvent]) -> None:
        raw = frame.get("item", {})
        kind, item_id, index = _identity(raw, frame)
        if not kind:
            self.skipped += 1
            return
        item = self._by_id.get(item_id) or next(
            (
                item
                for item in self._pending
                if item.implicit
                and item.kind == kind
                and not item.key
                and item.index in (None, index)
            ),
            None,
        )
        if item is not None and item.kind == kind and not item.closed:
            # Its deltas were first, or it is announced twice.
            item.base = raw
            item.implicit = False
            self._bind(item, item_id)
            _take_call(item, raw)
            return
        item = self._begin(kind, item_id, index)
        item.base = raw
        item.implicit = False
        _take_call(item, raw)
        if item.call_id:
            self._by_id.setdefault(item.call_id, item)
        self._announce(item, events)

    def _item_done(self, frame: _Frame, events: list[ResponseEvent]) -> None:
        raw = frame.get("item", {})
        kind, item_id, index = _identity(raw, frame)
        if not kind:
            self.skipped += 1
            return
        where: _Frame = {"item_id": item_id}
        if index is not None:
            where["output_index"] = index
        if isinstance(raw.get("call_id"), str):
            where["call_id"] = raw["call_id"]
        item = self._find(kind, where, begins=True)
        if item is None or item.closed:
            anonymous = not item_id and "call_id" not in where
            twice = any(item.said == raw and item.index == index for item in self._all)
            if twice if anonymous else item is not None:
                return
            item = None
        self._finish(item or self._begin_from(raw, kind, item_id, index, events), raw, events)

    def _begin_from(
        self,
        raw: dict[str, Any],
        kind: str,
        item_id: str,
        index: int | None,
        events: list[ResponseEvent],
    ) -> _Item:
        """Begin an item of which nothing was heard before it was finished."""
        item = self._begin(kind, item_id, index)
        item.base = raw
        _take_call(item, raw)
        self._announce(item, events)
        return item

    # --- events: text ---------------------------------------------------------------------------

    def _delta(self, frame: _Frame) -> str:
        delta = frame.get("delta")
        if isinstance(delta, dict):
            delta = delta.get("text")
        if isinstance(delta, str):
            return delta
        self.skipped += 1
        return ""

    def _text_delta(self, frame: _Frame, events: list[ResponseEvent]) -> None:
        delta = frame.get("delta")
        if not isinstance(delta, str):
            delta = self._delta(frame)
        if not delta:
            return
        item = self._current
        if item is None or item.closed or not item.id or frame.get("item_id") != item.id:
            item = self._open("message", frame, events)
            if item is None:
                return
            self._current = item
        if item.fresh or item.parts[-1].kind != "output_text":
            self._new_part(item, "output_text", frame, events)
        shown = item.parts[-1].text.add(delta)
        if shown:
            events.append(OutputTextDelta(delta=shown, item_id=item.id or None))

    def _new_part(self, item: _Item, kind: str, frame: _Frame, events: list[ResponseEvent]) -> None:
        for part in item.parts[-1:]:
            self._show(item, part.kind, part.text.end(""), events)
        item.parts.append(_Part(kind, frame.get("content_index")))
        item.fresh = False

    def _part_delta(
        self, item: _Item, kind: str, delta: str, frame: _Frame, events: list[ResponseEvent]
    ) -> None:
        if item.fresh or item.parts[-1].kind != kind:
            self._new_part(item, kind, frame, events)
        self._show(item, kind, item.parts[-1].text.add(delta), events)

    def _show(self, item: _Item, kind: str, text: str, events: list[ResponseEvent]) -> None:
        if not text:
            return
        if kind == "reasoning_text":
            index = sum(part.kind == kind for part in item.parts) - 1
            events.append(ReasoningContentDelta(delta=text, content_index=max(index, 0)))
        elif kind == "refusal":
            events.append(RefusalDelta(delta=text, item_id=item.id or None))
        else:
            events.append(OutputTextDelta(delta=text, item_id=item.id or None))

    def _part_done(
        self, item: _Item, kind: str, text: str, frame: _Frame, events: list[ResponseEvent]
    ) -> None:
        """Give what did not stream of a part; a text that contradicts the deltas is ignored."""
        index = frame.get("content_index")
        part = item.parts[-1] if item.parts and not item.fresh else None
        if part is None or part.kind != kind:
            told = any(str(p.text) == text for p in item.parts if p.kind == kind)
            if text and not told and text != item.streamed(kind):
                self._part_delta(item, kind, text, frame, events)
                item.fresh = True
        elif text.startswith(str(part.text)) and (
            None in (part.index, index) or part.index == index
        ):
            self._show(item, kind, part.text.end(text), events)
            item.fresh = True

    def _refusal_delta(self, frame: _Frame, events: list[ResponseEvent]) -> None:
        delta = self._delta(frame)
        item = self._open("message", frame, events) if delta else None
        if item is not None:
            self._part_delta(item, "refusal", delta, frame, events)

    def _reasoning_delta(self, frame: _Frame, events: list[ResponseEvent]) -> None:
        delta = self._delta(frame)
        item = self._open("reasoning", frame, events) if delta else None
        if item is not None:
            self._part_delta(item, "reasoning_text", delta, frame, events)

    def _text_done(self, frame: _Frame, events: list[ResponseEvent]) -> None:
        self._whole_part("message", "output_text", frame.get("text", ""), frame, events)

    def _refusal_done(self, frame: _Frame, events: list[ResponseEvent]) -> None:
        self._whole_part("message", "refusal", frame.get("refusal", ""), frame, events)

    def _reasoning_done(self, frame: _Frame, events: list[ResponseEvent]) -> None:
        self._whole_part("reasoning", "reasoning_text", frame.get("text", ""), frame, events)

    def _whole_part(
        self,
        item_kind: str,
        part_kind: str,
        text: str,
        frame: _Frame,
        events: list[ResponseEvent],
    ) -> None:
        item = self._open(item_kind, frame, events, begins=False) if text else None
        if item is not None:
            self._part_done(item, part_kind, text, frame, events)

    def _part_added(self, frame: _Frame, events: list[ResponseEvent]) -> None:
        item = self._find(None, frame, begins=False)
        if item is not None:
            item.fresh = True

    def _content_part_done(self, frame: _Frame, events: list[ResponseEvent]) -> None:
        part = frame.get("part", {})
        item = self._find(None, frame, begins=False)
        kind = "reasoning" if part.get("type") == "reasoning_text" else "message"
        if item is not None and item.kind in ("message", "reasoning"):
            kind = item.kind  # vLLM calls the parts of its reasoning items output_text
        for part_kind, text in _texts([part], reasoning=kind == "reasoning"):
            self._whole_part(kind, part_kind, text, frame, events)

    def _annotation_added(self, frame: _Frame, events: list[ResponseEvent]) -> None:
        annotation = frame.get("annotation")
        item = self._open("message", frame, events) if annotation else None
        if item is not None and annotation is not None:
            item.annotations.append(annotation)
            events.append(OutputTextAnnotationAdded(annotation=annotation, item_id=item.id or None))

    # --- events: reasoning summaries ------------------------------------------------------------

    def _summary_index(self, item: _Item, frame: _Frame) -> int:
        return frame.get("summary_index", max(item.summaries, default=0))

    def _summary(self, item: _Item, index: int, events: list[ResponseEvent]) -> Text:
        if index not in item.summaries:
            item.summaries[index] = Text()
            events.append(ReasoningSummaryPartAdded(summary_index=index))
        return item.summaries[index]

    def _summary_part_added(self, frame: _Frame, events: list[ResponseEvent]) -> None:
        item = self._open("reasoning", frame, events)
        if item is not None:
            self._summary(item, frame.get("summary_index", len(item.summaries)), events)

    def _summary_delta(self, frame: _Frame, events: list[ResponseEvent]) -> None:
        delta = self._delta(frame)
        item = self._open("reasoning", frame, events) if delta else None
        if item is None:
            return
        index = self._summary_index(item, frame)
        shown = self._summary(item, index, events).add(delta)
        if shown:
            events.append(ReasoningSummaryDelta(delta=shown, summary_index=index))

    def _summary_done(self, frame: _Frame, events: list[ResponseEvent]) -> None:
        self._whole_summary(frame, frame.get("text", ""), events)

    def _summary_part_done(self, frame: _Frame, events: list[ResponseEvent]) -> None:
        for _, text in _texts([frame.get("part", {})], reasoning=True):
            self._whole_summary(frame, text, events)

    def _whole_summary(self, frame: _Frame, text: str, events: list[ResponseEvent]) -> None:
        item = self._open("reasoning", frame, events, begins=False) if text else None
        if item is not None:
            self._end_summary(item, self._summary_index(item, frame), text, events)

    def _end_summary(self, item: _Item, index: int, text: str, events: list[ResponseEvent]) -> None:
        if index in item.told:
            return
        summary = self._summary(item, index, events)
        rest = summary.end(text)
        if rest:
            events.append(ReasoningSummaryDelta(delta=rest, summary_index=index))
        item.told.add(index)
        events.append(ReasoningSummaryDone(item_id=item.id, text=str(summary), summary_index=index))

    # --- events: calls --------------------------------------------------------------------------

    def _arguments_delta(self, frame: _Frame, events: list[ResponseEvent]) -> None:
        delta = as_json_text(frame.get("delta"))
        if delta is None:
            self.skipped += 1
        elif delta:
            item = self._open("function_call", frame, events)
            if item is not None:
                self._show_call(item, item.value.add(delta), events)

    def _input_delta(self, frame: _Frame, events: list[ResponseEvent]) -> None:
        delta = self._delta(frame)
        item = self._open("custom_tool_call", frame, events) if delta else None
        if item is not None:
            self._show_call(item, item.value.add(delta), events)

    def _show_call(self, item: _Item, delta: str, events: list[ResponseEvent]) -> None:
        if not delta:
            return
        item_id = item.id or item.call_id
        call_id = item.call_id or None
        if item.kind == "custom_tool_call":
            events.append(ToolCallInputDelta(delta=delta, item_id=item_id, call_id=call_id))
        else:
            events.append(
                FunctionCallArgumentsDelta(
                    delta=delta, item_id=item_id, call_id=call_id, name=item.name or None
                )
            )

    def _arguments_done(self, frame: _Frame, events: list[ResponseEvent]) -> None:
        self._whole_call("function_call", as_json_text(frame.get("arguments")), frame, events)

    def _input_done(self, frame: _Frame, events: list[ResponseEvent]) -> None:
        self._whole_call("custom_tool_call", frame.get("input"), frame, events)

    def _whole_call(
        self, kind: str, text: str | None, frame: _Frame, events: list[ResponseEvent]
    ) -> None:
        item = self._open(kind, frame, events, begins=False) if text is not None else None
        if item is None or text is None:
            return
        item.call_id = item.call_id or frame.get("call_id") or ""
        item.name = item.name or frame.get("name") or ""
        item.done_text = text
        if text.startswith(str(item.value)):
            self._show_call(item, item.value.end(text), events)

    # --- events: built-in tools ------------------------------------------------------------------

    def _tool_progress(self, kind: str, frame: _Frame, events: list[ResponseEvent]) -> bool:
        detail: str | None = None
        if kind in _TOOL_DETAILS:
            tool, status = _TOOL_DETAILS[kind]
            delta = frame.get("delta")
            if isinstance(delta, dict):
                delta = delta.get("stdout") or delta.get("stderr")
            detail = joined_surrogates(delta) if isinstance(delta, str) else frame.get("command")
        else:
            prefix, _, rest = kind.partition(".")
            tool, _, status = rest.partition(".")
            if prefix != "response" or not status:
                return False
            if not tool.endswith("_call") and tool != "mcp_list_tools":
                return False
        self._recognised = True
        item = self._find(tool, frame, begins=False)
        if item is None and tool == "web_search_call":
            item = self._open(tool, frame, events)
        item_id = frame.get("item_id") or (item.id if item is not None else "")
        events.append(ToolCallProgress(item_id=item_id, tool=tool, status=status, detail=detail))
        return True

    # --- events: the end ------------------------------------------------------------------------

    def _completed_event(self, frame: _Frame, events: list[ResponseEvent]) -> None:
        self._ended(frame, "completed", events)

    def _failed_event(self, frame: _Frame, events: list[ResponseEvent]) -> None:
        self._ended(frame, "failed", events)

    def _incomplete_event(self, frame: _Frame, events: list[ResponseEvent]) -> None:
        self._ended(frame, "incomplete", events)

    def _cancelled_event(self, frame: _Frame, events: list[ResponseEvent]) -> None:
        self._ended(frame, "cancelled", events)

    def _error(self, frame: _Frame, events: list[ResponseEvent]) -> None:
        self._error_event(frame)

    def _error_event(self, frame: _Frame) -> None:
        error = frame.get("error")
        if not error:
            error = {
                name: value
                for name, value in (
                    ("code", frame.get("code")),
                    ("message", frame.get("message")),
                    ("param", frame.get("param")),
                )
                if value is not None
            }
        self._failed(error)

    def _failed(self, error: Any) -> None:
        self.done = True
        self.error = error_from_server_error(
            error, fallback="The provider ended the answer with an error.", now=self._now()
        )

    def _ended(self, frame: _Frame, status: str, events: list[ResponseEvent]) -> None:
        response = frame.get("response", {})
        if isinstance(response.get("id"), str):
            self._response_id = response["id"]
        self._usage = token_usage(response.get("usage"))
        if isinstance(response.get("end_turn"), bool):
            self._end_turn = response["end_turn"]
        # Several servers end every answer with response.completed and tell the truth in `status`.
        told = response.get("status")
        if told in ("failed", "incomplete", "cancelled"):
            status = told
        output = response.get("output")
        if status == "completed":
            self._fill_in(output, events, whole=True)
            for item in list(self._pending):
                if not item.closed:
                    self._finish(item, None, events)
            self.done = True
            self._complete(self._response_id, events)
        elif status == "failed":
            self._unread_output = output
            self._failed(response.get("error"))
        else:
            self._unread_output = output
            details = response.get("incomplete_details")
            reason = details.get("reason") if isinstance(details, dict) else None
            if status == "cancelled" and not reason:
                reason = "cancelled"
            self.done = True
            self.error = incomplete(reason if isinstance(reason, str) else "")

    def _complete(self, response_id: str, events: list[ResponseEvent]) -> None:
        self._completed = True
        events.append(
            Completed(response_id=response_id, token_usage=self._usage, end_turn=self._end_turn)
        )

    def _metadata(self, frame: _Frame, events: list[ResponseEvent]) -> None:
        metadata = frame.get("metadata", {})
        advised = metadata.get("openai_verification_recommendation")
        if isinstance(advised, list):
            known = [name for name in advised if isinstance(name, str) and name in _VERIFICATIONS]
            if known:
                events.append(ModelVerifications(verifications=list(dict.fromkeys(known))))
        moderation = metadata.get("openai_chatgpt_moderation_metadata")
        if moderation is not None:
            events.append(TurnModerationMetadata(metadata=moderation))

    # --- finishing items ------------------------------------------------------------------------

    def _fill_in(self, output: Any, events: list[ResponseEvent], *, whole: bool) -> None:
        """Finish from the response's own list what no ``output_item.done`` finished.

        Items are the same if their ids are, or else their call ids, or else their rank among the
        items of their type. ``whole``: the response ended well, so everything in it is finished.
        """
        if not isinstance(output, list):
            return
        told = [
            raw
            for raw in output
            if isinstance(raw, dict) and _identity(raw, {})[0] and _says_something(raw)
        ]
        heard = list(self._all)
        matches: dict[int, _Item] = {}
        for by_rank in (False, True):
            for place, raw in enumerate(told):
                if place in matches:
                    continue
                named = {id(self._by_id.get(str(raw.get(key)))) for key in ("id", "call_id")}
                for item in heard:
                    if item.kind == raw["type"] and (by_rank or id(item) in named):
                        matches[place] = item
                        heard.remove(item)
                        break
        for place, raw in enumerate(told):
            kind, item_id, _ = _identity(raw, {})
            finished = whole or raw.get("status") == "completed"
            if not finished and kind not in ("message", "reasoning"):
                continue
            item = matches.get(place) or self._begin_from(raw, kind, item_id, None, events)
            if not item.closed:
                self._finish(item, raw, events)

    def _finish(self, item: _Item, raw: dict[str, Any] | None, events: list[ResponseEvent]) -> None:
        """Close an item. ``raw`` is what the server says it is, ``None`` if it never said."""
        item.closed = True
        item.said = raw
        base = {name: value for name, value in item.base.items() if name != "status"}
        said = {name: value for name, value in (raw or {}).items() if value is not None}
        fields = {**base, **said, "type": item.kind}
        # Encrypted reasoning is bound to the id it is finished with; the rest was streamed under
        # the id it began with.
        if item.kind != "reasoning" or not isinstance(fields.get("id"), str):
            fields["id"] = item.id or None
        if item.kind == "message":
            self._finish_message(item, fields, events)
        elif item.kind == "reasoning":
            self._finish_reasoning(item, fields, events)
        elif item.kind in _CALLS:
            self._finish_call(item, fields, events)
        if raw is None and not _says_something(fields):
            self._pending.remove(item)
            self._release(events)
            return
        item.final = item_from(fields)
        self._release(events)

    def _finish_message(
        self, item: _Item, fields: dict[str, Any], events: list[ResponseEvent]
    ) -> None:
        if not isinstance(fields.get("role"), str):
            fields["role"] = "assistant"
        final = _content(fields.get("content"))
        if fields["role"] == "assistant":
            whole = {
                kind: "".join(text for k, text in _texts(final) if k == kind)
                for kind in ("output_text", "refusal")
            }
            agrees = all(text.startswith(item.streamed(kind)) for kind, text in whole.items())
            if agrees and (any(whole.values()) or not item.parts):
                for kind, text in whole.items():
                    self._show(item, kind, text[len(item.streamed(kind)) :], events)
            else:
                for part in item.parts[-1:]:
                    self._show(item, part.kind, part.text.end(""), events)
                final = _streamed_content(item, final)
        cited = [note for part in final for note in part.get("annotations") or []]
        for note in cited[len(item.annotations) :]:
            events.append(OutputTextAnnotationAdded(annotation=note, item_id=item.id or None))
        texts = [part for part in final if part["type"] == "output_text"]
        if texts and not cited and item.annotations:
            texts[-1]["annotations"] = item.annotations
        fields["content"] = final

    def _finish_reasoning(
        self, item: _Item, fields: dict[str, Any], events: list[ResponseEvent]
    ) -> None:
        summary = [text for _, text in _texts(fields.get("summary"), reasoning=True)]
        for index in sorted({*range(len(summary)), *item.summaries}):
            text = summary[index] if 0 <= index < len(summary) else ""
            if text or index in item.summaries:
                self._end_summary(item, index, text, events)
        fields["summary"] = [
            {"type": "summary_text", "text": str(item.summaries[index])}
            for index in sorted(item.summaries)
            if item.summaries[index]
        ]
        content = [text for _, text in _texts(fields.get("content"), reasoning=True) if text]
        if content == [part["text"] for part in fields["summary"]] and not item.parts:
            content = []  # the summary under another name
        whole, sent = "".join(content), item.streamed("reasoning_text")
        if whole.startswith(sent):
            self._show(item, "reasoning_text", whole[len(sent) :], events)
        else:
            self._show(item, "reasoning_text", item.parts[-1].text.end(""), events)
            content = [str(part.text) for part in item.parts]
        fields["content"] = [{"type": "reasoning_text", "text": text} for text in content] or None
        fields["encrypted_content"] = fields.get("encrypted_content") or None

    def _finish_call(
        self, item: _Item, fields: dict[str, Any], events: list[ResponseEvent]
    ) -> None:
        field = "input" if item.kind == "custom_tool_call" else "arguments"
        text = as_json_text(fields.get(field)) or item.done_text or ""
        for name in ("call_id", "name"):
            if not isinstance(fields.get(name), str) or not fields[name]:
                fields[name] = getattr(item, name)
        item.call_id = fields["call_id"] = (
            fields["call_id"] or item.id or call_id_for(self._response_id, self._all.index(item))
        )
        item.name = fields["name"]
        self._show_call(item, item.value.end(text), events)
        fields[field] = str(item.value)
        # A call that cannot be run helps nobody: what was streamed stands unless it is no JSON and
        # the finished arguments are.
        if field == "arguments" and not is_json(fields[field]) and is_json(text):
            fields[field] = text

    def _release(self, events: list[ResponseEvent]) -> None:
        """Give out finished items in the order in which they began, as far as it matters.

        Reasoning must come before the call or message that it led to, or the next request with
        both is refused; some servers finish it after them.
        """
        left = []
        reasoning = False
        for item in self._pending:
            if item.final is not None and not reasoning:
                self.finished_items.append(item.final)
                events.append(OutputItemDone(item=item.final))
            else:
                reasoning = reasoning or item.kind == "reasoning"
                left.append(item)
        self._pending = left


# --- raw items ---------------------------------------------------------------------------------

_BODY: TypeAdapter[dict[str, Any]] = TypeAdapter(dict[str, Any])


def _identity(raw: dict[str, Any], frame: _Frame) -> tuple[str, str, int | None]:
    """Type, id (empty if there is none) and index of an item."""
    kind, item_id = raw.get("type"), raw.get("id") or frame.get("item_id")
    return (
        kind if isinstance(kind, str) else "",
        item_id if isinstance(item_id, str) else "",
        frame.get("output_index"),
    )


def _take_call(item: _Item, raw: dict[str, Any]) -> None:
    for name in ("call_id", "name"):
        if isinstance(raw.get(name), str) and raw[name]:
            setattr(item, name, raw[name])


def _model_header(headers: Any) -> str:
    if not isinstance(headers, dict):
        return ""
    for name, value in headers.items():
        if name.lower() in ("openai-model", "x-openai-model"):
            if isinstance(value, list):
                value = value[0] if value else None
            return value if isinstance(value, str) else ""
    return ""


def _content(content: Any) -> list[dict[str, Any]]:
    """Content parts with what they must have. Servers send a string, ``null``, or odd fields."""
    if isinstance(content, str):
        content = [{"type": "output_text", "text": content}]
    parts: list[dict[str, Any]] = []
    for part in content if isinstance(content, list) else ():
        if not isinstance(part, dict):
            continue
        kind = part.get("type")
        if kind in ("output_text", "text"):
            notes = part.get("annotations")
            notes = [note for note in notes if isinstance(note, dict)] if notes else []
            parts.append(
                {
                    "type": "output_text",
                    "text": _string(part.get("text")),
                    "annotations": notes or None,
                }
            )
        elif kind == "refusal":
            parts.append({"type": "refusal", "refusal": _string(part.get("refusal"))})
        elif content_part(part):
            parts.append(part)
    return parts


def _texts(parts: Any, *, reasoning: bool = False) -> list[tuple[str, str]]:
    """Kind and text of the parts that have text. ``reasoning``: all of them are reasoning."""
    if isinstance(parts, str):
        parts = [parts]
    texts = []
    for part in parts if isinstance(parts, list) else ():
        if isinstance(part, str):
            part = {"type": "output_text", "text": part}
        kind = part.get("type") if isinstance(part, dict) else None
        if reasoning and isinstance(part, dict):
            texts.append(("reasoning_text", _string(part.get("text"))))
        elif kind == "refusal":
            texts.append(("refusal", _string(part.get("refusal"))))
        elif kind in ("output_text", "input_text", "text"):
            texts.append(("output_text", _string(part.get("text"))))
    return texts


def _string(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _says_something(raw: dict[str, Any]) -> bool:
    """Whether an item is more than an empty message, empty reasoning or a call of nothing."""
    kind = raw["type"]
    if kind not in ("message", "reasoning", *_CALLS):
        return True
    return any(raw.get(name) for name in ("content", "summary", "encrypted_content", "name"))


def _streamed_content(item: _Item, final: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Content made of the deltas alone, with the citations that the server gave at the end."""
    content: list[dict[str, Any]] = []
    for part in item.parts:
        field = "refusal" if part.kind == "refusal" else "text"
        if content and content[-1]["type"] == part.kind:
            content[-1][field] += str(part.text)
        else:
            content.append({"type": part.kind, field: str(part.text)})
    notes = [note for part in final for note in part.get("annotations") or []]
    texts = [made for made in content if made["type"] == "output_text"]
    if texts and notes:
        texts[0]["annotations"] = notes
    return content


_HANDLERS: dict[str, Callable[[ResponsesDecoder, _Frame, list[ResponseEvent]], None]] = {
    "response.output_text.delta": ResponsesDecoder._text_delta,
    "response.output_text.done": ResponsesDecoder._text_done,
    "response.output_text.annotation.added": ResponsesDecoder._annotation_added,
    "response.refusal.delta": ResponsesDecoder._refusal_delta,
    "response.refusal.done": ResponsesDecoder._refusal_done,
    "response.content_part.added": ResponsesDecoder._part_added,
    "response.content_part.done": ResponsesDecoder._content_part_done,
    "response.reasoning_part.added": ResponsesDecoder._part_added,
    "response.reasoning_part.done": ResponsesDecoder._content_part_done,
    "response.reasoning_text.delta": ResponsesDecoder._reasoning_delta,
    "response.reasoning_text.done": ResponsesDecoder._reasoning_done,
    "response.reasoning.delta": ResponsesDecoder._reasoning_delta,
    "response.reasoning.done": ResponsesDecoder._reasoning_done,
    "response.reasoning_summary_part.added": ResponsesDecoder._summary_part_added,
    "response.reasoning_summary_part.done": ResponsesDecoder._summary_part_done,
    "response.reasoning_summary_text.delta": ResponsesDecoder._summary_delta,
    "response.reasoning_summary_text.done": ResponsesDecoder._summary_done,
    "response.reasoning_summary.delta": ResponsesDecoder._summary_delta,
    "response.reasoning_summary.done": ResponsesDecoder._summary_done,
    "response.function_call_arguments.delta": ResponsesDecoder._arguments_delta,
    "response.function_call_arguments.done": ResponsesDecoder._arguments_done,
    "response.custom_tool_call_input.delta": ResponsesDecoder._input_delta,
    "response.custom_tool_call_input.done": ResponsesDecoder._input_done,
    "response.output_item.added": ResponsesDecoder._item_added,
    "response.output_item.done": ResponsesDecoder._item_done,
    "response.created": ResponsesDecoder._accepted,
    "response.queued": ResponsesDecoder._accepted,
    "response.in_progress": ResponsesDecoder._accepted,
    "response.metadata": ResponsesDecoder._metadata,
    "response.completed": ResponsesDecoder._completed_event,
    "response.done": ResponsesDecoder._completed_event,
    "response.failed": ResponsesDecoder._failed_event,
    "response.incomplete": ResponsesDecoder._incomplete_event,
    "response.cancelled": ResponsesDecoder._cancelled_event,
    "error": ResponsesDecoder._error,
    "response.error": ResponsesDecoder._error,
}
