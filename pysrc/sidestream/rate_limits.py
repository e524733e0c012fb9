"""The events of a response's headers: rate limits, the model that answers, and others.

Two kinds of headers are read: ``x-codex-*`` of ChatGPT plans (Codex ``rate_limits.rs``), of which
there may be several families, and ``x-ratelimit-*`` of the public API. Figures that cannot be
understood or are impossible are left out: servers report -1 for a limit that they do not keep.
Nothing here ever fails a request.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Mapping

from sidestream.retry import MAX_KNOWN_WAIT_MS, parse_reset_ms
from sidestream.types.events import (
    ModelsEtag,
    RateLimits,
    ResponseEvent,
    ServerModel,
    ServerReasoningIncluded,
)
from sidestream.types.rate_limits import (
    CreditsSnapshot,
    RateLimitSnapshot,
    RateLimitWindow,
    RequestQuota,
)

DEFAULT_FAMILY = "codex"
PUBLIC_API = "api"
"""The ``limit_id`` of the snapshot that holds the public API's ``x-ratelimit-*`` figures."""

_REACHED_TYPES = {
    "rate_limit_reached",
    "workspace_owner_credits_depleted",
    "workspace_member_credits_depleted",
    "workspace_owner_usage_limit_reached",
    "workspace_member_usage_limit_reached",
}
MAX_FAMILIES = 16
"""The number of families that are read of one response."""
_LONGEST_LABEL = 200
_FAMILY = re.compile(r"x-([a-z0-9][a-z0-9_-]*)-primary-used-percent")
_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")
_DECIMAL = re.compile(r"[+-]?(?:[0-9]{1,18}(?:\.[0-9]*)?|\.[0-9]+)(?:e[+-]?[0-9]{1,3})?", re.I)


def parse_rate_limits(
    headers: Mapping[str, str], *, now: float | None = None
) -> list[RateLimitSnapshot]:
    """The snapshots of all families: ``codex`` first, other families by id, then the public API.

    ``now`` is the Unix time in seconds to which ``resets-in-seconds`` is added.
    """
    headers = _lower(headers)
    now = time.time() if now is None else now
    found = {match[1].replace("-", "_") for match in map(_FAMILY.fullmatch, headers) if match}
    families = [DEFAULT_FAMILY, *sorted(found - {DEFAULT_FAMILY})[:MAX_FAMILIES]]
    snapshots = [_family(headers, family, now) for family in families]
    snapshots.append(_public_api(headers, now))
    return [snapshot for snapshot in snapshots if snapshot]


def header_events(headers: Mapping[str, str], *, now: float | None = None) -> list[ResponseEvent]:
    """The events that come before the body: `ServerModel`, `RateLimits`, `ModelsEtag`, ..."""
    headers = _lower(headers)
    events: list[ResponseEvent] = []
    if model := headers.get("openai-model", ""):
        events.append(ServerModel(model=model[:_LONGEST_LABEL]))
    events += [RateLimits(snapshot=snapshot) for snapshot in parse_rate_limits(headers, now=now)]
    if etag := headers.get("x-models-etag", ""):
        events.append(ModelsEtag(etag=etag[:_LONGEST_LABEL]))
    if "x-reasoning-included" in headers:  # Codex looks at its presence only
        events.append(ServerReasoningIncluded())
    return events


def active_limit(snapshots: list[RateLimitSnapshot], headers: Mapping[str, str]) -> str | None:
    """The name of the limit that a 429 of the ChatGPT backend is about, if it has one.

    ``x-codex-active-limit`` says which family it is.
    """
    wanted = _lower(headers).get("x-codex-active-limit", DEFAULT_FAMILY).lower().replace("-", "_")
    return next((s.limit_name for s in snapshots if s.limit_id == wanted), None)


def _lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value.strip() for name, value in headers.items()}


def _label(text: str | None) -> str | None:
    return text[:_LONGEST_LABEL] if text else None


