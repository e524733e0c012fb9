"""When to try again, and after how long: backoff, and the waits that servers ask for."""

from __future__ import annotations

import random as _random
import re
import time
from collections.abc import Callable, Mapping

BACKOFF_BASE_MS = 1_000
BACKOFF_MAX_MS = 32_000
BACKOFF_JITTER = 0.1
MAX_SERVER_WAIT_MS = 60_000
"""The longest wait that a request waits out. For a longer one it fails and says until when."""


def is_retryable_status(status: int) -> bool:
    """Whether the same request may succeed later: 408, 429 and every 5xx."""
    return status in (408, 429) or 500 <= status <= 599


def backoff_delay_ms(attempt: int, *, random: Callable[[], float] = _random.random) -> int:
    """Milliseconds before the retry number ``attempt``, counted from 0.

    1000 ms x 2^attempt, at most 32 000 ms, plus up to 10 % jitter. ``random`` gives a number in
    [0, 1).
    """
    # Beyond the cap the power does not matter, and 2**attempt must not grow without end.
    delay = min(BACKOFF_BASE_MS * 2 ** min(max(attempt, 0), 16), BACKOFF_MAX_MS)
    return int(delay * (1 + BACKOFF_JITTER * random()))


def retry_delay_ms(
    attempt: int, retry_after_ms: int | None, *, random: Callable[[], float] = _random.random
) -> int | None:
    """How long to wait before the retry: what the server asked for, else the backoff.

    ``None`` if the server asks for more than `MAX_SERVER_WAIT_MS`: then waiting is the user's
    decision. A wait of 0 says nothing and means the backoff.
    """
    if not retry_after_ms:
        return backoff_delay_ms(attempt, random=random)
    return retry_after_ms if retry_after_ms <= MAX_SERVER_WAIT_MS else None


# --- the server's wait -------------------------------------------------------------------------

MAX_KNOWN_WAIT_MS = 400 * 86_400_000
"""A longer wait is a mistake of the server, and counts as unknown."""
_MAX_MESSAGE = 4_000

_UNITS_MS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_UNIT = (
    r"(?:(ms|milliseconds?|millis)|(s|secs?|seconds?)|(m|mins?|minutes?)|(h|hrs?|hours?)|(d|days?))"
)
_PART = re.compile(rf"(\d{{1,9}}(?:\.\d{{1,9}})?|\.\d{{1,9}})\s{{0,3}}{_UNIT}(?![a-z])", re.I)
_DURATION = re.compile(rf"(?:{_PART.pattern}[\s,]{{0,3}}(?:and\s{{1,3}})?){{1,8}}", re.I)
# OpenAI: "Please try again in 6m0s." Azure: "Please retry after 35 seconds." Gemini: "Please retry
# in 38.2s." GitHub: "Please wait 43 seconds before retrying." and "wait for your limit to reset in
# 3 hours 49 minutes". Google's assistants: "Your quota will reset after 42h1m20s."
_TRY_AGAIN = re.compile(
    r"\b(?:try\s{1,3}(?:your\s{1,3}request\s{1,3})?again"
    r"|retry(?:ing)?(?:\s{1,3}(?:your|the|this)\s{1,3}request)?"
    r"|resets?|wait|available(?:\s{1,3}again)?)"
    r"(?:\s{1,3}(?:again|for|your|the|an?|rate|usage|token|request|limits?|quota|window|to|will"
    r"|reset|be|at|least|about|approximately|around|roughly|another|in|after|within)\b){0,10}"
    r"\s{0,3}[:~]?\s{0,3}",
    re.I,
)
_NUMBER = re.compile(r"\d{1,15}(?:\.\d{1,12})?|\.\d{1,12}")


def parse_duration_ms(text: str) -> int | None:
    """Milliseconds of a duration such as ``1s``, ``28ms``, ``6m0s``, ``35 seconds``, ``1h30m``."""
    match = _DURATION.fullmatch(text.strip()[:100])
    return _total_ms(match.group()) if match else None


def parse_reset_ms(text: str, now: float) -> int | None:
    """Milliseconds until a limit starts anew, from the value of a reset header.

    OpenAI writes durations (``6m0s``), Azure seconds, GitHub Unix time, OpenRouter milliseconds
    since 1970, Anthropic a date of RFC 3339. ``None`` for what is negative or impossible; a moment
    in the past gives 0.
    """
    text = text.strip()
    if _NUMBER.fullmatch(text):
        seconds = float(text)
        if seconds > 1e11:
            seconds = max(0.0, seconds / 1000 - now)
        elif seconds > 1e9:
            seconds = max(0.0, seconds - now)
        return _known(seconds * 1000)
    if (duration := parse_duration_ms(text)) is not None:
        return _known(duration)
    date = _parse_iso_date(text)
    return None if date is None else _known(max(0.0, date - now) * 1000)


