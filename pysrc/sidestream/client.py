"""`Client`: one way in, one streaming path for both wire APIs."""

from __future__ import annotations

import asyncio
import json
import random as _random
import re
import time
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from sidestream._echoes import EventRedactor
from sidestream.adjust import (
    MAX_CHANGES,
    WITHOUT_IMAGES,
    Adjustments,
    Change,
    apply,
    changes_for,
    is_about_images,
    loses_images,
)
from sidestream.auth import Auth, NoAuth
from sidestream.connection_errors import timeout_error
from sidestream.decode import Decoder, decoder_for, decoder_for_the_rest
from sidestream.decode._errors import bad_response, stream_closed
from sidestream.decode._events import Events
from sidestream.decode._frames import response_status, sequence_number_of
from sidestream.errors import ErrorKind, SidestreamError, without_secrets
from sidestream.exchange import IDLE_NOTICE_MS, Exchange, read_body
from sidestream.failed_exchange import FailedExchange, secrets_of
from sidestream.headers import request_headers
from sidestream.http import Retries, Sender
from sidestream.models import ModelInfo, parse_model_list
from sidestream.payload.chat import build_chat_request
from sidestream.payload.responses import asks_background, build_responses_request, included
from sidestream.payload.tools import original_names
from sidestream.prompt import CallOptions, Prompt, StreamMode
from sidestream.provider import Provider
from sidestream.rate_limits import header_events
from sidestream.receivers import receiver_of
from sidestream.redaction import echoes_of
from sidestream.server_errors import bad_body_error, request_id_of
from sidestream.sse import MAX_FRAME_BYTES, SSEDecoder
from sidestream.transport import Fetch, HttpRequest, HttpResponse
from sidestream.types.events import (
    Batch,
    Completed,
    FunctionCallArgumentsDelta,
    Notice,
    OutputItemAdded,
    OutputItemDone,
    OutputTextAnnotationAdded,
    OutputTextDelta,
    OutputTextReplaced,
    RateLimits,
    ReasoningContentDelta,
    ReasoningSummaryDelta,
    ReasoningSummaryDone,
    ReasoningSummaryPartAdded,
    Reconnecting,
    RefusalDelta,
    ResponseEvent,
    StreamIdle,
    ToolCallInputDelta,
)
from sidestream.types.items import (
    ContentItem,
    CustomToolCallItem,
    FunctionCallItem,
    ItemOrigin,
    LocalShellCallItem,
    MessageItem,
    OutputText,
    ReasoningItem,
    Refusal,
    ResponseItem,
    ToolSearchCallItem,
)
from sidestream.types.rate_limits import RateLimitSnapshot
from sidestream.types.tools import ToolSpec
from sidestream.types.usage import TokenUsage
from sidestream.types.wire_api import WireApi

MAX_BODY_BYTES = MAX_FRAME_BYTES
MAX_ANSWER_BYTES = 256 * 1024 * 1024
"""A stream that is longer is no answer any more."""
GRACE_MS = 5_000
"""How long a stream may stay silent after its answer is complete in all but the closing words."""
LOOK_AGAIN_S = 2.0
"""Before the second look at an answer that is not finished and can no longer be streamed; each
further pause is half as long again,"""
LOOK_AGAIN_MAX_S = 60.0
"""up to this,"""
LOOK_FOR_S = 3600.0
"""and after this long the answer is given up."""
COMMENTS_FACTOR = 3
"""A stream in which nothing but comments arrives ends after the idle timeout times this."""
_HEAD_BYTES = 4 * 1024
_AT_ONCE_BYTES = 8 * 1024
"""So much is decoded at once, before commands are let in: small frames take time, and all take
several times their size of memory."""

_PARTS_OF_ITEMS = (
    OutputItemAdded,
    OutputTextDelta,
    OutputTextReplaced,
    RefusalDelta,
    OutputTextAnnotationAdded,
    FunctionCallArgumentsDelta,
    ToolCallInputDelta,
    ReasoningSummaryPartAdded,
    ReasoningSummaryDelta,
    ReasoningSummaryDone,
    ReasoningContentDelta,
)
"""What `StreamMode.AGGREGATED` leaves out: the whole item says it again."""


@dataclass(slots=True)
class TurnResult:
    """What a turn came to. Nothing that arrived before an error is lost."""

    items: list[ResponseItem] = field(default_factory=list)
    text: str = ""
    """The text of all the assistant's messages."""
    reasoning: str = ""
    """Reasoning summaries, or raw reasoning where that is all there is."""
    usage: TokenUsage | None = None
    response_id: str = ""
    rate_limits: list[RateLimitSnapshot] = field(default_factory=list)
    """The last snapshot of each family."""
    finish_reason: str = ""
    """Why the model stopped, in the server's words; empty when it never said."""
    attempts: int = 0
    """Requests that were sent, the first one included."""
    notices: list[str] = field(default_factory=list)
    """What the user should know of the request, such as what it was sent without."""
    error: SidestreamError | None = None


