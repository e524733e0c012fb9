"""Text that grows by deltas, and characters that were cut in two."""

from __future__ import annotations

import re


class Text:
    """Text that grows by deltas and puts a character together that was split over two of them.

    Servers that cut JSON strings by UTF-16 units send an emoji as two lone surrogates.
    """

    __slots__ = ("_chunks", "_half")

    def __init__(self) -> None:
        self._chunks: list[str] = []
        self._half = ""

    def add(self, delta: str) -> str:
        """Append a delta, and return what can be shown now: the delta, most of the time."""
        if self._half or has_surrogates(delta):
            delta = self._half + delta
            self._half = delta[-1] if "\ud800" <= delta[-1] <= "\udbff" else ""
            delta = joined_surrogates(delta[:-1] if self._half else delta)
        if delta:
            self._chunks.append(delta)
        return delta

    def end(self, whole: str) -> str:
        """Return what must follow the deltas, now that the ``whole`` text is known.

        That is the unsent rest if the whole text begins with what was sent. Otherwise it is
        nothing, or a replacement character for half a character whose other half never arrived.
        """
        sent = str(self)
        agrees = bool(whole) and whole.startswith(sent)
        rest = whole[len(sent) :] if agrees else "\ufffd" if self._half else ""
        self._half = ""
        if rest:
            self._chunks.append(rest)
        return rest

    def __str__(self) -> str:
        if len(self._chunks) > 1:
            self._chunks = ["".join(self._chunks)]
        return self._chunks[0] if self._chunks else ""

    def __bool__(self) -> bool:
        return bool(self._chunks or self._half)


def has_surrogates(text: str) -> bool:
    if text.isascii():
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def joined_surrogates(text: str) -> str:
    """Surrogate pairs become characters, lone surrogates U+FFFD."""
    # One by one the codec's own handling of errors would take longer.
    text = _LONE_SURROGATE.sub("\ufffd", text)
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


_LONE_SURROGATE = re.compile(
    "[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]"
)
