"""A tool call's name, id and arguments, as models and servers write them."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from sidestream._json import parse


def as_json_text(value: Any) -> str | None:
    """Arguments as the JSON text that the API promises; several servers send the parsed object."""
    if isinstance(value, str):
        return value
    return json.dumps(value) if isinstance(value, (dict, list)) else None


def unwrapped(text: str) -> str:
    """The arguments in a JSON string that holds them: some models write the object as a text."""
    if not text.lstrip().startswith('"'):
        return text
    try:
        inner = parse(text)
        return inner if isinstance(inner, str) and isinstance(parse(inner), dict) else text
    except ValueError:
        return text


def plain_name(name: str) -> str:
    """A tool's name without the marks of the chat format that gpt-oss writes after it."""
    return name.partition("<|")[0].rstrip() or name


def call_id_for(*parts: object) -> str:
    """A call id for a server that gave none: the same for the same answer, unlike any other's."""
    digest = hashlib.sha256("/".join(map(str, parts)).encode("utf-8", "replace"))
    return f"call_{digest.hexdigest()[:24]}"
