"""A conversation, its turns, and the blocks of which an answer is made.

The view of a turn is what ``extension/protocol.js`` calls ``Turn``. The panel builds the same
blocks from the same events (``extension/sidepanel/conversation.js``).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from itertools import takewhile
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError

from sidestream.errors import ErrorKind
from sidestream.session.attachments import Attachment, parts_of, tokens_of
from sidestream.session.tool_results import MAX_SHOWN, hold_back, shown_of
from sidestream.session.tools import Permission, ToolLimits, ToolOutput
from sidestream.session.usage import estimate_tokens
from sidestream.types.events import (
    Completed,
    FunctionCallArgumentsDelta,
    OutputItemAdded,
    OutputItemDone,
    OutputTextAnnotationAdded,
    OutputTextDelta,
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
    FileSearchCallItem,
    FunctionCallItem,
    FunctionCallOutputItem,
    InputText,
    MessageItem,
    OutputText,
    ReasoningItem,
    Refusal,
    ResponseItem,
)
from sidestream.types.usage import TokenUsage

RECORD_VERSION = 2
"""Of a stored turn. A record of a later version is left alone, not guessed at.

Version 1 knew no branches; ``extension/runtime/database.js`` gives its turns their ``parent``.
"""
VIEW_TURNS = 40
"""So many turns of a long conversation a panel is shown at once."""

BlockKind = Literal["text", "reasoning", "refusal", "tool"]
WaitReason = Literal["turn", "rate_limit", "offline", "pause"]
CompactionMode = Literal["summarise", "trim", "off"]
_PART_BREAK = "\n\n"


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


class _State(BaseModel):
    model_config = ConfigDict(extra="ignore")


class Citation(_State):
    """A source that the answer names: a page by its address, or a file by its name."""

    url: str | None = None
    title: str | None = None


class Block(_State):
    """One piece of an answer, in the order of appearance. `append` costs the same at any length."""

    kind: BlockKind
    text: str = ""
    name: str | None = None
    item_id: str | None = None
    call_id: str | None = None
    status: str | None = None
    citations: list[Citation] | None = None
    asks: bool | None = None
    """A call that waits for the user's leave."""
    begun: bool | None = None
    """A call that is being carried out."""
    output: str | None = None
    """What a call gave."""
    failed: bool | None = None
    duration_ms: int | None = None
    shown: dict[str, Any] | None = None
    """What a call has to show beside its output: figures, files, sources. Of the provider's own
    tools it is left to `shown_of`."""
    open: bool = True
    _tail: list[str] = PrivateAttr(default_factory=list)
    _part: int | None = PrivateAttr(default=None)

    def append(self, delta: str) -> None:
        """Let the text grow; `settle` makes ``text`` whole again."""
        if delta:
            self._tail.append(delta)

    def settle(self) -> Block:
        """Join what was appended to ``text``."""
        if self._tail:
            self.text += "".join(self._tail)
            self._tail.clear()
        return self

    @property
    def empty(self) -> bool:
        """Whether there is nothing to show of it. A tool's block always shows its name."""
        return self.kind != "tool" and not self.text and not self._tail

    def begin_part(self, index: int) -> None:
        """Set a new part of a reasoning summary off with a blank line."""
        if index != self._part and not self.empty:
            last = self._tail[-1] if self._tail else self.text
            if not last.endswith(_PART_BREAK):
                self.append(_PART_BREAK)
        self._part = index

    def go_on(self, index: int) -> None:
        """Begin a part of a reasoning summary unless it is the one that the text is in."""
        if self._part is None and not self.empty:
            # Of a block that was read from the store the part is unknown; most likely it goes on.
            self._part = index
        self.begin_part(index)

    def cite(self, citations: list[Citation]) -> None:
        """Add sources that are not named yet."""
        named = list(self.citations or ())
        for citation in citations:
            if all(_is_other(citation, other) for other in named):
                named.append(citation)
        if named:
            self.citations = named

    def close(self, text: str = "") -> None:
        """Finish it. ``text``, where given, is what it says for good."""
        self.settle()
        if text:
            self.text = text
        self.open = False


