"""When a conversation gets too long for its model, and what is done about it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sidestream.models import AUTO_COMPACT_SHARE
from sidestream.session.attachments import tokens_of
from sidestream.session.conversation import CompactionMode, Conversation
from sidestream.session.fitting import tokens_in
from sidestream.session.meter import context_tokens
from sidestream.session.turn import Turn
from sidestream.types.items import FunctionCallOutputItem

MAX_SUMMARY_TRIES = 6
"""How often a summary is asked for, each time of less, before it is given up."""
MAX_CUT_SUMMARIES = 2
"""After so many summaries that ended at a limit of tokens the last of them is taken as it is."""
MAX_SHORTER = 3
"""How often one call of the model is repeated with less because it was too long."""
_RESERVED_SHARE = 4
"""A summary may take this part of the window,"""
_MAX_RESERVED = 16_000
"""and at most so many tokens."""


_WORTH_COUNTING = 1_000
"""Below so many tokens a server's count is believed, whatever it is."""


@dataclass(frozen=True)
class Compaction:
    """How long a conversation may get, in tokens. None where the model's window is unknown."""

    mode: CompactionMode = "summarise"
    context_window: int | None = None
    compact_at: int | None = None
    """From this many tokens on something has to be done."""
    by_user: bool = False
    """The window is the user's own setting, which wins over what errors have told."""

    def within(self, told: int | None) -> Compaction:
        """The same with the window that errors have told, where that is smaller."""
        window = self.context_window
        if told is None or (window is not None and (self.by_user or window <= told)):
            return self
        share, of = AUTO_COMPACT_SHARE
        limit = told * share // of
        compact_at = limit if self.compact_at is None else min(self.compact_at, limit)
        return replace(self, context_window=told, compact_at=compact_at)

    def with_answer(self, max_output_tokens: int | None) -> Compaction:
        """The same with room for the answer, where the request asks for as much.

        Many servers refuse a request that fits only without the answer that it allows.
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
            # Once is enough, also when it was stopped or did not help.
            and before.kind is None
            and tokens_in_context(
                conversation, turn, overhead=overhead, uncounted=uncounted, density=density
            )
            >= self.compact_at
        )


def summary_reserve(window: int) -> int:
    """The tokens of a window that are kept free for a summary."""
    return min(window // _RESERVED_SHARE, _MAX_RESERVED)


def tokens_in_context(
    conversation: Conversation,
    turn: Turn,
    *,
    overhead: int = 0,
    uncounted: int = 0,
    density: float = 1.0,
) -> int:
    """The size of a turn's next request: what the last call counted, and an estimate of the rest.

    Args:
        conversation: Whose turn it is.
        turn: It may have called tools already.
        overhead: What goes with every request: instructions and tools, estimated.
        uncounted: What of it has been added since the last call.
        density: How many tokens the model counts for each one that is estimated.

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
    # Some servers tell figures that cannot be those of the whole request.
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
