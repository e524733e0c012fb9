"""Tools and tool choice, as each wire API wants them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sidestream.errors import ErrorKind, SidestreamError
from sidestream.types.tools import CustomTool, FunctionTool, NamespaceTool, ToolSpec

_NAMESPACE_BORDER = "__"
_MODES = frozenset({"auto", "none", "required"})


def flat_name(namespace: str | None, name: str) -> str:
    """The name of a namespace's tool, for servers that know no namespaces."""
    return f"{namespace}{_NAMESPACE_BORDER}{name}" if namespace else name


def split_flat_name(name: str, tools: Sequence[ToolSpec]) -> tuple[str | None, str]:
    """The namespace and the name that `flat_name` made one of, as far as ``tools`` holds them."""
    for tool in tools:
        if isinstance(tool, NamespaceTool):
            for member in tool.tools:
                if name == flat_name(tool.name, member.name):
                    return tool.name, member.name
    return None, name


def flatten(tools: Sequence[ToolSpec]) -> list[ToolSpec]:
    """Tools without namespaces: their members stand alone, under longer names."""
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


def _check_names(tools: Sequence[ToolSpec]) -> None:
    seen: set[str] = set()
    for tool in tools:
        name = getattr(tool, "name", None)
        if name is None:
            continue
        if name in seen:
            message = f"Two tools have the same name: {name!r}."
            hint = "Give each tool a name of its own."
            raise SidestreamError(ErrorKind.CONFIGURATION, message, hint=hint)
        seen.add(name)


def _function(tool: FunctionTool) -> dict[str, Any]:
    function = tool.model_dump(exclude_none=True)
    # Several servers take an empty schema for a missing one.
    function["parameters"] = tool.parameters or {"type": "object", "properties": {}}
    return function


def _member(tool: FunctionTool | CustomTool) -> dict[str, Any]:
    return _function(tool) if isinstance(tool, FunctionTool) else tool.model_dump(exclude_none=True)


def responses_tools(tools: Sequence[ToolSpec], *, namespaces: bool) -> list[dict[str, Any]]:
    """Tools for the Responses API; ``namespaces``: whether the server knows them."""
    if not namespaces:
        tools = flatten(tools)
    _check_names(tools)
    wire = []
    for tool in tools:
        if isinstance(tool, NamespaceTool):
            members = [_member(member) for member in tool.tools]
            wire.append({**tool.model_dump(exclude_none=True), "tools": members})
        elif isinstance(tool, FunctionTool):
            wire.append(_function(tool))
        else:
            wire.append(tool.model_dump(exclude_none=True))
    return wire


def chat_tools(tools: Sequence[ToolSpec]) -> list[dict[str, Any]]:
    """Tools for Chat Completions, which know functions only.

    Raises `SidestreamError` of kind ``unsupported`` for a tool of another kind: without it the
    model would answer as if the tool had never been offered.
    """
    tools = flatten(tools)
    _check_names(tools)
    wire = []
    for tool in tools:
        if not isinstance(tool, FunctionTool):
            label = f"{tool.type} ({tool.name})" if isinstance(tool, CustomTool) else tool.type
            raise SidestreamError(
                ErrorKind.UNSUPPORTED,
                f"Chat Completions cannot offer the tool {label}.",
                hint="Use the Responses API, or leave this tool out.",
            )
        function = _function(tool)
        del function["type"]
        function.pop("defer_loading", None)
        wire.append({"type": "function", "function": function})
    return wire


def responses_tool_choice(choice: str | dict[str, Any]) -> str | dict[str, Any]:
    """A mode, a tool's name, or an object of either API, as the Responses API writes it."""
    if isinstance(choice, str):
        return choice if choice in _MODES else {"type": "function", "name": choice}
    function = choice.get("function")
    if isinstance(function, dict):
        return {"type": "function", "name": function.get("name", "")}
    return choice


def chat_tool_choice(choice: str | dict[str, Any]) -> str | dict[str, Any]:
    """A mode, a tool's name, or an object of either API, as Chat Completions write it."""
    if isinstance(choice, str):
        if choice in _MODES:
            return choice
        return {"type": "function", "function": {"name": choice}}
    if choice.get("type") == "function" and "name" in choice:
        return {"type": "function", "function": {"name": choice["name"]}}
    return choice
