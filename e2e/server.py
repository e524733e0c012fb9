"""A model provider on loopback whose every byte a test decides.

It answers like OpenAI's API by default (`/v1/responses`, `/v1/chat/completions`, `/v1/models`), and
any request can be given to a script instead: a function that gets an `Exchange` and writes what it
likes, when it likes. Scripts run on the request's own thread, so they may block; they are ended
when the client goes away.

An answer of the Responses API that is asked for with `background` is kept: its frames are numbered,
it continues when the client is gone, and `GET /v1/responses/ID` and `POST /v1/responses/ID/cancel`
work.

All requests are recorded, with whether the client closed the connection before the answer was over.
"""

from __future__ import annotations

import json
import os
import re
import select
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

from e2e.patience import PATIENCE, slowness

Script = Callable[["Exchange"], None]

MODEL = "scripted-model"


MARKED = re.compile(r'<untrusted source="\w+" id="(\w+)">\n(.*)\n</untrusted id="\1">', re.DOTALL)
"""An output of a tool as it is sent to the model."""


class ClientGoneError(Exception):
    """The client closed the connection while the script was still answering."""


class StoredResponse:
    """An answer that is kept, finished or not."""

    def __init__(self, response_id: str) -> None:
        self.id = response_id
        self.frames: list[dict[str, Any]] = []
        self.finished = False
        self.cancelled = False
        self.changed = threading.Condition()

    def add(self, event: dict[str, Any]) -> dict[str, Any]:
        """Keep the next event, with its number and this answer's id."""
        event = {**event, "sequence_number": len(self.frames)}
        if "response" in event:
            event["response"] = {**event["response"], "id": self.id}
        with self.changed:
            if not self.finished:
                self.frames.append(event)
                self.changed.notify_all()
        return event

    def finish(self) -> None:
        """No more will come."""
        with self.changed:
            self.finished = True
            self.changed.notify_all()

    def rest(self, start: int) -> list[dict[str, Any]]:
        """The events from that number on, after a moment if there are none yet."""
        with self.changed:
            self.changed.wait_for(lambda: len(self.frames) > start or self.finished, 0.1)
            return self.frames[start:]

    @property
    def whole(self) -> dict[str, Any]:
        """The response object as it stands."""
        ends = ("completed", "failed", "incomplete")
        for frame in self.frames[-1:]:
            if frame["type"].removeprefix("response.") in ends:
                whole: dict[str, Any] = frame["response"]
                return whole
        status = "cancelled" if self.cancelled else "in_progress"
        return {"id": self.id, "object": "response", "status": status, "output": []}


