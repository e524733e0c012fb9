"""Scripted event streams: what a server sends, when, in which chunks, and how it fails."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any, Literal, Self

from sidestream.connection_errors import broken_connection_error

_End = Literal["end", "stall", "fail"]


class MockSSEStream:
    """The body of a scripted answer.

    The methods that add something return the stream, so that a script reads as one sequence::

        MockSSEStream().event({"type": "response.created"}).pause(31).comment().fail("reset")

    Each addition arrives as a chunk of its own, unless `chunked`, called last, says otherwise.
    Time is that of the running loop; under `run` it is virtual. A stream can be read many times.
    """

    def __init__(self, body: bytes = b"", *, newline: str = "\n") -> None:
        self._body = bytearray()
        self._newline = newline
        self._edges: list[int] = []
        self._size: int | None = None
        self._pauses: list[tuple[int, float]] = []
        self._pace = 0.0
        self._end: tuple[int | None, _End, str] = (None, "end", "")
        self.raw(body)

    # --- the sequence ---

    def event(self, data: Any, *, event: str | None = None, id: str | None = None) -> Self:
        """Add an event. ``data`` is text, or anything that JSON can write."""
        text = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)
        lines = [f"event: {event}"] if event is not None else []
        lines += [f"id: {id}"] if id is not None else []
        lines += [f"data: {line}" for line in text.split("\n")]
        return self.raw(self._newline.join([*lines, "", ""]).encode("utf-8", "surrogatepass"))

    def comment(self, text: str = "keepalive") -> Self:
        """Add a comment line, which servers send to keep the connection open."""
        return self.raw(f": {text}{self._newline}".encode())

    def raw(self, data: bytes) -> Self:
        """Add bytes as they are."""
        self._body += data
        if data:
            self._edges.append(len(self._body))
        return self

    def done(self) -> Self:
        """Add ``data: [DONE]``."""
        return self.event("[DONE]")

    # --- timing ---

    def pause(self, seconds: float) -> Self:
        """Send nothing for a while before what is added next."""
        return self.pause_at(len(self._body), seconds)

    def pause_at(self, byte: int, seconds: float) -> Self:
        """Send nothing for a while before this byte."""
        self._pauses.append((byte, seconds))
        return self

    def paced(self, seconds: float) -> Self:
        """Wait this long before every chunk."""
        self._pace = seconds
        return self

    def chunked(self, sizes: int | Iterable[int]) -> Self:
        """Cut the body into chunks of one size, or of the given sizes (the rest is one chunk)."""
        if isinstance(sizes, int):
            self._size = sizes
            return self
        self._size, self._edges, edge = None, [], 0
        for size in sizes:
            edge += size
            self._edges.append(edge)
        return self

    # --- faults ---

    def fail(self, message: str = "connection reset") -> Self:
        """Break the connection after what was added so far."""
        return self.fail_at(len(self._body), message)

    def stall(self) -> Self:
        """Keep the connection open after what was added so far, and send nothing more."""
        return self.stall_at(len(self._body))

    def cut_at(self, byte: int) -> Self:
        """End the body before this byte, as if it were complete."""
        self._end = (byte, "end", "")
        return self

    def stall_at(self, byte: int) -> Self:
        """Fall silent before this byte."""
        self._end = (byte, "stall", "")
        return self

    def fail_at(self, byte: int, message: str = "connection reset") -> Self:
        """Break the connection before this byte."""
        self._end = (byte, "fail", message)
        return self

    # --- reading ---

    @property
    def body(self) -> bytes:
        """All bytes of the script, whatever its faults."""
        return bytes(self._body)

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the chunks at their times, then end as the script does."""
        limit, end, message = self._end
        limit = len(self._body) if limit is None else min(limit, len(self._body))
        pauses = sorted(self._pauses)
        edges = range(self._size, limit, self._size) if self._size else self._edges
        cuts = {byte for byte in (*edges, *(byte for byte, _ in pauses)) if 0 < byte < limit}
        start = 0
        for stop in (*sorted(cuts), limit):
            while pauses and pauses[0][0] <= start:
                await asyncio.sleep(pauses.pop(0)[1])
            if stop > start:
                if self._pace:
                    await asyncio.sleep(self._pace)
                yield bytes(self._body[start:stop])
                start = stop
        for byte, seconds in pauses:
            if byte <= limit:
                await asyncio.sleep(seconds)
        if end == "stall":
            await asyncio.get_running_loop().create_future()
        if end == "fail":
            raise broken_connection_error(message)

    @classmethod
    def from_file(cls, path: str | Path) -> Self:
        """Read a recording.

        ``.json`` is a list of events and ``.jsonl`` has one event per line; each is sent as
        ``data:``. Any other file holds the bytes of the stream as a server sent them.
        """
        path = Path(path)
        stream = cls()
        if path.suffix == ".json":
            for event in json.loads(path.read_text("utf-8")):
                stream.event(event)
        elif path.suffix == ".jsonl":
            for line in path.read_text("utf-8").splitlines():
                if line.strip():
                    stream.event(line)
        else:
            stream.raw(path.read_bytes())
        return stream


