"""Errors about fields that a server does not know, tools' schemas included."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sidestream.adjust._change import Change, Request
from sidestream.adjust._fields import ENGLISH_WORDS, OPTIONAL_FIELDS, has_path, removable_path
from sidestream.adjust._refusals import is_refusal, message_of
from sidestream.adjust._schemas import SCHEMA_KEYWORDS, used_keywords
from sidestream.errors import SidestreamError

_MUST_HAVE = re.compile(r"must be passed|is missing|missing required|is required|must be set", re.I)


def read_field(error: SidestreamError, request: Request) -> Iterator[Change]:
    """Errors about a field, which the message names by its path or by its name."""
    if not is_refusal(error):
        return
    words = message_of(error)
    for name in _names_in(error.param, words):
        if path := removable_path(name, request):
            if path.startswith(("messages[]", "input[]")) and _MUST_HAVE.search(words):
                continue
            yield (
                Change("history", "ids", scope="conversation")
                if path == "input[].id"
                else (Change("drop", path))
            )
            return
    for path in OPTIONAL_FIELDS:
        name = path.rpartition(".")[2]
        telling = name == "temperature" or (name not in ENGLISH_WORDS and "_" in name)
        if telling and name in words and has_path(request, path):
            yield Change("drop", path)
            return


_QUOTED = re.compile(r"[`'\"“#/]{1,2}([A-Za-z_$][\w.\[\]$-]{1,120})[`'\"”]|#/([\w/]{2,120})")
_BARE = re.compile(
    r"([A-Za-z_][\w.\[\]-]{1,120}):? Extra inputs? (?:are|is) not permitted"
    r"|(?:unknown|unrecognized|unsupported|unexpected|invalid)[ \w]{0,30}"
    r"(?:parameters?|arguments?|fields?|names?|propert(?:y|ies))(?: supplied)?\W{1,4}"
    r"([A-Za-z_][\w.\[\]-]{1,120})"
    r"|([A-Za-z_][\w.]{1,120}) (?:is|are) not (?:supported|allowed|permitted|valid)"
    r"|not support (?:the )?(?:parameter|argument|field) ([A-Za-z_]\w{1,120})",
    re.I,
)
_HUMP = re.compile(r"([a-z])([A-Z])")


def _names_in(param: str | None, words: str) -> Iterator[str]:
    """The names in an error that may be fields of the request, the most certain one first."""
    if param:
        yield param
    for match in [*_QUOTED.finditer(words), *_BARE.finditer(words)][:40]:
        name = next(filter(None, match.groups()))
        yield name
        # Some servers name their own fields, which are ours in camel case.
        if (snake := _HUMP.sub(r"\1_\2", name)) != name:
            yield snake.lower()


_ABOUT_SCHEMAS = re.compile(r"schema|keyword|strict|parameter|declaration", re.I)
# A model that takes no tools at all does not take simpler tools either.
_ABOUT_TOOLS = re.compile(
    r"(?:support|allow|enable)\w{0,3} (?:\w{1,20} )?(?:tools?|function)\b"
    r"|(?:tools?|tool (?:use|calling|choice)|functions?|function calling) (?:is|are) not"
    r"|\bno tools?\b",
    re.I,
)


def read_schema(error: SidestreamError, request: Request) -> Iterator[Change]:
    """Errors about a keyword in the schemas of the tools."""
    said = f"{error.param or ''} {message_of(error)} {error.server_code or ''}"
    if not request.get("tools") or not is_refusal(error):
        return
    if not re.search(r"schema|tools?\b|function|parameters|keyword|properties", said, re.I):
        return
    used = set(used_keywords(request["tools"]))
    spoken = set(re.findall(r"[$A-Za-z]{2,40}", said))
    named = [name for name in SCHEMA_KEYWORDS if name in used and name in spoken]
    for name in named:
        yield Change("drop", f"schema:{name}")
    if not named and _ABOUT_SCHEMAS.search(said) and not _ABOUT_TOOLS.search(said):
        yield Change("drop", "tools[].function.strict")
        yield Change("drop", "tools[].strict")
        yield Change("history", "schema")
