"""A provider of the Responses API that keeps its answers, so that they can be picked up."""

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
    """A `Fetch` that gives each request for an answer the next of ``answers``, and keeps it.

    ``GET /responses/{id}?stream=true&starting_after=N`` gives the frames after N, without
    ``stream`` the whole response; ``POST /responses/{id}/cancel`` is noted. Only what is asked for
    with ``background`` is kept. The frames are numbered anew, from 0.

    Each of ``cuts`` breaks one connection after so many bytes; the connections after them last.
    """

    def __init__(self, *answers: MockSSEStream, cuts: Iterable[int] = ()) -> None:
        super().__init__(then=self._answer)
        self.cancelled_ids: list[str] = []
        """Of the answers that were to be cancelled."""
        self.streams = True
        """False: as OpenAI does after some minutes, give stored answers as a whole only."""
        self.looks_until_done = 0
        """How many requests for the whole answer are told that it is not finished."""
        self.pace_s = 0.0
        """How long it takes to write each frame, in seconds."""
        self.cuts = list(cuts)
        self._answers: list[list[dict[str, Any]]] = []
        self.answer_next(*answers)
        self._kept: dict[str, list[dict[str, Any]]] = {}

    def answer_next(self, *answers: MockSSEStream) -> None:
        """Give the next requests for an answer these, instead of what was to come."""
        self._answers = [_numbered(answer.body) for answer in answers]

    @property
    def asked(self) -> int:
        """How often a new answer was asked for."""
        return sum(
            request.method == "POST" and request.address.endswith("/responses")
            for request in self.requests
        )

    def forget(self) -> None:
        """Know no answer any more."""
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
    """The frames of a stream that are JSON, counted."""
    frames: list[dict[str, Any]] = []
    for event in SSEDecoder().feed(body):
        if event.data.startswith("{"):
            frames.append({**json.loads(event.data), "sequence_number": len(frames)})
    return frames


def _id_of(frames: list[dict[str, Any]]) -> str | None:
    return next((f["response"]["id"] for f in frames if f.get("response", {}).get("id")), None)
