"""The texts for a ChatGPT plan's usage limit, as in Codex's ``UsageLimitReachedError``."""

from __future__ import annotations

from sidestream._times import local_time_text
from sidestream.rate_limits import active_limit, parse_rate_limits
from sidestream.server_errors._failed import FailedResponse
from sidestream.texts import Text, text

_BY_PLAN = {
    "plus": "limit_plus",
    **dict.fromkeys(("free", "go"), "limit_free"),
    **dict.fromkeys(("pro", "prolite"), "limit_pro"),
    **dict.fromkeys(
        (
            "team",
            "business",
            "ent26",
            "self_serve_business_prolite",
            "self_serve_business_usage_based",
            "enterprise_cbp_automation",
            "enterprise_cbp_usage_based",
        ),
        "limit_team",
    ),
}
_REACHED = {
    "workspace_owner_credits_depleted": "limit_owner_credits",
    "workspace_member_credits_depleted": "limit_member_credits",
    "workspace_owner_usage_limit_reached": "limit_owner_spend_cap",
    "workspace_member_usage_limit_reached": "limit_member_spend_cap",
}


def usage_limit_text(failed: FailedResponse, resets_at: int | None) -> Text:
    """What the user reads when a plan's limit is reached, by plan and by the headers."""
    headers = failed.headers
    name = active_limit(parse_rate_limits(headers, now=failed.now), headers)
    if name and name.lower() != "codex":
        return _until("limit_model", failed, resets_at, name=name)
    reached = headers.get("x-codex-rate-limit-reached-type", "").strip()
    if reached in _REACHED:
        return text(_REACHED[reached])
    if promo := headers.get("x-codex-promo-message", "").strip():
        return _until("limit_promo", failed, resets_at, promo=promo)
    return _until(
        _BY_PLAN.get((failed.reported.plan_type or "").lower(), "limit"), failed, resets_at
    )


def _until(key: str, failed: FailedResponse, resets_at: int | None, **values: str) -> Text:
    """A message that ends with the time of the next try, if it is known."""
    time = None if resets_at is None else local_time_text(resets_at, failed.now, failed.tz)
    return (
        text(f"{key}_later", **values) if time is None else text(f"{key}_at", time=time, **values)
    )
