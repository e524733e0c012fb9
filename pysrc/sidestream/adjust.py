"""A second try without what the server has refused.

Servers refuse whole requests for one optional field that they do not know: `changes_for` reads from
the error which one it is, and `apply` makes the request without it. `Adjustments` remembers what
helped, so that each server has to refuse a thing only once.

Works on the finished request of either wire API, so that one mechanism serves both. What is never
changed is what the user asked: messages, tools, the model and the form of the answer.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import TypeAdapter, ValidationError

from sidestream.errors import ErrorKind, SidestreamError
from sidestream.payload.history import IMAGE_OMITTED

MAX_CHANGES = 6
"""How many changes one call may bring about, each after a refusal."""
MAX_KEPT = 500
"""Entries that `Adjustments` remembers; the oldest go first."""

Action = Literal["drop", "rename", "set", "history"]
Scope = Literal["model", "conversation", "once"]

_Request = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Change:
    """One change to a request.

    ``drop`` removes the field at ``path``, ``rename`` gives it the name ``value``, ``set`` gives it
    the value; ``history`` names one of `_HISTORY`. In a path ``[]`` stands for every element of a
    list.
    """

    action: Action
    path: str
    value: str | int | None = None
    scope: Scope = "model"
    """For what it is remembered: the model, this conversation with it, or not at all."""

    @property
    def notice(self) -> str:
        """What the user is told, once."""
        label = _LABELS.get(self.path, f"“{self.path.removeprefix('schema:').replace('[]', '')}”")
        if self.path == "long texts":
            return "Earlier texts that are too long for the provider were cut. It was asked again."
        if self.action == "history":
            return f"The provider did not accept {label}. It was asked again without."
        if self.action == "set":
            return f"The provider did not accept {label} as set. It was asked with {self.value}."
        if self.action == "rename":
            return ""
        return f"The provider does not accept {label} here. It was asked again without it."


_LABELS = {
    "stream_options": "the request for token usage (stream_options)",
    "reasoning_effort": "this reasoning effort",
    "reasoning.effort": "this reasoning effort",
    "reasoning.summary": "the request for reasoning summaries",
    "text.verbosity": "this verbosity",
    "verbosity": "this verbosity",
    "temperature": "a temperature",
    "top_p": "top_p",
    "max_tokens": "this limit of output tokens",
    "max_completion_tokens": "this limit of output tokens",
    "max_output_tokens": "this limit of output tokens",
    "images": "images in the conversation",
    "earlier images": "the size of the request. Earlier images were left out",
    "image": "an image in the conversation",
    "encrypted reasoning": "the reasoning of earlier answers",
    "reasoning": "the reasoning of earlier answers",
    "ids": "the ids of earlier messages",
    "signatures": "the signatures of earlier reasoning",
    "parallel calls": "several tool calls in one message",
    "empty content": "messages without content",
    "system": "a system message",
    "schema": "details of the tools' schemas",
    "tools[].function.strict": "strict tools",
    "tools[].strict": "strict tools",
}

WITHOUT_IMAGES = (
    "The provider has refused images for this model before, so those of this message were left out."
)

# What a request may lose without becoming another one.
_OPTIONAL = (
    *("stream_options", "parallel_tool_calls", "tool_choice", "reasoning_effort", "verbosity"),
    *("reasoning.effort", "reasoning.summary", "reasoning.context", "reasoning"),
    *("text.verbosity", "temperature", "top_p", "max_tokens", "max_completion_tokens"),
    *("max_output_tokens", "store", "include", "metadata", "client_metadata", "service_tier"),
    *("prompt_cache_key", "background"),
)
# By what other names servers and gateways speak of them.
_ALIASES = {
    "effort": ("reasoning_effort", "reasoning.effort"),
    "reasoning_effort": ("reasoning.effort",),
    "thinking": ("reasoning_effort", "reasoning.effort"),
    "summary": ("reasoning.summary",),
    "verbosity": ("text.verbosity",),
    "max_tokens": ("max_output_tokens",),
}
# Words of English as well as names: they count only where they stand in quotes or are the param.
_ORDINARY = frozenset({"include", "store", "reasoning", "metadata", "background", "temperature"})
# Fields without which an element of a list is not itself any more.
_ESSENTIAL = frozenset(
    {
        *("role", "content", "type", "name", "arguments", "call_id", "output", "tool_calls"),
        *("tool_call_id", "function", "parameters", "text", "image_url", "url", "summary"),
        *("refusal", "input", "input_audio", "data", "properties", "required", "items", "enum"),
        *("anyOf", "description", "action", "custom", "format", "result", "queries", "code"),
    }
)
# Keywords of JSON schemas that only narrow what is described otherwise.
_KEYWORDS = (
    *("$schema", "$id", "$defs", "$ref", "additionalProperties", "const", "default", "examples"),
    *("exclusiveMaximum", "exclusiveMinimum", "format", "maxItems", "maxLength", "maximum"),
    *("minItems", "minLength", "minimum", "multipleOf", "oneOf", "allOf", "not", "pattern"),
    *("patternProperties", "propertyNames", "title", "uniqueItems", "nullable"),
    *("maxProperties", "minProperties", "dependentRequired", "unevaluatedProperties"),
)
# Those that can go without anything else having to change.
_DETAILS = frozenset(_KEYWORDS) - {"$defs", "$ref", "oneOf", "allOf", "not", "const"}


# --- reading an error ---------------------------------------------------------------------------


def changes_for(
    error: SidestreamError, request: _Request, made: Sequence[Change] = ()
) -> list[Change]:
    """What to change before asking once more; empty when the error names nothing of the kind.

    ``request`` is the one that was refused, with the changes ``made`` already. The first fitting
    reading of the error is taken. Every change makes the request another one.
    """
    for reading in _READINGS:
        found = [
            change
            for change in reading(error, request)
            if change not in made and _changes(change, request)
        ]
        if not found:
            continue
        if found[0].action == "rename" and any(change.action == "rename" for change in made):
            # Both names were refused.
            return [Change("drop", found[0].path, scope=found[0].scope)]
        return found
    return []


def _changes(change: Change, request: _Request) -> bool:
    return apply(request, [change]) != request


def _words(error: SidestreamError) -> str:
    return error.server_message or ""


def _is_refusal(error: SidestreamError) -> bool:
    """Whether the request itself was found wanting, before anything else was tried."""
    if error.kind in (ErrorKind.INVALID_REQUEST, ErrorKind.UNSUPPORTED):
        return True
    return error.status in (400, 404, 413, 422) and error.kind not in _OTHER_CAUSES


_OTHER_CAUSES = (
    *(ErrorKind.CONTEXT_WINDOW_EXCEEDED, ErrorKind.CONTENT_POLICY, ErrorKind.QUOTA_EXCEEDED),
    *(ErrorKind.RATE_LIMITED, ErrorKind.AUTHENTICATION, ErrorKind.MODEL_NOT_FOUND),
)

_ENCRYPTED = re.compile(
    r"invalid_encrypted_content|encrypted[ _]content.{0,120}(?:could not|cannot|invalid|not be)",
    re.I | re.S,
)
_SIGNATURE = re.compile(
    r"(?:invalid|corrupted|not valid).{0,40}\b(?:thought[ _])?signature"
    r"|\bsignature\b.{0,60}(?:invalid|corrupted|not valid|could not|verif)",
    re.I | re.S,
)
_UNKNOWN_ITEM = re.compile(
    r"\bitems? (?:with id )?\W?\w{1,100}\W? (?:was )?not found|items are not persisted"
    r"|without its required\W{1,3}\w{1,40}\W{1,3}item|duplicate item",
    re.I,
)
_UNFOLLOWED = re.compile(r"without its required following item", re.I)
_NO_REASONING = re.compile(
    r"reasoning (?:input )?items? (?:can only|are not|is not|not) (?:be )?\w{1,12}"
    r"|unknown (?:item )?type\W{1,4}reasoning",
    re.I,
)
_NO_IMAGES = re.compile(
    r"\bimages?(?:_url)?(?: inputs?| content| modality)?\W{0,2} (?:is|are) (?:not|only) supported"
    r"|(?:not|n't|that) (?:support|accept|take|process|see) (?:\w{1,20} )?(?:images?|vision|multi)"
    r"|is not (?:a |an )?(?:multimodal|vision|multi-modal)|at most 0 image"
    r"|unknown variant \W?image_url|no endpoints found that support image|image input"
    r"|vision (?:is )?(?:not|unsupported)|mmproj",
    re.I,
)
_BAD_IMAGE = re.compile(
    r"(?:invalid|unsupported|could not|cannot|unable|failed|not represent).{0,60}\bimage"
    r"|\bimage.{0,60}(?:invalid|unsupported|too large|too small|exceed|could not|cannot|not valid)"
    r"|\bimage (?:format|type).{0,40}not supported",
    re.I | re.S,
)
_NO_SYSTEM = re.compile(
    r"system role not supported|(?:system|developer)\W? (?:message|prompt|instruction)s?"
    r" (?:is|are) not (?:supported|enabled)|does not support \W?(?:system|developer)\W?\W"
    r"|only user and assistant roles are supported",
    re.I,
)
_MUST_HAVE = re.compile(r"must be passed|is missing|missing required|is required|must be set", re.I)


def _read_reasoning(error: SidestreamError, request: _Request) -> Iterator[Change]:
    said = f"{error.server_code or ''} {error.param or ''} {_words(error)}"
    if _ENCRYPTED.search(said):
        yield Change("history", "encrypted reasoning", scope="conversation")
    elif not _is_refusal(error):
        return
    elif _UNFOLLOWED.search(said):
        yield Change("history", "reasoning", scope="conversation")
    elif _UNKNOWN_ITEM.search(said):
        yield Change("history", "ids", scope="conversation")
    elif _NO_REASONING.search(said):
        yield Change("history", "reasoning")
    elif _SIGNATURE.search(said):
        yield Change("history", "signatures", scope="conversation")


def _read_images(error: SidestreamError, request: _Request) -> Iterator[Change]:
    words = _words(error)
    if error.param == "body" or error.status == 413:
        yield Change("history", "earlier images", scope="conversation")
    elif _is_refusal(error) and (_NO_IMAGES.search(words) and not _BAD_IMAGE.search(words)):
        yield Change("history", "images")
    elif _is_refusal(error) and (error.param == "image" or _BAD_IMAGE.search(words)):
        named = _at(request, _tokens(error.param or ""))
        url = next(_image_urls(named), None) if named is not None else None
        if url:
            yield Change("history", "image", _digest(url), scope="conversation")
        else:
            yield Change("history", "images", scope="once")
    elif _is_refusal(error) and _NO_IMAGES.search(words):
        yield Change("history", "images")


def _read_limit(error: SidestreamError, request: _Request) -> Iterator[Change]:
    """The limit of output tokens: under its other name, at the largest value, or not at all."""
    words = _words(error)
    names = ("max_tokens", "max_completion_tokens", "max_output_tokens")
    sent = next((name for name in names if name in request), None)
    if sent is None:
        return
    named = any(name in f"{error.param} {words}" for name in (*names, "max_new_tokens"))
    if error.kind is ErrorKind.CONTEXT_WINDOW_EXCEEDED:
        # vLLM speaks of the figure, and not of the field that it came from.
        figure = re.search(rf"(?<!\d){request[sent]}(?!\d)", words) is not None
        named = named or (figure and _OF_THE_ANSWER.search(words) is not None)
    if not named:
        return
    if error.kind is ErrorKind.CONTEXT_WINDOW_EXCEEDED:
        # What is left of the window is for the server to know.
        yield Change("drop", sent, scope="once")
        return
    if not _is_refusal(error):
        return
    bound = _bound(f"{error.param} {words}", request[sent])
    if bound is not None:
        yield Change("set", sent, bound)
        return
    other = {"max_tokens": "max_completion_tokens", "max_completion_tokens": "max_tokens"}.get(sent)
    refused = re.search(rf"\b{sent}\b", f"{error.param} {words}") is not None
    yield Change("rename", sent, other) if other and refused else Change("drop", sent)


_OF_THE_ANSWER = re.compile(r"in the completion|output tokens", re.I)
_BOUND = re.compile(
    r"(?:at most|maximum (?:value )?(?:is|of)|less than or equal to|<=|up to|exceeds? the limit of"
    r"|(?:range|should be|be in|must be).{0,24}\[[01],|between 1 and|>=|minimum value|at least"
    r"|greater than or equal to)\D{0,12}(\d{1,9})",
    re.I,
)


def _bound(words: str, value: Any) -> int | None:
    """The value that the server would take, where it says so."""
    for match in _BOUND.finditer(words):
        figure = int(match[1])
        lower = re.match(r">=|minimum|at least|greater", match[0], re.I) is not None
        if isinstance(value, int) and (figure > value if lower else 0 < figure < value):
            return figure
    return None


_LEVELS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
# Words for an effort that a model cannot have, without a list of those that it can.
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


def _read_effort(error: SidestreamError, request: _Request) -> Iterator[Change]:
    """The nearest of the levels that the server lists."""
    words = _words(error)
    path = "reasoning_effort" if "reasoning_effort" in request else "reasoning.effort"
    sent = _at(request, path.split("."))
    if not isinstance(sent, str) or not _is_refusal(error):
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


def _read_system(error: SidestreamError, request: _Request) -> Iterator[Change]:
    if _NO_SYSTEM.search(_words(error)) and error.kind not in _OTHER_CAUSES:
        yield Change("history", "system")


_TOO_LONG = re.compile(
    r"(?:arguments|output|content|text)\W{1,4}string too long.{0,40}maximum length (\d{1,9})",
    re.I | re.S,
)
_ONE_CALL = re.compile(r"only supports single tool[ -]calls? at once", re.I)
_NO_CONTENT = re.compile(
    r"(?<!\w)content\W.{0,60}(?:valid string|expected (?:a )?string|non-null|not be null|got null)"
    r"|(?<!\w)content\W{0,3} (?:field )?(?:is required|is missing|cannot be null|must be a string)"
    r"|null\W.{0,20}expected (?:a )?string",
    re.I | re.S,
)


def _read_messages(error: SidestreamError, request: _Request) -> Iterator[Change]:
    """The shape of earlier messages, which templates and strict servers restrict."""
    if error.kind in _OTHER_CAUSES:
        return
    if _is_refusal(error) and (found := _TOO_LONG.search(_words(error))):
        yield Change("history", "long texts", int(found[1]), scope="conversation")
    # Templates fail while the prompt is made of them: that is a 500 at some servers.
    if _ONE_CALL.search(_words(error)):
        yield Change("history", "parallel calls")
    elif _is_refusal(error) and _NO_CONTENT.search(f"{error.param or ''} {_words(error)}"):
        yield Change("history", "empty content")


_ABOUT_SCHEMAS = re.compile(r"schema|keyword|strict|parameter|declaration", re.I)
# A model without tools is not helped by simpler ones.
_ABOUT_TOOLS = re.compile(
    r"(?:support|allow|enable)\w{0,3} (?:\w{1,20} )?(?:tools?|function)\b"
    r"|(?:tools?|tool (?:use|calling|choice)|functions?|function calling) (?:is|are) not"
    r"|\bno tools?\b",
    re.I,
)


def _read_schema(error: SidestreamError, request: _Request) -> Iterator[Change]:
    """A keyword of the tools' schemas."""
    said = f"{error.param or ''} {_words(error)} {error.server_code or ''}"
    if not request.get("tools") or not _is_refusal(error):
        return
    if not re.search(r"schema|tools?\b|function|parameters|keyword|properties", said, re.I):
        return
    used = set(_used_keywords(request["tools"]))
    spoken = set(re.findall(r"[$A-Za-z]{2,40}", said))
    named = [name for name in _KEYWORDS if name in used and name in spoken]
    for name in named:
        yield Change("drop", f"schema:{name}")
    if not named and _ABOUT_SCHEMAS.search(said) and not _ABOUT_TOOLS.search(said):
        yield Change("drop", "tools[].function.strict")
        yield Change("drop", "tools[].strict")
        yield Change("history", "schema")


