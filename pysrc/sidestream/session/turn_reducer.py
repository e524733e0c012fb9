"""Applies the events of an answer to the record of its turn.

The panel makes the same blocks of the same events (``extension/shared/turn.js``).
"""

from __future__ import annotations

from sidestream.session.blocks import (
    PART_BREAK,
    Block,
    BlockIndex,
    BlockKind,
    citations_of,
    item_id_of,
    tool_name,
    tool_text,
)
from sidestream.session.turn_record import TurnRecord
from sidestream.session.turn_status import TurnStatus
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
    MessageItem,
    OutputText,
    ReasoningItem,
    Refusal,
    ResponseItem,
)
from sidestream.types.usage import TokenUsage


class TurnReducer:
    """Applies events to a turn, and finds the block that each belongs to."""

    def __init__(self, turn: TurnRecord) -> None:
        self._turn = turn
        self._index: BlockIndex | None = None
        self._thoughts: dict[str, int] | None = None
        """Where among the turn's items the reasoning of the present answer is, by its id."""

    def is_of(self, turn: TurnRecord) -> bool:
        """Whether it changes that very turn, and not the one that it was copied from."""
        return self._turn is turn

    def forget_items(self) -> None:
        """Forget where items are: the turn's list of them has been changed elsewhere."""
        self._thoughts = None

    def apply(self, event: ResponseEvent) -> bool:
        """Apply an event. Returns whether the status or the notice has changed."""
        before = (self._turn.status, self._turn.notice)
        self._set_status(event)
        match event:
            case OutputTextDelta():
                self._growing("text", event.item_id).append(event.delta)
            case OutputTextReplaced():
                self._replace_text(event.item_id, event.text)
            case ReasoningSummaryDelta():
                block = self._growing("reasoning")
                block.continue_part(event.summary_index)
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
                self._turn.model = event.model
            case Reconnecting() if not event.resumes:
                self._turn.forget_response()
                self._withdraw()
            case Notice():
                self._turn.note(event.message)
            case Completed():
                self.end_blocks()
                if event.finish_reason:
                    self._turn.finish_reason = event.finish_reason
                if event.token_usage is not None:
                    self._turn.usage = (self._turn.usage_before or TokenUsage()) + event.token_usage
                    self._turn.context_tokens = event.token_usage.total_tokens
        return before != (self._turn.status, self._turn.notice)

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
                    f"Nothing received for {_seconds(event.idle_ms)}; "
                    f"giving up after {_seconds(event.timeout_ms)}"
                )
            case SafetyBuffering() if event.show_buffering_ui:
                notice = "The provider is checking the answer before showing it"
        # Assigning to a model's field costs more than comparing.
        if self._turn.status is not status:
            self._turn.status = status
        if self._turn.notice != notice:
            self._turn.notice = notice

    def end_blocks(self) -> None:
        """Close all open blocks. A text that was cut off becomes an item of the answer."""
        self._bring_back()
        for block in self._turn.blocks:
            block.asks = None
            if not block.open:
                continue
            block.close()
            if block.kind == "text" and block.text:
                content: list[ContentItem] = [OutputText(text=block.text)]
                self._turn.items.append(MessageItem(role="assistant", content=content))
        self._turn.blocks = [block for block in self._turn.blocks if not block.empty]

    @property
    def index(self) -> BlockIndex:
        """Finds the blocks of the turn."""
        index, blocks = self._index, self._turn.blocks
        if index is None or index.blocks is not blocks or index.size != len(blocks):
            index = self._index = BlockIndex(blocks)
        return index

    def _withdraw(self) -> None:
        """Set aside what has arrived of an answer that is asked for again."""
        turn = self._turn
        growing = [block for block in turn.blocks if block.open]
        turn.blocks = [block for block in turn.blocks if not block.open]
        if _length(growing) > _length(turn.withdrawn or []):
            turn.withdrawn = growing

    def _bring_back(self) -> None:
        """Use what was set aside after all if the new answer is shorter."""
        turn = self._turn
        growing = [block for block in turn.blocks if block.open]
        if turn.withdrawn and _length(turn.withdrawn) > _length(growing):
            turn.blocks = [block for block in turn.blocks if not block.open] + turn.withdrawn
        turn.withdrawn = None

    def _append(self, block: Block) -> Block:
        index = self.index
        self._turn.blocks.append(block)
        index.note(block)
        return block

    def _remove(self, block: Block) -> None:
        """Remove a block that has nothing to show; mostly it is the last one."""
        index = self.index
        block.open = False
        blocks = self._turn.blocks
        place = next(at for at in reversed(range(len(blocks))) if blocks[at] is block)
        del blocks[place]
        index.forget(block)

    def _find(self, kind: BlockKind, item_id: str | None) -> Block | None:
        """The open block of that kind that a delta belongs to."""
        return self.index.open_block(kind, item_id)

    def _growing(self, kind: BlockKind, item_id: str | None = None) -> Block:
        return self._find(kind, item_id) or self._append(Block(kind=kind, item_id=item_id))

    def _replace_text(self, item_id: str | None, text: str) -> None:
        block = self._find("text", item_id)
        if block is not None and text:
            block.replace(text)
        elif block is not None:
            # A text that arrives later is appended where it arrives: after the reasoning.
            self._remove(block)

    def _tool(self, item_id: str, name: str) -> Block:
        for block in reversed(self.index.tools(item_id)):
            # A block with an output belongs to an earlier call of the model: some servers use the
            # same ids for each. Without an id, a finished block is another call's.
            answered = block.output is not None and block.call_id is not None
            if (item_id or block.open) and not answered:
                return block
        return self._append(Block(kind="tool", name=name, item_id=item_id))

    def _cite(self, event: OutputTextAnnotationAdded) -> None:
        if citations := citations_of([event.annotation]):
            self._growing("text", event.item_id).cite(citations)

    def _begin_item(self, item: ResponseItem) -> None:
        # A message gets its block with the first delta, which says if it is a text or a refusal.
        if isinstance(item, ReasoningItem):
            self._growing("reasoning", item.id)
        elif name := tool_name(item):
            block = self._take_tool(item, name)
            block.status = getattr(item, "status", None) or block.status
            block.settle()
            block.text = block.text or tool_text(item)

    def _finish_item(self, item: ResponseItem) -> None:
        if isinstance(item, MessageItem) and item.role != "assistant":
            # An answer must not contain messages in the name of the user or a developer.
            return
        self._turn.withdrawn = None
        if isinstance(item, ReasoningItem):
            self._finish_reasoning(item)
            return
        self._turn.items.append(item)
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
        """Reasoning may be finished twice, the second time with fields that arrive at the end."""
        text = PART_BREAK.join(part.text for part in (*item.summary, *(item.content or ())))
        if self._thoughts is None:
            begin = len(self._turn.items) - len(self._turn.answer)
            self._thoughts = {
                known.id: at
                for at, known in enumerate(self._turn.items)
                if at >= begin and isinstance(known, ReasoningItem) and known.id
            }
        place = self._thoughts.get(item.id) if item.id else None
        if not item.id or place is None or self._find("reasoning", item.id):
            if item.id:
                self._thoughts[item.id] = len(self._turn.items)
            self._turn.items.append(item)
            self._close("reasoning", item.id, text)
            return
        self._turn.items[place] = item
        block = self.index.last_of("reasoning", item.id)
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


def _length(blocks: list[Block]) -> int:
    return sum(len(block.settle().text) for block in blocks)


def _seconds(milliseconds: int) -> str:
    seconds = milliseconds / 1000
    return f"{seconds:.1f} s" if seconds < 10 and seconds % 1 else f"{seconds:.0f} s"