class _Collected:
    """What `Client.complete` makes of a turn's events."""

    def __init__(self, *, raw: bool) -> None:
        self.result = TurnResult()
        self._raw = raw
        self._limits: dict[str | None, RateLimitSnapshot] = {}
        self._text: list[str] = []
        """Of a message that is not finished."""
        self._reasoning: dict[str, int] = {}
        """Where reasoning is among the items, by its id."""

    def take(self, event: ResponseEvent) -> None:
        """Note what an event says."""
        result = self.result
        match event:
            case OutputTextDelta():
                self._text.append(event.delta)
            case OutputTextReplaced():
                self._text = [event.text]
            case OutputItemDone():
                self._add(event.item)
                if isinstance(event.item, MessageItem):
                    self._text.clear()
            case Reconnecting() if not event.resumes:
                self._text.clear()
            case RateLimits():
                self._limits[event.snapshot.limit_id] = event.snapshot
            case Notice():
                result.notices.append(event.message)
            case Completed():
                result.response_id = event.response_id
                result.usage = event.token_usage
                result.finish_reason = event.finish_reason or ""

    def _add(self, item: ResponseItem) -> None:
        """Add a finished item. Reasoning may be finished twice, the second time with more."""
        items = self.result.items
        if isinstance(item, ReasoningItem) and item.id:
            place = self._reasoning.setdefault(item.id, len(items))
            if place < len(items):
                items[place] = item
                return
        items.append(item)

    def finished(self) -> TurnResult:
        """The result, with a message that was cut off by the deadline."""
        result = self.result
        if self._text:
            content: list[ContentItem] = [OutputText(text="".join(self._text))]
            result.items.append(MessageItem(role="assistant", content=content))
        messages = [i for i in result.items if isinstance(i, MessageItem) and i.role == "assistant"]
        thoughts = [_reasoning(i, self._raw) for i in result.items if isinstance(i, ReasoningItem)]
        result.text = "".join(message.text for message in messages)
        result.reasoning = "\n\n".join(thought for thought in thoughts if thought)
        result.rate_limits = list(self._limits.values())
        return result


@dataclass(slots=True)
class ClientStats:
    """What a client has seen since it was made."""

    calls: int = 0
    retries: int = 0
    skipped_frames: int = 0
    """Frames that were not understood."""


