"""`Attempt`: one request of a call, and the answer to it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from sidestream._endpoint import BuildRequest, Endpoint
from sidestream._response_body import ResponseBody
from sidestream.connection_errors import timeout_error
from sidestream.decode import Decoder, decoder_for
from sidestream.decode._errors import bad_response, stream_closed
from sidestream.decode._events import Events
from sidestream.decode._frames import response_status, sequence_number_of
from sidestream.errors import ErrorKind, SidestreamError, without_secrets
from sidestream.exchange import Exchange
from sidestream.http import Retries, Sender
from sidestream.payload.responses import asks_background, included
from sidestream.prompt import CallOptions
from sidestream.server_errors import request_id_of
from sidestream.sse import SSEDecoder
from sidestream.texts import text
from sidestream.transport import HttpRequest, HttpResponse
from sidestream.types.events import Batch, Reconnecting, ResponseEvent
from sidestream.types.items import (
    CustomToolCallItem,
    FunctionCallItem,
    LocalShellCallItem,
    MessageItem,
    ResponseItem,
    ToolSearchCallItem,
)
from sidestream.types.tools import ToolSpec
from sidestream.types.wire_api import WireApi

GRACE_MS = 5_000
"""How long a stream may stay silent after everything but its closing frames has arrived."""
COMMENTS_FACTOR = 3
"""A stream of nothing but comments ends after the idle timeout times this."""
AT_ONCE_BYTES = 8 * 1024
"""The bytes that are decoded before other tasks run. Small frames take time, and all of them take
several times their size of memory."""
_PENDING_STATUSES = ("queued", "in_progress")


@dataclass(frozen=True, slots=True)
class ResumePoint:
    """Where to continue an answer that the provider keeps."""

    response_id: str
    after: int
    """The number of the last frame that was read."""
    whole: bool = False
    """Whether the answer can no longer be streamed, only fetched when it is finished."""


@dataclass(frozen=True, slots=True)
class CallContext:
    """What all attempts of a call share."""

    endpoint: Endpoint
    options: CallOptions
    tools: Sequence[ToolSpec]
    joined: bool
    """Whether deltas of one text that arrive together become one event."""
    retries: Retries
    make_payload: Callable[[CallOptions], dict[str, Any]]
    """Makes the JSON of a request, by the options with the attempt's wire API."""
    take_notices: Callable[[], list[ResponseEvent]]
    """Returns the notices of the request that was made."""
    header_events: Callable[[Mapping[str, str]], list[ResponseEvent]]
    on_send: Callable[[HttpRequest], None]


