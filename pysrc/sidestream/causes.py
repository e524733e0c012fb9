"""Why a request failed, read from whatever shape a server's answer has.

`read_body` and `read_value` make one `Said` of JSON of any known shape, text or HTML; `cause_of`
finds the cause in a table of codes and words. One reader serves answers of every status and errors
inside a stream, since servers do not agree on statuses: an empty account is reported with 402, 429,
403, 500 and 200.

The words are compared in lower case with blanks made one. The rules are written for causes, not for
the wordings that are known: ``tests/fixtures/error_wordings.json`` holds those, with their sources.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import Any

from sidestream._json import parse
from sidestream.redaction import redact
from sidestream.retry import MAX_KNOWN_WAIT_MS, parse_duration_ms, parse_retry_after_ms


class ErrorKind(StrEnum):
    """What went wrong. The value is what the panel and the command line show to programs."""

    CONFIGURATION = "configuration"
    """Something is missing or malformed in the settings; no request was made."""
    UNSUPPORTED = "unsupported"
    """The prompt asks for what this wire API or model cannot do; no request was made."""
    NETWORK = "network"
    """No answer: refused, unknown host, no network, blocked by CORS."""
    TIMEOUT = "timeout"
    """The server accepted the connection and then said nothing for too long."""
    STREAM_CLOSED = "stream_closed"
    """The stream broke or ended before the provider said that it was done."""
    BAD_RESPONSE = "bad_response"
    """The answer is not what the wire API promises: HTML, another JSON, an oversized frame."""
    AUTHENTICATION = "authentication"
    """401: the key or token was refused."""
    SIGN_IN_REQUIRED = "sign_in_required"
    """The ChatGPT sign-in has expired for good."""
    PERMISSION = "permission"
    """403: the key is good, but not for this."""
    NOT_FOUND = "not_found"
    """404 or 405: nothing at this address."""
    MODEL_NOT_FOUND = "model_not_found"
    """The provider does not know the model, or has it no longer."""
    INVALID_REQUEST = "invalid_request"
    """The provider refused the request as it stands."""
    CONTEXT_WINDOW_EXCEEDED = "context_window_exceeded"
    RATE_LIMITED = "rate_limited"
    """Too many requests or tokens; passes by itself unless a single request is over the limit."""
    QUOTA_EXCEEDED = "quota_exceeded"
    """The account has no money left."""
    USAGE_LIMIT_REACHED = "usage_limit_reached"
    """A ChatGPT plan's limit is reached."""
    USAGE_NOT_INCLUDED = "usage_not_included"
    """The ChatGPT plan does not include this."""
    SERVER_OVERLOADED = "server_overloaded"
    SERVER_ERROR = "server_error"
    CONTENT_POLICY = "content_policy"
    """Refused by the provider's policy."""
    INCOMPLETE = "incomplete"
    """The answer ended early (token limit, content filter); what arrived is kept."""
    INTERNAL = "internal"
    """A fault of ours."""


_Kind = ErrorKind


# --- what the server said ----------------------------------------------------------------------

_MAX_MESSAGE = 1_000
_MAX_WORDS = 4_000
_MAX_DEPTH = 5


@dataclass(slots=True)
class Said:
    """An error in the server's words, whatever shape it came in."""

    message: str | None = None
    """At most 1,000 characters, without secrets."""
    words: str = ""
    """The message for comparison: longer, in lower case, blanks made one."""
    code: str | None = None
    """The most telling of code and type."""
    codes: frozenset[str] = frozenset()
    """All codes and types, in lower case."""
    param: str | None = None
    status: int | None = None
    window: int | None = None
    """The size of the context window in tokens, where a field tells it."""
    plan_type: str | None = None
    resets_at: int | None = None
    resets_in_s: int | None = None
    retry_ms: int | None = None
    """The wait that a field of the body asks for."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Headers that a gateway passes on inside the body."""
    is_limit: bool = False
    """A field names a limit that passes, as Google's quotas do."""
    per_day: bool = False
    """It is one of a day."""
    request_id: str | None = None
    is_html: bool = False
    is_json: bool = False


def read_body(body: bytes, content_type: str, secrets: Iterable[str]) -> Said:
    """What a whole body says."""
    text = body.decode("utf-8", "replace").removeprefix("\ufeff").strip()
    value: Any = text
    if text[:1] in ("{", "[", '"'):
        with suppress(ValueError):
            value = parse(text)
    if isinstance(value, str) and (
        re.match(r"<(?:!doctype|html|head|body|\?xml)", value, re.I) or "text/html" in content_type
    ):
        said = _text_said(_page_words(value), secrets)
        # Cloudflare's pages are told by their words, not by their titles.
        if "Cloudflare" in value and "blocked" in value:
            said.codes = frozenset({"cloudflare_blocked"})
        said.is_html = True
        return said
    said = read_value(value, secrets)
    said.is_json = isinstance(value, (dict, list))
    return said


def _page_words(page: str) -> str:
    """The words of a web page that are worth repeating: its title, or what stands below it."""
    for name in ("title", "pre", "h1"):
        found = re.search(rf"<{name}\b[^>]{{0,200}}>([^<]{{1,300}})", page[:100_000], re.I)
        words = " ".join(found[1].split()) if found else ""
        if words and words.lower() != "error":
            return words
    return ""


def read_value(value: Any, secrets: Iterable[str], depth: int = 0) -> Said:
    """What a text or a piece of JSON says."""
    if isinstance(value, str):
        inner = _embedded(value) if depth < 3 else None
        if inner is not None:
            return read_value(inner, secrets, depth + 1)
        return _text_said(value, secrets)
    if isinstance(value, list):
        # Gemini wraps the object in a list; FastAPI lists every field that is wrong.
        return read_value(value[0], secrets, depth + 1) if value and depth < _MAX_DEPTH else Said()
    if not isinstance(value, dict) or depth >= _MAX_DEPTH:
        return Said()
    said = _two_texts(value, secrets) or Said()
    for name in () if said.message else _MESSAGES:
        if value.get(name):
            found = read_value(value[name], secrets, depth + 1)
            if found.message or found.codes:
                said = found
                break
    for name in _CAUSED_BY:
        _read_cause(value.get(name), said, secrets, depth)
    if isinstance(about := value.get("param"), str) and about.count(" ") > 2 and said.message:
        # Xiaomi explains itself where the name of the parameter belongs.
        said.message = _text_said(f"{said.message}: {about}", secrets).message
        said.words = f"{said.words}: {_text_said(about, secrets).words}"
    _read_metadata(value.get("metadata"), said, secrets, depth)
    _read_base_resp(value.get("base_resp"), said, secrets)
    _read_details(value.get("details"), said, secrets)
    _read_codes(value, said, secrets)
    said.param = said.param or _param_field(value, secrets)
    windows = (_integer(value.get(name)) for name in _WINDOWS)
    said.window = said.window or next((size for size in windows if size and size > 0), None)
    said.plan_type = said.plan_type or _text(value.get("plan_type"), secrets)
    said.resets_at = said.resets_at or _integer(value.get("resets_at"))
    said.resets_in_s = said.resets_in_s or _integer(value.get("resets_in_seconds"))
    said.request_id = said.request_id or _text(value.get("request_id"), secrets)
    said.headers = said.headers or _headers(value.get("headers"))
    said.retry_ms = said.retry_ms if said.retry_ms is not None else _wait_field(value)
    return said


