"""The limits of all providers in use, and which turn is sent first when one of them ends.

Messages are queued in their conversations (`send_queue`). Whether a request can be sent is decided
here, with one `RequestQueue` for each provider.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable
from typing import Any

from pydantic import TypeAdapter, ValidationError

from sidestream.session.rate_limits import RateLimitManager
from sidestream.session.request_queue import Priority, QueueLimits, RequestQueue
from sidestream.types.rate_limits import RateLimitSnapshot

LimitKey = tuple[str, str]
"""A provider's origin and the model, to which the limits in an answer apply."""


class Limits:
    """A rate-limit manager for each provider and model.

    When a limit ends, the turns that waited for it are not all sent at once, since they would reach
    the next limit together: one is sent, and the others wait for the limits in its answer.

    Args:
        now: Unix time in seconds.
        changed: Called when a provider has reported limits.

    """

    def __init__(
        self, now: Callable[[], float] = time.time, changed: Callable[[], None] = lambda: None
    ) -> None:
        self._now = now
        self._changed = changed
        self._managers: dict[LimitKey, RateLimitManager] = {}
        self._queues: dict[str, RequestQueue] = {}
        """The requests per minute that the user allows, by origin."""
        self._first: dict[LimitKey, str] = {}

    def _manager(self, key: LimitKey) -> RateLimitManager:
        return self._managers.setdefault(key, RateLimitManager())

    def update(self, key: LimitKey, snapshot: RateLimitSnapshot) -> None:
        """Store the limits that an answer reported."""
        self._manager(key).update(snapshot, self._now())
        self._changed()

    def note_retry_after(self, key: LimitKey, retry_after_ms: int) -> None:
        """Note that a server asked for a pause."""
        self._manager(key).note_retry_after(retry_after_ms, self._now())
        self._changed()

    def wait_ms(self, key: LimitKey) -> int:
        """How long the next request has to wait, in milliseconds; 0 if it can be sent."""
        return self._manager(key).wait_ms(self._now())

    def admit(
        self,
        key: LimitKey,
        request_id: str,
        *,
        per_minute: int | None = None,
        urgent: bool = False,
    ) -> int:
        """Count a request and return 0 if it can be sent now, or else the wait in milliseconds.

        ``per_minute`` is how many requests the user allows to that provider. An ``urgent`` one
        never waits. A request that has to wait is queued in its conversation, which asks again.
        """
        now = self._now()
        queue = self._queues.setdefault(key[0], RequestQueue())
        queue.limits = QueueLimits(max_in_flight=None, per_minute=per_minute)
        queue.add(request_id, None, now, priority=Priority.NOW if urgent else Priority.NORMAL)
        wait_ms = queue.wait_ms(now) or 0
        if wait_ms:
            queue.cancel(request_id)
            return wait_ms
        queue.take(now)
        queue.done(request_id)
        if per_minute is not None:
            self._changed()
        return 0

    def reset(self) -> None:
        """Forget everything, as after a change of account."""
        self._managers.clear()
        self._first.clear()
        self._changed()

    def may_go(self, key: LimitKey, turn_id: str, *, waited: bool) -> bool:
        """Whether a turn can be sent, now that the limit has ended.

        Of the turns that ``waited`` for it, one is sent; the others wait until `has_tried`.
        """
        if waited:
            self._first.setdefault(key, turn_id)
        return self._first.get(key, turn_id) == turn_id

    def has_tried(self, key: LimitKey, turn_id: str) -> bool:
        """Let the other turns be sent as well. Returns whether they had to wait for this one."""
        if self._first.get(key) != turn_id:
            return False
        del self._first[key]
        return True

    def view(self) -> list[dict[str, Any]]:
        """The ``Limits`` of ``shared/protocol.js`` that still apply, the latest first."""
        views = [
            {"name": origin, **({"model": model} if model else {}), **view}
            for (origin, model), manager in self._managers.items()
            if (view := manager.view(self._now()))
        ]
        return sorted(views, key=lambda view: -view["at"])

    def to_json(self) -> str:
        """The limits that still apply, to be stored."""
        queues = [(origin, "", queue.to_json()) for origin, queue in self._queues.items()]
        kept = [
            (*key, manager.to_json(history=False))
            for key, manager in self._managers.items()
            if manager.view(self._now())
        ]
        return json.dumps([*kept, *queues])

    def restore(self, text: str) -> None:
        """Continue from `to_json`; what cannot be read is left out."""
        with contextlib.suppress(ValidationError):
            for origin, model, state in _KEPT.validate_json(text):
                if '"sent_at"' in state:
                    self._queues[origin] = RequestQueue.from_json(state)
                else:
                    self._managers[origin, model] = RateLimitManager.from_json(state)


_KEPT = TypeAdapter(list[tuple[str, str, str]])
