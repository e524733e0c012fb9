"""The settings that one conversation can have of its own."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, ValidationError

from sidestream.session.blocks import Stored
from sidestream.session.tools import Permission, ToolLimits

CompactionMode = Literal["summarise", "trim", "off"]


class ConversationSettings(Stored):
    """The settings that a conversation has of its own. None: as in the provider profile."""

    profile: str | None = None
    """The id of the provider profile. None: the active one."""
    model: str | None = None
    instructions: str | None = None
    effort: str | None = None
    verbosity: Literal["low", "medium", "high"] | None = None
    summary: Literal["off", "auto", "concise", "detailed"] | None = None
    """The summary of the reasoning."""
    temperature: float | None = Field(default=None, ge=0, le=2, allow_inf_nan=False)
    top_p: float | None = Field(default=None, ge=0, le=1, allow_inf_nan=False)
    max_output_tokens: int | None = Field(default=None, gt=0)
    compaction: CompactionMode | None = None
    tools: dict[str, Permission] | None = None
    """The permissions of the tools, by name; a tool without an entry is not offered."""
    network: list[str] | None = None
    """The hosts that the sandbox's Python may reach, as ``api.example.com`` or
    ``localhost:8000``."""
    vector_stores: list[str] | None = None
    """The ids of the vector stores that the provider's file search uses."""
    limits: ToolLimits | None = None
    """How far a turn may continue without the user."""


def readable_settings(data: Any) -> ConversationSettings:
    """The stored settings, without those that cannot be read."""
    readable = dict(data) if isinstance(data, dict) else {}
    try:
        return ConversationSettings.model_validate(readable)
    except ValidationError as error:
        for mistake in error.errors(include_url=False, include_context=False):
            readable.pop(mistake["loc"][0], None)
    try:
        return ConversationSettings.model_validate(readable)
    except ValidationError:
        return ConversationSettings()