class Client:
    """Talks to one provider.

    ``fetch`` sends requests (`sidestream.native.httpx_fetch` on plain CPython). ``model`` and
    ``defaults`` hold for every call that does not say otherwise. ``now`` gives Unix time in
    seconds and ``random`` numbers in [0, 1). With ``auto_probe`` the Responses API is tried first,
    and Chat Completions where the server answers 404 or 405; what was found is remembered by base
    URL and kind of authentication. ``adjustments`` remembers what servers have refused; clients may
    share it.

    A client holds no connection and may serve any number of calls at once.
    """

    def __init__(
        self,
        *,
        provider: Provider,
        fetch: Fetch,
        auth: Auth | None = None,
        model: str | None = None,
        defaults: CallOptions | None = None,
        now: Callable[[], float] = time.time,
        random: Callable[[], float] = _random.random,
        auto_probe: bool = False,
        adjustments: Adjustments | None = None,
    ) -> None:
        self.provider = provider
        self.auth = auth or NoAuth()
        self.defaults = CallOptions(model=model).over(defaults or CallOptions())
        self.stats = ClientStats()
        self.last_failed_exchange: FailedExchange | None = None
        """The last request that failed, redacted. Cleared when a call begins."""
        self._fetch = fetch
        self._now = now
        self._random = random
        self._auto_probe = auto_probe
        self._adjustments = adjustments or Adjustments()
        self._probed: dict[tuple[str, str], WireApi] = {}

    def __repr__(self) -> str:
        return f"Client({self.provider.name!r}, model={self.defaults.model!r})"

    async def stream(
        self, prompt: Prompt, options: CallOptions | None = None
    ) -> AsyncGenerator[ResponseEvent, None]:
        """One turn as events, in the order that `sidestream.types.events` describes.

        The last event is always `Completed`. If anything went wrong, `SidestreamError` is raised
        after it. Closing the iterator (``aclose``, or cancelling the task) aborts the request at
        once; use ``async with aclosing(client.stream(...)) as events`` to be sure of that.
        """
        turn = self._turn(prompt, options, joined=False)
        async with aclosing(self._batches(turn)) as batches:
            async for batch in batches:
                for event in batch:
                    yield event

    def stream_batches(
        self, prompt: Prompt, options: CallOptions | None = None
    ) -> AsyncGenerator[Batch, None]:
        """Like `stream`, in batches, each of which is what the network brought at once.

        Deltas of one text that come together are joined into one event. That is less work than
        `stream`, for us and for whoever shows the text.
        """
        return self._batches(self._turn(prompt, options, joined=True))

    def resume(
        self,
        response_id: str,
        after: int,
        options: CallOptions | None = None,
        *,
        finished_items: Iterable[ResponseItem] = (),
        tools: Sequence[ToolSpec] = (),
    ) -> AsyncGenerator[Batch, None]:
        """The rest of an answer that was asked for with ``background``, as `stream_batches` has it.

        ``response_id`` and ``after`` are those of the last `Batch` of which everything was kept,
        ``finished_items`` what its answer had finished by then, ``tools`` those that it was offered
        (what the provider's own ones give has to be asked for). Works in another process and after
        the answer has ended. Deltas go on where they stopped. Of an answer that the provider can
        no longer stream come whole items instead, as soon as it is finished, without the deltas
        before them. An item that had begun may end without an `OutputItemDone` if the answer
        fails: what was told of it stands.

        Raises `SidestreamError` after `Completed` as `stream` does: of kind ``not_found`` when the
        provider does not have the answer any more.
        """
        options = (options or CallOptions()).over(self.defaults)
        decoder = decoder_for_the_rest(response_id, finished_items, now=self._now)
        stored = _Stored(response_id, after)
        turn = _Turn(self, None, options, joined=True, rest=(decoder, stored), tools=tools)
        return self._batches(turn)

    async def cancel(self, response_id: str, options: CallOptions | None = None) -> None:
        """End an answer that was asked for with ``background``: it goes on by itself otherwise.

        Raises `SidestreamError`.
        """
        options = (options or CallOptions()).over(self.defaults)
        path = f"{_path_of(response_id)}/cancel"
        build = self._stored_request("POST", path, options, accept="application/json")
        sender = self._sender(build, Retries(self.provider.request_max_retries, 0, self._random))
        async with aclosing(sender.open()) as steps:
            async for step in steps:
                if isinstance(step, Exchange):
                    await step.aclose()

    def _stored_request(
        self,
        method: str,
        path: str,
        options: CallOptions,
        *,
        params: Iterable[tuple[str, str]] = (),
        accept: str = "text/event-stream",
    ) -> Callable[[Mapping[str, str]], HttpRequest]:
        """Makes requests about an answer that the provider keeps."""
        update = {"wire_api": WireApi.RESPONSES, "idempotency_key": None}
        options = options.model_copy(update=update)
        url = self.provider.url(path, params=params)

        def request(auth_headers: Mapping[str, str]) -> HttpRequest:
            headers = request_headers(
                self.provider, auth_headers, options, request_id=self._request_id(), accept=accept
            )
            return HttpRequest(method, url, headers)

        return request

    def _turn(self, prompt: Prompt, options: CallOptions | None, *, joined: bool) -> _Turn:
        return _Turn(self, prompt, (options or CallOptions()).over(self.defaults), joined=joined)

    async def _batches(self, turn: _Turn) -> AsyncGenerator[Batch, None]:
        aggregated = turn.options.stream_mode is StreamMode.AGGREGATED
        hidden: tuple[type, ...] = _PARTS_OF_ITEMS if aggregated else ()
        raw = turn.options.show_raw_reasoning is not False
        if not raw:
            hidden = (*hidden, ReasoningContentDelta)
        async with aclosing(turn.batches()) as batches:
            async for batch in batches:
                if hidden:
                    batch[:] = [event for event in batch if not isinstance(event, hidden)]
                if batch:
                    batch = turn.stamped(batch) if raw else _without_raw(turn.stamped(batch))
                if turn.redactor.clean(batch):
                    yield batch
        if turn.error is not None:
            raise turn.error

    async def complete(
        self,
        prompt: Prompt,
        options: CallOptions | None = None,
        *,
        deadline_ms: int | None = None,
    ) -> TurnResult:
        """One turn, drained. An error is returned beside what arrived before it, not raised.

        ``deadline_ms`` is how long it may take in all, with every retry and wait; what has arrived
        by then is in the result, beside an error of kind ``timeout``.
        """
        turn = self._turn(prompt, options, joined=False)
        collected = _Collected(raw=turn.options.show_raw_reasoning is not False)
        try:
            async with asyncio.timeout(None if deadline_ms is None else deadline_ms / 1000):
                async with aclosing(self._batches(turn)) as batches:
                    async for batch in batches:
                        for event in batch:
                            collected.take(event)
        except SidestreamError as error:
            collected.result.error = error
        except TimeoutError:
            collected.result.error = _too_late(deadline_ms or 0)
        result = collected.finished()
        result.attempts = turn.sent
        return result

    async def list_models(self) -> list[ModelInfo]:
        """The provider's models, from its ``/models``.

        Raises `SidestreamError`, also when the answer is no list of models.
        """
        self.last_failed_exchange = None

        def build(auth_headers: Mapping[str, str]) -> HttpRequest:
            headers = request_headers(
                self.provider,
                auth_headers,
                CallOptions(wire_api=WireApi.CHAT),
                request_id=self._request_id(),
                accept="application/json",
            )
            return HttpRequest("GET", self.provider.url("models"), headers)

        sender = self._sender(build, Retries(self.provider.request_max_retries, 0, self._random))
        async with aclosing(sender.open()) as steps:
            async for step in steps:
                if isinstance(step, Exchange):
                    try:
                        return await self._read_models(sender, step)
                    except SidestreamError as error:
                        raise without_secrets(error, sender.secrets()) from None
                    finally:
                        await step.aclose()
        raise AssertionError("open() ends with an exchange or an error")  # pragma: no cover

    async def _read_models(self, sender: Sender, exchange: Exchange) -> list[ModelInfo]:
        assert exchange.response is not None  # noqa: S101 - open() promises it
        body = await read_body(exchange, MAX_BODY_BYTES)
        if exchange.ended:
            await exchange.wait()  # raises what broke it
        try:
            # A server could name a model after the key.
            text = body.decode("utf-8", "replace")
            return parse_model_list(echoes_of(*sender.secrets()).cut(text).encode())
        except SidestreamError as failure:
            is_json = body.lstrip()[:1] in (b"{", b"[")
            error = failure if is_json else self._bad_body(sender, exchange.response, body)
            sender.record(error, exchange.response, body)
            raise error from None

    def _bad_body(self, sender: Sender, response: HttpResponse, body: bytes) -> SidestreamError:
        url = sender.request.url if sender.request else ""
        return bad_body_error(response.headers, body, url=url, secrets=sender.secrets())

    def _sender(
        self,
        build: Callable[[Mapping[str, str]], HttpRequest],
        retries: Retries,
        on_send: Callable[[HttpRequest], None] = lambda request: None,
    ) -> Sender:
        return Sender(
            fetch=self._fetch,
            auth=self.auth,
            build=build,
            retries=retries,
            timeout_ms=self.provider.stream_idle_timeout_ms,
            now=self._now,
            on_failure=self._keep_failure,
            on_send=on_send,
        )

    def _keep_failure(self, failed: FailedExchange) -> None:
        self.last_failed_exchange = failed

    def _request_id(self) -> str:
        """A version 4 UUID from the client's own source of randomness."""
        bits = "".join(f"{int(self._random() * 2**32):08x}" for _ in range(4))
        variant = "89ab"[int(bits[16], 16) % 4]
        return f"{bits[:8]}-{bits[8:12]}-4{bits[13:16]}-{variant}{bits[17:20]}-{bits[20:]}"


