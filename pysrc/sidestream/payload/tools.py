"""Tools and tool choice in the form of each wire API."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sidestream.errors import ErrorKind, SidestreamError
from sidestream.payload.schemas import fitting_schema
from sidestream.receivers import Receiver
from sidestream.texts import text
from sidestream.types.items import CustomToolCallItem, FunctionCallItem, ResponseItem
from sidestream.types.tools import CustomTool, FunctionTool, NamespaceTool, ToolSpec

_NAMESPACE_BORDER = "__"
SWITCHED_OFF = "Not available any more: do not call it."
"""The description of a tool that is declared only because the history calls it."""
_MODES = frozenset({"auto", "none", "required"})


def flat_name(namespace: str | None, name: str) -> str:
    """The name of a tool in a namespace, for servers without namespaces."""
    return f"{namespace}{_NAMESPACE_BORDER}{name}" if namespace else name


def flatten(tools: Sequence[ToolSpec]) -> list[ToolSpec]:
    """Return the tools without namespaces: their members become tools with longer names."""
    flat: list[ToolSpec] = []
    for tool in tools:
        if isinstance(tool, NamespaceTool):
            flat += [
                member.model_copy(update={"name": flat_name(tool.name, member.name)})
                for member in tool.tools
            ]
        else:
            flat.append(tool)
    return flat


def original_names(tools: Sequence[ToolSpec], receiver: Receiver) -> dict[str, str]:
    """Map the names that are sent to the tools' own names, where they differ."""
    names = (tool.name for tool in flatten(tools) if isinstance(tool, (FunctionTool, CustomTool)))
    return {sent: name for name in names if (sent := receiver.fit_name(name)) != name}


def stubs(items: Sequence[ResponseItem]) -> list[ToolSpec]:
    """Declare the tools that a history calls, for servers that refuse undeclared calls."""
    names = {
        flat_name(item.namespace, item.name): None
        for item in items
        if isinstance(item, (FunctionCallItem, CustomToolCallItem))
    }
    return [FunctionTool(name=name, description=SWITCHED_OFF) for name in names]


def _check_names(tools: Sequence[ToolSpec]) -> None:
    seen: set[str] = set()
    for tool in tools:
        name = getattr(tool, "name", None)
        if name is None:
            continue
        if name in seen:
            message = text("error_same_tool_name", name=repr(name))
            hint = text("hint_same_tool_name")
            raise SidestreamError(ErrorKind.CONFIGURATION, message, hint=hint)
        seen.add(name)


def _function(tool: FunctionTool, receiver: Receiver) -> dict[str, Any]:
    function = tool.model_dump(exclude_none=True)
    function["name"] = receiver.fit_name(tool.name)
    # Several servers take an empty schema for a missing one.
    schema = tool.parameters or {"type": "object", "properties": {}}
    function["parameters"] = fitting_schema(schema, receiver.schemas)
    return function


def _member(tool: FunctionTool | CustomTool, receiver: Receiver) -> dict[str, Any]:
    if isinstance(tool, FunctionTool):
        return _function(tool, receiver)
    return {**tool.model_dump(exclude_none=True), "name": receiver.fit_name(tool.name)}


def responses_tools(
    tools: Sequence[ToolSpec], *, namespaces: bool, receiver: Receiver | None = None
) -> list[dict[str, Any]]:
    """Return tools for the Responses API. ``namespaces`` is whether the server knows them.

    A function's ``strict`` is always sent, since this API's default is true.
    """
    receiver = receiver or Receiver()
    if not namespaces:
        tools = flatten(tools)
    _check_names(tools)
    wire = []
    for tool in tools:
        if isinstance(tool, NamespaceTool):
            members = [_member(member, receiver) for member in tool.tools]
            name = receiver.fit_name(tool.name)
            wire.append({**tool.model_dump(exclude_none=True), "name": name, "tools": members})
        elif isinstance(tool, (FunctionTool, CustomTool)):
            wire.append(_member(tool, receiver))
        else:
            wire.append(tool.model_dump(exclude_none=True))
    return wire


def chat_tools(
    tools: Sequence[ToolSpec], *, receiver: Receiver | None = None
) -> list[dict[str, Any]]:
    """Return tools for Chat Completions, which know functions only.

    Raises `SidestreamError` of kind ``unsupported`` for a tool of another kind: without it the
    model would answer as if the tool had never been offered.
    """
    receiver = receiver or Receiver()
    tools = flatten(tools)
    _check_names(tools)
    wire = []
    for tool in tools:
        if not isinstance(tool, FunctionTool):
            label = f"{tool.type} ({tool.name})" if isinstance(tool, CustomTool) else tool.type
            raise SidestreamError(
                ErrorKind.UNSUPPORTED,
                text("error_chat_tool", tool=label),
                hint=text("hint_chat_tool"),
            )
        function = _function(tool, receiver)
        del function["type"]
        function.pop("defer_loading", None)
        if not tool.strict:
            # Some strict servers refuse even the API's default.
            del function["strict"]
        if receiver.schemas == "gemini" and not function["parameters"].get("properties"):
            # "should be non-empty for OBJECT type"
            del function["parameters"]
        wire.append({"type": "function", "function": function})
    return wire


def responses_tool_choice(
    choice: str | dict[str, Any], receiver: Receiver | None = None
) -> str | dict[str, Any]:
    """Return a mode, a tool's name or an object of either API in the Responses API's form."""
    fit = (receiver or Receiver()).fit_name
    if isinstance(choice, str):
        return choice if choice in _MODES else {"type": "function", "name": fit(choice)}
    function = choice.get("function")
    if isinstance(function, dict):
        return {"type": "function", "name": fit(function.get("name", ""))}
    return choice


def chat_tool_choice(
    choice: str | dict[str, Any], receiver: Receiver | None = None
) -> str | dict[str, Any]:
    """Return a mode, a tool's name or an object of either API in Chat Completions' form."""
    fit = (receiver or Receiver()).fit_name
    if isinstance(choice, str):
        if choice in _MODES:
            return choice
        return {"type": "function", "function": {"name": fit(choice)}}
    if choice.get("type") == "function" and "name" in choice:
        return {"type": "function", "function": {"name": fit(choice["name"])}}
    return choice
