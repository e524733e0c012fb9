"""Finds known secrets in texts, in any form in which a server may repeat them.

An echo is a secret of the request that a server repeats. `Echoes` cuts echoes out of a text, and
`EchoStream` out of one that arrives in pieces.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from functools import lru_cache
from html import unescape

MASK = "***"
PART = 12
"""A part of a secret with this many characters is cut out like the whole."""
SHOWN = 3
"""This many first characters of a secret stay in a text that arrives in pieces. A text that may be
a longer beginning is held until it is known whether it is one."""
_GRAM = 5
_MAX_SECRETS = 20
_MAX_SECRET = 8_192
_MAX_HELD = 512
"""The most characters of a text that are held: blanks may stand between those of a key."""
_PIECE = 4_096
_MAX_ECHOES = 200
# The prefixes of keys. They are public, and an answer that explains them may show them.
_PUBLIC = re.compile(
    r"(?:sk-ant-[a-z]{3,6}\d\d-|sk-(?:proj|svcacct|admin|or-v1|or)-|github_pat_|nvapi-|pplx-|gsk_"
    r"|xai-|hf_|sk[-_])"
)
_INVISIBLE = re.compile(
    r"[\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]"
)
_ESCAPE = re.compile(
    r"%[0-9a-f]{2}|\\{1,4}(?:u[0-9a-f]{4}|u\{[0-9a-f]{1,6}\}|x[0-9a-f]{2}|[nrt])"
    r"|&#(?:x[0-9a-f]{1,6}|[0-9]{1,7});?",
    re.I,
)
_OPEN_ESCAPE = re.compile(
    r"(?:%[0-9a-f]?|\\{1,4}(?:u\{?[0-9a-f]{0,6}|x[0-9a-f]?)?|&#?(?:x[0-9a-f]{0,6}|[0-9]{0,7}))\Z",
    re.I,
)
_LONGEST_ESCAPE = 16
_ESCAPING = re.compile(r"[%\\&]")


class Echoes:
    """Finds secrets in texts, whichever way they are written.

    It finds them in another case, with blanks, line breaks or invisible characters in between, as
    JSON, percent, HTML or backslash escapes, in hexadecimal, and in base64 of any alignment and
    either alphabet. It finds parts of `PART` characters as well. A secret that is short, or a plain
    word that local servers accept as a key (``ollama``), stays in texts that people read.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        windows: dict[int, set[str]] = {}
        needles: list[str] = []
        for secret in list(secrets)[:_MAX_SECRETS]:
            for needle, size in _written(_core(secret[:_MAX_SECRET])):
                needles.append(needle)
                places = range(len(needle) - size + 1)
                windows.setdefault(size, set()).update(needle[at : at + size] for at in places)
        self._windows = list(windows.items())
        self._all = "\n".join(needles)
        """All secrets in one text, so that a part of any secret is a part of this text."""
        self._least, self._most = min(windows, default=0), max(windows, default=0)
        self._stride = self._least - _GRAM + 1
        self._grams = {
            window[at : at + _GRAM]
            for size, known in self._windows
            for window in known
            for at in range(size - _GRAM + 1)
        }

    def __bool__(self) -> bool:
        return bool(self._windows)

    def cut(self, text: str, *, shown: int = 0) -> str:
        """Put `MASK` in the place of each echo, of which the first ``shown`` characters stay.

        A text with very many echoes is cut off.
        """
        if not self.are_in(text):
            return text
        stream = EchoStream(self, shown)
        kept: list[str] = []
        for begin in range(0, len(text), _PIECE):
            kept.append(stream.feed(text[begin : begin + _PIECE]))
            if stream.count > _MAX_ECHOES:
                return "".join(kept)
        return "".join([*kept, stream.end()])

    def are_in(self, text: str) -> bool:
        """Whether the text holds an echo."""
        return bool(self.find(_plain(text)))

    def find(self, plain: str) -> list[tuple[int, int]]:
        """Find the echoes in a text without blanks and escapes: their begins and ends, in order.

        Looks at every nth place only, since each echo is long enough to hold such a place.
        """
        found: list[tuple[int, int]] = []
        grams, size = self._grams, len(plain)
        if not grams or size < self._least:
            return found
        for at in range(0, size - _GRAM + 1, self._stride):
            if plain[at : at + _GRAM] not in grams:
                continue
            for length, windows in self._windows:
                for begin in range(max(0, at + _GRAM - length), min(at, size - length) + 1):
                    if plain[begin : begin + length] in windows:
                        found.append((begin, begin + length))
        return _merged(sorted(found))

    def tail(self, plain: str) -> int:
        """Count the last characters that may be the beginning of an echo."""
        length, longest = 0, min(len(plain), self._most - 1)
        while length < longest and plain[-length - 1 :] in self._all:
            length += 1
        return length

    def stream(self) -> EchoStream:
        """Make a stream for a text that arrives in pieces."""
        return EchoStream(self)