class ConversationSettings(_State):
    """What a conversation has of its own. What is None is as the provider profile says."""

    profile: str | None = None
    """The id of the profile that answers. None: the active one."""
    model: str | None = None
    instructions: str | None = None
    effort: str | None = None
    verbosity: Literal["low", "medium", "high"] | None = None
    compaction: CompactionMode | None = None
    tools: dict[str, Permission] | None = None
    """What the model may use, by name; a tool without an entry is not offered."""
    network: list[str] | None = None
    """The hosts that the sandbox's Python may reach, as ``api.example.com`` or
    ``localhost:8000``."""
    vector_stores: list[str] | None = None
    """The ids of those in which the provider's file search looks."""
    limits: ToolLimits | None = None
    """How far a turn may go by itself."""


class Waiting(_State):
    """What a queued turn waits for."""

    reason: WaitReason
    """The turns before it; the provider's limit; the network; the user, after a turn went wrong."""
    until: int | None = None
    """When it goes by itself, where that is known: Unix time in milliseconds."""


class Turn(_State):
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
            if _tool_name(item):
                finished.setdefault(_item_id(item), []).append(item)
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
        return _PART_BREAK.join(b.settle().text for b in self.blocks if b.kind == "text")

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
        """Run, or run again: an earlier answer is given up."""
        self.status = TurnStatus.RUNNING
        self.waiting = None
        self.sent = False
        self.attempt += 1
        self.blocks = []
        self.withdrawn = None
        self.items = []
        self.error = None
        self.usage = None
        self.usage_before = None
        self.context_tokens = None
        self.calls = 0
        self.notice = None
        self.model = None
        self.forget_response()

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
        self.status = status
        self.error = error
        self.notice = None
        self.waiting = None
        self.urgent = False
        self.limited = False
        self.forget_response()

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
        for block in reversed(self.blocks):
            if block.kind == "tool" and block.call_id == call.call_id:
                return block
        return None

    def begin_call(self) -> None:
        """The model is called again, with the outputs of its calls."""
        self._end_blocks()
        self.calls += 1
        self.usage_before = self.usage
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
        if self.status is TurnStatus.FAILED and (self.error or {}).get("kind") in _REFUSED:
            return []
        for end in range(len(self.items), 0, -1):
            if isinstance(self.items[end - 1], FunctionCallOutputItem):
                return self.items[:end]
        return []

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
            case Completed():
                self._end_blocks()
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

    def _find(self, kind: BlockKind, item_id: str | None) -> Block | None:
        """The open block of that kind that a delta belongs to."""
        for block in reversed(self.blocks):
            if (
                block.open
                and block.kind == kind
                and (item_id is None or block.item_id in (None, item_id))
            ):
                return block
        return None

    def _growing(self, kind: BlockKind, item_id: str | None = None) -> Block:
        block = self._find(kind, item_id)
        if block is None:
            block = Block(kind=kind, item_id=item_id)
            self.blocks.append(block)
        return block

    def _tool(self, item_id: str, name: str) -> Block:
        for block in reversed(self.blocks):
            # What we gave an output belongs to an earlier call of the model: some servers count
            # anew. Without an id, what is finished is another one.
            answered = block.output is not None and block.call_id is not None
            known = block.item_id == item_id and (bool(item_id) or block.open)
            if block.kind == "tool" and known and not answered:
                return block
        self.blocks.append(Block(kind="tool", name=name, item_id=item_id))
        return self.blocks[-1]

    def _cite(self, event: OutputTextAnnotationAdded) -> None:
        if citations := _citations([event.annotation]):
            self._growing("text", event.item_id).cite(citations)

    def _begin_item(self, item: ResponseItem) -> None:
        # A message begins with its first delta: only that tells text from refusal.
        if isinstance(item, ReasoningItem):
            self._growing("reasoning", item.id)
        elif name := _tool_name(item):
            block = self._take_tool(item, name)
            block.status = getattr(item, "status", None) or block.status
            block.settle()
            block.text = block.text or _tool_text(item)

    def _finish_item(self, item: ResponseItem) -> None:
        self.items.append(item)
        self.withdrawn = None
        if isinstance(item, MessageItem):
            if item.role == "assistant":
                self._finish_message(item)
        elif isinstance(item, ReasoningItem):
            parts = [part.text for part in (*item.summary, *(item.content or ()))]
            self._close("reasoning", item.id, _PART_BREAK.join(parts))
        elif name := _tool_name(item):
            block = self._take_tool(item, name)
            block.status = getattr(item, "status", None) or "completed"
            block.failed = block.status == "failed" or None
            if isinstance(item, CodeInterpreterCallItem):
                block.output = item.logs or None
            block.close(_tool_text(item))

    def _take_tool(self, item: ResponseItem, name: str) -> Block:
        call_id = getattr(item, "call_id", None)
        block = self._tool(_item_id(item), name)
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
            block.cite(_citations(annotations))
        self._close("refusal", item.id, refusal)

    def _close(self, kind: BlockKind, item_id: str | None, text: str) -> Block | None:
        block = self._find(kind, item_id)
        if block is None and not text:
            return None
        block = block or self._growing(kind, item_id)
        block.close(text)
        if not block.empty:
            return block
        self.blocks.remove(block)
        return None


