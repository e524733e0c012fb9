"""Token usage under the names that servers give it."""

from __future__ import annotations

from typing import Any

from sidestream.types.usage import TokenUsage

_LONGEST_COUNT = 40
_MAX_COUNT = 10**12
"""No answer uses as many tokens: a larger figure is not a count."""


def _count(source: Any, *names: str) -> int | None:
    if not isinstance(source, dict):
        return None
    for name in names:
        value = source.get(name)
        if isinstance(value, str):
            try:
                value = float(value[:_LONGEST_COUNT])
            except ValueError:
                continue
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            continue
        if 0 <= value < _MAX_COUNT:
            return int(value)
    return None


def token_usage(raw: Any) -> TokenUsage | None:
    """Usage, under the names of either API and of the servers that imitate them.

    Counts may be missing, ``null``, floats or numeric strings; those that cannot be are unknown.
    ``None`` if there is no count. Cached tokens are part of the input; where a gateway counts them
    beside it, which shows when there are more of them, they are added.
    """
    sent = _count(raw, "input_tokens", "prompt_tokens")
    received = _count(raw, "output_tokens", "completion_tokens")
    total = _count(raw, "total_tokens")
    if sent is None and received is None and total is None:
        return None
    input_details = raw.get("input_tokens_details") or raw.get("prompt_tokens_details")
    output_details = raw.get("output_tokens_details") or raw.get("completion_tokens_details")
    cached = _count(input_details, "cached_tokens")
    if cached is None:
        cached = _count(raw, "prompt_cache_hit_tokens", "cache_read_input_tokens", "cached_tokens")
    written = _count(input_details, "cache_write_tokens", "cache_creation_tokens")
    if written is None:
        written = _count(raw, "cache_creation_input_tokens")
    reasoning = _count(output_details, "reasoning_tokens")
    if reasoning is None:
        reasoning = _count(raw, "reasoning_tokens")
    beside = (cached or 0) + (written or 0)
    if sent is not None and beside > sent:
        sent += beside
        total = max(total or 0, sent + (received or 0))
    return TokenUsage(
        input_tokens=sent or 0,
        cached_input_tokens=cached or 0,
        cache_write_input_tokens=written or 0,
        output_tokens=received or 0,
        reasoning_output_tokens=reasoning or 0,
        total_tokens=total or (sent or 0) + (received or 0),
    )
