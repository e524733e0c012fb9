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
"""A server's wait up to this long is waited for; for a longer one the turn stops and says when."""


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

_UNITS_MS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_UNIT = (
    r"(?:(ms|milliseconds?|millis)|(s|secs?|seconds?)|(m|mins?|minutes?)|(h|hrs?|hours?)|(d|days?))"
)
_PART = re.compile(rf"(\d{{1,9}}(?:\.\d{{1,9}})?|\.\d{{1,9}})\s*{_UNIT}(?![a-z])", re.I)
_DURATION = re.compile(rf"(?:{_PART.pattern}[\s,]*(?:and\s+)?)+", re.I)
# OpenAI: "Please try again in 6m0s." Azure: "Please retry after 35 seconds." Gemini: "Please retry
# in 38.2s."
_TRY_AGAIN = re.compile(
    r"\b(?:try\s+again|retry)\s+(?:in|after)\s*(?:about\s+|approximately\s+|~\s*)?", re.I
)
_NUMBER = re.compile(r"\d{1,12}(?:\.\d{1,12})?|\.\d{1,12}")


def parse_duration_ms(text: str) -> int | None:
    """Milliseconds of a duration such as ``1s``, ``28ms``, ``6m0s``, ``35 seconds``, ``1h30m``."""
    match = _DURATION.fullmatch(text.strip())
    return _total_ms(match.group()) if match else None


def parse_retry_after_ms(
    *sources: Mapping[str, str] | str | None, now: float | None = None
) -> int | None:
    """The wait that a server asks for, in milliseconds, or ``None`` if it does not.

    Each source is either a response's headers (``retry-after-ms``, then ``Retry-After`` in seconds
    or as an HTTP date; RFC 9110, 10.2.3) or a message ("Please try again in 1.5s"); the first one
    that names a wait counts. ``now`` is the Unix time in seconds that a date is compared with. A
    date in the past gives 0.
    """
    for source in sources:
        if not source:
            continue
        found = _in_message(source) if isinstance(source, str) else _in_headers(source, now)
        if found is not None:
            return found
    return None


def _in_message(message: str) -> int | None:
    start = _TRY_AGAIN.search(message)
    match = _DURATION.match(message, start.end()) if start else None
    return _total_ms(match.group()) if match else None


def _in_headers(headers: Mapping[str, str], now: float | None) -> int | None:
    headers = {name.lower(): value.strip() for name, value in headers.items()}
    milliseconds = headers.get("retry-after-ms", "")
    if _NUMBER.fullmatch(milliseconds):
        return round(float(milliseconds))
    value = headers.get("retry-after", "")
    if _NUMBER.fullmatch(value):
        return round(float(value) * 1000)
    date = _parse_http_date(value) if value else None
    if date is None:
        return None
    return max(0, round((date - (time.time() if now is None else now)) * 1000))


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
        date = parsedate_to_datetime(text)
    except (ValueError, OverflowError, TypeError, IndexError):
        return None
    # An HTTP date is in GMT, also where its obsolete form does not say so.
    return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