@dataclass(frozen=True, slots=True)
class _Stored:
    """Where to pick up an answer that the provider keeps."""

    response_id: str
    after: int
    """The number of the last frame that was read."""
    whole: bool = False
    """It can no longer be streamed: only the finished answer can be had."""


class _Turn:
    """One call of `Client.stream` or `Client.resume`: its budgets, and what it has so far.

    Everything in here passes events on in batches, as the network brings them, since handing each
    event through every generator costs more than making it.
    """

    def __init__(
        self,
        client: Client,
        prompt: Prompt | None,
        options: CallOptions,
        *,
        joined: bool,
        rest: tuple[Decoder, _Stored] | None = None,
        tools: Sequence[ToolSpec] = (),
    ) -> None:
        self.client = client
        self.options = options
        self.tools = prompt.tools if prompt is not None else tools
        receiver = receiver_of(client.provider, options.model or "", options.wire_api)
        self._names = original_names(self.tools, receiver)
        self.joined = joined
        """Whether the deltas of a text that come together are joined."""
        self.error: SidestreamError | None = None
        """Why the turn failed; set when the events have ended."""
        self.retries = Retries(
            client.provider.request_max_retries,
            client.provider.stream_max_retries,
            client._random,
        )
        self._prompt = prompt
        """``None``: only the ``rest`` of an answer is asked for."""
        self._rest = rest
        self._broken: SidestreamError | None = None
        """What broke the answer that is being picked up."""
        self._items: list[ResponseItem] = []
        """The finished items of attempts that broke later."""
        self._lost: Decoder | None = None
        """The last broken attempt that had something half-said."""
        self.changes: list[Change] = []
        """What this call has learnt that the server refuses."""
        self.sent = 0
        """Requests that were sent."""
        self.unsaid: list[ResponseEvent] = []
        """What the user has yet to be told of the request."""
        self.said_without_images = False
        self.redactor = EventRedactor()
        self._looking_since: float | None = None
        self._look_after_s = LOOK_AGAIN_S
        self._told: list[ResponseEvent] = []
        """Header events that were given already."""

    async def batches(self) -> AsyncGenerator[Batch, None]:
        """All events of the turn, `Completed` last, exactly once."""
        client = self.client
        client.stats.calls += 1
        client.last_failed_exchange = None
        key = (client.provider.base_url, client.auth.mode)
        wire_api = self.options.wire_api or client.provider.wire_api
        probing = client._auto_probe and self.options.wire_api is None
        if self._rest is not None:
            wire_api, probing = WireApi.RESPONSES, False
        if probing:
            wire_api = client._probed.get(key, WireApi.RESPONSES)
            probing = key not in client._probed
        attempt = _Attempt(self, wire_api, *(self._rest or ()))
        try:
            while True:
                async with aclosing(attempt.batches()) as batches:
                    async for batch in batches:
                        yield batch
                error = attempt.error
                if probing and attempt.answered:
                    client._probed[key] = wire_api
                elif probing and wire_api is WireApi.RESPONSES and _lacks_endpoint(error):
                    wire_api = WireApi.CHAT
                    attempt = _Attempt(self, wire_api)
                    continue
                if attempt.under_way:
                    async for batch in self._look_again(attempt):
                        yield batch
                    if self.error is not None:
                        yield self._last_events(attempt)
                        return
                    attempt = attempt.as_a_whole()
                    continue
                if error is None:
                    return
                if (learnt := self._learn(attempt, error)) is not None:
                    if learnt:
                        yield Batch(learnt)
                    attempt = _Attempt(self, wire_api)
                    continue
                if attempt.refused and error.status == 400 and not attempt.whole:
                    # OpenAI streams an answer for some minutes only, but has it for longer.
                    attempt = attempt.as_a_whole()
                    continue
                notice = self._again(attempt, error)
                if notice is None:
                    yield self._last_events(attempt)
                    return
                yield Batch([notice])
                await asyncio.sleep(notice.delay_ms / 1000)
                attempt = attempt.resumed() if notice.resumes else _Attempt(self, wire_api)
        finally:
            client.stats.retries += self.retries.count

    async def _look_again(self, attempt: _Attempt) -> AsyncGenerator[Batch, None]:
        """Wait before the next look at an answer that the provider has not finished.

        Says that it waits, and sets `error` when it has waited long enough.
        """
        if not attempt.whole:
            return
        loop = asyncio.get_running_loop()
        self._looking_since = loop.time() if self._looking_since is None else self._looking_since
        waited_s = loop.time() - self._looking_since
        if waited_s >= LOOK_FOR_S:
            self.error = _still_queued(waited_s)
            return
        if waited_s * 1000 >= IDLE_NOTICE_MS:
            idle_ms, timeout_ms = round(waited_s * 1000), round(LOOK_FOR_S * 1000)
            yield Batch([StreamIdle(idle_ms=idle_ms, timeout_ms=timeout_ms)])
        await asyncio.sleep(self._look_after_s)
        self._look_after_s = min(self._look_after_s * 1.5, LOOK_AGAIN_MAX_S)

    def _learn(self, attempt: _Attempt, error: SidestreamError) -> list[ResponseEvent] | None:
        """What the user is told before the request is sent again without what was refused.

        ``None`` when there is nothing that it could be sent without.
        """
        begun = attempt.decoder.finished_items or attempt.decoder.has_open
        if attempt.request is None or begun or len(self.changes) >= MAX_CHANGES:
            return None
        changes = changes_for(error, attempt.request, self.changes)
        options, provider = self.options, self.client.provider
        for change in changes:
            self.client._adjustments.add(
                provider.origin,
                options.model or "",
                attempt.wire_api,
                options.conversation_id or "",
                change,
            )
        self.changes += changes
        self.said_without_images |= any(is_about_images(change) for change in changes)
        return [Notice(message=c.notice) for c in changes if c.notice] if changes else None

    def changed(self, request: dict[str, Any], wire_api: WireApi) -> dict[str, Any]:
        """A request without what the server is known to refuse."""
        options = self.options
        known = self.client._adjustments.known(
            self.client.provider.origin,
            options.model or "",
            wire_api,
            options.conversation_id or "",
        )
        changed = apply(request, dict.fromkeys([*known, *self.changes]))
        if not self.said_without_images and loses_images(request, changed):
            # What was said when it was learnt may have been said long ago, and of another image.
            self.unsaid.append(Notice(message=WITHOUT_IMAGES))
        return changed

    def stamped(self, batch: Batch) -> Batch:
        """The batch, in which finished items say who made them, where that matters.

        Calls are of the tool that was offered, also where its name had to be sent as another.
        """
        for place, event in enumerate(batch):
            if self._names and isinstance(event, (OutputItemAdded, OutputItemDone)):
                called = event.item
                if isinstance(called, (FunctionCallItem, CustomToolCallItem)):
                    name = self._names.get(called.name, called.name)
                    called = called.model_copy(update={"name": name})
                    event = batch[place] = event.model_copy(update={"item": called})
            if isinstance(event, OutputItemDone) and _is_bound(event.item):
                origin = ItemOrigin(
                    provider=self.client.provider.origin, model=self.options.model or ""
                )
                item = event.item.model_copy(update={"origin": origin})
                batch[place] = event.model_copy(update={"item": item})
        return batch

    def _again(self, attempt: _Attempt, error: SidestreamError) -> Reconnecting | None:
        """How the turn goes on after an attempt that failed. ``None``: not at all, see `error`."""
        if attempt.resumable and (not attempt.refused or error.retryable):
            if attempt.got_further:
                self.retries.restore()
            self._broken = error if not attempt.refused else self._broken
            notice = self.retries.after(error, stream=True)
            self.error = error if notice is None else None
            return notice and notice.model_copy(update={"resumes": True})
        if attempt.refused and self._prompt is None:
            self.error = _gone(error)
            return None
        repeatable = attempt.may_be_repeated
        if attempt.refused:
            # The provider does not have it: what broke it decides.
            error = self._broken or error
            repeatable = _may_be_repeated(attempt.decoder)
        notice = None
        if self._prompt is not None and repeatable:
            notice = self.retries.after(error, stream=True)
        if notice is None:
            self.error = error
            return None
        self._items += attempt.decoder.finished_items
        if attempt.decoder.has_open:
            self._lost = attempt.decoder
        return notice

    def note_request(self, request: HttpRequest) -> None:
        """One more request is sent."""
        self.sent += 1
        self.redactor.look_for(secrets_of(request))

    def prompt(self) -> Prompt:
        """The prompt, with what the answer has so far."""
        assert self._prompt is not None  # noqa: S101 - only the rest is asked for without it
        if not self._items:
            return self._prompt
        items = self._items
        if self.client.provider.is_first_party:
            # Whether the provider has stored what it did not finish, nobody knows.
            items = [item.model_copy(update={"id": None}) for item in items]
        return self._prompt.model_copy(update={"input": [*self._prompt.input, *items]})

    def header_events(self, headers: Mapping[str, str]) -> list[ResponseEvent]:
        """What the headers tell, without what an earlier attempt has told already."""
        events = header_events(headers, now=self.client._now())
        new = [event for event in events if event not in self._told]
        self._told += new
        return new

    def _last_events(self, attempt: _Attempt) -> Batch:
        """What is left to give when the turn fails."""
        events = Batch(self.header_events(attempt.failed_headers))
        decoder = attempt.decoder
        if self._lost is not None and not decoder.finished_items and not decoder.has_open:
            # `Reconnecting` took the unfinished answer back in the hope of a better one.
            for event in self._lost.close():
                if isinstance(event, OutputItemDone):
                    events += [*_told_again(event.item), event]
        events += decoder.close()
        return events