_STORED_CALLS = (CodeInterpreterCallItem, FileSearchCallItem)
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
}


def _length(blocks: list[Block]) -> int:
    return sum(len(block.settle().text) for block in blocks)


class Conversation(_State):
    """A tree of turns. The path from its root to ``leaf`` is the branch that is shown and goes on.

    At most one turn runs; the queued ones are the last of the path.
    """

    id: str
    created_at: int = 0
    leaf: str | None = None
    """The last turn of the path."""
    settings: ConversationSettings = Field(default_factory=ConversationSettings)
    turns: list[Turn] = Field(default_factory=list)
    """All of them, in the order in which they were made."""
    _by_id: dict[str, Turn] = PrivateAttr(default_factory=dict)
    _children: dict[str | None, list[Turn]] = PrivateAttr(default_factory=dict)
    _path: list[Turn] = PrivateAttr(default_factory=list)

    def model_post_init(self, _context: Any) -> None:
        """Know the turns that it was made with."""
        self._index()

    def _index(self) -> None:
        self._by_id = {turn.id: turn for turn in self.turns}
        self._children = {}
        for turn in self.turns:
            self._children.setdefault(turn.parent, []).append(turn)
        path: list[Turn] = []
        at = self.find(self.leaf)
        while at is not None:
            path.append(at)
            at = self.before(at)
        self._path = path[::-1]

    # --- looking ------------------------------------------------------------------------------

    @property
    def path(self) -> list[Turn]:
        """The turns of the branch that is shown, oldest first."""
        return self._path

    @property
    def last(self) -> Turn | None:
        """The last turn of the path that does not wait in line."""
        return next((t for t in reversed(self._path) if t.status is not TurnStatus.QUEUED), None)

    @property
    def running(self) -> Turn | None:
        """The turn that runs."""
        last = self.last
        return last if last is not None and last.status.running else None

    @property
    def queued(self) -> list[Turn]:
        """The turns that wait in line, in the order in which they will run."""
        waits = takewhile(lambda turn: turn.status is TurnStatus.QUEUED, reversed(self._path))
        return [*waits][::-1]

    def find(self, turn_id: str | None) -> Turn | None:
        """The turn of that id, in whatever branch."""
        return self._by_id.get(turn_id) if turn_id else None

    def before(self, turn: Turn) -> Turn | None:
        """The turn that a turn follows."""
        return self.find(turn.parent)

    def siblings(self, turn: Turn) -> list[Turn]:
        """The turns at the same place, itself included, in the order in which they were made."""
        return self._children.get(turn.parent, [])

    def head(self) -> str:
        """What is stored of the conversation beside its turns, as JSON."""
        return self.model_dump_json(exclude={"turns"}, exclude_none=True)

    def view(self) -> dict[str, Any]:
        """The end of the path as the panel sees it, with all turns that have yet to end."""
        count = max(VIEW_TURNS, 1 + len(self.queued))
        earlier = max(0, len(self._path) - count)
        return {
            "id": self.id,
            "turns": self.views_of(self._path[earlier:]),
            "earlier": earlier,
            "settings": self.settings.model_dump(exclude_none=True),
        }

    def earlier(self, turn_id: str) -> tuple[list[Turn], int]:
        """The turns of the path right before one, and how many come before those."""
        end = next((at for at, turn in enumerate(self._path) if turn.id == turn_id), 0)
        start = max(0, end - VIEW_TURNS)
        return self._path[start:end], start

    def views_of(self, turns: list[Turn]) -> list[dict[str, Any]]:
        """Turns as the panel sees them, with as much of what they show as a message can hold."""
        views = [self.view_of(turn) for turn in turns]
        room = MAX_SHOWN
        for view in reversed(views):
            room = hold_back(view["blocks"], room)
        return views

    def view_of(self, turn: Turn, *, whole: bool = True) -> dict[str, Any]:
        """A turn as the panel sees it; see `Turn.view`."""
        view = turn.view(whole=whole)
        siblings = self.siblings(turn)
        if len(siblings) > 1:
            view["siblings"] = [sibling.id for sibling in siblings]
        if actions := [*self._ways_on(turn)]:
            view["actions"] = actions
        return view

    def _ways_on(self, turn: Turn) -> Iterator[str]:
        """What helps on after a turn ended badly, beside running it again."""
        before = self.before(turn)
        error_kind = turn.error.get("kind") if turn.error else None
        if turn.is_cut:
            yield "continue"
        # Without anything to summarise, the message alone is too long.
        too_long = error_kind == ErrorKind.CONTEXT_WINDOW_EXCEEDED and turn.kind is None
        if too_long and before is not None and before.kind is None:
            yield "compact"

    # --- changing -----------------------------------------------------------------------------

    def add(
        self,
        turn_id: str,
        text: str,
        created_at: int,
        *,
        kind: Literal["compaction"] | None = None,
        attachments: Sequence[Attachment] | None = None,
    ) -> Turn:
        """A new turn at the end of the path, not yet started."""
        return self._add(turn_id, text, created_at, kind, self.leaf, attachments)

    def _add(
        self,
        turn_id: str,
        text: str,
        created_at: int,
        kind: Literal["compaction"] | None,
        parent: str | None,
        attachments: Sequence[Attachment] | None = None,
    ) -> Turn:
        turn = Turn(
            id=turn_id,
            user=text,
            attachments=[*attachments] if attachments else None,
            created_at=created_at,
            position=self.turns[-1].position + 1 if self.turns else 0,
            parent=parent,
            kind=kind,
        )
        self.turns.append(turn)
        if parent == self.leaf:
            self.leaf = turn.id
        self._index()
        return turn

    def branch(
        self,
        other: Turn,
        turn_id: str,
        text: str,
        created_at: int,
        attachments: Sequence[Attachment] | None = None,
    ) -> Turn:
        """A new turn at the place of another one, in a branch of its own, which becomes the path.

        Turns that wait in line follow it there.
        """
        line = self.queued
        turn = self._add(turn_id, text, created_at, other.kind, other.parent, attachments)
        if line:
            line[0].parent = turn.id
        else:
            self.leaf = turn.id
        self._index()
        return turn

    def follow(self, other: Turn, turn_id: str, text: str, created_at: int) -> Turn:
        """A new turn right after one that only turns in line follow, which then follow it."""
        line = self.queued
        turn = self._add(turn_id, text, created_at, None, other.id)
        if line:
            line[0].parent = turn.id
        self._index()
        return turn

    def insert(self, turn_id: str, created_at: int, before: Turn) -> Turn:
        """A compaction right before a turn of the path."""
        turn = self._add(turn_id, "", created_at, "compaction", before.parent)
        before.parent = turn.id
        self._index()
        return turn

    def show(self, turn: Turn) -> None:
        """Make the branch of a turn the path, down to its newest end."""
        while children := self._children.get(turn.id):
            turn = children[-1]
        self.leaf = turn.id
        self._index()

    def put_first(self, turn: Turn) -> list[Turn]:
        """Move a queued turn before all others in line. Returns those that stand elsewhere now."""
        line = self.queued
        parent = line[0].parent
        line.remove(turn)
        line.insert(0, turn)
        for other in line:
            other.parent, parent = parent, other.id
        self.leaf = parent
        self._index()
        return line

    def remove(self, turn: Turn) -> list[Turn]:
        """Take a turn out, as if it had never been. Returns those that follow another one now."""
        moved = self._children.get(turn.id, [])
        for child in moved:
            child.parent = turn.parent
        if self.leaf == turn.id:
            self.leaf = turn.parent
        self.turns.remove(turn)
        self._index()
        return moved

    # --- the next request ---------------------------------------------------------------------

    def context(self, turn: Turn) -> list[Turn]:
        """The turns that a turn builds on: those before it, from the last compaction on."""
        found: list[Turn] = []
        earlier = self.before(turn)
        while earlier is not None:
            found.append(earlier)
            if earlier.kind == "compaction" and earlier.status is TurnStatus.COMPLETED:
                break
            earlier = self.before(earlier)
        return found[::-1]

    def in_request(
        self, turn: Turn, origin: str | None = None, *, max_tokens: int | None = None
    ) -> list[Turn]:
        """The turns that a turn's request holds, itself included, oldest first.

        With ``max_tokens`` the oldest ones are left out that would not fit (estimated).
        """
        found = [turn]
        room = None if max_tokens is None else max_tokens - _tokens(turn, [_question(turn)])
        for earlier in reversed(self.context(turn)):
            if room is not None:
                room -= _tokens(earlier, _said(earlier, origin))
                if room < 0:
                    break
            found.append(earlier)
        return found[::-1]

    def history(
        self,
        turn: Turn,
        origin: str | None = None,
        *,
        max_tokens: int | None = None,
        contents: Mapping[str, str | None] | None = None,
    ) -> list[ResponseItem]:
        """The input of a turn's request: all that was said before it, then its own message.

        Of each turn that is what is `Turn.sendable`; no call is without its output there.
        ``origin`` says who will answer; reasoning of others is left out. With ``max_tokens`` the
        oldest turns are left out that would not fit (estimated). ``contents`` are those of the
        attachments, by id; without them attachments are left out. What one wire API or model cannot
        take is `sidestream.payload`'s matter.
        """
        *before, _ = self.in_request(turn, origin, max_tokens=max_tokens)
        said = [item for earlier in before for item in _said(earlier, origin, contents)]
        return [*said, _question(turn, contents)]

    @classmethod
    def restore(
        cls, data: dict[str, Any], *, going_on: bool = False
    ) -> tuple[Conversation, list[Turn]]:
        """A conversation from what is stored of it, and the turns that have ended because of that.

        A turn whose request was under way is interrupted and keeps what had arrived. With
        ``going_on`` it is still `running` if its answer can be picked up. One whose request had not
        left is back in line. Records that cannot be read are left out (and stay in
        the store), and what followed them follows the one before.
        """
        turns = list(_readable(data.get("turns", [])))
        _mend(turns)
        known = {turn.id for turn in turns}
        last = turns[-1].id if turns else None
        leaf = data.get("leaf")
        conversation = cls(
            id=data["id"],
            created_at=data.get("created_at", 0),
            leaf=leaf if leaf in known else last,
            settings=_readable_settings(data.get("settings")),
            turns=turns,
        )
        path = {turn.id for turn in conversation.path}
        ended: list[Turn] = []
        for turn in turns:
            if not turn.status.active:
                continue
            if going_on and turn.id in path and turn.sequence_number is not None:
                turn.reconnect("Picking the answer up where it broke off")
            elif turn.sent:
                turn.finish(TurnStatus.INTERRUPTED, INTERRUPTED)
                ended.append(turn)
            elif turn.id in path:
                turn.wait(turn.waiting or Waiting(reason="turn"))
            else:
                turn.finish(TurnStatus.STOPPED)
                ended.append(turn)
        return conversation, ended


