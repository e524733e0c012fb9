"""What the finish reasons of servers mean: a good end, or which error."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from sidestream.decode._errors import incomplete
from sidestream.errors import ErrorKind, SidestreamError
from sidestream.server_errors import error_from_server_error
from sidestream.texts import text

# As servers spell them, in lower case and without anything but letters and digits.
_NONE = frozenset({"", "null", "none", "unspecified", "unknown", "finishreasonunspecified"})
_GOOD = frozenset(
    {
        # OpenAI, Azure and all who imitate them
        *("stop", "toolcalls", "toolcall", "functioncall", "functioncalls"),
        # Anthropic and Bedrock
        *("endturn", "stopsequence", "tooluse", "compaction"),
        # Hugging Face, Together, watsonx, AI21, TensorRT-LLM
        *("eos", "eostoken", "endoftext", "endid", "eot", "eog", "eogtoken", "stopword"),
        *("stopwords", "stopstring", "stoptoken", "stoptrigger"),
        # Gemini, Cohere, Titan, LM Studio's own API, Responses
        *("complete", "completed", "finish", "finished", "end", "done", "normal", "success"),
        *("eosfound", "stopstringfound", "alternativestatusfinal"),
        # Ollama, after a request that only unloads the model
        *("load", "unload"),
    }
)
_LENGTH = frozenset(
    {
        *("length", "maxtokens", "maxlength", "maxoutputtokens", "modellength", "tokenlimit"),
        *("maxtokensexceeded", "maxcompletiontokens", "maxpredictedtokensreached", "errorlimit"),
        "alternativestatustruncatedfinal",
    }
)
_WINDOW = frozenset(
    {
        *("modelcontextwindowexceeded", "contextwindowexceeded", "contextlengthexceeded"),
        *("contextlengthreached", "contextlength"),
    }
)
_FILTERED = frozenset(
    {
        *("contentfilter", "contentfiltered", "sensitive", "refusal", "blacklist", "errortoxic"),
        # Gemini
        *("safety", "recitation", "prohibitedcontent", "blocklist", "spii", "imagesafety"),
        *("language", "blocked"),
        # Bedrock, Yandex
        *("guardrailintervened", "alternativestatuscontentfilter"),
    }
)
_CANCELLED = frozenset({"abort", "aborted", "cancel", "cancelled", "canceled", "usercancel"})
# The server was at fault, so that another answer may be better.
_SERVERS_FAULT = frozenset(
    {
        *("error", "failed", "failure", "networkerror", "insufficientsystemresource"),
        *("resourceexhausted", "timeout", "timelimit", "timedout", "modelunloaded"),
    }
)
_OVERLOADED = ("overload", "insufficientsystemresource", "resourceexhausted", "busy")
_BAD_CALL = ("malformed", "unexpectedtoolcall", "invalidtoolcall", "toolcallerror")


def is_said(reason: str) -> bool:
    """Whether a finish reason means anything; some servers send ``"null"`` until the end."""
    return _normalised(reason) not in _NONE


def ended_badly(
    reason: str, error: Any = None, *, now: Callable[[], float]
) -> SidestreamError | None:
    """The error that a finish reason stands for; ``None`` if the answer is whole.

    ``error`` is the error that the server sends with it. An error that another answer may not have
    is retryable. An unknown reason is an error, because it may not be a good end.
    """
    plain = _normalised(reason)
    if error is None and (plain in _GOOD or plain in _NONE):
        return None
    if plain in _LENGTH:
        return incomplete("length", said=reason)
    if plain in _WINDOW:
        return incomplete("context_window", said=reason)
    if plain in _FILTERED or "contentfilter" in plain:
        return incomplete("content_filter", said=reason)
    if plain in _CANCELLED:
        return incomplete("cancelled", said=reason)
    if plain == "pauseturn":
        return incomplete("pause", said=reason)
    if "repetition" in plain:
        return incomplete("repetition", said=reason)
    if error is not None or plain in ("error", "networkerror", "failed", "failure"):
        return error_from_server_error(error, fallback=text("error_ended_with_error"), now=now())
    if any(word in plain for word in _BAD_CALL):
        return SidestreamError(
            ErrorKind.BAD_RESPONSE,
            text("error_unreadable_call", reason=reason[:_MAX_REASON]),
            hint=text("hint_unreadable_call"),
            retryable=True,
            server_code=reason[:_MAX_REASON],
        )
    if plain in _SERVERS_FAULT or any(word in plain for word in _OVERLOADED):
        overloaded = any(word in plain for word in _OVERLOADED)
        return SidestreamError(
            ErrorKind.SERVER_OVERLOADED if overloaded else ErrorKind.SERVER_ERROR,
            text("error_broken_off", reason=reason[:_MAX_REASON]),
            hint=text("hint_broken_off"),
            retryable=True,
            server_code=reason[:_MAX_REASON],
        )
    return incomplete(reason[:_MAX_REASON])


_MAX_REASON = 200


def _normalised(reason: str) -> str:
    plain = re.sub(r"[^a-z0-9]", "", reason[:_MAX_REASON].lower())
    # Vertex and its gateways put the enum's name before the value.
    return plain if plain in _NONE else plain.removeprefix("finishreason")
