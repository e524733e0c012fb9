"""When a conversation gets too long for its model, and what is done about it."""

from __future__ import annotations

from dataclasses import dataclass

from sidestream.session.attachments import tokens_of
from sidestream.session.conversation import CompactionMode, Conversation
from sidestream.session.meter import context_tokens
from sidestream.session.turn import Turn
from sidestream.session.usage import estimate_tokens

COMPACTION_ROOM = 0.8
"""What a compaction's request may fill of the window: the summary needs room as well."""


@dataclass(frozen=True)
class Compaction:
    """How long a conversation may get, in tokens. None where the model's window is unknown."""

    mode: CompactionMode = "summarise"
    context_window: int | None = None
    compact_at: int | None = None
    """From this many tokens on something has to be done."""

    def is_due(self, conversation: Conversation, turn: Turn) -> bool:
        """Whether the conversation should be summarised before a turn."""
        before = conversation.before(turn)
        return (
            self.mode == "summarise"
            and self.compact_at is not None
            and turn.kind is None
            and not turn.urgent
            and before is not None
            # Once is enough, also when it was stopped or did not help.
            and before.kind is None
            and tokens_in_context(conversation, turn) >= self.compact_at
        )

    def room(self, turn: Turn) -> int | None:
        """The tokens that a turn's request may hold; the oldest turns are left out beyond them."""
        if turn.kind == "compaction":
            return self.context_window and int(self.context_window * COMPACTION_ROOM)
        return self.compact_at if self.mode == "trim" else None


def tokens_in_context(conversation: Conversation, turn: Turn) -> int:
    """The size of a turn's request: what the last call counted, and an estimate of what is new."""
    history = conversation.history(turn)
    before = conversation.context(turn)
    own = tokens_of(turn.attachments)
    counted = context_tokens(before)
    if counted is None:
        attached = sum(tokens_of(earlier.attachments) for earlier in before)
        return sum(estimate_tokens(item) for item in history) + attached + own
    return counted + estimate_tokens(history[-1]) + own
