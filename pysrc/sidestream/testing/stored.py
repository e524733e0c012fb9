"""A provider of the Responses API that stores its answers, so that they can be resumed."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from sidestream.sse import SSEDecoder
from sidestream.testing.fetch import FakeFetch, Refuse, Reply
from sidestream.testing.streams import MockSSEStream
from sidestream.transport import HttpRequest


class StoredResponses(FakeFetch):
    """A `Fetch` that gives each new request the next of ``answers``, and stores it.

    ``GET /responses/{id}?stream=true&starting_after=N`` gives the frames after N, or the whole
    response without ``stream``. ``POST /responses/{id}/cancel`` is recorded. Only answers to
    requests with ``background`` are stored. The frames are numbered anew, from 0.

    Each of ``cuts`` breaks one connection after that many bytes; later connections do not break.
    """

    def __init__(self, *answers: MockSSEStream, cuts: Iterable[int] = ()) -> None:
        super().__init__(then=self._answer)
        self.cancelled_ids: list[str] = []
        """The ids of the answers for which a cancellation was received."""
        self.streams = True
        """If False, stored answers are given as a whole only, as OpenAI does after some minutes."""
        self.looks_until_done = 0
        """How many requests for the whole answer find it unfinished."""
        self.pace_s = 0.0
        """How long it takes to write each frame, in seconds."""
        self.cuts = list(cuts)
        self._answers: list[list[dict[str, Any]]] = []
        self.answer_next(*answers)
        self._kept: dict[str, list[dict[str, Any]]] = {}

    def answer_next(self, *answers: MockSSEStream) -> None:
        """Replace the answers that are still to be given."""
        self._answers = [_numbered(answer.body) for answer in answers]

    @property
    def asked(self) -> int:
        """The number of requests for a new answer."""
        return sum(
            request.method == "POST" and request.address.endswith("/responses")
            for request in self.requests
        )

    def forget(self) -> None:
        """Delete all stored answers."""
        self._kept.clear()

    def _answer(self, request: HttpRequest) -> Reply | Refuse:
        url = urlsplit(request.url)
        _, _, rest = url.path.partition("/responses")
        if not rest:
            frames = self._answers.pop(0)
            response_id = _id_of(frames) or f"resp_{self.asked}"
            if json.loads(request.body or b"{}").get("background"):
                self._kept[response_id] = frames
            return self._stream(frames)
        response_id, _, action = unquote(rest[1:]).partition("/")
        kept = self._kept.get(response_id)
        if kept is None:
            return _refusal(404, f"Response with id '{response_id}' not found.")
        if action == "cancel":
            self.cancelled_ids.append(response_id)
            return Reply({"id": response_id, "status": "cancelled"})
        query = parse_qs(url.query)
        if "stream" not in query:
            if self.looks_until_done:
                self.looks_until_done -= 1
                return Reply({"id": response_id, "status": "in_progress", "output": []})
            return Reply(kept[-1]["response"])
        if not self.streams:
            return _refusal(400, "This response can no longer be streamed.")
        after = int(query.get("starting_after", ["-1"])[0])
        return self._stream([frame for frame in kept if frame["sequence_number"] > after])

    def _stream(self, frames: list[dict[str, Any]]) -> Reply:
        body = MockSSEStream().paced(self.pace_s)
        for frame in frames:
            body.event(frame, event=frame.get("type"))
        if self.cuts:
            body.fail_at(self.cuts.pop(0))
        return Reply(body)


def _refusal(status: int, message: str) -> Reply:
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": None}
    return Reply({"error": error}, status=status)


def _numbered(body: bytes) -> list[dict[str, Any]]:
    """The JSON frames of a stream, numbered from 0."""
    frames: list[dict[str, Any]] = []
    for event in SSEDecoder().feed(body):
        if event.data.startswith("{"):
            frames.append({**json.loads(event.data), "sequence_number": len(frames)})
    return frames


def _id_of(frames: list[dict[str, Any]]) -> str | None:
    return next((f["response"]["id"] for f in frames if f.get("response", {}).get("id")), None)
