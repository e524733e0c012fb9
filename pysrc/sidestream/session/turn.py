"""A turn: one message of the user and the answer to it, made of blocks.

The view of a turn is what ``shared/protocol.js`` calls ``Turn``. The panel builds the same
blocks from the same events (``extension/shared/turn.js``).
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Literal

from pydantic import Field, PrivateAttr

from sidestream.errors import ErrorKind
from sidestream.session.attachments import Attachment
from sidestream.session.blocks import (
    PART_BREAK,
    Block,
    BlockIndex,
    BlockKind,
    Stored,
    citations_of,
    item_id_of,
    tool_name,
    tool_text,
)
from sidestream.session.tool_results import shown_of
from sidestream.session.tools import ToolOutput
from sidestream.types.events import (
    Completed,
    FunctionCallArgumentsDelta,
    Notice,
    OutputItemAdded,
    OutputItemDone,
    OutputTextAnnotationAdded,
    OutputTextDelta,
    OutputTextReplaced,
    ReasoningContentDelta,
    ReasoningSummaryDelta,
    ReasoningSummaryPartAdded,
    Reconnecting,
    RefusalDelta,
    ResponseEvent,
    SafetyBuffering,
    ServerModel,
    StreamIdle,
    ToolCallInputDelta,
    ToolCallProgress,
    WebSearchCallBegin,
)
from sidestream.types.items import (
    CodeInterpreterCallItem,
    ContentItem,
    CustomToolCallItem,
    FunctionCallItem,
    FunctionCallOutputItem,
    LocalShellCallItem,
    MessageItem,
    OutputText,
    ReasoningItem,
    Refusal,
    ResponseItem,
)
from sidestream.types.usage import TokenUsage

RECORD_VERSION = 2
"""Of a stored turn. A record of a later version is left alone, not guessed at.

Version 1 knew no branches; ``shared/storage/migrations.js`` gives its turns their ``parent``.
"""

WaitReason = Literal["turn", "rate_limit", "offline", "pause"]


class TurnStatus(StrEnum):
    """Where a turn stands."""

    QUEUED = "queued"
    RUNNING = "running"
    RECONNECTING = "reconnecting"
    COMPLETED = "completed"
    INCOMPLETE = "incomplete"
    """The provider ended the answer early."""
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    """The worker ended while the turn was under way."""
    STOPPED = "stopped"
    """By the user."""

    @property
    def active(self) -> bool:
        """Whether the turn has yet to end."""
        return self is TurnStatus.QUEUED or self.running

    @property
    def running(self) -> bool:
        """Whether a request is under way for it."""
        return self in (TurnStatus.RUNNING, TurnStatus.RECONNECTING)


class Waiting(Stored):
    """What a queued turn waits for."""

    reason: WaitReason
    """The turns before it; the provider's limit; the network; the user, after a turn went wrong."""
    until: int | None = None
    """When it goes by itself, where that is known: Unix time in milliseconds."""


