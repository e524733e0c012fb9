"""`TurnResult`, and how the events of a turn become one."""

from __future__ import annotations

from dataclasses import dataclass, field

from sidestream.errors import SidestreamError
from sidestream.types.events import (
    Completed,
    Notice,
    OutputItemDone,
    OutputTextDelta,
    OutputTextReplaced,
    RateLimits,
    Reconnecting,
    ResponseEvent,
)
from sidestream.types.items import (
    ContentItem,
    MessageItem,
    OutputText,
    ReasoningItem,
    ResponseItem,
)
from sidestream.types.rate_limits import RateLimitSnapshot
from sidestream.types.usage import TokenUsage


@dataclass(slots=True)
class TurnResult:
    """The result of a turn: everything that arrived, and the error if there was one."""

    items: list[ResponseItem] = field(default_factory=list)
    text: str = ""
    """The text of all the assistant's messages."""
    reasoning: str = ""
    """Reasoning summaries, or raw reasoning where there are none."""
    usage: TokenUsage | None = None
    response_id: str = ""
    rate_limits: list[RateLimitSnapshot] = field(default_factory=list)
    """The last snapshot of each family."""
    finish_reason: str = ""
    """Why the model stopped, as the server puts it. Empty when the server did not say."""
    attempts: int = 0
    """The number of requests that were sent, the first one included."""
    notices: list[str] = field(default_factory=list)
    """What the user should know about the request, such as what it was sent without."""
    error: SidestreamError | None = None


class ResultCollector:
    """Collects the events of a turn into a `TurnResult`."""

    def __init__(self, *, raw: bool) -> None:
        self.result = TurnResult()
        self._raw = raw
        self._limits: dict[str | None, RateLimitSnapshot] = {}
        self._text: list[str] = []
        """The text of a message that is not finished."""
        self._reasoning: dict[str, int] = {}
        """The places of reasoning items among all items, by id."""

    def take(self, event: ResponseEvent) -> None:
        """Add an event."""
        result = self.result
        match event:
            case OutputTextDelta():
                self._text.append(event.delta)
            case OutputTextReplaced():
                self._text = [event.text]
            case OutputItemDone():
                self._add(event.item)
                if isinstance(event.item, MessageItem):
                    self._text.clear()
            case Reconnecting() if not event.resumes:
                self._text.clear()
            case RateLimits():
                self._limits[event.snapshot.limit_id] = event.snapshot
            case Notice():
                result.notices.append(event.message)
            case Completed():
                result.response_id = event.response_id
                result.usage = event.token_usage
                result.finish_reason = event.finish_reason or ""

    def _add(self, item: ResponseItem) -> None:
        """Add a finished item. Reasoning may be finished twice, the second time with more."""
        items = self.result.items
        if isinstance(item, ReasoningItem) and item.id:
            place = self._reasoning.setdefault(item.id, len(items))
            if place < len(items):
                items[place] = item
                return
        items.append(item)

    def finished(self) -> TurnResult:
        """Return the result, with a message that the deadline cut off."""
        result = self.result
        if self._text:
            content: list[ContentItem] = [OutputText(text="".join(self._text))]
            result.items.append(MessageItem(role="assistant", content=content))
        messages = [i for i in result.items if isinstance(i, MessageItem) and i.role == "assistant"]
        thoughts = [
            _reasoning_text(i, self._raw) for i in result.items if isinstance(i, ReasoningItem)
        ]
        result.text = "".join(message.text for message in messages)
        result.reasoning = "\n\n".join(thought for thought in thoughts if thought)
        result.rate_limits = list(self._limits.values())
        return result


def _reasoning_text(item: ReasoningItem, raw: bool) -> str:
    parts = [part.text for part in item.summary if part.text]
    if parts or not raw:
        return "\n\n".join(parts)
    return "".join(part.text for part in item.content or [])
