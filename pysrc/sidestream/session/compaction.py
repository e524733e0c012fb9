"""Decides when a conversation is too long for its model, so that it has to be summarised."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sidestream.models import AUTO_COMPACT_SHARE
from sidestream.session.attachments import tokens_of
from sidestream.session.conversation import Conversation
from sidestream.session.conversation_settings import CompactionMode
from sidestream.session.fitting import tokens_in
from sidestream.session.meter import context_tokens
from sidestream.session.turn import Turn
from sidestream.types.items import FunctionCallOutputItem

MAX_SUMMARY_TRIES = 6
"""How often a summary is asked for, each time of less, before the compaction fails."""
MAX_CUT_SUMMARIES = 2
"""After this many summaries that were cut off at a token limit, the last one is kept."""
MAX_SHORTER = 3
"""How often a request that was too long is repeated with less."""
_RESERVED_SHARE = 4
"""The window divided by this is kept free for a summary."""
_MAX_RESERVED = 16_000
"""The tokens that are kept free at most."""
_WORTH_COUNTING = 1_000
"""For requests of fewer tokens, any count of a server is believed."""


@dataclass(frozen=True)
class Compaction:
    """How long a conversation may become, in tokens. None if the model's window is unknown."""

    mode: CompactionMode = "summarise"
    context_window: int | None = None
    compact_at: int | None = None
    """From this many tokens on, the conversation is compacted."""
    by_user: bool = False
    """Whether the window is a setting of the user, which wins over what errors have revealed."""

    def within(self, reported: int | None) -> Compaction:
        """The same with the window that errors have revealed, if that is smaller."""
        window = self.context_window
        if reported is None or (window is not None and (self.by_user or window <= reported)):
            return self
        share, of = AUTO_COMPACT_SHARE
        limit = reported * share // of
        compact_at = limit if self.compact_at is None else min(self.compact_at, limit)
        return replace(self, context_window=reported, compact_at=compact_at)

    def with_answer(self, max_output_tokens: int | None) -> Compaction:
        """The same with room for an answer of the length that the request allows.

        Many servers refuse a request that does not fit together with the longest allowed answer.
        """
        if not (max_output_tokens and self.context_window and self.compact_at):
            return self
        window = self.context_window
        room = max(window - max_output_tokens, window // 2)
        return replace(self, compact_at=min(self.compact_at, room))

    def is_due(
        self,
        conversation: Conversation,
        turn: Turn,
        *,
        overhead: int = 0,
        uncounted: int = 0,
        density: float = 1.0,
    ) -> bool:
        """Whether the conversation should be summarised before a turn, or before it continues."""
        before = conversation.before(turn)
        return (
            self.mode == "summarise"
            and self.compact_at is not None
            and turn.kind is None
            and (bool(turn.items) or not turn.urgent)
            and before is not None
            # There is no second compaction in a row, even if the first was stopped or too long.
            and before.kind is None
            and tokens_in_context(
                conversation, turn, overhead=overhead, uncounted=uncounted, density=density
            )
            >= self.compact_at
        )


def summary_reserve(window: int) -> int:
    """How many tokens of a window are kept free for a summary."""
    return min(window // _RESERVED_SHARE, _MAX_RESERVED)


def tokens_in_context(
    conversation: Conversation,
    turn: Turn,
    *,
    overhead: int = 0,
    uncounted: int = 0,
    density: float = 1.0,
) -> int:
    """The size of a turn's next request: the last count of the server, and an estimate of the rest.

    Args:
        conversation: The conversation of the turn.
        turn: The turn, which may have called tools already.
        overhead: The estimated tokens of what every request contains: instructions and tools.
        uncounted: The part of it that was added since the last call.
        density: How many tokens the model counts for each estimated one.

    """
    *history, question = conversation.history(turn)
    before = conversation.context(turn)
    asked = tokens_in([question]) + tokens_of(turn.attachments)
    earlier = tokens_in(history) + sum(
        tokens_of(each.attachments, without_images=each.without_images)
        for each in before
        if each.kind is None
    )
    if turn.items:
        counted, new = turn.context_tokens, tokens_in(_outputs_at_the_end(turn))
        known = overhead + earlier + asked + tokens_in(turn.items) - new
    else:
        counted, new, known = context_tokens(before), asked, overhead + earlier
    # Some servers report counts that cannot be those of the whole request.
    if counted is None or (counted * 4 < known and known > _WORTH_COUNTING):
        return int((known + new) * density)
    return counted + int((new + uncounted) * density)


def _outputs_at_the_end(turn: Turn) -> list[FunctionCallOutputItem]:
    outputs: list[FunctionCallOutputItem] = []
    for item in reversed(turn.items):
        if not isinstance(item, FunctionCallOutputItem):
            break
        outputs.append(item)
    return outputs