def _read_field(error: SidestreamError, request: _Request) -> Iterator[Change]:
    """A field that the error names, by its path or by its name."""
    if not _is_refusal(error):
        return
    words = _words(error)
    for name in _named(error.param, words):
        if path := _path_of(name, request):
            if path.startswith(("messages[]", "input[]")) and _MUST_HAVE.search(words):
                continue
            yield (
                Change("history", "ids", scope="conversation")
                if path == "input[].id"
                else (Change("drop", path))
            )
            return
    for path in _OPTIONAL:
        name = path.rpartition(".")[2]
        telling = name == "temperature" or (name not in _ORDINARY and "_" in name)
        if telling and name in words and _has(request, path):
            yield Change("drop", path)
            return


_READINGS: tuple[Callable[[SidestreamError, _Request], Iterator[Change]], ...] = (
    _read_reasoning,
    _read_images,
    _read_limit,
    _read_effort,
    _read_system,
    _read_messages,
    _read_field,
    _read_schema,
)

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
_INDEXES = re.compile(r"\d{1,9}|[A-Za-z_$][\w$-]*")


def _named(param: str | None, words: str) -> Iterator[str]:
    """The names in an error that may be fields of the request: the most certain one first."""
    if param:
        yield param
    for match in [*_QUOTED.finditer(words), *_BARE.finditer(words)][:40]:
        name = next(filter(None, match.groups()))
        yield name
        # Some speak of their own fields, which are those of the request in camel case.
        if (snake := _HUMP.sub(r"\1_\2", name)) != name:
            yield snake.lower()


