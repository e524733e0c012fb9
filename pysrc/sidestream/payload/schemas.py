"""JSON schemas of tools, reduced to the keywords that a receiver reads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sidestream.receivers import SchemaRules

_NESTED = 4
"""References are followed to this depth, since definitions may refer to themselves."""

# Google's Schema (ai.google.dev/api/caching#Schema). Other keywords are refused: "Unknown
# name \"const\" at …: Cannot find field." (zed#44875, openswarm#24, CLIProxyAPI#97).
GEMINI_FIELDS = {
    *("type", "format", "title", "description", "nullable", "enum", "items", "minItems"),
    *("maxItems", "properties", "required", "minProperties", "maxProperties", "minimum"),
    *("maximum", "minLength", "maxLength", "pattern", "anyOf", "propertyOrdering", "default"),
}
# "only 'enum' and 'date-time' are supported for STRING type"
GEMINI_FORMATS = {"enum", "date-time", "int32", "int64", "float", "double"}

_DEFINITIONS = ("$defs", "definitions")


def fitting_schema(schema: dict[str, Any], rules: SchemaRules) -> dict[str, Any]:
    """Return the schema, reduced to what the receiver reads."""
    if rules == "any":
        return schema
    fit = _gemini if rules == "gemini" else _moonshot
    return fit(schema, schema, 0)


# --- both --------------------------------------------------------------------------------------


def _resolved(
    schema: dict[str, Any], root: dict[str, Any], depth: int
) -> tuple[dict[str, Any], int]:
    """Resolve a reference. Returns the schema and the number of references around it."""
    while isinstance(reference := schema.get("$ref"), str):
        rest = {name: value for name, value in schema.items() if name != "$ref"}
        depth += 1
        target: Any = root
        for step in reference.removeprefix("#").strip("/").split("/"):
            step = step.replace("~1", "/").replace("~0", "~")
            target = target.get(step) if isinstance(target, dict) else None
        if depth > _NESTED or not isinstance(target, dict):
            return {"type": "object", **rest}, depth
        schema = {**target, **rest}
    return schema, depth


def _listed(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _required(schema: dict[str, Any]) -> list[str]:
    """The required properties that exist, since both receivers refuse others."""
    properties = schema.get("properties") or {}
    names = schema.get("required")
    return [name for name in names if name in properties] if isinstance(names, list) else []


# --- Gemini ------------------------------------------------------------------------------------


def _gemini(schema: dict[str, Any], root: dict[str, Any], depth: int) -> dict[str, Any]:
    schema, depth = _resolved(schema, root, depth)
    schema = dict(schema)
    for part in _listed(schema.pop("allOf", None)):
        schema = _both(schema, _resolved(part, root, depth)[0])
    if "oneOf" in schema:
        schema.setdefault("anyOf", schema["oneOf"])
    if "const" in schema:
        schema.setdefault("enum", [schema["const"]])
    _bounds(schema)
    _types(schema)
    alternatives = _listed(schema.get("anyOf"))
    real = [part for part in alternatives if part.get("type") != "null"]
    if len(real) < len(alternatives):
        schema["nullable"] = True
    if len(real) == 1:
        schema.pop("anyOf")
        return _gemini({**real[0], **_said(schema)}, root, depth)
    kept = {name: schema[name] for name in schema if name in GEMINI_FIELDS}
    if real:
        kept["anyOf"] = [_gemini(part, root, depth) for part in real]
    else:
        kept.pop("anyOf", None)
    if isinstance(kept.get("properties"), dict):
        kept["properties"] = {
            name: _gemini(part, root, depth)
            for name, part in kept["properties"].items()
            if isinstance(part, dict)
        }
        kept.setdefault("type", "object")
    if "required" in kept and not (required := _required(kept)):
        del kept["required"]
    elif "required" in kept:
        kept["required"] = required
    if kept.get("type") == "array" or "items" in kept:
        # "missing array items" (cline#7339)
        items = kept.get("items")
        kept["items"] = _gemini(items, root, depth) if isinstance(items, dict) else _TEXT
    _enumeration(kept)
    if kept.get("format") not in GEMINI_FORMATS:
        kept.pop("format", None)
    return kept


_TEXT: dict[str, Any] = {"type": "string"}


def _both(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    merged = {**second, **first}
    if isinstance(first.get("properties"), dict) and isinstance(second.get("properties"), dict):
        merged["properties"] = {**first["properties"], **second["properties"]}
    required = [*(first.get("required") or []), *(second.get("required") or [])]
    return {**merged, "required": list(dict.fromkeys(required))} if required else merged


def _said(schema: dict[str, Any]) -> dict[str, Any]:
    return {name: schema[name] for name in ("description", "title", "nullable") if name in schema}


def _bounds(schema: dict[str, Any]) -> None:
    for name, field in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        value = schema.get(name)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            schema.setdefault(field, value)


def _types(schema: dict[str, Any]) -> None:
    kinds = schema.get("type")
    if not isinstance(kinds, list):
        return
    real = [kind for kind in kinds if kind != "null"]
    if len(real) < len(kinds):
        schema["nullable"] = True
    if len(real) == 1:
        schema["type"] = real[0]
        return
    del schema["type"]
    if real:
        schema.setdefault("anyOf", [{"type": kind} for kind in real])


def _enumeration(kept: dict[str, Any]) -> None:
    """Keep an enumeration only if it is one of strings."""
    values = kept.get("enum")
    if values is None:
        return
    texts = [value for value in values if isinstance(value, str) and value] if values else []
    if texts and kept.get("type", "string") == "string":
        kept |= {"type": "string", "enum": texts}
        return
    del kept["enum"]
    if values:
        note = "One of: " + ", ".join(map(str, values)) + "."
        kept["description"] = " ".join(filter(None, [kept.get("description"), note]))


# --- Moonshot ----------------------------------------------------------------------------------


def _moonshot(schema: dict[str, Any], root: dict[str, Any], depth: int) -> dict[str, Any]:
    """Inline references, and move ``type`` into ``anyOf`` (kimi-cli#2061, kimi-cli#2531)."""
    top = schema is root
    schema, depth = _resolved(schema, root, depth)
    schema = {name: value for name, value in schema.items() if name not in _DEFINITIONS}
    schema.pop("$schema", None)
    alternatives = _listed(schema.get("anyOf"))
    if alternatives and not top:
        kind = schema.pop("type", None)
        schema["anyOf"] = [
            _moonshot({**({"type": kind} if kind else {}), **part}, root, depth)
            for part in alternatives
        ]
    elif alternatives:
        # The root must be an object, so its alternatives are dropped.
        del schema["anyOf"]
    if isinstance(schema.get("properties"), dict):
        schema["properties"] = {
            name: _moonshot(part, root, depth) if isinstance(part, dict) else part
            for name, part in schema["properties"].items()
        }
        if "required" in schema:
            schema["required"] = _required(schema)
    for name in ("items", "additionalProperties"):
        if isinstance(schema.get(name), dict):
            schema[name] = _moonshot(schema[name], root, depth)
    if top or "properties" in schema:
        schema.setdefault("type", "object")
    elif not _is_typed(schema):
        _infer(schema)
    return schema


def _is_typed(schema: dict[str, Any]) -> bool:
    return any(name in schema for name in ("type", "anyOf", "oneOf", "allOf"))


def _infer(schema: dict[str, Any]) -> None:
    """Add a missing type. Without one: "type is not defined" (pi#4138)."""
    values: Sequence[Any] = schema.get("enum") or [schema.get("const", "")]
    names = {bool: "boolean", int: "number", float: "number"}
    kinds = {names.get(type(value), "string") for value in values}
    schema["type"] = kinds.pop() if len(kinds) == 1 else "string"
