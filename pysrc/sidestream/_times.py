"""Durations and moments as people read them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sidestream.texts import Duration, Moment

if TYPE_CHECKING:
    from datetime import tzinfo

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def local_time_text(timestamp: int, now: float, tz: tzinfo | None) -> Moment | None:
    """A moment for people to read: ``3:05 PM`` today, else ``Jan 3rd, 2024 3:05 PM``.

    ``None`` for a time that no calendar has.
    """
    from datetime import datetime  # slow to import, and seldom needed

    try:
        moment, today = datetime.fromtimestamp(timestamp, tz), datetime.fromtimestamp(now, tz)
    except (ValueError, OverflowError, OSError):
        return None
    clock = f"{(moment.hour + 11) % 12 + 1}:{moment:%M} {'AM' if moment.hour < 12 else 'PM'}"
    if moment.date() == today.date():
        return Moment(clock, timestamp)
    suffix = {1: "st", 2: "nd", 3: "rd"}.get(moment.day % 10, "th")
    suffix = "th" if 11 <= moment.day <= 13 else suffix
    date = f"{_MONTHS[moment.month - 1]} {moment.day}{suffix}, {moment.year}"
    return Moment(f"{date} {clock}", timestamp)


def duration_text(ms: int) -> Duration:
    """A wait for people to read: ``1.5 s``, ``35 s``, ``6 min``, ``2 h 5 min``."""
    return Duration(_english(ms), ms)


def _english(ms: int) -> str:
    seconds = ms / 1000
    if seconds < 10:
        return f"{seconds:.1f}".rstrip("0").rstrip(".") + " s"
    if seconds < 90:
        return f"{round(seconds)} s"
    minutes = -(-round(seconds) // 60)
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h" + (f" {minutes % 60} min" if minutes % 60 else "")
