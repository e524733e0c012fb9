"""Chunks of Chat Completions for the tests."""

from __future__ import annotations

from typing import Any


def chunk(finish: str | None = None, choice: dict[str, Any] | None = None, **delta: Any) -> Any:
    more = {"finish_reason": finish} if finish is not None else {}
    return {"id": "c", "choices": [{"index": 0, "delta": delta, **more, **(choice or {})}]}


def call(name: str | None = None, arguments: Any = None, **more: Any) -> Any:
    function = {"name": name, "arguments": arguments}
    given = {key: value for key, value in function.items() if value is not None}
    return chunk(tool_calls=[{"type": "function", "function": given, **more}])


STOP = chunk("stop")
