"""The events of items: content, reasoning summaries, calls, and the progress of built-in tools."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sidestream.decode._events import Events
from sidestream.decode._frames import mended
from sidestream.decode._text import joined_surrogates
from sidestream.decode._tool_calls import as_json_text
from sidestream.decode.responses._frames import Frame, identity_of
from sidestream.decode.responses._item import Item
from sidestream.decode.responses._items import Items
from sidestream.decode.responses._raw_items import string, texts
from sidestream.types.events import ToolCallProgress

# Events of a built-in tool's inner work: item type, status.
_TOOL_DETAILS = {
    "response.code_interpreter_call_code.delta": ("code_interpreter_call", "code"),
    "response.mcp_call_arguments.delta": ("mcp_call", "arguments"),
    "response.shell_call_command.added": ("shell_call", "command"),
    "response.shell_call_command.delta": ("shell_call", "command"),
    "response.shell_call_output_content.delta": ("shell_call", "output"),
    "response.compaction.compacting": ("compaction", "compacting"),
}
# Content parts whose names differ only in the item and the field: item type, part type, field.
_PARTS = {
    "response.output_text": ("message", "output_text", "text"),
    "response.refusal": ("message", "refusal", "refusal"),
    "response.reasoning_text": ("reasoning", "reasoning_text", "text"),
    "response.reasoning": ("reasoning", "reasoning_text", "text"),
}
# Calls: item type, field.
_CALL_FIELDS = {
    "response.function_call_arguments": ("function_call", "arguments"),
    "response.custom_tool_call_input": ("custom_tool_call", "input"),
}


class ItemReader:
    """Reads the events of items; `ITEM_HANDLERS` has the method for each event type."""

    __slots__ = ("_items", "current", "skipped")

    def __init__(self, items: Items) -> None:
        self._items = items
        self.current: Item | None = None
        """The message whose text grew last."""
        self.skipped = 0
        """Events that could not be read."""

    # --- items ----------------------------------------------------------------------------------

    def item_added(self, frame: Frame, events: Events) -> None:
        """Begin an item, unless its deltas have begun it."""
        raw = mended(frame.get("item", {}))
        kind, item_id, index = identity_of(raw, frame)
        if not kind:
            self.skipped += 1
            return
        items = self._items
        item = items.by_id.get(item_id) or items.find_nameless(kind, index)
        if item is not None and item.kind == kind and not item.closed:
            # Its deltas came first, or it is announced twice.
            item.take(raw)
            item.implicit = False
            items.bind(item, item_id)
            return
        if item is not None and item.kind == kind and item.final is not None:
            items.begin_again(item, raw, item_id, index)
            return
        item = items.begin(kind, item_id, index)
        item.take(raw)
        item.implicit = False
        if item.call_id:
            items.by_id.setdefault(item.call_id, item)
        items.announce(item, events)

    def item_done(self, frame: Frame, events: Events) -> None:
        """Finish an item, unless this repeats a finished one."""
        raw = mended(frame.get("item", {}))
        kind, item_id, index = identity_of(raw, frame)
        if not kind:
            self.skipped += 1
            return
        items = self._items
        where: Frame = {"item_id": item_id}
        if index is not None:
            where["output_index"] = index
        if isinstance(raw.get("call_id"), str):
            where["call_id"] = raw["call_id"]
        item = items.find(kind, where, begins=True)
        if item is not None and item.again is not None:
            if _says_the_same(raw, item.again):
                items.bind(item.again, item_id)
                return
            items.revive(item, events)
        if item is None or item.closed:
            anonymous = not item_id and "call_id" not in where
            known = items.is_repetition(index, raw) if anonymous else item is not None
            if known:
                return
            item = None
        item = item or items.begin_from(raw, kind, item_id, index, events)
        items.finish(item, raw, events)

    # --- content --------------------------------------------------------------------------------

    def text_delta(self, frame: Frame, events: Events) -> None:
        """Add text to a message."""
        delta = self._delta(frame)
        if not delta:
            return
        item = self.current
        if item is None or item.closed or not item.id or frame.get("item_id") != item.id:
            item = self._items.open("message", frame, events)
            if item is None:
                return
            self.current = item
        item.part_delta("output_text", delta, frame.get("content_index"), events)
        if item.thoughts:
            self._items.order.release(events)

    def part_delta(self, frame: Frame, events: Events) -> None:
        """Add a refusal or reasoning text."""
        kind, part_kind, _ = _PARTS[frame["type"].rpartition(".")[0]]
        delta = self._delta(frame)
        item = self._items.open(kind, frame, events) if delta else None
        if item is not None:
            item.part_delta(part_kind, delta, frame.get("content_index"), events)

    def part_done(self, frame: Frame, events: Events) -> None:
        """Add what did not stream of a part."""
        kind, part_kind, field = _PARTS[frame["type"].rpartition(".")[0]]
        self._complete_part(kind, part_kind, string(frame.get(field)), frame, events)

    def content_part_added(self, frame: Frame, events: Events) -> None:
        """Let the next delta begin a new part."""
        item = self._items.find(None, frame, begins=False)
        if item is not None:
            item.fresh = True

    def content_part_done(self, frame: Frame, events: Events) -> None:
        """Add what did not stream of a part, which the event holds as an object."""
        part = frame.get("part", {})
        item = self._items.find(None, frame, begins=False)
        kind = "reasoning" if part.get("type") == "reasoning_text" else "message"
        if item is not None and item.kind in ("message", "reasoning"):
            kind = item.kind  # vLLM calls the parts of its reasoning items output_text.
        for part_kind, text in texts([part], reasoning=kind == "reasoning"):
            self._complete_part(kind, part_kind, text, frame, events)

    def annotation_added(self, frame: Frame, events: Events) -> None:
        """Add a citation to a message."""
        annotation = mended(frame.get("annotation"))
        item = self._items.open("message", frame, events) if annotation else None
        if item is not None and annotation:
            item.cite(annotation, events)

    def _complete_part(
        self, kind: str, part_kind: str, text: str, frame: Frame, events: Events
    ) -> None:
        item = self._items.open(kind, frame, events, begins=False) if text else None
        if item is not None:
            item.part_done(part_kind, text, frame.get("content_index"), events)
            if item.thoughts:
                self._items.order.release(events)

    def _delta(self, frame: Frame) -> str:
        delta = frame.get("delta")
        if isinstance(delta, dict):
            delta = delta.get("text")
        if isinstance(delta, str):
            return delta
        self.skipped += 1
        return ""

    # --- reasoning summaries --------------------------------------------------------------------

    def summary_part_added(self, frame: Frame, events: Events) -> None:
        """Begin a part of a reasoning summary."""
        item = self._items.open("reasoning", frame, events)
        if item is not None:
            item.summaries.begin(frame.get("summary_index"), events)

    def summary_delta(self, frame: Frame, events: Events) -> None:
        """Add text to a reasoning summary."""
        delta = self._delta(frame)
        item = self._items.open("reasoning", frame, events) if delta else None
        if item is not None:
            item.summaries.add(delta, frame.get("summary_index"), events)

    def summary_done(self, frame: Frame, events: Events) -> None:
        """End a part of a reasoning summary."""
        text = frame.get("text") or string(frame.get("part", {}).get("text"))
        item = self._items.open("reasoning", frame, events, begins=False) if text else None
        if item is not None:
            item.summaries.end(text, frame.get("summary_index"), events)

    # --- calls ----------------------------------------------------------------------------------

    def call_delta(self, frame: Frame, events: Events) -> None:
        """Add to a call's arguments or input."""
        delta = as_json_text(frame.get("delta"))
        if delta is None:
            self.skipped += 1
        elif delta:
            kind, _ = _CALL_FIELDS[frame["type"].rpartition(".")[0]]
            item = self._items.open(kind, frame, events)
            if item is not None:
                item.call_delta(delta, events)

    def call_done(self, frame: Frame, events: Events) -> None:
        """Add what did not stream of a call's arguments or input."""
        kind, field = _CALL_FIELDS[frame["type"].rpartition(".")[0]]
        text = as_json_text(frame.get(field))
        items = self._items
        item = items.open(kind, frame, events, begins=False) if text is not None else None
        if item is not None and text is not None:
            item.call_id = item.call_id or frame.get("call_id", "")
            item.name = item.name or frame.get("name", "")
            item.call_done(text, events)

    # --- built-in tools -------------------------------------------------------------------------

    def tool_progress(self, kind: str, frame: Frame, events: Events) -> bool:
        """Report the progress of a built-in tool; False if the event is of another kind."""
        detail: str | None = None
        if kind in _TOOL_DETAILS:
            tool, status = _TOOL_DETAILS[kind]
            delta = frame.get("delta")
            if isinstance(delta, dict):
                delta = delta.get("stdout") or delta.get("stderr")
            detail = joined_surrogates(delta) if isinstance(delta, str) else frame.get("command")
        else:
            prefix, _, rest = kind.partition(".")
            tool, _, status = rest.partition(".")
            if prefix != "response" or not status:
                return False
            if not tool.endswith("_call") and tool != "mcp_list_tools":
                return False
        item = self._items.find(tool, frame, begins=False)
        if item is None and tool == "web_search_call":
            item = self._items.open(tool, frame, events)
        item_id = frame.get("item_id") or (item.id if item is not None else "")
        events.append(ToolCallProgress(item_id=item_id, tool=tool, status=status, detail=detail))
        return True


