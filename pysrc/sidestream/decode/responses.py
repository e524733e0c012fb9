"""The Responses API's stream (``docs/events.md`` says what becomes of every event type).

Only the JSON ``type`` counts, never the SSE event name. Events find their item by ``item_id``, then
by ``output_index``, then by being of the kind that is open: servers in use leave out any of them,
let indexes collide, or give every event of an item another id.
"""

from __future__ import annotations

import json
import time
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator
from typing import Annotated, Any, Literal, NotRequired

from pydantic import Field, OnErrorOmit, TypeAdapter, ValidationError
from typing_extensions import TypedDict

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
from sidestream.decode._failures import ended_badly, error_in, told_error
from sidestream.decode._frames import frame_text, mended, read_frame, sequence_number_of
from sidestream.decode._items import (
    CALLS,
    Item,
    extra_of,
    says_something,
    string,
    texts,
    without_ours,
)
from sidestream.decode._text import joined_surrogates
from sidestream.decode._tool_calls import as_json_text, call_id_for
from sidestream.decode._usage import token_usage
from sidestream.errors import SidestreamError
from sidestream.server_errors import error_from_server_error
from sidestream.sse import ErrorData
from sidestream.types.events import (
    Completed,
    Created,
    ModelVerifications,
    OutputItemAdded,
    OutputItemDone,
    OutputTextDelta,
    SafetyBuffering,
    ServerModel,
    ToolCallProgress,
    TurnModerationMetadata,
    WebSearchCallBegin,
)
from sidestream.types.items import ReasoningItem, ResponseItem
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

# Content parts whose names differ only in the item and the field: item type, part type, field.
_PARTS = {
    "response.output_text": ("message", "output_text", "text"),
    "response.refusal": ("message", "refusal", "refusal"),
    "response.reasoning_text": ("reasoning", "reasoning_text", "text"),
    "response.reasoning": ("reasoning", "reasoning_text", "text"),
}

_CALL_FIELDS = {
    "response.function_call_arguments": ("function_call", "arguments"),
    "response.custom_tool_call_input": ("custom_tool_call", "input"),
}

# What the type of the last event says of the response.
_ENDS = {
    "response.completed": "completed",
    "response.done": "completed",
    "response.failed": "failed",
    "response.incomplete": "incomplete",
    "response.cancelled": "cancelled",
}
# What a response's status may be at the end of an answer that says nothing.
_WITHOUT_SAYING = ("completed", "in_progress", "queued", "")
_MAX_STATUS = 200

_TEXT_DELTA = "response.output_text.delta"

_HALVES = frozenset({"delta"})


# Numbers of thousands of digits are none that anybody could count with.
_Index = Annotated[int, Field(ge=-(2**31), lt=2**31)]
_Number = Annotated[int, Field(ge=-(2**53), lt=2**53)]


class _Frame(TypedDict, total=False):
    """The fields that are read, each left out if it is not of its type."""

    type: OnErrorOmit[str]
    delta: Any
    item_id: OnErrorOmit[str]
    call_id: OnErrorOmit[str]
    name: OnErrorOmit[str]
    output_index: OnErrorOmit[_Index]
    content_index: OnErrorOmit[_Index]
    summary_index: OnErrorOmit[_Index]
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
    sequence_number: OnErrorOmit[_Number]


class _MoreText(TypedDict):
    """A text delta with nothing beside it: the last three, where they say more, are objects."""

    type: Literal["response.output_text.delta"]
    delta: str
    item_id: str
    response: NotRequired[None]
    headers: NotRequired[None]
    safety_buffering: NotRequired[None]


