"""A tool call whose arguments are still arriving."""

from __future__ import annotations

from sidestream._json import parse
from sidestream.decode._extras import Extra
from sidestream.decode._frames import is_json
from sidestream.decode._text import Text
from sidestream.decode._tool_calls import plain_name, unwrapped
from sidestream.types.items import CustomToolCallItem, FunctionCallItem


class ToolCall:
    """A tool call under way."""

    __slots__ = (
        *("_first", "_last", "_looks", "_size", "_whole_at", "call_id", "changed", "custom"),
        *("extra", "held", "index", "last_object", "name", "server_id", "text"),
    )

    def __init__(self, call_id: str, server_id: str, index: int | None, *, custom: bool) -> None:
        self.call_id = call_id
        self.server_id = server_id
        self.index = index
        self.custom = custom
        self.name = ""
        self.text = Text()
        self.held = ""
        """Arguments without content: they count only if nothing follows them."""
        self.last_object = ""
        """The last delta that was a whole object."""
        self.changed = False
        """The whole arguments were followed by others."""
        self.extra: Extra = {}
        self._size = 0
        self._first = self._last = ""
        self._looks = 0
        self._whole_at = -1

    @property
    def begun(self) -> bool:
        """Whether anything is known of the arguments."""
        return bool(self.text or self.held.strip())

    @property
    def whole(self) -> bool:
        """Whether the arguments are whole: another value after them belongs to another call.

        Each look costs as much as the arguments are long, so only a few are taken.
        """
        if not self.text:
            return is_json(self.held)
        if self._whole_at == self._size:
            return True
        if (self._first == "{" and self._last != "}") or self._looks >= _MAX_LOOKS:
            return False
        self._looks += 1
        if not is_json(str(self.text)):
            return False
        self._whole_at = self._size
        return True

    def add(self, delta: str) -> str:
        """Take more of the arguments, and give back what can be shown of it.

        Claude behind some gateways sends ``{}`` before the real arguments; vLLM and others repeat
        all of them at the end; a few send with each delta everything so far.
        """
        if self.custom:
            return self._append(delta)
        if not self.text:
            if delta.strip() in _EMPTY:
                if not (delta.strip() and self.held.strip()):
                    self.held += delta
                return ""
            if not self.held.strip():
                delta = self.held + delta
            self.held = ""
            return self._append(delta)
        if self._first != "{" or not delta.startswith("{"):
            return self._append(delta)
        if len(delta) >= self._size and delta.startswith(str(self.text)):
            return self._append(delta[self._size :])
        if delta.rstrip().endswith("}") and is_json(delta):
            self.last_object = delta
            if self.whole:
                self.changed = self.changed or not self.repeats(delta)
                return ""
        return self._append(delta)

    def _append(self, delta: str) -> str:
        shown = self.text.add(delta)
        if shown:
            self._size += len(shown)
            bare = shown.strip()
            if bare:
                self._first = self._first or bare[0]
                self._last = bare[-1]
        return shown

    def end(self) -> str:
        """The arguments are over: what of them was not shown yet."""
        if self.text or not self.held.strip():
            return ""
        return self._append("{}" if self.held.strip() == "null" else self.held)

    def repeats(self, text: str) -> bool:
        """Whether a text is the arguments once more, whichever way they are written."""
        own = str(self.text)
        if text == own:
            return True
        try:
            return bool(parse(text) == parse(own))
        except ValueError:
            return False

    def item(self) -> FunctionCallItem | CustomToolCallItem:
        text, extra = str(self.text), self.extra or None
        name = plain_name(self.name)
        if self.custom:
            return CustomToolCallItem(call_id=self.call_id, name=name, input=text, extra=extra)
        # What was shown stands, unless it cannot be run and what the server said last can, or it is
        # whole and the server has told it once more, not quite the same (Gemini).
        if self.last_object and (not is_json(text) or self.changed):
            text = self.last_object
        return FunctionCallItem(
            call_id=self.call_id, name=name, arguments=unwrapped(text), extra=extra
        )


_EMPTY = frozenset({"", "{}", "{ }", "null"})


_MAX_LOOKS = 32
