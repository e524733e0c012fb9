"""The states of a turn, and what a queued turn waits for."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from sidestream.session.blocks import Stored

WaitReason = Literal["turn", "rate_limit", "offline", "pause"]


class TurnStatus(StrEnum):
    """The state of a turn. Its properties define which states are active, running and so on."""

    QUEUED = "queued"
    RUNNING = "running"
    RECONNECTING = "reconnecting"
    COMPLETED = "completed"
    INCOMPLETE = "incomplete"
    """The provider ended the answer early."""
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    """The worker ended while the turn ran."""
    STOPPED = "stopped"
    """The user stopped it."""

    @property
    def active(self) -> bool:
        """Whether the turn has yet to end."""
        return self is TurnStatus.QUEUED or self.running

    @property
    def running(self) -> bool:
        """Whether a request for the turn is being answered."""
        return self in (TurnStatus.RUNNING, TurnStatus.RECONNECTING)

    @property
    def went_wrong(self) -> bool:
        """Whether the turn ended against the user's wish, so that messages after it are on hold."""
        return self in (TurnStatus.FAILED, TurnStatus.INTERRUPTED)

    @property
    def ended_early(self) -> bool:
        """Whether the turn ended before its answer was whole."""
        return not self.active and self is not TurnStatus.COMPLETED


class Waiting(Stored):
    """What a queued turn waits for."""

    reason: WaitReason
    """The turns before it; a limit; the network; or the user, after a turn that went wrong."""
    until: int | None = None
    """When it is sent without the user, where that is known: Unix time in milliseconds."""
