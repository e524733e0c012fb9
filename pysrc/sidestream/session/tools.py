"""The tools that the model may call: declared once, permitted by the user, and run here."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError

from sidestream._json import parse
from sidestream.types.items import FunctionCallItem
from sidestream.types.tools import FunctionTool

Permission = Literal["ask", "always", "never"]
"""Whether a tool may act: after an approval of each call, without one, or never."""
DEFAULT_CALLS = 25
"""How often a turn may continue with the outputs of its calls, unless the user chose a limit."""
MAX_OUTPUT = 20_000
"""How many characters of an output the model receives; a longer one loses its middle."""

_log = logging.getLogger(__name__)


class ToolLimits(BaseModel):
    """How far a turn continues without the user. None: no limit; of ``calls`` `DEFAULT_CALLS`."""

    model_config = ConfigDict(extra="ignore")

    calls: int | None = Field(default=None, gt=0)
    """How often the model may be called again with the outputs of its calls."""
    seconds: int | None = Field(default=None, gt=0)
    """How long it may take, without the time in which it waits for an approval."""
    tokens: int | None = Field(default=None, gt=0)
    """After how many tokens, as far as the provider reports them, it does not continue."""


class Arguments(BaseModel):
    """The arguments of a tool. The model receives their JSON schema, and the validation errors."""

    model_config = ConfigDict(extra="forbid")
    _approved_page: str | None = PrivateAttr(default=None)

    @property
    def approved_page(self) -> str | None:
        """The page that was shown when the user approved this call; None: without an approval."""
        return self._approved_page

    def with_approval(self, approval: Approval) -> None:
        """Note what the user has approved. The model cannot set it."""
        self._approved_page = approval.page


@dataclass(frozen=True)
class Approval:
    """The user's decision about a call."""

    allowed: bool
    page: str | None = None
    """The page that was shown with the question, as the browser's side knows it."""


@dataclass(frozen=True)
class ToolOutput:
    """The output of a call."""

    text: str
    """The text for the model and the user."""
    failed: bool = False
    shown: dict[str, Any] = field(default_factory=dict)
    """Artifacts that only the user sees: figures, files."""
    ours: bool = False
    """Whether the text is Sidestream's own, and not the output of a tool."""
    status: str = "completed"
    """The status with which the call ended."""


class Tool(Protocol):
    """Something that the model may call."""

    @property
    def name(self) -> str:
        """The name by which the model calls it."""
        ...

    @property
    def description(self) -> str:
        """The description that the model receives."""
        ...

    @property
    def arguments(self) -> type[Arguments]:
        """The model of its arguments."""
        ...

    @property
    def time_limit_s(self) -> float:
        """After how many seconds a call is cancelled."""
        ...

    async def run(self, arguments: Any, conversation_id: str) -> ToolOutput:
        """Carry out a call, with validated arguments. An exception becomes a failed output."""
        ...


class Tools:
    """The tools of a conversation, and their permissions.

    Args:
        tools: All tools that exist.
        permissions: By name; a tool without an entry is not offered.
        notes: By name: what is added to a tool's description in this conversation.

    """

    def __init__(
        self,
        tools: Iterable[Tool] = (),
        permissions: dict[str, Permission] | None = None,
        notes: Mapping[str, str] | None = None,
    ) -> None:
        self._tools = {tool.name: tool for tool in tools}
        self._permissions = permissions or {}
        self._notes = notes or {}

    def specs(self) -> list[FunctionTool]:
        """The tools that the model is offered."""
        offered = (tool for tool in self._tools.values() if self._may(tool.name) != "never")
        return [_spec(tool, self._notes.get(tool.name, "")) for tool in offered]

    def _may(self, name: str) -> Permission:
        return self._permissions.get(name, "never")

    async def call(
        self,
        item: FunctionCallItem,
        conversation_id: str,
        ask: Callable[[], Awaitable[Approval]],
        begin: Callable[[], Awaitable[None]],
    ) -> ToolOutput:
        """Carry out a call of the model. Never raises: the model receives failures as an output.

        ``ask`` asks the user for an approval; ``begin`` is awaited right before the tool runs.
        """
        tool = self._tools.get(item.name)
        if tool is None or self._may(item.name) == "never":
            names = ", ".join(spec.name for spec in self.specs()) or "none"
            why = f"There is no tool {item.name!r}. There are: {names}."
            return _failure(why, status="not_run")
        try:
            arguments = _read_arguments(tool.arguments, item.arguments or "{}")
        except ValidationError as error:
            return _failure(f"The arguments are not right. {_mistakes(error)}")
        if self._may(tool.name) == "ask":
            approval = await ask()
            if not approval.allowed:
                refused = "The user did not allow this call. Do not try it again unasked."
                return _failure(refused, status="refused")
            arguments.with_approval(approval)
        await begin()
        try:
            async with asyncio.timeout(tool.time_limit_s):
                output = await tool.run(arguments, conversation_id)
        except TimeoutError:
            return _failure(f"It took longer than {tool.time_limit_s:.0f} s and was given up.")
        except Exception as error:
            _log.exception("A tool failed")
            return _failure(f"The tool failed ({type(error).__name__}).")
        return replace(output, text=_bounded(output.text))


def _read_arguments(kind: type[Arguments], text: str) -> Arguments:
    """The arguments of a call, also if the model encoded them twice, or sends a plain text.

    Some models know another tool ``python``, which takes code as plain text. A text that may be
    cut-off JSON is never taken for a plain text.
    """
    try:
        return kind.model_validate_json(text)
    except ValidationError:
        value = _loosely_read(text)
        if isinstance(value, str) and value.lstrip().startswith("{"):
            # It was encoded twice, and may be cut off.
            value = _loosely_read(value, bare=False)
        if isinstance(value, str) and value.strip() and (name := _only_text(kind)):
            value = {name: value}
        if not isinstance(value, dict):
            raise
        return kind.model_validate(value)


def _loosely_read(text: str, *, bare: bool = True) -> Any:
    """The JSON value, whose strings may have line breaks; or the text if it cannot be JSON."""
    try:
        return parse(text)
    except ValueError:
        begin = text.lstrip()
        is_json = begin.startswith(("{", '"')) and not begin.startswith('"""')
        return None if is_json or not bare or not begin else text


def _only_text(kind: type[Arguments]) -> str | None:
    """The name of the only argument, if there is just one, which is a required text."""
    fields = [*kind.model_fields.items()]
    if len(fields) != 1:
        return None
    name, about = fields[0]
    return name if about.annotation is str and about.is_required() else None


def _spec(tool: Tool, note: str) -> FunctionTool:
    schema = tool.arguments.model_json_schema()
    schema.pop("title", None)
    schema.pop("description", None)
    for described in schema.get("properties", {}).values():
        described.pop("title", None)
    description = f"{tool.description} {note}".strip()
    return FunctionTool(name=tool.name, description=description, parameters=schema)


def _failure(text: str, *, status: str = "completed") -> ToolOutput:
    # The text quotes the model's names and arguments, which may have any length.
    return ToolOutput(_bounded(f"error: {text}"), failed=True, ours=True, status=status)


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
