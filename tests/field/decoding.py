"""Reads the bytes of an answer as the client does, and builds frames for the tests."""

from __future__ import annotations

import json
from typing import Any

from sidestream.decode import decoder_for
from sidestream.decode._events import Events
from sidestream.sse import SSEDecoder
from sidestream.types import events as ev
from tests.decode.conftest import Outcome, check

DONE = b"data: [DONE]\n\n"


def sse(*frames: Any) -> bytes:
    """Frames of JSON data, or of text as it is."""
    texts = [frame if isinstance(frame, str) else json.dumps(frame) for frame in frames]
    return "".join(f"data: {text}\n\n" for text in texts).encode()


def chunk(finish: str | None = None, **delta: Any) -> dict[str, Any]:
    """A chunk of Chat Completions."""
    return {"id": "c", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


def chat(*deltas: dict[str, Any], finish: str = "stop") -> bytes:
    """A whole answer of Chat Completions."""
    return sse(*(chunk(**delta) for delta in deltas), chunk(finish)) + DONE


def call(name: str | None = None, arguments: Any = None, **more: Any) -> dict[str, Any]:
    """A delta with a piece of one tool call."""
    function = {"name": name, "arguments": arguments}
    given = {key: value for key, value in function.items() if value is not None}
    return {"tool_calls": [{"function": given, **more}]}


def message(text: str, item_id: str = "m") -> dict[str, Any]:
    """A finished message of the Responses API."""
    content = [{"type": "output_text", "text": text, "annotations": []}] if text else []
    return {"id": item_id, "type": "message", "role": "assistant", "content": content}


def added(item: dict[str, Any], index: int = 0) -> dict[str, Any]:
    """``response.output_item.added``."""
    return {"type": "response.output_item.added", "output_index": index, "item": item}


def done(item: dict[str, Any], index: int = 0) -> dict[str, Any]:
    """``response.output_item.done``."""
    return {"type": "response.output_item.done", "output_index": index, "item": item}


def text(delta: str, item_id: str = "m", index: int = 0) -> dict[str, Any]:
    """``response.output_text.delta``."""
    kind = "response.output_text.delta"
    return {"type": kind, "item_id": item_id, "output_index": index, "delta": delta}


def completed(*output: dict[str, Any], **more: Any) -> dict[str, Any]:
    """``response.completed``."""
    response = {"id": "r", "status": "completed", "output": list(output), **more}
    return {"type": "response.completed", "response": response}


def responses(*deltas: str, whole: bool = True) -> bytes:
    """A message of the Responses API. With ``whole``, its text is repeated as OpenAI does."""
    said = message("".join(deltas))
    frames = [added(message("")), *(text(delta) for delta in deltas)]
    if whole:
        part = {"item_id": "m", "output_index": 0, "content_index": 0}
        frames += [
            {"type": "response.output_text.done", "text": "".join(deltas), **part},
            {"type": "response.content_part.done", "part": said["content"][0], **part},
            done(said),
            completed(said),
        ]
    else:
        frames.append(completed())
    return sse(*frames)


def read(
    wire_api: str,
    body: bytes,
    *,
    size: int = 1 << 20,
    exact: bool = True,
    joined: bool = True,
) -> Outcome:
    """Decode an answer whose bytes arrive in pieces of ``size``."""
    frames, decoder = SSEDecoder(), decoder_for(wire_api, now=lambda: 0.0)
    events: list[ev.ResponseEvent] = []
    for start in range(0, len(body), size):
        batch = Events(joined=joined)
        decoder.feed_all(frames.feed_data(body[start : start + size]), batch)
        events += batch.join()
    batch = Events()
    decoder.feed_all(frames.end_data(), batch)
    events += batch
    fed = len(events)
    events += decoder.close()
    outcome = Outcome(decoder, events, fed)
    check(outcome, exact=exact)
    return outcome


def outline(outcome: Outcome) -> list[tuple[str, str]]:
    """Type and text of each item."""
    found = []
    for item in outcome.items:
        parts = getattr(item, "content", None) or []
        said = "".join(getattr(part, "text", getattr(part, "refusal", "")) for part in parts)
        found.append((item.type, said or getattr(item, "arguments", "")))
    return found
