"""How an answer may end, and what that means for its turn."""

from __future__ import annotations

from sidestream._json import parse
from sidestream.decode._errors import EMPTY_ANSWER
from sidestream.errors import ErrorKind, SidestreamError
from sidestream.session.conversation import is_about_images, is_too_large
from sidestream.session.turn import Turn
from sidestream.types.items import FunctionCallItem, MessageItem, ReasoningItem, ResponseItem

MAX_PUT_OFF_MS = 24 * 3_600_000
"""A limit that ends within this time is waited for; for a longer one the turn fails and says so."""
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
    """How long the provider wants a pause for; 0 when it does not say."""
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
        # What was written is not thrown away, except where calls have been carried out.
        and (turn.kind is not None or turn.calls > 0 or not turn.text)
    )


def ended_without_a_word(turn: Turn, failure: SidestreamError) -> bool:
    """Whether the model had nothing to add to what its calls gave."""
    empty = failure.message == EMPTY_ANSWER and not turn.answer and turn.calls > 0
    return empty and turn.finish_reason in _NORMAL_ENDS


def calls_are_whole(turn: Turn, failure: SidestreamError) -> bool:
    """Whether an answer broke after its calls had arrived: they can be carried out all the same."""
    calls = turn.open_calls
    return failure.kind in _BROKE and bool(calls) and all(map(_is_whole, calls))


def _is_whole(call: FunctionCallItem) -> bool:
    try:
        parse(call.arguments or "{}")
    except ValueError:
        return False
    return True


def only_thought(turn: Turn) -> bool:
    """Whether the model has thought, and neither said nor called anything."""
    answer = [item for item in turn.answer if not _is_blank(item)]
    return bool(answer) and all(isinstance(item, ReasoningItem) for item in answer)


def _is_blank(item: ResponseItem) -> bool:
    """Whether an item is a message without a word in it, not even a refusal's."""
    if not isinstance(item, MessageItem):
        return False
    said = [getattr(part, "text", "") or getattr(part, "refusal", "") for part in item.content]
    return not "".join(said).strip()


def may_be_the_images(failure: SidestreamError) -> bool:
    """Whether the images of a message may be why the provider refuses it."""
    error = failure.to_dict()
    unnamed = failure.kind is ErrorKind.INVALID_REQUEST and failure.param is None
    return unnamed or is_too_large(error) or is_about_images(error)
