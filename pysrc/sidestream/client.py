"""`Client`: one client for both wire APIs. It streams turns, and collects them."""

from __future__ import annotations

import asyncio
import random as _random
import time
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import aclosing

from sidestream._attempt import ResumePoint
from sidestream._call import Call
from sidestream._endpoint import ClientStats, Endpoint
from sidestream._response_body import MAX_BODY_BYTES
from sidestream._times import duration_text
from sidestream._turn_result import ResultCollector, TurnResult
from sidestream.adjust import Adjustments
from sidestream.auth import Auth, NoAuth
from sidestream.decode import decoder_for_the_rest
from sidestream.echoes import echoes_of
from sidestream.errors import ErrorKind, SidestreamError, without_secrets
from sidestream.exchange import Exchange, read_body
from sidestream.failed_exchange import FailedExchange
from sidestream.http import Sender
from sidestream.model_list import parse_model_list
from sidestream.models import ModelInfo
from sidestream.prompt import CallOptions, Prompt
from sidestream.provider import Provider
from sidestream.texts import text
from sidestream.transport import Fetch
from sidestream.types.events import Batch, ResponseEvent
from sidestream.types.items import ResponseItem
from sidestream.types.tools import ToolSpec

__all__ = ["Client", "ClientStats", "TurnResult"]


