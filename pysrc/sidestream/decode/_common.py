"""What both decoders need: lenient JSON, text that grows by deltas, usage, errors."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any, TypeVar

from pydantic import OnErrorOmit, TypeAdapter, ValidationError
from typing_extensions import TypedDict

from sidestream._json import MAX_VALUES, has_too_many_values, parse
from sidestream.errors import ErrorKind, SidestreamError
from sidestream.types.items import ContentItem, ResponseItem, response_item
from sidestream.types.usage import TokenUsage

# pydantic can write no more than about 45 levels under Pyodide.
_MAX_DEPTH = 32
# What is passed on as it came, so nothing joins the halves in it.
_VERBATIM = frozenset({"annotation", "annotations", "error", "item", "metadata", "response"})

MAX_ITEMS = 1_000
"""So many items, parts of one item or sources an answer may have; with more it is ended. Nothing
that a model writes comes near it, and what is done for each of them adds up."""

MAX_TEXT_BYTES = 16 * 1024 * 1024
"""So much of one frame may be text, or a picture of Chat Completions: the rest of the way it is
looked at as a whole. Texts of 10 MB in one delta are known."""

_CONTENT: TypeAdapter[ContentItem] = TypeAdapter(ContentItem)

T = TypeVar("T")


class Text:
    """Text that grows by deltas and puts a character together that was split over two of them.

    Servers that cut JSON strings by UTF-16 units send an emoji as two lone surrogates.
    """

    __slots__ = ("_chunks", "_half")

    def __init__(self) -> None:
        self._chunks: list[str] = []
        self._half = ""

    def add(self, delta: str) -> str:
        """Append and give back what can be shown now: the delta, most of the time."""
        if self._half or _has_surrogates(delta):
            delta = self._half + delta
            self._half = delta[-1] if "\ud800" <= delta[-1] <= "\udbff" else ""
            delta = joined_surrogates(delta[:-1] if self._half else delta)
        if delta:
            self._chunks.append(delta)
        return delta

    def end(self, whole: str) -> str:
        """What must follow the deltas, now that the server has told the ``whole`` text.

        Its unsent rest if it begins with what was sent; otherwise nothing but a replacement
        character for a half that never found its other half.
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


def _has_surrogates(text: str) -> bool:
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


def mended(value: Any, keep: frozenset[str] = frozenset(), depth: int = 0) -> Any:
    """JSON data that can be written down again: no lone surrogates, no abyss of lists in lists.

    The strings under the keys in ``keep`` stay as they are, for `Text` to join. What is nested too
    deeply becomes ``None``.
    """
    if isinstance(value, str):
        return joined_surrogates(value) if _has_surrogates(value) else value
    if isinstance(value, (list, dict)) and depth > _MAX_DEPTH:
        return None
    if isinstance(value, list):
        return [mended(part, keep, depth + 1) for part in value]
    if isinstance(value, dict):
        return {
            mended(key): part
            if key in keep and isinstance(part, str)
            else mended(part, frozenset() if key in _VERBATIM else keep, depth + 1)
            for key, part in value.items()
        }
    return value


def read_frame(adapter: TypeAdapter[T], data: str | bytes, keep: frozenset[str]) -> T | None:
    """Parse one frame; ``None`` if it is not a JSON object.

    pydantic's parser refuses lone surrogates and control characters, which some servers send, so
    what it refuses gets a second chance with the standard library's.
    """
    if len(data) > MAX_VALUES and has_too_many_values(data):
        return None
    try:
        # The adapter's own layer of Python costs a quarter of what the parser does.
        return adapter.validator.validate_json(data)  # type: ignore[no-any-return]
    except ValidationError:
        pass
    try:
        return adapter.validate_python(mended(parse(frame_text(data)), keep))
    except ValueError:
        return None


class _Stored(TypedDict, total=False):
    sequence_number: OnErrorOmit[int]
    status: OnErrorOmit[str]


