"""`Call`: one call of `Client.stream` or `Client.resume`, over all its attempts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import aclosing
from typing import Any

from sidestream._attempt import Attempt, CallContext, ResumePoint, may_be_repeated
from sidestream._endpoint import Endpoint
from sidestream._output import Output
from sidestream._polling import Polling
from sidestream._second_try import SecondTry
from sidestream.decode import Decoder
from sidestream.errors import ErrorKind, SidestreamError
from sidestream.failed_exchange import secrets_of
from sidestream.http import Retries
from sidestream.payload.chat import build_chat_request
from sidestream.payload.responses import build_responses_request
from sidestream.prompt import CallOptions, Prompt
from sidestream.rate_limits import header_events
from sidestream.texts import text
from sidestream.transport import HttpRequest
from sidestream.types.events import (
    Batch,
    OutputItemAdded,
    OutputItemDone,
    OutputTextDelta,
    ReasoningContentDelta,
    ReasoningSummaryDelta,
    ReasoningSummaryPartAdded,
    Reconnecting,
    RefusalDelta,
    ResponseEvent,
)
from sidestream.types.items import (
    MessageItem,
    OutputText,
    ReasoningItem,
    Refusal,
    ResponseItem,
)
from sidestream.types.tools import ToolSpec
from sidestream.types.wire_api import WireApi


class Call:
    """The budgets of a call, what has arrived so far, and what follows each attempt.

    Everything passes events on in batches, as the network brings them, since handing each event
    through every generator costs more than making it.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        prompt: Prompt | None,
        options: CallOptions,
        *,
        joined: bool,
        rest: tuple[Decoder, ResumePoint] | None = None,
        tools: Sequence[ToolSpec] = (),
    ) -> None:
        self.requests_sent = 0
        self.shows_raw_reasoning = options.show_raw_reasoning is not False
        self._endpoint = endpoint
        self._options = options
        self._prompt = prompt
        """``None`` when only the ``rest`` of an answer is asked for."""
        self._rest = rest
        tools = prompt.tools if prompt is not None else tools
        provider = endpoint.provider
        self._output = Output(provider, options, tools, raw=self.shows_raw_reasoning)
        self._retries = Retries(
            provider.request_max_retries, provider.stream_max_retries, endpoint.random
        )
        self._second_try = SecondTry(endpoint.adjustments, provider, options)
        self._polling = Polling()
        self._context = CallContext(
            endpoint=endpoint,
            options=options,
            tools=tools,
            joined=joined,
            retries=self._retries,
            make_payload=self._make_payload,
            take_notices=self._second_try.take_notices,
            header_events=self._new_header_events,
            on_send=self._note_request,
        )
        self._error: SidestreamError | None = None
        """Why the call failed. It is raised after the last event."""
        self._broken: SidestreamError | None = None
        """What broke the answer whose rest is asked for."""
        self._items: list[ResponseItem] = []
        """The finished items of attempts that broke later."""
        self._unfinished: Decoder | None = None
        """The decoder of the last broken attempt in which an item was unfinished."""
        self._header_events: list[ResponseEvent] = []
        """The header events that were given already."""

    async def batches(self) -> AsyncGenerator[Batch, None]:
        """All events as the caller sees them. Raises `SidestreamError` after the last one."""
        async with aclosing(self._attempts()) as batches:
            async for batch in batches:
                if self._output.prepare(batch):
                    yield batch
        if self._error is not None:
            raise self._error

    async def _attempts(self) -> AsyncGenerator[Batch, None]:
        """All events, `Completed` last and exactly once. Sets `_error` when the call fails."""
        endpoint = self._endpoint
        endpoint.stats.calls += 1
        endpoint.last_failed_exchange = None
        probe = (endpoint.provider.base_url, endpoint.auth.mode)
        wire_api = self._options.wire_api or endpoint.provider.wire_api
        probing = endpoint.auto_probe and self._options.wire_api is None
        if self._rest is not None:
            wire_api, probing = WireApi.RESPONSES, False
        if probing:
            wire_api = endpoint.probed.get(probe, WireApi.RESPONSES)
            probing = probe not in endpoint.probed
        attempt = Attempt(self._context, wire_api, *(self._rest or ()))
        try:
            while True:
                async with aclosing(attempt.batches()) as batches:
                    async for batch in batches:
                        yield batch
                error = attempt.error
                if probing and attempt.answered:
                    endpoint.probed[probe] = wire_api
                elif probing and wire_api is WireApi.RESPONSES and _lacks_endpoint(error):
                    wire_api = WireApi.CHAT
                    attempt = Attempt(self._context, wire_api)
                    continue
                if attempt.pending:
                    if attempt.whole:
                        try:
                            async for idle in self._polling.pause():
                                yield Batch([idle])
                        except SidestreamError as never:
                            self._error = never
                            yield self._last_events(attempt)
                            return
                    attempt = attempt.as_a_whole()
                    continue
                if error is None:
                    return
                if (notices := self._learn(attempt, error)) is not None:
                    if notices:
                        yield Batch(notices)
                    attempt = Attempt(self._context, wire_api)
                    continue
                if attempt.unavailable and error.status == 400 and not attempt.whole:
                    # OpenAI streams an answer for some minutes only, but keeps it for longer.
                    attempt = attempt.as_a_whole()
                    continue
                notice = self._retry(attempt, error)
                if notice is None:
                    yield self._last_events(attempt)
                    return
                yield Batch([notice])
                await asyncio.sleep(notice.delay_ms / 1000)
                resumes = notice.resumes
                attempt = attempt.resumed() if resumes else Attempt(self._context, wire_api)
        finally:
            endpoint.stats.retries += self._retries.count

    def _learn(self, attempt: Attempt, error: SidestreamError) -> list[ResponseEvent] | None:
        """Learn from a refusal, and return the notices before the second try.

        ``None``: the request cannot be sent in another form.
        """
        begun = attempt.decoder.finished_items or attempt.decoder.has_open
        if attempt.payload is None or begun:
            return None
        return self._second_try.learn(error, attempt.payload, attempt.wire_api)

    def _retry(self, attempt: Attempt, error: SidestreamError) -> Reconnecting | None:
        """Return the notice of the next attempt. ``None``: there is none, and `_error` is set."""
        if attempt.resumable and (not attempt.unavailable or error.retryable):
            if attempt.got_further:
                self._retries.restore()
            self._broken = error if not attempt.unavailable else self._broken
            notice = self._retries.after(error, stream=True)
            self._error = error if notice is None else None
            return notice and notice.model_copy(update={"resumes": True})
        if attempt.unavailable and self._prompt is None:
            self._error = _not_kept(error)
            return None
        repeatable = attempt.may_be_repeated
        if attempt.unavailable:
            # The provider does not keep the answer, so what broke the answer decides.
            error = self._broken or error
            repeatable = may_be_repeated(attempt.decoder)
        notice = None
        if self._prompt is not None and repeatable:
            notice = self._retries.after(error, stream=True)
        if notice is None:
            self._error = error
            return None
        self._items += attempt.decoder.finished_items
        if attempt.decoder.has_open:
            self._unfinished = attempt.decoder
        return notice

    def _make_payload(self, options: CallOptions) -> dict[str, Any]:
        is_chat = options.wire_api is WireApi.CHAT
        build = build_chat_request if is_chat else build_responses_request
        payload = build(self._continued_prompt(), options, self._endpoint.provider)
        return self._second_try.apply(payload, WireApi.CHAT if is_chat else WireApi.RESPONSES)

    def _continued_prompt(self) -> Prompt:
        """The prompt, with the items of the answer that are finished."""
        assert self._prompt is not None  # noqa: S101 - only the rest is asked for without it
        if not self._items:
            return self._prompt
        items = self._items
        if self._endpoint.provider.is_first_party:
            # It is unknown whether the provider has stored items of an answer that broke.
            items = [item.model_copy(update={"id": None}) for item in items]
        return self._prompt.model_copy(update={"input": [*self._prompt.input, *items]})

    def _note_request(self, request: HttpRequest) -> None:
        self.requests_sent += 1
        self._output.hide_secrets(secrets_of(request))

    def _new_header_events(self, headers: Mapping[str, str]) -> list[ResponseEvent]:
        """The events of a response's headers that no earlier attempt has given."""
        events = header_events(headers, now=self._endpoint.now())
        new = [event for event in events if event not in self._header_events]
        self._header_events += new
        return new

    def _last_events(self, attempt: Attempt) -> Batch:
        """The events that are left to give when the call fails."""
        events = Batch(self._new_header_events(attempt.failed_headers))
        decoder = attempt.decoder
        if self._unfinished is not None and not decoder.finished_items and not decoder.has_open:
            # `Reconnecting` has voided the unfinished item, but no better one has arrived.
            for event in self._unfinished.close():
                if isinstance(event, OutputItemDone):
                    events += [*_replay_deltas(event.item), event]
        events += decoder.close()
        return events


def _lacks_endpoint(error: SidestreamError | None) -> bool:
    return error is not None and error.status in (404, 405) and error.kind is ErrorKind.NOT_FOUND


def _not_kept(error: SidestreamError) -> SidestreamError:
    """The error for an answer that the provider does not give out (any more)."""
    if error.status not in (400, 404, 405, 410, 422):
        return error
    return SidestreamError(
        ErrorKind.NOT_FOUND,
        text("error_answer_gone"),
        hint=text("hint_answer_gone"),
        status=error.status,
        request_id=error.request_id,
        server_code=error.server_code,
        server_message=error.server_message,
    )


def _replay_deltas(item: ResponseItem) -> Iterator[ResponseEvent]:
    """The events of an item that come before its `OutputItemDone`."""
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