class _Attempt:
    """One answer to one request, which http.py may have to repeat until there is an answer.

    With ``decoder`` and ``stored`` it is not asked for anew but picked up.
    """

    def __init__(
        self,
        turn: _Turn,
        wire_api: WireApi,
        decoder: Decoder | None = None,
        stored: _Stored | None = None,
    ) -> None:
        self.error: SidestreamError | None = None
        """Why it failed; `decoder` is not closed then."""
        self.may_be_repeated = False
        """Whether the answer broke in a place from where it may be asked for again."""
        self.answered = False
        """There was an answer of 2xx."""
        self.under_way = False
        """The answer is not finished, and there was nothing else to say."""
        self.failed_headers: Mapping[str, str] = {}
        self.decoder = decoder or decoder_for(wire_api, now=turn.client._now)
        self.stored = stored
        self.request: dict[str, Any] | None = None
        """What was asked, ``None`` when an answer is picked up."""
        self.wire_api = wire_api
        self._skipped = self.decoder.skipped
        self._background = stored is not None or (
            wire_api is WireApi.RESPONSES and asks_background(turn.options, turn.client.provider)
        )
        self._turn = turn
        self._client = turn.client

    @property
    def whole(self) -> bool:
        """Whether only the finished answer was asked for."""
        return self.stored is not None and self.stored.whole

    @property
    def refused(self) -> bool:
        """Whether a stored answer could not be had."""
        return self.stored is not None and not self.answered

    @property
    def position(self) -> _Stored | None:
        """How far the answer has come, if the provider keeps it."""
        decoder = self.decoder
        number = decoder.sequence_number
        if not self._background or number is None or not decoder.response_id:
            return self.stored
        after = max(number, self.stored.after) if self.stored else number
        return _Stored(decoder.response_id, after)

    @property
    def resumable(self) -> bool:
        """Whether the rest of the answer may still be had."""
        return not self.decoder.done and self.position is not None

    @property
    def got_further(self) -> bool:
        """Whether an answer that was picked up has brought anything."""
        at = self.position
        return self.stored is not None and at is not None and at.after > self.stored.after

    @property
    def _brought_anything(self) -> bool:
        return self.decoder.done or self.got_further

    def resumed(self) -> _Attempt:
        """The attempt that picks the answer up where this one left it."""
        return _Attempt(self._turn, self.wire_api, self.decoder, self.position)

    def as_a_whole(self) -> _Attempt:
        """The attempt that gets the finished answer."""
        at = self.position
        assert at is not None  # noqa: S101 - it was being picked up
        stored = _Stored(at.response_id, at.after, whole=True)
        return _Attempt(self._turn, self.wire_api, self.decoder, stored)

    async def batches(self) -> AsyncGenerator[Batch, None]:
        """The events up to the end, or up to what became `error`."""
        stored = self.stored
        try:
            build = self._request_builder() if stored is None else self._rest_builder(stored)
            sender = self._client._sender(build, self._turn.retries, self._turn.note_request)
        except SidestreamError as error:
            self.error = error
            return
        if self._turn.unsaid:
            yield Batch(self._turn.unsaid)
            self._turn.unsaid = []
            self._turn.said_without_images = True
        try:
            async with aclosing(sender.open()) as steps:
                async for step in steps:
                    if not isinstance(step, Exchange):
                        if stored is not None and isinstance(step, Reconnecting):
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
            self._client.stats.skipped_frames += self.decoder.skipped - self._skipped

    def _request_builder(self) -> Callable[[Mapping[str, str]], HttpRequest]:
        client = self._client
        options = self._turn.options.model_copy(update={"wire_api": self.wire_api})
        if not options.model:
            raise SidestreamError(
                ErrorKind.CONFIGURATION,
                "No model is chosen.",
                hint="Choose a model in the settings.",
            )
        build = build_chat_request if self.wire_api is WireApi.CHAT else build_responses_request
        payload = build(self._turn.prompt(), options, client.provider)
        payload = self._turn.changed(payload, self.wire_api)
        self.request = payload
        text = json.dumps(payload, ensure_ascii=False, separators=(",", ":"))
        body = text.encode("utf-8", "replace")
        url = client.provider.url(self.wire_api.path, model=options.model)

        def request(auth_headers: Mapping[str, str]) -> HttpRequest:
            request_id = client._request_id()
            headers = request_headers(client.provider, auth_headers, options, request_id=request_id)
            return HttpRequest("POST", url, headers, body)

        return request

    def _rest_builder(self, stored: _Stored) -> Callable[[Mapping[str, str]], HttpRequest]:
        client, options = self._client, self._turn.options
        named = options.model or options.include is not None
        include = included(options, client.provider, self._turn.tools) if named else []
        params = [("include[]", name) for name in include]
        path = _path_of(stored.response_id)
        if stored.whole:
            accept = "application/json"
            return client._stored_request("GET", path, options, params=params, accept=accept)
        params += [("stream", "true"), ("starting_after", str(stored.after))]
        return client._stored_request("GET", path, options, params=params)

    async def _answer(self, sender: Sender, exchange: Exchange) -> AsyncGenerator[Batch, None]:
        """The events of an answer of 2xx. Sets `error` if it ends badly."""
        response = exchange.response
        assert response is not None  # noqa: S101 - open() promises it
        self.answered = True
        if self.stored is None:
            self.decoder = decoder_for(
                self.wire_api,
                now=self._client._now,
                faster_model=response.headers.get("x-codex-safety-buffering-faster-model"),
            )
        if events := self._turn.header_events(response.headers):
            yield Batch(events)
        body = _Body()
        try:
            async with aclosing(self._decode(exchange, body)) as batches:
                async for batch in batches:
                    yield batch
            if self.stored and not self.whole and body.is_stream and not self._brought_anything:
                # There is nothing after the last frame that was read. The whole tells why.
                self.under_way = True
            if self.under_way:
                return
            error = self._error_at_end(sender, response, body)
        except SidestreamError as failure:
            # A connection that breaks, or hangs, after the last word does no harm.
            error = self.decoder.error if self.decoder.complete else _broken(failure)
        if error is None:
            if events := self.decoder.close():
                yield Batch(events)
            return
        self.may_be_repeated = _may_be_repeated(self.decoder)
        if not body.is_stream:
            # The whole body is there; only these two say that another one would differ.
            passing = (ErrorKind.RATE_LIMITED, ErrorKind.SERVER_OVERLOADED)
            self.may_be_repeated = error.kind in passing
        error.request_id = error.request_id or request_id_of(response.headers)
        self.error = without_secrets(error, sender.secrets())
        sender.record(self.error, response, bytes(body.head))

    async def _decode(self, exchange: Exchange, body: _Body) -> AsyncGenerator[Batch, None]:
        """Bytes to events, to the end of the answer or of the stream."""
        frames = SSEDecoder()
        decoder = self.decoder
        known = self.stored
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
            for start in range(0, len(data), _AT_ONCE_BYTES):
                if start:
                    await asyncio.sleep(0)
                new = frames.feed_data(data[start : start + _AT_ONCE_BYTES])
                if new:
                    last_frame = now()
                if known is not None:
                    new, known = _new_frames(new, known)
                events = Events(joined=self._turn.joined)
                decoder.feed_all(new, events)
                if events:
                    if self._background and (at := self.position):
                        events.response_id, events.sequence_number = at.response_id, at.after
                    yield events.join()
                if decoder.done:
                    return
            limit_ms = self._client.provider.stream_idle_timeout_ms * COMMENTS_FACTOR
            if body.is_stream and now() - last_frame > limit_ms / 1000:
                raise timeout_error(limit_ms)
            if decoder.complete and exchange.timeout_ms > GRACE_MS:
                exchange.timeout_ms = GRACE_MS
        if last := frames.end_data():
            events = Events(joined=self._turn.joined)
            decoder.feed_all(last, events)
            yield events.join()
            if decoder.done:
                return
        if body.whole[:1] == b"{":
            if self.stored is not None and response_status(body.whole) in _UNDER_WAY:
                self.under_way = True
                return
            yield Batch(decoder.feed_body(body.whole))

    def _error_at_end(
        self, sender: Sender, response: HttpResponse, body: _Body
    ) -> SidestreamError | None:
        """What is wrong with an answer that has ended without breaking."""
        decoder = self.decoder
        if decoder.done:
            return decoder.error
        if not body.is_stream or not _SSE_LINE.search(body.head):
            return self._client._bad_body(sender, response, bytes(body.head))
        if decoder.complete:
            return decoder.error
        if decoder.foreign:
            api = "Chat Completions" if self.wire_api is WireApi.CHAT else "the Responses API"
            return bad_response(f"The server's answer is not one of {api}.")
        if self.wire_api is WireApi.CHAT:
            return stream_closed("stream closed before the answer was finished")
        return stream_closed("stream closed before response.completed")