class Attempt:
    """One answer to one request, which the sender may repeat until there is an answer.

    With ``decoder`` and ``resume_at`` the request is for the rest of an answer.
    """

    def __init__(
        self,
        call: CallContext,
        wire_api: WireApi,
        decoder: Decoder | None = None,
        resume_at: ResumePoint | None = None,
    ) -> None:
        self.error: SidestreamError | None = None
        """Why the attempt failed. `decoder` is not closed then."""
        self.may_be_repeated = False
        """Whether the answer broke in a place from where it may be asked for again."""
        self.answered = False
        """Whether there was a response of 2xx."""
        self.pending = False
        """Whether the provider has not finished the answer, and there was nothing else to give."""
        self.failed_headers: Mapping[str, str] = {}
        self.decoder = decoder or decoder_for(wire_api, now=call.endpoint.now)
        self.resume_at = resume_at
        self.payload: dict[str, Any] | None = None
        """The JSON of the request. ``None`` when the rest of an answer is asked for."""
        self.wire_api = wire_api
        self._skipped = self.decoder.skipped
        self._background = resume_at is not None or (
            wire_api is WireApi.RESPONSES and asks_background(call.options, call.endpoint.provider)
        )
        self._call = call
        self._endpoint = call.endpoint

    @property
    def whole(self) -> bool:
        """Whether only the finished answer is asked for."""
        return self.resume_at is not None and self.resume_at.whole

    @property
    def unavailable(self) -> bool:
        """Whether the provider did not give out the rest of an answer."""
        return self.resume_at is not None and not self.answered

    @property
    def position(self) -> ResumePoint | None:
        """How far the answer has arrived, if the provider keeps it."""
        decoder = self.decoder
        number = decoder.sequence_number
        if not self._background or number is None or not decoder.response_id:
            return self.resume_at
        after = max(number, self.resume_at.after) if self.resume_at else number
        return ResumePoint(decoder.response_id, after)

    @property
    def resumable(self) -> bool:
        """Whether the rest of the answer may still be available."""
        return not self.decoder.done and self.position is not None

    @property
    def got_further(self) -> bool:
        """Whether the request for the rest has brought anything."""
        at = self.position
        return self.resume_at is not None and at is not None and at.after > self.resume_at.after

    def resumed(self) -> Attempt:
        """Return the attempt that continues the answer where this one stopped."""
        return Attempt(self._call, self.wire_api, self.decoder, self.position)

    def as_a_whole(self) -> Attempt:
        """Return the attempt that fetches the finished answer."""
        at = self.position
        assert at is not None  # noqa: S101 - the rest was asked for
        resume_at = ResumePoint(at.response_id, at.after, whole=True)
        return Attempt(self._call, self.wire_api, self.decoder, resume_at)

    async def batches(self) -> AsyncGenerator[Batch, None]:
        """The events, up to the end or up to what became `error`."""
        resume_at = self.resume_at
        try:
            build = self._build_new() if resume_at is None else self._build_rest(resume_at)
            sender = self._endpoint.sender(build, self._call.retries, self._call.on_send)
        except SidestreamError as error:
            self.error = error
            return
        if notices := self._call.take_notices():
            yield Batch(notices)
        try:
            async with aclosing(sender.open()) as steps:
                async for step in steps:
                    if not isinstance(step, Exchange):
                        if resume_at is not None and isinstance(step, Reconnecting):
                            step = step.model_copy(update={"resumes": True})
                        yield Batch([step])
                        continue
                    try:
                        async with aclosing(self._answer(sender, step)) as batches:
                            async for batch in batches:
                                yield batch
                    finally:
                        await step.aclose()
        except SidestreamError as error:
            self.error = error
            self.failed_headers = sender.failed_headers
        finally:
            self._endpoint.stats.skipped_frames += self.decoder.skipped - self._skipped

    def _build_new(self) -> BuildRequest:
        """Build the request for a new answer."""
        options = self._call.options.model_copy(update={"wire_api": self.wire_api})
        if not options.model:
            raise SidestreamError(
                ErrorKind.CONFIGURATION,
                text("error_no_model"),
                hint=text("hint_no_model"),
            )
        self.payload = self._call.make_payload(options)
        body = json.dumps(self.payload, ensure_ascii=False, separators=(",", ":"))
        url = self._endpoint.provider.url(self.wire_api.path, model=options.model)
        return self._endpoint.build_post(url, options, body.encode("utf-8", "replace"))

    def _build_rest(self, at: ResumePoint) -> BuildRequest:
        """Build the request for the rest of an answer."""
        endpoint, options = self._endpoint, self._call.options
        named = options.model or options.include is not None
        include = included(options, endpoint.provider, self._call.tools) if named else []
        params = [("include[]", name) for name in include]
        accept = "application/json" if at.whole else "text/event-stream"
        if not at.whole:
            params += [("stream", "true"), ("starting_after", str(at.after))]
        return endpoint.build_for_stored(
            "GET", at.response_id, options, params=params, accept=accept
        )

    async def _answer(self, sender: Sender, exchange: Exchange) -> AsyncGenerator[Batch, None]:
        """The events of a response of 2xx. Sets `error` if it ends badly."""
        response = exchange.response
        assert response is not None  # noqa: S101 - open() promises it
        self.answered = True
        if self.resume_at is None:
            self.decoder = decoder_for(
                self.wire_api,
                now=self._endpoint.now,
                faster_model=response.headers.get("x-codex-safety-buffering-faster-model"),
            )
        if events := self._call.header_events(response.headers):
            yield Batch(events)
        body = ResponseBody()
        try:
            async with aclosing(self._decode(exchange, body)) as batches:
                async for batch in batches:
                    yield batch
            brought_anything = self.decoder.done or self.got_further
            if self.resume_at and not self.whole and body.is_stream and not brought_anything:
                # There is nothing after the last frame that was read. The whole answer says why.
                self.pending = True
            if self.pending:
                return
            error = self._error_at_end(sender, response, body)
        except SidestreamError as failure:
            # When the answer is complete, a connection that breaks or hangs does no harm.
            error = self.decoder.error if self.decoder.complete else _as_closed_stream(failure)
        if error is None:
            if events := self.decoder.close():
                yield Batch(events)
            return
        self.may_be_repeated = may_be_repeated(self.decoder)
        if not body.is_stream:
            # The whole body has arrived. Only after these two errors another one would differ.
            passing = (ErrorKind.RATE_LIMITED, ErrorKind.SERVER_OVERLOADED)
            self.may_be_repeated = error.kind in passing
        error.request_id = error.request_id or request_id_of(response.headers)
        self.error = without_secrets(error, sender.secrets())
        sender.record(self.error, response, bytes(body.head))

    async def _decode(self, exchange: Exchange, body: ResponseBody) -> AsyncGenerator[Batch, None]:
        """From bytes to events, up to the end of the answer or of the stream."""
        frames = SSEDecoder()
        decoder = self.decoder
        known = self.resume_at
        now = asyncio.get_running_loop().time
        last_frame = now()
        while True:
            data = exchange.take()
            if not data:
                if exchange.ended:
                    await exchange.wait()  # raises what broke it
                    break
                if not await exchange.wait():
                    yield Batch([exchange.idle])
                continue
            data = body.add(data)
            for start in range(0, len(data), AT_ONCE_BYTES):
                if start:
                    await asyncio.sleep(0)
                new = frames.feed_data(data[start : start + AT_ONCE_BYTES])
                if new:
                    last_frame = now()
                if known is not None:
                    new, known = _new_frames(new, known)
                events = Events(joined=self._call.joined)
                decoder.feed_all(new, events)
                if events:
                    if self._background and (at := self.position):
                        events.response_id, events.sequence_number = at.response_id, at.after
                    yield events.join()
                if decoder.done:
                    return
            limit_ms = self._endpoint.provider.stream_idle_timeout_ms * COMMENTS_FACTOR
            if body.is_stream and now() - last_frame > limit_ms / 1000:
                raise timeout_error(limit_ms)
            if decoder.complete and exchange.timeout_ms > GRACE_MS:
                exchange.timeout_ms = GRACE_MS
        if last := frames.end_data():
            events = Events(joined=self._call.joined)
            decoder.feed_all(last, events)
            yield events.join()
            if decoder.done:
                return
        if body.whole[:1] == b"{":
            if self.resume_at is not None and response_status(body.whole) in _PENDING_STATUSES:
                self.pending = True
                return
            yield Batch(decoder.feed_body(body.whole))

    def _error_at_end(
        self, sender: Sender, response: HttpResponse, body: ResponseBody
    ) -> SidestreamError | None:
        """What is wrong with an answer that has ended without breaking."""
        decoder = self.decoder
        if decoder.done:
            return decoder.error
        if not body.has_frames:
            return self._endpoint.bad_body(sender, response, bytes(body.head))
        if decoder.complete:
            return decoder.error
        if decoder.foreign:
            key = "error_not_chat" if self.wire_api is WireApi.CHAT else "error_not_responses"
            return bad_response(text(key))
        if self.wire_api is WireApi.CHAT:
            return stream_closed(text("error_stream_closed"))
        return stream_closed(text("error_stream_closed_completed"))


