"""Separates reasoning that a server sends inside the text from the text.

Without a parser of their own, servers pass on what the model writes: ``<think>…</think>`` and its
relatives, or OpenAI's harmony channels. Some chat templates put the opening tag into the prompt, so
that only the closing one arrives.

Tags count where models write them: at the very beginning of the answer, for any number of blocks
in a row. The same characters later, or inside code, are text.
"""

from __future__ import annotations

import re
from typing import Literal

Kind = Literal["text", "think", "end", "withdraw"]
Piece = tuple[Kind, str]
"""``text`` and ``think`` add to the text or the reasoning; ``end`` ends the reasoning; ``withdraw``
means that all text so far, together with this piece, was reasoning."""

# Opening tag and closing tag. Who writes them: DeepSeek, Qwen, GLM, MiniMax and most others;
# prompted models; Kimi; Magistral; Seed-OSS; Gemma 4 (two spellings); Cohere.
_TAGS = {
    "<think>": "</think>",
    "<thinking>": "</thinking>",
    "<thought>": "</thought>",
    "<reasoning>": "</reasoning>",
    "◁think▷": "◁/think▷",
    "[THINK]": "[/THINK]",
    "<seed:think>": "</seed:think>",
    "<|channel>thought": "<channel|>",
    "<|think|>": "<|/think|>",
    "<|START_THINKING|>": "<|END_THINKING|>",
}
# Closing tags that are known to arrive alone.
_LONE = (
    *("</think>", "</thinking>", "◁/think▷", "[/THINK]", "</seed:think>", "<channel|>"),
    "<|END_THINKING|>",
)
_LONE_TAG = re.compile("|".join(map(re.escape, _LONE)))
_OPENING_TAG = re.compile("|".join(re.escape(tag) for tag in _TAGS if _TAGS[tag] in _LONE))
_HARMONY = ("<|channel|>", "<|start|>assistant")
_HARMONY_MARKS = tuple(
    f"<|{name}|>" for name in ("channel", "start", "message", "end", "return", "call", "constrain")
)
_HARMONY_MARK = re.compile(r"<\|(channel|start|message|end|return|call|constrain)\|>")
# Cohere marks the text after the reasoning as well.
_TEXT_MARKS = ("<|START_RESPONSE|>", "<|START_TEXT|>")
_OPENINGS = (*_TAGS, *_HARMONY, *_TEXT_MARKS)
_MARKS = "`\"'"
"""The characters around a tag that is only mentioned."""

_MAX_LOOKS = 8
"""The limit of lone closing tags that are examined; each costs time by the length of the text."""
_MAX_BLOCKS = 50
"""The limit of blocks of reasoning in a row; each one costs more than the one before."""
_MAX_HELD = 256
"""The limit of characters that are kept back, so that the time stays linear."""


