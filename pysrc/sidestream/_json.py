"""Parses untrusted JSON."""

from __future__ import annotations

import json
import re
from typing import Any

MAX_DEPTH = 200
"""As deep as pydantic's own parser goes."""
MAX_VALUES = 100_000
"""So many values take as long to read as a person waits without noticing."""
# A string without an end takes all the rest, so that the search stays linear.
_TOKEN = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)|[\[\]{}]', re.DOTALL)


_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)


def has_too_many_values(text: str | bytes) -> bool:
    """Whether JSON holds more values than `MAX_VALUES`, whatever their size."""
    if isinstance(text, str):
        # Only the ASCII characters count, and bytes are searched faster.
        text = text.encode("utf-8", "surrogatepass")
    if _marks(text) <= MAX_VALUES:
        return False
    # Each value and each name may be a string; then there is no need to leave strings out.
    if text.count(b'"') - text.count(b'\\"') > 4 * MAX_VALUES:
        return True
    return _marks(_STRING.sub(b"", text)) > MAX_VALUES


def _marks(text: bytes) -> int:
    return text.count(b",") + text.count(b"[") + text.count(b"{")


def parse(text: str | bytes, *, strict: bool = False) -> Any:
    """Like `json.loads`, with control characters allowed in strings unless ``strict``.

    Raises `ValueError` for everything that it cannot read, also for more values than `MAX_VALUES`,
    and for what is nested more deeply than `MAX_DEPTH`: under Pyodide the standard library's parser
    overflows the stack of the JavaScript engine then, which no ``except`` catches and Python does
    not survive.
    """
    if isinstance(text, (bytes, bytearray)):
        text = text.decode("utf-8-sig")
    if len(text) > MAX_VALUES and has_too_many_values(text):
        raise ValueError("too many values")
    if text.count("[") + text.count("{") > MAX_DEPTH and _is_deep(text):
        raise ValueError("nested too deeply")
    return json.loads(text, strict=strict)


def _is_deep(text: str) -> bool:
    depth = 0
    for token in _TOKEN.finditer(text):
        mark = token[0]
        if mark in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                return True
        elif mark in "]}":
            depth -= 1
    return False