class _Body:
    """Tells a stream from a whole body by its first bytes, since servers mislabel both."""

    def __init__(self) -> None:
        self.is_stream = True
        self.head = bytearray()
        """The first bytes, for diagnosis."""
        self._pieces: list[bytes] = []
        self._size = 0
        self._decided = False

    @property
    def whole(self) -> bytes:
        """The body, if it is no stream."""
        return b"".join(self._pieces)

    def add(self, data: bytes) -> bytes:
        """Take the next bytes and return those that belong to a stream."""
        if len(self.head) < _HEAD_BYTES:
            self.head += data[: _HEAD_BYTES - len(self.head)]
        self._size += len(data)
        if self._decided and self.is_stream:
            if self._size > MAX_ANSWER_BYTES:
                raise bad_response(f"The answer is longer than {MAX_ANSWER_BYTES:,} bytes.")
            return data
        if self._size > MAX_BODY_BYTES:
            raise bad_response(f"The server's answer is larger than {MAX_BODY_BYTES:,} bytes.")
        if not self._decided:
            data = data.lstrip(_BLANK)
            if not data:
                return b""
            self._decided = True
            self.is_stream = data[:1] not in b'{[<"'
            if self.is_stream:
                return data
        self._pieces.append(data)
        return b""


def _new_frames(frames: list[bytes], known: _Stored) -> tuple[list[bytes], _Stored | None]:
    """The frames without those that were read before the answer was picked up.

    Not every server leaves them out. ``None``: from here on all are new.
    """
    new = []
    for index, frame in enumerate(frames):
        number = sequence_number_of(frame)
        if number is None:
            new.append(frame)
        elif number > known.after:
            return new + frames[index:], None
    return new, known