def parse_retry_after_ms(
    *sources: Mapping[str, str] | str | None, now: float | None = None
) -> int | None:
    """The wait that a server asks for, in milliseconds, or ``None`` if it does not.

    Each source is either a response's headers (``retry-after-ms``, then ``Retry-After`` in seconds
    or as an HTTP date; RFC 9110, 10.2.3) or a message ("Please try again in 1.5s"); the first one
    that names a wait counts. A date is by the server's clock, which its ``Date`` header tells;
    without that it is compared with ``now``, the Unix time in seconds. A date in the past gives 0.
    """
    for source in sources:
        if not source:
            continue
        found = _in_message(source, now) if isinstance(source, str) else _in_headers(source, now)
        if found is not None:
            return found
    return None


def parse_used_up_ms(headers: Mapping[str, str], *, now: float) -> int | None:
    """The wait until the limit that is used up starts anew, by the ``x-ratelimit-*`` headers.

    For an answer of 429 that asks for no wait itself. Of several that are used up, the longest.
    """
    headers = {name.lower(): value.strip() for name, value in headers.items()}
    waits = []
    for name, value in headers.items():
        before, reset, after = name.partition("reset")
        if not reset or (not before.endswith("ratelimit-") and not _ANTHROPIC.match(before)):
            continue
        left = headers.get(f"{before}remaining{after}", "")
        # Without a suffix there is one limit only, which is the one that was reached.
        if left == "0" or (not left and not after and before.endswith("ratelimit-")):
            waits.append(parse_reset_ms(value, now))
    return max((wait for wait in waits if wait is not None), default=None)


# ``anthropic-ratelimit-requests-reset``
_ANTHROPIC = re.compile(r"anthropic-ratelimit-[a-z-]{1,40}-$")


# "resets at 2026-05-15T15:00:00Z": without a zone, the time is unknown.
_RESET_AT = re.compile(
    r"\bresets? (?:at|on) (\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d))",
    re.IGNORECASE,
)


def _in_message(message: str, now: float | None) -> int | None:
    message = message[:_MAX_MESSAGE]
    for start in _TRY_AGAIN.finditer(message):
        if match := _DURATION.match(message, start.end()):
            return _known(_total_ms(match.group()))
    if now is not None and (found := _RESET_AT.search(message)):
        date = _parse_iso_date(found[1])
        return _known((date - now) * 1000) if date is not None and date > now else None
    return None


def _in_headers(headers: Mapping[str, str], now: float | None) -> int | None:
    headers = {name.lower(): value.strip() for name, value in headers.items()}
    milliseconds = headers.get("retry-after-ms", "")
    if _NUMBER.fullmatch(milliseconds):
        return _known(float(milliseconds))
    value = headers.get("retry-after", "")
    if _NUMBER.fullmatch(value):
        return _known(float(value) * 1000)
    if (duration := parse_duration_ms(value)) is not None:
        return _known(duration)
    date = _parse_http_date(value) if value else None
    if date is None:
        return None
    there = _parse_http_date(headers["date"]) if headers.get("date") else None
    clock = there if there is not None else time.time() if now is None else now
    return _known(max(0.0, date - clock) * 1000)


def _known(ms: float) -> int | None:
    return round(ms) if ms <= MAX_KNOWN_WAIT_MS else None


def _total_ms(duration: str) -> int:
    total = 0.0
    for number, *units in _PART.findall(duration):
        factor = next(ms for unit, ms in zip(units, _UNITS_MS.values(), strict=True) if unit)
        total += float(number) * factor
    return round(total)


def _parse_http_date(text: str) -> float | None:
    from datetime import UTC  # slow to import, and seldom needed
    from email.utils import parsedate_to_datetime

    try:
        date = parsedate_to_datetime(text[:100])
        # An HTTP date is in GMT, also where its obsolete form does not say so.
        return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError, TypeError, IndexError):
        return None


def _parse_iso_date(text: str) -> float | None:
    if not re.match(r"\d{4}-\d\d-\d\d[T ]\d\d:", text):
        return None
    from datetime import UTC, datetime  # slow to import, and seldom needed

    try:
        date = datetime.fromisoformat(text[:40])
        return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None
