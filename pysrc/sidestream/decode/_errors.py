"""Errors of an answer that ended early, is empty, or is none."""

from __future__ import annotations

from sidestream.decode._bounds import MAX_ITEMS, MAX_TEXT_BYTES
from sidestream.errors import ErrorKind, SidestreamError

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
"""The message of `empty_answer`, which distinguishes it from other errors of its kind."""


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