class ResponsesStream(MockSSEStream):
    """A sequence of the Responses API, with everything that OpenAI sends for each item."""

    def __init__(
        self,
        *,
        response_id: str = "resp_1",
        model: str = "gpt-test",
        newline: str = "\n",
        event_lines: bool = True,
    ) -> None:
        super().__init__(newline=newline)
        self._response_id = response_id
        self._model = model
        self._event_lines = event_lines
        self._sequence = 0
        self._output: list[dict[str, Any]] = []

    def send(self, type: str, **fields: Any) -> Self:
        """Add any event by its type."""
        data = {"type": type, "sequence_number": self._sequence, **fields}
        self._sequence += 1
        return self.event(data, event=type if self._event_lines else None)

    def created(self) -> Self:
        """Add ``response.created`` and ``response.in_progress``."""
        response = self._response("in_progress")
        self.send("response.created", response=response)
        return self.send("response.in_progress", response=response)

    def text(self, *deltas: str, item_id: str | None = None, done: bool = True) -> Self:
        """Add a message of the assistant, in deltas. With ``done=False`` it is left open."""
        index, item_id = self._next("msg", item_id)
        message = {"id": item_id, "type": "message", "role": "assistant", "content": []}
        self._added(index, {**message, "status": "in_progress"})
        place = {"item_id": item_id, "output_index": index, "content_index": 0}
        part = {"type": "output_text", "annotations": [], "text": ""}
        self.send("response.content_part.added", **place, part=part)
        for delta in deltas:
            self.send("response.output_text.delta", **place, delta=delta)
        if done:
            part = {**part, "text": "".join(deltas)}
            self.send("response.output_text.done", **place, text=part["text"])
            self.send("response.content_part.done", **place, part=part)
            self._done(index, {**message, "status": "completed", "content": [part]})
        return self

    def reasoning(self, *deltas: str, encrypted_content: str | None = None) -> Self:
        """Add a reasoning item with one summary part, in deltas."""
        index, item_id = self._next("rs", None)
        item: dict[str, Any] = {"id": item_id, "type": "reasoning", "summary": []}
        self._added(index, item)
        place = {"item_id": item_id, "output_index": index, "summary_index": 0}
        part = {"type": "summary_text", "text": ""}
        self.send("response.reasoning_summary_part.added", **place, part=part)
        for delta in deltas:
            self.send("response.reasoning_summary_text.delta", **place, delta=delta)
        part["text"] = "".join(deltas)
        self.send("response.reasoning_summary_text.done", **place, text=part["text"])
        self.send("response.reasoning_summary_part.done", **place, part=part)
        item["summary"] = [part]
        if encrypted_content is not None:
            item["encrypted_content"] = encrypted_content
        self._done(index, item)
        return self

    def function_call(
        self, name: str, *arguments: str, call_id: str | None = None, done: bool = True
    ) -> Self:
        """Add a function call, its arguments in deltas. With ``done=False`` it is left open."""
        index, item_id = self._next("fc", None)
        call_id = call_id or f"call_{index + 1}"
        item = {"id": item_id, "type": "function_call", "call_id": call_id, "name": name}
        self._added(index, {**item, "arguments": "", "status": "in_progress"})
        place = {"item_id": item_id, "output_index": index}
        for delta in arguments:
            self.send("response.function_call_arguments.delta", **place, delta=delta)
        if done:
            whole = "".join(arguments)
            self.send("response.function_call_arguments.done", **place, arguments=whole)
            self._done(index, {**item, "arguments": whole, "status": "completed"})
        return self

    def custom_tool_call(self, name: str, *input: str, call_id: str | None = None) -> Self:
        """Add a custom tool call, its text in deltas."""
        index, item_id = self._next("ctc", None)
        call_id = call_id or f"call_{index + 1}"
        item = {"id": item_id, "type": "custom_tool_call", "call_id": call_id, "name": name}
        self._added(index, {**item, "input": ""})
        place = {"item_id": item_id, "output_index": index}
        for delta in input:
            self.send("response.custom_tool_call_input.delta", **place, delta=delta)
        whole = "".join(input)
        self.send("response.custom_tool_call_input.done", **place, input=whole)
        self._done(index, {**item, "input": whole, "status": "completed"})
        return self

    def completed(self, *, input_tokens: int = 10, output_tokens: int = 5, **usage: Any) -> Self:
        """Add ``response.completed`` with all finished items and the usage."""
        total = input_tokens + output_tokens
        tokens = {"input_tokens": input_tokens, "output_tokens": output_tokens}
        response = self._response("completed", usage={**tokens, "total_tokens": total, **usage})
        return self.send("response.completed", response=response)

    def incomplete(self, reason: str = "max_output_tokens") -> Self:
        """Add ``response.incomplete``."""
        response = self._response("incomplete", incomplete_details={"reason": reason})
        return self.send("response.incomplete", response=response)

    def failed(self, code: str | None, message: str, **error: Any) -> Self:
        """Add ``response.failed``."""
        error = {"code": code, "message": message, **error}
        return self.send("response.failed", response=self._response("failed", error=error))

    def error(self, code: str | None, message: str, **fields: Any) -> Self:
        """Add an ``error`` event."""
        return self.send("error", code=code, message=message, param=None, **fields)

    def _next(self, prefix: str, item_id: str | None) -> tuple[int, str]:
        self._output.append({})
        return len(self._output) - 1, item_id or f"{prefix}_{len(self._output)}"

    def _added(self, index: int, item: dict[str, Any]) -> None:
        self.send("response.output_item.added", output_index=index, item=item)

    def _done(self, index: int, item: dict[str, Any]) -> None:
        self._output[index] = item
        self.send("response.output_item.done", output_index=index, item=item)

    def _response(self, status: str, **fields: Any) -> dict[str, Any]:
        output = [item for item in self._output if item]
        return {
            "id": self._response_id,
            "object": "response",
            "created_at": 1_700_000_000,
            "status": status,
            "model": self._model,
            "output": output,
            **fields,
        }


