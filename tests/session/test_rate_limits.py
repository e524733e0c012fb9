from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidestream.rate_limits import parse_rate_limits
from sidestream.session.rate_limits import RateLimitManager, Restriction, merge_snapshots
from sidestream.types.rate_limits import RateLimitSnapshot

NOW = 1_800_000_000.0


def snapshot(**fields: Any) -> RateLimitSnapshot:
    return RateLimitSnapshot.model_validate(fields)


def window(used: float, resets_in: int | None = None) -> dict[str, Any]:
    return {"used_percent": used, "resets_at": None if resets_in is None else int(NOW) + resets_in}


def manager(*snapshots: RateLimitSnapshot, at: float = NOW) -> RateLimitManager:
    made = RateLimitManager()
    made.update(snapshots, at)
    return made


# --- merging -----------------------------------------------------------------------------------


def test_credits_and_plan_are_carried_over_and_nothing_else() -> None:
    credits = {"has_credits": True, "unlimited": False, "balance": "5"}
    old = snapshot(
        limit_id="codex",
        limit_name="Codex",
        primary=window(10),
        secondary=window(20),
        credits=credits,
        requests={"limit": 10},
        plan_type="plus",
        rate_limit_reached_type="rate_limit_reached",
    )
    new = snapshot(primary=window(30))
    assert merge_snapshots(old, new) == snapshot(
        limit_id="codex", primary=window(30), credits=credits, plan_type="plus"
    )
    told = snapshot(credits={"has_credits": False, "unlimited": False}, plan_type="pro")
    assert merge_snapshots(old, told) == told.model_copy(update={"limit_id": "codex"})
    assert merge_snapshots(None, new).limit_id == "codex"


def test_families_are_kept_apart() -> None:
    made = manager(snapshot(primary=window(10)), snapshot(limit_id="other", primary=window(50)))
    made.update(snapshot(limit_id="codex", primary=window(20)), NOW + 1)
    assert made.snapshot() == snapshot(limit_id="codex", primary=window(20))
    assert made.snapshot("other") == snapshot(limit_id="other", primary=window(50))
    assert made.snapshot("none") is None
    assert [s.limit_id for s in made.snapshots] == ["codex", "other"]


def test_the_history_is_that_of_the_last_hour() -> None:
    made = manager(snapshot(primary=window(1)), at=NOW - 3601)
    made.update(snapshot(primary=window(2)), NOW - 3600)
    made.update(snapshot(primary=window(3)), NOW)

    def used(now: float) -> list[float]:
        return [r.snapshot.primary.used_percent for r in made.history(now) if r.snapshot.primary]

    assert used(NOW) == [2, 3]
    assert used(NOW + 3600) == [3]
    assert used(NOW + 3601) == []


# --- how much is used --------------------------------------------------------------------------


def test_the_most_restrictive_limit() -> None:
    made = manager(
        snapshot(primary=window(60, 100), secondary=window(75, 1000)),
        snapshot(limit_id="api", requests={"limit": 100, "remaining": 20, "reset_after_ms": 500}),
    )
    assert made.most_restrictive(NOW) == Restriction(
        limit_id="api", kind="requests", used_percent=80, resets_at=NOW + 0.5
    )
    # A limit that has been reset since does not count.
    assert made.most_restrictive(NOW + 0.5) == Restriction(
        limit_id="codex", kind="secondary", used_percent=75, resets_at=NOW + 1000
    )
    assert [r.kind for r in made.restrictions(NOW)] == ["requests", "secondary", "primary"]
    assert made.most_restrictive(NOW + 1000) is None
    assert RateLimitManager().most_restrictive(NOW) is None


def test_of_two_alike_the_one_that_lasts_longer() -> None:
    made = manager(snapshot(primary=window(90, 10), secondary=window(90, 20)))
    fullest = made.most_restrictive(NOW)
    assert fullest is not None
    assert fullest.kind == "secondary"


def test_approaching() -> None:
    made = manager(snapshot(primary=window(80, 10)))
    assert made.approaching(NOW)
    assert not made.approaching(NOW, threshold=80.1)
    assert not made.approaching(NOW + 10)
    assert not RateLimitManager().approaching(NOW)
    assert manager(snapshot(primary=window(99))).approaching(NOW + 10**6)