def _tokens(name: str) -> list[str]:
    tokens = _INDEXES.findall(name)
    return tokens[1:] if tokens[:1] in (["body"], ["$"], ["request"]) else tokens


def _path_of(name: str, request: _Request) -> str | None:
    """The field that a name means, if the request can do without it."""
    path = _walk(request, _tokens(name))
    if path is not None:
        if "[]" in path:
            leaf = path.rpartition(".")[2]
            if path.startswith("tools[]") and leaf in _KEYWORDS:
                return f"schema:{leaf}"
            # A whole message, call or tool is never left out.
            return None if leaf in _ESSENTIAL or path.endswith("[]") else path
        # A part of an optional field goes with the whole of it.
        return next((p for p in _OPTIONAL if path == p or path.startswith(f"{p}.")), None)
    plain = name.strip(".")
    leaf = (_tokens(plain) or [""])[-1]
    for known in (plain, *_ALIASES.get(plain, ()), *_ALIASES.get(leaf, ())):
        if known in _OPTIONAL and _has(request, known):
            return known
    if not leaf or leaf in _ESSENTIAL or leaf == "id":
        return None
    paths = (f"{container}.{leaf}" for container in _CONTAINERS)
    return next((path for path in paths if _has(request, path)), None)


_CONTAINERS = ("messages[]", "input[]", "tools[].function", "tools[]", "messages[].tool_calls[]")


