"""The decoder of Chat Completions: reads chunks and knows how the answer ends."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from typing import Any

from sidestream.decode._bounds import MAX_ITEMS, MAX_TEXT_BYTES
from sidestream.decode._error_shapes import error_in, objects_in, reported_error
from sidestream.decode._errors import (
    TOO_MANY,
    bad_response,
    empty_answer,
    incomplete,
    stream_closed,
    too_much_text,
)
from sidestream.decode._events import Events
from sidestream.decode._finish_reasons import ended_badly, is_said
from sidestream.decode._frames import frame_text, read_frame
from sidestream.decode._usage import token_usage
from sidestream.decode.chat._answer import Answer
from sidestream.decode.chat._chunks import (
    CHUNK,
    HALVES,
    Choice,
    Chunk,
    Delta,
    content_pieces,
    object_in,
)
from sidestream.decode.chat._message import Message
from sidestream.decode.chat._reasoning import Reasoning
from sidestream.decode.chat._tool_calls import ToolCalls
from sidestream.errors import SidestreamError
from sidestream.server_errors import error_from_server_error
from sidestream.sse import ErrorData
from sidestream.texts import text
from sidestream.types.events import Completed, Created
from sidestream.types.usage import TokenUsage

_SIGNS_OF_LIFE = frozenset(
    {"ping", "pong", "keepalive", "keep-alive", "keep_alive", "heartbeat", "ok", "start", "open"}
    | {"connected", "processing", "openrouter processing"}
)


class ChatDecoder:
    """Decoder of Chat Completions."""

    sequence_number: int | None = None

    def __init__(self, *, now: Callable[[], float] = time.time) -> None:
        self.done = False
        self.error: SidestreamError | None = None
        self.skipped = 0
        self._now = now
        self._answer = Answer()
        self.finished_items = self._answer.finished_items
        self._reasoning = Reasoning(self._answer)
        self._message = Message(self._answer, self._reasoning)
        self._calls = ToolCalls(self._answer, self._reasoning, self._message)
        self._created = False
        self._complete = False
        self._completed = False
        """Whether `Completed` was given."""
        self._choice: int | None = None
        """The index of the choice that is read."""
        self._finish_reason = ""
        self._usage: TokenUsage | None = None

    @property
    def response_id(self) -> str:
        """See `Decoder.response_id`."""
        return self._answer.id

    @property
    def complete(self) -> bool:
        """Whether a finish reason or ``[DONE]`` has come, even one that says "cut short"."""
        return self._complete

    @property
    def has_open(self) -> bool:
        """Whether an item has begun and is not finished."""
        return self._reasoning.is_open or self._message.is_open or bool(self._calls.open)

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
            chunk = read_frame(CHUNK, data, HALVES)
            if chunk is None or not chunk.get("choices"):
                self._read_odd_frame(chunk, data, events)
            else:
                self._read_chunk(chunk, data, events)
            self._end_if_crowded()

    def feed_body(self, body: bytes) -> Events:
        """See `Decoder.feed_body`: a chat completion object."""
        events = Events()
        self.feed_all([body], events)
        if not self.done and self._created:
            self._end(events)
        if not self.done:
            self.done = True
            self.error = bad_response(text("error_no_chat_completion"))
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
                self.error = bad_response(text("error_no_chat_chunks"))
            else:
                self.error = stream_closed(text("error_stream_closed"))
        if self.error is not None and not self._completed:
            was_done = self.done
            if was_done:
                self._calls.drop_unfinished()
            else:
                self._calls.open = []
            self._finish_items(events)
            self._give_completed(self.response_id if was_done else "", events)
        self.done = True
        return events

    # --- frames that bring nothing of the answer ------------------------------------------------

    def _read_odd_frame(self, chunk: Chunk | None, data: str | bytes, events: Events) -> None:
        """Read a frame without choices: the end, the usage, an error, or nothing."""
        text = frame_text(data).strip()
        if text.strip("[]\"' ").upper() == "DONE":
            self._end(events)
            return
        certain = isinstance(data, ErrorData)
        if chunk is not None and not certain:
            error = reported_error(object_in(text))
            if error:
                self._fail(error)
            elif "choices" in chunk or chunk.get("usage"):
                self._read_chunk(chunk, data, events)
            else:
                self.skipped += 1
            return
        if not text:
            return
        error = error_in(text, certain=certain)
        objects, rest = objects_in(text)
        if not certain and not rest:
            # The event holds several chunks, or JSON that is no object.
            self.skipped += not objects
            for value in objects:
                data = json.dumps(value)
                chunk = read_frame(CHUNK, data, HALVES)
                if chunk is not None and not self.done:
                    self._read_chunk(chunk, data, events)
        if error is not None:
            self._fail(error)
        elif rest and not certain:
            self._skip_unreadable(text)

    def _skip_unreadable(self, data: str) -> None:
        """Count a frame that cannot be read, and end the answer if text was lost with it."""
        self.skipped += 1
        if self._complete or data.lower().strip(" .:[]\"'") in _SIGNS_OF_LIFE:
            return
        if not self._created and not data.startswith("{"):
            return  # This may be no chat completion at all: see `foreign`.
        # The text of an unreadable chunk is not repeated anywhere.
        self.done = True
        self.error = stream_closed(text("error_bad_chunk"))

    # --- chunks ---------------------------------------------------------------------------------

    def _read_chunk(self, chunk: Chunk, data: str | bytes, events: Events) -> None:
        before = events.mark
        error = None
        if chunk.get("error"):
            error = reported_error(object_in(frame_text(data)))
        elif "base_resp" in chunk or "x_groq" in chunk:
            error = reported_error(dict(chunk))
        if not self._created and not error and (chunk.get("id") or chunk.get("choices")):
            # Azure's first chunk has neither: it reports what its filter found in the prompt.
            self._created = True
            self._answer.id = chunk.get("id", "")
            self._answer.created_at = chunk.get("created")
            events.append(Created(response_id=self._answer.id or None))
        finished_before = bool(self._finish_reason)
        usage = chunk.get("usage") or chunk.get("x_groq", {}).get("usage")
        for choice in chunk.get("choices", ()):
            if self._choice is None:
                self._choice = choice.get("index", 0)
            if choice.get("index", 0) != self._choice:
                continue
            error = error or choice.get("error")
            usage = usage or choice.get("usage")
            self._read_choice(choice, events)
        if usage:
            self._usage = token_usage(usage) or self._usage
        if error:
            if self._finish_reason and (
                ended := ended_badly(self._finish_reason, error, now=self._now)
            ):
                self.done, self._complete, self.error = True, False, ended
            else:
                self._fail(error)
        elif self.error is not None and self.error.retryable:
            # The request is going to be repeated, so the usage of this answer is not waited for.
            self.done, self._complete = True, False
        elif usage and finished_before and events.mark == before:
            # The usage chunk is the last one; some servers never send [DONE] after it.
            self._end(events)

    def _read_choice(self, choice: Choice, events: Events) -> None:
        delta, message = choice.get("delta"), choice.get("message")
        if delta:
            answer = self._message
            answer.reasoned = False
            # Nearly all deltas hold nothing but text.
            more = len(delta) > 1 or "content" not in delta
            if more:
                answer.note_extras(delta)
                answer.reasoned = self._reasoning.read(delta, events)
            content = delta.get("content")
            if isinstance(content, str):
                answer.say("output_text", content, events)
            else:
                for kind, text in content_pieces(content):
                    answer.say(kind, text, events)
            if more:
                answer.say("refusal", delta.get("refusal", ""), events)
                answer.cite(delta.get("annotations", []), events)
                self._calls.read(delta, events)
        if message:
            self._read_whole_message(message, events)
        reason = choice.get("finish_reason")
        if reason and self.error is None and is_said(reason):
            self._finish_reason = reason
            self._complete = True
            # The error is known now, but reading continues until the usage has arrived.
            self.error = ended_badly(reason, now=self._now)

    def _read_whole_message(self, message: Delta, events: Events) -> None:
        """Read a message that is not a delta: only what did not stream of it counts."""
        self._message.note_extras(message)
        if not self._reasoning.texts and self._reasoning.read(message, events):
            self._message.reasoned = True
        pieces = content_pieces(message.get("content"))
        for kind in ("reasoning_text", "output_text", "refusal"):
            whole = "".join(text for k, text in pieces if k == kind)
            if kind == "reasoning_text":
                if not self._reasoning.texts:
                    self._reasoning.add(whole, None, events)
                continue
            if kind == "refusal":
                whole = message.get("refusal") or whole
            self._message.complete(kind, whole, events)
        self._message.cite_unless_cited(message.get("annotations", []), events)
        if self._calls.open:
            self._calls.complete(message, events)
        else:
            self._calls.read(message, events)

    # --- the end --------------------------------------------------------------------------------

    def _end_if_crowded(self) -> None:
        """End an answer with more parts than `MAX_ITEMS`; `close` finishes what has arrived."""
        items = len(self.finished_items) + len(self._calls.open)
        crowd = max(items, len(self._message.parts), len(self._message.cited))
        if crowd > MAX_ITEMS and not self.done:
            self.done, self._complete = True, False
            self._finish_reason = TOO_MANY
            self.error = incomplete(TOO_MANY)

    def _fail(self, error: Any) -> None:
        self.done = True
        self._complete = False
        self.error = error_from_server_error(
            error, fallback=text("error_ended_with_error"), now=self._now()
        )

    def _end(self, events: Events) -> None:
        """Finish everything at the end of the answer, unless the answer was cut short."""
        self.done = self._complete = True
        if self.error is None:
            self._finish_items(events)
            if not self.finished_items:
                self.error = empty_answer()
            self._give_completed(self.response_id, events)

    def _finish_items(self, events: Events) -> None:
        self._message.finish_reasoning(events, calls_follow=bool(self._calls.open))
        self._message.finish(events)
        self._calls.finish(events)

    def _give_completed(self, response_id: str, events: Events) -> None:
        self._completed = True
        events.append(
            Completed(
                response_id=response_id,
                token_usage=self._usage,
                finish_reason=self._finish_reason or None,
            )
        )
