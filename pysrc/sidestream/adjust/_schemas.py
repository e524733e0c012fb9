"""The JSON schemas of a request's tools, without the keywords that a server refuses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sidestream.adjust._change import Request

# Keywords of JSON schemas that only narrow what is described otherwise.
SCHEMA_KEYWORDS = (
    *("$schema", "$id", "$defs", "$ref", "additionalProperties", "const", "default", "examples"),
    *("exclusiveMaximum", "exclusiveMinimum", "format", "maxItems", "maxLength", "maximum"),
    *("minItems", "minLength", "minimum", "multipleOf", "oneOf", "allOf", "not", "pattern"),
    *("patternProperties", "propertyNames", "title", "uniqueItems", "nullable"),
    *("maxProperties", "minProperties", "dependentRequired", "unevaluatedProperties"),
)
# Those that can go without anything else having to change.
_REMOVABLE_KEYWORDS = frozenset(SCHEMA_KEYWORDS) - {
    "$defs",
    "$ref",
    "oneOf",
    "allOf",
    "not",
    "const",
}


def remove_schema_details(request: Request, _: Any) -> Request:
    return remove_schema_keywords(request, _REMOVABLE_KEYWORDS)


def remove_schema_keywords(request: Request, keywords: frozenset[str]) -> Request:
    """The request with tools whose schemas do not use the keywords."""
    tools = []
    for tool in request.get("tools") or ():
        if isinstance(tool, dict) and isinstance(tool.get("function"), dict):
            function = tool["function"]
            if "parameters" in function:
                parameters = _without_keywords(function["parameters"], keywords)
                tool = {**tool, "function": {**function, "parameters": parameters}}
        elif isinstance(tool, dict) and "parameters" in tool:
            tool = {**tool, "parameters": _without_keywords(tool["parameters"], keywords)}
        tools.append(tool)
    return {**request, "tools": tools} if tools else request


def _without_keywords(schema: Any, names: frozenset[str]) -> Any:
    """A schema without these keywords; the names of properties are not keywords."""
    if isinstance(schema, list):
        return [_without_keywords(part, names) for part in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        name: (
            {key: _without_keywords(part, names) for key, part in value.items()}
            if name in ("properties", "$defs") and isinstance(value, dict)
            else _without_keywords(value, names)
        )
        for name, value in schema.items()
        if name not in names
    }


def used_keywords(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for part in value:
            yield from used_keywords(part)
    elif isinstance(value, dict):
        for name, part in value.items():
            if name in SCHEMA_KEYWORDS:
                yield name
            yield from used_keywords(part)
