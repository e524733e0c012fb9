from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidestream.rate_limits import active_limit, header_events, parse_rate_limits
from sidestream.types.events import (
    ModelsEtag,
    RateLimits,
    ServerModel,
    ServerReasoningIncluded,
)
from sidestream.types.rate_limits import (
    CreditsSnapshot,
    RateLimitSnapshot,
    RateLimitWindow,
    RequestQuota,
)

NOW = 1_700_000_000.7


def parse(headers: dict[str, str]) -> list[RateLimitSnapshot]:
    return parse_rate_limits(headers, now=NOW)


def codex(**fields: Any) -> RateLimitSnapshot:
    return RateLimitSnapshot(limit_id="codex", **fields)


def window(
    used: float, minutes: int | None = None, resets_at: int | None = None
) -> RateLimitWindow:
    return RateLimitWindow(used_percent=used, window_minutes=minutes, resets_at=resets_at)


def test_no_headers_no_snapshot() -> None:
    assert parse({}) == []
    assert parse({"content-type": "text/event-stream", "x-request-id": "r"}) == []


def test_both_windows_of_the_default_family() -> None:
    headers = {
        "X-Codex-Primary-Used-Percent": "12.5",
        "x-codex-primary-window-minutes": "300",
        "x-codex-primary-reset-at": "1700003600",
        "x-codex-secondary-used-percent": "80",
        "x-codex-secondary-window-minutes": "10080",
        "x-codex-secondary-resets-in-seconds": "60",
        "x-codex-plan-type": "plus",
        "x-codex-rate-limit-reached-type": "rate_limit_reached",
    }
    assert parse(headers) == [
        codex(
            primary=window(12.5, 300, 1_700_003_600),
            secondary=window(80, 10080, 1_700_000_060),
            plan_type="plus",
            rate_limit_reached_type="rate_limit_reached",
        )
    ]


@pytest.mark.parametrize(
    ("headers", "primary"),
    [
        ({"used-percent": "1e2"}, window(100)),
        ({"used-percent": "-1"}, None),
        ({"used-percent": "5", "window-minutes": "-1", "reset-at": "-1"}, window(5)),
        ({"used-percent": "5", "reset-at": "1700003600000"}, window(5, None, 1_700_003_600)),
        ({"used-percent": "5", "resets-in-seconds": "-1"}, window(5)),
        ({"used-percent": "5", "resets-in-seconds": "999999999999"}, window(5)),
        ({"used-percent": ".5", "window-minutes": "x", "reset-at": "1.5"}, window(0.5)),
        ({"used-percent": "5", "reset-at": "7", "resets-in-seconds": "9"}, window(5, None, 7)),
        (
            {"used-percent": "5", "reset-at": "", "resets-in-seconds": "9"},
            window(5, None, 1700000009),
        ),
        ({"used-percent": "5", "reset-after-seconds": "9"}, window(5, None, 1700000009)),
        ({"used-percent": "0", "window-minutes": "5"}, window(0, 5)),
        ({"used-percent": "0", "reset-at": "5"}, window(0, None, 5)),
        ({"used-percent": "0", "window-minutes": "0"}, None),
        ({"used-percent": "0.0"}, None),
        ({"used-percent": "nan"}, None),
        ({"used-percent": "inf"}, None),
        ({"used-percent": "1e999"}, None),
        ({"used-percent": "1_0"}, None),
        ({"used-percent": "lots"}, None),
        ({"window-minutes": "300", "reset-at": "5"}, None),
        ({"used-percent": "1", "window-minutes": "9" * 5000}, window(1)),
    ],
)
def test_windows(headers: dict[str, str], primary: RateLimitWindow | None) -> None:
    found = parse({f"x-codex-primary-{name}": value for name, value in headers.items()})
    assert found == ([codex(primary=primary)] if primary else [])


def test_families() -> None:
    headers = {
        "x-codex-zeta-primary-used-percent": "3",
        "x-codex-zeta-limit-name": " gpt-zeta ",
        "x-codex-secondary-primary-used-percent": "2",
        "x-codex-secondary-limit-name": " ",
        "x-codex-idle-primary-used-percent": "0",
        "x-codex-primary-used-percent": "1",
        "x-codex-credits-balance": "5",
    }
    assert [(s.limit_id, s.limit_name, s.primary) for s in parse(headers)] == [
        ("codex", None, window(1)),
        ("codex_secondary", None, window(2)),
        ("codex_zeta", "gpt-zeta", window(3)),
    ]
    snapshots = parse(headers)
    assert active_limit(snapshots, headers) is None
    assert active_limit(snapshots, {"X-Codex-Active-Limit": "codex-zeta"}) == "gpt-zeta"
    assert active_limit(snapshots, {"x-codex-active-limit": "other"}) is None


