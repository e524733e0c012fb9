"""Rate-limit windows, as a provider's headers tell them."""

from __future__ import annotations

from sidestream.types._base import WireModel


class RateLimitWindow(WireModel):
    """One window of a plan's limit: how much is used, how long it is, when it starts anew."""

    used_percent: float
    window_minutes: int | None = None
    resets_at: int | None = None
    """Unix time in seconds."""


class CreditsSnapshot(WireModel):
    """What is left of bought credits."""

    has_credits: bool
    unlimited: bool
    balance: str | None = None


class RequestQuota(WireModel):
    """One ``x-ratelimit-*`` family of the public API: requests or tokens."""

    limit: int | None = None
    remaining: int | None = None
    reset_after_ms: int | None = None
    """Milliseconds from the response until the quota is full again."""


class RateLimitSnapshot(WireModel):
    """The limits of one family at one moment (Codex ``RateLimitSnapshot``).

    ``requests`` and ``tokens`` hold the public API's ``x-ratelimit-*`` figures; the windows hold
    the ``x-codex-*`` figures of a ChatGPT plan.
    """

    limit_id: str | None = None
    limit_name: str | None = None
    primary: RateLimitWindow | None = None
    secondary: RateLimitWindow | None = None
    credits: CreditsSnapshot | None = None
    requests: RequestQuota | None = None
    tokens: RequestQuota | None = None
    plan_type: str | None = None
    rate_limit_reached_type: str | None = None