def _walk(value: Any, tokens: Sequence[str]) -> str | None:
    """The path of what the tokens lead to, past the tags that validators put in between."""
    path = ""
    for place, token in enumerate(tokens):
        last = place == len(tokens) - 1
        if isinstance(value, list) and token.isdigit():
            if int(token) >= len(value):
                return None
            value, path = value[int(token)], f"{path}[]"
        elif isinstance(value, dict) and token in value:
            value, path = value[token], f"{path}.{token}" if path else token
        elif last or not path:
            return None
    return path or None


def _at(value: Any, tokens: Sequence[str]) -> Any:
    """What the tokens lead to; None where there is nothing."""
    for token in tokens:
        if isinstance(value, list) and token.isdigit() and int(token) < len(value):
            value = value[int(token)]
        elif isinstance(value, dict) and token in value:
            value = value[token]
        else:
            return None
    return value


def _has(value: Any, path: str) -> bool:
    head, _, rest = path.partition(".")
    name = head.removesuffix("[]")
    if not isinstance(value, dict) or name not in value:
        return False
    inner = value[name]
    parts = inner if head.endswith("[]") and isinstance(inner, list) else [inner]
    return not rest or any(_has(part, rest) for part in parts)


# --- changing a request -------------------------------------------------------------------------


def apply(request: _Request, changes: Iterable[Change]) -> _Request:
    """The request with the changes; what they do not concern is the same object."""
    for change in changes:
        if change.action == "history":
            request = _HISTORY[change.path](request, change.value)
        elif change.path.startswith("schema:"):
            keyword = frozenset({change.path.removeprefix("schema:")})
            request = _each_schema(request, keyword)
        else:
            request = _at_path(request, change.path.split("."), change)
    return request