class Exchange:
    """One request and the means to answer it. Headers are in lower case."""

    def __init__(
        self, handler: BaseHTTPRequestHandler, body: bytes, closing: threading.Event
    ) -> None:
        self.method = handler.command
        self.path, _, self.query = handler.path.partition("?")
        self.headers = {name.lower(): value for name, value in handler.headers.items()}
        self.body = body
        self.received_at = time.monotonic()
        self.answered_at: float | None = None
        """When the last byte was written, or the client's departure noticed (monotonic seconds)."""
        self.client_closed = threading.Event()
        self.finished = threading.Event()
        """The answer is over, one way or another."""
        self.stored: StoredResponse | None = None
        """The stored answer, if the request has `background`. It continues without the client, so
        nothing raises ClientGoneError then."""
        self.sent: list[tuple[float, bytes]] = []
        """Each part of the body, with the time at which it was written (monotonic seconds)."""
        self._socket: socket.socket = handler.connection
        self._closing = closing
        self._chunked = False
        self._head_sent = False
        self._cut = False
        self._reset = False

    @property
    def json(self) -> Any:
        """The request's body as JSON data."""
        return json.loads(self.body)

    @property
    def user_text(self) -> str:
        """The text of the last user message, of either wire API."""
        data = self.json if self.body else {}
        for message in reversed(data.get("input") or data.get("messages") or []):
            if message.get("role") == "user":
                return user_messages(message)[-1]
        return ""

    @property
    def outputs(self) -> list[str]:
        """The outputs of the calls, of either wire API, without the markers."""
        items = self.json.get("input") or self.json.get("messages") or []
        told = [item.get("output") or item.get("content") for item in items if _is_output(item)]
        return [found[2] if (found := MARKED.fullmatch(output)) else output for output in told]

    def assert_calls_are_answered(self) -> None:
        """Every call of the history has an id of its own and an output, as providers demand."""
        items = self.json.get("input") or self.json.get("messages") or []
        open_calls: set[str] = set()
        seen: set[str] = set()
        for item in items:
            calls = item.get("tool_calls") or [item] * (item.get("type") == "function_call")
            if _is_output(item):
                call_id = item.get("call_id") or item.get("tool_call_id")
                assert call_id in open_calls, f"an output without its call: {item}"
                open_calls.discard(call_id)
            elif not calls and item.get("type") != "reasoning":
                assert not open_calls, f"{open_calls} without output before {item}"
            for call in calls:
                call_id = call.get("call_id") or call["id"]
                assert call_id not in seen, f"{call_id} twice"
                seen.add(call_id)
                open_calls.add(call_id)
        assert not open_calls

    @property
    def idempotency_key(self) -> str:
        """The key by which a server recognises a repeated request."""
        return self.headers.get("idempotency-key", "")

    def sent_text(self, before: float | None = None) -> str:
        """The text in all whole frames of the Responses API that were sent, or sent `before`."""
        parts = list(self.sent)
        body = b"".join(part for at, part in parts if before is None or at < before)
        *frames, _ = body.split(b"\n\n")
        text = ""
        for frame in frames:
            data = next((line for line in frame.split(b"\n") if line.startswith(b"data: ")), b"")
            event = json.loads(data[6:] or b"{}")
            if event.get("type") == "response.output_text.delta":
                text += event["delta"]
        return text

    # Writing. Everything raises ClientGoneError once the client has closed the connection.

    def raw(self, data: bytes) -> None:
        """Bytes straight into the socket: no status line, no framing."""
        self._head_sent = True
        self._notice_departure()
        try:
            self._socket.sendall(data)
        except OSError as error:
            self._gone(error)

    def head(
        self,
        status: int = 200,
        headers: dict[str, str] | None = None,
        *,
        content_type: str = "text/event-stream; charset=utf-8",
        content_length: int | None = None,
    ) -> None:
        """Status and headers. Without a length the body is chunked: a cut differs from an end."""
        self._chunked = content_length is None
        framing = (
            "transfer-encoding: chunked"
            if content_length is None
            else f"content-length: {content_length}"
        )
        lines = [
            f"HTTP/1.1 {status} Scripted",
            f"content-type: {content_type}",
            framing,
            "connection: close",
        ]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        self.raw(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))

    def send(self, data: bytes) -> None:
        """Part of the body. Each call is one chunk and leaves at once."""
        if not self._head_sent:
            self.head()
        if data:
            self.sent.append((time.monotonic(), data))
            self.raw(b"%x\r\n%s\r\n" % (len(data), data) if self._chunked else data)

    def event(self, event: dict[str, Any]) -> None:
        """One server-sent event, framed as OpenAI does."""
        self.send(sse(self.stored.add(event) if self.stored else event))

    def events(self, events: Iterable[dict[str, Any]]) -> None:
        """Several, one chunk each."""
        for event in events:
            self.event(event)

    def reply(
        self,
        status: int,
        body: bytes | str | dict[str, Any],
        headers: dict[str, str] | None = None,
        *,
        content_type: str = "application/json",
    ) -> None:
        """A whole answer that is not a stream."""
        data = (
            json.dumps(body).encode()
            if isinstance(body, dict)
            else body.encode()
            if isinstance(body, str)
            else body
        )
        self.head(status, headers, content_type=content_type, content_length=len(data))
        self.raw(data)

    def cut(self, *, reset: bool = False) -> None:
        """Break the connection without ending the body; with `reset`, by a TCP reset."""
        self._cut = True
        self._reset = reset

    def drop(self) -> None:
        """Break the connection now. A stored answer continues."""
        self.pause_before_cut()
        self._cut = True
        self._socket.shutdown(socket.SHUT_RDWR)

    # Waiting, never blind to the client's departure.

    def wait(self, event: threading.Event, timeout: float = 2 * PATIENCE) -> None:
        """Until the test sets `event`."""
        deadline = time.monotonic() + timeout
        while not event.wait(0.02):
            self._notice_departure()
            if time.monotonic() > deadline:
                raise TimeoutError("the test never let the script go on")

    def pause(self, seconds: float) -> None:
        """Send nothing for this long."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self._notice_departure(min(left, 0.5))

    def pause_before_cut(self) -> None:
        """Give Chromium time: it drops what it has not handed over when a connection breaks.

        A test to which that matters waits for what it sees instead.
        """
        self.pause(0.2 * slowness())

    def _notice_departure(self, timeout: float = 0) -> None:
        """Notice a closed connection. The client sends nothing more, so readable means closed."""
        if self._closing.is_set():
            raise ClientGoneError
        if self.client_closed.is_set():
            if self.stored and self.stored.cancelled:
                raise ClientGoneError
            time.sleep(timeout)
            return
        try:
            if select.select([self._socket], [], [], timeout)[0] and not self._socket.recv(
                1, socket.MSG_PEEK
            ):
                self._gone(None)
        except OSError as error:
            self._gone(error)

    def _gone(self, error: OSError | None) -> None:
        self.client_closed.set()
        if self.stored is None:
            raise ClientGoneError from error

    def _close(self) -> None:
        if not self._head_sent:
            self.reply(
                500, {"error": {"message": "The script did not answer.", "type": "server_error"}}
            )
        if self._chunked and not self._cut:
            # A client may close as soon as it has read the last event: that cuts nothing short.
            with suppress(OSError):
                self._socket.sendall(b"0\r\n\r\n")


class ScriptedServer:
    """The server. Use it as a context manager; `reset()` between tests."""

    def __init__(self) -> None:
        self._lock = threading.Condition()
        self._exchanges: list[Exchange] = []
        self._scripts: list[tuple[str, Script]] = []
        self._closing = threading.Event()
        self.api_key: str | None = None
        """Where set, any other key is answered with OpenAI's 401."""
        self.models = [MODEL]
        """Any other model is answered with OpenAI's 404."""
        self.stored: dict[str, StoredResponse] = {}
        """The answers that are kept, by id. Clear it to forget them."""
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                owner._serve(self, b"")

            def do_POST(self) -> None:
                length = int(self.headers.get("content-length") or 0)
                owner._serve(self, self.rfile.read(length))

            def do_OPTIONS(self) -> None:
                owner._serve(self, b"")

            def log_message(self, format: str, *args: Any) -> None:
                """Quiet: the record of requests says more."""

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> ScriptedServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End all answers too, so that nothing of a test continues in the next one."""
        self._closing.set()
        self._http.shutdown()
        self._http.server_close()

    @property
    def origin(self) -> str:
        """`http://127.0.0.1:PORT`."""
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    @property
    def base_url(self) -> str:
        """What a user would enter as the provider's base URL."""
        return f"{self.origin}/v1"

    def reset(self) -> None:
        """Forget all scripts and requests, and behave like the default provider again."""
        with self._lock:
            self._scripts.clear()
            self._exchanges.clear()
            self.stored.clear()
        self.api_key = None
        self.models = [MODEL]

    def on(self, text: str, *scripts: Script) -> None:
        """Give requests whose last user message contains `text` to `scripts`.

        One request to each script, and the last script for all that follow. The newest registration
        wins. "" fits every request, also those without a message (`/models`).
        """
        remaining = list(scripts)

        def next_script(exchange: Exchange) -> None:
            with self._lock:
                script = remaining.pop(0) if len(remaining) > 1 else remaining[0]
            script(exchange)

        with self._lock:
            self._scripts.insert(0, (text, next_script))

    @property
    def requests(self) -> list[Exchange]:
        """All requests so far, in the order of arrival."""
        with self._lock:
            return list(self._exchanges)

    @property
    def turns(self) -> list[Exchange]:
        """Those that ask for an answer."""
        return [exchange for exchange in self.requests if _asks(exchange)]

    def turns_of(self, text: str) -> list[Exchange]:
        """The requests whose last user message is exactly `text`."""
        return [turn for turn in self.turns if turn.user_text == text]

    def wait_for_turn(self, number: int = 1, timeout: float = PATIENCE) -> Exchange:
        """The `number`th request for an answer (from 1), as soon as it has arrived."""
        with self._lock:
            arrived = self._lock.wait_for(lambda: self._count_turns() >= number, timeout)
        assert arrived, (
            f"{len(self.turns)} of {number} requests arrived: {[r.path for r in self.requests]}"
        )
        return self.turns[number - 1]

    def _count_turns(self) -> int:
        return sum(_asks(exchange) for exchange in self._exchanges)

    def _serve(self, handler: BaseHTTPRequestHandler, body: bytes) -> None:
        exchange = Exchange(handler, body, self._closing)
        handler.close_connection = True
        with self._lock:
            self._exchanges.append(exchange)
            self._lock.notify_all()
            text = exchange.user_text
            script = next((script for key, script in self._scripts if key in text), self._answer)
            if "/responses/" in exchange.path:
                script = self._answer_stored
            elif exchange.path.endswith("/responses") and exchange.json.get("background"):
                stored = StoredResponse(f"resp_{len(self._exchanges)}")
                self.stored[stored.id] = exchange.stored = stored
        try:
            script(exchange)
            exchange._close()
        except ClientGoneError:
            pass
        finally:
            if exchange.stored is not None:
                exchange.stored.finish()
            exchange.answered_at = time.monotonic()
            if exchange._reset:
                # Closing sends a reset when nothing may linger. `detach`, because the handler's
                # files hold the socket too.
                connection = handler.connection
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                os.close(connection.detach())
            exchange.finished.set()

    def _answer_stored(self, exchange: Exchange) -> None:
        """The rest of an answer that is kept, the whole of it, or its end."""
        response_id, _, action = exchange.path.partition("/responses/")[2].partition("/")
        stored = self.stored.get(response_id)
        if stored is None:
            exchange.reply(404, error_body(f"Response with id '{response_id}' not found."))
        elif action == "cancel":
            stored.cancelled = True
            stored.finish()
            exchange.reply(200, stored.whole)
        elif "stream=true" not in exchange.query:
            exchange.reply(200, stored.whole)
        else:
            after = parse_qs(exchange.query).get("starting_after", ["-1"])[0]
            at = int(after) + 1
            exchange.head()
            finished = False
            while not finished:
                finished = stored.finished
                new = stored.rest(at)
                exchange._notice_departure()
                exchange.events(new)
                at += len(new)

    def _answer(self, exchange: Exchange) -> None:
        """Answer as OpenAI's API does. The model echoes the message."""
        if self.api_key and exchange.headers.get("authorization") != f"Bearer {self.api_key}":
            exchange.reply(401, error_body("Incorrect API key provided.", code="invalid_api_key"))
        elif exchange.method == "GET" and exchange.path.endswith("/models"):
            data = [
                {"id": model, "object": "model", "created": 1, "owned_by": "e2e"}
                for model in self.models
            ]
            exchange.reply(200, {"object": "list", "data": data})
        elif exchange.method != "POST" or not exchange.path.endswith(
            ("/responses", "/chat/completions")
        ):
            exchange.reply(404, error_body(f"Invalid URL ({exchange.method} {exchange.path})"))
        elif exchange.json.get("model") not in self.models:
            model = exchange.json.get("model")
            message = f"The model `{model}` does not exist or you do not have access to it."
            exchange.reply(404, error_body(message, code="model_not_found"))
        else:
            answer(f"You said: {exchange.user_text}")(exchange)


