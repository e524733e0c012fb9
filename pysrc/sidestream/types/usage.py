"""Token usage of a call and of a session."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Self

from sidestream.types._base import WireModel

BASELINE_TOKENS = 12_000
"""What every request costs before the user says a word (Codex); not counted as used window."""


class TokenUsage(WireModel):
    """Tokens that one model call used (Codex ``TokenUsage``).

    Cached tokens are part of the input, reasoning tokens part of the output.
    """

    input_tokens: int = 0
    cached_input_tokens: int = 0
    cache_write_input_tokens: int = 0
    output_tokens: int = 0
    reasoning_output_tokens: int = 0
    total_tokens: int = 0

    def __add__(self, other: TokenUsage) -> TokenUsage:
        return TokenUsage(**{name: value + getattr(other, name) for name, value in self})

    @classmethod
    def sum(cls, usages: Iterable[Self]) -> Self:
        """All of them together; quicker than adding one to the other."""
        totals = dict.fromkeys(cls.model_fields, 0)
        for usage in usages:
            for name in totals:
                totals[name] += getattr(usage, name)
        return cls(**totals)

    @property
    def is_zero(self) -> bool:
        """Whether nothing was used."""
        return self.total_tokens == 0

    @property
    def cached_input(self) -> int:
        """Input that the provider had in its cache."""
        return max(self.cached_input_tokens, 0)

    @property
    def non_cached_input(self) -> int:
        """Input that the provider read anew."""
        return max(self.input_tokens - self.cached_input, 0)

    @property
    def blended_total(self) -> int:
        """What was read anew and what was written: the figure that a user pays for."""
        return max(self.non_cached_input + max(self.output_tokens, 0), 0)

    @property
    def cached_share(self) -> float:
        """How much of the input was cached, from 0 to 1."""
        return _share(self.cached_input, self.input_tokens)

    @property
    def reasoning_share(self) -> float:
        """How much of the output was reasoning, from 0 to 1."""
        return _share(self.reasoning_output_tokens, self.output_tokens)

    @property
    def tokens_in_context_window(self) -> int:
        """What of the context window is taken after this call."""
        return self.total_tokens

    def percent_of_context_window_remaining(self, context_window: int) -> int:
        """How much of the window a user can still fill, from 0 to 100, the baseline left aside."""
        usable = context_window - BASELINE_TOKENS
        if usable <= 0:
            return 0
        used = max(self.tokens_in_context_window - BASELINE_TOKENS, 0)
        remaining = max(usable - used, 0)
        # Rounds halves up, where Python's round() would take the even neighbour.
        return min((200 * remaining + usable) // (2 * usable), 100)

    def __str__(self) -> str:
        cached = f" (+ {self.cached_input:,} cached)" if self.cached_input else ""
        reasoning = self.reasoning_output_tokens
        thought = f" (reasoning {reasoning:,})" if reasoning else ""
        return (
            f"Token usage: total={self.blended_total:,} input={self.non_cached_input:,}{cached}"
            f" output={self.output_tokens:,}{thought}"
        )


def _share(part: int, whole: int) -> float:
    return min(max(part / whole, 0.0), 1.0) if whole > 0 else 0.0


class TokenUsageInfo(WireModel):
    """Usage of a session: of all calls together and of the last one (Codex ``TokenUsageInfo``)."""

    total_token_usage: TokenUsage = TokenUsage()
    last_token_usage: TokenUsage = TokenUsage()
    model_context_window: int | None = None

    @classmethod
    def new_or_append(
        cls,
        info: Self | None,
        last: TokenUsage | None,
        model_context_window: int | None = None,
    ) -> Self | None:
        """``info`` with one more call; None when there is neither. A window given replaces it."""
        if info is None and last is None:
            return None
        info = info or cls()
        changes: dict[str, object] = {}
        if last is not None:
            changes["total_token_usage"] = info.total_token_usage + last
            changes["last_token_usage"] = last
        if model_context_window is not None:
            changes["model_context_window"] = model_context_window
        return info.model_copy(update=changes)

    def fill_to_context_window(self, context_window: int) -> Self:
        """The same session with its window full, as after ``context_length_exceeded``."""
        added = max(context_window - self.total_token_usage.total_tokens, 0)
        return self.model_copy(
            update={
                "total_token_usage": TokenUsage(total_tokens=context_window),
                "last_token_usage": TokenUsage(total_tokens=added),
                "model_context_window": context_window,
            }
        )