class Turn(Stored):
    """One message of the user and the answer to it, or a compaction."""

    id: str
    user: str
    """What the user wrote; empty in a compaction, and where attachments speak for themselves."""
    attachments: list[Attachment] | None = None
    """What went with it."""
    created_at: int
    """Unix time in milliseconds."""
    status: TurnStatus = TurnStatus.QUEUED
    model: str | None = None
    blocks: list[Block] = Field(default_factory=list)
    error: dict[str, Any] | None = None
    usage: TokenUsage | None = None
    """Of all its calls of the model."""
    notice: str | None = None
    notices: list[str] | None = None
    """What the user should know of the answer, each once."""
    finish_reason: str | None = None
    """Why the model stopped, in the server's words."""
    waiting: Waiting | None = None
    """Set while the turn stands in line."""
    parent: str | None = None
    """The turn before it. Turns with the same one stand at the same place, in branches."""
    kind: Literal["compaction"] | None = None
    """A compaction's answer is a summary; what is said after it builds on that alone."""

    # What follows is stored and not shown.
    version: int = RECORD_VERSION
    sent: bool = True
    """Whether the request may have left. False is certain: such a turn can be sent unasked."""
    urgent: bool = False
    """The user said "send now": waits neither for limits nor for the network."""
    limited: bool = False
    """It waited for the provider's limit."""
    put_off: int = 0
    """How often in a row the provider has put it off."""
    begun: bool = False
    """It waits in the middle of its answer: the next run continues after the calls made so far."""
    without_images: bool = False
    """The provider refused its images: later requests name them only."""
    left_out: bool = False
    """The provider's policy refused it: later requests only say that it was there."""
    attempt: int = 0
    """Counts the runs; each has an idempotency key of its own."""
    position: int = 0
    """In which order the turns of a conversation were made; there may be gaps."""
    origin: str | None = None
    """Who answered: reasoning that is encrypted by one provider means nothing to another."""
    calls: int = 0
    """How many calls of the model came before the present one,"""
    usage_before: TokenUsage | None = None
    """and what they used."""
    context_tokens: int | None = None
    """What its last call of the model read and wrote."""
    items: list[ResponseItem] = Field(default_factory=list)
    """The answer's finished items and the outputs of its calls, last a message that was cut off."""
    withdrawn: list[Block] | None = None
    """What had come of an answer that is asked for again; it returns if nothing better comes."""
    response_id: str | None = None
    """Set while the turn runs, if the provider keeps the answer: `Client.resume` gives the rest."""
    sequence_number: int | None = None
    """How far the answer in here goes."""
    _index: BlockIndex | None = PrivateAttr(default=None)
    _thoughts: dict[str, int] | None = PrivateAttr(default=None)
    """Where among `items` the reasoning of the present answer is, by its id."""

    def view(self, *, whole: bool = True) -> dict[str, Any]:
        """The turn as the panel sees it.

        Not ``whole``: without what its finished items have to show, for a panel that got them.
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
        """Whether it is a compaction that stands for what was before it."""
        done = self.kind == "compaction" and self.status is TurnStatus.COMPLETED
        return done and bool(self.text.strip())

    @property
    def is_cut(self) -> bool:
        """Whether the answer ended before its end, after it had begun to say or do something."""
        return self.kind is None and self.status in _CUT and bool(self.text or self._done)

    @property
    def idempotency_key(self) -> str:
        """Under which a provider knows repeated requests of one call of the model for the same."""
        return "-".join(map(str, (self.id, self.attempt, *([self.calls] if self.calls else []))))

    # --- life ---------------------------------------------------------------------------------

    def wait(self, waiting: Waiting) -> None:
        """Stand in line; nothing has been sent."""
        self.status = TurnStatus.QUEUED
        self.waiting = waiting
        self.error = None
        self.sent = False

    def start(self) -> None:
        """Run, or run again: an earlier answer is given up, unless it only waited."""
        self.status = TurnStatus.RUNNING
        self.waiting = None
        self.sent = False
        self.without_images = self.left_out = False
        self.attempt += 1
        if self.begun:
            self.begun = False
            return
        self.blocks = []
        self.withdrawn = None
        self.items = []
        self._thoughts = None
        self.error = None
        self.usage = None
        self.usage_before = None
        self.context_tokens = None
        self.calls = 0
        self.notice = None
        self.notices = None
        self.finish_reason = None
        self.model = None
        self.forget_response()

    def put_back(self, waiting: Waiting) -> None:
        """Stand in the queue again, in the middle of the answer if calls have been carried out."""
        self._end_blocks()
        if done := self._done:
            answered = [i for i, block in enumerate(self.blocks) if block.output is not None]
            self.items = done
            self._thoughts = None
            self.blocks = self.blocks[: answered[-1] + 1] if answered else []
            self.begun = True
        self.put_off += 1
        self.notice = None
        self.urgent = False
        self.limited = True
        self.forget_response()
        self.wait(waiting)

    def note(self, notice: str) -> None:
        """Tell the user something about the answer, once."""
        if notice and notice not in (self.notices or ()):
            self.notices = [*(self.notices or ()), notice]

    def reached(self, response_id: str, sequence_number: int) -> None:
        """Note how far the provider's answer has been taken in."""
        self.response_id = response_id
        self.sequence_number = sequence_number

    def reconnect(self, notice: str) -> None:
        """Be without a connection, while the provider goes on writing."""
        self.status = TurnStatus.RECONNECTING
        self.notice = notice

    def forget_response(self) -> None:
        """There is nothing to pick up any more."""
        self.response_id = self.sequence_number = None

    def finish(self, status: TurnStatus, error: dict[str, Any] | None = None) -> None:
        """End the turn. What had arrived stays, also for the requests that follow."""
        self._end_blocks()
        if why := _BROKEN_OFF.get(status):
            for call in self.open_calls:
                self._break_off(call, why)
        self._mark_what_nobody_ran()
        self.status = status
        self.error = error
        self.notice = None
        self.waiting = None
        self.urgent = False
        self.limited = False
        self.begun = False
        self.put_off = 0
        self.forget_response()

    def _mark_what_nobody_ran(self) -> None:
        """Only the provider runs what has no call id, or is none of the calls that we may run."""
        elsewhere = {
            getattr(item, "call_id", None) for item in self.items if not isinstance(item, _CALLS)
        }
        for block in self.blocks:
            ours = block.kind == "tool" and block.call_id and block.call_id not in elsewhere
            if ours and block.output is None:
                block.status = NOT_RUN

    def _withdraw(self) -> None:
        growing = [block for block in self.blocks if block.open]
        self.blocks = [block for block in self.blocks if not block.open]
        if _length(growing) > _length(self.withdrawn or []):
            self.withdrawn = growing

    def _bring_back(self) -> None:
        growing = [block for block in self.blocks if block.open]
        if self.withdrawn and _length(self.withdrawn) > _length(growing):
            self.blocks = [block for block in self.blocks if not block.open] + self.withdrawn
        self.withdrawn = None

    def _end_blocks(self) -> None:
        self._bring_back()
        for block in self.blocks:
            block.asks = None
            if not block.open:
                continue
            block.close()
            if block.kind == "text" and block.text:
                content: list[ContentItem] = [OutputText(text=block.text)]
                self.items.append(MessageItem(role="assistant", content=content))
        self.blocks = [block for block in self.blocks if not block.empty]

    # --- calls --------------------------------------------------------------------------------

    @property
    def open_calls(self) -> list[FunctionCallItem]:
        """The calls that have no output yet."""
        waiting: dict[str, FunctionCallItem] = {}
        # In order: some servers give the calls of each answer the same ids.
        for item in self.items:
            if isinstance(item, FunctionCallItem):
                waiting[item.call_id] = item
            elif isinstance(item, FunctionCallOutputItem):
                waiting.pop(item.call_id, None)
        return list(waiting.values())

    def call_block(self, call: FunctionCallItem) -> Block | None:
        """The block that shows a call."""
        item_id = item_id_of(call)
        # Two calls may have come under one call id: one must not be shown for the other.
        known = self._blocks.last_of("tool", item_id)
        if known is None or known.call_id == call.call_id:
            return known
        same_item = reversed(self._blocks.tools(item_id))
        return next((block for block in same_item if block.call_id == call.call_id), None)

    def ask_about(self, call: FunctionCallItem) -> Block | None:
        """Have a call wait for the user's leave, in view as it would be carried out."""
        block = self.call_block(call)
        if block is not None:
            # What came in pieces, or later under the same id, may say something else.
            block.close(call.arguments)
            block.asks = True
        return block

    def begin_call(self) -> None:
        """The model is called again, with the outputs of its calls."""
        self._end_blocks()
        self.calls += 1
        self.usage_before = self.usage
        self.finish_reason = None
        self.forget_response()

    def ask_again(self) -> None:
        """The model is asked once more for the present answer, of which nothing is kept."""
        self._end_blocks()
        answer = self.answer
        if answer:
            self.items = self.items[: len(self.items) - len(answer)]
            self._thoughts = None
        answered = [i for i, block in enumerate(self.blocks) if block.output is not None]
        self.blocks = self.blocks[: answered[-1] + 1] if answered else []
        self.attempt += 1
        self.usage_before = self.usage
        self.finish_reason = None
        self.forget_response()

    def finish_call(
        self,
        call: FunctionCallItem,
        output: ToolOutput,
        duration_ms: int | None = None,
        *,
        told: str | None = None,
    ) -> None:
        """Note what a call gave, for the user and for the model, which is ``told`` this instead."""
        text = output.text if told is None else told
        self._thoughts = None
        self.items.append(FunctionCallOutputItem(call_id=call.call_id, output=text))
        block = self.call_block(call)
        if block is not None:
            block.asks = block.begun = None
            block.output = output.text
            block.failed = output.failed or None
            block.duration_ms = duration_ms
            block.shown = output.shown or None
            block.status = output.status

    def _break_off(self, call: FunctionCallItem, why: str) -> None:
        """Say what became of a call whose turn ended before it: the model has to know."""
        block = self.call_block(call)
        if block is not None and block.begun:
            text = f"error: {why} before this call was done. It may have had effects all the same."
            status = _ENDED_EARLY
        else:
            text = f"error: {why} before this call was carried out. Nothing of it was done."
            status = "not_carried_out"
        self.finish_call(call, ToolOutput(text, failed=True, ours=True, status=status))

    @property
    def broke_off_calls(self) -> bool:
        """Whether a call had begun that was not done when the turn ended."""
        return any(block.status == _ENDED_EARLY for block in self.blocks)

    @property
    def _done(self) -> list[ResponseItem]:
        """The items up to the output of the last call: rounds that a later request can hold."""
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
        """What the last call of the model gave: the items after the last output."""
        for end in range(len(self.items), 0, -1):
            if isinstance(self.items[end - 1], FunctionCallOutputItem):
                return self.items[end:]
        return self.items

    @property
    def sendable(self) -> list[ResponseItem]:
        """What a later request can hold of the answer.

        Of one that did not end well these are its calls with their outputs, and its messages, the
        cut-off one included.
        """
        if self.status is TurnStatus.COMPLETED:
            return self.items
        done = self._done
        rest = self.items[len(done) :]
        return [*done, *(item for item in rest if isinstance(item, MessageItem))]

    # --- events -------------------------------------------------------------------------------

    def apply(self, event: ResponseEvent) -> bool:
        """Take an event in. True when the status or the notice has changed."""
        before = (self.status, self.notice)
        self._set_status(event)
        match event:
            case OutputTextDelta():
                self._growing("text", event.item_id).append(event.delta)
            case OutputTextReplaced():
                self._replace_text(event.item_id, event.text)
            case ReasoningSummaryDelta():
                block = self._growing("reasoning")
                block.go_on(event.summary_index)
                block.append(event.delta)
            case ReasoningContentDelta():
                self._growing("reasoning").append(event.delta)
            case RefusalDelta():
                self._growing("refusal", event.item_id).append(event.delta)
            case FunctionCallArgumentsDelta() | ToolCallInputDelta():
                block = self._tool(event.item_id, getattr(event, "name", None) or "tool")
                block.call_id = block.call_id or event.call_id
                block.append(event.delta)
            case ReasoningSummaryPartAdded():
                self._growing("reasoning").begin_part(event.summary_index)
            case OutputTextAnnotationAdded():
                self._cite(event)
            case WebSearchCallBegin():
                self._tool(event.call_id, "web_search")
            case ToolCallProgress():
                block = self._tool(event.item_id, event.tool.removesuffix("_call"))
                block.status = event.status
                block.append(event.detail or "")
            case OutputItemAdded():
                self._begin_item(event.item)
            case OutputItemDone():
                self._finish_item(event.item)
            case ServerModel():
                self.model = event.model
            case Reconnecting() if not event.resumes:
                self.forget_response()
                self._withdraw()
            case Notice():
                self.note(event.message)
            case Completed():
                self._end_blocks()
                if event.finish_reason:
                    self.finish_reason = event.finish_reason
                if event.token_usage is not None:
                    self.usage = (self.usage_before or TokenUsage()) + event.token_usage
                    self.context_tokens = event.token_usage.total_tokens
        return before != (self.status, self.notice)

    def _set_status(self, event: ResponseEvent) -> None:
        status, notice = TurnStatus.RUNNING, None
        match event:
            case Reconnecting():
                status = TurnStatus.RECONNECTING
                notice = (
                    f"Reconnecting {event.attempt}/{event.max_attempts} "
                    f"in {_seconds(event.delay_ms)}: {event.reason}"
                )
            case StreamIdle():
                notice = (
                    f"Nothing has come for {_seconds(event.idle_ms)}; "
                    f"giving up after {_seconds(event.timeout_ms)}"
                )
            case SafetyBuffering() if event.show_buffering_ui:
                notice = "The provider is checking the answer before it shows it"
        # Assigning to a model's field costs more than looking.
        if self.status is not status:
            self.status = status
        if self.notice != notice:
            self.notice = notice

    @property
    def _blocks(self) -> BlockIndex:
        index = self._index
        if index is None or index.blocks is not self.blocks or index.size != len(self.blocks):
            index = self._index = BlockIndex(self.blocks)
        return index

    def _append(self, block: Block) -> Block:
        index = self._blocks
        self.blocks.append(block)
        index.note(block)
        return block

    def _remove(self, block: Block) -> None:
        """Take a block out that has nothing to show, mostly the last one."""
        index = self._blocks
        block.open = False
        place = next(at for at in reversed(range(len(self.blocks))) if self.blocks[at] is block)
        del self.blocks[place]
        index.forget(block)

    def _find(self, kind: BlockKind, item_id: str | None) -> Block | None:
        """The open block of that kind that a delta belongs to."""
        return self._blocks.open_block(kind, item_id)

    def _growing(self, kind: BlockKind, item_id: str | None = None) -> Block:
        return self._find(kind, item_id) or self._append(Block(kind=kind, item_id=item_id))

    def _replace_text(self, item_id: str | None, text: str) -> None:
        block = self._find("text", item_id)
        if block is not None and text:
            block.replace(text)
        elif block is not None:
            # What comes next stands where it comes: after the reasoning.
            self._remove(block)

    def _tool(self, item_id: str, name: str) -> Block:
        for block in reversed(self._blocks.tools(item_id)):
            # What we gave an output belongs to an earlier call of the model: some servers count
            # anew. Without an id, what is finished is another one.
            answered = block.output is not None and block.call_id is not None
            if (item_id or block.open) and not answered:
                return block
        return self._append(Block(kind="tool", name=name, item_id=item_id))

    def _cite(self, event: OutputTextAnnotationAdded) -> None:
        if citations := citations_of([event.annotation]):
            self._growing("text", event.item_id).cite(citations)

    def _begin_item(self, item: ResponseItem) -> None:
        # A message begins with its first delta: only that tells text from refusal.
        if isinstance(item, ReasoningItem):
            self._growing("reasoning", item.id)
        elif name := tool_name(item):
            block = self._take_tool(item, name)
            block.status = getattr(item, "status", None) or block.status
            block.settle()
            block.text = block.text or tool_text(item)

    def _finish_item(self, item: ResponseItem) -> None:
        if isinstance(item, MessageItem) and item.role != "assistant":
            # An answer must not put words into the user's mouth, or a developer's.
            return
        self.withdrawn = None
        if isinstance(item, ReasoningItem):
            self._finish_reasoning(item)
            return
        self.items.append(item)
        if isinstance(item, MessageItem):
            self._finish_message(item)
        elif name := tool_name(item):
            block = self._take_tool(item, name)
            block.status = getattr(item, "status", None) or "completed"
            block.failed = block.status == "failed" or None
            if isinstance(item, CodeInterpreterCallItem):
                block.output = item.logs or None
            block.close(tool_text(item))

    def _finish_reasoning(self, item: ReasoningItem) -> None:
        """It may be finished twice, the second time with what only the end of the answer brings."""
        text = PART_BREAK.join(part.text for part in (*item.summary, *(item.content or ())))
        if self._thoughts is None:
            begin = len(self.items) - len(self.answer)
            self._thoughts = {
                known.id: at
                for at, known in enumerate(self.items)
                if at >= begin and isinstance(known, ReasoningItem) and known.id
            }
        place = self._thoughts.get(item.id) if item.id else None
        if not item.id or place is None or self._find("reasoning", item.id):
            if item.id:
                self._thoughts[item.id] = len(self.items)
            self.items.append(item)
            self._close("reasoning", item.id, text)
            return
        self.items[place] = item
        block = self._blocks.last_of("reasoning", item.id)
        if block is not None and block.item_id == item.id:
            block.close(text)
            return
        self._close("reasoning", item.id, text)

    def _take_tool(self, item: ResponseItem, name: str) -> Block:
        call_id = getattr(item, "call_id", None)
        block = self._tool(item_id_of(item), name)
        block.name = name
        block.call_id = call_id or block.call_id
        return block

    def _finish_message(self, item: MessageItem) -> None:
        annotations = [
            annotation
            for part in item.content
            if isinstance(part, OutputText)
            for annotation in part.annotations or ()
        ]
        refusal = "".join(part.refusal for part in item.content if isinstance(part, Refusal))
        if block := self._close("text", item.id, item.text):
            block.cite(citations_of(annotations))
        self._close("refusal", item.id, refusal)

    def _close(self, kind: BlockKind, item_id: str | None, text: str) -> Block | None:
        block = self._find(kind, item_id)
        if block is None and not text:
            return None
        block = block or self._growing(kind, item_id)
        block.close(text)
        if not block.empty:
            return block
        self._remove(block)
        return None