_FRAME = TypeAdapter(_Frame)
_MORE_TEXT = TypeAdapter(_MoreText)


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
        self.response_id = ""
        self._usage: TokenUsage | None = None
        self._end_turn: bool | None = None
        self._unread_output: Any = None
        self._created = False
        self._recognised = False
        self._completed = False
        self._server_model = ""
        self._safety: SafetyBuffering | None = None
        self._all: list[Item] = []
        self._pending: OrderedDict[Item, None] = OrderedDict()
        """What is not given out yet, in order."""
        self._last_of: dict[str, Item] = {}
        """The last item of each type."""
        self._open_items: list[Item] = []
        """With those that were closed meanwhile, as long as others follow them."""
        self._nameless: dict[tuple[str, int | None], list[Item]] = defaultdict(list)
        """Items that deltas without an id have begun, by type and index."""
        self._said_nameless: set[tuple[int | None, str]] = set()
        """Finished items without any id, to know them when they are told twice."""
        self._places: dict[int, int] = {}
        """Where among `finished_items` an item is, by its identity."""
        self._by_id: dict[str, Item] = {}
        self._by_index: dict[int, Item] = {}
        self._current: Item | None = None
        self._joined_late = False
        self._next_index = 0
        """Of the item that comes next, for a decoder that has not seen them begin."""
        self._sequence_number: int | None = None
        self._last_text: str | bytes = b""
        self._data: str | bytes = b""
        self._finish_reason: str | None = None

    @classmethod
    def from_the_middle(
        cls,
        response_id: str,
        finished_items: Iterable[ResponseItem] = (),
        *,
        now: Callable[[], float] = time.time,
    ) -> ResponsesDecoder:
        """See `decoder_for_the_rest`."""
        decoder = cls(now=now)
        decoder.response_id = response_id
        decoder._created = decoder._joined_late = True
        for final in finished_items:
            item = decoder._begin(final.type, getattr(final, "id", None) or "", None)
            item.call_id = getattr(final, "call_id", None) or ""
            if item.call_id:
                decoder._by_id.setdefault(item.call_id, item)
            item.closed, item.final = True, final
            decoder._places[id(final)] = len(decoder.finished_items)
            decoder.finished_items.append(final)
        decoder._next_index = len(decoder.finished_items)
        decoder._pending.clear()
        return decoder

    @property
    def sequence_number(self) -> int | None:
        """See `Decoder.sequence_number`."""
        if self._last_text:
            # Only the last one of many is looked into, and only when somebody asks.
            number = sequence_number_of(self._last_text)
            self._sequence_number = self._sequence_number if number is None else number
            self._last_text = b""
        return self._sequence_number

    @property
    def complete(self) -> bool:
        """Whether ``response.completed`` (or an equal) has come."""
        return self.done and self.error is None

    @property
    def _says_anything(self) -> bool:
        """Whether there is any item but reasoning."""
        kinds = [item.kind for item in self._pending]
        return any(kind != "reasoning" for kind in kinds + [i.type for i in self.finished_items])

    @property
    def has_open(self) -> bool:
        """Whether an item has begun and is not finished."""
        return any(not item.closed for item in self._pending)

    @property
    def holds_call(self) -> bool:
        """Whether a whole call waits for what began before it."""
        return any(item.final is not None and item.kind in CALLS for item in self._pending)

    @property
    def foreign(self) -> bool:
        """Whether frames came, but none of the Responses API: asking again will not help."""
        return self.skipped > 0 and not self._recognised

    # --- the way in -----------------------------------------------------------------------------

    def feed(self, data: str | bytes) -> Events:
        """See `Decoder.feed`."""
        events = Events()
        self.feed_all([data], events)
        return events

    def feed_all(self, frames: Iterable[str | bytes], events: Events) -> None:
        """See `Decoder.feed_all`."""
        rest = iter(frames)
        while not self.done:
            data = self._go_on(rest, events)
            if data is None:
                return
            self._data = data
            frame = read_frame(_FRAME, data, _HALVES)
            if frame is None and len(data) > MAX_TEXT_BYTES:
                self.skipped += 1
            elif frame is None:
                self._no_frame(frame_text(data), events)
            elif len(data) > MAX_TEXT_BYTES and not _may_hold_images(frame):
                self.done, self.error = True, too_much_text()
            else:
                self._take(frame, events)
            self._end_if_crowded()

    def _end_if_crowded(self) -> None:
        """End an answer of more parts than an answer may have; `close` gives what is left."""
        count = max(len(self._all), len(self.finished_items))
        crowded = any(item.crowded for item in self._all[-1:])
        if self.done or not (count > MAX_ITEMS or crowded):
            return
        self.done = True
        self._finish_reason = TOO_MANY
        self.error = incomplete(TOO_MANY)

    def _go_on(self, frames: Iterator[str | bytes], events: Events) -> str | bytes | None:
        """Take frames while they are nothing but more of the text that grew last.

        Nearly all frames are, and knowing what to look for halves what they cost. Gives the first
        frame that is something else, ``None`` if there is none.
        """
        item = self._current
        if item is None or item.closed or not item.id or not item.flows:
            return next(frames, None)
        item_id = item.id
        validate = _MORE_TEXT.validator.validate_json
        deltas: list[str] = []
        other = None
        last = self._last_text
        for data in frames:
            try:
                more = validate(data)
            except ValidationError:
                other = data
                break
            if more["item_id"] != item_id:
                other = data
                break
            deltas.append(more["delta"])
            last = data
        self._last_text = last
        whole = "".join(deltas)
        if events.joined:
            deltas = [whole]
        if item.in_band.plain(whole):
            text = item.parts[-1].text
            for delta in deltas:
                if shown := text.add(delta):
                    events.add_text(OutputTextDelta, shown, item.id)
        else:
            for delta in deltas:
                item.part_delta("output_text", delta, None, events)
        if item.thoughts:
            self._release(events)
        return other

    def _take(self, frame: _Frame, events: Events) -> None:
        if "response" in frame or "headers" in frame or "safety_buffering" in frame:
            self._said_beside(frame, events)
        if "sequence_number" in frame:
            self._sequence_number = frame["sequence_number"]
            self._last_text = b""
        kind = frame.get("type", "")
        handler = _HANDLERS.get(kind)
        if handler is not None:
            self._recognised = True
            handler(self, frame, events)
        elif kind in _IGNORED:
            self._recognised = True
        elif not self._tool_progress(kind, frame, events):
            self._untyped(kind, frame, events)

    def feed_body(self, body: bytes) -> Events:
        """See `Decoder.feed_body`: a response object, or one wrapped into its last event."""
        events = Events()
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
            self._end(answer, "completed", events)
        elif answer is not None and (error := told_error(answer)):
            self._failed(error)
        if not self.done:
            self.done = True
            self.error = bad_response("The server's answer is JSON, but not a response.")
        return events

    def close(self) -> Events:
        """See `Decoder.close`."""
        events = Events()
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
                del self._pending[item]
        self._release(events)
        self._complete(self.response_id if told_end else "", events)
        return events

    # --- frames that are no events --------------------------------------------------------------

    def _no_frame(self, data: str, events: Events) -> None:
        text = data.strip()
        if text == "[DONE]":
            # Some proxies swallow response.completed and keep this sentinel of Chat Completions.
            # It is believed if nothing is half-said.
            half = [item for item in self._pending if not item.closed and item.kind != "reasoning"]
            if not half and (self.finished_items or any(item.final for item in self._pending)):
                self._end({}, "completed", events)
        elif text and not self._tells_error():
            self.skipped += 1

    def _tells_error(self) -> bool:
        """Whether the frame, which is no event that we know, tells an error."""
        error = error_in(self._data, certain=isinstance(self._data, ErrorData))
        if error is not None:
            self._recognised = True
            self._failed(error)
        return error is not None

    def _untyped(self, kind: str, frame: _Frame, events: Events) -> None:
        known = kind.startswith("response.") and not isinstance(self._data, ErrorData)
        if known or not self._tells_error():
            self.skipped += 1

    def _said_beside(self, frame: _Frame, events: Events) -> None:
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

    def _find(self, kind: str | None, frame: _Frame, *, begins: bool) -> Item | None:
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
            if new_id or index is not None:
                return None
            while self._open_items and self._open_items[-1].closed:
                self._open_items.pop()
            return self._open_items[-1] if self._open_items else None
        item = self._last_of.get(kind)
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

    def _bind(self, item: Item, item_id: str) -> None:
        """Note another id of an item: the one that it lacked, or one of many.

        The id in the events stays the one that it was announced with.
        """
        if item_id:
            self._by_id[item_id] = item
            item.key = item.key or item_id

    def _open(
        self, kind: str, frame: _Frame, events: Events, *, begins: bool = True
    ) -> Item | None:
        """The open item that a frame speaks of, begun now if need be; ``None`` for a late frame."""
        item = self._find(kind, frame, begins=begins)
        if item is None:
            item = self._begin(kind, frame.get("item_id") or "", frame.get("output_index"))
            if not item.key:
                self._nameless[kind, item.index].append(item)
            item.call_id = frame.get("call_id") or ""
            item.name = frame.get("name") or ""
            if item.call_id:
                self._by_id.setdefault(item.call_id, item)
            self._announce_implicit(item, events)
        elif item.again is not None:
            if not begins:
                return None
            self._revive(item, events)
        return None if item.closed else item

    def _revive(self, item: Item, events: Events) -> None:
        """What seemed to be announced again is another item."""
        item.again = None
        self._add(item)
        self._announce(item, events)

    def _add(self, item: Item) -> None:
        self._all.append(item)
        self._pending[item] = None
        self._last_of[item.kind] = item
        self._open_items.append(item)

    def _begin(self, kind: str, item_id: str, index: int | None) -> Item:
        item = Item(kind, item_id, index)
        self._add(item)
        if item_id:
            self._by_id[item_id] = item
        if index is not None:
            self._by_index[index] = item
        return item

    def _announce_implicit(self, item: Item, events: Events) -> None:
        """Announce an item that the server has not announced, or not to this decoder."""
        if self._joined_late:
            item.partial = True
        else:
            self._announce(item, events)

    def _announce(self, item: Item, events: Events) -> None:
        if item.kind in CALLS and not (item.id or item.call_id):
            # The deltas of parallel calls are told apart by it.
            item.id = call_id_for(self.response_id, len(self._all))
        if item.kind == "web_search_call":
            events.append(WebSearchCallBegin(call_id=item.id))
        events.append(OutputItemAdded(item=item.announced()))

    # --- events: the response and its items -----------------------------------------------------

    def _accepted(self, frame: _Frame, events: Events) -> None:
        response_id = frame.get("response", {}).get("id")
        if isinstance(response_id, str):
            self.response_id = response_id
        if not self._created:
            self._created = True
            events.append(Created(response_id=self.response_id or None))

    def _item_added(self, frame: _Frame, events: Events) -> None:
        raw = mended(frame.get("item", {}))
        kind, item_id, index = _identity(raw, frame)
        if not kind:
            self.skipped += 1
            return
        item = self._by_id.get(item_id) or self._begun_nameless(kind, index)
        if item is not None and item.kind == kind and not item.closed:
            # Its deltas were first, or it is announced twice.
            item.take(raw)
            item.implicit = False
            self._bind(item, item_id)
            return
        if item is not None and item.kind == kind and item.final is not None:
            # Perhaps the same once more (transformers serve), perhaps ids that are used again.
            again = Item(kind, item_id, index)
            again.again = item
            again.take(raw)
            again.implicit = False
            self._by_id[item_id] = again
            if index is not None:
                self._by_index[index] = again
            return
        item = self._begin(kind, item_id, index)
        item.take(raw)
        item.implicit = False
        if item.call_id:
            self._by_id.setdefault(item.call_id, item)
        self._announce(item, events)

    def _begun_nameless(self, kind: str, index: int | None) -> Item | None:
        """The item that deltas have begun before it was announced, and that has no id yet."""
        for place in dict.fromkeys((index, None)):
            items = self._nameless.get((kind, place), [])
            while items:
                if items[0].implicit and not items[0].key and items[0] in self._pending:
                    return items[0]
                del items[0]
        return None

    def _item_done(self, frame: _Frame, events: Events) -> None:
        raw = mended(frame.get("item", {}))
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
        if item is not None and item.again is not None:
            if _says_the_same(raw, item.again):
                self._by_id[item_id] = item.again
                return
            self._revive(item, events)
        if item is None or item.closed:
            anonymous = not item_id and "call_id" not in where
            known = (index, _written(raw)) in self._said_nameless if anonymous else item is not None
            if known:
                return
            item = None
        self._finish(item or self._begin_from(raw, kind, item_id, index, events), raw, events)

    def _begin_from(
        self,
        raw: dict[str, Any],
        kind: str,
        item_id: str,
        index: int | None,
        events: Events,
    ) -> Item:
        """Begin an item of which nothing was heard before it was finished."""
        item = self._begin(kind, item_id, index)
        item.take(raw)
        self._announce_implicit(item, events)
        return item

    # --- events: content -----------------------------------------------------------------------

    def _delta(self, frame: _Frame) -> str:
        delta = frame.get("delta")
        if isinstance(delta, dict):
            delta = delta.get("text")
        if isinstance(delta, str):
            return delta
        self.skipped += 1
        return ""

    def _text_delta(self, frame: _Frame, events: Events) -> None:
        delta = self._delta(frame)
        if not delta:
            return
        item = self._current
        if item is None or item.closed or not item.id or frame.get("item_id") != item.id:
            item = self._open("message", frame, events)
            if item is None:
                return
            self._current = item
        item.part_delta("output_text", delta, frame.get("content_index"), events)
        if item.thoughts:
            self._release(events)

    def _part_delta(self, frame: _Frame, events: Events) -> None:
        kind, part_kind, _ = _PARTS[frame["type"].rpartition(".")[0]]
        delta = self._delta(frame)
        item = self._open(kind, frame, events) if delta else None
        if item is not None:
            item.part_delta(part_kind, delta, frame.get("content_index"), events)

    def _part_done(self, frame: _Frame, events: Events) -> None:
        kind, part_kind, field = _PARTS[frame["type"].rpartition(".")[0]]
        self._whole_part(kind, part_kind, string(frame.get(field)), frame, events)

    def _content_part_added(self, frame: _Frame, events: Events) -> None:
        item = self._find(None, frame, begins=False)
        if item is not None:
            item.fresh = True

    def _content_part_done(self, frame: _Frame, events: Events) -> None:
        part = frame.get("part", {})
        item = self._find(None, frame, begins=False)
        kind = "reasoning" if part.get("type") == "reasoning_text" else "message"
        if item is not None and item.kind in ("message", "reasoning"):
            kind = item.kind  # vLLM calls the parts of its reasoning items output_text
        for part_kind, text in texts([part], reasoning=kind == "reasoning"):
            self._whole_part(kind, part_kind, text, frame, events)

    def _whole_part(
        self, kind: str, part_kind: str, text: str, frame: _Frame, events: Events
    ) -> None:
        item = self._open(kind, frame, events, begins=False) if text else None
        if item is not None:
            item.part_done(part_kind, text, frame.get("content_index"), events)
            if item.thoughts:
                self._release(events)

    def _annotation_added(self, frame: _Frame, events: Events) -> None:
        annotation = mended(frame.get("annotation"))
        item = self._open("message", frame, events) if annotation else None
        if item is not None and annotation:
            item.cite(annotation, events)

    # --- events: reasoning summaries ------------------------------------------------------------

    def _summary_part_added(self, frame: _Frame, events: Events) -> None:
        item = self._open("reasoning", frame, events)
        if item is not None:
            item.summary_part(frame.get("summary_index"), events)

    def _summary_delta(self, frame: _Frame, events: Events) -> None:
        delta = self._delta(frame)
        item = self._open("reasoning", frame, events) if delta else None
        if item is not None:
            item.summary_delta(delta, frame.get("summary_index"), events)

    def _summary_done(self, frame: _Frame, events: Events) -> None:
        text = frame.get("text") or string(frame.get("part", {}).get("text"))
        item = self._open("reasoning", frame, events, begins=False) if text else None
        if item is not None:
            item.summary_done(text, frame.get("summary_index"), events)

    # --- events: calls --------------------------------------------------------------------------

    def _call_delta(self, frame: _Frame, events: Events) -> None:
        delta = as_json_text(frame.get("delta"))
        if delta is None:
            self.skipped += 1
        elif delta:
            kind, _ = _CALL_FIELDS[frame["type"].rpartition(".")[0]]
            item = self._open(kind, frame, events)
            if item is not None:
                item.call_delta(delta, events)

    def _call_done(self, frame: _Frame, events: Events) -> None:
        kind, field = _CALL_FIELDS[frame["type"].rpartition(".")[0]]
        text = as_json_text(frame.get(field))
        item = self._open(kind, frame, events, begins=False) if text is not None else None
        if item is not None and text is not None:
            item.call_id = item.call_id or frame.get("call_id", "")
            item.name = item.name or frame.get("name", "")
            item.call_done(text, events)

    # --- events: built-in tools -----------------------------------------------------------------

    def _tool_progress(self, kind: str, frame: _Frame, events: Events) -> bool:
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

    def _error_event(self, frame: _Frame, events: Events) -> None:
        if not self._tells_error():
            self._failed({"code": frame.get("code"), "message": frame.get("message")})

    def _failed(self, error: Any) -> None:
        self.done = True
        self.error = error_from_server_error(
            error, fallback="The provider ended the answer with an error.", now=self._now()
        )

    def _end_event(self, frame: _Frame, events: Events) -> None:
        self._end(frame.get("response", {}), _ENDS[frame["type"]], events)

    def _end(self, response: dict[str, Any], status: str, events: Events) -> None:
        if isinstance(response.get("id"), str):
            self.response_id = response["id"]
        self._usage = token_usage(response.get("usage"))
        if isinstance(response.get("end_turn"), bool):
            self._end_turn = response["end_turn"]
        # Several servers end every answer with response.completed and tell the truth in `status`.
        told = response.get("status")
        if told in ("failed", "incomplete", "cancelled", "expired"):
            status = told
        output = response.get("output")
        self._finish_reason = status
        if status == "completed":
            said = response.get("output_text")
            if said and isinstance(said, str) and not (output or self._says_anything):
                # The ChatGPT backend may say it here alone.
                output = [{"type": "message", "role": "assistant", "content": said}]
            self._fill_in(output, events, whole=True)
            for item in list(self._pending):
                if not item.closed:
                    self._finish(item, None, events)
            self.done = True
            self._release(events)
            if not self.finished_items and not self._joined_late:
                if isinstance(told, str) and told not in _WITHOUT_SAYING:
                    self._finish_reason = told[:_MAX_STATUS]
                    self.error = incomplete(self._finish_reason)
                else:
                    self.error = empty_answer()
            self._complete(self.response_id, events)
        elif status == "failed":
            self._unread_output = output
            self._failed(response.get("error"))
        else:
            self._unread_output = output
            details = response.get("incomplete_details")
            reason = details.get("reason") if isinstance(details, dict) else None
            if status in ("cancelled", "expired") and not reason:
                reason = status
            self.done = True
            reason = reason if isinstance(reason, str) else ""
            self._finish_reason = reason or status
            self.error = ended_badly(reason, now=self._now) or incomplete(reason)

    def _complete(self, response_id: str, events: Events) -> None:
        self._completed = True
        events.append(
            Completed(
                response_id=response_id,
                token_usage=self._usage,
                end_turn=self._end_turn,
                finish_reason=self._finish_reason,
            )
        )

    def _metadata(self, frame: _Frame, events: Events) -> None:
        metadata = frame.get("metadata", {})
        advised = metadata.get("openai_verification_recommendation")
        if isinstance(advised, list):
            known = [name for name in advised if isinstance(name, str) and name in _VERIFICATIONS]
            if known:
                events.append(ModelVerifications(verifications=list(dict.fromkeys(known))))
        moderation = metadata.get("openai_chatgpt_moderation_metadata")
        if moderation is not None:
            events.append(TurnModerationMetadata(metadata=mended(moderation)))

    # --- finishing items ------------------------------------------------------------------------

    def _fill_in(self, output: Any, events: Events, *, whole: bool) -> None:
        """Finish from the response's own list what no ``output_item.done`` finished.

        Items are the same if their ids or call ids are, or else their indexes, or else their rank
        among the items of their type. ``whole``: the response ended well, so everything in it is
        finished.
        """
        told = {
            index: mended(raw)
            for index, raw in enumerate(output[:MAX_ITEMS] if isinstance(output, list) else ())
            if isinstance(raw, dict) and _identity(raw, {})[0] and says_something(raw)
        }
        heard = set(self._all)
        at_index: dict[tuple[str, int | None], deque[Item]] = defaultdict(deque)
        of_kind: dict[str, deque[Item]] = defaultdict(deque)
        for item in self._all:
            at_index[item.kind, item.index].append(item)
            of_kind[item.kind].append(item)
        matches: dict[int, Item] = {}
        for means in ("ids", "index", "rank"):
            for index, raw in told.items():
                if index in matches:
                    continue
                kind = raw["type"]
                candidates: deque[Item] = deque()
                if means == "ids":
                    named = [self._by_id.get(str(raw.get(name))) for name in ("id", "call_id")]
                    candidates.extend(item.again or item for item in named if item is not None)
                else:
                    candidates = at_index[kind, index] if means == "index" else of_kind[kind]
                while candidates:
                    item = candidates.popleft()
                    if item.kind == kind and item in heard:
                        matches[index] = item
                        heard.remove(item)
                        break
        for index, raw in told.items():
            kind, item_id, _ = _identity(raw, {})
            finished = whole or raw.get("status") == "completed"
            if index not in matches and (finished or kind in ("message", "reasoning")):
                matches[index] = self._begin_from(raw, kind, item_id, None, events)
        self._sort_pending({item: index for index, item in matches.items()})
        for index, raw in told.items():
            finished = whole or raw.get("status") == "completed"
            match = matches.get(index)
            if match is None:
                continue
            if match.closed:
                self._complete_reasoning(match, raw, events)
            elif finished or match.kind in ("message", "reasoning"):
                self._finish(match, raw, events)

    def _sort_pending(self, places: dict[Item, int]) -> None:
        """Put what is not given out yet into the order that the response itself has."""
        last = -1
        order: dict[Item, int] = {}
        for item in self._pending:
            last = order[item] = places.get(item, last)
        self._pending = OrderedDict.fromkeys(sorted(self._pending, key=lambda item: order[item]))

    def _complete_reasoning(self, item: Item, raw: dict[str, Any], events: Events) -> None:
        """Add to finished reasoning what only the end of the response has: it is finished again.

        Azure and others leave ``encrypted_content`` out of ``output_item.done``.
        """
        final = item.final
        if not isinstance(final, ReasoningItem) or not final.id or raw.get("id") != final.id:
            return
        updates: dict[str, Any] = {}
        encrypted = raw.get("encrypted_content")
        if isinstance(encrypted, str) and encrypted and not final.encrypted_content:
            updates["encrypted_content"] = encrypted
        extra = {**(extra_of(without_ours(raw)) or {}), **(final.extra or {})}
        if extra and extra != final.extra:
            updates["extra"] = extra
        if not updates:
            return
        item.final = final.model_copy(update=updates)
        place = self._places.pop(id(final), None)
        if place is not None:
            self.finished_items[place] = item.final
            self._places[id(item.final)] = place
            events.append(OutputItemDone(item=item.final))

    def _finish(self, item: Item, raw: dict[str, Any] | None, events: Events) -> None:
        item.finish(raw, events)
        if raw is not None and not (raw.get("id") or raw.get("call_id")):
            self._said_nameless.add((item.index, _written(raw)))
        self._release(events)

    def _release(self, events: Events) -> None:
        """Give out finished items in the order in which they began.

        An item that is not finished holds back those after it: histories would come out reordered,
        and reasoning after the call that it led to makes the next request invalid.
        """
        if self._joined_late and not self.done:
            in_order = sorted(self._pending, key=lambda item: (item.index is None, item.index or 0))
            self._pending = OrderedDict.fromkeys(in_order)
        while self._pending:
            item = next(iter(self._pending))
            if self._joined_late and not self.done and (item.index or 0) > self._next_index:
                return
            for thought in item.thoughts:
                self._give_out(thought, events)
            item.thoughts.clear()
            if not item.closed:
                return
            if item.final is not None:
                self._give_out(item.final, events)
            if item.index is not None:
                self._next_index = item.index + 1
            del self._pending[item]

    def _give_out(self, item: ResponseItem, events: Events) -> None:
        self._places[id(item)] = len(self.finished_items)
        self.finished_items.append(item)
        events.append(OutputItemDone(item=item))


