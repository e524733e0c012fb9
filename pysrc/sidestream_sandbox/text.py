"""Bounded texts, since the output and the values of code may have any size."""

from __future__ import annotations

import reprlib
from collections.abc import Callable
from io import TextIOBase
from itertools import islice
from typing import Any

HEAD = 14_000
"""The number of characters that are shown from the beginning of a stream."""
TAIL = 4_000
"""The number of characters that are shown from the end of a stream."""
VALUE = 10_000
"""The number of characters that are shown of a value."""


def left_out(count: int) -> str:
    """The text that replaces ``count`` characters."""
    return f"\n[… {count:,} characters left out …]\n"


def shorten(text: str, limit: int) -> str:
    """Return the text, or its beginning and its end if it is longer than ``limit``."""
    if len(text) <= limit:
        return text
    tail = limit // 4
    return text[: limit - tail] + left_out(len(text) - limit) + text[-tail:]


class Stream(TextIOBase):
    """Standard output or error of one run.

    The beginning is passed on at once, even for code that never ends. `finish` passes on the end.
    """

    def __init__(self, emit: Callable[[str], object]) -> None:
        self._emit = emit
        self._room = HEAD
        self._tail = ""
        self._rest = 0
        """The number of characters after the head."""

    def writable(self) -> bool:
        """Return True."""
        return True

    def write(self, text: str) -> int:
        """Add text. Returns the number of characters, as every text stream does."""
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        # A lone surrogate cannot be passed to JavaScript.
        clean = text.encode("utf-8", "replace").decode()
        head, rest = clean[: self._room], clean[self._room :]
        if head:
            self._room -= len(head)
            self._emit(head)
        if rest:
            self._rest += len(rest)
            self._tail = (self._tail + rest[-TAIL:])[-TAIL:]
        return len(text)

    def finish(self) -> None:
        """Pass on the end, after a note of how much is left out."""
        missing = self._rest - len(self._tail)
        if missing:
            self._emit(left_out(missing))
        if self._tail:
            self._emit(self._tail)


class ValueRepr(reprlib.Repr):
    """A bounded `repr`: the beginning of long containers, the upper levels of deep ones."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlevel = 12
        self.maxlong = 1000
        self.maxstring = self.maxother = VALUE
        self.maxlist = self.maxtuple = self.maxset = self.maxfrozenset = self.maxdict = 500
        self.maxdeque = self.maxarray = 500

    def repr_dict(self, x: dict[Any, Any], level: int) -> str:
        """Keep the dictionary's order, since `reprlib` would sort the keys."""
        if not x:
            return "{}"
        if level <= 0:
            return "{...}"
        pairs = [
            f"{self.repr1(key, level - 1)}: {self.repr1(value, level - 1)}"
            for key, value in islice(x.items(), self.maxdict)
        ]
        if len(x) > self.maxdict:
            pairs.append("...")
        return f"{{{', '.join(pairs)}}}"


def describe(value: object) -> str:
    """Describe a value as the interactive interpreter does, within bounds. Never raises."""
    try:
        text = ValueRepr().repr(value)
    except BaseException as error:
        text = f"<{type(value).__name__}, whose repr() fails: {type(error).__name__}>"
    return shorten(text.encode("utf-8", "replace").decode(), VALUE)