def _says_the_same(raw: dict[str, Any], item: Item) -> bool:
    """Whether an item that is finished once more has nothing new."""
    again = Item(item.kind, item.id, None)
    again.call_id, again.name = item.call_id, item.name
    again.finish(raw, Events())
    if again.final is None or item.final is None:
        return again.final is None
    ours = item.final.model_dump(include=_COMPARED)
    return again.final.model_dump(include=_COMPARED) == ours


_COMPARED = {"content", "summary", "arguments", "input", "name", "call_id"}

ITEM_HANDLERS: dict[str, Callable[[ItemReader, Frame, Events], None]] = {
    "response.output_text.delta": ItemReader.text_delta,
    "response.output_text.annotation.added": ItemReader.annotation_added,
    "response.refusal.delta": ItemReader.part_delta,
    "response.reasoning_text.delta": ItemReader.part_delta,
    "response.reasoning.delta": ItemReader.part_delta,
    **{f"{part}.done": ItemReader.part_done for part in _PARTS},
    "response.content_part.added": ItemReader.content_part_added,
    "response.content_part.done": ItemReader.content_part_done,
    "response.reasoning_part.added": ItemReader.content_part_added,
    "response.reasoning_part.done": ItemReader.content_part_done,
    "response.reasoning_summary_part.added": ItemReader.summary_part_added,
    "response.reasoning_summary_part.done": ItemReader.summary_done,
    "response.reasoning_summary_text.delta": ItemReader.summary_delta,
    "response.reasoning_summary_text.done": ItemReader.summary_done,
    "response.reasoning_summary.delta": ItemReader.summary_delta,
    "response.reasoning_summary.done": ItemReader.summary_done,
    **{f"{call}.delta": ItemReader.call_delta for call in _CALL_FIELDS},
    **{f"{call}.done": ItemReader.call_done for call in _CALL_FIELDS},
    "response.output_item.added": ItemReader.item_added,
    "response.output_item.done": ItemReader.item_done,
}
