"""Limits of all providers in use, and who may try first when one of them is over.

Messages wait with their conversations; whether a request may leave is decided here, by one
`RequestQueue` for each provider.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable
from typing import Any

from pydantic import TypeAdapter, ValidationError

from sidestream.session.queue import Priority, QueueLimits, RequestQueue
from sidestream.session.rate_limits import RateLimitManager
from sidestream.types.rate_limits import RateLimitSnapshot

LimitKey = tuple[str, str]
"""A provider's origin and the model: what one answer tells counts for these."""


class Limits:
    """A rate-limit manager for each provider and model.

    When a limit is over, those who waited for it do not all go at once, or they would run into the
    next one together: one goes, and the others wait for what its answer tells.

    Args:
        now: Unix time in seconds.
        changed: Told when a provider has told something.

    """

    def __init__(
        self, now: Callable[[], float] = time.time, changed: Callable[[], None] = lambda: None
    ) -> None:
        self._now = now
        self._changed = changed
        self._managers: dict[LimitKey, RateLimitManager] = {}
        self._queues: dict[str, RequestQueue] = {}
        """By origin: what the user lets through in a minute."""
        self._first: dict[LimitKey, str] = {}

    def _manager(self, key: LimitKey) -> RateLimitManager:
        return self._managers.setdefault(key, RateLimitManager())

    def update(self, key: LimitKey, snapshot: RateLimitSnapshot) -> None:
        """Take in what an answer told."""
        self._manager(key).update(snapshot, self._now())
        self._changed()

    def note_retry_after(self, key: LimitKey, retry_after_ms: int) -> None:
        """A server asked for a pause."""
        self._manager(key).note_retry_after(retry_after_ms, self._now())
        self._changed()

    def wait_ms(self, key: LimitKey) -> int:
        """How long the next request has to wait, in milliseconds; 0 when it may go."""
        return self._manager(key).wait_ms(self._now())

    def admit(
        self,
        key: LimitKey,
        request_id: str,
        *,
        per_minute: int | None = None,
        urgent: bool = False,
    ) -> int:
        """0 when a request may leave now, and is counted; else the wait in milliseconds.

        ``per_minute`` is how many the user lets through to that provider. What is ``urgent`` waits
        for nothing. A request that has to wait does so with its conversation, which asks again.
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
        """Whether a turn may go, now that the limit does not hold.

        Of those who ``waited`` for it one tries; until `has_tried` nobody else may.
        """
        if waited:
            self._first.setdefault(key, turn_id)
        return self._first.get(key, turn_id) == turn_id

    def has_tried(self, key: LimitKey, turn_id: str) -> bool:
        """The others may go as well, unless the limit holds again. True when there was a wait."""
        if self._first.get(key) != turn_id:
            return False
        del self._first[key]
        return True

    def view(self) -> list[dict[str, Any]]:
        """The ``Limits`` of ``shared/protocol.js`` that still hold, those told last first."""
        views = [
            {"name": origin, **({"model": model} if model else {}), **view}
            for (origin, model), manager in self._managers.items()
            if (view := manager.view(self._now()))
        ]
        return sorted(views, key=lambda view: -view["at"])

    def to_json(self) -> str:
        """What still holds, to be kept while nobody is awake."""
        queues = [(origin, "", queue.to_json()) for origin, queue in self._queues.items()]
        kept = [
            (*key, manager.to_json(history=False))
            for key, manager in self._managers.items()
            if manager.view(self._now())
        ]
        return json.dumps([*kept, *queues])

    def restore(self, text: str) -> None:
        """Go on from `to_json`; what cannot be read is left out."""
        with contextlib.suppress(ValidationError):
            for origin, model, state in _KEPT.validate_json(text):
                if '"sent_at"' in state:
                    self._queues[origin] = RequestQueue.from_json(state)
                else:
                    self._managers[origin, model] = RateLimitManager.from_json(state)


_KEPT = TypeAdapter(list[tuple[str, str, str]])
