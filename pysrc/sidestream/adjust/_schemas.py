"""The JSON schemas of a request's tools, without the keywords that a server refuses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sidestream.adjust._change import Request

# Keywords of JSON schemas that describe details, and that some servers refuse.
SCHEMA_KEYWORDS = (
    *("$schema", "$id", "$defs", "$ref", "additionalProperties", "const", "default", "examples"),
    *("exclusiveMaximum", "exclusiveMinimum", "format", "maxItems", "maxLength", "maximum"),
    *("minItems", "minLength", "minimum", "multipleOf", "oneOf", "allOf", "not", "pattern"),
    *("patternProperties", "propertyNames", "title", "uniqueItems", "nullable"),
    *("maxProperties", "minProperties", "dependentRequired", "unevaluatedProperties"),
)
# The keywords that can be removed without any other change to the schema.
_REMOVABLE_KEYWORDS = frozenset(SCHEMA_KEYWORDS) - {
    "$defs",
    "$ref",
    "oneOf",
    "allOf",
    "not",
    "const",
}


def remove_schema_details(request: Request, _: Any) -> Request:
    """The request without every keyword that can be removed."""
    return remove_schema_keywords(request, _REMOVABLE_KEYWORDS)


def remove_schema_keywords(request: Request, keywords: frozenset[str]) -> Request:
    """The request without these keywords in the schemas of its tools."""
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
    """A schema without these keywords. A property may have the name of a keyword, and stays."""
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
    """The keywords that occur in a value, at any depth."""
    if isinstance(value, list):
        for part in value:
            yield from used_keywords(part)
    elif isinstance(value, dict):
        for name, part in value.items():
            if name in SCHEMA_KEYWORDS:
                yield name
            yield from used_keywords(part)
