"""The texts for a ChatGPT plan's usage limit, as in Codex's ``UsageLimitReachedError``."""

from __future__ import annotations

from sidestream._times import local_time_text
from sidestream.rate_limits import active_limit, parse_rate_limits
from sidestream.server_errors._failed import FailedResponse

_CREDITS = "visit https://chatgpt.com/codex/settings/usage to purchase more credits"
_BY_PLAN = {
    "plus": f" Upgrade to Pro (https://chatgpt.com/explore/pro), {_CREDITS}",
    "free": " Upgrade to Plus to continue using Codex (https://chatgpt.com/explore/plus),",
    "pro": f" V{_CREDITS[1:]}",
    "team": " To get more access now, send a request to your admin",
}
_BY_PLAN |= dict.fromkeys(("go",), _BY_PLAN["free"])
_BY_PLAN |= dict.fromkeys(("prolite",), _BY_PLAN["pro"])
_BY_PLAN |= dict.fromkeys(
    (
        "business",
        "ent26",
        "self_serve_business_prolite",
        "self_serve_business_usage_based",
        "enterprise_cbp_automation",
        "enterprise_cbp_usage_based",
    ),
    _BY_PLAN["team"],
)
_REACHED = {
    "workspace_owner_credits_depleted": "Your workspace is out of credits. Add credits to "
    "continue.",
    "workspace_member_credits_depleted": "Your workspace is out of credits. Ask your workspace "
    "owner to refill in order to continue.",
    "workspace_owner_usage_limit_reached": "You hit your spend cap set in your workspace. Increase "
    "your spend cap to continue.",
    "workspace_member_usage_limit_reached": "You hit your spend cap set by the owner of your "
    "workspace. Ask an owner to increase your spend cap to continue.",
}


def usage_limit_text(failed: FailedResponse, resets_at: int | None) -> str:
    """What the user reads when a plan's limit is reached, by plan and by the headers."""
    headers = failed.headers
    when = "later"
    if resets_at is not None:
        when = f"at {local_time_text(resets_at, failed.now, failed.tz)}"
    name = active_limit(parse_rate_limits(headers, now=failed.now), headers)
    if name and name.lower() != "codex":
        return (
            f"You've hit your usage limit for {name}. "
            f"Switch to another model now, or try again {when}."
        )
    reached = headers.get("x-codex-rate-limit-reached-type", "").strip()
    if reached in _REACHED:
        return _REACHED[reached]
    hit = "You've hit your usage limit."
    if promo := headers.get("x-codex-promo-message", "").strip():
        return f"{hit} {promo}, or try again {when}."
    continuation = _BY_PLAN.get((failed.reported.plan_type or "").lower())
    return (
        f"{hit}{continuation} or try again {when}." if continuation else f"{hit} Try again {when}."
    )
