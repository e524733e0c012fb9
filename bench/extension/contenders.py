"""Sidestream's readers; this runs in the worker's Python."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

from sidestream.browser.fetch import browser_fetch
from sidestream.client import Client
from sidestream.decode import decoder_for
from sidestream.decode._events import Events
from sidestream.prompt import Prompt
from sidestream.provider import Provider
from sidestream.session.chats import Chats
from sidestream.session.connection import Connection
from sidestream.session.conversation import ConversationSettings
from sidestream.sse import SSEDecoder
from sidestream.types.events import OutputTextDelta


class NoStore:
    """A storage that keeps nothing, since the peers keep nothing either."""

    async def load(self, conversation_id: str) -> None:
        """Find nothing."""

    async def attachment(self, conversation_id: str, attachment_id: str) -> None:
        """Find nothing."""

    async def recall(self, name: str) -> str:
        """Find nothing."""
        return ""

    async def remember(self, name: str, text: str) -> None:
        """Keep nothing."""

    async def unfinished(self) -> list[str]:
        """Find nothing."""
        return []

    async def save(self, head: str, turn: str) -> None:
        """Write nothing."""

    async def remove(self, head: str, turn_id: str) -> None:
        """Find nothing."""


def contenders(host: Any) -> SimpleNamespace:
    """What `worker.js` calls. Each reader gives the number of characters that it has read."""
    provider = Provider(name="bench", base_url="https://bench.invalid/v1", request_max_retries=0)
    client = Client(provider=provider, fetch=browser_fetch(host), model="bench-model")

    async def read_chat() -> int:
        over = asyncio.Event()

        def busy(is_busy: bool) -> None:
            if not is_busy:
                over.set()

        async def connect(own: ConversationSettings) -> Connection:
            return Connection(client=client, model="bench-model", origin="bench")

        chats = Chats(store=NoStore(), post=host.post, connect=connect, busy=busy)
        message = {"panel": 1, "conversation": "c", "id": "turn", "text": "Hello"}
        for command in ("Join", "Send"):
            chats.receive({"type": command, **message})
        await over.wait()
        turn = chats.opened["c"].conversation.turns[0]
        if turn.error:
            raise RuntimeError(turn.error)
        return length_of(turn.text)

    async def read_client() -> int:
        length = 0
        async for event in client.stream(Prompt.from_text("Hello")):
            if isinstance(event, OutputTextDelta):
                length += length_of(event.delta)
        return length

    def decode(chunks: list[bytes]) -> int:
        frames, decoder = SSEDecoder(), decoder_for("responses")
        length = 0
        for chunk in chunks:
            events = Events()
            decoder.feed_all(frames.feed_data(chunk), events)
            for event in events:
                if isinstance(event, OutputTextDelta):
                    length += length_of(event.delta)
        return length

    def to_bytes(chunks: Any) -> list[bytes]:
        return [chunk.to_bytes() for chunk in chunks]

    return SimpleNamespace(chat=read_chat, client=read_client, decode=decode, bytes=to_bytes)


def length_of(text: str) -> int:
    """Count the characters as JavaScript does."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le")) // 2