def _path_of(response_id: str) -> str:
    return f"{WireApi.RESPONSES.path}/{quote(response_id, safe='')}"


def _gone(error: SidestreamError) -> SidestreamError:
    """The error for an answer that the provider does not give out (any more)."""
    if error.status not in (400, 404, 405, 410, 422):
        return error
    return SidestreamError(
        ErrorKind.NOT_FOUND,
        "The provider does not have this answer any more.",
        hint="What came is kept. Ask the model to go on, or send the message again.",
        status=error.status,
        request_id=error.request_id,
        server_code=error.server_code,
        server_message=error.server_message,
    )


def _too_late(deadline_ms: int) -> SidestreamError:
    """The error for an answer that was not finished by its deadline."""
    return SidestreamError(
        ErrorKind.TIMEOUT,
        f"The answer was not finished within {deadline_ms / 1000:g} s.",
        hint="What arrived is kept. Try again, or allow more time.",
        retryable=True,
    )


def _still_queued(waited_s: float) -> SidestreamError:
    """The error for an answer that the provider keeps and does not finish."""
    return SidestreamError(
        ErrorKind.TIMEOUT,
        f"The provider has not finished the answer for {round(waited_s / 60)} minutes.",
        hint="What arrived is kept. Send the message again, or without the background setting.",
    )


