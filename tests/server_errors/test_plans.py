"""The text of a plan's usage limit."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sidestream.server_errors import error_from_response
from tests.server_errors.answers import NOW, SOON, from_response, from_stream, openai

SETTINGS = "https://chatgpt.com/codex/settings/usage"


@pytest.mark.parametrize(
    ("plan", "text"),
    [
        (
            "plus",
            "You've hit your usage limit. Upgrade to Pro (https://chatgpt.com/explore/pro), visit "
            f"{SETTINGS} to purchase more credits or try again at 3:13 PM.",
        ),
        (
            "free",
            "You've hit your usage limit. Upgrade to Plus to continue using Codex "
            "(https://chatgpt.com/explore/plus), or try again at 3:13 PM.",
        ),
        (
            "Pro",
            f"You've hit your usage limit. Visit {SETTINGS} to purchase more credits or try again "
            "at 3:13 PM.",
        ),
        (
            "business",
            "You've hit your usage limit. To get more access now, send a request to your admin or "
            "try again at 3:13 PM.",
        ),
        ("enterprise", "You've hit your usage limit. Try again at 3:13 PM."),
        (None, "You've hit your usage limit. Try again at 3:13 PM."),
        (5, "You've hit your usage limit. Try again at 3:13 PM."),
    ],
)
def test_usage_limit_by_plan(plan: Any, text: str) -> None:
    body = openai("Limit.", "usage_limit_reached", plan_type=plan, resets_at=SOON)
    error = from_response(429, body)
    assert error.message == text
    assert error.resets_at == SOON
    assert error.retry_after_ms == 3_600_000
    assert not error.retryable
    if isinstance(plan, str):
        assert error.plan_type == plan


@pytest.mark.parametrize("alias", [("go", "free"), ("prolite", "pro"), ("ent26", "team")])
def test_plans_that_share_a_text(alias: tuple[str, str]) -> None:
    first, second = (
        from_response(429, openai("", "usage_limit_reached", plan_type=plan)).message
        for plan in alias
    )
    assert first == second


@pytest.mark.parametrize(
    ("resets_at", "when"),
    [
        (SOON, "at 3:13 PM"),
        (1_700_035_199, "at 11:59 PM"),
        (1_700_035_200, "at Nov 15th, 2023 12:00 AM"),
        (1_704_280_000, "at Jan 3rd, 2024 3:06 AM"),
        (1_704_110_400, "at Jan 1st, 2024 4:00 AM"),
        (1_704_225_600, "at Jan 2nd, 2024 12:00 PM"),
        (1_704_931_200, "at Jan 10th, 2024 4:00 PM"),
        (1_705_104_000, "at Jan 12th, 2024 4:00 PM"),
        (1_705_968_000, "at Jan 22nd, 2024 4:00 PM"),
        (10**15, "later"),
        (None, "later"),
    ],
)
def test_reset_times_are_local(resets_at: int | None, when: str) -> None:
    body = openai("Limit.", "usage_limit_reached", resets_at=resets_at)
    assert from_response(429, body).message == f"You've hit your usage limit. Try again {when}."


def test_the_local_time_zone_is_the_default() -> None:
    body = json.dumps(openai("", "usage_limit_reached", resets_in_seconds=60)).encode()
    error = error_from_response(429, {}, body, now=NOW)
    assert error.resets_at == NOW + 60
    assert error.message.startswith("You've hit your usage limit. Try again at ")


FAMILY = {"x-codex-fast-primary-used-percent": "100", "x-codex-fast-limit-name": "gpt-fast"}


@pytest.mark.parametrize(
    ("headers", "text"),
    [
        (
            {**FAMILY, "x-codex-active-limit": "codex_fast"},
            "You've hit your usage limit for gpt-fast. Switch to another model now, or try again "
            "at 3:13 PM.",
        ),
        (
            {"x-codex-primary-used-percent": "100", "x-codex-limit-name": "Codex"},
            "You've hit your usage limit. Try again at 3:13 PM.",
        ),
        (
            {"x-codex-rate-limit-reached-type": "workspace_owner_credits_depleted"},
            "Your workspace is out of credits. Add credits to continue.",
        ),
        (
            {"x-codex-rate-limit-reached-type": "workspace_member_usage_limit_reached"},
            "You hit your spend cap set by the owner of your workspace. Ask an owner to increase "
            "your spend cap to continue.",
        ),
        (
            {"x-codex-promo-message": " Get Pro for less "},
            "You've hit your usage limit. Get Pro for less, or try again at 3:13 PM.",
        ),
        (
            {"x-codex-rate-limit-reached-type": "rate_limit_reached"},
            "You've hit your usage limit. Try again at 3:13 PM.",
        ),
    ],
)
def test_usage_limit_by_headers(headers: dict[str, str], text: str) -> None:
    body = openai("Limit.", "usage_limit_reached", resets_at=SOON)
    assert from_response(429, body, headers).message == text


# --- any value ---------------------------------------------------------------------------------


@pytest.mark.parametrize("odd", [1e999, -1e999, float("nan"), 10**400, -(10**400), True, "x", "7"])
def test_odd_numbers(odd: Any) -> None:
    body = {
        "code": "usage_limit_reached",
        "resets_at": odd,
        "resets_in_seconds": odd,
        "status": odd,
    }
    assert from_stream(body).message.startswith("You've hit your usage limit.")