@pytest.mark.parametrize(
    ("has_credits", "unlimited", "balance", "credits"),
    [
        (
            "true",
            "false",
            "9.99",
            CreditsSnapshot(has_credits=True, unlimited=False, balance="9.99"),
        ),
        ("0", "TRUE", " ", CreditsSnapshot(has_credits=False, unlimited=True)),
        ("yes", "1", "5", None),
        ("1", "", "5", None),
    ],
)
def test_credits(
    has_credits: str, unlimited: str, balance: str, credits: CreditsSnapshot | None
) -> None:
    headers = {
        "x-codex-credits-has-credits": has_credits,
        "x-codex-credits-unlimited": unlimited,
        "x-codex-credits-balance": balance,
        "x-codex-rate-limit-reached-type": "something_new",
    }
    assert parse(headers) == ([codex(credits=credits)] if credits else [])


def test_the_public_api() -> None:
    headers = {
        "x-ratelimit-limit-requests": "5000",
        "x-ratelimit-remaining-requests": "4999",
        "x-ratelimit-reset-requests": "12ms",
        "x-ratelimit-limit-tokens": "160000",
        "x-ratelimit-remaining-tokens": "159976",
        "x-ratelimit-reset-tokens": "6m0s",
    }
    assert parse(headers) == [
        RateLimitSnapshot(
            limit_id="api",
            requests=RequestQuota(limit=5000, remaining=4999, reset_after_ms=12),
            tokens=RequestQuota(limit=160_000, remaining=159_976, reset_after_ms=360_000),
        )
    ]
    both = parse({**headers, "x-codex-primary-used-percent": "1"})
    assert [snapshot.limit_id for snapshot in both] == ["codex", "api"]


@pytest.mark.parametrize(
    ("reset", "reset_after_ms"),
    [
        *[("1s", 1000), ("2", 2000), ("0.5", 500), ("1700000010.7", 10_000), ("1600000000", 0)],
        *[("soon", None), ("", None), ("nan", None), ("1m30s", 90_000)],
        *[("1700000010700", 10_000), ("-1", None), ("99999999", None)],
        *[
            ("2023-11-14T22:13:50.7Z", 30_000),
            ("2023-11-14 22:13:50", 29_300),
            ("2023-99-99T1", None),
        ],
    ],
)
def test_resets_of_the_public_api(reset: str, reset_after_ms: int | None) -> None:
    found = parse({"x-ratelimit-remaining-tokens": "1", "x-ratelimit-reset-tokens": reset})
    assert found[0].requests is None
    assert found[0].tokens == RequestQuota(remaining=1, reset_after_ms=reset_after_ms)


@pytest.mark.parametrize(
    "figures",
    [
        {"limit": "-1", "remaining": "-1", "reset": "0"},
        {"limit": "-1", "remaining": "-1"},
        {"limit": "0", "remaining": "0", "reset": "60"},
        {"reset": "60"},
    ],
)
def test_limits_that_the_server_does_not_know(figures: dict[str, str]) -> None:
    assert parse({f"x-ratelimit-{name}-tokens": text for name, text in figures.items()}) == []


def test_more_left_than_there_is_at_all_is_unknown() -> None:
    found = parse({"x-ratelimit-limit-tokens": "10", "x-ratelimit-remaining-tokens": "20"})
    assert found[0].tokens == RequestQuota(limit=10)


def test_the_clock_is_used_when_no_time_is_given() -> None:
    headers = {
        "x-codex-primary-used-percent": "1",
        "x-codex-primary-resets-in-seconds": "1000000",
    }
    resets_at = parse_rate_limits(headers)[0].primary.resets_at  # type: ignore[union-attr]
    assert resets_at is not None
    assert resets_at > time.time() + 900_000


def test_header_events_in_their_order() -> None:
    headers = {
        "x-reasoning-included": "false",
        "X-Models-Etag": 'W/"1"',
        "x-codex-primary-used-percent": "1",
        "openai-model": "gpt-5.2",
    }
    assert header_events(headers, now=NOW) == [
        ServerModel(model="gpt-5.2"),
        RateLimits(snapshot=codex(primary=window(1))),
        ModelsEtag(etag='W/"1"'),
        ServerReasoningIncluded(),
    ]
    assert header_events({"openai-model": " ", "x-models-etag": ""}, now=NOW) == []


NAMES = st.sampled_from(
    [
        *[
            f"x-codex-{w}-{n}"
            for w in ("primary", "secondary")
            for n in ("used-percent", "reset-at")
        ],
        *["x-codex-primary-window-minutes", "x-codex-a-b-primary-used-percent"],
        *["x--primary-used-percent", "x-primary-used-percent", "x-codex-credits-has-credits"],
        *["x-codex-credits-unlimited", "x-ratelimit-reset-tokens", "x-ratelimit-limit-requests"],
    ]
)


@given(st.dictionaries(NAMES, st.text(max_size=8) | st.floats().map(str) | st.integers().map(str)))
def test_parsing_never_fails(headers: dict[str, str]) -> None:
    for snapshot in parse(headers):
        assert RateLimitSnapshot.model_validate_json(snapshot.to_json()) == snapshot
