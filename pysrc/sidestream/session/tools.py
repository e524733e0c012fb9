"""Tools that a turn may use: declared once, called by the model, run here with the user's leave."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from pydantic import BaseModel, ConfigDict, ValidationError

from sidestream.types.items import FunctionCallItem
from sidestream.types.tools import FunctionTool

Permission = Literal["ask", "always", "never"]
"""Whether a tool may act: each time on the user's word, in this conversation without, or not."""
MAX_OUTPUT = 20_000
"""Characters of an output that go to the model; what is longer loses its middle."""

_log = logging.getLogger(__name__)


class Arguments(BaseModel):
    """What a tool is called with: the model gets its JSON schema, and what does not fit it back."""

    model_config = ConfigDict(extra="forbid")


@dataclass(frozen=True)
class ToolOutput:
    """What a call gave."""

    text: str
    """For the model, and for the user."""
    failed: bool = False
    shown: dict[str, Any] = field(default_factory=dict)
    """For the user alone: figures, files."""


class Tool(Protocol):
    """Something that the model may call."""

    @property
    def name(self) -> str:
        """What the model calls it."""
        ...

    @property
    def description(self) -> str:
        """What the model is told of it."""
        ...

    @property
    def arguments(self) -> type[Arguments]:
        """What it is called with."""
        ...

    @property
    def time_limit_s(self) -> float:
        """A call that takes longer is given up; in seconds."""
        ...

    async def run(self, arguments: Any, conversation_id: str) -> ToolOutput:
        """Do it, with validated arguments. What is raised is told as a failure."""
        ...


class Tools:
    """The tools of a conversation, and whether they may act.

    Args:
        tools: All there are.
        permissions: By name; a tool without an entry is not offered.

    """

    def __init__(
        self, tools: Iterable[Tool] = (), permissions: dict[str, Permission] | None = None
    ) -> None:
        self._tools = {tool.name: tool for tool in tools}
        self._permissions = permissions or {}

    def specs(self) -> list[FunctionTool]:
        """What the model is offered."""
        return [_spec(tool) for tool in self._tools.values() if self._may(tool.name) != "never"]

    def _may(self, name: str) -> Permission:
        return self._permissions.get(name, "never")

    async def call(
        self,
        item: FunctionCallItem,
        conversation_id: str,
        ask: Callable[[], Awaitable[bool]],
    ) -> ToolOutput:
        """Carry out a call of the model. Never raises: what went wrong is for the model to read.

        ``ask`` asks the user, and says whether the call may be carried out.
        """
        tool = self._tools.get(item.name)
        if tool is None or self._may(item.name) == "never":
            names = ", ".join(spec.name for spec in self.specs()) or "none"
            return _failure(f"There is no tool {item.name!r}. There are: {names}.")
        try:
            arguments = tool.arguments.model_validate_json(item.arguments or "{}")
        except ValidationError as error:
            return _failure(f"The arguments are not right. {_mistakes(error)}")
        if self._may(tool.name) == "ask" and not await ask():
            return _failure("The user did not allow this call. Do not try it again unasked.")
        try:
            async with asyncio.timeout(tool.time_limit_s):
                output = await tool.run(arguments, conversation_id)
        except TimeoutError:
            return _failure(f"It took longer than {tool.time_limit_s:.0f} s and was given up.")
        except Exception as error:
            _log.exception("A tool failed")
            return _failure(f"The tool failed ({type(error).__name__}).")
        return ToolOutput(_bounded(output.text), output.failed, output.shown)


def _spec(tool: Tool) -> FunctionTool:
    schema = tool.arguments.model_json_schema()
    schema.pop("title", None)
    schema.pop("description", None)
    for described in schema.get("properties", {}).values():
        described.pop("title", None)
    return FunctionTool(name=tool.name, description=tool.description, parameters=schema)


def _failure(text: str) -> ToolOutput:
    return ToolOutput(f"error: {text}", failed=True)


def _mistakes(error: ValidationError) -> str:
    found = [
        f"{'.'.join(map(str, mistake['loc'])) or 'arguments'}: {mistake['msg']}"
        for mistake in error.errors(include_url=False, include_input=False)
    ]
    return json.dumps(found, ensure_ascii=False)


def _bounded(text: str) -> str:
    if len(text) <= MAX_OUTPUT:
        return text
    half = MAX_OUTPUT // 2
    left_out = len(text) - 2 * half
    return f"{text[:half]}\n[... {left_out} characters left out ...]\n{text[-half:]}"