def _wait_field(value: dict[str, Any]) -> int | None:
    """The wait in milliseconds that a field of the body asks for."""
    for name, unit in _WAITS.items():
        wait = _number(value.get(name))
        if wait is not None and 0 < wait * unit <= MAX_KNOWN_WAIT_MS:
            return round(wait * unit)
    return None


def _number(value: Any) -> float | None:
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,12}(?:\.[0-9]{1,9})?", value):
        return float(value)
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _two_texts(value: dict[str, Any], secrets: Iterable[str]) -> Said | None:
    """What ``{"error": "Forbidden", "message": "..."}`` says, where both are texts."""
    error, text = value.get("error"), value.get("message") or value.get("detail")
    if not (isinstance(error, str) and isinstance(text, str) and error and " " in text.strip()):
        return None
    if _embedded(error) is not None or _embedded(text) is not None:
        return None
    said = _text_said(text, secrets)
    if " " in error and error.lower() not in text.lower():
        said = _text_said(f"{error[:500].rstrip(':. ')}: {text}", secrets)
    return said


# Where the words stand, from the most telling to the least.
_MESSAGES = (
    *("error", "detail", "errors", "message", "msg", "error_message", "error_msg", "errorMessage"),
    *("Message", "description", "details", "reason", "title"),
)
_WAITS = {
    "retry_after_ms": 1,
    "retry_after": 1000,
    "retry_after_seconds": 1000,
    "retryAfter": 1000,
    "estimated_time": 1000,
}
# Where gateways put what the server behind them said.
_CAUSED_BY = ("cause", "upstream_error", "provider_error", "original_error")
_WINDOWS = ("n_ctx", "max_model_len", "context_window", "context_length", "max_context_length")
_STATUSES = ("status", "status_code", "statusCode", "http_code", "http_status_code", "code")


def _text_said(text: str, secrets: Iterable[str]) -> Said:
    # Cut twice: nothing of what is far too long needs to be searched for secrets.
    text = redact(text[: 2 * _MAX_WORDS], secrets).strip()
    words = " ".join(text[:_MAX_WORDS].lower().replace("\u2019", "'").split())
    if len(text) > _MAX_MESSAGE:
        text = text[:_MAX_MESSAGE] + "..."
    return Said(message=text or None, words=words)


def _read_codes(value: dict[str, Any], said: Said, secrets: Iterable[str]) -> None:
    inner = value.get("innererror")
    given = [value.get(name) for name in ("code", "type", "error_code", "error_type", "status")]
    # ``com.amazon.coral.validate#ValidationException``
    name = value.get("__type")
    given.append(name.rpartition("#")[2] if isinstance(name, str) else None)
    if isinstance(inner, dict):
        given.append(inner.get("code"))
    if isinstance(value.get("error"), str) and said.message != value["error"]:
        given.append(value["error"])
    telling = [code for each in given if (code := _code(each, secrets))]
    said.codes |= {code.lower() for code in telling}
    said.code = next((code for code in telling if not code.isdigit()), None) or said.code
    said.code = said.code or (telling[0] if telling else None)
    for name in _STATUSES:
        status = _integer(value.get(name))
        if status is not None and 400 <= status <= 599:
            said.status = said.status or status


def _read_cause(cause: Any, said: Said, secrets: Iterable[str], depth: int) -> None:
    """The words of the server behind a gateway, where they are an object of their own."""
    if not isinstance(cause, dict) and not (isinstance(cause, str) and _embedded(cause)):
        return
    behind = read_value(cause, secrets, depth + 1)
    if not behind.message or behind.words in said.words:
        return
    said.message = f"{said.message}: {behind.message}" if said.message else behind.message
    said.words = f"{said.words} {behind.words}".strip()
    said.codes |= behind.codes
    said.param = said.param or behind.param
    said.window = said.window or behind.window
    said.retry_ms = said.retry_ms if said.retry_ms is not None else behind.retry_ms


def _read_metadata(metadata: Any, said: Said, secrets: Iterable[str], depth: int) -> None:
    """OpenRouter: the words of the provider behind it, and the headers of a limit."""
    if not isinstance(metadata, dict):
        return
    if metadata.get("raw"):
        behind = read_value(metadata["raw"], secrets, depth + 1)
        if behind.message:
            provider = _text(metadata.get("provider_name"), secrets)
            said.message = f"{provider}: {behind.message}" if provider else behind.message
            said.words = f"{said.words} {behind.words}"
        said.codes |= behind.codes
        said.retry_ms = said.retry_ms if said.retry_ms is not None else behind.retry_ms
        said.per_day, said.is_limit = behind.per_day, behind.is_limit
        said.param = said.param or behind.param
        said.window = said.window or behind.window
    said.headers = _headers(metadata.get("headers"))
    said.retry_ms = said.retry_ms if said.retry_ms is not None else _wait_field(metadata)
    if code := _code(metadata.get("error_type"), secrets):
        said.codes |= {code.lower()}
    if metadata.get("flagged_input"):
        said.codes |= {"content_policy_violation"}


def _read_base_resp(base: Any, said: Said, secrets: Iterable[str]) -> None:
    """MiniMax: ``{"base_resp": {"status_code": 1008, "status_msg": "..."}}`` beside a 200."""
    code = _integer(base.get("status_code")) if isinstance(base, dict) else None
    if not code:
        return
    words = _text_said(str(base.get("status_msg") or ""), secrets)
    said.message, said.words = words.message or said.message, words.words or said.words
    said.code = str(code)
    said.codes |= {said.code}


