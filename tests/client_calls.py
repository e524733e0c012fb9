"""Calls of the client over a scripted provider."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import Any

from sidestream import (
    ApiKeyAuth,
    CallOptions,
    Client,
    Prompt,
    Provider,
    ResponseEvent,
    SidestreamError,
    WireApi,
)
from sidestream.testing import (
    ChatStream,
    FakeFetch,
    ResponsesStream,
    now,
    run,
)
from sidestream.types.events import (
    Completed,
    OutputItemDone,
    OutputTextDelta,
    Reconnecting,
)

KEY = "sk-test-1234567890abcdef"

PROMPT = Prompt.from_text("Hi")


def provider(wire_api: WireApi = WireApi.RESPONSES, **fields: Any) -> Provider:
    return Provider(name="Test", base_url="https://a.test/v1", wire_api=wire_api, **fields)


def client(fetch: FakeFetch, *, chat: bool = False, **fields: Any) -> Client:
    wire_api = WireApi.CHAT if chat else WireApi.RESPONSES
    settings = {"provider": provider(wire_api), "auth": ApiKeyAuth(KEY), "model": "m", **fields}
    return Client(fetch=fetch, now=now, random=lambda: 0.0, **settings)


class Turn:
    """One drained turn: its events, their times, and how it ended."""

    def __init__(self, *script: Any, options: CallOptions | None = None, **fields: Any) -> None:
        self.fetch = FakeFetch(*script)
        self.client = client(self.fetch, **fields)
        self.events: list[ResponseEvent] = []
        self.error: SidestreamError | None = None
        self.options = options
        run(self._main())
        assert [e for e in self.events if isinstance(e, Completed)] == self.events[-1:]
        assert self.fetch.all_closed

    async def _main(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            async with aclosing(self.client.stream(PROMPT, self.options)) as events:
                async for event in events:
                    self.events.append(event)
        except SidestreamError as error:
            self.error = error
        self.elapsed = loop.time()

    @property
    def types(self) -> list[str]:
        return [event.type for event in self.events]

    @property
    def text(self) -> str:
        """The text that a reader sees at the end."""
        shown, finished = "", ""
        for event in self.events:
            if isinstance(event, OutputTextDelta):
                shown += event.delta
            elif isinstance(event, Reconnecting):
                shown = finished
            elif isinstance(event, OutputItemDone):
                finished = shown
        return shown

    @property
    def items(self) -> list[Any]:
        return [event.item for event in self.events if isinstance(event, OutputItemDone)]

    @property
    def waits(self) -> list[Reconnecting]:
        return [event for event in self.events if isinstance(event, Reconnecting)]


def hello() -> ResponsesStream:
    return ResponsesStream().created().text("Hel", "lo").completed()


def chat_hello() -> ChatStream:
    return ChatStream().text("Hel", "lo").finish().usage().done()
