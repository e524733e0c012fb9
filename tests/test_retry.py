from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidestream.retry import (
    backoff_delay_ms,
    is_retryable_status,
    parse_duration_ms,
    parse_reset_ms,
    parse_retry_after_ms,
    parse_used_up_ms,
    retry_delay_ms,
)


def none() -> float:
    return 0.0


def nearly_one() -> float:
    return 0.999999


def test_backoff_doubles_up_to_32_seconds() -> None:
    delays = [backoff_delay_ms(attempt, random=none) for attempt in range(8)]
    assert delays == [1000, 2000, 4000, 8000, 16000, 32000, 32000, 32000]
    assert backoff_delay_ms(10**9, random=none) == 32000


def test_backoff_has_up_to_ten_per_cent_jitter() -> None:
    assert backoff_delay_ms(0, random=nearly_one) == 1099
    assert backoff_delay_ms(9, random=nearly_one) == 35199
    assert backoff_delay_ms(3, random=lambda: 0.5) == 8400
    assert 1000 <= backoff_delay_ms(0) <= 1100


@given(attempt=st.integers(0, 200), share=st.floats(0, 1, exclude_max=True))
def test_backoff_stays_within_its_bounds(attempt: int, share: float) -> None:
    base = min(1000 * 2**attempt, 32000)
    assert base <= backoff_delay_ms(attempt, random=lambda: share) <= base * 1.1


@pytest.mark.parametrize(
    ("asked", "delay"),
    [(None, 4000), (0, 4000), (1, 1), (1500, 1500), (60_000, 60_000), (60_001, None)],
)
def test_the_servers_wait_wins_up_to_a_minute(asked: int | None, delay: int | None) -> None:
    assert retry_delay_ms(2, asked, random=none) == delay


def test_retryable_statuses() -> None:
    retryable = {status for status in range(100, 700) if is_retryable_status(status)}
    assert retryable == {408, 429, *range(500, 600)}


NOW = 1_445_412_450.0  # 2015-10-21 07:27:30 UTC


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"retry-after": "5"}, 5000),
        ({"Retry-After": " 1.5 "}, 1500),
        ({"Retry-After": "0"}, 0),
        ({"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}, 30_000),
        ({"Retry-After": "Wednesday, 21-Oct-15 07:28:00 GMT"}, 30_000),
        ({"Retry-After": "Wed Oct 21 07:28:00 2015"}, 30_000),
        ({"Retry-After": "Wed, 21 Oct 2015 09:28:00 +0200"}, 30_000),
        ({"Retry-After": "Wed, 21 Oct 2015 07:27:00 GMT"}, 0),
        ({"Retry-After-Ms": "250.4"}, 250),
        ({"retry-after-ms": "250", "retry-after": "9"}, 250),
        ({"retry-after-ms": "soon", "retry-after": "9"}, 9000),
        ({"Retry-After": "-3"}, None),
        ({"Retry-After": "nan"}, None),
        ({"Retry-After": "1e9"}, None),
        ({"Retry-After": "9" * 400}, None),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "Wed, 99 Oct 2015 07:28:00 GMT"}, None),
        ({"Retry-After": "Wed, 21 Oct 99999999999999999999 07:28:00 GMT"}, None),
        ({"Retry-After": ""}, None),
        ({"date": "x"}, None),
        ({"Retry-After": "30s"}, 30_000),
        ({"Retry-After": "99999999999"}, None),
        (
            {
                "Retry-After": "Wed, 21 Oct 2015 07:38:05 GMT",
                "Date": "Wed, 21 Oct 2015 07:38:00 GMT",
            },
            5000,
        ),
        ({"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT", "Date": "x"}, 30_000),
        ({}, None),
    ],
)
def test_headers(headers: dict[str, str], wait: int | None) -> None:
    assert parse_retry_after_ms(headers, now=NOW) == wait