def may_be_repeated(decoder: Decoder) -> bool:
    """Whether a new request continues the answer.

    It does not when a finished call waits for its output, nor when a whole message has arrived and
    only the closing frames are missing: the user would get a second answer.
    """
    items = decoder.finished_items
    if decoder.holds_call or any(_is_call(item) for item in items):
        return False
    last = items[-1] if items else None
    has_message = isinstance(last, MessageItem) and last.role == "assistant"
    return decoder.has_open or not has_message


def _is_call(item: ResponseItem) -> bool:
    if isinstance(item, ToolSearchCallItem):
        return item.execution == "client"
    return isinstance(item, (FunctionCallItem, CustomToolCallItem, LocalShellCallItem))


def _as_closed_stream(error: SidestreamError) -> SidestreamError:
    """The error for a connection that broke within an answer."""
    return stream_closed(error.message) if error.kind is ErrorKind.NETWORK else error


def _new_frames(frames: list[bytes], known: ResumePoint) -> tuple[list[bytes], ResumePoint | None]:
    """The frames after a point, since not every server leaves out those before it.

    The second value is ``None`` when all further frames are new.
    """
    new = []
    for index, frame in enumerate(frames):
        number = sequence_number_of(frame)
        if number is None:
            new.append(frame)
        elif number > known.after:
            return new + frames[index:], None
    return new, known
