"""The decoder of the Responses API: reads frames and knows how the response ends."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from pydantic import ValidationError

from sidestream.decode._bounds import MAX_ITEMS, MAX_TEXT_BYTES
from sidestream.decode._error_shapes import error_in, reported_error
from sidestream.decode._errors import (
    TOO_MANY,
    bad_response,
    empty_answer,
    incomplete,
    stream_closed,
    too_much_text,
)
from sidestream.decode._events import Events
from sidestream.decode._finish_reasons import ended_badly
from sidestream.decode._frames import frame_text, read_frame, sequence_number_of
from sidestream.decode._usage import token_usage
from sidestream.decode.responses._final_output import finish_from_output
from sidestream.decode.responses._frames import (
    BODY,
    FRAME,
    HALVES,
    MORE_TEXT,
    Frame,
    may_hold_images,
)
from sidestream.decode.responses._item_reader import ITEM_HANDLERS, ItemReader
from sidestream.decode.responses._items import Items
from sidestream.decode.responses._side_information import SideInformation, read_metadata
from sidestream.errors import SidestreamError
from sidestream.server_errors import error_from_server_error
from sidestream.sse import ErrorData
from sidestream.texts import text
from sidestream.types.events import Completed, Created, OutputTextDelta
from sidestream.types.items import ResponseItem
from sidestream.types.usage import TokenUsage

# These event types have nothing that is needed. Types that are not known at all are counted.
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
# The status of the response, by the type of its last event.
_STATUS_OF_END = {
    "response.completed": "completed",
    "response.done": "completed",
    "response.failed": "failed",
    "response.incomplete": "incomplete",
    "response.cancelled": "cancelled",
}
# The statuses that explain nothing about an empty answer.
_UNREMARKABLE = ("completed", "in_progress", "queued", "")
_MAX_STATUS = 200


class ResponsesDecoder:
    """Decoder of the Responses API."""

    def __init__(
        self, *, now: Callable[[], float] = time.time, faster_model: str | None = None
    ) -> None:
        self.done = False
        self.error: SidestreamError | None = None
        self._now = now
        self._items = Items()
        self._order = self._items.order
        self.finished_items = self._order.finished_items
        self._reader = ItemReader(self._items)
        self._side = SideInformation(faster_model)
        self._skipped = 0
        self._usage: TokenUsage | None = None
        self._end_turn: bool | None = None
        self._unread_output: Any = None
        """The list of items of a response that ended badly, for `close`."""
        self._created = False
        self._recognised = False
        self._completed = False
        """Whether `Completed` was given."""
        self._sequence_number: int | None = None
        self._last_text: str | bytes = b""
        """The last frame of those that `_read_more_text` took."""
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
        decoder._items.response_id = response_id
        decoder._items.resume(finished_items)
        decoder._created = True
        return decoder

    @property
    def response_id(self) -> str:
        """See `Decoder.response_id`."""
        return self._items.response_id

    @property
    def skipped(self) -> int:
        """See `Decoder.skipped`."""
        return self._skipped + self._reader.skipped

    @property
    def sequence_number(self) -> int | None:
        """See `Decoder.sequence_number`."""
        if self._last_text:
            # Only the last one of many frames is read, and only on request.
            number = sequence_number_of(self._last_text)
            self._sequence_number = self._sequence_number if number is None else number
            self._last_text = b""
        return self._sequence_number

    @property
    def complete(self) -> bool:
        """Whether ``response.completed`` (or an equal) has come."""
        return self.done and self.error is None

    @property
    def has_open(self) -> bool:
        """See `Decoder.has_open`."""
        return self._order.has_open

    @property
    def holds_call(self) -> bool:
        """See `Decoder.holds_call`."""
        return self._order.holds_call

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
            data = self._read_more_text(rest, events)
            if data is None:
                return
            self._data = data
            frame = read_frame(FRAME, data, HALVES)
            if frame is None and len(data) > MAX_TEXT_BYTES:
                self._skipped += 1
            elif frame is None:
                self._read_odd_frame(frame_text(data), events)
            elif len(data) > MAX_TEXT_BYTES and not may_hold_images(frame):
                self.done, self.error = True, too_much_text()
            else:
                self._read_event(frame, events)
            self._end_if_crowded()

    def feed_body(self, body: bytes) -> Events:
        """See `Decoder.feed_body`: a response object, or one wrapped into its last event."""
        events = Events()
        answer = read_frame(BODY, body, frozenset())
        if answer is not None and str(answer.get("type", "")).startswith("response."):
            events = self.feed(body.decode("utf-8", "replace"))
        elif (
            answer is not None
            and isinstance(answer.get("output"), list)
            and answer.get("status") not in ("queued", "in_progress")
        ):
            self._side.read({"response": answer}, events)
            self._accepted({"response": answer}, events)
            self._end(answer, "completed", events)
        elif answer is not None and (error := reported_error(answer)):
            self._fail(error)
        if not self.done:
            self.done = True
            self.error = bad_response(text("error_no_response"))
        return events

    def close(self) -> Events:
        """See `Decoder.close`."""
        events = Events()
        if self._completed:
            return events
        was_done = self.done
        if not self.done:
            self.done = True
            self.error = (
                bad_response(text("error_no_response_events"))
                if self.foreign
                else stream_closed(text("error_stream_closed_completed"))
            )
        self._order.ended = True
        finish_from_output(self._items, self._unread_output, events, whole=False)
        for item in list(self._order.pending):
            if item.kind in ("message", "reasoning") or item.done_text is not None:
                if not item.closed:
                    self._items.finish(item, None, events)
            elif not item.closed:
                del self._order.pending[item]
        self._order.release(events)
        self._give_completed(self.response_id if was_done else "", events)
        return events

    def _read_more_text(self, frames: Iterator[str | bytes], events: Events) -> str | bytes | None:
        """Read frames as long as they only add to the text that grew last.

        Nearly all frames do, and validating them as nothing else halves what they cost. Returns the
        first frame that is something else, ``None`` if there is none.
        """
        item = self._reader.current
        if item is None or item.closed or not item.id or not item.flows:
            return next(frames, None)
        item_id = item.id
        validate = MORE_TEXT.validator.validate_json
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
            self._order.release(events)
        return other

    def _read_event(self, frame: Frame, events: Events) -> None:
        if "response" in frame or "headers" in frame or "safety_buffering" in frame:
            self._side.read(frame, events)
        if "sequence_number" in frame:
            self._sequence_number = frame["sequence_number"]
            self._last_text = b""
        kind = frame.get("type", "")
        if (read_item := ITEM_HANDLERS.get(kind)) is not None:
            self._recognised = True
            read_item(self._reader, frame, events)
        elif (handler := _HANDLERS.get(kind)) is not None:
            self._recognised = True
            handler(self, frame, events)
        elif kind in _IGNORED or self._reader.tool_progress(kind, frame, events):
            self._recognised = True
        else:
            self._read_unknown_event(kind)

    # --- frames that are no known events --------------------------------------------------------

    def _read_odd_frame(self, data: str, events: Events) -> None:
        text = data.strip()
        if text == "[DONE]":
            # Some proxies swallow response.completed and keep this sentinel of Chat Completions.
            # It is believed if no item but reasoning is unfinished.
            pending = self._order.pending
            unfinished = [i for i in pending if not i.closed and i.kind != "reasoning"]
            if not unfinished and (self.finished_items or any(item.final for item in pending)):
                self._end({}, "completed", events)
        elif text and not self._read_error():
            self._skipped += 1

    def _read_unknown_event(self, kind: str) -> None:
        known = kind.startswith("response.") and not isinstance(self._data, ErrorData)
        if known or not self._read_error():
            self._skipped += 1

    def _read_error(self) -> bool:
        """End the response if the frame, which is no known event, reports an error."""
        error = error_in(self._data, certain=isinstance(self._data, ErrorData))
        if error is not None:
            self._recognised = True
            self._fail(error)
        return error is not None

    # --- events of the response -----------------------------------------------------------------

    def _accepted(self, frame: Frame, events: Events) -> None:
        response_id = frame.get("response", {}).get("id")
        if isinstance(response_id, str):
            self._items.response_id = response_id
        if not self._created:
            self._created = True
            events.append(Created(response_id=self.response_id or None))

    def _metadata(self, frame: Frame, events: Events) -> None:
        read_metadata(frame, events)

    def _error_event(self, frame: Frame, events: Events) -> None:
        if not self._read_error():
            self._fail({"code": frame.get("code"), "message": frame.get("message")})

    def _end_event(self, frame: Frame, events: Events) -> None:
        self._end(frame.get("response", {}), _STATUS_OF_END[frame["type"]], events)

    # --- the end --------------------------------------------------------------------------------

    def _end(self, response: dict[str, Any], status: str, events: Events) -> None:
        if isinstance(response.get("id"), str):
            self._items.response_id = response["id"]
        self._usage = token_usage(response.get("usage"))
        if isinstance(response.get("end_turn"), bool):
            self._end_turn = response["end_turn"]
        # Several servers end every answer with response.completed and have the truth in `status`.
        stated = response.get("status")
        if stated in ("failed", "incomplete", "cancelled", "expired"):
            status = stated
        self._finish_reason = status
        if status == "completed":
            self._end_well(response, events)
            return
        self._unread_output = response.get("output")
        if status == "failed":
            self._fail(response.get("error"))
            return
        details = response.get("incomplete_details")
        reason = details.get("reason") if isinstance(details, dict) else None
        if status in ("cancelled", "expired") and not reason:
            reason = status
        self.done = True
        reason = reason if isinstance(reason, str) else ""
        self._finish_reason = reason or status
        self.error = ended_badly(reason, now=self._now) or incomplete(reason)

    def _end_well(self, response: dict[str, Any], events: Events) -> None:
        output, text = response.get("output"), response.get("output_text")
        if text and isinstance(text, str) and not (output or self._order.has_content):
            # The ChatGPT backend may have the text here alone.
            output = [{"type": "message", "role": "assistant", "content": text}]
        finish_from_output(self._items, output, events, whole=True)
        for item in list(self._order.pending):
            if not item.closed:
                self._items.finish(item, None, events)
        self.done = self._order.ended = True
        self._order.release(events)
        if not self.finished_items and not self._order.joined_late:
            stated = response.get("status")
            if isinstance(stated, str) and stated not in _UNREMARKABLE:
                self._finish_reason = stated[:_MAX_STATUS]
                self.error = incomplete(self._finish_reason)
            else:
                self.error = empty_answer()
        self._give_completed(self.response_id, events)

    def _fail(self, error: Any) -> None:
        self.done = True
        self.error = error_from_server_error(
            error, fallback=text("error_ended_with_error"), now=self._now()
        )

    def _end_if_crowded(self) -> None:
        """End an answer with more parts than `MAX_ITEMS`; `close` finishes what has arrived."""
        count = max(len(self._items.all), len(self.finished_items))
        crowded = any(item.crowded for item in self._items.all[-1:])
        if self.done or not (count > MAX_ITEMS or crowded):
            return
        self.done = True
        self._finish_reason = TOO_MANY
        self.error = incomplete(TOO_MANY)

    def _give_completed(self, response_id: str, events: Events) -> None:
        self._completed = True
        events.append(
            Completed(
                response_id=response_id,
                token_usage=self._usage,
                end_turn=self._end_turn,
                finish_reason=self._finish_reason,
            )
        )


_HANDLERS: dict[str, Callable[[ResponsesDecoder, Frame, Events], None]] = {
    "response.created": ResponsesDecoder._accepted,
    "response.queued": ResponsesDecoder._accepted,
    "response.in_progress": ResponsesDecoder._accepted,
    "response.metadata": ResponsesDecoder._metadata,
    **dict.fromkeys(_STATUS_OF_END, ResponsesDecoder._end_event),
    "error": ResponsesDecoder._error_event,
    "response.error": ResponsesDecoder._error_event,
}
