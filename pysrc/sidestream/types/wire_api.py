"""The two wire APIs: OpenAI's Responses API and Chat Completions."""

from __future__ import annotations

from enum import StrEnum


class WireApi(StrEnum):
    """The API that a provider speaks."""

    RESPONSES = "responses"
    CHAT = "chat"

    @property
    def path(self) -> str:
        """The endpoint, relative to a provider's base URL."""
        return "responses" if self is WireApi.RESPONSES else "chat/completions"
