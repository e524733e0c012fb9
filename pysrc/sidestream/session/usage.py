"""Token usage of a session: totals, history by time and turn, and how full the window is."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from datetime import datetime, timedelta, timezone
from typing import Any, Self

from pydantic import ValidationError

from sidestream.types._base import WireModel
from sidestream.types.items import (
    CodeInterpreterCallItem,
    FunctionCallOutputItem,
    ImageGenerationCallItem,
    InputImage,
    MessageItem,
    ReasoningItem,
    ResponseItem,
)
from sidestream.types.usage import TokenUsage, TokenUsageInfo

MAX_RECORDS = 10_000
"""The number of calls in the history. The totals include all calls."""

_BYTES_PER_TOKEN = 4
_IMAGE_BYTES = 7_373


class UsageRecord(WireModel):
    """The usage of one model call, with its time and its turn."""

    usage: TokenUsage
    turn_id: str
    at: float
    """Seconds since 1970."""


class _State(WireModel):
    info: TokenUsageInfo | None = None
    auto_compact_token_limit: int | None = None
    records: list[UsageRecord] = []


class TokenUsageTracker:
    """Adds up the usage of a session's calls.

    ``context_window`` is the effective window of the model, and ``auto_compact_token_limit`` the
    number of tokens at which the conversation should be compacted. Both are None if unknown.
    """

    def __init__(
        self, *, context_window: int | None = None, auto_compact_token_limit: int | None = None
    ) -> None:
        self._state = _State(records=[])
        self.configure(
            context_window=context_window, auto_compact_token_limit=auto_compact_token_limit
        )

    def configure(
        self, *, context_window: int | None, auto_compact_token_limit: int | None
    ) -> None:
        """Set the window and the limit after a change of the model or the settings."""
        info = self.info.model_copy(update={"model_context_window": context_window})
        self._set(info=info, auto_compact_token_limit=auto_compact_token_limit)

    def _set(self, **changes: Any) -> None:
        self._state = self._state.model_copy(update=changes)

    def update(self, usage: TokenUsage | None, turn_id: str, at: float) -> None:
        """Add one call. A call without usage changes nothing."""
        if usage is None:
            return
        info = TokenUsageInfo.new_or_append(self.info, usage)
        records = self._state.records
        records.append(UsageRecord(usage=usage, turn_id=turn_id, at=at))
        if len(records) > MAX_RECORDS:
            del records[0]
        self._set(info=info)

    def mark_context_full(self) -> None:
        """Record that the provider reported the context window as exceeded.

        Only the last call counts as full. Codex fills the totals too, which hides what was used
        and makes the window look empty in a session that has used more than one window.
        """
        if self.context_window:
            full = TokenUsage(total_tokens=self.context_window)
            self._set(info=self.info.model_copy(update={"last_token_usage": full}))

    def reset(self) -> None:
        """Remove all usage. The window and the limit stay."""
        info = TokenUsageInfo(model_context_window=self.context_window)
        self._set(info=info, records=[])

    @property
    def info(self) -> TokenUsageInfo:
        """The totals, the last call and the window."""
        return self._state.info or TokenUsageInfo()

    @property
    def total_usage(self) -> TokenUsage:
        """The usage of all calls together."""
        return self.info.total_token_usage

    @property
    def last_usage(self) -> TokenUsage:
        """The usage of the last call."""
        return self.info.last_token_usage

    @property
    def context_window(self) -> int | None:
        """The effective window in tokens."""
        return self.info.model_context_window

    @property
    def records(self) -> list[UsageRecord]:
        """The history, oldest first."""
        return list(self._state.records)

    def between(self, start: float, end: float) -> list[UsageRecord]:
        """The calls from ``start`` up to, but not at, ``end`` (seconds since 1970)."""
        return [record for record in self._state.records if start <= record.at < end]

    def last_minutes(self, minutes: float, now: float) -> list[UsageRecord]:
        """The calls of the last minutes."""
        return [r for r in self._state.records if now - minutes * 60 <= r.at <= now]

    def last_turns(self, count: int) -> list[UsageRecord]:
        """The calls of the last turns. A turn may have several calls."""
        turns = list(dict.fromkeys(r.turn_id for r in reversed(self._state.records)))
        wanted = set(turns[: max(count, 0)])
        return [record for record in self._state.records if record.turn_id in wanted]

    def by_day(self, *, utc_offset_s: int = 0) -> dict[str, TokenUsage]:
        """The usage of each day (``2026-08-06``), in the time zone of the given offset."""
        zone = timezone(timedelta(seconds=utc_offset_s))
        days: dict[str, TokenUsage] = {}
        for record in self._state.records:
            day = datetime.fromtimestamp(record.at, zone).date().isoformat()
            days[day] = days.get(day, TokenUsage()) + record.usage
        return days

    def active_tokens(self, unsent: Iterable[ResponseItem] = ()) -> int:
        """The tokens of the last call, plus an estimate of the items since."""
        return self.last_usage.total_tokens + sum(estimate_tokens(item) for item in unsent)

    def context_percent_remaining(self) -> int | None:
        """The free part of the window in percent, or None if the window is unknown."""
        window = self.context_window
        return self.last_usage.percent_of_context_window_remaining(window) if window else None

    def compaction_due(self, unsent: Iterable[ResponseItem] = ()) -> bool:
        """Whether the conversation has reached its limit, or the end of the window."""
        limits = (self._state.auto_compact_token_limit, self.context_window)
        known = [limit for limit in limits if limit is not None]
        return bool(known) and self.active_tokens(unsent) >= min(known)

    def summary(self) -> dict[str, Any]:
        """The figures that a user needs, as JSON data."""
        return {
            "text": str(self.total_usage),
            "total": self.total_usage.model_dump(),
            "last": self.last_usage.model_dump(),
            "cached_share": self.total_usage.cached_share,
            "reasoning_share": self.total_usage.reasoning_share,
            "calls": len(self._state.records),
            "turns": len({record.turn_id for record in self._state.records}),
            "context_window": self.context_window,
            "context_percent_remaining": self.context_percent_remaining(),
            "compaction_due": self.compaction_due(),
        }

    def to_json(self) -> str:
        """Return the whole state as JSON, so that it outlives the process."""
        return self._state.to_json()

    @classmethod
    def from_json(cls, text: str | None) -> Self:
        """Restore a tracker from `to_json`. If that is unreadable, the tracker is empty."""
        tracker = cls()
        with contextlib.suppress(ValidationError):
            tracker._state = _State.model_validate_json(text or "")
        return tracker


def estimate_tokens(item: ResponseItem) -> int:
    """Estimate the tokens of an item that no call has counted yet (as Codex: four bytes a token).

    Encrypted reasoning counts by its decoded size, and each image by a fixed number.
    """
    if isinstance(item, ReasoningItem) and item.encrypted_content:
        size = max(len(item.encrypted_content) * 3 // 4 - 650, 0)
    else:
        images = _images(item)
        rest = _without(item) if images else item
        size = (
            len(
                rest.model_dump_json(exclude_none=True, exclude={"origin"}).encode(
                    "utf-8", "surrogatepass"
                )
            )
            + len(images) * _IMAGE_BYTES
        )
    return -(-size // _BYTES_PER_TOKEN)


def text_tokens(text: str) -> int:
    """Estimate the tokens of a text in the same way."""
    return -(-len(text.encode("utf-8", "surrogatepass")) // _BYTES_PER_TOKEN)


def _without(item: ResponseItem) -> ResponseItem:
    """Return the item without its images, which may have megabytes."""
    if isinstance(item, ImageGenerationCallItem):
        return item.model_copy(update={"result": ""})
    if isinstance(item, CodeInterpreterCallItem):
        outputs = [{**part, "url": ""} if "url" in part else part for part in item.outputs or ()]
        return item.model_copy(update={"outputs": outputs})
    name = "content" if isinstance(item, MessageItem) else "output"
    parts = [
        part.model_copy(update={"image_url": ""}) if isinstance(part, InputImage) else part
        for part in getattr(item, name)
    ]
    return item.model_copy(update={name: parts})


def _images(item: ResponseItem) -> list[str]:
    """The data URLs or addresses of the images in an item."""
    parts: Any = ()
    if isinstance(item, ImageGenerationCallItem):
        return [item.result] if item.result else []
    if isinstance(item, CodeInterpreterCallItem):
        urls = (part.get("url") for part in item.outputs or ())
        return [url for url in urls if isinstance(url, str)]
    if isinstance(item, MessageItem):
        parts = item.content
    elif isinstance(item, FunctionCallOutputItem) and isinstance(item.output, list):
        parts = item.output
    return [part.image_url for part in parts if isinstance(part, InputImage)]