def test_a_date_is_compared_with_the_clock() -> None:
    assert parse_retry_after_ms({"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}) == 0


@pytest.mark.parametrize(
    ("message", "wait"),
    [
        ("Rate limit reached on tokens per min. Please try again in 1.5s. Visit https://x.", 1500),
        ("Please try again in 28ms.", 28),
        ("try again in 6m0s", 360_000),
        ("Please try again in 7m12.5s.", 432_500),
        ("Try again in 35 seconds.", 35_000),
        ("TRY AGAIN IN 1 MINUTE", 60_000),
        ("try again in 1h2m3s", 3_723_000),
        ("try again in 2 days", 172_800_000),
        ("try again in 1 minute and 30 seconds", 90_000),
        ("try again in 1 hour, 5 mins", 3_900_000),
        ("try again in about 20 secs", 20_000),
        ("Please retry after 6 seconds.", 6000),
        ("Please retry in 38.285s.", 38_285),
        ("try again in .5s", 500),
        ("try again in 5 sec. Or wait 9s.", 5000),
        ("try again in 5", None),
        ("try again in 20 sand", None),
        ("try again in 3 months", None),
        ("try again later, in 5s", None),
        ("wait 5s", 5000),
        ("Rate limit of 10 per 60s exceeded. Please wait 43 seconds before retrying.", 43_000),
        ("Please wait for your limit to reset in 3 hours 49 minutes or switch.", 13_740_000),
        ("Please wait 10 hours 58 minutes before trying again.", 39_480_000),
        ("Please retry your request after 2 minutes", 120_000),
        ("Please try your request again in 20 seconds.", 20_000),
        ("Your quota will reset after 42h1m20s.", 151_280_000),
        ("Resets in: 12 s", 12_000),
        ("Limit resets in 1 day, 2 hours.", 93_600_000),
        ("Please wait at least 5 more apples, then retry in 7s", 7000),
        ("It timed out after waiting 30 seconds.", None),
        ("You have waited 5s.", None),
        ("try again in 999999999 days", None),
        ("", None),
        (None, None),
    ],
)
def test_messages(message: str | None, wait: int | None) -> None:
    assert parse_retry_after_ms(message) == wait


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({}, None),
        ({"X-RateLimit-Reset": "1445412510000", "X-RateLimit-Remaining": "0"}, 60_000),
        ({"x-ratelimit-reset": "1445412510"}, 60_000),
        ({"ratelimit-reset": "30", "ratelimit-remaining": "0"}, 30_000),
        ({"x-ratelimit-reset": "30", "x-ratelimit-remaining": "4"}, None),
        ({"x-ratelimit-reset-tokens": "6m0s", "x-ratelimit-remaining-tokens": "0"}, 360_000),
        ({"x-ratelimit-reset-tokens": "6m0s", "x-ratelimit-remaining-tokens": "9"}, None),
        ({"x-ratelimit-reset-tokens": "60", "x-ratelimit-remaining-tokens": "-1"}, None),
        (
            {
                "x-ratelimit-reset-tokens": "2s",
                "x-ratelimit-remaining-tokens": "0",
                "x-ratelimit-reset-requests": "3s",
                "x-ratelimit-remaining-requests": "0",
            },
            3000,
        ),
        (
            {
                "anthropic-ratelimit-requests-reset": "2015-10-21T07:28:00Z",
                "anthropic-ratelimit-requests-remaining": "0",
            },
            30_000,
        ),
        ({"x-ratelimit-reset": "soon"}, None),
    ],
)
def test_limits_that_are_used_up(headers: dict[str, str], wait: int | None) -> None:
    assert parse_used_up_ms(headers, now=NOW) == wait


@pytest.mark.parametrize("text", ["-1", "-5s", "", "never", "9" * 30, "2015-13-45T07:28:00Z"])
def test_resets_that_cannot_be(text: str) -> None:
    assert parse_reset_ms(text, NOW) is None


def test_the_first_source_that_names_a_wait_counts() -> None:
    message = "try again in 2s"
    assert parse_retry_after_ms({"retry-after": "1"}, message) == 1000
    assert parse_retry_after_ms({"retry-after": "0"}, message) == 0
    assert parse_retry_after_ms({}, None, message) == 2000
    assert parse_retry_after_ms() is None


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        *[("1s", 1000), (" 28ms ", 28), ("6m0s", 360_000), ("1d", 86_400_000), ("1.5h", 5_400_000)],
        *[("10 millis", 10), ("2hrs 5min", 7_500_000), ("2.0004s", 2000), ("0s", 0)],
        *[("5", None), ("", None), ("s", None), ("1s!", None), ("1 fortnight", None)],
    ],
)
def test_durations(text: str, duration: int | None) -> None:
    assert parse_duration_ms(text) == duration


@given(st.text(alphabet="0123456789.smhd trygainetr", max_size=60))
def test_no_text_is_too_odd(text: str) -> None:
    for source in (text, f"try again in {text}", {"retry-after": text}, {"retry-after-ms": text}):
        wait = parse_retry_after_ms(source, now=NOW)
        assert wait is None or wait >= 0