def _at_path(value: Any, path: Sequence[str], change: Change) -> Any:
    head, *rest = path
    name = head.removesuffix("[]")
    if not isinstance(value, dict) or name not in value:
        return value
    inner = value[name]
    if rest:
        if head.endswith("[]") and isinstance(inner, list):
            inner = [_at_path(part, rest, change) for part in inner]
        else:
            inner = _at_path(inner, rest, change)
        if inner == {}:
            return {key: part for key, part in value.items() if key != name}
        return {**value, name: inner}
    if change.action == "set":
        return {**value, name: change.value}
    if change.action == "rename":
        return {str(change.value) if key == name else key: part for key, part in value.items()}
    return {key: part for key, part in value.items() if key != name}


def _items(request: _Request) -> tuple[str, list[Any]]:
    name = "input" if "input" in request else "messages"
    items = request.get(name)
    return name, items if isinstance(items, list) else []


def _without_images(request: _Request, _: Any) -> _Request:
    name, items = _items(request)
    return {**request, name: [_imageless(item) for item in items if not _is_made_image(item)]}


def is_about_images(change: Change) -> bool:
    """Whether a change leaves images out."""
    return change.action == "history" and change.path in ("images", "image", "earlier images")


def loses_images(request: _Request, changed: _Request) -> bool:
    """Whether the message that is being sent had images and has fewer of them now."""
    if changed is request:
        return False
    before, after = (_last_user(each) for each in (request, changed))
    return len([*_image_urls(before)]) > len([*_image_urls(after)])