@pytest.mark.parametrize(
    ("quota", "used"),
    [
        ({"limit": 100, "remaining": 25}, 75.0),
        ({"limit": 100, "remaining": 0}, 100.0),
        ({"remaining": 0}, 100.0),
        ({"limit": 0, "remaining": 0}, 100.0),
        ({"limit": 100, "remaining": 150}, 0.0),
        ({"limit": 0, "remaining": 5}, None),
        ({"remaining": 5}, None),
        ({"limit": 100}, None),
    ],
)
def test_how_much_of_a_quota_is_used(quota: dict[str, int], used: float | None) -> None:
    fullest = manager(snapshot(limit_id="api", tokens=quota)).most_restrictive(NOW)
    assert (fullest and fullest.used_percent) == used


# --- whether to wait ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "wait"),
    [
        ({"primary": window(99.9, 60)}, 0),
        ({"primary": window(100, 60)}, 60_000),
        ({"primary": window(100, 60), "secondary": window(120, 90)}, 90_000),
        ({"primary": window(100)}, 0),
        ({"primary": window(100, -5)}, 0),
        (
            {
                "primary": window(100, 60),
                "credits": {"has_credits": True, "unlimited": False},
            },
            0,
        ),
        ({"primary": window(100, 60), "credits": {"has_credits": False, "unlimited": True}}, 0),
        (
            {"primary": window(100, 60), "credits": {"has_credits": False, "unlimited": False}},
            60_000,
        ),
        ({"limit_id": "other", "primary": window(100, 60)}, 0),
        ({"limit_id": "api", "requests": {"remaining": 0, "reset_after_ms": 1500}}, 1500),
        ({"limit_id": "api", "tokens": {"remaining": 0}}, 0),
        ({"limit_id": "api", "tokens": {"remaining": 1, "reset_after_ms": 1500}}, 0),
    ],
)
def test_how_long_to_wait(fields: dict[str, Any], wait: int) -> None:
    assert manager(snapshot(**fields)).wait_ms(NOW) == wait


def test_other_families_count_when_asked() -> None:
    made = manager(snapshot(limit_id="other", primary=window(100, 60)))
    assert made.wait_ms(NOW, "other") == 60_000
    assert made.wait_ms(NOW + 59.9995, "other") == 1
    assert made.wait_ms(NOW + 60, "other") == 0


def test_a_server_may_ask_for_a_pause() -> None:
    made = RateLimitManager()
    made.note_retry_after(2500, NOW)
    made.note_retry_after(100, NOW)
    assert made.wait_ms(NOW) == 2500
    assert made.wait_ms(NOW + 1) == 1500
    assert made.wait_ms(NOW + 3) == 0
    made.update(snapshot(primary=window(100, 60)), NOW)
    assert made.wait_ms(NOW) == 60_000
    made.reset()
    assert made.wait_ms(NOW) == 0
    assert made.snapshots == []


def test_limits_from_headers_are_kept() -> None:
    headers = {
        "x-codex-primary-used-percent": "100",
        "x-codex-primary-reset-at": str(int(NOW) + 30),
        "x-ratelimit-remaining-requests": "0",
        "x-ratelimit-reset-requests": "1m0s",
    }
    made = manager(*parse_rate_limits(headers, now=NOW))
    assert made.wait_ms(NOW) == 60_000
    assert made.wait_ms(NOW + 60) == 0


# --- what the user sees ------------------------------------------------------------------------


def test_the_view_holds_what_was_reported() -> None:
    primary = {**window(42.5, 60), "window_minutes": 300}
    credits = {"has_credits": True, "unlimited": False, "balance": "12.50"}
    made = manager(snapshot(primary=primary, secondary=window(7), plan_type="plus"))
    made.update(
        [
            snapshot(limit_id="codex_fast", primary=primary, limit_name="Fast", credits=credits),
            snapshot(
                limit_id="api",
                requests={"limit": 500, "remaining": 499, "reset_after_ms": 1500},
                tokens={"remaining": 3},
            ),
        ],
        NOW + 1,
    )
    reset = int(NOW) * 1000 + 60_000
    told = {"used_percent": 42.5, "resets_at": reset, "window_minutes": 300}
    assert made.view(NOW + 2) == {
        "windows": [
            {"label": "5-hour limit", **told},
            {"label": "Secondary limit", "used_percent": 7},
            {"label": "5-hour limit (Fast)", **told},
        ],
        "quotas": [
            {
                "label": "Requests",
                "limit": 500,
                "remaining": 499,
                "resets_at": int(NOW) * 1000 + 2500,
            },
            {"label": "Tokens", "remaining": 3},
        ],
        "plan": "plus",
        "credits": credits,
        "at": int(NOW) * 1000 + 1000,
    }


