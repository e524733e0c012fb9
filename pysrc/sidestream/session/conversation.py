"""A conversation, its turns, and the blocks of which an answer is made.

The view of a turn is what ``extension/protocol.js`` calls ``Turn``. The panel builds the same
blocks from the same events (``extension/sidepanel/conversation.js``).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from enum import StrEnum
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError

from sidestream.errors import ErrorKind
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
    ContentItem,
    CustomToolCallItem,
    FunctionCallItem,
    InputText,
    MessageItem,
    OutputText,
    ReasoningItem,
    Refusal,
    ResponseItem,
)
from sidestream.types.usage import TokenUsage

RECORD_VERSION = 1
"""Of a stored turn. A record of a later version is left alone, not guessed at."""

BlockKind = Literal["text", "reasoning", "refusal", "tool"]
WaitReason = Literal["turn", "rate_limit", "offline", "pause"]
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
    """A source that the answer names."""

    url: str
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

    def cite(self, citations: list[Citation]) -> None:
        """Add sources that are not named yet."""
        named = list(self.citations or ())
        for citation in citations:
            if all(citation.url != other.url for other in named):
                named.append(citation)
        if named:
            self.citations = named

    def close(self, text: str = "") -> None:
        """Finish it. ``text``, where given, is what it says for good."""
        self.settle()
        if text:
            self.text = text
        self.open = False


class Waiting(_State):
    """What a queued turn waits for."""

    reason: WaitReason
    """The turns before it; the provider's limit; the network; the user, after a turn went wrong."""
    until: int | None = None
    """When it goes by itself, where that is known: Unix time in milliseconds."""


class Turn(_State):
    """One message of the user and the answer to it."""

    id: str
    user: str
    created_at: int
    """Unix time in milliseconds."""
    status: TurnStatus = TurnStatus.QUEUED
    model: str | None = None
    blocks: list[Block] = Field(default_factory=list)
    error: dict[str, Any] | None = None
    usage: TokenUsage | None = None
    notice: str | None = None
    waiting: Waiting | None = None
    """Set while the turn stands in line."""

    # What follows is stored and not shown.
    version: int = RECORD_VERSION
    sent: bool = True
    """Whether the request may have left. False is certain: such a turn can be sent unasked."""
    urgent: bool = False
    """The user said "send now": waits neither for limits nor for the network."""
    attempt: int = 0
    """Counts the runs; each has an idempotency key of its own."""
    position: int = 0
    """Orders the turns of a conversation; there may be gaps."""
    origin: str | None = None
    """Who answered: reasoning that is encrypted by one provider means nothing to another."""
    items: list[ResponseItem] = Field(default_factory=list)
    """The answer's finished items, and last the text of a message that was cut off."""

    def view(self) -> dict[str, Any]:
        """The turn as the panel sees it."""
        return self._dump(exclude=_STORED_ONLY)

    def record(self) -> str:
        """The turn as it is stored, as JSON; `Conversation.restore` reads it."""
        self._settle()
        return self.model_dump_json(exclude_none=True)

    def _dump(self, exclude: set[str]) -> dict[str, Any]:
        self._settle()
        return self.model_dump(mode="json", exclude=exclude, exclude_none=True)

    def _settle(self) -> None:
        for block in self.blocks:
            block.settle()

    @property
    def text(self) -> str:
        """The answer's text so far."""
        return _PART_BREAK.join(b.settle().text for b in self.blocks if b.kind == "text")

    @property
    def idempotency_key(self) -> str:
        """Under which a provider knows repeated requests of one run for the same."""
        return f"{self.id}-{self.attempt}"

    # --- life ---------------------------------------------------------------------------------

    def wait(self, waiting: Waiting) -> None:
        """Stand in line; nothing has been sent."""
        self.status = TurnStatus.QUEUED
        self.waiting = waiting
        self.sent = False

    def start(self) -> None:
        """Run, or run again: an earlier answer is given up."""
        self.status = TurnStatus.RUNNING
        self.waiting = None
        self.sent = False
        self.attempt += 1
        self.blocks = []
        self.items = []
        self.error = None
        self.usage = None
        self.notice = None
        self.model = None

    def finish(self, status: TurnStatus, error: dict[str, Any] | None = None) -> None:
        """End the turn. What had arrived stays, also for the requests that follow."""
        self._end_blocks()
        self.status = status
        self.error = error
        self.notice = None
        self.waiting = None
        self.urgent = False

    def _end_blocks(self) -> None:
        for block in self.blocks:
            if not block.open:
                continue
            block.close()
            if block.kind == "text" and block.text:
                content: list[ContentItem] = [OutputText(text=block.text)]
                self.items.append(MessageItem(role="assistant", content=content))
        self.blocks = [block for block in self.blocks if not block.empty]

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
                block.begin_part(event.summary_index)
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
            case Reconnecting():
                self.blocks = [block for block in self.blocks if not block.open]
            case Completed():
                self._end_blocks()
                self.usage = event.token_usage
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
            if block.kind == "tool" and block.item_id == item_id:
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
        if isinstance(item, MessageItem):
            if item.role == "assistant":
                self._finish_message(item)
        elif isinstance(item, ReasoningItem):
            parts = [part.text for part in (*item.summary, *(item.content or ()))]
            self._close("reasoning", item.id, _PART_BREAK.join(parts))
        elif name := _tool_name(item):
            block = self._take_tool(item, name)
            block.status = getattr(item, "status", None) or "completed"
            block.close(_tool_text(item))

    def _take_tool(self, item: ResponseItem, name: str) -> Block:
        call_id = getattr(item, "call_id", None)
        block = self._tool(item.id or call_id or "", name)
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


