"""Tools that a turn may use: declared once, called by the model, run here with the user's leave."""

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
"""Whether a tool may act: each time on the user's word, in this conversation without, or not."""
DEFAULT_CALLS = 25
"""How often a turn may go on with the outputs of its calls, unless the user says otherwise."""
MAX_OUTPUT = 20_000
"""Characters of an output that go to the model; what is longer loses its middle."""

_log = logging.getLogger(__name__)


class ToolLimits(BaseModel):
    """How far a turn may go by itself. What is None has no limit, ``calls`` `DEFAULT_CALLS`."""

    model_config = ConfigDict(extra="ignore")

    calls: int | None = Field(default=None, gt=0)
    """How often the model may be called again with the outputs of its calls."""
    seconds: int | None = Field(default=None, gt=0)
    """How long it may take, without the time in which it waits for the user's leave."""
    tokens: int | None = Field(default=None, gt=0)
    """With how many tokens used, as far as the provider tells them, it is not gone on with."""


class Arguments(BaseModel):
    """What a tool is called with: the model gets its JSON schema, and what does not fit it back."""

    model_config = ConfigDict(extra="forbid")
    _agreed_page: str | None = PrivateAttr(default=None)

    @property
    def agreed_page(self) -> str | None:
        """The page that the user was shown when saying yes to this call; None: was not asked."""
        return self._agreed_page

    def with_leave(self, leave: Leave) -> None:
        """Note what the user has agreed to. The model cannot set it."""
        self._agreed_page = leave.page


@dataclass(frozen=True)
class Leave:
    """The user's word on a call."""

    allowed: bool
    page: str | None = None
    """The page that was shown with the question, as the browser's side knows it."""


@dataclass(frozen=True)
class ToolOutput:
    """What a call gave."""

    text: str
    """For the model, and for the user."""
    failed: bool = False
    shown: dict[str, Any] = field(default_factory=dict)
    """For the user alone: figures, files."""
    ours: bool = False
    """These are our own words, and nothing that a tool gave."""
    status: str = "completed"
    """How the call ended, in a word."""


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
        notes: By name: what the model is told of a tool in this conversation, beside its
            description.

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
        """What the model is offered."""
        offered = (tool for tool in self._tools.values() if self._may(tool.name) != "never")
        return [_spec(tool, self._notes.get(tool.name, "")) for tool in offered]

    def _may(self, name: str) -> Permission:
        return self._permissions.get(name, "never")

    async def call(
        self,
        item: FunctionCallItem,
        conversation_id: str,
        ask: Callable[[], Awaitable[Leave]],
        begin: Callable[[], Awaitable[None]],
    ) -> ToolOutput:
        """Carry out a call of the model. Never raises: what went wrong is for the model to read.

        ``ask`` asks the user, and says whether the call may be carried out; ``begin`` is awaited
        right before it is.
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
            leave = await ask()
            if not leave.allowed:
                refused = "The user did not allow this call. Do not try it again unasked."
                return _failure(refused, status="refused")
            arguments.with_leave(leave)
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
    """The arguments of a call, also where a model has encoded them twice, or sends them bare.

    Some models know a tool ``python`` of their own, which takes code as it is. What may be JSON
    that was cut off is never taken for such a text.
    """
    try:
        return kind.model_validate_json(text)
    except ValidationError:
        value = _loosely_read(text)
        if isinstance(value, str) and value.lstrip().startswith("{"):
            # Encoded twice, and perhaps not whole.
            value = _loosely_read(value, bare=False)
        if isinstance(value, str) and value.strip() and (name := _only_text(kind)):
            value = {name: value}
        if not isinstance(value, dict):
            raise
        return kind.model_validate(value)


def _loosely_read(text: str, *, bare: bool = True) -> Any:
    """The JSON value, with line breaks in its strings; or the text, where it can be no JSON."""
    try:
        return parse(text)
    except ValueError:
        begin = text.lstrip()
        is_json = begin.startswith(("{", '"')) and not begin.startswith('"""')
        return None if is_json or not bare or not begin else text


def _only_text(kind: type[Arguments]) -> str | None:
    """The name of the one argument, where there is but one, and it is a text that is required."""
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
    # Names and arguments in it are the model's own, and may be of any length.
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
