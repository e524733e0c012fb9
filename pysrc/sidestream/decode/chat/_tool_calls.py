"""The tool calls of a Chat Completions answer: which call a delta belongs to."""

from __future__ import annotations

from typing import Any

from sidestream.decode._events import Events
from sidestream.decode._extras import merge, says_nothing
from sidestream.decode._frames import is_json, mended
from sidestream.decode._tool_calls import as_json_text, call_id_for, plain_name
from sidestream.decode.chat._answer import Answer
from sidestream.decode.chat._chunks import Delta
from sidestream.decode.chat._message import Message
from sidestream.decode.chat._reasoning import Reasoning
from sidestream.decode.chat._tool_call import ToolCall
from sidestream.types.events import (
    FunctionCallArgumentsDelta,
    OutputItemAdded,
    ToolCallInputDelta,
)

_CALL_FIELDS = frozenset({"id", "type", "index", "function", "custom"})


class ToolCalls:
    """Collects the calls of an answer.

    Some servers give all calls the index 0 or the same id, some give every delta another id, some
    repeat the name in each delta, and some give neither id nor index.
    """

    __slots__ = (
        *("_answer", "_by_id", "_by_index", "_current", "_message", "_reasoning", "_together"),
        "open",
    )

    def __init__(self, answer: Answer, reasoning: Reasoning, message: Message) -> None:
        self._answer = answer
        self._reasoning = reasoning
        self._message = message
        self.open: list[ToolCall] = []
        """The calls that have begun, in their order, until `finish`."""
        self._by_index: dict[int, ToolCall] = {}
        self._by_id: dict[str, ToolCall] = {}
        self._current: ToolCall | None = None
        self._together: list[ToolCall] = []
        """The calls of the last delta that had several."""

    def read(self, delta: Delta, events: Events) -> None:
        """Read the calls of a delta."""
        calls = delta.get("tool_calls")
        given = calls if isinstance(calls, list) else [calls]
        parts: list[dict[str, Any]] = [raw for raw in given if isinstance(raw, dict)]
        if len(parts) > 1:
            # Parts without an id, an index and a name are told apart by their places.
            known = self._together if all(map(_is_anonymous, parts)) else []
            places: list[ToolCall | None] = [*known[: len(parts)]]
            places += [None] * (len(parts) - len(places))
            self._together = [
                self._read_part(raw, events, place)
                for raw, place in zip(parts, places, strict=True)
            ]
        elif parts:
            self._read_part(parts[0], events)
        legacy = delta.get("function_call")
        if legacy:
            self._read_part({"index": -1, "function": legacy}, events)

    def complete(self, message: Delta, events: Events) -> None:
        """Add what a whole message, sent after the deltas, has beyond the calls that streamed."""
        calls = message.get("tool_calls")
        for place, raw in enumerate(calls if isinstance(calls, list) else ()):
            if not isinstance(raw, dict):
                continue
            given = raw.get("id")
            call = self._by_id.get(given) if isinstance(given, str) else None
            if call is None and place < len(self.open):
                call = self.open[place]
            function = raw.get("function")
            if call is None or not isinstance(function, dict):
                continue
            if function.get("name") not in (None, call.name):
                continue
            _note_extras(call, raw)
            text = as_json_text(function.get("arguments")) or ""
            if not call.whole and is_json(text):
                _show(call, call.add(text), events)

    def drop_unfinished(self) -> None:
        """Forget the calls whose arguments are not whole."""
        self.open = [call for call in self.open if call.whole]

    def finish(self, events: Events) -> None:
        """Finish every call that has a name."""
        for call in self.open:
            if call.name:
                _show(call, call.end(), events)
                self._answer.finish(call.item(), events)
        self.open = []

    def _read_part(
        self, raw: dict[str, Any], events: Events, call: ToolCall | None = None
    ) -> ToolCall:
        custom = isinstance(raw.get("custom"), dict)
        function = raw["custom"] if custom else raw.get("function")
        if not isinstance(function, dict):
            function = {}
        name = function.get("name")
        name = mended(name) if isinstance(name, str) else ""
        value = function.get("input" if custom else "arguments")
        text = as_json_text(value) or ""
        server_id = raw.get("id")
        server_id = server_id if isinstance(server_id, str) else ""
        index = raw.get("index")
        index = index if isinstance(index, int) else None
        call = call or self._find(server_id, index, name, text)
        if call is None:
            call = self._begin(server_id, index, name, events, custom=custom)
        elif not call.name:
            call.name = name
        elif name != call.name and not call.begun and not name.startswith(call.name):
            call.name += name
        elif name and not call.begun:
            call.name = name
        self._current = call
        _note_extras(call, raw)
        if not isinstance(value, str) and call.text:
            # A server that sends objects sends them whole, and may send them again.
            return call
        if text:
            _show(call, call.add(text), events)
        return call

    def _find(self, server_id: str, index: int | None, name: str, text: str) -> ToolCall | None:
        """The call that a delta continues; ``None`` if the delta begins one.

        A known id decides, then the index, then which call is being written.
        """
        call = self._by_id.get(server_id)
        if call is not None:
            if index is None or call.index is None or index == call.index:
                return None if _begins_another(call, name, text) else call
            own = self._by_index.get(index)
            if own is not None and own.server_id == server_id:
                return own
            return None if name else call
        if index is not None:
            call = self._by_index.get(index)
        elif not server_id:
            call = self._continued_by(text) if not name else self._current
        if call is None:
            if name or self._current is None or self._current.whole:
                return None
            # A delta without a name cannot begin a call.
            return self._current
        if not name or not call.name:
            return call
        if name != call.name and (call.begun or (server_id and call.server_id)):
            return None
        if (server_id or (text and index is None)) and call.whole:
            return None
        if index is not None and text and call.text and call.whole and not call.repeats(text):
            return None
        return call

    def _continued_by(self, text: str) -> ToolCall | None:
        """The call that a fragment without a name, an id and an index continues."""
        if self._current is None or not text or not self._current.whole:
            return self._current
        unfinished = (call for call in reversed(self.open) if call.text and not call.whole)
        return next(unfinished, self._current)

    def _begin(
        self,
        server_id: str,
        index: int | None,
        name: str,
        events: Events,
        *,
        custom: bool,
    ) -> ToolCall:
        self._message.flush_in_band(events)
        self._reasoning.end_first(events)
        call_id = server_id
        if not server_id or server_id in self._by_id:
            answer = self._answer
            call_id = call_id_for(
                answer.id, answer.created_at, len(answer.finished_items), len(self.open)
            )
        call = ToolCall(call_id, server_id, index, custom=custom)
        call.name = name
        self.open.append(call)
        if server_id:
            self._by_id.setdefault(server_id, call)
        if index is not None:
            self._by_index[index] = call
        events.append(OutputItemAdded(item=call.item()))
        return call


def _begins_another(call: ToolCall, name: str, text: str) -> bool:
    """Whether a delta with the id (and index) of a call begins another call all the same."""
    if not name or not call.name or not call.begun or not call.whole:
        return False
    if name != call.name:
        return True
    return bool(call.text and text) and not call.repeats(text)


def _is_anonymous(raw: dict[str, Any]) -> bool:
    """Whether a part has nothing by which its call could be found."""
    function = raw.get("function")
    name = function.get("name") if isinstance(function, dict) else None
    return not raw.get("id") and raw.get("index") is None and not name


def _note_extras(call: ToolCall, raw: dict[str, Any]) -> None:
    for name, value in raw.items():
        if name not in _CALL_FIELDS and not says_nothing(value):
            merge(call.extra, {mended(name): mended(value)})


def _show(call: ToolCall, shown: str, events: Events) -> None:
    if not shown:
        return
    call_id = call.call_id
    if call.custom:
        events.append(ToolCallInputDelta(delta=shown, item_id=call_id, call_id=call_id))
    else:
        name = plain_name(call.name) or None
        events.append(
            FunctionCallArgumentsDelta(delta=shown, item_id=call_id, call_id=call_id, name=name)
        )