class InBand:
    """Splits the text of one message, cut anywhere, into reasoning and text."""

    __slots__ = (
        "_blocks",
        "_channel",
        "_close",
        "_held",
        "_last",
        "_looks",
        "_said",
        "_state",
        "found",
        "settled",
    )

    def __init__(self) -> None:
        self.found = False
        """Whether there was any reasoning in the text, or empty tags for it."""
        self.settled = False
        """Whether all that follows is text."""
        self._state = "begin"
        self._held = ""
        """The characters that may be text or the beginning of a tag."""
        self._close = ""
        """The closing tag that is waited for; of harmony, the header that is being read."""
        self._last = ""
        """The last character of the reasoning so far."""
        self._channel: str | None = None
        """Of harmony: the channel whose body is being read."""
        self._said: list[str] = []
        """The text so far, as long as it may turn out to be reasoning."""
        self._looks = 0
        self._blocks = 0

    def plain(self, delta: str) -> bool:
        """Whether a delta is text and nothing but text, known without a closer look."""
        if self.settled:
            return True
        if self._state != "watch" or self._held or "<" in delta or "[" in delta or "◁" in delta:
            return False
        self._said.append(delta)
        return True

    @property
    def begun(self) -> bool:
        """Whether there was any text, or blanks, or a tag."""
        return self._state != "begin" or bool(self._held) or self.found

    @property
    def decided(self) -> bool:
        """Whether the beginning has been told from reasoning."""
        return self.settled or self._state == "watch"

    def feed(self, delta: str) -> list[Piece]:
        """The pieces that a delta completes."""
        if self.settled:
            return [("text", delta)] if delta else []
        text, self._held = self._held + delta, ""
        return _STATES[self._state](self, text)

    def end(self) -> list[Piece]:
        """The pieces that were kept back, now that the message is over."""
        held, self._held = self._held, ""
        state = self._state
        if self.settled:
            return []
        self._settle()
        if state == "think":
            return [*self._thoughts(held.rstrip()), ("end", "")]
        if state == "harmony":
            if self._channel == "final":
                return [("text", held)] if held else []
            return [*(self._thoughts(held) if self._channel else []), ("end", "")]
        if state == "begin" and self.found:
            held = held.lstrip()
        return [("text", held)] if held else []

    def _settle(self) -> None:
        self.settled = True
        self._said.clear()

    # --- states -------------------------------------------------------------------------------

    def _begin(self, text: str) -> list[Piece]:
        """At the beginning, or after a block: blanks, or what may become an opening tag."""
        start = text.lstrip()
        folded = start[:24].lower()
        for opening in _OPENINGS:
            if folded.startswith(opening.lower()) and self._blocks < _MAX_BLOCKS:
                self._blocks += 1
                if opening in _TEXT_MARKS:
                    self.found = True
                    return self._begin(start[len(opening) :])
                if opening in _HARMONY:
                    self._state = "harmony"
                    return self._harmony(start)
                self._state = "think"
                self._close = _TAGS[opening]
                if start.startswith(opening.upper()):
                    self._close = self._close.upper()
                return self._think(start[len(opening) :])
        open_end = any(opening.lower().startswith(folded) for opening in _OPENINGS)
        if open_end and len(text) <= _MAX_HELD:
            self._held = start if self.found else text
            return []
        if self.found:
            self._settle()
            return [("text", start)] if start else []
        self._state = "watch"
        return self._watch(text)

    def _think(self, text: str) -> list[Piece]:
        place = self._find_close(text)
        if place < 0:
            kept = max(_unfinished(text, (self._close,)), -place - 1)
            shown = text[: len(text) - kept] if kept else text
            # Blanks at the end may be those before the closing tag.
            bare = shown.rstrip()
            shown = bare if len(shown) - len(bare) <= _MAX_HELD else shown
            self._held = text[len(shown) :]
            return self._thoughts(shown)
        pieces = self._thoughts(text[:place].rstrip())
        rest = text[place + len(self._close) :]
        self._state = "begin"
        self._last = ""
        self.found = True
        return [*pieces, ("end", ""), *(self._begin(rest) if rest else [])]

    def _find_close(self, text: str) -> int:
        """Where the closing tag is; negative if it is not there.

        Below -1: so many characters but one at the end hold one of which only the next character
        tells whether it stands in code.
        """
        place = text.find(self._close)
        while place >= 0:
            end = place + len(self._close)
            before = text[place - 1 : place] if place else self._last
            if before not in _MARKS or not before:
                return place
            if end == len(text):
                return place - len(text) - 1
            if text[end] != before:
                return place
            place = text.find(self._close, end)
        return -1

    def _thoughts(self, text: str) -> list[Piece]:
        if not self._last:
            text = text.lstrip()
        if not text:
            return []
        self.found = True
        self._last = text[-1]
        return [("think", text)]

    def _watch(self, text: str) -> list[Piece]:
        """In the text, as long as a closing tag may say that it was none."""
        kept = _unfinished(text, _LONE)
        if kept:
            text, self._held = text[:-kept], text[-kept:]
        for tag in _LONE_TAG.finditer(text):
            before = "".join(self._said) + text[: tag.start()]
            after = text[tag.end() : tag.end() + 1] or self._held[:1]
            if not after and before and before[-1] in _MARKS:
                # Only the next character tells whether the tag is quoted.
                text, self._held = text[: tag.start()], text[tag.start() :]
                break
            self._looks += 1
            if not _is_mentioned(before, after):
                rest = text[tag.end() :] + self._held
                self._held = ""
                self._said.clear()
                self._state = "begin"
                self.found = True
                pieces: list[Piece] = [("withdraw", text[: tag.start()]), ("end", "")]
                return pieces + (self._begin(rest) if rest else [])
            if _OPENING_TAG.search(before) or self._looks >= _MAX_LOOKS:
                # A model that writes about the tags does not use them.
                text, self._held = text + self._held, ""
                self._settle()
                return [("text", text)]
        if not text:
            return []
        self._said.append(text)
        return [("text", text)]

    def _harmony(self, text: str) -> list[Piece]:
        """Channels of gpt-oss: only what stands in the final one is text."""
        pieces: list[Piece] = []
        start = 0
        for mark in _HARMONY_MARK.finditer(text):
            between = text[start : mark.start()]
            start = mark.end()
            if self._close:
                if mark[1] == "message":
                    header = (self._close + between).split()
                    self._channel = "final" if "final" in header else "other"
                    self._close = ""
                elif len(self._close) < _MAX_HELD:
                    self._close += between + " "
                continue
            if self._channel is not None:
                pieces += self._body(between)
                if self._channel != "final":
                    pieces.append(("end", ""))
                    self._last = ""
                self._channel = None
            if mark[1] in ("channel", "start"):
                self._close = " "
        text = text[start:]
        if self._channel is None:
            # A header, or nothing that anybody should see.
            self._held = text if len(text) <= _MAX_HELD else ""
            return pieces
        kept = _unfinished(text, _HARMONY_MARKS)
        if kept:
            text, self._held = text[:-kept], text[-kept:]
        return pieces + self._body(text)

    def _body(self, text: str) -> list[Piece]:
        if self._channel != "final":
            return self._thoughts(text)
        return [("text", text)] if text else []