def _merged(ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for begin, end in ranges:
        if merged and begin < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((begin, end))
    return merged


@lru_cache(maxsize=8)
def echoes_of(*secrets: str) -> Echoes:
    """The echoes of some secrets. They are kept, since each request of a chat has the same ones."""
    return Echoes(secrets)


def _core(secret: str) -> str:
    """The part of a secret that is not public. Empty when that is too little to look for."""
    if secret.startswith("eyJ") and secret.count(".") == 2:
        # The first part of a web token is not secret: it names the algorithm of its signature.
        return secret.partition(".")[2]
    if len(secret) < 16 and not (len(secret) >= 8 and re.search(r"\d", secret)):
        return ""
    known = _PUBLIC.match(secret)
    return secret[max(0, known.end() - PART + 1) :] if known else secret


def _written(secret: str) -> list[tuple[str, int]]:
    """All forms of a secret, in lower case, each with the size of a part."""
    if not secret:
        return []
    part = min(PART, len(secret))
    data = secret.encode("utf-8", "surrogatepass")
    ways = {"".join(_plain(secret).split()): part}
    for each in (secret, secret.lower(), secret.upper()):
        ways[each.encode("utf-8", "surrogatepass").hex()] = 2 * part
    # Base64 takes three bytes at a time; the characters at the ends depend on the neighbours.
    for shift in range(3):
        text = base64.b64encode(b"\0" * shift + data).decode().rstrip("=")
        begin, end = (0, 2, 3)[shift], (shift + len(data)) * 8 // 6
        for alphabet in (text, text.replace("+", "-").replace("/", "_")):
            ways[alphabet[begin:end].lower()] = (part * 8 - 4) // 6
    return [(needle, size) for needle, size in ways.items() if len(needle) >= size > _GRAM]


def _plain(text: str) -> str:
    """A text for comparison: in lower case, without blanks, escapes and invisible characters."""
    text = "".join(text.split())
    if not text.isascii():
        text = _INVISIBLE.sub("", text)
    if "%" in text or "\\" in text or "&#" in text:
        text = _ESCAPE.sub(_meant, text)
    return text.lower()


def _meant(escape: re.Match[str]) -> str:
    """The character of an escape, or nothing for those that `_plain` leaves out."""
    text = escape[0]
    if text[0] == "&":
        meant = unescape(text if text.endswith(";") else f"{text};")
    elif text[-1] in "nrtNRT" and text[-2] == "\\":
        return ""
    else:
        code = int(text.strip("\\%uUxX{}"), 16)
        meant = chr(code) if code <= 0x10FFFF else "\ufffd"
    return "" if meant.isspace() or _INVISIBLE.fullmatch(meant) else meant


def _mapped(text: str) -> tuple[str, list[tuple[int, int]]]:
    """The same as `_plain`, and where each of its characters is in the text."""
    places = [
        at
        for at, character in enumerate(text)
        if not character.isspace() and (character < "\x80" or not _INVISIBLE.match(character))
    ]
    packed = "".join([text[at] for at in places])
    plain: list[str] = []
    spans: list[tuple[int, int]] = []

    def add(meant: str, begin: int, end: int) -> None:
        for character in meant.lower():
            plain.append(character)
            spans.append((places[begin], places[end - 1] + 1))

    at = 0
    for escape in _ESCAPE.finditer(packed):
        for place in range(at, escape.start()):
            add(packed[place], place, place + 1)
        at = escape.end()
        add(_meant(escape), escape.start(), at)
    for place in range(at, len(packed)):
        add(packed[place], place, place + 1)
    return "".join(plain), spans


class EchoStream:
    """Cuts echoes out of a text that arrives in pieces, also where one spans several pieces.

    The result does not depend on the pieces. Of an echo the first `SHOWN` characters stay, so that
    only a longer beginning has to be held.
    """

    def __init__(self, echoes: Echoes, shown: int = SHOWN) -> None:
        self.count = 0
        """The number of echoes so far."""
        self._echoes = echoes
        self._shown = shown
        self._kept = ""
        """The end of the text, from where an echo may begin."""
        self._given = 0
        """The number of its characters that were given or hidden."""
        self._hidden = 0
        """The number of characters at its beginning, as compared, that belong to an echo so far."""

    def feed(self, delta: str) -> str:
        """Take more of the text and return what can be shown."""
        return self._take(self._kept + delta, last=False)

    def end(self) -> str:
        """End the text and return what was held."""
        return self._take(self._kept, last=True)

    def _take(self, text: str, *, last: bool) -> str:
        open_escape = None if last else _OPEN_ESCAPE.search(text[-_LONGEST_ESCAPE:])
        body = text[: len(text) - len(open_escape[0])] if open_escape else text
        plain = _plain(body)
        ranges = self._echoes.find(plain)
        tail = 0 if last else self._echoes.tail(plain)
        # An escape that is not finished may become one more character of an echo.
        surely = len(body if tail == self._shown else text)
        if not ranges and not self._hidden and tail <= self._shown:
            shown = text[self._given : surely]
            self._keep(
                text,
                len(body) - _size_of_end(body, plain[len(plain) - tail :]),
                max(surely, self._given),
            )
            return shown
        plain, spans = _mapped(body)
        candidate = len(plain) - tail
        pieces: list[str] = []
        at, hidden = self._given, self._hidden
        for begin, end in ranges:
            if begin >= hidden:
                pieces += [text[at : max(at, spans[begin + self._shown][0])], MASK]
                self.count += 1
            hidden = max(hidden, end)
            at = max(at, spans[hidden - 1][1])
        kept_from = spans[candidate][0] if tail else len(body)
        # Everything after an echo that may continue is held.
        goes_on = candidate < hidden
        held_from = at
        if not goes_on:
            held_from = surely if tail <= self._shown else spans[candidate + self._shown][0]
            held_from = max(at, held_from)
        if last or len(text) - min(kept_from, held_from) > _MAX_HELD:
            self._keep("", 0, 0)
            return "".join([*pieces, text[at:]])
        pieces.append(text[at:held_from])
        self._keep(text, kept_from, held_from)
        self._hidden = hidden - candidate if goes_on else 0
        return "".join(pieces)

    def _keep(self, text: str, begin: int, given: int) -> None:
        self._kept = text[begin:]
        self._given = given - begin
        self._hidden = 0


def _size_of_end(text: str, plain_end: str) -> int:
    """The number of characters that the end of a text takes, which is given as compared."""
    count = len(plain_end)
    if not count:
        return 0
    # Nearly always these are the last ones, or only blanks follow them.
    body = text.rstrip()
    near = body[-count - _LONGEST_ESCAPE :]
    if near.isascii() and near[-count:].lower() == plain_end and not _ESCAPING.search(near):
        return count + len(text) - len(body)
    end = text[-_MAX_HELD // 2 :]
    _, spans = _mapped(end)
    return len(end) - spans[-count][0] if count <= len(spans) else len(end)
