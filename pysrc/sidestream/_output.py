"""`Output`: what the caller sees of a call's events."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sidestream._event_redactor import EventRedactor
from sidestream.payload.tools import original_names
from sidestream.prompt import CallOptions, StreamMode
from sidestream.provider import Provider
from sidestream.receivers import receiver_of
from sidestream.types.events import (
    Batch,
    FunctionCallArgumentsDelta,
    OutputItemAdded,
    OutputItemDone,
    OutputTextAnnotationAdded,
    OutputTextDelta,
    OutputTextReplaced,
    ReasoningContentDelta,
    ReasoningSummaryDelta,
    ReasoningSummaryDone,
    ReasoningSummaryPartAdded,
    RefusalDelta,
    ToolCallInputDelta,
)
from sidestream.types.items import (
    CustomToolCallItem,
    FunctionCallItem,
    ItemOrigin,
    ReasoningItem,
    ResponseItem,
)
from sidestream.types.tools import ToolSpec

_PARTS_OF_ITEMS = (
    OutputItemAdded,
    OutputTextDelta,
    OutputTextReplaced,
    RefusalDelta,
    OutputTextAnnotationAdded,
    FunctionCallArgumentsDelta,
    ToolCallInputDelta,
    ReasoningSummaryPartAdded,
    ReasoningSummaryDelta,
    ReasoningSummaryDone,
    ReasoningContentDelta,
)
"""`StreamMode.AGGREGATED` leaves these out, since the whole item holds them."""


class Output:
    """Prepares events for the caller: those that were asked for, in the caller's terms.

    Tool calls get the names that the caller gave to the tools, items say which model made them, and
    secrets of the requests are cut out.
    """

    def __init__(
        self, provider: Provider, options: CallOptions, tools: Sequence[ToolSpec], *, raw: bool
    ) -> None:
        self._raw = raw
        self._hidden: tuple[type, ...] = ()
        if options.stream_mode is StreamMode.AGGREGATED:
            self._hidden = _PARTS_OF_ITEMS
        if not raw:
            self._hidden = (*self._hidden, ReasoningContentDelta)
        receiver = receiver_of(provider, options.model or "", options.wire_api)
        self._names = original_names(tools, receiver)
        self._origin = ItemOrigin(provider=provider.origin, model=options.model or "")
        self._redactor = EventRedactor()

    def hide_secrets(self, secrets: Iterable[str]) -> None:
        """Cut these out of all further events."""
        self._redactor.look_for(secrets)

    def prepare(self, batch: Batch) -> Batch:
        """Prepare a batch, in place. It may be empty afterwards."""
        if self._hidden:
            batch[:] = [event for event in batch if not isinstance(event, self._hidden)]
        for place, event in enumerate(batch):
            if isinstance(event, (OutputItemAdded, OutputItemDone)):
                item = self._renamed(event.item)
                if isinstance(event, OutputItemDone):
                    item = self._marked(item)
                if item is not event.item:
                    batch[place] = event.model_copy(update={"item": item})
        return self._redactor.clean(batch)

    def _renamed(self, item: ResponseItem) -> ResponseItem:
        """A call of the tool that was offered, also where its name had to be sent as another."""
        if self._names and isinstance(item, (FunctionCallItem, CustomToolCallItem)):
            name = self._names.get(item.name, item.name)
            return item.model_copy(update={"name": name})
        return item

    def _marked(self, item: ResponseItem) -> ResponseItem:
        """An item that may return to its origin only, with that origin."""
        is_reasoning = isinstance(item, ReasoningItem)
        if not (is_reasoning or item.id or item.extra):
            return item
        changes: dict[str, object] = {"origin": self._origin}
        if is_reasoning and not self._raw:
            changes |= {"content": None, "extra": None}
        return item.model_copy(update=changes)