def failure_in_base_resp(value: Any) -> dict[str, Any] | None:
    """The error of an object whose ``base_resp`` reports one, for `error_from_server_error`."""
    base = value.get("base_resp") if isinstance(value, dict) else None
    code = _integer(base.get("status_code")) if isinstance(base, dict) else None
    return {"code": code, "message": base.get("status_msg")} if base and code else None


def _read_details(details: Any, said: Said, secrets: Iterable[str]) -> None:
    """Google's ``google.rpc`` messages: waits, quotas, fields that are wrong."""
    for detail in details[:50] if isinstance(details, list) else ():
        if not isinstance(detail, dict):
            continue
        if isinstance(delay := detail.get("retryDelay"), str):
            said.retry_ms = parse_duration_ms(delay)
        if code := _code(detail.get("reason"), secrets):
            said.codes |= {code.lower()}
        about = detail.get("metadata")
        if isinstance(about, dict) and isinstance(about.get("quotaResetDelay"), str):
            said.retry_ms = said.retry_ms or parse_duration_ms(about["quotaResetDelay"])
        violations = detail.get("violations")
        for violation in violations[:50] if isinstance(violations, list) else ():
            quota = violation.get("quotaId") if isinstance(violation, dict) else None
            if isinstance(quota, str):
                said.is_limit = said.is_limit or "PerMinute" in quota or "PerDay" in quota
                said.per_day = said.per_day or "PerDay" in quota


def _param_field(value: dict[str, Any], secrets: Iterable[str]) -> str | None:
    param = value.get("param")
    if isinstance(param, str) and param.lower() not in _NO_PARAM and " " not in param:
        return _text(param, secrets)
    path = value.get("loc")
    if isinstance(path, list) and all(isinstance(part, (str, int)) for part in path):
        return _text(_path([str(part) for part in path]), secrets)
    return None


_NO_PARAM = frozenset({"", "none", "null", "validation_error", "quota", "prompt"})


def _headers(value: Any) -> dict[str, str]:
    if not isinstance(value, dict):
        return {}
    return {
        str(name).lower(): str(text)
        for name, text in value.items()
        if isinstance(text, (str, int, float)) and not isinstance(text, bool)
    }


def _embedded(text: str) -> Any:
    """The object in a text that is itself JSON, as gateways pass on what they received."""
    if text.lstrip()[:1] not in ("{", "["):
        return None
    try:
        value = parse(text)
    except ValueError:
        return None
    return value if isinstance(value, (dict, list)) and value else None


def _code(value: Any, secrets: Iterable[str]) -> str | None:
    """A code as text, whether the server sends ``"rate_limit_exceeded"`` or ``429``."""
    if not isinstance(value, str):
        value = None if isinstance(value, float) else _integer(value)
    if value is None:
        return None
    text = redact(str(value)[:1_000], secrets).strip()[:100]
    return text if text and text.lower() not in ("error", "none", "null", "failure") else None


def _text(value: Any, secrets: Iterable[str]) -> str | None:
    return redact(value[:2_000], secrets)[:200] if isinstance(value, str) and value else None