_STATES = {
    "begin": InBand._begin,
    "think": InBand._think,
    "watch": InBand._watch,
    "harmony": InBand._harmony,
}


def split(text: str) -> tuple[str, str]:
    """The reasoning in a whole text, and the text without it."""
    if not ("<" in text or "[" in text or "◁" in text):
        return "", text
    splitter = InBand()
    thoughts: list[str] = []
    said: list[str] = []
    for kind, piece in [*splitter.feed(text), *splitter.end()]:
        if kind == "text":
            said.append(piece)
        elif kind == "think":
            thoughts.append(piece)
        elif kind == "withdraw":
            thoughts += [*said, piece]
            said.clear()
        elif thoughts:
            thoughts.append("\n\n")
    return "".join(thoughts).strip(), "".join(said)


def _unfinished(text: str, tags: tuple[str, ...]) -> int:
    """How many of the last characters may be the beginning of a tag."""
    longest = 0
    for tag in tags:
        for length in range(min(len(tag) - 1, len(text)), longest, -1):
            if text.endswith(tag[:length]):
                longest = length
                break
    return longest


_FENCE = re.compile(r"^ {0,3}(?:```|~~~)", re.MULTILINE)


def _is_mentioned(before: str, after: str) -> bool:
    """Whether a closing tag is only mentioned: in code, quoted, or as the end of a pair."""
    if before[-1:] in _MARKS and before and after in ("", before[-1]):
        return True
    if _OPENING_TAG.search(before) or len(_FENCE.findall(before)) % 2:
        return True
    return before[before.rfind("\n") + 1 :].count("`") % 2 == 1