COMPACTION_PROMPT = (
    "Summarise our conversation up to here, so that it can go on from your summary alone; what "
    "was said so far will not be shown to you again. Keep what I want and have decided, facts, "
    "names, figures, code and sources word for word where they matter, what is done, and what is "
    "still open. Write in the language of the conversation, briefly and in order. Write only the "
    "summary."
)
"""The message of a compaction's request."""

_SUMMARY = "This is a summary of our conversation so far; go on from it.\n\n"


INTERRUPTED: dict[str, Any] = {
    "kind": ErrorKind.STREAM_CLOSED.value,
    "message": "The browser stopped Sidestream while this answer was being written.",
    "hint": "What had arrived is kept, and nothing is sent again unless you say so.",
    "retryable": True,
}
"""The error of a turn that was cut off by the worker's end."""


def _readable(records: list[Any]) -> Iterator[Turn]:
    for record in records:
        if isinstance(record, dict) and record.get("version", 0) > RECORD_VERSION:
            continue
        try:
            yield Turn.model_validate(record)
        except ValidationError:
            continue


def _mend(turns: list[Turn]) -> None:
    """Let what followed a lost turn follow the one made before it, and cut circles."""
    known = {turn.id: turn for turn in turns}
    last: str | None = None
    for turn in turns:
        if turn.parent is not None and turn.parent not in known:
            turn.parent = last
        last = turn.id
    rooted: set[str] = set()
    for turn in turns:
        way: dict[str, Turn] = {}
        here: Turn | None = turn
        while here is not None and here.id not in rooted:
            way[here.id] = here
            if here.parent in way:
                here.parent = None
            here = known.get(here.parent) if here.parent else None
        rooted.update(way)