class Client:
    """A client of one provider.

    A client holds no connection and may serve any number of calls at once.

    - ``fetch`` sends requests, such as `sidestream.native.httpx_fetch` on plain CPython.
    - ``model`` and ``defaults`` hold for every call that does not say otherwise.
    - ``now`` gives Unix time in seconds, and ``random`` numbers in [0, 1).
    - With ``auto_probe`` the Responses API is tried first, and Chat Completions where the server
      answers 404 or 405. The result is remembered by base URL and kind of authentication.
    - ``adjustments`` remembers what servers have refused. Clients may share it.
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
        self.defaults = CallOptions(model=model).over(defaults or CallOptions())
        self._endpoint = Endpoint(
            provider=provider,
            auth=auth or NoAuth(),
            fetch=fetch,
            now=now,
            random=random,
            auto_probe=auto_probe,
            adjustments=adjustments or Adjustments(),
        )

    def __repr__(self) -> str:
        return f"Client({self.provider.name!r}, model={self.defaults.model!r})"

    @property
    def provider(self) -> Provider:
        """The provider that is asked."""
        return self._endpoint.provider

    @provider.setter
    def provider(self, provider: Provider) -> None:
        self._endpoint.provider = provider

    @property
    def auth(self) -> Auth:
        """The credentials for it."""
        return self._endpoint.auth

    @auth.setter
    def auth(self, auth: Auth) -> None:
        self._endpoint.auth = auth

    @property
    def stats(self) -> ClientStats:
        """What the client has counted since it was made."""
        return self._endpoint.stats

    @property
    def last_failed_exchange(self) -> FailedExchange | None:
        """The last request that failed, redacted. It is cleared when a call begins."""
        return self._endpoint.last_failed_exchange

    async def stream(
        self, prompt: Prompt, options: CallOptions | None = None
    ) -> AsyncGenerator[ResponseEvent, None]:
        """Stream one turn as events, in the order that `sidestream.types.events` describes.

        The last event is always `Completed`. If the turn failed, `SidestreamError` is raised after
        it. Closing the iterator (``aclose``, or cancelling the task) aborts the request at once;
        use ``async with aclosing(client.stream(...)) as events`` to be sure of that.
        """
        call = self._call(prompt, options, joined=False)
        async with aclosing(call.batches()) as batches:
            async for batch in batches:
                for event in batch:
                    yield event

    def stream_batches(
        self, prompt: Prompt, options: CallOptions | None = None
    ) -> AsyncGenerator[Batch, None]:
        """Stream one turn in batches, each of which holds what the network brought at once.

        Deltas of one text that arrive together are joined into one event. That is less work than
        `stream`, for the client and for whoever shows the text.
        """
        return self._call(prompt, options, joined=True).batches()

    def resume(
        self,
        response_id: str,
        after: int,
        options: CallOptions | None = None,
        *,
        finished_items: Iterable[ResponseItem] = (),
        tools: Sequence[ToolSpec] = (),
    ) -> AsyncGenerator[Batch, None]:
        """Stream the rest of an answer that was asked for with ``background``.

        Resuming works in another process and after the answer has ended. The batches are those of
        `stream_batches`, and deltas continue where they stopped. When the provider can no longer
        stream the answer, whole items arrive as soon as it is finished, without the deltas before
        them. If the answer fails, an item that had begun may end without an `OutputItemDone`; what
        was given of it stays valid.

        ``response_id`` and ``after`` are those of the last `Batch` that was kept,
        ``finished_items`` the items that the answer had finished by then, and ``tools`` those that
        the model was offered: the outputs of the provider's own tools have to be asked for.

        Raises `SidestreamError` after `Completed` as `stream` does. Its kind is ``not_found`` when
        the provider no longer has the answer.
        """
        options = (options or CallOptions()).over(self.defaults)
        decoder = decoder_for_the_rest(response_id, finished_items, now=self._endpoint.now)
        rest = (decoder, ResumePoint(response_id, after))
        return Call(self._endpoint, None, options, joined=True, rest=rest, tools=tools).batches()

    async def cancel(self, response_id: str, options: CallOptions | None = None) -> None:
        """End an answer that was asked for with ``background``, which closing a stream does not.

        Raises `SidestreamError`.
        """
        options = (options or CallOptions()).over(self.defaults)
        build = self._endpoint.build_for_stored(
            "POST", response_id, options, action="/cancel", accept="application/json"
        )
        async with aclosing(self._endpoint.sender(build).open()) as steps:
            async for step in steps:
                if isinstance(step, Exchange):
                    await step.aclose()

    async def complete(
        self,
        prompt: Prompt,
        options: CallOptions | None = None,
        *,
        deadline_ms: int | None = None,
    ) -> TurnResult:
        """Collect one turn. An error is returned beside what arrived before it, not raised.

        ``deadline_ms`` limits the time of the turn, with all its retries and waits. What has
        arrived by then is in the result, beside an error of kind ``timeout``.
        """
        call = self._call(prompt, options, joined=False)
        collected = ResultCollector(raw=call.shows_raw_reasoning)
        try:
            async with asyncio.timeout(None if deadline_ms is None else deadline_ms / 1000):
                async with aclosing(call.batches()) as batches:
                    async for batch in batches:
                        for event in batch:
                            collected.take(event)
        except SidestreamError as error:
            collected.result.error = error
        except TimeoutError:
            collected.result.error = _deadline_error(deadline_ms or 0)
        result = collected.finished()
        result.attempts = call.requests_sent
        return result

    async def list_models(self) -> list[ModelInfo]:
        """List the provider's models, from its ``/models``.

        Raises `SidestreamError`, also when the response is not a list of models.
        """
        self._endpoint.last_failed_exchange = None
        sender = self._endpoint.sender(self._endpoint.build_get_models())
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
            error = failure
            if body.lstrip()[:1] not in (b"{", b"["):
                error = self._endpoint.bad_body(sender, exchange.response, body)
            sender.record(error, exchange.response, body)
            raise error from None

    def _call(self, prompt: Prompt, options: CallOptions | None, *, joined: bool) -> Call:
        options = (options or CallOptions()).over(self.defaults)
        return Call(self._endpoint, prompt, options, joined=joined)


def _deadline_error(deadline_ms: int) -> SidestreamError:
    """The error for an answer that was not finished by its deadline."""
    return SidestreamError(
        ErrorKind.TIMEOUT,
        text("error_deadline", duration=duration_text(deadline_ms)),
        hint=text("hint_deadline"),
        retryable=True,
    )