def user_messages(message: dict[str, Any]) -> list[str]:
    """The user's messages in one of a request.

    Unanswered ones are sent as one message, since strict chat templates require it.
    """
    content = message["content"]
    parts = [content] if isinstance(content, str) else [part.get("text", "") for part in content]
    return parts[0].split("\n\n") if len(parts) == 1 else ["".join(parts)]


def _is_output(item: dict[str, Any]) -> bool:
    return item.get("type") == "function_call_output" or item.get("role") == "tool"


def _asks(exchange: Exchange) -> bool:
    """Whether this asks for a new answer."""
    return exchange.method == "POST" and "/responses/" not in exchange.path


def error_body(
    message: str, *, code: str | None = None, type: str = "invalid_request_error"
) -> dict[str, Any]:
    """The body of OpenAI's errors."""
    return {"error": {"message": message, "type": type, "param": None, "code": code}}


def sse(event: dict[str, Any], *, newline: str = "\n") -> bytes:
    """One event of the Responses API as OpenAI frames it."""
    data = json.dumps(event, ensure_ascii=False)
    return f"event: {event['type']}{newline}data: {data}{newline}{newline}".encode()


def response_events(
    *deltas: str,
    reasoning: str = "",
    response_id: str = "resp_1",
    usage: dict[str, Any] | None = None,
) -> Iterator[dict[str, Any]]:
    """A whole answer of the Responses API whose text arrives in `deltas`."""
    text = "".join(deltas)
    yield {
        "type": "response.created",
        "response": {"id": response_id, "status": "in_progress", "output": []},
    }
    output: list[dict[str, Any]] = []
    if reasoning:
        item: dict[str, Any] = {"type": "reasoning", "id": "rs_1", "summary": []}
        place = {"item_id": "rs_1", "output_index": 0, "summary_index": 0}
        part = {"type": "summary_text", "text": reasoning}
        yield {"type": "response.output_item.added", "output_index": 0, "item": item}
        yield {
            "type": "response.reasoning_summary_part.added",
            **place,
            "part": {**part, "text": ""},
        }
        yield {"type": "response.reasoning_summary_text.delta", **place, "delta": reasoning}
        yield {"type": "response.reasoning_summary_text.done", **place, "text": reasoning}
        yield {"type": "response.reasoning_summary_part.done", **place, "part": part}
        output.append({**item, "summary": [part]})
        yield {"type": "response.output_item.done", "output_index": 0, "item": output[0]}
    index = len(output)
    message: dict[str, Any] = {
        "type": "message",
        "id": "msg_1",
        "role": "assistant",
        "status": "in_progress",
        "content": [],
    }
    place = {"item_id": "msg_1", "output_index": index, "content_index": 0}
    whole: dict[str, Any] = {"type": "output_text", "text": text, "annotations": []}
    yield {"type": "response.output_item.added", "output_index": index, "item": message}
    yield {"type": "response.content_part.added", **place, "part": {**whole, "text": ""}}
    for delta in deltas:
        yield {"type": "response.output_text.delta", **place, "delta": delta}
    yield {"type": "response.output_text.done", **place, "text": text}
    yield {"type": "response.content_part.done", **place, "part": whole}
    message = {**message, "status": "completed", "content": [whole]}
    output.append(message)
    yield {"type": "response.output_item.done", "output_index": index, "item": message}
    usage = usage or {"input_tokens": 10, "output_tokens": 20, "total_tokens": 30}
    response = {"id": response_id, "status": "completed", "output": output, "usage": usage}
    yield {"type": "response.completed", "response": response}