def _readable_settings(data: Any) -> ConversationSettings:
    try:
        return ConversationSettings.model_validate(data or {})
    except ValidationError:
        return ConversationSettings()


def _tokens(turn: Turn, items: list[ResponseItem]) -> int:
    """What a turn takes of a request, estimated; ``items`` are without its attachments."""
    return tokens_of(turn.attachments) + sum(estimate_tokens(item) for item in items)


def _said(
    turn: Turn, origin: str | None, contents: Mapping[str, str | None] | None = None
) -> list[ResponseItem]:
    """What a later request holds of a turn."""
    if turn.kind == "compaction":
        done = turn.status is TurnStatus.COMPLETED
        return [_user_message(_SUMMARY + turn.text)] if done else []
    return [_question(turn, contents), *_sendable(turn, origin)]


def _question(turn: Turn, contents: Mapping[str, str | None] | None = None) -> MessageItem:
    """A turn's message. The user's own words come last, after all that they are about."""
    if turn.kind == "compaction":
        return _user_message(COMPACTION_PROMPT)
    attached = parts_of(turn.attachments or (), contents) if contents is not None else []
    return _user_message(turn.user, attached)


def _user_message(text: str, attached: Sequence[ContentItem] = ()) -> MessageItem:
    own = [InputText(text=text)] if text or not attached else []
    return MessageItem(role="user", content=[*attached, *own])


