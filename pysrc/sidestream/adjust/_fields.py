"""The fields of a request: which are optional, and where a name in an error leads."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from sidestream.adjust._change import Change, Request
from sidestream.adjust._schemas import SCHEMA_KEYWORDS

# A request may lose these fields and still ask for the same thing.
OPTIONAL_FIELDS = (
    *("stream_options", "parallel_tool_calls", "tool_choice", "reasoning_effort", "verbosity"),
    *("reasoning.effort", "reasoning.summary", "reasoning.context", "reasoning"),
    *("text.verbosity", "temperature", "top_p", "max_tokens", "max_completion_tokens"),
    *("max_output_tokens", "store", "include", "metadata", "client_metadata", "service_tier"),
    *("prompt_cache_key", "background"),
)
# Servers and gateways call the fields by these names as well.
_OTHER_NAMES = {
    "effort": ("reasoning_effort", "reasoning.effort"),
    "reasoning_effort": ("reasoning.effort",),
    "thinking": ("reasoning_effort", "reasoning.effort"),
    "summary": ("reasoning.summary",),
    "verbosity": ("text.verbosity",),
    "max_tokens": ("max_output_tokens",),
}
# These names are also English words. They count only in quotes or as the error's `param`.
ENGLISH_WORDS = frozenset(
    {"include", "store", "reasoning", "metadata", "background", "temperature"}
)
# An element of a list, such as a message or a tool, needs these fields to mean the same thing.
_ESSENTIAL_FIELDS = frozenset(
    {
        *("role", "content", "type", "name", "arguments", "call_id", "output", "tool_calls"),
        *("tool_call_id", "function", "parameters", "text", "image_url", "url", "summary"),
        *("refusal", "input", "input_audio", "data", "properties", "required", "items", "enum"),
        *("anyOf", "description", "action", "custom", "format", "result", "queries", "code"),
    }
)

_INDEXES = re.compile(r"\d{1,9}|[A-Za-z_$][\w$-]*")


def path_tokens(name: str) -> list[str]:
    """The keys and indexes in the name of a field, such as ``body.messages[0].content``."""
    tokens = _INDEXES.findall(name)
    return tokens[1:] if tokens[:1] in (["body"], ["$"], ["request"]) else tokens


def removable_path(name: str, request: Request) -> str | None:
    """The path of the field that a name means; None if the request needs that field."""
    path = _path_along(request, path_tokens(name))
    if path is not None:
        if "[]" in path:
            leaf = path.rpartition(".")[2]
            if path.startswith("tools[]") and leaf in SCHEMA_KEYWORDS:
                return f"schema:{leaf}"
            # A whole message, call or tool is never removed.
            return None if leaf in _ESSENTIAL_FIELDS or path.endswith("[]") else path
        # If a part of an optional field is refused, the whole field is removed.
        return next((p for p in OPTIONAL_FIELDS if path == p or path.startswith(f"{p}.")), None)
    plain = name.strip(".")
    leaf = (path_tokens(plain) or [""])[-1]
    for known in (plain, *_OTHER_NAMES.get(plain, ()), *_OTHER_NAMES.get(leaf, ())):
        if known in OPTIONAL_FIELDS and has_path(request, known):
            return known
    if not leaf or leaf in _ESSENTIAL_FIELDS or leaf == "id":
        return None
    paths = (f"{container}.{leaf}" for container in _CONTAINERS)
    return next((path for path in paths if has_path(request, path)), None)


_CONTAINERS = ("messages[]", "input[]", "tools[].function", "tools[]", "messages[].tool_calls[]")


def _path_along(value: Any, tokens: Sequence[str]) -> str | None:
    """The path that the tokens lead to; tags that validators insert between them are skipped."""
    path = ""
    for place, token in enumerate(tokens):
        last = place == len(tokens) - 1
        if isinstance(value, list) and token.isdigit():
            if int(token) >= len(value):
                return None
            value, path = value[int(token)], f"{path}[]"
        elif isinstance(value, dict) and token in value:
            value, path = value[token], f"{path}.{token}" if path else token
        elif last or not path:
            return None
    return path or None


def value_at(value: Any, tokens: Sequence[str]) -> Any:
    """The value that the tokens lead to; None if there is none."""
    for token in tokens:
        if isinstance(value, list) and token.isdigit() and int(token) < len(value):
            value = value[int(token)]
        elif isinstance(value, dict) and token in value:
            value = value[token]
        else:
            return None
    return value


def has_path(value: Any, path: str) -> bool:
    """Whether the path leads to a field, in any element where it has ``[]``."""
    head, _, rest = path.partition(".")
    name = head.removesuffix("[]")
    if not isinstance(value, dict) or name not in value:
        return False
    inner = value[name]
    parts = inner if head.endswith("[]") and isinstance(inner, list) else [inner]
    return not rest or any(has_path(part, rest) for part in parts)


def change_at_path(value: Any, path: Sequence[str], change: Change) -> Any:
    """The value with one field dropped, renamed or set; an object that gets empty is dropped."""
    head, *rest = path
    name = head.removesuffix("[]")
    if not isinstance(value, dict) or name not in value:
        return value
    inner = value[name]
    if rest:
        if head.endswith("[]") and isinstance(inner, list):
            inner = [change_at_path(part, rest, change) for part in inner]
        else:
            inner = change_at_path(inner, rest, change)
        if inner == {}:
            return {key: part for key, part in value.items() if key != name}
        return {**value, name: inner}
    if change.action == "set":
        return {**value, name: change.value}
    if change.action == "rename":
        return {str(change.value) if key == name else key: part for key, part in value.items()}
    return {key: part for key, part in value.items() if key != name}