def _family(headers: Mapping[str, str], family: str, now: float) -> RateLimitSnapshot | None:
    prefix = f"x-{family.replace('_', '-')}"
    primary = _window(headers, f"{prefix}-primary", now)
    secondary = _window(headers, f"{prefix}-secondary", now)
    credits = _credits(headers)
    if primary is None and secondary is None and credits is None:
        return None
    reached = headers.get("x-codex-rate-limit-reached-type")
    return RateLimitSnapshot(
        limit_id=family,
        limit_name=_label(headers.get(f"{prefix}-limit-name")),
        primary=primary,
        secondary=secondary,
        credits=credits,
        plan_type=_label(headers.get("x-codex-plan-type")),
        rate_limit_reached_type=reached if reached in _REACHED_TYPES else None,
    )


def _window(headers: Mapping[str, str], prefix: str, now: float) -> RateLimitWindow | None:
    used = _float(headers.get(f"{prefix}-used-percent"))
    if used is None or used < 0:
        return None
    minutes = _count(headers.get(f"{prefix}-window-minutes"))
    resets_at = _moment(headers.get(f"{prefix}-reset-at"))
    if resets_at is None:
        for name in ("resets-in-seconds", "reset-after-seconds"):
            seconds = _count(headers.get(f"{prefix}-{name}"))
            if seconds is not None and seconds * 1000 <= MAX_KNOWN_WAIT_MS:
                resets_at = int(now) + seconds
                break
    if used == 0 and not minutes and resets_at is None:
        return None
    return RateLimitWindow(used_percent=used, window_minutes=minutes, resets_at=resets_at)


def _credits(headers: Mapping[str, str]) -> CreditsSnapshot | None:
    has_credits = _bool(headers.get("x-codex-credits-has-credits"))
    unlimited = _bool(headers.get("x-codex-credits-unlimited"))
    if has_credits is None or unlimited is None:
        return None
    balance = _label(headers.get("x-codex-credits-balance"))
    return CreditsSnapshot(has_credits=has_credits, unlimited=unlimited, balance=balance)


def _public_api(headers: Mapping[str, str], now: float) -> RateLimitSnapshot | None:
    requests = _quota(headers, "requests", now)
    tokens = _quota(headers, "tokens", now)
    if requests is None and tokens is None:
        return None
    return RateLimitSnapshot(limit_id=PUBLIC_API, requests=requests, tokens=tokens)


def _quota(headers: Mapping[str, str], what: str, now: float) -> RequestQuota | None:
    limit = _count(headers.get(f"x-ratelimit-limit-{what}"))
    remaining = _count(headers.get(f"x-ratelimit-remaining-{what}"))
    if limit is None and remaining is None:
        # The reset time of an unknown limit is of no use.
        return None
    if limit == 0:
        # Either nothing is allowed, or nothing is counted. The next response shows which.
        return None
    if limit is not None and remaining is not None and remaining > limit:
        remaining = None
    reset = headers.get(f"x-ratelimit-reset-{what}")
    reset_after_ms = None if reset is None else parse_reset_ms(reset, now)
    return RequestQuota(limit=limit, remaining=remaining, reset_after_ms=reset_after_ms)


def _count(text: str | None) -> int | None:
    number = _int(text)
    return number if number is not None and number >= 0 else None


def _moment(text: str | None) -> int | None:
    """Unix time in seconds, also where a server writes milliseconds."""
    number = _count(text)
    return number // 1000 if number is not None and number > 10**11 else number


def _int(text: str | None) -> int | None:
    return int(text) if text and _INTEGER.fullmatch(text) else None


def _float(text: str | None) -> float | None:
    value = float(text) if text and _DECIMAL.fullmatch(text) else math.nan
    return value if math.isfinite(value) else None


def _bool(text: str | None) -> bool | None:
    return {"true": True, "1": True, "false": False, "0": False}.get((text or "").lower())