def _last_user(request: _Request) -> Any:
    return next((item for item in reversed(_items(request)[1]) if _is_user(item)), None)


def _without_earlier_images(request: _Request, _: Any) -> _Request:
    name, items = _items(request)
    last = max((place for place, item in enumerate(items) if _is_user(item)), default=0)
    earlier = [_imageless(item) for item in items[:last] if not _is_made_image(item)]
    return {**request, name: [*earlier, *items[last:]]}


def _without_image(request: _Request, digest: Any) -> _Request:
    name, items = _items(request)
    return {**request, name: [_imageless(item, digest) for item in items]}


def _is_user(item: Any) -> bool:
    return isinstance(item, dict) and item.get("role") == "user"


def _is_made_image(item: Any) -> bool:
    return isinstance(item, dict) and item.get("type") == "image_generation_call"


def _imageless(item: Any, digest: str | None = None) -> Any:
    if not isinstance(item, dict):
        return item
    for name in ("content", "output"):
        parts = item.get(name)
        if isinstance(parts, list) and any(_is_image(part, digest) for part in parts):
            kind = "text" if any(p.get("type") in _CHAT_PARTS for p in parts) else "input_text"
            note = {"type": kind, "text": IMAGE_OMITTED}
            item = {**item, name: [note if _is_image(p, digest) else p for p in parts]}
    return item


_CHAT_PARTS = ("image_url", "text")


def _is_image(part: Any, digest: str | None = None) -> bool:
    if not isinstance(part, dict) or part.get("type") not in ("image_url", "input_image"):
        return False
    return digest is None or any(_digest(url) == digest for url in _image_urls(part))


def _image_urls(part: Any) -> Iterator[str]:
    """The addresses of the images in a part of a request."""
    if isinstance(part, list):
        for each in part:
            yield from _image_urls(each)
    elif isinstance(part, dict):
        image = part.get("image_url")
        url = image.get("url") if isinstance(image, dict) else image
        if isinstance(url, str):
            yield url
        else:
            yield from _image_urls(part.get("content"))
    elif isinstance(part, str) and part.startswith(("data:image/", "https://", "http://")):
        yield part


def _digest(url: str) -> str:
    return hashlib.sha256(url.encode("utf-8", "replace")).hexdigest()[:16]


def _without_encrypted(request: _Request, _: Any) -> _Request:
    name, items = _items(request)
    opened = [_without_keys(item, ("encrypted_content",)) for item in items]
    return _without_ids({**request, name: opened}, None)


def _without_reasoning(request: _Request, _: Any) -> _Request:
    name, items = _items(request)
    fields = ("reasoning", "reasoning_content", "reasoning_details", "thinking_blocks")
    kept = [item for item in items if not _is_reasoning(item)]
    if name == "messages":
        kept = [_without_keys(item, fields) for item in kept]
    return _without_ids({**request, name: kept}, None)


def _without_ids(request: _Request, _: Any) -> _Request:
    """No ids of stored items, and none of the items that are nothing but an id."""
    name, items = _items(request)
    if name != "input":
        return request
    kept = []
    for item in items:
        if isinstance(item, dict) and item.get("type") != "image_generation_call":
            item = _without_keys(item, ("id",))
        if _is_reasoning(item) and not (item.get("encrypted_content") or item.get("content")):
            continue
        if isinstance(item, dict) and item.get("type") == "item_reference":
            continue
        kept.append(item)
    return {**request, name: kept}


