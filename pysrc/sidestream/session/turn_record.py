"""What is stored of a turn: one message of the user and the answer to it, made of blocks.

The view of a turn is what ``shared/protocol.js`` calls ``Turn``.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from sidestream.errors import ErrorKind
from sidestream.session.attachments import Attachment
from sidestream.session.blocks import PART_BREAK, Block, Stored, item_id_of, tool_name
from sidestream.session.tool_results import shown_of
from sidestream.session.turn_status import TurnStatus, Waiting
from sidestream.types.items import (
    FunctionCallItem,
    FunctionCallOutputItem,
    MessageItem,
    ResponseItem,
)
from sidestream.types.usage import TokenUsage

RECORD_VERSION = 2
"""The version of a stored turn. A record of a later version is not read, and stays in the store.

Version 1 had no branches; ``shared/storage/migrations.js`` gives its turns their ``parent``.
"""

CALL_ENDED_EARLY = "ended_early"
"""The status of a call that had begun and was not done when its turn ended."""
# After these errors, the provider would also refuse later requests that contain the same calls.
_REFUSED = (
    *(ErrorKind.INVALID_REQUEST, ErrorKind.CONTEXT_WINDOW_EXCEEDED),
    *(ErrorKind.UNSUPPORTED, ErrorKind.CONTENT_POLICY),
)
_STORED_ONLY = {
    *("version", "sent", "urgent", "limited", "attempt", "position", "origin", "items"),
    *("response_id", "sequence_number", "calls", "usage_before", "context_tokens"),
    *("put_off", "begun", "without_images", "left_out"),
}


class TurnRecord(Stored):
    """One message of the user and the answer to it, or a compaction."""

    id: str
    user: str
    """What the user wrote. Empty in a compaction, and in a message that has only attachments."""
    attachments: list[Attachment] | None = None
    created_at: int
    """Unix time in milliseconds."""
    status: TurnStatus = TurnStatus.QUEUED
    model: str | None = None
    blocks: list[Block] = Field(default_factory=list)
    error: dict[str, Any] | None = None
    usage: TokenUsage | None = None
    """The usage of all its calls of the model."""
    notice: str | None = None
    """What is happening just now, for the user."""
    notices: list[str] | None = None
    """What the user should know about the answer, each text once."""
    finish_reason: str | None = None
    """Why the model stopped, as the server calls it."""
    waiting: Waiting | None = None
    """Set while the turn is queued."""
    parent: str | None = None
    """The turn before it. Turns with the same parent are alternatives, each in a branch."""
    kind: Literal["compaction"] | None = None
    """A compaction's answer is a summary. Later requests contain it instead of what came before."""

    # The fields from here on are stored and not shown.
    version: int = RECORD_VERSION
    sent: bool = True
    """Whether the request may have been sent. If not, a new process sends it without asking."""
    urgent: bool = False
    """The user chose "send now": the turn waits neither for limits nor for the network."""
    limited: bool = False
    """Whether it waited for a limit of the provider."""
    put_off: int = 0
    """How often in a row it was queued again because of a limit."""
    begun: bool = False
    """It is queued in the middle of its answer: the next run continues after the finished calls."""
    without_images: bool = False
    """The provider refused its images: later requests only name them."""
    left_out: bool = False
    """The provider's policy refused it: later requests only say that it was there."""
    attempt: int = 0
    """Counts the runs. Each has an idempotency key of its own."""
    position: int = 0
    """The place in the order in which the turns were made; there may be gaps."""
    origin: str | None = None
    """The provider that answered; no other one can read its encrypted reasoning."""
    calls: int = 0
    """How many calls of the model came before the present one."""
    usage_before: TokenUsage | None = None
    """The usage of the calls before the present one."""
    context_tokens: int | None = None
    """The input and output tokens of its last call of the model."""
    items: list[ResponseItem] = Field(default_factory=list)
    """The answer's finished items and the outputs of its calls; a cut-off message is the last."""
    withdrawn: list[Block] | None = None
    """A partial answer that was asked for again; it is restored if no longer one arrives."""
    response_id: str | None = None
    """Set while the turn runs, if the provider keeps the answer, resumable by this id."""
    sequence_number: int | None = None
    """The number of the last event of that answer that the turn contains."""

    def view(self, *, whole: bool = True) -> dict[str, Any]:
        """The turn as the panel sees it.

        If not ``whole``, without the artifacts of finished items, for a panel that received those.
        """
        view = self._dump(exclude=_STORED_ONLY)
        if whole:
            self._add_shown(view["blocks"])
        return view

    def _add_shown(self, blocks: list[dict[str, Any]]) -> None:
        finished: dict[str, list[ResponseItem]] = {}
        for item in self.items:
            if tool_name(item):
                finished.setdefault(item_id_of(item), []).append(item)
        for block in blocks:
            items = finished.get(block.get("item_id", ""))
            if block["kind"] == "tool" and items and (shown := shown_of(items.pop(0))):
                block["shown"] = shown

    def record(self) -> str:
        """The turn as it is stored, as JSON; `Conversation.restore` reads it."""
        self._settle()
        return self.model_dump_json(exclude_none=True)

    def _dump(self, exclude: set[str]) -> dict[str, Any]:
        self._settle()
        return self.model_dump(mode="json", exclude=exclude, exclude_none=True)

    def _settle(self) -> None:
        for block in (*self.blocks, *(self.withdrawn or ())):
            block.settle()

    @property
    def text(self) -> str:
        """The answer's text so far."""
        return PART_BREAK.join(b.settle().text for b in self.blocks if b.kind == "text")

    @property
    def is_summary(self) -> bool:
        """Whether it is a compaction with a summary, which replaces what came before it."""
        done = self.kind == "compaction" and self.status is TurnStatus.COMPLETED
        return done and bool(self.text.strip())

    @property
    def is_cut(self) -> bool:
        """Whether a partial answer was kept that can be continued."""
        return self.kind is None and self.status.ended_early and bool(self.text or self.done_rounds)

    @property
    def idempotency_key(self) -> str:
        """The key by which a provider recognises repeated requests for one call of the model."""
        return "-".join(map(str, (self.id, self.attempt, *([self.calls] if self.calls else []))))

    @property
    def open_calls(self) -> list[FunctionCallItem]:
        """The calls that have no output yet."""
        waiting: dict[str, FunctionCallItem] = {}
        # The order matters: some servers give the calls of each answer the same ids.
        for item in self.items:
            if isinstance(item, FunctionCallItem):
                waiting[item.call_id] = item
            elif isinstance(item, FunctionCallOutputItem):
                waiting.pop(item.call_id, None)
        return list(waiting.values())

    @property
    def broke_off_calls(self) -> bool:
        """Whether a call had begun and was not done when the turn ended."""
        return any(block.status == CALL_ENDED_EARLY for block in self.blocks)

    @property
    def done_rounds(self) -> list[ResponseItem]:
        """The items up to the output of the last call, which later requests can contain."""
        if self.failed_with(*_REFUSED):
            return []
        for end in range(len(self.items), 0, -1):
            if isinstance(self.items[end - 1], FunctionCallOutputItem):
                return self.items[:end]
        return []

    def failed_with(self, *kinds: ErrorKind) -> bool:
        """Whether it failed, and with an error of one of these kinds."""
        return self.status is TurnStatus.FAILED and (self.error or {}).get("kind") in kinds

    @property
    def answer(self) -> list[ResponseItem]:
        """The result of the last call of the model: the items after the last output."""
        for end in range(len(self.items), 0, -1):
            if isinstance(self.items[end - 1], FunctionCallOutputItem):
                return self.items[end:]
        return self.items

    @property
    def sendable(self) -> list[ResponseItem]:
        """The part of the answer that later requests can contain.

        If the answer was not completed, these are its calls with their outputs and its messages,
        the cut-off one included.
        """
        if self.status is TurnStatus.COMPLETED:
            return self.items
        done = self.done_rounds
        rest = self.items[len(done) :]
        return [*done, *(item for item in rest if isinstance(item, MessageItem))]

    def note(self, notice: str) -> None:
        """Add a notice about the answer, once."""
        if notice and notice not in (self.notices or ()):
            self.notices = [*(self.notices or ()), notice]

    def forget_response(self) -> None:
        """Forget the answer that the provider keeps: there is nothing to resume any more."""
        self.response_id = self.sequence_number = None
