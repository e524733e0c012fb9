"""The tools `read_page` and `read_selection`: what the user is looking at in the browser."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

from pydantic import Field

from sidestream.session.tools import Arguments, ToolOutput

ReadPage = Callable[[str, str], Awaitable[str]]
"""Reads the page of the window whose panel shows a conversation. Takes its id and the page that
the user approved, or "" for any. Returns ``{"page": PageText}`` of
``shared/protocol.js`` as JSON, or ``{"error": TurnError}``."""

PART = 16_000
"""How many characters one call returns, so that the middle of the output is not cut out."""


class ReadArguments(Arguments):
    """Where to begin to read."""

    start: int = Field(
        default=0,
        ge=0,
        description="How many characters to skip. A long text is given in parts: the output says "
        "where the next one begins.",
    )


class PageTool:
    """Reads the page that the user is looking at.

    Args:
        read: Reads the page.

    """

    name = "read_page"
    description = (
        "Reads the web page that the user is looking at, beside this conversation: its title, its "
        "address and its text. It only reads: it cannot open, change or click anything. Use it "
        "when the user asks about the page, this site, this article and the like."
    )
    arguments = ReadArguments
    time_limit_s = 60.0

    def __init__(self, read: ReadPage) -> None:
        self._read = read

    async def run(self, arguments: Any, conversation_id: str) -> ToolOutput:
        """Read the page."""
        result = json.loads(await self._read(conversation_id, arguments.approved_page or ""))
        if error := result.get("error"):
            message = " ".join(filter(None, [error["message"], error.get("hint")]))
            return ToolOutput(f"error: {message} Tell the user.", failed=True)
        return ToolOutput(_output_of(result["page"], arguments.start))


class SelectionTool(PageTool):
    """Reads what the user has selected in the page.

    Args:
        read: Reads the page.

    """

    name = "read_selection"
    description = (
        "Reads the text that the user has selected in the web page beside this conversation. Use "
        "it when the user speaks of the selection, or of this passage, sentence or word."
    )


def _output_of(page: dict[str, Any], start: int) -> str:
    """The output for the model."""
    text: str = page["text"]
    part = text[start : start + PART]
    end = start + len(part)
    header = [
        page.get("missing", ""),
        f"Title: {page['title']}",
        f"Address: {page['url']}" if page["url"] else "",
        f"Language: {page['language']}" if page.get("language") else "",
        f"Characters {start} to {end} of {len(text)}." if len(part) < len(text) else "",
        f"The next part begins with start={end}." if end < len(text) else "",
    ]
    return "\n".join(filter(None, header)) + f"\n\n{part or 'There is nothing from there on.'}"
