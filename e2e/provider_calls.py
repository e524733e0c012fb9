"""Answers in which the provider uses tools of its own, event by event as OpenAI documents them."""

from __future__ import annotations

import base64
import os
import struct
import threading
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from e2e.server import Exchange

Event = dict[str, Any]


@dataclass
class Call:
    """A call: its item at the beginning and at the end, and the events in between."""

    begun: Event
    done: Event
    progress: list[Event] = field(default_factory=list)

    def events(self, index: int) -> tuple[list[Event], list[Event]]:
        """The events while it runs, and at its end."""
        place = {"output_index": index}
        told = [{**event, **place, "item_id": self.begun["id"]} for event in self.progress]
        added = {"type": "response.output_item.added", **place, "item": self.begun}
        done = {"type": "response.output_item.done", **place, "item": self.done}
        return [added, *told[:-1]], [told[-1], done]


def _progress(tool: str, *statuses: str) -> list[Event]:
    return [{"type": f"response.{tool}_call.{status}"} for status in statuses]


def web_search(query: str, *sources: str, number: int = 1) -> Call:
    """A search of the web."""
    item = {"type": "web_search_call", "id": f"ws_{number}", "status": "in_progress"}
    action: Event = {"type": "search", "query": query}
    if sources:
        action["sources"] = [{"type": "url", "url": url} for url in sources]
    done = {**item, "status": "completed", "action": action}
    return Call(item, done, _progress("web_search", "in_progress", "searching", "completed"))


def code(
    text: str, *outputs: Event, number: int = 1, status: str = "completed", pieces: int = 8
) -> Call:
    """Python that runs in a container."""
    item = {
        "type": "code_interpreter_call",
        "id": f"ci_{number}",
        "status": "in_progress",
        "code": "",
        "container_id": "cntr_1",
        "outputs": None,
    }
    size = -(-len(text) // pieces)
    deltas = [text[at : at + size] for at in range(0, len(text), size)]
    name = "response.code_interpreter_call_code"
    progress = [
        *_progress("code_interpreter", "in_progress"),
        *({"type": f"{name}.delta", "delta": delta} for delta in deltas),
        {"type": f"{name}.done", "code": text},
        *_progress("code_interpreter", "interpreting", "completed"),
    ]
    done = {**item, "status": status, "code": text, "outputs": [*outputs] or None}
    return Call(item, done, progress)


def image(result: str, prompt: str = "A red square", number: int = 1) -> Call:
    """An image, with a partial one that was not requested."""
    item = {"type": "image_generation_call", "id": f"ig_{number}", "status": "in_progress"}
    partial = {
        "type": "response.image_generation_call.partial_image",
        "partial_image_index": 0,
        "partial_image_b64": result,
    }
    progress = [*_progress("image_generation", "in_progress", "generating"), partial]
    progress += _progress("image_generation", "completed")
    done = {**item, "status": "completed", "revised_prompt": prompt, "result": result}
    return Call(item, {**done, "output_format": "png", "size": "1024x1024"}, progress)


def file_search(query: str, *files: str) -> Call:
    """A search in vector stores."""
    item = {"type": "file_search_call", "id": "fs_1", "status": "in_progress", "queries": []}
    results = [
        {"file_id": f"file-{name}", "filename": name, "score": 0.9, "text": "...", "attributes": {}}
        for name in files
    ]
    done = {**item, "status": "completed", "queries": [query], "results": results or None}
    return Call(item, done, _progress("file_search", "in_progress", "searching", "completed"))


class Calls:
    """A script: the calls, then a message with its annotations.

    With ``hold``, it waits before the first call is done, until the test opens it.
    """

    def __init__(
        self, *calls: Call, text: str, annotations: Iterable[Event] = (), hold: bool = False
    ) -> None:
        self.reached = threading.Event()
        self.open = threading.Event()
        self._calls = calls
        self._text = text
        self._annotations = [*annotations]
        if not hold:
            self.open.set()

    def __call__(self, exchange: Exchange) -> None:
        exchange.head()
        exchange.events(self._opening())
        output = []
        for index, call in enumerate(self._calls):
            before, done = call.events(index)
            exchange.events(before)
            self.reached.set()
            exchange.wait(self.open)
            exchange.events(done)
            output.append(call.done)
        exchange.events(self._message(output))

    def _opening(self) -> Iterator[Event]:
        response: Event = {"id": "resp_1", "status": "in_progress", "output": []}
        yield {"type": "response.created", "response": response}
        yield {"type": "response.in_progress", "response": response}

    def _message(self, output: list[Event]) -> Iterator[Event]:
        index = len(output)
        place = {"item_id": "msg_1", "output_index": index, "content_index": 0}
        part = {"type": "output_text", "text": self._text, "annotations": self._annotations}
        message: Event = {
            "type": "message",
            "id": "msg_1",
            "role": "assistant",
            "status": "in_progress",
            "content": [],
        }
        yield {"type": "response.output_item.added", "output_index": index, "item": message}
        yield {"type": "response.content_part.added", **place, "part": {**part, "text": ""}}
        yield {"type": "response.output_text.delta", **place, "delta": self._text}
        for number, annotation in enumerate(self._annotations):
            event = "response.output_text.annotation.added"
            yield {"type": event, **place, "annotation_index": number, "annotation": annotation}
        yield {"type": "response.output_text.done", **place, "text": self._text}
        done = {**message, "status": "completed", "content": [part]}
        yield {"type": "response.output_item.done", "output_index": index, "item": done}
        usage = {"input_tokens": 10, "output_tokens": 20, "total_tokens": 30}
        response = {"id": "resp_1", "status": "completed", "output": [*output, done]}
        yield {"type": "response.completed", "response": {**response, "usage": usage}}


def picture(width: int, height: int, *, noise: int = 0) -> str:
    """An image in base64: a red sun over the sea, with so many bytes that do not compress."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        checksum = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)

    def pixel(x: int, y: int) -> bytes:
        if y > height * 0.7:
            return bytes((30, 90 + (y * 60) // height, 150))
        away = (x - width / 2) ** 2 + (y - height * 0.45) ** 2
        sun = away < (min(width, height) * 0.22) ** 2
        return b"\xe6\x4b\x3c" if sun else bytes((250, 220 - (y * 60) // height, 170))

    rows = b"".join(b"\0" + b"".join(pixel(x, y) for x in range(width)) for y in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = [chunk(b"IHDR", head), chunk(b"IDAT", zlib.compress(rows))]
    if noise:
        # Ancillary chunks are skipped by whoever draws it.
        parts.insert(1, chunk(b"nOIs", os.urandom(noise)))
    data = b"\x89PNG\r\n\x1a\n" + b"".join(parts) + chunk(b"IEND", b"")
    return base64.b64encode(data).decode()
