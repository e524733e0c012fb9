"""How servers report that an answer failed: the shapes of errors, and the finish reasons."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from sidestream._json import MAX_VALUES, parse
from sidestream.decode._errors import incomplete
from sidestream.decode._frames import frame_text
from sidestream.errors import ErrorKind, SidestreamError
from sidestream.server_errors import error_from_server_error
from sidestream.server_errors.shapes import failure_in_base_resp

# --- errors in frames ----------------------------------------------------------------------------

_MESSAGES = ("message", "msg", "detail")
_ERROR_MESSAGES = ("error_message", "errorMessage", "error_msg", "errmsg", "err_msg")
_CODES = ("code", "error_code", "status_code", "statusCode", "status", "err_code", "errcode")
_FINE = frozenset({"", "0", "200", "ok", "success", "succeeded", "none", "null"})
_ERROR_TYPE = re.compile(r"error|exception|fail", re.IGNORECASE)


def told_error(raw: dict[str, Any]) -> Any:
    """The error in an object, for `error_from_server_error`; ``None`` if there is none.

    Seen: ``error`` with an object, a text or ``true``; ``object`` or ``type`` of ``error``;
    MiniMax's ``base_resp``; Groq's ``x_groq``; Baidu's ``error_msg``; and where there are no
    ``choices``, FastAPI's ``detail`` and a bare ``code`` with a ``message``.
    """
    error = raw.get("error")
    if error:
        message = raw.get("message")
        if isinstance(error, str) and isinstance(message, str) and message:
            words = message if error in message else f"{error}: {message}"
            return {**raw, "error": None, "message": words}
        return error if isinstance(error, (dict, list)) else raw
    if failure := failure_in_base_resp(raw):
        return failure
    groq = raw.get("x_groq")
    if isinstance(groq, dict) and groq.get("error"):
        return groq["error"]
    kind = raw.get("type")
    if raw.get("object") == "error" or kind == "error":
        return raw
    for name in _ERROR_MESSAGES:
        if isinstance(raw.get(name), str) and raw[name]:
            code = next((raw[code] for code in _CODES if raw.get(code)), None)
            return {"code": code, "type": raw.get("error_type"), "message": raw[name]}
    if raw.get("choices") or raw.get("output"):
        return None
    if kind is not None or raw.get("event") is not None:
        speaks = any(isinstance(raw.get(name), str) and raw[name] for name in _MESSAGES)
        return raw if isinstance(kind, str) and _ERROR_TYPE.search(kind) and speaks else None
    if raw.get("detail") or raw.get("errors") or raw.get("success") is False:
        return raw
    words = next((raw[name] for name in _MESSAGES if isinstance(raw.get(name), str)), "")
    if words.lower() in _FINE:
        return None
    for name in _CODES:
        code = raw.get(name)
        if isinstance(code, bool) or not isinstance(code, (int, str)):
            continue
        if isinstance(code, int) and 100 <= code < 400:
            continue
        if str(code).lower() not in _FINE:
            return raw
    return None


def error_in(data: str | bytes, *, certain: bool) -> Any:
    """The error in a frame that is not an event of the wire API; ``None`` if there is none.

    ``certain``: the server has marked the frame as an error, so any content is one. Otherwise the
    error is searched for in each line and in objects that follow each other, because gateways write
    their error into an event that they had begun.
    """
    text = frame_text(data).strip()
    objects, rest = objects_in(text)
    if rest:
        for mark in _GLUED.finditer(text, max(0, len(text) - _MAX_GLUED)):
            value, _ = _object_at(text, mark.start())
            if value is not None:
                objects.append(value)
                break
    for value in reversed(objects):
        error = told_error(value)
        if error is not None:
            return error
    if not certain:
        return None
    return objects[-1] if objects and not rest else text or "The server reports an error."


def objects_in(text: str) -> tuple[list[dict[str, Any]], bool]:
    """The JSON objects of a text, and whether the text holds anything else.

    The objects have lines of their own or follow each other directly.
    """
    found: list[dict[str, Any]] = []
    rest = False
    try:
        whole = parse(text)
        values = whole if isinstance(whole, list) else [whole]
        return [value for value in values if isinstance(value, dict)], False
    except ValueError:
        pass
    for line in text.split("\n"):
        place = 0
        line = line.strip()
        while place < len(line):
            value, end = _object_at(line, place)
            if value is None:
                rest = True
                break
            found.append(value)
            place = end
            while place < len(line) and line[place] in " \t\r,":
                place += 1
    return found, rest


# An error object after the beginning of a frame that was never finished.
_GLUED = re.compile(r'\{\s{0,4}"(?:error|type"\s{0,4}:\s{0,4}"error)"')
_MAX_GLUED = 20_000
_DECODER = json.JSONDecoder(strict=False)
_MAX_BRACKETS = 200


def _object_at(text: str, place: int) -> tuple[dict[str, Any] | None, int]:
    # The standard library's parser must not be given what is nested deeply (see `parse`).
    brackets = text.count("{", place) + text.count("[", place)
    if text[place] != "{" or brackets > _MAX_BRACKETS or text.count(",", place) > MAX_VALUES:
        return None, place
    try:
        value, end = _DECODER.raw_decode(text, place)
    except ValueError:
        return None, place
    return value if isinstance(value, dict) else None, end


# --- finish reasons ------------------------------------------------------------------------------

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
    return _plain(reason) not in _NONE


def ended_badly(
    reason: str, error: Any = None, *, now: Callable[[], float]
) -> SidestreamError | None:
    """The error that a finish reason stands for; ``None`` if the answer is whole.

    ``error`` is the error that the server sends with it. An error that another answer may not have
    is retryable. An unknown reason is an error, because it may not be a good end.
    """
    plain = _plain(reason)
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
        return error_from_server_error(
            error, fallback="The provider ended the answer with an error.", now=now()
        )
    if any(word in plain for word in _BAD_CALL):
        return SidestreamError(
            ErrorKind.BAD_RESPONSE,
            f"The model wrote a tool call that cannot be read ({reason[:_MAX_REASON]}).",
            hint="Try again: the model may write it well next time.",
            retryable=True,
            server_code=reason[:_MAX_REASON],
        )
    if plain in _SERVERS_FAULT or any(word in plain for word in _OVERLOADED):
        overloaded = any(word in plain for word in _OVERLOADED)
        return SidestreamError(
            ErrorKind.SERVER_OVERLOADED if overloaded else ErrorKind.SERVER_ERROR,
            f"The provider broke the answer off ({reason[:_MAX_REASON]}).",
            hint="What arrived is kept. Try again in a while.",
            retryable=True,
            server_code=reason[:_MAX_REASON],
        )
    return incomplete(reason[:_MAX_REASON])


_MAX_REASON = 200


def _plain(reason: str) -> str:
    plain = re.sub(r"[^a-z0-9]", "", reason[:_MAX_REASON].lower())
    # Vertex and its gateways put the enum's name before the value.
    return plain if plain in _NONE else plain.removeprefix("finishreason")
