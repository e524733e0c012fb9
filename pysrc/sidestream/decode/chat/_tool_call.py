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
        """Arguments without content, which count only if nothing follows them."""
        self.last_object = ""
        """The last delta that was a whole JSON object."""
        self.changed = False
        """Whether other arguments followed the whole ones."""
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
        """Whether the arguments are whole, so that a value after them belongs to another call.

        Each look takes time in proportion to the length of the arguments, so there are only a few.
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
        """Add to the arguments, and return what can be shown of the delta.

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
        """End the arguments, and return what of them was not shown yet."""
        if self.text or not self.held.strip():
            return ""
        return self._append("{}" if self.held.strip() == "null" else self.held)

    def repeats(self, text: str) -> bool:
        """Whether a text repeats the arguments, however their JSON is written."""
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
        # The arguments that were shown count, with two exceptions: they are not JSON but the last
        # object is, or the server sent them whole and then another version (Gemini).
        if self.last_object and (not is_json(text) or self.changed):
            text = self.last_object
        return FunctionCallItem(
            call_id=self.call_id, name=name, arguments=unwrapped(text), extra=extra
        )


_EMPTY = frozenset({"", "{}", "{ }", "null"})


_MAX_LOOKS = 32