_STORED = TypeAdapter(_Stored)


def sequence_number_of(frame: str | bytes) -> int | None:
    """The number that a server of the Responses API gave a frame, if it counts them."""
    return (read_frame(_STORED, frame, frozenset()) or {}).get("sequence_number")


def response_status(body: bytes) -> str:
    """The ``status`` of a whole response, empty if it has none."""
    return (read_frame(_STORED, body, frozenset()) or {}).get("status", "")


def frame_text(data: str | bytes) -> str:
    """A frame's data as text; invalid UTF-8 becomes U+FFFD."""
    return data if isinstance(data, str) else data.decode("utf-8", "replace")


def as_json_text(value: Any) -> str | None:
    """Arguments as the JSON text that the API promises; several servers send the parsed object."""
    if isinstance(value, str):
        return value
    return json.dumps(value) if isinstance(value, (dict, list)) else None


def unwrapped(text: str) -> str:
    """The arguments in a JSON string that holds them: some models write the object as a text."""
    if not text.lstrip().startswith('"'):
        return text
    try:
        inner = parse(text)
        return inner if isinstance(inner, str) and isinstance(parse(inner), dict) else text
    except ValueError:
        return text


def plain_name(name: str) -> str:
    """A tool's name without the marks of the chat format that gpt-oss writes after it."""
    return name.partition("<|")[0].rstrip() or name


def is_json(text: str) -> bool:
    """Whether this is a whole JSON value."""
    try:
        parse(text)
    except ValueError:
        return False
    return True


def call_id_for(*parts: object) -> str:
    """A call id for a server that gave none: the same for the same answer, unlike any other's."""
    digest = hashlib.sha256("/".join(map(str, parts)).encode("utf-8", "replace"))
    return f"call_{digest.hexdigest()[:24]}"


def item_from(raw: dict[str, Any]) -> ResponseItem:
    """The item, without the fields that are not what they should be."""
    raw = dict(raw)
    while True:
        try:
            return response_item.validate_python(raw)
        except ValidationError as error:
            for problem in error.errors(include_url=False, include_input=False):
                # A location begins with the item's type and the field.
                name = str(problem["loc"][1])
                raw.pop(name, None)
                if problem["type"] == "missing":
                    raw[name] = ""


def content_part(raw: dict[str, Any]) -> bool:
    """Whether this is a content part that an item may hold."""
    try:
        _CONTENT.validate_python(raw)
    except ValidationError:
        return False
    return True


_LONGEST_COUNT = 40
_MAX_COUNT = 10**12
"""Nobody has used so many tokens in one answer: a larger figure is no count."""


def _count(source: Any, *names: str) -> int | None:
    if not isinstance(source, dict):
        return None
    for name in names:
        value = source.get(name)
        if isinstance(value, str):
            try:
                value = float(value[:_LONGEST_COUNT])
            except ValueError:
                continue
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            continue
        if 0 <= value < _MAX_COUNT:
            return int(value)
    return None


def token_usage(raw: Any) -> TokenUsage | None:
    """Usage in the words of either API and of the servers that speak neither quite.

    Counts may be missing, ``null``, floats or numeric strings; those that cannot be are unknown.
    ``None`` if there is no count. Cached tokens are part of the input; where a gateway counts them
    beside it, which shows when there are more of them, they are added.
    """
    sent = _count(raw, "input_tokens", "prompt_tokens")
    received = _count(raw, "output_tokens", "completion_tokens")
    total = _count(raw, "total_tokens")
    if sent is None and received is None and total is None:
        return None
    input_details = raw.get("input_tokens_details") or raw.get("prompt_tokens_details")
    output_details = raw.get("output_tokens_details") or raw.get("completion_tokens_details")
    cached = _count(input_details, "cached_tokens")
    if cached is None:
        cached = _count(raw, "prompt_cache_hit_tokens", "cache_read_input_tokens", "cached_tokens")
    written = _count(input_details, "cache_write_tokens", "cache_creation_tokens")
    if written is None:
        written = _count(raw, "cache_creation_input_tokens")
    reasoning = _count(output_details, "reasoning_tokens")
    if reasoning is None:
        reasoning = _count(raw, "reasoning_tokens")
    beside = (cached or 0) + (written or 0)
    if sent is not None and beside > sent:
        sent += beside
        total = max(total or 0, sent + (received or 0))
    return TokenUsage(
        input_tokens=sent or 0,
        cached_input_tokens=cached or 0,
        cache_write_input_tokens=written or 0,
        output_tokens=received or 0,
        reasoning_output_tokens=reasoning or 0,
        total_tokens=total or (sent or 0) + (received or 0),
    )


