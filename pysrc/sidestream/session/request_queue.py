"""A queue of requests: first in, first out within a priority, released by the rate limits.

A queue has no task and no timer: its owner asks `RequestQueue.take` for the next request and
`RequestQueue.wait_ms` for when to ask again. It can be stored at any moment, so nothing is lost and
nothing is sent twice when the process ends: a request that was taken is kept until `done` or
`put_back`, and after a restart `in_flight` contains the requests that may have been sent.
"""

from __future__ import annotations

import contextlib
import math
from enum import IntEnum
from typing import Any, Self

from pydantic import Field, ValidationError

from sidestream.errors import ErrorKind, SidestreamError
from sidestream.session.rate_limits import RateLimitManager
from sidestream.texts import text
from sidestream.types._base import WireModel

MINUTE_S = 60
HOUR_S = 3600


class Priority(IntEnum):
    """Which request is sent first."""

    NOW = 0
    """The user chose it: it is sent before all others, and waits for no limit."""
    HIGH = 1
    NORMAL = 2
    LOW = 3


class QueueLimits(WireModel):
    """How many requests a queue releases, whatever the provider allows. None: no limit."""

    max_waiting: int = Field(default=100, gt=0)
    """How many requests may wait at once."""
    max_in_flight: int | None = Field(default=1, gt=0)
    """How many requests may be in flight at once."""
    per_minute: int | None = Field(default=None, gt=0)
    per_hour: int | None = Field(default=None, gt=0)


class QueuedRequest(WireModel):
    """One queued request."""

    id: str
    """The id that the owner chose; it can serve as the idempotency key."""
    priority: Priority = Priority.NORMAL
    payload: Any = None
    """What the owner needs to send it, as JSON data."""
    queued_at: float
    """Unix time in seconds."""
    order: int
    """Position of arrival, from 0."""
    attempts: int = 0
    """How often it has been taken."""


class _State(WireModel):
    waiting: list[QueuedRequest] = []
    in_flight: list[QueuedRequest] = []
    sent_at: list[float] = []
    arrived: int = 0


class RequestQueue:
    """A queue of requests. All times are Unix times in seconds.

    ``rate_limits`` is asked before each request is sent; ``limit_id`` is the family of limits that
    applies to the requests.
    """

    def __init__(
        self,
        rate_limits: RateLimitManager | None = None,
        *,
        limits: QueueLimits | None = None,
        limit_id: str | None = None,
    ) -> None:
        self.limits = limits or QueueLimits()
        self._rate_limits = rate_limits or RateLimitManager()
        self._limit_id = limit_id
        self._state = _State()

    @property
    def waiting(self) -> list[QueuedRequest]:
        """The waiting requests, in the order in which they will be sent."""
        return sorted(self._state.waiting, key=lambda request: (request.priority, request.order))

    @property
    def in_flight(self) -> list[QueuedRequest]:
        """The requests that were taken and are neither done nor put back."""
        return list(self._state.in_flight)

    def __len__(self) -> int:
        return len(self._state.waiting)

    def add(
        self, request_id: str, payload: Any, at: float, *, priority: Priority = Priority.NORMAL
    ) -> QueuedRequest:
        """Add a request after the others of its priority.

        An id that is known already, waiting or in flight, changes nothing. Raises `SidestreamError`
        of kind ``rate_limited`` when the queue is full.
        """
        known = self._find(self._state.waiting + self._state.in_flight, request_id)
        if known:
            return known
        if len(self._state.waiting) >= self.limits.max_waiting:
            raise SidestreamError(
                ErrorKind.RATE_LIMITED,
                text("error_queue_full", count=self.limits.max_waiting),
                hint=text("hint_queue_full"),
                retryable=True,
            )
        request = QueuedRequest(
            id=request_id,
            priority=priority,
            payload=payload,
            queued_at=at,
            order=self._state.arrived,
        )
        self._change(waiting=[*self._state.waiting, request], arrived=request.order + 1)
        return request

    def cancel(self, request_id: str) -> bool:
        """Remove a waiting request. Returns False if it does not wait (any more)."""
        found = self._find(self._state.waiting, request_id)
        if found:
            self._change(waiting=_without(self._state.waiting, found))
        return found is not None

    def send_now(self, request_id: str) -> bool:
        """Send a waiting request before all others. Returns False if it does not wait."""
        found = self._find(self._state.waiting, request_id)
        if found:
            first = found.model_copy(update={"priority": Priority.NOW})
            self._change(waiting=[*_without(self._state.waiting, found), first])
        return found is not None

    def wait_ms(self, now: float) -> int | None:
        """Milliseconds until the next request can be sent; 0 for at once.

        None means that no request waits, or that all wait for one in flight.
        """
        waiting = self.waiting
        if not waiting:
            return None
        if waiting[0].priority is Priority.NOW:
            return 0
        in_flight = self.limits.max_in_flight
        if in_flight is not None and len(self._state.in_flight) >= in_flight:
            return None
        family = {} if self._limit_id is None else {"limit_id": self._limit_id}
        own = max(
            self._until_free(self.limits.per_minute, MINUTE_S, now),
            self._until_free(self.limits.per_hour, HOUR_S, now),
        )
        return max(math.ceil(own * 1000), self._rate_limits.wait_ms(now, **family))

    def take(self, now: float) -> QueuedRequest | None:
        """The next request, if one can be sent now. It is in flight until `done` or `put_back`."""
        if self.wait_ms(now) != 0:
            return None
        first = self.waiting[0]
        taken = first.model_copy(update={"attempts": first.attempts + 1})
        self._change(
            waiting=_without(self._state.waiting, first),
            in_flight=[*self._state.in_flight, taken],
            sent_at=[*(at for at in self._state.sent_at if now - at < HOUR_S), now],
        )
        return taken

    def done(self, request_id: str) -> None:
        """Remove a request that was answered or failed. Unknown ids are ignored."""
        found = self._find(self._state.in_flight, request_id)
        if found:
            self._change(in_flight=_without(self._state.in_flight, found))

    def put_back(self, request_id: str) -> None:
        """Return a request that was not sent to its old place. Unknown ids are ignored."""
        found = self._find(self._state.in_flight, request_id)
        if found:
            self._change(
                in_flight=_without(self._state.in_flight, found),
                waiting=[*self._state.waiting, found],
            )

    def to_json(self) -> str:
        """The whole state, to be stored before a request is sent."""
        return self._state.to_json()

    @classmethod
    def from_json(
        cls,
        text: str | None,
        rate_limits: RateLimitManager | None = None,
        *,
        limits: QueueLimits | None = None,
        limit_id: str | None = None,
    ) -> Self:
        """A queue that continues from `to_json`; an empty one if that is unreadable."""
        queue = cls(rate_limits, limits=limits, limit_id=limit_id)
        with contextlib.suppress(ValidationError):
            queue._state = _State.model_validate_json(text or "")
        return queue

    def _until_free(self, allowed: int | None, window_s: float, now: float) -> float:
        """Seconds until fewer than ``allowed`` requests are within the window."""
        if allowed is None:
            return 0.0
        recent = sorted(at for at in self._state.sent_at if now - at < window_s)
        return recent[-allowed] + window_s - now if len(recent) >= allowed else 0.0

    @staticmethod
    def _find(requests: list[QueuedRequest], request_id: str) -> QueuedRequest | None:
        return next((request for request in requests if request.id == request_id), None)

    def _change(self, **fields: Any) -> None:
        self._state = self._state.model_copy(update=fields)


def _without(requests: list[QueuedRequest], one: QueuedRequest) -> list[QueuedRequest]:
    return [request for request in requests if request is not one]