def _is_reasoning(item: Any) -> bool:
    return isinstance(item, dict) and item.get("type") == "reasoning"


def _without_keys(item: Any, keys: Sequence[str]) -> Any:
    if not isinstance(item, dict) or not any(key in item for key in keys):
        return item
    return {name: value for name, value in item.items() if name not in keys}


def _without_signatures(request: _Request, _: Any) -> _Request:
    name, items = _items(request)
    bare = []
    for item in items:
        item = _without_keys(item, ("reasoning_details", "thinking_blocks", "extra_content"))
        calls = item.get("tool_calls") if isinstance(item, dict) else None
        if isinstance(calls, list):
            unsigned = [_without_keys(call, ("extra_content",)) for call in calls]
            item = {**item, "tool_calls": unsigned}
        bare.append(item)
    return {**request, name: bare}


def _without_parallel_calls(request: _Request, _: Any) -> _Request:
    """Each call in a message of its own, followed by its output."""
    name, items = _items(request)
    if name != "messages":
        return request
    outputs = {item["tool_call_id"]: item for item in items if _is_output(item)}
    apart: list[Any] = []
    moved: set[str] = set()
    for item in items:
        calls = item.get("tool_calls") if isinstance(item, dict) else None
        if isinstance(calls, list) and len(calls) > 1:
            for place, call in enumerate(calls):
                own = item if place == 0 else {"role": "assistant", "content": None}
                apart.append({**own, "tool_calls": [call]})
                if (output := outputs.get(call.get("id"))) is not None:
                    apart.append(output)
                    moved.add(output["tool_call_id"])
        elif not (_is_output(item) and item["tool_call_id"] in moved):
            apart.append(item)
    return {**request, name: apart}


def _is_output(item: Any) -> bool:
    return isinstance(item, dict) and item.get("role") == "tool" and "tool_call_id" in item


def _without_long_texts(request: _Request, longest: Any) -> _Request:
    """No text of an earlier message, call or output that is longer than the server takes."""
    name, items = _items(request)
    if not isinstance(longest, int) or longest < len(_CUT):
        return request
    last = max((place for place, item in enumerate(items) if _is_user(item)), default=0)
    cut = [_shortened(item, longest) for item in items]
    return {**request, name: [*cut[:last], *items[last : last + 1], *cut[last + 1 :]]}


_CUT = " [… cut]"


def _shortened(value: Any, longest: int, name: str = "") -> Any:
    if isinstance(value, dict):
        return {key: _shortened(part, longest, key) for key, part in value.items()}
    if isinstance(value, list):
        return [_shortened(part, longest, name) for part in value]
    if not isinstance(value, str) or len(value) <= longest:
        return value
    if name == "arguments":
        return "{}"  # What is left has to be JSON.
    cut = name in ("output", "content", "text")
    return value[: longest - len(_CUT)] + _CUT if cut else value


def _without_null(request: _Request, _: Any) -> _Request:
    """Every message has a text, which may be empty."""
    name, items = _items(request)
    if name != "messages":
        return request
    filled = [
        {**item, "content": ""} if isinstance(item, dict) and item.get("content") is None else item
        for item in items
    ]
    return {**request, name: filled}


def _without_system(request: _Request, _: Any) -> _Request:
    """What the system message says, before the user's first words."""
    name, items = _items(request)
    said = [request["instructions"]] if isinstance(request.get("instructions"), str) else []
    rest = []
    for item in items:
        if isinstance(item, dict) and item.get("role") in ("system", "developer"):
            said.append(_plain(item.get("content")))
        else:
            rest.append(item)
    text = "\n\n".join(filter(None, said))
    place = next((at for at, item in enumerate(rest) if _is_user(item)), None)
    if not text or place is None:
        return request
    first = rest[place]
    content = first.get("content")
    if isinstance(content, list):
        kind = "text" if name == "messages" else "input_text"
        content = [{"type": kind, "text": text}, *content]
    else:
        content = f"{text}\n\n{content}"
    rest[place] = {**first, "content": content}
    return {**_without_keys(request, ("instructions",)), name: rest}


