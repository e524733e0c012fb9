"""The meter: what a conversation has used, and how full the context window is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sidestream.session.attachments import tokens_of
from sidestream.session.turn import Turn, TurnStatus
from sidestream.session.usage import TokenUsageTracker, estimate_tokens
from sidestream.types.items import InputText, MessageItem
from sidestream.types.usage import TokenUsage


@dataclass(frozen=True)
class Meter:
    """The usage of a conversation, in tokens. None where it was not reported."""

    usage: TokenUsage
    """The usage of all turns of all branches together."""
    last: TokenUsage | None = None
    """The usage of the last turn of the branch."""
    context_used: int | None = None
    """The size of the branch: as the server counted it, and an estimate of what came after."""
    context_window: int | None = None
    compact_at: int | None = None
    """From this many tokens on, the conversation is compacted."""

    def view(self) -> dict[str, Any]:
        """The ``Meter`` of ``extension/shared/protocol.js``."""
        figures = {
            "context_used": self.context_used,
            "context_window": self.context_window,
            "compact_at": self.compact_at,
        }
        usages = {"usage": self.usage.model_dump()}
        if self.last is not None:
            usages["last"] = self.last.model_dump()
        return {**usages, **{name: value for name, value in figures.items() if value is not None}}


def has_usage(turns: Iterable[Turn]) -> bool:
    """Whether a conversation with these turns, of all its branches, has a meter."""
    return any(_reported(turn) for turn in turns)


def measure(
    turns: Iterable[Turn],
    path: Sequence[Turn],
    *,
    context_window: int | None = None,
    compact_at: int | None = None,
) -> Meter | None:
    """The meter of a conversation; None as long as no turn has a reported usage.

    ``turns`` are those of all branches, ``path`` those of the one that is shown, oldest first.
    """
    tracker = TokenUsageTracker(context_window=context_window, auto_compact_token_limit=compact_at)
    for turn in turns:
        tracker.update(_reported(turn), turn.id, turn.created_at / 1000)
    if tracker.total_usage.is_zero:
        return None
    return Meter(
        usage=tracker.total_usage,
        last=next(filter(None, (_reported(t) for t in reversed(path) if t.kind is None)), None),
        context_used=context_tokens(path),
        context_window=tracker.context_window,
        compact_at=compact_at,
    )


def context_tokens(path: Sequence[Turn]) -> int | None:
    """The size of turns, oldest first, in the context window of the request after them.

    It is the last count of the server and an estimate of what came after; None without a count.
    """
    new = 0
    for turn in reversed(path):
        counted = _counted(turn)
        if counted is not None:
            return counted + new
        if turn.kind is None and turn.status is not TurnStatus.QUEUED:
            new += _estimate(turn)
    return None


def _counted(turn: Turn) -> int | None:
    """The size up to the end of a turn, if the server counted it."""
    usage = _reported(turn)
    if turn.kind is None:
        # The last call of the model counts, since each one reads everything before it.
        return turn.context_tokens or (usage.total_tokens if usage else None)
    if turn.status is not TurnStatus.COMPLETED:
        return None
    # A compaction reads everything before it, but only the summary is in later requests.
    return usage.output_tokens - usage.reasoning_output_tokens if usage else _estimate(turn)


def _reported(turn: Turn) -> TokenUsage | None:
    return turn.usage if turn.usage and not turn.usage.is_zero else None


def _estimate(turn: Turn) -> int:
    question = MessageItem(role="user", content=[InputText(text=turn.user)])
    said = sum(estimate_tokens(item) for item in (question, *turn.items))
    return said + tokens_of(turn.attachments)
