"""The rate limits of a session: the latest values, the last hour, and how long to wait."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterable
from typing import Any, Literal, Self

from pydantic import ValidationError

from sidestream.rate_limits import DEFAULT_FAMILY, PUBLIC_API
from sidestream.types._base import WireModel
from sidestream.types.rate_limits import RateLimitSnapshot, RateLimitWindow, RequestQuota

HISTORY_S = 3600
MAX_HISTORY = 1000


class RateLimitRecord(WireModel):
    """The limits of one family as they were at one moment (seconds since 1970)."""

    snapshot: RateLimitSnapshot
    at: float


class Restriction(WireModel):
    """One limit, of any kind."""

    limit_id: str
    kind: Literal["primary", "secondary", "requests", "tokens"]
    used_percent: float
    resets_at: float | None = None
    """Seconds since 1970."""


class _State(WireModel):
    current: dict[str, RateLimitRecord] = {}
    history: list[RateLimitRecord] = []
    retry_at: float | None = None
    told_at: float | None = None


def merge_snapshots(old: RateLimitSnapshot | None, new: RateLimitSnapshot) -> RateLimitSnapshot:
    """The newer values, with the credits and the plan of the older where they are not repeated.

    Windows, quotas, the limit's name and the kind of limit reached are never carried over.
    """
    limit_id = new.limit_id or DEFAULT_FAMILY
    if old is None:
        return new.model_copy(update={"limit_id": limit_id})
    kept = {"credits": new.credits or old.credits, "plan_type": new.plan_type or old.plan_type}
    return new.model_copy(update={"limit_id": limit_id, **kept})


class RateLimitManager:
    """Keeps the limits that a provider reports. All times are seconds since 1970."""

    def __init__(self) -> None:
        self._state = _State()

    def update(self, snapshots: RateLimitSnapshot | Iterable[RateLimitSnapshot], at: float) -> None:
        """Store what one answer reported."""
        if isinstance(snapshots, RateLimitSnapshot):
            snapshots = [snapshots]
        current = dict(self._state.current)
        history = [record for record in self._state.history if at - record.at <= HISTORY_S]
        told_at = self._state.told_at
        for snapshot in snapshots:
            limit_id = snapshot.limit_id or DEFAULT_FAMILY
            old = current.get(limit_id)
            merged = merge_snapshots(old.snapshot if old else None, snapshot)
            current[limit_id] = RateLimitRecord(snapshot=merged, at=at)
            history.append(current[limit_id])
            told_at = at
        changes = {"current": current, "history": history[-MAX_HISTORY:], "told_at": told_at}
        self._state = self._state.model_copy(update=changes)

    def note_retry_after(self, retry_after_ms: int, at: float) -> None:
        """Note that a server asked for a pause (``Retry-After``)."""
        retry_at = max(at + retry_after_ms / 1000, self._state.retry_at or 0)
        self._state = self._state.model_copy(update={"retry_at": retry_at, "told_at": at})

    def reset(self) -> None:
        """Forget everything, as after a change of account."""
        self._state = _State()

    def snapshot(self, limit_id: str = DEFAULT_FAMILY) -> RateLimitSnapshot | None:
        """The latest values of a family."""
        record = self._state.current.get(limit_id)
        return record.snapshot if record else None

    @property
    def snapshots(self) -> list[RateLimitSnapshot]:
        """The latest values of all families."""
        return [record.snapshot for record in self._state.current.values()]

    def history(self, now: float) -> list[RateLimitRecord]:
        """What was reported in the last hour, oldest first."""
        return [record for record in self._state.history if now - record.at <= HISTORY_S]

    def restrictions(self, now: float) -> list[Restriction]:
        """Every limit that still applies, the fullest first."""
        found = [
            restriction
            for limit_id, record in self._state.current.items()
            for restriction in _restrictions(limit_id, record)
            if restriction.resets_at is None or restriction.resets_at > now
        ]
        return sorted(found, key=lambda r: (-r.used_percent, -(r.resets_at or 0)))

    def most_restrictive(self, now: float) -> Restriction | None:
        """The limit that is closest to being reached; of two equals, the one that ends later."""
        return next(iter(self.restrictions(now)), None)

    def approaching(self, now: float, threshold: float = 80.0) -> bool:
        """Whether any limit is used up to ``threshold`` percent."""
        fullest = self.most_restrictive(now)
        return fullest is not None and fullest.used_percent >= threshold

    def wait_ms(self, now: float, limit_id: str = DEFAULT_FAMILY) -> int:
        """How long to wait before the next request, in milliseconds; 0 if it can be sent at once.

        ``limit_id`` is the family that applies to the request; the public API's limits always
        apply. A full window does not while there are credits.
        """
        until = self._state.retry_at or 0.0
        for restriction in self.restrictions(now):
            if restriction.used_percent < 100 or restriction.limit_id not in (limit_id, PUBLIC_API):
                continue
            credits = self._state.current[restriction.limit_id].snapshot.credits
            if not (credits and (credits.unlimited or credits.has_credits)):
                until = max(until, restriction.resets_at or 0.0)
        return max(math.ceil((until - now) * 1000), 0)

    def view(self, now: float) -> dict[str, Any] | None:
        """The ``Limits`` of ``shared/protocol.js`` without the names, for the user.

        It has only what the provider reported and what still applies: a window that has been reset
        since is left out, and so is what remained of a quota that has been. None if it is empty.
        """
        windows: list[dict[str, Any]] = []
        quotas: list[dict[str, Any]] = []
        account: dict[str, Any] = {}
        for record in self._state.current.values():
            told = record.snapshot
            windows += _window_views(told, now)
            quotas += _quota_views(record, now)
            if told.plan_type:
                account["plan"] = told.plan_type
            if told.credits:
                account["credits"] = told.credits.model_dump(exclude_none=True)
        if wait_ms := self.wait_ms(now):
            account["wait_until"] = int(now * 1000) + wait_ms
        if not (windows or quotas or account):
            return None
        at = int((self._state.told_at or now) * 1000)
        return {"windows": windows, "quotas": quotas, **account, "at": at}

    def to_json(self, *, history: bool = True) -> str:
        """The whole state, to be stored; or all but the history."""
        state = self._state if history else self._state.model_copy(update={"history": []})
        return state.to_json()

    @classmethod
    def from_json(cls, text: str | None) -> Self:
        """A manager that continues from `to_json`; an empty one if that is unreadable."""
        manager = cls()
        with contextlib.suppress(ValidationError):
            manager._state = _State.model_validate_json(text or "")
        return manager


def _restrictions(limit_id: str, record: RateLimitRecord) -> list[Restriction]:
    snapshot = record.snapshot
    found: list[Restriction] = []
    windows: tuple[tuple[Literal["primary", "secondary"], RateLimitWindow | None], ...] = (
        ("primary", snapshot.primary),
        ("secondary", snapshot.secondary),
    )
    for kind, window in windows:
        if window and window.used_percent >= 0:
            found.append(
                Restriction(
                    limit_id=limit_id,
                    kind=kind,
                    used_percent=window.used_percent,
                    resets_at=window.resets_at,
                )
            )
    quotas: tuple[tuple[Literal["requests", "tokens"], RequestQuota | None], ...] = (
        ("requests", snapshot.requests),
        ("tokens", snapshot.tokens),
    )
    for name, quota in quotas:
        used = _used_percent(quota) if quota else None
        if quota and used is not None:
            after = quota.reset_after_ms
            resets_at = None if after is None else record.at + after / 1000
            found.append(
                Restriction(limit_id=limit_id, kind=name, used_percent=used, resets_at=resets_at)
            )
    return found


def _window_views(told: RateLimitSnapshot, now: float) -> list[dict[str, Any]]:
    family = "" if told.limit_id == DEFAULT_FAMILY else f" ({told.limit_name or told.limit_id})"
    views: list[dict[str, Any]] = []
    for window, name in ((told.primary, "Primary limit"), (told.secondary, "Secondary limit")):
        if window is None or window.used_percent < 0:
            continue
        if window.resets_at is not None and window.resets_at <= now:
            continue
        label = _window_label(window.window_minutes) if window.window_minutes else name
        view: dict[str, Any] = {"label": label + family, "used_percent": window.used_percent}
        if window.resets_at is not None:
            view["resets_at"] = window.resets_at * 1000
        if window.window_minutes is not None:
            view["window_minutes"] = window.window_minutes
        views.append(view)
    return views


_NAMED_WINDOWS = {
    60: "Hourly limit",
    1_440: "Daily limit",
    10_080: "Weekly limit",
    43_830: "Monthly limit",
    525_960: "Yearly limit",
}


def _window_label(minutes: int) -> str:
    # Backends report 299 minutes for five hours, and months of several lengths.
    for length, label in _NAMED_WINDOWS.items():
        if abs(minutes - length) <= length * 0.03:
            return label
    for length, unit in ((1_440, "day"), (60, "hour")):
        count = round(minutes / length)
        if count and abs(minutes - count * length) <= 2:
            return f"{count}-{unit} limit"
    return f"{minutes}-minute limit"


def _quota_views(record: RateLimitRecord, now: float) -> list[dict[str, Any]]:
    views: list[dict[str, Any]] = []
    told = record.snapshot
    for quota, label in ((told.requests, "Requests"), (told.tokens, "Tokens")):
        if quota is None:
            continue
        view: dict[str, Any] = {}
        if quota.limit is not None and quota.limit > 0:
            view["limit"] = quota.limit
        after = quota.reset_after_ms
        resets_at = None if after is None else int(record.at * 1000) + after
        known = quota.remaining is not None and quota.remaining >= 0
        if known and (resets_at is None or resets_at > now * 1000):
            view["remaining"] = quota.remaining
            if resets_at is not None:
                view["resets_at"] = resets_at
        if view:
            views.append({"label": label, **view})
    return views


def _used_percent(quota: RequestQuota) -> float | None:
    # A negative number means that the server does not know.
    if quota.remaining is None or quota.remaining < 0 or (quota.limit or 0) < 0:
        return None
    if quota.remaining == 0:
        return 100.0
    if not quota.limit or quota.limit <= 0:
        return None
    return max(100.0 * (1 - quota.remaining / quota.limit), 0.0)