class ChatStream(MockSSEStream):
    """A sequence of Chat Completions chunks."""

    def __init__(
        self, *, id: str = "chatcmpl-1", model: str = "gpt-test", newline: str = "\n"
    ) -> None:
        super().__init__(newline=newline)
        self._head = {
            "id": id,
            "object": "chat.completion.chunk",
            "created": 1_700_000_000,
            "model": model,
        }

    def delta(self, delta: dict[str, Any], finish_reason: str | None = None) -> Self:
        """Add a chunk with any delta."""
        choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
        return self.event({**self._head, "choices": [choice]})

    def text(self, *deltas: str) -> Self:
        """Add content, with the role in the first chunk."""
        for i, delta in enumerate(deltas):
            self.delta({"role": "assistant", "content": delta} if i == 0 else {"content": delta})
        return self

    def reasoning(self, *deltas: str, field: str = "reasoning_content") -> Self:
        """Add reasoning, in the field that the server uses."""
        for delta in deltas:
            self.delta({field: delta})
        return self

    def tool_call(
        self, name: str, *arguments: str, call_id: str | None = None, index: int = 0
    ) -> Self:
        """Add a tool call, its JSON arguments in deltas."""
        call = {"index": index, "id": call_id or f"call_{index + 1}", "type": "function"}
        self.delta({"tool_calls": [{**call, "function": {"name": name, "arguments": ""}}]})
        for delta in arguments:
            self.delta({"tool_calls": [{"index": index, "function": {"arguments": delta}}]})
        return self

    def finish(self, reason: str = "stop") -> Self:
        """Add the chunk with the finish reason."""
        return self.delta({}, reason)

    def usage(self, *, prompt_tokens: int = 10, completion_tokens: int = 5, **usage: Any) -> Self:
        """Add the usage chunk, which has no choices."""
        total = prompt_tokens + completion_tokens
        tokens = {"prompt_tokens": prompt_tokens, "completion_tokens": completion_tokens}
        usage = {**tokens, "total_tokens": total, **usage}
        return self.event({**self._head, "choices": [], "usage": usage})

    def error(self, code: str | int | None, message: str, **fields: Any) -> Self:
        """Add a chunk with an error."""
        return self.event({"error": {"code": code, "message": message, **fields}})
