"""A `Fetch` that answers from a script and keeps the requests."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

from sidestream.connection_errors import broken_connection_error, network_error
from sidestream.testing.streams import MockSSEStream
from sidestream.transport import HttpRequest


class Reply:
    """One scripted answer.

    ``body`` is a `MockSSEStream`, bytes, text, or anything else as JSON. The content type follows
    from it unless ``headers`` has one. The headers come after ``delay_s`` seconds.
    """

    def __init__(
        self,
        body: MockSSEStream | bytes | str | Any = b"",
        *,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        delay_s: float = 0.0,
    ) -> None:
        if isinstance(body, MockSSEStream):
            self.body, content_type = body, "text/event-stream"
        elif isinstance(body, bytes):
            self.body, content_type = MockSSEStream(body), ""
        elif isinstance(body, str):
            kind = "text/html" if body.lstrip().startswith("<") else "text/plain"
            self.body, content_type = MockSSEStream(body.encode()), kind
        else:
            self.body = MockSSEStream(json.dumps(body).encode())
            content_type = "application/json"
        self.status = status
        self.headers = {"content-type": content_type} if content_type else {}
        self.headers |= {name.lower(): value for name, value in (headers or {}).items()}
        self.delay_s = delay_s


class Refuse:
    """A connection that fails after ``delay_s`` seconds, without an answer."""

    def __init__(self, message: str = "connection refused", *, delay_s: float = 0.0) -> None:
        self.message = message
        self.delay_s = delay_s


ScriptedReply = Reply | Refuse | Callable[[HttpRequest], Reply | Refuse]


class FakeResponse:
    """The response of `FakeFetch`, which records how it was used."""

    def __init__(self, reply: Reply) -> None:
        self.status = reply.status
        self.headers: Mapping[str, str] = reply.headers
        self.read_to_end = False
        self.closed = False
        self._body = reply.body

    @property
    def aborted(self) -> bool:
        """Whether it was closed before the end of the body."""
        return self.closed and not self.read_to_end

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the scripted body."""
        async for chunk in self._body.chunks():
            if self.closed:
                raise broken_connection_error("the response was closed while being read")
            yield chunk
        self.read_to_end = True

    async def aclose(self) -> None:
        """Record that the response was released."""
        self.closed = True


class FakeFetch:
    """Answers one request after the other from a script; ``then`` answers all further ones.

    A scripted reply is a `Reply`, a `Refuse`, or a function from the request to one of them.
    """

    def __init__(self, *replies: ScriptedReply, then: ScriptedReply | None = None) -> None:
        self.requests: list[HttpRequest] = []
        self.responses: list[FakeResponse] = []
        self.times: list[float] = []
        """The loop's time of each request, in seconds."""
        self.cancelled = 0
        """How many requests were cancelled before their headers came."""
        self._replies = list(replies)
        self._then = then

    async def __call__(self, request: HttpRequest) -> FakeResponse:
        """Answer a request with the next reply of the script."""
        self.requests.append(request)
        self.times.append(asyncio.get_running_loop().time())
        reply = self._replies.pop(0) if self._replies else self._then
        if reply is None:
            raise AssertionError(f"no answer is scripted for request {len(self.requests)}")
        if not isinstance(reply, (Reply, Refuse)):
            reply = reply(request)
        try:
            await asyncio.sleep(reply.delay_s)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if isinstance(reply, Refuse):
            raise network_error(reply.message)
        response = FakeResponse(reply)
        self.responses.append(response)
        return response

    @property
    def all_closed(self) -> bool:
        """Whether every response was released."""
        return all(response.closed for response in self.responses)

    def json(self, index: int = -1) -> Any:
        """The body of a request as JSON: the last one, or that at ``index``."""
        return json.loads(self.requests[index].body or b"null")
