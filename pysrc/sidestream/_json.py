"""JSON that somebody else wrote."""

from __future__ import annotations

import json
import re
from typing import Any

MAX_DEPTH = 200
"""As deep as pydantic's own parser goes."""
_MAX_BRACKETS = 100_000
# A string without an end takes all the rest, so that the search stays linear.
_TOKEN = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)|[\[\]{}]', re.DOTALL)


def parse(text: str | bytes, *, strict: bool = False) -> Any:
    """Like `json.loads`, with control characters allowed in strings unless ``strict``.

    Raises `ValueError` for everything that it cannot read, also for what is nested more deeply than
    `MAX_DEPTH`: under Pyodide the standard library's parser overflows the stack of the JavaScript
    engine then, which no ``except`` catches and Python does not survive.
    """
    if isinstance(text, (bytes, bytearray)):
        text = text.decode("utf-8-sig")
    if text.count("[") + text.count("{") > MAX_DEPTH and _is_deep(text):
        raise ValueError("nested too deeply")
    return json.loads(text, strict=strict)


def _is_deep(text: str) -> bool:
    if text.count("[") + text.count("{") > _MAX_BRACKETS:
        return True
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
