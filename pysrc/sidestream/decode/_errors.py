"""Errors of an answer that ended early, is empty, or is none."""

from __future__ import annotations

from sidestream.decode._bounds import MAX_ITEMS, MAX_TEXT_BYTES
from sidestream.errors import ErrorKind, SidestreamError
from sidestream.texts import text

TOO_MANY = "too_many_items"
"""The reason of an answer that was ended because of `MAX_ITEMS`."""


_OUTPUT_LIMIT = ("error_output_limit", "hint_output_limit")
_INCOMPLETE = {
    "max_output_tokens": _OUTPUT_LIMIT,
    "length": _OUTPUT_LIMIT,
    "max_tokens": _OUTPUT_LIMIT,
    "context_window": ("error_window_full", "hint_window_full"),
    "content_filter": ("error_content_filter", "hint_content_filter"),
    "cancelled": ("error_cancelled", "hint_send_again"),
    "expired": ("error_expired", "hint_send_again"),
    "pause": ("error_paused", "hint_ask_to_continue"),
    TOO_MANY: ("error_too_many_parts", "hint_too_many_parts"),
    "repetition": ("error_repetition", "hint_repetition"),
}
"""Message and hint by the reason of an incomplete answer."""


def incomplete(reason: str, *, said: str | None = None) -> SidestreamError:
    """The error for an answer that the provider ended early and said why.

    ``said`` is the server's own word, where ``reason`` is ours for it.
    """
    message, hint = _INCOMPLETE.get(reason, (None, "hint_ask_to_continue"))
    if message == "error_too_many_parts":
        what = text(message, count=MAX_ITEMS)
    elif message:
        what = text(message)
    elif reason:
        what = text("error_incomplete_because", reason=reason)
    else:
        what = text("error_incomplete")
    code = said or reason or None
    return SidestreamError(ErrorKind.INCOMPLETE, what, hint=text(hint), server_code=code)


def stream_closed(message: str) -> SidestreamError:
    """The error for a stream that ended before its end."""
    return SidestreamError(
        ErrorKind.STREAM_CLOSED,
        message,
        hint=text("hint_stream_closed"),
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
        hint=text("hint_empty_answer"),
    )


EMPTY_ANSWER = text("error_empty_answer")
"""The message of `empty_answer`, which distinguishes it from other errors of its kind."""


def too_much_text() -> SidestreamError:
    """The error for a frame of more text than any answer has."""
    return bad_response(text("error_too_much_text", count=MAX_TEXT_BYTES))


def bad_response(message: str) -> SidestreamError:
    """The error for an answer that is not of this wire API."""
    return SidestreamError(
        ErrorKind.BAD_RESPONSE,
        message,
        hint=text("hint_unknown_address"),
    )
