"""Which answers count as a summary of a conversation, and the errors when none does."""

from __future__ import annotations

import re

from sidestream.errors import ErrorKind, SidestreamError
from sidestream.session.endings import is_about_images, is_too_large
from sidestream.session.turn import Turn

CUT_SUMMARY = "The summary was cut short at the limit for output tokens."
_WAY_OUT = "The conversation stays as it is. Retry the summary, or send your message without it."
_CUT_SHORT = ("length", "max_tokens", "max_output_tokens", "model_length", "model_context_window")
_REFUSAL = re.compile(
    r"(?:i\W{0,2}m sorry|i am sorry|sorry)\b.{0,20}\bi\b.{0,20}"
    r"\b(?:can\W{0,2}t|cannot|can not|won\W{0,2}t|unable)\b"
    r"|i(?:\W{0,2}m| am)? ?(?:can\W{0,2}t|cannot|can not|won\W{0,2}t|unable to|not able to) "
    r"(?:help|assist|do|comply|continue|fulfill)\b",
    re.IGNORECASE | re.DOTALL,
)
_LONGEST_REFUSAL = 300
# Models that call tools in a text write calls like these.
_CALL_AS_TEXT = re.compile(
    r"[\s`]{0,20}(?:json\s{1,5})?(?:<\W{0,2}tool[_\W]?calls?\b|\[tool_calls?\]|<function[=_s]|<invoke\b"
    r"|<\|python_tag\|>|<\w{1,12}:(?:tool_call|function_calls|invoke)\b)",
    re.IGNORECASE,
)


def check_summary(compaction: Turn) -> None:
    """Raise `SidestreamError` if the answer of a compaction is no summary."""
    text = compaction.text.strip()
    refusal = "".join(block.text for block in compaction.blocks if block.kind == "refusal")
    called = any(block.kind == "tool" for block in compaction.blocks)
    if called or _CALL_AS_TEXT.match(text):
        what = "The model called a tool instead of writing a summary."
    elif refusal or (len(text) <= _LONGEST_REFUSAL and _REFUSAL.match(text)):
        what = f"The model did not want to write a summary: {(refusal or text)[:_LONGEST_REFUSAL]}"
    elif not any(character.isalnum() for character in text):
        thought = any(block.kind == "reasoning" for block in compaction.blocks)
        what = "The model thought, and wrote no summary." if thought else "The summary is empty."
    else:
        return
    raise SidestreamError(ErrorKind.BAD_RESPONSE, what, hint=_WAY_OUT, retryable=True)


def is_cut_short(failure: SidestreamError, compaction: Turn) -> bool:
    """Whether a summary was cut off at a token limit."""
    if failure.kind is not ErrorKind.INCOMPLETE or compaction.finish_reason not in _CUT_SHORT:
        return False
    try:
        check_summary(compaction)
    except SidestreamError:
        return False
    return True


def is_too_much(failure: SidestreamError, compaction: Turn) -> bool:
    """Whether a shorter request for a summary may succeed."""
    error = failure.to_dict()
    if failure.kind is ErrorKind.INCOMPLETE:
        return compaction.finish_reason in _CUT_SHORT
    # Some plans refuse requests that are larger than what they allow per minute.
    too_large_for_plan = failure.kind is ErrorKind.RATE_LIMITED and not failure.retryable
    return (
        failure.kind is ErrorKind.CONTEXT_WINDOW_EXCEEDED
        or is_too_large(error)
        or is_about_images(error)
        or (too_large_for_plan and not failure.resets_at)
    )


def not_summarised(failure: SidestreamError) -> SidestreamError:
    """The error of a failed summary, with what it means for the conversation if known."""
    if failure.kind is ErrorKind.INCOMPLETE:
        message = f"The summary was cut short. {failure.message}"
        return SidestreamError(ErrorKind.BAD_RESPONSE, message, hint=_WAY_OUT, retryable=True)
    if failure.kind is ErrorKind.CONTEXT_WINDOW_EXCEEDED:
        failure.hint = (
            "Not even a part of the conversation fits into the model's context window. Choose a "
            "model with a larger one, then retry the summary."
        )
    return failure
