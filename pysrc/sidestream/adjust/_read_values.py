"""Errors about the value of a parameter: the limit of output tokens and the effort."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from sidestream.adjust._change import Change, Request
from sidestream.adjust._fields import value_at
from sidestream.adjust._refusals import is_refusal, message_of
from sidestream.errors import ErrorKind, SidestreamError


def read_token_limit(error: SidestreamError, request: Request) -> Iterator[Change]:
    """Errors about the limit of output tokens.

    The limit is lowered, sent under its other name, or not sent.
    """
    words = message_of(error)
    names = ("max_tokens", "max_completion_tokens", "max_output_tokens")
    sent = next((name for name in names if name in request), None)
    if sent is None:
        return
    named = any(name in f"{error.param} {words}" for name in (*names, "max_new_tokens"))
    if error.kind is ErrorKind.CONTEXT_WINDOW_EXCEEDED:
        # vLLM names the figure, but not the field that has it.
        figure = re.search(rf"(?<!\d){request[sent]}(?!\d)", words) is not None
        named = named or (figure and _ABOUT_THE_ANSWER.search(words) is not None)
    if not named:
        return
    if error.kind is ErrorKind.CONTEXT_WINDOW_EXCEEDED:
        # Only the server knows how many tokens are left in the window.
        yield Change("drop", sent, scope="once")
        return
    if not is_refusal(error):
        return
    bound = _nearest_bound(f"{error.param} {words}", request[sent])
    if bound is not None:
        yield Change("set", sent, bound)
        return
    other = {"max_tokens": "max_completion_tokens", "max_completion_tokens": "max_tokens"}.get(sent)
    refused = re.search(rf"\b{sent}\b", f"{error.param} {words}") is not None
    yield Change("rename", sent, other) if other and refused else Change("drop", sent)


_ABOUT_THE_ANSWER = re.compile(r"in the completion|output tokens", re.I)
_BOUND = re.compile(
    r"(?:at most|maximum (?:value )?(?:is|of)|less than or equal to|<=|up to|exceeds? the limit of"
    r"|(?:range|should be|be in|must be).{0,24}\[[01],|between 1 and|>=|minimum value|at least"
    r"|greater than or equal to)\D{0,12}(\d{1,9})",
    re.I,
)


def _nearest_bound(words: str, value: Any) -> int | None:
    """The nearest value that the server would take, if its message has one."""
    for match in _BOUND.finditer(words):
        figure = int(match[1])
        lower = re.match(r">=|minimum|at least|greater", match[0], re.I) is not None
        if isinstance(value, int) and (figure > value if lower else 0 < figure < value):
            return figure
    return None


_LEVELS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
# Messages that refuse an effort without a list of those that the model takes.
_NO_SUCH_EFFORT = re.compile(
    r"(?:reasoning|thinking) is mandatory|(?:only )?works in thinking mode|reasoning[._ ]effort"
    r"|thinking (?:level|budget)\b.{0,40}\b(?:not supported|invalid|unsupported)",
    re.I,
)
_LEVEL_LIST = re.compile(
    r"(?:supported|allowed|valid|accepted|available|permitted)[\w ]{0,30}(?:are|is|:|values)"
    r"|one of|should be|expected|must be",
    re.I,
)


def read_effort(error: SidestreamError, request: Request) -> Iterator[Change]:
    """Errors about the reasoning effort: the nearest level in the server's list is sent instead."""
    words = message_of(error)
    path = "reasoning_effort" if "reasoning_effort" in request else "reasoning.effort"
    sent = value_at(request, path.split("."))
    if not isinstance(sent, str) or not is_refusal(error):
        return
    said = f"{error.param} {error.server_code} {words}"
    if not re.search(r"effort|thinking|reasoning", said, re.I):
        return
    start = _LEVEL_LIST.search(words)
    listed = re.findall(r"[a-z]+", words[start.end() :].lower()) if start else []
    levels = [level for level in _LEVELS if level in listed and level != sent]
    if levels and sent in _LEVELS:
        place = _LEVELS.index(sent)
        nearest = min(levels, key=lambda level: abs(_LEVELS.index(level) - place))
        yield Change("set", path, nearest)
    elif _NO_SUCH_EFFORT.search(words):
        yield Change("drop", path)