NOT_RUN = "not_run"
"""The status of a call that nobody has carried out."""
_CALLS = (FunctionCallItem, CustomToolCallItem, LocalShellCallItem)
_ENDED_EARLY = "ended_early"
_BROKEN_OFF = {
    TurnStatus.STOPPED: "The user stopped the answer",
    TurnStatus.INTERRUPTED: "The browser stopped Sidestream",
    TurnStatus.INCOMPLETE: "The answer came to a limit",
    TurnStatus.FAILED: "The answer failed",
}
# A provider that refuses a request with the calls in it would refuse each one that follows.
_REFUSED = (
    *(ErrorKind.INVALID_REQUEST, ErrorKind.CONTEXT_WINDOW_EXCEEDED),
    *(ErrorKind.UNSUPPORTED, ErrorKind.CONTENT_POLICY),
)
_CUT = (TurnStatus.INTERRUPTED, TurnStatus.STOPPED, TurnStatus.INCOMPLETE, TurnStatus.FAILED)
_STORED_ONLY = {
    *("version", "sent", "urgent", "limited", "attempt", "position", "origin", "items"),
    *("response_id", "sequence_number", "calls", "usage_before", "context_tokens"),
    *("put_off", "begun", "without_images", "left_out"),
}


def _length(blocks: list[Block]) -> int:
    return sum(len(block.settle().text) for block in blocks)


INTERRUPTED: dict[str, Any] = {
    "kind": ErrorKind.STREAM_CLOSED.value,
    "message": "The browser stopped Sidestream while this answer was being written.",
    "hint": "What had arrived is kept, and nothing is sent again unless you say so.",
    "retryable": True,
}
"""The error of a turn that was cut off by the worker's end."""


def _seconds(milliseconds: int) -> str:
    seconds = milliseconds / 1000
    return f"{seconds:.1f} s" if seconds < 10 and seconds % 1 else f"{seconds:.0f} s"
