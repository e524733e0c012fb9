"""Answers of the Responses API as bytes, in the frames of a recorded one."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

RECORDED = Path(__file__).parent.parent / "tests/fixtures/streams/openai_responses_text.sse"
TEXT = Path(__file__).with_name("answer.md")

_DELTA = "response.output_text.delta"
_TOKEN = re.compile(r"\s?\w{1,6}|\s+|[^\w\s]{1,3}")
"""Four characters on average, as in the recording."""


def tokens(count: int) -> list[str]:
    """Return ``count`` pieces of Markdown text."""
    found = _TOKEN.findall(TEXT.read_text("utf-8"))
    return list(itertools.islice(itertools.cycle(found), count))


def pieces(characters: int, size: int) -> list[str]:
    """Return Markdown text of a given length, in pieces of a fixed size."""
    text = TEXT.read_text("utf-8")
    text = (text * (characters // len(text) + 1))[:characters]
    return [text[start : start + size] for start in range(0, characters, size)]


@cache
def _recorded() -> list[dict[str, Any]]:
    frames = RECORDED.read_text("utf-8").split("\n\n")
    return [json.loads(frame.split("data: ", 1)[1]) for frame in frames if "data: " in frame]


def answer(deltas: list[str]) -> tuple[list[bytes], list[bytes], list[bytes]]:
    """Return the frames of a whole answer: those before its deltas, its deltas, and those after."""
    before: list[bytes] = []
    after: list[bytes] = []
    text = "".join(deltas)
    numbers = itertools.count()
    template: dict[str, Any] = {}
    for event in _recorded():
        if event["type"] == _DELTA:
            template = event
        elif not template:
            before.append(_frame({**event, "sequence_number": next(numbers)}))
    middle = [
        _frame(
            {
                **template,
                "sequence_number": next(numbers),
                "delta": delta,
                "obfuscation": "aB3xYz9K"[: 8 - len(delta) % 8],
            }
        )
        for delta in deltas
    ]
    for event in itertools.dropwhile(lambda event: event["type"] != _DELTA, _recorded()):
        if event["type"] != _DELTA:
            whole = {**_with_text(event, text), "sequence_number": next(numbers)}
            after.append(_frame(whole))
    return before, middle, after


def chunks(deltas: list[str], per_chunk: int) -> list[bytes]:
    """Return a whole answer, with a given number of deltas in each chunk."""
    before, middle, after = answer(deltas)
    return [b"".join(before), *_joined(middle, per_chunk), b"".join(after)]


def messages(count: int, deltas: list[str]) -> bytes:
    """Return a whole answer of several messages, each with the same text."""
    text = "".join(deltas)
    events: list[dict[str, Any]] = [{"type": "response.created", "response": {"id": "resp_1"}}]
    for index in range(count):
        item = {"id": f"msg_{index}", "type": "message", "role": "assistant", "content": []}
        place = {"item_id": item["id"], "output_index": index, "content_index": 0}
        part = {"type": "output_text", "text": text, "annotations": []}
        events += [
            {"type": "response.output_item.added", "output_index": index, "item": item},
            *({"type": _DELTA, **place, "delta": delta} for delta in deltas),
            {"type": "response.output_text.done", **place, "text": text},
            {
                "type": "response.output_item.done",
                "output_index": index,
                "item": {**item, "content": [part]},
            },
        ]
    usage = {"input_tokens": 10, "output_tokens": 20, "total_tokens": 30}
    response = {"id": "resp_1", "status": "completed", "output": [], "usage": usage}
    events.append({"type": "response.completed", "response": response})
    return b"".join(_frame(event) for event in events)


def _joined(frames: list[bytes], count: int) -> Iterator[bytes]:
    for start in range(0, len(frames), count):
        yield b"".join(frames[start : start + count])


def _with_text(value: Any, text: str) -> Any:
    """Return the same event with another text."""
    if isinstance(value, list):
        return [_with_text(part, text) for part in value]
    if isinstance(value, dict):
        return {
            name: text
            if name == "text" and isinstance(part, str) and part
            else _with_text(part, text)
            for name, part in value.items()
        }
    return value


def _frame(event: dict[str, Any]) -> bytes:
    data = json.dumps(event, ensure_ascii=False, separators=(",", ":"))
    return f"event: {event['type']}\ndata: {data}\n\n".encode()