def test_what_has_been_reset_is_not_shown_as_used() -> None:
    quota = {"limit": 500, "remaining": 0, "reset_after_ms": 1000}
    made = manager(
        snapshot(primary=window(100, 60), secondary=window(90, 600)),
        snapshot(limit_id="api", requests=quota, tokens={"remaining": 0, "reset_after_ms": 1000}),
    )
    view = made.view(NOW + 60)
    assert view is not None
    assert [each["used_percent"] for each in view["windows"]] == [90]
    assert view["quotas"] == [{"label": "Requests", "limit": 500}]
    assert "wait_until" not in view


def test_the_view_gives_how_long_requests_wait() -> None:
    made = RateLimitManager()
    assert made.view(NOW) is None
    made.note_retry_after(2500, NOW)
    at = int(NOW) * 1000
    assert made.view(NOW + 1) == {
        "windows": [],
        "quotas": [],
        "wait_until": at + 2500,
        "at": at,
    }
    assert made.view(NOW + 3) is None


@pytest.mark.parametrize(
    ("minutes", "label"),
    [
        (1, "1-minute limit"),
        (60, "Hourly limit"),
        (90, "90-minute limit"),
        (299, "5-hour limit"),
        (300, "5-hour limit"),
        (1_440, "Daily limit"),
        (4_320, "3-day limit"),
        (10_079, "Weekly limit"),
        (43_200, "Monthly limit"),
        (525_600, "Yearly limit"),
        (None, "Primary limit"),
        (0, "Primary limit"),
    ],
)
def test_windows_are_called_by_their_length(minutes: int | None, label: str) -> None:
    primary = {"used_percent": 1, "window_minutes": minutes}
    view = manager(snapshot(primary=primary)).view(NOW)
    assert view is not None
    assert view["windows"][0]["label"] == label


# --- over time ---------------------------------------------------------------------------------

percents = st.floats(0, 200)
resets = st.none() | st.integers(int(NOW) - 100, int(NOW) + 100)
windows = st.none() | st.fixed_dictionaries({"used_percent": percents, "resets_at": resets})
quotas = st.none() | st.fixed_dictionaries(
    {
        "limit": st.none() | st.integers(0, 10),
        "remaining": st.none() | st.integers(-1, 10),
        "reset_after_ms": st.none() | st.integers(0, 10**5),
    }
)
snapshots = st.fixed_dictionaries(
    {
        "limit_id": st.sampled_from([None, "codex", "api", "other"]),
        "primary": windows,
        "secondary": windows,
        "requests": quotas,
        "tokens": quotas,
        "plan_type": st.sampled_from([None, "plus"]),
    }
).map(RateLimitSnapshot.model_validate)


@given(told=st.lists(st.tuples(snapshots, st.floats(NOW - 4000, NOW)), max_size=6))
def test_any_snapshots_are_kept_and_survive_json(
    told: list[tuple[RateLimitSnapshot, float]],
) -> None:
    made = RateLimitManager()
    for one, at in told:
        made.update(one, at)
    made.note_retry_after(50, NOW)
    again = RateLimitManager.from_json(made.to_json())
    assert again.view(NOW) == made.view(NOW)
    assert again.history(NOW) == made.history(NOW)
    wait = made.wait_ms(NOW)
    assert wait >= 50
    # After a wait of this length, no other wait is left.
    assert made.wait_ms(NOW + (wait + 1) / 1000) == 0
    used = [r.used_percent for r in made.restrictions(NOW)]
    assert used == sorted(used, reverse=True)


@pytest.mark.parametrize("text", [None, "", "{", "[]", '{"current": 3}'])
def test_what_cannot_be_read_is_an_empty_manager(text: str | None) -> None:
    assert RateLimitManager.from_json(text).to_json() == RateLimitManager().to_json()
