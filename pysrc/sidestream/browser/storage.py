"""`sidestream.session.writer.Store` over IndexedDB."""

from __future__ import annotations

import json
from typing import Any

from sidestream.browser.host import Host
from sidestream.errors import ErrorKind, SidestreamError


class BrowserStore:
    """Stores conversations in the database of ``worker/storage/``."""

    def __init__(self, host: Host) -> None:
        self._host = host

    async def load(self, conversation_id: str) -> dict[str, Any] | None:
        """Return a conversation with the records of its turns."""
        answer = json.loads(await self._host.load(conversation_id))
        if error := answer.get("error"):
            raise _error("The conversation could not be read.", error)
        data: dict[str, Any] | None = answer["conversation"]
        return data

    async def unfinished(self) -> list[str]:
        """Return the conversations with an unfinished turn."""
        answer = json.loads(await self._host.unfinished())
        if error := answer.get("error"):
            raise _error("The conversations could not be read.", error)
        found: list[str] = answer["conversations"]
        return found

    async def save(self, head: str, turn: str) -> None:
        """Write the conversation's head and a turn's record."""
        _check(await self._host.save(head, turn))

    async def remove(self, head: str, turn_id: str) -> None:
        """Remove a turn's record."""
        _check(await self._host.remove(head, turn_id))

    async def attachment(self, conversation_id: str, attachment_id: str) -> str | None:
        """Return the content of an attachment."""
        answer = json.loads(await self._host.load_attachment(conversation_id, attachment_id))
        if error := answer.get("error"):
            raise _error("An attachment could not be read.", error)
        content: str | None = answer["content"]
        return content

    async def recall(self, name: str) -> str:
        """Return a text that belongs to no conversation."""
        return await self._host.recall(name)

    async def remember(self, name: str, text: str) -> None:
        """Store a text that belongs to no conversation."""
        _check(await self._host.remember(name, text))


def _check(failure: str) -> None:
    if failure:
        raise _error("The conversation could not be stored.", json.loads(failure))


def _error(what: str, error: dict[str, Any]) -> SidestreamError:
    message = f"{what} {error['message']}"
    hint = error.get("hint", "")
    return SidestreamError(ErrorKind.INTERNAL, message, hint=hint, retryable=True)
