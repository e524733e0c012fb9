"""Limits of all providers in use, and who may try first when one of them is over."""

from __future__ import annotations

import time
from collections.abc import Callable

from sidestream.session.rate_limits import RateLimitManager

LimitKey = tuple[str, str]
"""A provider's origin and the model: what one answer tells counts for these."""


class Limits:
    """A rate-limit manager for each provider and model.

    When a limit is over, those who waited for it do not all go at once, or they would run into the
    next one together: one goes, and the others wait for what its answer tells.
    """

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self._managers: dict[LimitKey, RateLimitManager] = {}
        self._first: dict[LimitKey, str] = {}

    def manager(self, key: LimitKey) -> RateLimitManager:
        """What the provider told of this model."""
        return self._managers.setdefault(key, RateLimitManager())

    def wait_ms(self, key: LimitKey) -> int:
        """How long the next request has to wait, in milliseconds; 0 when it may go."""
        return self.manager(key).wait_ms(self._now())

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