TOO_MANY = "too_many_items"
"""The reason of an answer that was ended because of `MAX_ITEMS`."""


def incomplete(reason: str, *, said: str | None = None) -> SidestreamError:
    """The error for an answer that the provider ended early and said why.

    ``said`` is the server's own word, where ``reason`` is ours for it.
    """
    if reason in ("max_output_tokens", "length", "max_tokens"):
        message = "The answer stopped at the limit for output tokens."
        hint = "What arrived is kept. Ask the model to continue, or raise the output token limit."
    elif reason == "context_window":
        message = "The answer stopped because the model's context window is full."
        hint = "What arrived is kept. Summarise the conversation or start a new one."
    elif reason == "content_filter":
        message = "The provider's content filter stopped the answer."
        hint = "What arrived is kept. Put the request in other words."
    elif reason == "cancelled":
        message = "The provider cancelled the answer."
        hint = "What arrived is kept. Send the message again."
    elif reason == "expired":
        message = "The answer expired at the provider before it was finished."
        hint = "What arrived is kept. Send the message again."
    elif reason == "pause":
        message = "The provider paused the answer."
        hint = "What arrived is kept. Ask the model to continue."
    elif reason == TOO_MANY:
        message = f"The answer has more than {MAX_ITEMS:,} parts, so it was ended there."
        hint = "What arrived is kept. Ask the model to continue, or put the request in other words."
    elif reason == "repetition":
        message = "The provider stopped the answer because it repeated itself."
        hint = "What arrived is kept. Ask again, or put the request in other words."
    else:
        message = f"The answer is incomplete: {reason or 'the provider does not say why'}."
        hint = "What arrived is kept. Ask the model to continue."
    code = said or reason or None
    return SidestreamError(ErrorKind.INCOMPLETE, message, hint=hint, server_code=code)


def stream_closed(message: str) -> SidestreamError:
    """The error for a stream that ended before its end."""
    return SidestreamError(
        ErrorKind.STREAM_CLOSED,
        message,
        hint="The connection ended before the answer was whole. What arrived is kept; try again.",
        retryable=True,
    )


def empty_answer() -> SidestreamError:
    """The error for an answer that ended well and has nothing in it.

    Asking again rarely helps: the usual causes are a prompt that was cut to fit a small context
    window and a chat template that does not suit the model.
    """
    return SidestreamError(
        ErrorKind.BAD_RESPONSE,
        EMPTY_ANSWER,
        hint="Send the message again. If this happens often, check the model's context size.",
    )


EMPTY_ANSWER = "The provider sent an empty answer."
"""The message of `empty_answer`, by which it can be told from other errors of its kind."""


def too_much_text() -> SidestreamError:
    """The error for a frame of more text than any answer has."""
    return bad_response(f"The server sent more than {MAX_TEXT_BYTES:,} bytes of text at once.")


def bad_response(message: str) -> SidestreamError:
    """The error for an answer that is not of this wire API."""
    return SidestreamError(
        ErrorKind.BAD_RESPONSE,
        message,
        hint="Check the base URL and the wire API in the settings.",
    )