def _may_hold_images(frame: _Frame) -> bool:
    kinds = frame.get("type", ""), frame.get("item", {}).get("type")
    return "response" in frame or any("image" in str(k) or "interpreter" in str(k) for k in kinds)


def _written(raw: dict[str, Any]) -> str:
    return json.dumps(raw, sort_keys=True)


def _says_the_same(raw: dict[str, Any], item: Item) -> bool:
    """Whether an item that is finished once more says nothing new."""
    again = Item(item.kind, item.id, None)
    again.call_id, again.name = item.call_id, item.name
    again.finish(raw, Events())
    if again.final is None or item.final is None:
        return again.final is None
    ours = item.final.model_dump(include=_SAID)
    return again.final.model_dump(include=_SAID) == ours


_SAID = {"content", "summary", "arguments", "input", "name", "call_id"}


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


def _model_header(headers: Any) -> str:
    if not isinstance(headers, dict):
        return ""
    for name, value in headers.items():
        if name.lower() in ("openai-model", "x-openai-model"):
            if isinstance(value, list):
                value = value[0] if value else None
            return value if isinstance(value, str) else ""
    return ""


_HANDLERS: dict[str, Callable[[ResponsesDecoder, _Frame, Events], None]] = {
    _TEXT_DELTA: ResponsesDecoder._text_delta,
    "response.output_text.annotation.added": ResponsesDecoder._annotation_added,
    "response.refusal.delta": ResponsesDecoder._part_delta,
    "response.reasoning_text.delta": ResponsesDecoder._part_delta,
    "response.reasoning.delta": ResponsesDecoder._part_delta,
    **{f"{part}.done": ResponsesDecoder._part_done for part in _PARTS},
    "response.content_part.added": ResponsesDecoder._content_part_added,
    "response.content_part.done": ResponsesDecoder._content_part_done,
    "response.reasoning_part.added": ResponsesDecoder._content_part_added,
    "response.reasoning_part.done": ResponsesDecoder._content_part_done,
    "response.reasoning_summary_part.added": ResponsesDecoder._summary_part_added,
    "response.reasoning_summary_part.done": ResponsesDecoder._summary_done,
    "response.reasoning_summary_text.delta": ResponsesDecoder._summary_delta,
    "response.reasoning_summary_text.done": ResponsesDecoder._summary_done,
    "response.reasoning_summary.delta": ResponsesDecoder._summary_delta,
    "response.reasoning_summary.done": ResponsesDecoder._summary_done,
    **{f"{call}.delta": ResponsesDecoder._call_delta for call in _CALL_FIELDS},
    **{f"{call}.done": ResponsesDecoder._call_done for call in _CALL_FIELDS},
    "response.output_item.added": ResponsesDecoder._item_added,
    "response.output_item.done": ResponsesDecoder._item_done,
    "response.created": ResponsesDecoder._accepted,
    "response.queued": ResponsesDecoder._accepted,
    "response.in_progress": ResponsesDecoder._accepted,
    "response.metadata": ResponsesDecoder._metadata,
    **dict.fromkeys(_ENDS, ResponsesDecoder._end_event),
    "error": ResponsesDecoder._error_event,
    "response.error": ResponsesDecoder._error_event,
}