def _is_bound(item: ResponseItem) -> bool:
    """Whether an item holds what is for its origin alone."""
    return isinstance(item, ReasoningItem) or bool(item.id or item.extra)


def _without_raw(batch: Batch) -> Batch:
    """The batch without raw reasoning in its items."""
    for place, event in enumerate(batch):
        if isinstance(event, OutputItemDone) and isinstance(event.item, ReasoningItem):
            item = event.item.model_copy(update={"content": None, "extra": None})
            batch[place] = event.model_copy(update={"item": item})
    return batch


_UNDER_WAY = ("queued", "in_progress")
_BLANK = b" \t\r\n\xef\xbb\xbf"
_SSE_LINE = re.compile(rb"(?:^|[\r\n])(?:\xef\xbb\xbf)?(?:data|event|id|retry)?:")


def _may_be_repeated(decoder: Decoder) -> bool:
    """Whether asking again continues the answer.

    Not when a finished call waits for its output, and not when nothing but the closing words is
    missing after a whole message: another answer would be said twice.
    """
    items = decoder.finished_items
    if decoder.holds_call or any(_is_call(item) for item in items):
        return False
    last = items[-1] if items else None
    whole = isinstance(last, MessageItem) and last.role == "assistant"
    return decoder.has_open or not whole


def _is_call(item: ResponseItem) -> bool:
    if isinstance(item, ToolSearchCallItem):
        return item.execution == "client"
    return isinstance(item, (FunctionCallItem, CustomToolCallItem, LocalShellCallItem))


def _lacks_endpoint(error: SidestreamError | None) -> bool:
    return error is not None and error.status in (404, 405) and error.kind is ErrorKind.NOT_FOUND


def _broken(error: SidestreamError) -> SidestreamError:
    if error.kind is not ErrorKind.NETWORK:
        return error
    return stream_closed(error.message)


def _told_again(item: ResponseItem) -> Iterator[ResponseEvent]:
    """The deltas of an item that come before its `OutputItemDone`."""
    if isinstance(item, MessageItem):
        yield OutputItemAdded(item=item.model_copy(update={"content": []}))
        for part in item.content:
            if isinstance(part, Refusal):
                yield RefusalDelta(delta=part.refusal, item_id=item.id)
            elif isinstance(part, OutputText):
                yield OutputTextDelta(delta=part.text, item_id=item.id)
    elif isinstance(item, ReasoningItem):
        yield OutputItemAdded(item=item.model_copy(update={"summary": [], "content": None}))
        for index, summary in enumerate(item.summary):
            yield ReasoningSummaryPartAdded(summary_index=index)
            yield ReasoningSummaryDelta(delta=summary.text, summary_index=index)
        for index, content in enumerate(item.content or []):
            yield ReasoningContentDelta(delta=content.text, content_index=index)


def _reasoning(item: ReasoningItem, raw: bool) -> str:
    parts = [part.text for part in item.summary if part.text]
    if parts or not raw:
        return "\n\n".join(parts)
    return "".join(part.text for part in item.content or [])