def _sendable(turn: Turn, origin: str | None) -> list[ResponseItem]:
    if turn.origin != origin:
        return [
            # Its id is one that nobody else knows.
            item.model_copy(update={"id": None}) if isinstance(item, _STORED_CALLS) else item
            for item in turn.sendable
            if not isinstance(item, ReasoningItem)
        ]
    return turn.sendable


def _tool_name(item: ResponseItem) -> str | None:
    """What a call is shown as; None for items that are no calls."""
    if isinstance(item, (FunctionCallItem, CustomToolCallItem)):
        return item.name or item.type.removesuffix("_call")
    return item.type.removesuffix("_call") if item.type.endswith("_call") else None


def _item_id(item: ResponseItem) -> str:
    """By which an item's block is known."""
    return item.id or getattr(item, "call_id", None) or ""


# Where the kinds of calls say what they do, in the order of preference.
_TOOL_TEXTS = ("arguments", "input", "code", "action", "revised_prompt", "queries")
_ACTION_TEXTS = ("query", "queries", "command", "url")


def _tool_text(item: ResponseItem) -> str:
    for field in _TOOL_TEXTS:
        value = getattr(item, field, None)
        if field == "action" and isinstance(value, dict):
            value = next((value[key] for key in _ACTION_TEXTS if value.get(key) is not None), None)
        if value is not None:
            return _as_text(value)
    return ""


def _as_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        return " ".join(value)
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _citations(annotations: list[dict[str, Any]]) -> list[Citation]:
    """The sources among annotations; Chat Completions nest those of the web one level deeper."""
    found: list[Citation] = []
    for annotation in annotations:
        inner = annotation.get("url_citation")
        source = inner if isinstance(inner, dict) else annotation
        url, title = _text(source, "url"), _text(source, "title")
        if url:
            found.append(Citation(url=url, title=title))
        elif name := _text(annotation, "filename"):
            found.append(Citation(title=name))
    return found


def _text(source: dict[str, Any], field: str) -> str | None:
    value = source.get(field)
    return value if isinstance(value, str) and value else None


def _is_other(one: Citation, other: Citation) -> bool:
    return one.url != other.url or (one.url is None and one.title != other.title)


def _seconds(milliseconds: int) -> str:
    seconds = milliseconds / 1000
    return f"{seconds:.1f} s" if seconds < 10 and seconds % 1 else f"{seconds:.0f} s"