def _plain(content: Any) -> str:
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else ()
    return "".join(str(part.get("text", "")) for part in parts if isinstance(part, dict))


def _without_details(request: _Request, _: Any) -> _Request:
    return _each_schema(request, _DETAILS)


def _each_schema(request: _Request, keywords: frozenset[str]) -> _Request:
    """The request with tools whose schemas do not use the keywords."""
    tools = []
    for tool in request.get("tools") or ():
        if isinstance(tool, dict) and isinstance(tool.get("function"), dict):
            function = tool["function"]
            if "parameters" in function:
                parameters = _without_keywords(function["parameters"], keywords)
                tool = {**tool, "function": {**function, "parameters": parameters}}
        elif isinstance(tool, dict) and "parameters" in tool:
            tool = {**tool, "parameters": _without_keywords(tool["parameters"], keywords)}
        tools.append(tool)
    return {**request, "tools": tools} if tools else request


def _without_keywords(schema: Any, names: frozenset[str]) -> Any:
    """A schema without these keywords; the names of properties are not keywords."""
    if isinstance(schema, list):
        return [_without_keywords(part, names) for part in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        name: (
            {key: _without_keywords(part, names) for key, part in value.items()}
            if name in ("properties", "$defs") and isinstance(value, dict)
            else _without_keywords(value, names)
        )
        for name, value in schema.items()
        if name not in names
    }


def _used_keywords(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for part in value:
            yield from _used_keywords(part)
    elif isinstance(value, dict):
        for name, part in value.items():
            if name in _KEYWORDS:
                yield name
            yield from _used_keywords(part)


_HISTORY: dict[str, Callable[[_Request, Any], _Request]] = {
    "images": _without_images,
    "earlier images": _without_earlier_images,
    "image": _without_image,
    "encrypted reasoning": _without_encrypted,
    "reasoning": _without_reasoning,
    "ids": _without_ids,
    "signatures": _without_signatures,
    "parallel calls": _without_parallel_calls,
    "empty content": _without_null,
    "long texts": _without_long_texts,
    "system": _without_system,
    "schema": _without_details,
}


# --- memory -------------------------------------------------------------------------------------


class Adjustments:
    """What servers have refused, so that it is not sent to them again.

    ``changed`` is called after each addition, for whoever stores `to_json`.
    """

    def __init__(self, changed: Callable[[], None] = lambda: None) -> None:
        self._changed = changed
        self._kept: dict[str, list[Change]] = {}

    def known(self, provider: str, model: str, wire_api: str, conversation: str) -> list[Change]:
        """The changes for a request to this model, in the order in which they were learnt."""
        place = _place(provider, model, wire_api)
        found = list(self._kept.get(place, ()))
        return found + self._kept.get(f"{place} {conversation}", []) if conversation else found

    def add(
        self, provider: str, model: str, wire_api: str, conversation: str, change: Change
    ) -> None:
        """Remember a change, unless it is for one request only."""
        place = _place(provider, model, wire_api)
        if change.scope == "conversation":
            place = f"{place} {conversation}" if conversation else ""
        if change.scope == "once" or not place:
            return
        # The place that was used last is forgotten last.
        changes = self._kept.pop(place, [])
        self._kept[place] = changes if change in changes else [*changes, change]
        while len(self._kept) > MAX_KEPT:
            del self._kept[next(iter(self._kept))]
        self._changed()

    def to_json(self) -> str:
        """All of them, to be stored."""
        return json.dumps(
            {
                place: [[c.action, c.path, c.value, c.scope] for c in changes]
                for place, changes in self._kept.items()
            }
        )

    def restore(self, text: str) -> None:
        """Continue from `to_json`; what cannot be read is left out."""
        with suppress(ValidationError):
            for place, changes in _KEPT.validate_json(text or "{}").items():
                known = [Change(*change) for change in changes if _is_known(change[0], change[1])]
                self._kept[place] = known[:MAX_CHANGES]


_KEPT: TypeAdapter[dict[str, list[tuple[Action, str, str | int | None, Scope]]]] = TypeAdapter(
    dict[str, list[tuple[Action, str, str | int | None, Scope]]]
)


def _is_known(action: str, path: str) -> bool:
    return action != "history" or path in _HISTORY


def _place(provider: str, model: str, wire_api: str) -> str:
    return f"{wire_api} {provider} {model}"
