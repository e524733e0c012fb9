"""Lenient JSON: one frame of a stream, or a whole body, as data."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import OnErrorOmit, TypeAdapter, ValidationError
from typing_extensions import TypedDict

from sidestream._json import MAX_VALUES, has_too_many_values, parse
from sidestream.decode._text import has_surrogates, joined_surrogates

# pydantic can write no more than about 45 levels under Pyodide.
_MAX_DEPTH = 32
# Values that are passed on unchanged, so that nothing joins halves of characters in them.
_VERBATIM = frozenset({"annotation", "annotations", "error", "item", "metadata", "response"})

T = TypeVar("T")


def mended(value: Any, keep: frozenset[str] = frozenset(), depth: int = 0) -> Any:
    """JSON data that can be serialised again: no lone surrogates, and no deep nesting.

    The strings under the keys in ``keep`` stay as they are, because `Text` joins them. What is
    nested too deeply becomes ``None``.
    """
    if isinstance(value, str):
        return joined_surrogates(value) if has_surrogates(value) else value
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


class _FrameFields(TypedDict, total=False):
    sequence_number: OnErrorOmit[int]
    status: OnErrorOmit[str]


_FRAME_FIELDS = TypeAdapter(_FrameFields)


def sequence_number_of(frame: str | bytes) -> int | None:
    """The number that a server of the Responses API gave a frame, if it counts them."""
    return (read_frame(_FRAME_FIELDS, frame, frozenset()) or {}).get("sequence_number")


def response_status(body: bytes) -> str:
    """The ``status`` of a whole response, empty if it has none."""
    return (read_frame(_FRAME_FIELDS, body, frozenset()) or {}).get("status", "")


def frame_text(data: str | bytes) -> str:
    """A frame's data as text; invalid UTF-8 becomes U+FFFD."""
    return data if isinstance(data, str) else data.decode("utf-8", "replace")


def is_json(text: str) -> bool:
    """Whether this is a whole JSON value."""
    try:
        parse(text)
    except ValueError:
        return False
    return True
