"""`sidestream.session.chat.Store` over IndexedDB."""

from __future__ import annotations

import json
from typing import Any

from sidestream.browser.host import Host
from sidestream.errors import ErrorKind, SidestreamError
from sidestream.session.conversation import Conversation


class BrowserStore:
    """Conversations in the database of ``runtime/database.js``."""

    def __init__(self, host: Host) -> None:
        self._host = host

    async def load(self) -> dict[str, Any] | None:
        """The current conversation's record."""
        text = await self._host.load()
        return json.loads(text) if text else None

    async def open(self, conversation_id: str) -> dict[str, Any] | None:
        """Make a stored conversation the current one."""
        text = await self._host.open(conversation_id)
        return json.loads(text) if text else None

    async def begin(self, conversation: Conversation) -> None:
        """Make a new conversation the current one."""
        _check(await self._host.begin(conversation.id, conversation.created_at))

    async def save(self, conversation_id: str, turn: str) -> None:
        """Write a turn's record."""
        _check(await self._host.save(conversation_id, turn))

    async def remove(self, conversation_id: str, turn_id: str) -> None:
        """Remove a turn's record."""
        _check(await self._host.remove(conversation_id, turn_id))


def _check(failure: str) -> None:
    if failure:
        error = json.loads(failure)
        raise SidestreamError(
            ErrorKind.INTERNAL,
            f"The conversation could not be stored. {error['message']}",
            hint=error.get("hint", ""),
            retryable=True,
        )