def chat_chunks(*deltas: str) -> Iterator[dict[str, Any]]:
    """The same in the Chat Completions API, without the closing `[DONE]`."""
    frame = {"id": "chatcmpl_1", "object": "chat.completion.chunk", "created": 1, "model": MODEL}
    for delta in ({"role": "assistant", "content": ""}, *({"content": text} for text in deltas)):
        yield {**frame, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
    yield {**frame, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    usage = {"prompt_tokens": 10, "completion_tokens": 20, "total_tokens": 30}
    yield {**frame, "choices": [], "usage": usage}


def until_open(*deltas: str) -> list[dict[str, Any]]:
    """The beginning of an answer: everything up to the last of `deltas`."""
    events = list(response_events(*deltas))
    last = max(i for i, event in enumerate(events) if event["type"].endswith("output_text.delta"))
    return events[: last + 1]


def after_open(*deltas: str) -> list[dict[str, Any]]:
    """What `until_open(*deltas)` leaves out."""
    return list(response_events(*deltas))[len(until_open(*deltas)) :]


# Scripts for the common cases.


def answer(*deltas: str, headers: dict[str, str] | None = None, reasoning: str = "") -> Script:
    """A good answer, in the wire API that was asked."""

    def script(exchange: Exchange) -> None:
        exchange.head(headers=headers)
        if exchange.path.endswith("/chat/completions"):
            for chunk in chat_chunks(*deltas):
                exchange.send(b"data: " + json.dumps(chunk).encode() + b"\n\n")
            exchange.send(b"data: [DONE]\n\n")
        else:
            exchange.events(response_events(*deltas, reasoning=reasoning))

    return script


def fail(
    status: int,
    message: str,
    *,
    code: str | None = None,
    headers: dict[str, str] | None = None,
    type: str = "error",
) -> Script:
    """An HTTP error in OpenAI's form."""
    return lambda exchange: exchange.reply(
        status, error_body(message, code=code, type=type), headers
    )


def body(data: bytes | str, *, status: int = 200, content_type: str) -> Script:
    """Any other document."""
    return lambda exchange: exchange.reply(status, data, content_type=content_type)


def stream(*chunks: bytes, cut: bool = False) -> Script:
    """An event stream of exactly these chunks."""

    def script(exchange: Exchange) -> None:
        exchange.head()
        for chunk in chunks:
            exchange.send(chunk)
        if cut:
            exchange.pause_before_cut()
            exchange.cut()

    return script


class Gate:
    """A script that answers up to a point and there waits for the test.

    `reached` is set when everything before the point has been written; `open` lets it go on.
    """

    def __init__(self, *before: str, after: Iterable[str] = ()) -> None:
        self.reached = threading.Event()
        self.open = threading.Event()
        self._before = before
        self._all = (*before, *after)

    def __call__(self, exchange: Exchange) -> None:
        if exchange.path.endswith("/chat/completions"):
            self._chat(exchange)
            return
        events = list(response_events(*self._all))
        count = len(until_open(*self._before)) if self._before else 1
        exchange.head()
        exchange.events(events[:count])
        self.reached.set()
        exchange.wait(self.open)
        exchange.events(events[count:])

    def _chat(self, exchange: Exchange) -> None:
        chunks = [b"data: " + json.dumps(it).encode() + b"\n\n" for it in chat_chunks(*self._all)]
        # What opens the answer comes before its text.
        count = 1 + len(self._before)
        exchange.head()
        for chunk in chunks[:count]:
            exchange.send(chunk)
        self.reached.set()
        exchange.wait(self.open)
        for chunk in (*chunks[count:], b"data: [DONE]\n\n"):
            exchange.send(chunk)


Call = tuple[str, str]
"""A tool and its arguments, as the model writes them."""


def call_frames(exchange: Exchange, calls: Sequence[Call], pieces: int) -> Iterator[bytes]:
    """An answer that calls tools, in the wire API that was asked.

    The arguments arrive in ``pieces``. Ids are numbered from the start in each answer, as some
    servers do.
    """
    if exchange.path.endswith("/chat/completions"):
        frames = _chat_call_chunks(calls, pieces)
        yield from (b"data: " + json.dumps(frame).encode() + b"\n\n" for frame in frames)
        yield b"data: [DONE]\n\n"
    else:
        yield from map(sse, _response_call_events(calls, pieces))


def _in_pieces(text: str, pieces: int) -> list[str]:
    size = max(1, -(-len(text) // pieces))
    return [text[at : at + size] for at in range(0, len(text), size)]


def _response_call_events(calls: Sequence[Call], pieces: int) -> Iterator[dict[str, Any]]:
    response: dict[str, Any] = {"id": "resp_1", "status": "in_progress", "output": []}
    yield {"type": "response.created", "response": response}
    output = []
    for index, (name, arguments) in enumerate(calls):
        place = {"item_id": f"fc_{index}", "output_index": index}
        item = {
            "type": "function_call",
            "id": f"fc_{index}",
            "call_id": f"call_{index}",
            "name": name,
            "arguments": arguments,
        }
        started = {**item, "arguments": ""}
        yield {"type": "response.output_item.added", "output_index": index, "item": started}
        for piece in _in_pieces(arguments, pieces):
            yield {"type": "response.function_call_arguments.delta", **place, "delta": piece}
        done = {"type": "response.function_call_arguments.done", "arguments": arguments}
        yield {**done, **place}
        yield {"type": "response.output_item.done", "output_index": index, "item": item}
        output.append(item)
    usage = {"input_tokens": 10, "output_tokens": 5, "total_tokens": 15}
    response = {"id": "resp_1", "status": "completed", "output": output, "usage": usage}
    yield {"type": "response.completed", "response": response}


def _chat_call_chunks(calls: Sequence[Call], pieces: int) -> Iterator[dict[str, Any]]:
    frame = {"id": "chatcmpl_1", "object": "chat.completion.chunk", "created": 1, "model": MODEL}

    def choice(delta: dict[str, Any], reason: str | None = None) -> dict[str, Any]:
        return {**frame, "choices": [{"index": 0, "delta": delta, "finish_reason": reason}]}

    yield choice({"role": "assistant", "content": None})
    for index, (name, arguments) in enumerate(calls):
        function = {"name": name, "arguments": ""}
        call = {"index": index, "id": f"call_{index}", "type": "function", "function": function}
        yield choice({"tool_calls": [call]})
        for piece in _in_pieces(arguments, pieces):
            yield choice({"tool_calls": [{"index": index, "function": {"arguments": piece}}]})
    yield choice({}, "tool_calls")
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
    yield {**frame, "choices": [], "usage": usage}


def tool_calls(*calls: Call, pieces: int = 4) -> Script:
    """An answer that calls tools."""

    def script(exchange: Exchange) -> None:
        exchange.head()
        for frame in call_frames(exchange, calls, pieces):
            exchange.send(frame)

    return script


def python_calls(*codes: str) -> Script:
    """An answer that calls `python` with each of the codes."""
    return tool_calls(*(("python", json.dumps({"code": code})) for code in codes))


class CallGate:
    """An answer that calls a tool, and waits for the test in the middle of the arguments.

    `reached` is set when it does; `open` lets it go on.
    """

    def __init__(self, name: str, arguments: str) -> None:
        self.reached = threading.Event()
        self.open = threading.Event()
        self._call = (name, arguments)

    def __call__(self, exchange: Exchange) -> None:
        frames = list(call_frames(exchange, [self._call], pieces=2))
        # What opens the answer, what begins the call, and the first half of its arguments.
        exchange.head()
        for frame in frames[:3]:
            exchange.send(frame)
        self.reached.set()
        exchange.wait(self.open)
        for frame in frames[3:]:
            exchange.send(frame)
