"""The ways in which an answer can end, and what each means for its turn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sidestream._json import parse
from sidestream.decode._errors import EMPTY_ANSWER
from sidestream.errors import ErrorKind, SidestreamError
from sidestream.session.turn import Turn
from sidestream.types.items import FunctionCallItem, MessageItem, ReasoningItem, ResponseItem

MAX_PUT_OFF_MS = 24 * 3_600_000
"""A turn waits for a limit that ends within this time, and fails if the limit lasts longer."""
MAX_PUT_OFF = 20
"""How often in a row a turn waits for a limit before it fails."""
_BROKE = (
    *(ErrorKind.STREAM_CLOSED, ErrorKind.NETWORK, ErrorKind.TIMEOUT),
    *(ErrorKind.SERVER_ERROR, ErrorKind.SERVER_OVERLOADED),
)
_LIMITS = (
    *(ErrorKind.RATE_LIMITED, ErrorKind.USAGE_LIMIT_REACHED),
    *(ErrorKind.QUOTA_EXCEEDED, ErrorKind.SERVER_OVERLOADED),
)
_NORMAL_ENDS = ("stop", "completed", "end_turn", "eos")


def pause_ms(failure: SidestreamError, now_ms: int) -> int:
    """The pause that the provider asks for; 0 if it asks for none."""
    if failure.retry_after_ms:
        return failure.retry_after_ms
    return max((failure.resets_at or 0) * 1000 - now_ms, 0)


def is_put_off(turn: Turn, failure: SidestreamError, wait_ms: int) -> bool:
    """Whether a turn waits for a limit that ends in ``wait_ms``, instead of failing."""
    return (
        failure.kind in _LIMITS
        and (failure.retryable or failure.resets_at is not None)
        and wait_ms <= MAX_PUT_OFF_MS
        and turn.put_off < MAX_PUT_OFF
        # A partial answer is not dropped, unless calls were carried out, which are kept.
        and (turn.kind is not None or turn.calls > 0 or not turn.text)
    )


def ended_without_a_word(turn: Turn, failure: SidestreamError) -> bool:
    """Whether the model had nothing to add to the outputs of its calls."""
    empty = failure.message == EMPTY_ANSWER and not turn.answer and turn.calls > 0
    return empty and turn.finish_reason in _NORMAL_ENDS


def calls_are_whole(turn: Turn, failure: SidestreamError) -> bool:
    """Whether an answer broke after whole calls had arrived, which can be carried out."""
    calls = turn.open_calls
    return failure.kind in _BROKE and bool(calls) and all(map(_is_whole, calls))


def _is_whole(call: FunctionCallItem) -> bool:
    try:
        parse(call.arguments or "{}")
    except ValueError:
        return False
    return True


def only_thought(turn: Turn) -> bool:
    """Whether an answer has nothing but reasoning."""
    answer = [item for item in turn.answer if not _is_blank(item)]
    return bool(answer) and all(isinstance(item, ReasoningItem) for item in answer)


def _is_blank(item: ResponseItem) -> bool:
    """Whether an item is a message without any text or refusal."""
    if not isinstance(item, MessageItem):
        return False
    said = [getattr(part, "text", "") or getattr(part, "refusal", "") for part in item.content]
    return not "".join(said).strip()


def may_be_the_images(failure: SidestreamError) -> bool:
    """Whether the provider may have refused a message because of its images."""
    error = failure.to_dict()
    unnamed = failure.kind is ErrorKind.INVALID_REQUEST and failure.param is None
    return unnamed or is_too_large(error) or is_about_images(error)


def is_too_large(error: Mapping[str, Any] | None) -> bool:
    """Whether a request had more bytes than the provider accepts."""
    error = error or {}
    return error.get("status") == 413 or error.get("param") == "body"


def is_about_images(error: Mapping[str, Any] | None) -> bool:
    """Whether the provider says that it does not accept an image."""
    param = (error or {}).get("param")
    return isinstance(param, str) and "image" in param