def _integer(value: Any) -> int | None:
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,15}", value):
        return int(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return int(value) if abs(value) < 1e16 else None


# --- what it means -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Cause:
    """One cause, and how it is recognised."""

    name: str
    kind: ErrorKind
    codes: frozenset[str] = frozenset()
    """Codes and types, in lower case, each of which is enough."""
    words: str = ""
    """A pattern for the words, in lower case. Every quantifier is bounded."""
    unless: str = ""
    """A pattern for words that make it something else."""
    statuses: tuple[int, ...] = ()
    """The only statuses that it comes with; empty for all, also none."""
    retry: bool | None = None
    """Whether asking again may help; ``None`` leaves it to the kind and the status."""
    param: str | None = None
    """What to name as the cause where the server names nothing better."""

    def fits(self, said: Said, status: int | None) -> bool:
        """Whether this is what the server says."""
        if self.statuses and status not in self.statuses:
            return False
        if self.codes & said.codes:
            return True
        if not self.words or not said.words or not _pattern(self.words).search(said.words):
            return False
        return not (self.unless and _pattern(self.unless).search(said.words))


@lru_cache(maxsize=128)
def _pattern(text: str) -> re.Pattern[str]:
    # Compiled when an error needs it: every start of the worker would pay for all of them.
    return re.compile(text)


def _any(*alternatives: str) -> str:
    return "|".join(alternatives)


# "100 requests/minute"
_A_TIME = r"(?:requests|tokens) ?/ ?(?:s|sec|second|min|minute|hour|day)\b"
_THROTTLED = _any(
    _A_TIME,
    r"per (?:min|day|hour|second|week|month)",
    r"\b(?:tpm|rpm|tpd|rpd)\b",
    r"rate.?limit",
    r"throttl",
    r"too many requests",
    r"wait (?:a |before|and|\d)",
    r"within a given time",
    r"\bquota\b",
)
_TEMPORARY = _any(
    r"temporar|currently|overload|capacity|\bbusy\b",
    r"try again (?:later|in|after|shortly|soon)|retry (?:later|in|after|shortly)",
)

CAUSES: tuple[Cause, ...] = (
    # The model wrote a call that the server cannot read; another try may be written better.
    Cause(
        "bad_call",
        _Kind.SERVER_ERROR,
        frozenset({"tool_use_failed"}),
        _any(
            r"failed to call a function\b|tool call validation failed",
            r"failed to parse input at pos",  # llama.cpp reads its own model's call
        ),
        retry=True,
    ),
    Cause(
        "usage_limit",
        _Kind.USAGE_LIMIT_REACHED,
        frozenset({"usage_limit_reached", "usage_limit_exceeded"}),
        retry=False,
    ),
    Cause(
        "usage_not_included",
        _Kind.USAGE_NOT_INCLUDED,
        frozenset({"usage_not_included"}),
        retry=False,
    ),
    Cause(
        "encrypted_reasoning",
        _Kind.INVALID_REQUEST,
        frozenset({"invalid_encrypted_content"}),
        r"encrypted[ _]content.{0,200}(?:could not be|cannot be|is not|invalid)",
        retry=False,
        param="reasoning.encrypted_content",
    ),
    Cause(
        "unknown_item",
        _Kind.INVALID_REQUEST,
        words=_any(
            r"\bitems? (?:with id )?['\"`]?(?:rs|msg|fc|ws|ctc|item)_\w{0,100}['\"`]? .{0,20}"
            r"not found",
            r"was provided without its required",
            r"items are not persisted when",
        ),
        retry=False,
        param="input.id",
    ),
    # A single request that is over the limit of a minute never passes.
    Cause(
        "minute_too_small",
        _Kind.RATE_LIMITED,
        words=_any(
            r"request too large .{0,300}(?:per min|per day|tpm|tpd)",
            r"request .{0,40}(?:exceeds|larger than) .{0,40}tokens[- ]per[- ](?:min|day)\w* limit",
        ),
        retry=False,
        param="body",
    ),
    Cause(
        "output_limit",
        _Kind.INVALID_REQUEST,
        words=_any(
            r"\bmax_(?:completion_|output_|new_)?tokens\b.{0,30}"
            r"(?:must be|cannot exceed|is too (?:large|high|big)|: \d{1,9} > )",
            r"allowed number of output tokens",
            r"maximum tokens you requested exceed",
            r"supports at most \d{1,9} (?:completion|output) tokens",
            r"\bmax_(?:completion_|output_|new_)?tokens\b.{0,80}above maximum value",
        ),
        unless=r"context (?:length|window|limit|size)|prompt is too|inputs?` ?tokens",
        retry=False,
        param="max_tokens",
    ),
    Cause(
        "context",
        _Kind.CONTEXT_WINDOW_EXCEEDED,
        frozenset(
            {
                *("context_length_exceeded", "context_window_exceeded", "tokens_limit_reached"),
                *("exceed_context_size_error", "model_max_prompt_tokens_exceeded", "1261"),
                *("model_context_window_exceeded", "max_tokens_exceeded", "prompt_too_long"),
                "contextwindowexceedederror",
            }
        ),
        _any(
            r"context_(?:length|window)_exceeded|contextwindowexceedederror",
            r"(?:maximum|max\.?) context (?:length|window|size)|available context size",
            r"max(?:imum)? (?:allowed |supported )?(?:prompt|input|model|sequence) length",
            r"context (?:length|window|size|limit)s? (?:has been |was |is )?"
            r"(?:of|is|was|limit|exceed|overflow|too small|\d)",
            r"(?:exceed|overflow)\w{0,3} (?:\S{1,40} ){0,4}context\b",
            r"context (?:the )?(?:overflow|too long)|context shift is disabled",
            r"(?:longer|larger|greater|more) than (?:\S{1,30} ){0,4}(?:context|max_seq_len)",
            r"(?:prompt|input)[ _](?:tokens|length)\b.{0,40}must be (?:less|smaller|lower)",
            r"\b(?:prompt|input|inputs|conversation|context|history|messages?|prompt tokens|query)"
            r" (?:length )?(?:is |are |was )?too long\b",
            r"(?:prompt|input|conversation|context) (?:is )?too large",
            r"too (?:long|large) for (?:\S{1,20} ){0,3}model",
            r"(?:prompt|input)s?\b.{0,60}\btokens?\b.{0,40}exceed\w{0,3} the (?:limit|maximum)",
            r"token count\b.{0,60}(?:exceed|only supports up to)",
            r"(?:total number of|total|input|prompt|request) tokens\b.{0,60}exceed",
            r"exceed\w{0,3} (?:\S{1,20} ){0,3}(?:token limit|message tokens|input length)",
            r"tokens long, so generating|n_keep .{0,40}n_ctx|contains too many tokens",
            r"range of input length|model token limit|token limit exceeded",
            r"must have less than \d{1,9} tokens|`? ?must be <= ?\d{1,9}\. given",
            r"reduce the length of (?:the |your )?(?:input )?(?:messages|prompt|input|convers)"
            r"|reduce the length of either one",
            r"too many (?:input |prompt )?tokens|max size: \d{1,9} tokens",
            r"tokens in request more than max tokens|\bmax tokens of \d{1,9} exceeded",
            r"requested tokens\b.{0,30}exceed|exceed\w{0,3} (?:\S{1,20} ){0,3}input tokens",
            r"超长|上下文.{0,20}(?:超|过长)|输入.{0,20}(?:过长|超过|超出)|超(?:过|出).{0,20}上下文",
        ),
        unless=_THROTTLED,
        retry=False,
    ),
    Cause(
        "too_large",
        _Kind.INVALID_REQUEST,
        frozenset({"request_too_large", "request_entity_too_large", "payload_too_large", "3006"}),
        _any(
            r"(?:request entity|payload|content|request body|\bbody) (?:is )?too large",
            r"\brequest (?:is )?too large\b",
            r"request exceeds the maximum (?:allowed )?(?:size|number of bytes)|total text bytes",
            r"(?:body|payload|request)(?: size)? (?:exceeds|exceeded|is over) .{0,30}"
            r"(?:\bsize|bytes|\d ?mi?b)",
        ),
        unless=_any(_THROTTLED, _TEMPORARY),
        retry=False,
        param="body",
    ),
    Cause(
        "no_images",
        _Kind.INVALID_REQUEST,
        words=_any(
            r"\bimages?(?:_url)?(?: inputs?| content| modality)?\W? (?:is|are) (?:not|only) "
            r"supported",
            r"\b(?:not|n't|that) (?:support|accept|take|process|see) (?:\w{1,20} )?"
            r"(?:images?|vision|multimodal)\b",
            r"\bmodel is not (?:multimodal|multi-modal)\b",
            r"\bis not an? (?:multimodal|multi-modal|vision) model|at most 0 image",
            r"\bnot supported for (?:vision|images?)\b",
            r"vision add-on is not loaded|(?:unknown variant|content part type:?) \W{0,3}image_url",
            r"missing data required for image input|endpoints found that support image",
        ),
        retry=False,
        param="image",
    ),
    Cause(
        "bad_image",
        _Kind.INVALID_REQUEST,
        frozenset(
            {"invalid_image", "image_parse_error", "invalid_image_url", "invalid_image_format"}
        ),
        _any(
            r"does not (?:represent|contain) a valid (?:\w{1,5}(?: or|,)? ){0,3}image",
            r"unsupported image|invalid image",
            r"could not (?:process|decode|read|download|parse) (?:the )?image",
            r"(?:unable|failed) to (?:process|decode|read|download|parse|fetch|load) "
            r"(?:the )?image",
            r"\bimages? (?:dimensions?|size|exceeds|(?:is |are )?too )",
            r"image exceeds \d",
        ),
        retry=False,
        param="image",
    ),
    Cause(
        "credit",
        _Kind.QUOTA_EXCEEDED,
        frozenset(
            {
                *("insufficient_quota", "billing_hard_limit_reached", "billing_not_active"),
                *("insufficient_credits", "insufficient_balance", "insufficient_funds"),
                *("insufficient_balance_error", "insufficient_user_quota", "payment_required"),
                *("exceeded_current_quota_error", "exceeded_current_quota", "budget_exceeded"),
                *("credit_balance_too_low", "credits_exhausted", "out_of_credits", "creditserror"),
                *("arrearage", "accountoverdueerror", "quota_exceeded", "credit_limit_reached"),
                *("1113", "1008", "3036"),
            }
        ),
        _any(
            r"insufficient (?:\S{1,20} ){0,4}(?:balance|credits?|quota|funds)",
            r"(?:don't|doesn't|do not|does not) have (?:any |enough )?(?:credit|balance)",
            r"\bbalance is \$?0|account is not active|credits are required",
            r"\bbalance (?:is )?(?:too low|insufficient|not enough|exhausted)|negative balance",
            r"not[ _]enough[ _](?:credits?|balance|funds|money)|(?:out of|no|no more) credits\b",
            r"specified api usage limits|premium request allowance|\bkey limit exceeded",
            r"(?:purchase|buy) (?:more |additional )?credits|more credits\b.{0,20}\brequired",
            r"requires (?:more|additional) credits|used all (?:\w{1,20} )?credits",
            r"credits? (?:are |have been |has been )?(?:exhausted|depleted|used up)",
            r"(?:spending|spend|budget|billing|credit|payment) (?:limit|cap)\b",
            r"monthly (?:included credits|usage limit|spending)|included credits",
            r"budget has been exceeded|exceed\w{0,3} budget|over budget|crossed budget",
            r"overdue|past due|unpaid invoice|past invoices|in arrears|good standing",
            r"please (?:recharge|top.?up)|recharge your account|top up your (?:balance|account)",
            r"suspended .{0,80}(?:balance|billing|payment|invoice|quota)",
            r"payment required|billing (?:hard limit|is not (?:active|enabled)|not active)",
            r"daily free allocation|have no quota|set inference limit|limit: 0\b",
            r"余额不足|欠费|请充值|额度不足|额度失败|额度已(?:用|耗)",
        ),
        # An upgrade that is offered beside a limit which passes is no empty account.
        unless=r"per min|\btpm\b|\brpm\b|please try again in|concurrent requests|\bconcurrency",
        retry=False,
    ),
    # What may be a limit of a minute in the words of an empty account; a known wait decides.
    Cause(
        "quota",
        _Kind.QUOTA_EXCEEDED,
        frozenset({"freeusagelimiterror"}),
        _any(
            r"exceed\w{0,3} (?:your |the )?(?:current |monthly |account )?quota\b",
            r"(?<!allocated )(?<!request )(?<!requests )(?<!token )(?<!tokens )\bquota "
            r"(?:has been |is |was )?(?:exceeded|exhausted|used up)\b(?! for)",
            r"check your plan and billing",
            r"free (?:usage|tier|allocated quota|quota|credits?) .{0,40}"
            r"(?:exceeded|exhausted|used up)",
        ),
        unless=rf"per min|quota of (?:requests|tokens)|concurren|{_A_TIME}",
        retry=False,
    ),
    Cause(
        "policy",
        _Kind.CONTENT_POLICY,
        frozenset(
            {
                *("cyber_policy", "bio_policy", "content_policy_violation", "content_filter"),
                *("responsibleaipolicyviolation", "moderation_blocked", "data_inspection_failed"),
                *("datainspectionfailed", "prohibited_content", "sensitive_content", "1026"),
                *("1027", "1301"),
            }
        ),
        _any(
            r"content management policy|usage polic|content polic|usage guidelines|acceptable use",
            r"flagged (?:as|by|for) |safety (?:reasons|system|filter|guidelines|settings)",
            r"violat\w{1,4} .{0,60}(?:polic|guideline|terms|rules)",
            r"content exists risk|inappropriate content|sensitive (?:content|words|information)",
            r"(?:input|output|prompt)\W{1,3}(?:new_)?sensitive|requires moderation",
            r"blocked by .{0,40}(?:moderation|policy|safety|guardrail)|prohibited content",
            r"['\"]content_filter['\"]|responsibleaipolicyviolation|contentpolicyviolationerror",
            r"敏感|违规|不合规",
        ),
        # What a subscription may be used for is no question of words.
        unless=r"fair[ -]us(?:e|age)",
        retry=False,
    ),
    Cause(
        "data_policy",
        _Kind.PERMISSION,
        words=r"matching your data policy|matching your (?:privacy|account) settings",
        retry=False,
    ),
    Cause(
        "vector_store",
        _Kind.INVALID_REQUEST,
        words=r"vector[ _]stores?\b.{0,120}\bnot (?:be )?found",
        retry=False,
    ),
    Cause(
        "no_tools",
        _Kind.INVALID_REQUEST,
        words=_any(
            r"does not support (?:tools|tool use|tool calling|function calling|functions)",
            r"tools? param requires|requires --jinja|--enable-auto-tool-choice",
            r"unsupported param: tools|endpoints found that support tool use",
        ),
        retry=False,
        param="tools",
    ),
    Cause(
        "no_endpoint",
        _Kind.INVALID_REQUEST,
        words=_any(
            r"no endpoints? (?:found|available) (?:that|which) (?:support|can)",
            r"no (?:allowed )?providers? (?:are |is )?(?:available|found) (?:that|which|for the)",
        ),
        retry=False,
    ),
    Cause(
        "model",
        _Kind.MODEL_NOT_FOUND,
        frozenset(
            {
                *("model_not_found", "deploymentnotfound", "model_not_available", "invalid_model"),
                *(
                    "model_decommissioned",
                    "model_not_supported",
                    "model_deprecated",
                    "modelnotopen",
                ),
                *("model_not_exist", "modelnotfound", "dedicated_endpoint_not_running"),
                *("invalidendpointormodel.notfound", "gatewaymodelnotfounderror", "1211"),
                *("3042", "5007", "unknown_model", "key_model_access_denied"),
                "team_model_access_denied",
            }
        ),
        _any(
            r"\bmodels?\b(?: with identifier| name| id)?[\s:/]{0,3}[`'\"(]?[^\s`'\",]{0,120}"
            r"[`'\",)]{0,3} (?:is |was |has been |could )?(?:not found|does not exist"
            r"|doesn't exist|not exist|not be found|not available|no longer (?:available|supported)"
            r"|not supported|unavailable|decommissioned|deprecated|retired|discontinued|removed"
            r"|not deployed|not enabled)",
            r"is not a valid model|\b(?:unknown|invalid|no such|unsupported|unrecognized) model\b"
            r"(?! (?:output|response))",
            r"not found the model|model (?:does )?not exist|the model name is invalid",
            r"\bno models? (?:is |are )?loaded|model (?:is )?unloaded|model is not loaded",
            r"unable to access (?:the |non-serverless )?model",
            r"endpoint (?:for|with name) .{1,120} (?:is not running|does not exist)",
            r"models? or endpoint \S{1,120} does not exist|supported api model names are",
            r"\b(?:was|been) (?:retired|decommissioned|sunset) on\b",
            r"no endpoints found for|on-demand throughput isn't supported",
            r"not supported by any provider|is not found for api version|not found for account",
            r"model identifier is invalid|access to the model with|marked by provider as legacy",
            r"model .{1,120} reached its end of life",
            r"not allowed to access model|only access models",
            r"api deployment for this resource does not exist|no available channels? for model",
            r"模型.{0,60}(?:不存在|未找到|已下线)|无可用渠道",
            r"\bnot a chat model\b|only supported in v1/",
            r"(?:^|\): )model: \S{1,120}$|^no provider available$",
        ),
        unless=_TEMPORARY,
        retry=False,
    ),
    Cause(
        "key",
        _Kind.AUTHENTICATION,
        frozenset(
            {
                *("invalid_api_key", "invalid_authentication", "unauthenticated", "token_expired"),
                *("token_invalidated", "api_key_invalid", "api_key_required", "login_fail", "1004"),
                *("invalid_api_token", "unauthorized", "accountauthenticationerror", "2049"),
            }
        ),
        _any(
            r"api[ _-]?key (?:is |was |has )?(?:not valid|invalid|incorrect|expired|revoked|leaked"
            r"|disabled|missing|required|been (?:revoked|disabled)|reported as leaked)",
            r"(?:didn't|did not) provide an api key|unregistered callers",
            r"(?:invalid|incorrect|missing|expired|unknown|wrong|bad|no) (?:api[ _-]?key|x-api-key"
            r"|access token|bearer token|authentication|authorization|credentials|api token)",
            r"security token .{0,40}(?:invalid|expired)|litellm\.authenticationerror",
            r"authentication fail|no (?:cookie )?auth credentials|login fail|api secret key",
            r"无效的令牌|令牌.{0,10}(?:无效|不可用|过期)|密钥.{0,10}(?:无效|错误|不存在)",
        ),
        retry=False,
    ),
    Cause(
        "region",
        _Kind.PERMISSION,
        frozenset({"unsupported_country_region_territory", "organization_restricted"}),
        r"(?:user )?location is not supported|country,? (?:or )?region,? .{0,20}not supported",
        retry=False,
    ),
    Cause(
        "capacity",
        _Kind.SERVER_OVERLOADED,
        frozenset(
            {
                *("server_is_overloaded", "slow_down", "overloaded", "overloaded_error"),
                *("engine_overloaded", "model_overloaded", "engine_overloaded_error"),
                *("server_overloaded", "3040", "3505"),
            }
        ),
        _any(
            r"\boverloaded\b|(?:at|over|out of|no|insufficient) capacity",
            r"capacity (?:\w{1,20} )?exceeded",
            r"high demand|high load|peak load",
            r"\b(?:model|server|service|system) (?:is )?(?:too )?busy",
            r"no more data centers",
        ),
    ),
    Cause(
        "rate",
        _Kind.RATE_LIMITED,
        frozenset(
            {
                *("rate_limit_exceeded", "rate_limit_error", "rate_limit", "too_many_requests"),
                *("resource_exhausted", "rate_limited", "rate_limit_reached_error", "1300", "1302"),
                *("ratelimitreached", "throttlingexception", "throttling", "toomanyrequests"),
                *("request_quota_exceeded", "token_quota_exceeded", "request_limit_exceeded"),
                *("too_many_requests_error", "too_many_tokens_error", "throttling_error", "1303"),
                *("throttling.ratequota", "throttling.allocationquota", "1305", "1308", "1039"),
                *("ratelimitexceeded", "requestlimitexceeded", "limit_requests", "1310", "1316"),
            }
        ),
        _any(
            r"rate[ _-]?limit|too many (?:concurrent |simultaneous )?(?:requests|tokens)",
            r"token limit \(.{1,40}\) exceeded|(?:daily|hourly|weekly) (?:quota|limit)",
            r"reached .{0,40}\bmax (?:rpm|tpm|rpd|tpd|requests?)\b",
            r"(?:requests|tokens|queries) per (?:min|second|hour|day)|throttl|resource exhausted",
            rf"{_A_TIME}|(?:weekly|monthly|daily|hourly) limit exhausted",
            r"request frequency|high concurrency|exceed\w{0,3} .{0,40}concurren",
            r"quota exceeded for|(?:usage|request|concurrency|token) limit (?:has been )?"
            r"(?:reached|exceeded)|reached (?:your|the|max)\b.{0,30}(?:limit|request)",
            r"tokens allowed within a given time|请求过于频繁|速率限制|频率|并发|使用上限",
        ),
    ),
    # What stands before the server, whatever status it says so with.
    Cause(
        "gateway",
        _Kind.SERVER_ERROR,
        words=_any(
            r"upstream connect error|disconnect/reset before headers|no healthy upstream",
            r"failed to get response from provider|\bupstream request failed\W{0,3}$",
        ),
        retry=True,
    ),
    # The machine is too small; asking again does not make it larger.
    Cause(
        "memory",
        _Kind.SERVER_ERROR,
        words=r"requires more (?:\w{1,20} )?memory .{0,40}than is available",
        retry=False,
    ),
    # A model that the provider cannot run for now says so with a 400.
    Cause(
        "broken_model",
        _Kind.SERVER_ERROR,
        words=_any(
            r"degraded function cannot be invoked|model has crashed|model crashed",
            r"runner process (?:has terminated|no longer running)|model runner",
        ),
    ),
    Cause(
        "no_reasoning",
        _Kind.INVALID_REQUEST,
        words=r"does not support (?:thinking|reasoning effort|reasoning)\b(?!_)",
        retry=False,
        param="reasoning_effort",
    ),
    # Servers report with 500, or in a stream, what the request itself makes impossible.
    Cause(
        "refused",
        _Kind.INVALID_REQUEST,
        frozenset(
            {"invalid_prompt", "invalid_parameter_error", "unsupported_parameter", "validation"}
        ),
        _any(
            r"unsupported (?:param|value|field)|unknown (?:param|field|name|argument)",
            r"unrecognized (?:request )?(?:argument|param|field)|extra inputs are not permitted",
            r"property '.{1,100}' is unsupported|argument not supported|does not support param",
            r"jinja|chat[ _]template|roles? must alternate|roles .{0,20}supported"
            r"|should (?:be )?alternat|system role not supported|must alternate roles"
            r"|unexpected role '|(?:expected last|last message) role|only supports single tool",
            r"invalid (?:params|schema|json|function arguments)|failed to (?:parse|deserialize)",
            r"cannot find field|no tool (?:call|output) found|additional properties are not",
        ),
        unless=_TEMPORARY,
        retry=False,
    ),
)
# Types that say little; they count after everything else.
_BROAD: tuple[Cause, ...] = (
    Cause("key", _Kind.AUTHENTICATION, frozenset({"authentication_error", "auth_error"})),
    Cause("permission", _Kind.PERMISSION, frozenset({"permission_error", "permission_denied"})),
    Cause(
        "unknown",
        _Kind.INVALID_REQUEST,
        frozenset(
            {
                *("invalid_request_error", "bad_request_error", "badrequesterror"),
                "validationexception",
            }
        ),
        retry=False,
    ),
)
_BY_NAME = {cause.name: cause for cause in CAUSES}
_LONG_LIMIT = (
    r"per[- ]?day|/ ?(?:hour|day)\b|daily|weekly|monthly|hourly|usage limit|byday\b"
    r"|per (?:week|month)|\d ?hours?\b|fair[ -]us(?:e|age)|使用上限"
)
_STATUS = (
    r"^(?:[\w.\[\]-]{1,60}:? ){0,6}(?:error code|status(?: code)?|https?(?:/1\.1)?|api error|error)"
    r":? ?\(?([45]\d\d)\b(?! ?(?:tokens|ms|s)\b)"
    r"|^\(?([45]\d\d)\)?(?:: | - | (?:bad|unauthorized|payment|forbidden|not found|unprocessable"
    r"|too many|internal|invalid_|service|gateway))"
)
_FIGURES = r"limit:? ?([\d,]{1,15})\b.{0,40}?\brequested:? ?([\d,]{1,15})"


def cause_of(said: Said, status: int | None, *, asks_to_wait: bool = False) -> Cause | None:
    """The cause that the server names by a code or in words; ``None`` for an unknown one.

    ``status`` is the answer's, or the one that an error inside a stream carries; ``asks_to_wait``
    says whether the answer's headers name a wait.
    """
    if status == 401:
        # Only an empty account, or a model that the key may not use, is something else.
        names = ("credit", "model", "key")
        return next((c for c in map(_BY_NAME.__getitem__, names) if c.fits(said, 401)), None)
    if status == 402:
        # Venice asks for the key so, before it asks for money.
        if re.search(r"authentication (?:is )?required", said.words):
            return _BY_NAME["key"]
        by_code = _BY_NAME["context"].codes & said.codes
        return _BY_NAME["context" if by_code else "credit"]
    for cause in CAUSES:
        if not cause.fits(said, status):
            continue
        if cause.name == "context" and status == 429 and not _is_plain_overflow(said, cause):
            continue
        if cause.name == "quota" and (asks_to_wait or _passes(said)):
            return _BY_NAME["rate"]
        if cause.name == "rate" and _is_over_the_limit(said.words):
            return _BY_NAME["minute_too_small"]
        return cause
    if status is not None and status >= 500:
        return None
    return next((cause for cause in _BROAD if cause.fits(said, status)), None)


def _is_plain_overflow(said: Said, cause: Cause) -> bool:
    """Whether a 429 is about the context window: by its code, or in words that name it."""
    return bool(cause.codes & said.codes) or "context" in said.words


def _passes(said: Said) -> bool:
    """Whether a quota in doubtful words has a known wait, so that it fills up again."""
    known = said.retry_ms or said.resets_at or said.headers or said.is_limit
    return bool(known or parse_retry_after_ms(said.words))


def _is_over_the_limit(words: str) -> bool:
    """Whether the words tell of a single request that is larger than the limit."""
    figures = _pattern(_FIGURES).search(words)
    if figures is None:
        return False
    limit, asked = (int(text.replace(",", "") or 0) for text in figures.groups())
    return 0 < limit < asked


def status_in_words(words: str) -> int | None:
    """The status that a gateway repeats before an error: ``Error code: 400 - {...}``."""
    found = _pattern(_STATUS).search(words[:300])
    return int(found[1] or found[2]) if found else None


def is_long_limit(said: Said) -> bool:
    """Whether the limit is one of hours or days, for which seconds of waiting are in vain."""
    return said.per_day or bool(_pattern(_LONG_LIMIT).search(said.words))


# --- what it names -----------------------------------------------------------------------------

_NAME = r"[A-Za-z_$][\w$-]{0,80}(?:\.[\w$-]{1,80}|\[\d{1,6}\]){0,30}"
_PATH = r"[a-z][\w]{0,60}(?:\.[\w$-]{1,80}|\[\d{1,6}\]){1,30}"
_UNKNOWN_NAME = rf"[Uu]nknown name \\?[\"']({_NAME})\\?[\"'](?: at '({_NAME})')?"
# A path and a name of their own: Groq, and the JSON schema validator of older Azure.
_GROQ = rf"\('({_NAME})' ?: property '({_NAME})' is unsupported"
_UNEXPECTED = rf"\('({_NAME})' was unexpected\)(?: - '({_NAME})')?"
_LOC = r"['\"]loc['\"]: ?[(\[]([^)\]]{1,300})[)\]]"
_WORDS_OF_PARAMS = (
    r"temperature|verbosity|store|stream|strict|reasoning|thinking|stop|seed|logprobs|metadata"
    r"|instructions|user|background|truncation|prompt_cache_key|[a-z]{1,30}(?:_[a-z]{1,30}){1,5}"
)
_PARAMS = (
    rf"(?:^|[\s\"'(\]])({_PATH})(?=: )",
    # Quoted: "Unsupported parameter: 'max_tokens'", "Invalid 'input[3].id': ...".
    r"(?:[Uu]nsupported (?:parameter|param|field|argument)(?:s|\(s\))?"
    r"|[Uu]n(?:known|recognized|expected) (?:request )?(?:parameter|param|field|argument|property"
    r"|key)s?|[Ii]nvalid(?: value for| parameter| type for| field)?|[Pp]roperty|[Pp]arameter"
    r"|[Aa]rgument|[Ff]ield|[Pp]rovided)"
    rf"(?: supplied)?[^'\"`\w]{{0,4}}['\"`]({_NAME})['\"`]",
    rf"[Uu]nsupported value: ['\"`]({_NAME})['\"`](?= does not)",
    # Bare: "Unsupported parameter: max_output_tokens".
    r"(?:[Uu]nsupported param(?:eter)?s?|[Uu]nrecognized (?:request )?arguments?(?: supplied)?"
    r"|[Uu]nknown (?:parameter|field|argument)|[Aa]rgument not supported on this model)"
    rf": \W?({_NAME})",
    rf"does not support (?:the )?param(?:eter)?s?\W{{1,4}}({_NAME})",
    rf"does not support the '({_NAME})' param",
    rf"[Ee]xtra (?:parameter|field|input|argument)s? \[?['\"`]({_NAME})['\"`]",
    rf"({_PATH}|\b(?:{_WORDS_OF_PARAMS})) ['\"`][^'\"`]{{1,60}}['\"`] is not supported",
    rf"\b(?:{_WORDS_OF_PARAMS})[`'\"]? and [`'\"]?({_WORDS_OF_PARAMS})[`'\"]? cannot both be",
    rf"(?:not|n't) support ({_WORDS_OF_PARAMS})=",
    rf"(?<!alue: )['\"`]({_NAME})['\"`] (?:parameter |param |field |argument |option )?(?:is|are) "
    r"(?:not supported|unsupported|not permitted|not allowed)",
    rf"\b({_WORDS_OF_PARAMS}) (?:parameter |type )?(?:is|are) "
    r"(?:not supported|unsupported|not permitted|not allowed|unavailable)",
    rf"\b(?i:({_WORDS_OF_PARAMS}))[`'\"]?(?: parameter)? must be "
    r"(?:set|true|false|between|strictly|an? |one |in |[<>=])",
    rf"^({_WORDS_OF_PARAMS}|model|tools|messages): (?=\d|Extra|Input|Field|extra|not )",
    rf"validation errors? for \w{{1,60}}\s{{1,4}}({_NAME})\s",
    r"\b(max_(?:completion_|output_|new_)?tokens)\b",
    r"\b(reasoning_content)\b",
)
_NO_NAMES = frozenset(
    {
        *("function", "user", "assistant", "system", "tool", "developer", "string", "object"),
        *("image", "none", "minimal", "low", "medium", "high", "xhigh", "max"),
    }
)
# Levels of reasoning, by which the parameter is known that nobody names.
_LEVELS = (
    r"['\"](?:minimal|xhigh|none|max)['\"] (?:is )?not supported"
    r"|(?:levels|values)\b.{0,20}?['\"]?(?:minimal\b|low\b\W{1,5}(?:medium\b\W{1,5}(?:and |or )?"
    r"\W?)?high\b)"
)
# Names of exceptions that gateways put before the words look like paths.
_EXCEPTIONS = r"\b[\w.]{1,60}(?:Error|Exception)(?:: | - )"
_BROAD_PARAMS = frozenset({"input", "messages", "body", "request"})


def param_of(said: Said, cause: Cause | None, kind: ErrorKind) -> str | None:
    """The parameter or item that the server names, by a field or in its words."""
    param = said.param
    if cause is not None and cause.param and (param is None or param in _BROAD_PARAMS):
        if cause.name in ("encrypted_reasoning", "unknown_item", "too_large", "minute_too_small"):
            return cause.param
        # A path into the request is better than the name of the thing.
        named = _param_in(
            said.message or "", paths_only=cause.name not in ("output_limit", "tools")
        )
        return named or cause.param
    if param is not None or kind is not ErrorKind.INVALID_REQUEST:
        return param
    named = _param_in(said.message or "")
    if named is None and _pattern(_LEVELS).search(said.words):
        return "reasoning_effort"
    return named


def _param_in(message: str, *, paths_only: bool = False) -> str | None:
    message = _pattern(_EXCEPTIONS).sub("", message[:_MAX_MESSAGE])
    if match := _pattern(_UNKNOWN_NAME).search(message):
        name, path = match.groups()
        last = (path or "").rpartition(".")[2]
        return name if not path or path == name else path if last == name else f"{path}.{name}"
    if match := _pattern(_GROQ).search(message):
        return f"{match[1]}.{match[2]}"
    if match := _pattern(_UNEXPECTED).search(message):
        return f"{match[2]}.{match[1]}" if match[2] else match[1]
    if match := _pattern(_LOC).search(message):
        return _path([part.strip(" '\"") for part in match[1].split(",")])
    for pattern in _PARAMS[:1] if paths_only else _PARAMS:
        match = _pattern(pattern).search(message)
        name = next((text for text in match.groups() if text), "") if match else ""
        if name and name.lower() not in _NO_NAMES:
            return name.removeprefix("body.") if name[0].islower() else name.lower()
    return None


def _path(parts: list[str]) -> str:
    """The parts of a pydantic location as one path, without where the body stands."""
    parts = [part for part in parts[:20] if part]
    return ".".join(parts[1:] if len(parts) > 1 and parts[0] in ("body", "query") else parts)


_SIZES = (
    r"(?:supports up to|configured limit of|length is just|n_ctx \(|max_seq_len) ?\(?([\d,]{3,12})",
    r"\d(?: tokens)? ?> ?([\d,]{3,12})",
    r"context (?:length|size|window) of \S{1,100} is ([\d,]{3,12})",
    r"max tokens of ([\d,]{3,12}) exceeded",
    r"context (?:length|size|window|limit)(?: of| is|:)?(?: only)? ?\(?([\d,]{3,12})",
    r"(?:prompt|input|model|sequence) length (?:is|of) ([\d,]{3,12})",
    r"tokens allowed ?\(?([\d,]{3,12})",
    r"exceeds the limit of ([\d,]{3,12})",
    r"must be <= ?([\d,]{3,12})|less than ([\d,]{3,12}) tokens",
    r"range of input length should be \[\d{1,6}, ?([\d,]{3,12})\]",
    r"token limit: ([\d,]{3,12})|max size: ([\d,]{3,12}) tokens",
    r"cannot exceed ([\d,]{3,12})",
    r"with ([\d,]{3,12}) maximum context|limit is ([\d,]{3,12})",
)


def window_of(said: Said) -> int | None:
    """The size of the context window in tokens, by a field or in the server's words."""
    if said.window is not None:
        return said.window
    for pattern in _SIZES:
        if match := _pattern(pattern).search(said.words):
            size = int(next(text for text in match.groups() if text).replace(",", "") or 0)
            # Less holds no conversation: it is a fault of the server's wording.
            if size >= 256:
                return size
    return None