_STORED_ONLY = {"version", "sent", "urgent", "attempt", "position", "origin", "items"}


class Conversation(_State):
    """Turns, oldest first. At most one of them runs; the queued ones are the last."""

    id: str
    created_at: int = 0
    turns: list[Turn] = Field(default_factory=list)

    @property
    def running(self) -> Turn | None:
        """The turn that runs."""
        return next((turn for turn in reversed(self.turns) if turn.status.running), None)

    @property
    def queued(self) -> list[Turn]:
        """The turns that wait in line, in the order in which they will run."""
        return [turn for turn in self.turns if turn.status is TurnStatus.QUEUED]

    def find(self, turn_id: str) -> Turn | None:
        """The turn of that id."""
        return next((turn for turn in reversed(self.turns) if turn.id == turn_id), None)

    def add(self, turn_id: str, text: str, created_at: int) -> Turn:
        """A new turn at the end, not yet started."""
        position = self.turns[-1].position + 1 if self.turns else 0
        turn = Turn(id=turn_id, user=text, created_at=created_at, position=position)
        self.turns.append(turn)
        return turn

    def put_first(self, turn: Turn) -> list[Turn]:
        """Move a queued turn before all others in line. Returns those whose position changed."""
        line = self.queued
        positions = [other.position for other in line]
        line.remove(turn)
        line.insert(0, turn)
        for other, position in zip(line, positions, strict=True):
            other.position = position
        self.turns.sort(key=lambda other: other.position)
        return line

    def remove(self, turn: Turn) -> None:
        """Take a turn out, as if it had never been."""
        self.turns.remove(turn)

    def view(self) -> dict[str, Any]:
        """The conversation as the panel sees it."""
        return {"id": self.id, "turns": [turn.view() for turn in self.turns]}

    def history(self, turn: Turn, origin: str | None = None) -> list[ResponseItem]:
        """The input of a turn's request: all that was said before it, then its own message.

        Of a turn that did not end well only its messages are kept, the cut-off one included, so no
        call is left without its output. ``origin`` says who will answer; reasoning of others is
        left out. What one wire API or model cannot take is `sidestream.payload`'s matter.
        """
        history: list[ResponseItem] = []
        for earlier in self.turns:
            if earlier is turn:
                break
            history.append(_user_message(earlier.user))
            history += _sendable(earlier, origin)
        history.append(_user_message(turn.user))
        return history

    @classmethod
    def restore(cls, data: dict[str, Any]) -> tuple[Conversation, list[Turn]]:
        """A conversation from its stored records, and the turns whose request was under way.

        Those are marked interrupted and keep what had arrived. A turn whose request had not left is
        back in line. Records that cannot be read are left out (and stay in the store).
        """
        turns = list(_readable(data.get("turns", [])))
        conversation = cls(id=data["id"], created_at=data.get("created_at", 0), turns=turns)
        interrupted = [turn for turn in turns if turn.status.active and turn.sent]
        for turn in interrupted:
            turn.finish(TurnStatus.INTERRUPTED, INTERRUPTED)
        for turn in turns:
            if turn.status.active:
                turn.wait(turn.waiting or Waiting(reason="turn"))
        return conversation, interrupted


INTERRUPTED: dict[str, Any] = {
    "kind": ErrorKind.STREAM_CLOSED.value,
    "message": "The browser stopped Sidestream while this answer was being written.",
    "hint": "What had arrived is kept. Retry to get the whole answer.",
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


def _user_message(text: str) -> MessageItem:
    return MessageItem(role="user", content=[InputText(text=text)])


def _sendable(turn: Turn, origin: str | None) -> list[ResponseItem]:
    if turn.status is not TurnStatus.COMPLETED:
        return [item for item in turn.items if isinstance(item, MessageItem)]
    if turn.origin != origin:
        return [item for item in turn.items if not isinstance(item, ReasoningItem)]
    return turn.items


def _tool_name(item: ResponseItem) -> str | None:
    """What a call is shown as; None for items that are no calls."""
    if isinstance(item, (FunctionCallItem, CustomToolCallItem)):
        return item.name or item.type.removesuffix("_call")
    return item.type.removesuffix("_call") if item.type.endswith("_call") else None


# Where the kinds of calls say what they do, in the order of preference.
_TOOL_TEXTS = ("arguments", "input", "code", "action", "revised_prompt", "queries")
_ACTION_TEXTS = ("query", "command", "url")


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
    """The web sources among annotations; Chat Completions nest them one level deeper."""
    found: list[Citation] = []
    for annotation in annotations:
        inner = annotation.get("url_citation")
        source = inner if isinstance(inner, dict) else annotation
        url, title = source.get("url"), source.get("title")
        if isinstance(url, str) and url:
            found.append(
                Citation(url=url, title=title if title and isinstance(title, str) else None)
            )
    return found


def _seconds(milliseconds: int) -> str:
    seconds = milliseconds / 1000
    return f"{seconds:.1f} s" if seconds < 10 and seconds % 1 else f"{seconds:.0f} s"
