"""One family of errors, for everything that can go wrong between a prompt and its answer.

SidestreamError
  kind            ErrorKind: what happened, for programs
  message         what happened, for the user
  hint            what the user can do about it
  retryable       whether the same request may succeed later
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sidestream._json import parse
from sidestream.rate_limits import active_limit, parse_rate_limits
from sidestream.retry import is_retryable_status, parse_retry_after_ms

if TYPE_CHECKING:
    from datetime import tzinfo


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
    """The provider does not know the model."""
    INVALID_REQUEST = "invalid_request"
    """The provider refused the request as it stands."""
    CONTEXT_WINDOW_EXCEEDED = "context_window_exceeded"
    RATE_LIMITED = "rate_limited"
    """Too many requests or tokens; passes by itself."""
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
    """The answer ended early (token limit, content filter); what came is kept."""
    INTERNAL = "internal"
    """A fault of ours."""


class SidestreamError(Exception):
    """The one error that leaves the core. Never holds a secret."""

    def __init__(
        self,
        kind: ErrorKind,
        message: str,
        *,
        hint: str = "",
        retryable: bool = False,
        retry_after_ms: int | None = None,
        status: int | None = None,
        request_id: str | None = None,
        server_code: str | None = None,
        server_message: str | None = None,
        plan_type: str | None = None,
        resets_at: int | None = None,
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.hint = hint
        self.retryable = retryable
        self.retry_after_ms = retry_after_ms
        self.status = status
        self.request_id = request_id
        self.server_code = server_code
        self.server_message = server_message
        self.plan_type = plan_type
        self.resets_at = resets_at

    def to_dict(self) -> dict[str, Any]:
        """All that is known, as JSON data; what is unknown is left out."""
        fields = {**vars(self), "kind": self.kind.value}
        return {name: value for name, value in fields.items() if value not in (None, "")}

    def __str__(self) -> str:
        if self.server_message and self.server_message not in self.message:
            return f"{self.message} The server says: {self.server_message}"
        return self.message

    def __repr__(self) -> str:
        status = f", status={self.status}" if self.status is not None else ""
        return f"SidestreamError({self.kind.value}, {self.message!r}{status})"


# --- from a server's answer to an error --------------------------------------------------------


def error_from_response(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    *,
    now: float,
    url: str = "",
    secrets: Iterable[str] = (),
    tz: tzinfo | None = None,
) -> SidestreamError:
    """The error for an answer whose status is not 2xx.

    ``body`` may be JSON of any known shape, text or HTML, also cut short. ``now`` is the Unix time
    in seconds; times in messages are in ``tz``, by default the local time zone. ``url`` makes
    messages more helpful; ``secrets`` are cut out of everything that the server says.
    """
    headers = {name.lower(): value for name, value in headers.items()}
    said = _read_body(body, headers.get("content-type", ""), secrets)
    context = _Context(said, status, headers, now, url, tz)
    kind = _kind_by_status(context)
    return _build(kind, context)


def error_from_server_error(
    error: Any,
    *,
    fallback: str,
    now: float,
    secrets: Iterable[str] = (),
    tz: tzinfo | None = None,
) -> SidestreamError:
    """The error for an ``error`` object inside a stream (Codex ``response.failed`` rules).

    ``error`` is what stands in ``response.error``, in an ``error`` event or in a chat chunk: an
    object, a text, or nothing. ``fallback`` is the message when it says nothing. What is not known
    to be final may be retried.
    """
    said = _read_value(error, secrets)
    status = said.status or 0
    context = _Context(said, status or None, {}, now, "", tz, fallback)
    kind = _kind_by_code(context)
    if kind is None:
        kind = _kind_by_status(context) if status >= 400 else ErrorKind.SERVER_ERROR
    return _build(kind, context)


def network_error(reason: str, *, hint: str = "") -> SidestreamError:
    """The error for a server that cannot be reached."""
    return SidestreamError(
        ErrorKind.NETWORK,
        f"The server cannot be reached: {reason.rstrip('.')}.",
        hint=hint or "Check your network, the base URL in the settings, and that the server runs.",
        retryable=True,
    )


def broken_connection_error(reason: str) -> SidestreamError:
    """The error for a connection that breaks while the answer is under way."""
    return SidestreamError(
        ErrorKind.NETWORK,
        f"The connection broke: {reason.rstrip('.')}.",
        hint="What came is kept. Check your network, then try again.",
        retryable=True,
    )


def timeout_error(timeout_ms: int) -> SidestreamError:
    """The error for a server that has said nothing for ``timeout_ms``."""
    return SidestreamError(
        ErrorKind.TIMEOUT,
        f"The server has said nothing for {_duration(timeout_ms)}.",
        hint="What came is kept. Try again; if this happens often, raise the idle timeout.",
        retryable=True,
    )


def bad_body_error(
    headers: Mapping[str, str], body: bytes, *, url: str = "", secrets: Iterable[str] = ()
) -> SidestreamError:
    """The error for an answer of 200 that is neither a stream nor a response of the API."""
    headers = {name.lower(): value for name, value in headers.items()}
    content_type = headers.get("content-type", "")
    said = _read_body(body, content_type, secrets)
    where = f" at {_shown(url)}" if url else ""
    if said.is_html:
        message = f"The server{where} sent a web page instead of an answer."
        hint = "Check the base URL in the settings; most end in /v1. A proxy or a sign-in page may "
        hint += "also stand in between."
    elif not body.strip():
        message = f"The server{where} sent an empty answer."
        hint = "Check the base URL and the wire API in the settings."
    else:
        kind = content_type.partition(";")[0].strip() or "something unknown"
        message = f"The server{where} sent {kind} instead of an answer."
        hint = "Check the base URL and the wire API in the settings."
    return SidestreamError(
        ErrorKind.BAD_RESPONSE,
        message,
        hint=hint,
        status=200,
        request_id=request_id_of(headers),
        server_message=said.message,
    )


# --- what the server said ----------------------------------------------------------------------

_MAX_MESSAGE = 1_000
_SECRETS = re.compile(
    r"""
    \bBearer\s+[^\s"',]+
    | \beyJ[\w-]{6,}\.[\w-]+(?:\.[\w-]*)?                                # JSON web tokens
    | \b(?:sk|rk|pk|sess|xai|gsk|hf|key)[-_](?=[\w*.-]*[\d*])[\w*.-]{5,}[\w*]  # keys, also masked
    | \bAIza[\w-]{20,}
    """,
    re.X,
)
_MASKED = re.compile(r"[^\s*\"'`:=]{0,80}\*{3,}(?:[^\s\"'`]{0,80}[\w*])?")
_KEY_PROVIDED = re.compile(r"(api[ _-]?key(?: provided)?\s*[:=]\s*)[\"'`]?[^\s\"'`,]+", re.I)


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """The text without anything that is a secret or looks like one."""
    for secret in secrets:
        if len(secret) >= 4:
            text = text.replace(secret, "***")
    if "***" in text:
        text = _MASKED.sub("***", text)
    return _SECRETS.sub("***", _KEY_PROVIDED.sub(r"\1***", text))


@dataclass(slots=True)
class _Said:
    """An error in the server's words, whatever shape it came in."""

    message: str | None = None
    code: str | None = None
    """The most telling of code and type."""
    codes: frozenset[str] = frozenset()
    """All codes and types, in lower case."""
    param: str | None = None
    status: int | None = None
    plan_type: str | None = None
    resets_at: int | None = None
    resets_in_s: int | None = None
    request_id: str | None = None
    is_html: bool = False


@dataclass(slots=True)
class _Context:
    said: _Said
    status: int | None
    headers: Mapping[str, str]
    now: float
    url: str
    tz: tzinfo | None
    fallback: str = ""

    @property
    def words(self) -> str:
        return self.said.message or ""


def _read_body(body: bytes, content_type: str, secrets: Iterable[str]) -> _Said:
    text = body.decode("utf-8", "replace").removeprefix("\ufeff").strip()
    value: Any = text
    if text[:1] in ("{", "[", '"'):
        with suppress(ValueError):
            value = parse(text)
    if isinstance(value, str) and (
        re.match(r"<(?:!doctype|html|head|body|\?xml)", value, re.I) or "text/html" in content_type
    ):
        title = re.search(r"<title[^>]*>([^<]{1,300})", value, re.I)
        words = redact(" ".join(title[1].split()), secrets) if title else None
        # Cloudflare's pages are told by their words, not by their titles.
        blocked = "Cloudflare" in value and "blocked" in value
        codes = frozenset({"cloudflare_blocked"}) if blocked else frozenset[str]()
        return _Said(message=words or None, codes=codes, is_html=True)
    return _read_value(value, secrets)


def _read_value(value: Any, secrets: Iterable[str], depth: int = 0) -> _Said:
    if isinstance(value, str):
        inner = _embedded(value) if depth < 3 else None
        if inner is not None:
            return _read_value(inner, secrets, depth + 1)
        text = redact(value, secrets).strip()
        if len(text) > _MAX_MESSAGE:
            text = text[:_MAX_MESSAGE] + "..."
        return _Said(message=text or None)
    if isinstance(value, list):
        # Gemini wraps the object in a list; FastAPI lists every field that is wrong.
        return _read_value(value[0], secrets, depth + 1) if value and depth < 5 else _Said()
    if not isinstance(value, dict) or depth >= 5:
        return _Said()
    said = _Said()
    for name in ("error", "detail", "errors", "message", "msg", "error_message", "title"):
        if value.get(name):
            said = _read_value(value[name], secrets, depth + 1)
            if said.message or said.codes:
                break
    metadata = value.get("metadata")
    if isinstance(metadata, dict) and metadata.get("raw"):
        # OpenRouter: the words of the provider behind it.
        behind = _read_value(metadata["raw"], secrets, depth + 1)
        if behind.message:
            provider = _text(metadata.get("provider_name"), secrets)
            said.message = f"{provider}: {behind.message}" if provider else behind.message
        said.codes |= behind.codes
    inner_error = value.get("innererror")
    given = [value.get("code"), value.get("type"), value.get("status")]
    if isinstance(inner_error, dict):
        given.append(inner_error.get("code"))
    telling = [code for name in given if (code := _code(name, secrets))]
    said.codes |= {code.lower() for code in telling}
    said.code = next((code for code in telling if not code.isdigit()), None) or said.code
    said.code = said.code or (telling[0] if telling else None)
    for field in ("status", "status_code", "statusCode", "code"):
        status = _integer(value.get(field))
        if status is not None and 400 <= status <= 599:
            said.status = said.status or status
    said.param = said.param or _text(value.get("param"), secrets)
    said.plan_type = said.plan_type or _text(value.get("plan_type"), secrets)
    said.resets_at = said.resets_at or _integer(value.get("resets_at"))
    said.resets_in_s = said.resets_in_s or _integer(value.get("resets_in_seconds"))
    said.request_id = said.request_id or _text(value.get("request_id"), secrets)
    return said


def _embedded(text: str) -> Any:
    """The object in a text that is itself JSON, as gateways pass on what they were told."""
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
    text = redact(str(value), secrets).strip()[:100]
    return text if text and text.lower() not in ("error", "none", "null") else None


def _text(value: Any, secrets: Iterable[str]) -> str | None:
    return redact(value, secrets)[:200] if isinstance(value, str) and value else None


def _integer(value: Any) -> int | None:
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,15}", value):
        return int(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return int(value) if abs(value) < 1e16 else None


def request_id_of(headers: Mapping[str, str]) -> str | None:
    """The id under which the provider can find the request, from headers in lower case."""
    names = ("x-request-id", "x-oai-request-id", "apim-request-id", "request-id", "cf-ray")
    return next((headers[name] for name in names if headers.get(name)), None)


# --- what it means -----------------------------------------------------------------------------

_CODES: dict[ErrorKind, frozenset[str]] = {
    ErrorKind.CONTEXT_WINDOW_EXCEEDED: frozenset(
        {
            "context_length_exceeded",
            "context_window_exceeded",
            "exceed_context_size_error",
            "model_max_prompt_tokens_exceeded",
        }
    ),
    ErrorKind.USAGE_LIMIT_REACHED: frozenset({"usage_limit_reached", "usage_limit_exceeded"}),
    ErrorKind.USAGE_NOT_INCLUDED: frozenset({"usage_not_included"}),
    ErrorKind.QUOTA_EXCEEDED: frozenset(
        {
            "insufficient_quota",
            "billing_hard_limit_reached",
            "billing_not_active",
            "insufficient_credits",
            "insufficient_balance",
        }
    ),
    ErrorKind.CONTENT_POLICY: frozenset(
        {
            "cyber_policy",
            "bio_policy",
            "content_policy_violation",
            "content_filter",
            "responsibleaipolicyviolation",
            "moderation_blocked",
        }
    ),
    ErrorKind.SERVER_OVERLOADED: frozenset(
        {
            "server_is_overloaded",
            "slow_down",
            "overloaded",
            "overloaded_error",
            "engine_overloaded",
            "model_overloaded",
        }
    ),
    ErrorKind.MODEL_NOT_FOUND: frozenset(
        {"model_not_found", "deploymentnotfound", "model_not_available", "invalid_model"}
    ),
    ErrorKind.AUTHENTICATION: frozenset(
        {
            "invalid_api_key",
            "authentication_error",
            "invalid_authentication",
            "unauthenticated",
            "token_expired",
            "token_invalidated",
        }
    ),
    ErrorKind.PERMISSION: frozenset(
        {"unsupported_country_region_territory", "permission_error", "permission_denied"}
    ),
    ErrorKind.RATE_LIMITED: frozenset(
        {
            "rate_limit_exceeded",
            "rate_limit_error",
            "rate_limit",
            "too_many_requests",
            "resource_exhausted",
        }
    ),
    ErrorKind.INVALID_REQUEST: frozenset({"invalid_prompt", "invalid_request_error"}),
}
# The order matters where a server gives a broad type beside a telling code.
_BROAD = (ErrorKind.AUTHENTICATION, ErrorKind.PERMISSION, ErrorKind.INVALID_REQUEST)

_TOO_LONG = re.compile(
    r"maximum context length|context length (?:of|exceeded|is|limit)|exceeds? (?:the|its) (?:\w+ )?"
    r"context|exceeds the (?:available )?context size|context window|prompt is too long"
    r"|input is too long|maximum (?:prompt|input) length",
    re.I,
)
_NO_MODEL = re.compile(
    r"\bmodels?\b(?: with identifier| name| id)?[\s:/]*[`'\"]?[^\s`'\",]{0,120}[`'\",]*\s+"
    r"(?:is |was |could )?(?:not found|does not exist|doesn't exist|not exist|not be found"
    r"|not available)"
    r"|is not a valid model|\b(?:unknown|invalid|no such|unsupported) model\b"
    r"|\bno models? (?:is |are )?loaded|\bthe '[^']{1,120}' model is not supported"
    r"|api deployment for this resource does not exist",
    re.I,
)
_TOOL_LABELS = {
    "web_search": "web search",
    "code_interpreter": "code interpreter",
    "image_generation": "image generation",
    "file_search": "file search",
}
_NO_TOOL = re.compile(
    rf"\b(?:tool|type|value|tag)s?\W{{1,4}}({'|'.join(_TOOL_LABELS)})\w*\W.{{0,60}}"
    r"\b(?:not (?:supported|available|enabled|allowed)|unsupported|found using|supported values)"
    rf"|\b(?:unsupported|unknown|invalid) tool(?: type)?\W{{1,4}}({'|'.join(_TOOL_LABELS)})"
    r"|type\W{1,4}of tool must be|\bonly\b.{0,30}\bfunction\b.{0,4} tools",
    re.I | re.S,
)
_NO_VECTOR_STORE = re.compile(r"vector[ _]stores?\b.{0,120}\bnot (?:be )?found", re.I | re.S)
_NO_EYES = re.compile(
    r"\bimages?(?:_url)?(?: inputs?| content| modality)?\W? (?:is|are) (?:not|only) supported"
    r"|\b(?:not|n't|that) (?:support|accept|take|process|see) (?:images?|vision|multimodal)\b"
    r"|\bis not a (?:multimodal|vision) model|\bat most 0 image|\bvision add-on is not loaded"
    r"|unknown variant \W?image_url|missing data required for image input",
    re.I,
)
_BAD_IMAGE = re.compile(r"does not represent a valid image|unsupported image|invalid image", re.I)
_BAD_KEY = re.compile(r"api key not valid|(?:invalid|incorrect) api[ _-]?key", re.I)
_QUOTA = re.compile(
    r"insufficient (?:balance|credits?|quota|funds)|exceeded your current quota", re.I
)


_REMOVE_IMAGE = "edit the message and remove the image"
_TRANSIENT = (
    ErrorKind.RATE_LIMITED,
    ErrorKind.SERVER_OVERLOADED,
    ErrorKind.SERVER_ERROR,
    ErrorKind.TIMEOUT,
)


def _kind_by_code(context: _Context) -> ErrorKind | None:
    """What a code or type says, else what the words of known servers say."""
    codes = context.said.codes
    for kind, names in _CODES.items():
        if kind not in _BROAD and codes & names:
            return kind
    if _TOO_LONG.search(context.words):
        return ErrorKind.CONTEXT_WINDOW_EXCEEDED
    if _NO_MODEL.search(context.words):
        return ErrorKind.MODEL_NOT_FOUND
    if _BAD_KEY.search(context.words):
        return ErrorKind.AUTHENTICATION
    return next((kind for kind in _BROAD if codes & _CODES[kind]), None)


def _kind_by_status(context: _Context) -> ErrorKind:
    status, said = context.status or 0, context.said
    if status == 401:
        return ErrorKind.AUTHENTICATION
    if status == 402:
        return ErrorKind.QUOTA_EXCEEDED
    if status == 408:
        return ErrorKind.TIMEOUT
    if 500 <= status <= 599:
        if status == 529 or said.codes & _CODES[ErrorKind.SERVER_OVERLOADED]:
            return ErrorKind.SERVER_OVERLOADED
        # Local servers say 500 where 400 is meant; trying again would only repeat it.
        too_long = _TOO_LONG.search(context.words) is not None
        too_long = too_long or bool(said.codes & _CODES[ErrorKind.CONTEXT_WINDOW_EXCEEDED])
        if not too_long and _NO_EYES.search(context.words):
            return ErrorKind.INVALID_REQUEST
        return ErrorKind.CONTEXT_WINDOW_EXCEEDED if too_long else ErrorKind.SERVER_ERROR
    kind = _kind_by_code(context)
    if status == 429:
        final = (
            ErrorKind.USAGE_LIMIT_REACHED,
            ErrorKind.USAGE_NOT_INCLUDED,
            ErrorKind.QUOTA_EXCEEDED,
            ErrorKind.SERVER_OVERLOADED,
        )
        if kind in final:
            return kind
        return ErrorKind.QUOTA_EXCEEDED if _QUOTA.search(context.words) else ErrorKind.RATE_LIMITED
    if kind not in (None, ErrorKind.INVALID_REQUEST):
        return kind
    if status == 403:
        return ErrorKind.PERMISSION
    if _NO_VECTOR_STORE.search(context.words) or _NO_EYES.search(context.words):
        return ErrorKind.INVALID_REQUEST
    if status in (404, 405):
        return ErrorKind.MODEL_NOT_FOUND if said.param == "model" else ErrorKind.NOT_FOUND
    return ErrorKind.INVALID_REQUEST if status >= 400 else ErrorKind.BAD_RESPONSE


def _build(kind: ErrorKind, context: _Context) -> SidestreamError:
    said, status, headers, now = context.said, context.status, context.headers, context.now
    retryable = kind in _TRANSIENT and (status is None or is_retryable_status(status))
    retry_after_ms = parse_retry_after_ms(headers, said.message, now=now)
    resets_at = said.resets_at
    if resets_at is None and said.resets_in_s is not None:
        resets_at = int(now) + said.resets_in_s
    if retry_after_ms is None and resets_at is not None:
        retry_after_ms = max(0, round((resets_at - now) * 1000))
    message, hint = _texts(kind, context, resets_at)
    if retryable and retry_after_ms:
        resets_at = resets_at or int(now + retry_after_ms / 1000)
        message += f" It asks to wait {_duration(retry_after_ms)}."
        hint = f"Try again at {_local_time(resets_at, now, context.tz)}."
    return SidestreamError(
        kind,
        message,
        hint=hint,
        retryable=retryable,
        retry_after_ms=retry_after_ms,
        status=status,
        request_id=request_id_of(headers) or said.request_id,
        server_code=said.code,
        server_message=said.message,
        plan_type=said.plan_type,
        resets_at=resets_at,
    )


def _texts(kind: ErrorKind, context: _Context, resets_at: int | None) -> tuple[str, str]:
    """What happened and what to do, for the user."""
    said, status = context.said, context.status
    number = f" (status {status})" if status else ""
    where = f" at {_shown(context.url)}" if context.url else " at this address"
    if kind is ErrorKind.USAGE_LIMIT_REACHED:
        return _usage_limit_text(context, resets_at), ""
    if kind is ErrorKind.RATE_LIMITED:
        return f"The provider's rate limit is reached{number}.", "Wait a moment, then try again."
    if kind is ErrorKind.PERMISSION:
        return _permission_texts(context, number)
    if kind is ErrorKind.SERVER_ERROR:
        if status is None:
            return said.message or context.fallback, "Try again."
        return f"The provider failed{number}.", "Try again in a moment."
    if kind is ErrorKind.INVALID_REQUEST:
        if _NO_VECTOR_STORE.search(context.words):
            message = f"The provider does not know a vector store to search files in{number}."
            return message, "Check the ids in the conversation's settings; they begin with vs_."
        if no_tool := _NO_TOOL.search(context.words):
            label = _TOOL_LABELS.get((no_tool[1] or no_tool[2] or "").lower())
            missing = f"has no {label}" if label else "does not have all tools that are switched on"
            message = f"The provider {missing} for this model{number}."
            return message, "Switch it off in the conversation's settings, or pick another model."
        if _NO_EYES.search(context.words):
            message = f"The provider says that this model cannot see images{number}."
            return message, f"Pick another model, or {_REMOVE_IMAGE}."
        if _BAD_IMAGE.search(context.words):
            message = f"The provider cannot read an image of the conversation{number}."
            return message, f"If it is in the last message, {_REMOVE_IMAGE}."
        hint = "Change the request, the model or the settings; repeating it will not help."
        if re.search(r"only supported in v1/responses|use the responses api", context.words, re.I):
            hint = "Set the wire API to Responses in the settings."
        if status == 413:
            return "The request is larger than the provider takes.", "Shorten it."
        return f"The provider refused the request{number}.", hint
    texts: dict[ErrorKind, tuple[str, str]] = {
        ErrorKind.CONTEXT_WINDOW_EXCEEDED: (
            "The conversation no longer fits into the model's context window.",
            "Start a new chat, shorten the message, or pick a model with a larger window.",
        ),
        ErrorKind.QUOTA_EXCEEDED: (
            "Quota exceeded. Check your plan and billing details.",
            "Add credits at the provider, or use another key or provider.",
        ),
        ErrorKind.USAGE_NOT_INCLUDED: (
            "To use Codex with your ChatGPT plan, upgrade to Plus: "
            "https://chatgpt.com/explore/plus.",
            "",
        ),
        ErrorKind.CONTENT_POLICY: (
            "This request has been flagged for possible cybersecurity risk."
            if "cyber_policy" in said.codes
            else "The provider's policy forbids this request.",
            "Put the request in other words.",
        ),
        ErrorKind.SERVER_OVERLOADED: (
            f"The model is at capacity{number}.",
            "Try again in a moment, or pick another model.",
        ),
        ErrorKind.MODEL_NOT_FOUND: (
            "The provider does not know this model, or your key may not use it.",
            "Pick another model in the settings.",
        ),
        ErrorKind.AUTHENTICATION: (
            f"The provider refused the API key{number}.",
            "Check the API key in the settings, and that it belongs to this provider.",
        ),
        ErrorKind.NOT_FOUND: (
            f"There is nothing{where}{number}.",
            "Check the base URL in the settings; most end in /v1. If the server does not speak "
            "this wire API, choose the other one.",
        ),
        ErrorKind.TIMEOUT: (
            f"The provider waited too long for the request{number}.",
            "Try again.",
        ),
        ErrorKind.BAD_RESPONSE: (
            f"The server gave an answer that is none of the API{number}.",
            "Check the base URL in the settings: it may have moved.",
        ),
    }
    message, hint = texts[kind]
    if kind is ErrorKind.MODEL_NOT_FOUND and "v1/responses" in context.words:
        hint = "Set the wire API to Responses in the settings, or pick another model."
    return message, hint


def _permission_texts(context: _Context, number: str) -> tuple[str, str]:
    said, headers = context.said, context.headers
    words = context.words
    if "cloudflare_blocked" in said.codes or ("Cloudflare" in words and "blocked" in words):
        return (
            "Access blocked by Cloudflare. This usually happens when connecting from a restricted "
            f"region{number}.",
            "Use another network, or another provider.",
        )
    if headers.get("cf-mitigated") == "challenge" or (said.is_html and "Just a moment" in words):
        return (
            f"Cloudflare wants to see a browser before it lets the request through{number}.",
            "Use another network, or open the provider's site in a tab once.",
        )
    if said.message is None and _is_local(context.url):
        return (
            f"The server refused a request from a browser extension{number}.",
            "Ollama must allow it: start it with OLLAMA_ORIGINS=chrome-extension://*.",
        )
    return (
        f"The provider does not allow this{number}.",
        "Check what the key, the account or the project may use.",
    )


def _is_local(url: str) -> bool:
    """Whether the address is of this computer or its network; an unknown one may be."""
    host = re.match(r"https?://(\[[^\]]*\]|[^/:?#]*)", url, re.I)
    return host is None or bool(
        re.fullmatch(
            r"localhost|.*\.local(?:host)?|127\.[\d.]+|0\.0\.0\.0|10\.[\d.]+|192\.168\.[\d.]+"
            r"|172\.(?:1[6-9]|2\d|3[01])\.[\d.]+|\[.*\]|[^.]+",
            host[1],
            re.I,
        )
    )


def _shown(url: str) -> str:
    """An address without its query, which may hold a key."""
    return re.split(r"[?#]", url, maxsplit=1)[0]


# --- a ChatGPT plan's limit (Codex ``UsageLimitReachedError``) ----------------------------------

_CREDITS = "visit https://chatgpt.com/codex/settings/usage to purchase more credits"
_BY_PLAN = {
    "plus": f" Upgrade to Pro (https://chatgpt.com/explore/pro), {_CREDITS}",
    "free": " Upgrade to Plus to continue using Codex (https://chatgpt.com/explore/plus),",
    "pro": f" V{_CREDITS[1:]}",
    "team": " To get more access now, send a request to your admin",
}
_BY_PLAN |= dict.fromkeys(("go",), _BY_PLAN["free"])
_BY_PLAN |= dict.fromkeys(("prolite",), _BY_PLAN["pro"])
_BY_PLAN |= dict.fromkeys(
    (
        "business",
        "ent26",
        "self_serve_business_prolite",
        "self_serve_business_usage_based",
        "enterprise_cbp_automation",
        "enterprise_cbp_usage_based",
    ),
    _BY_PLAN["team"],
)
_REACHED = {
    "workspace_owner_credits_depleted": "Your workspace is out of credits. Add credits to "
    "continue.",
    "workspace_member_credits_depleted": "Your workspace is out of credits. Ask your workspace "
    "owner to refill in order to continue.",
    "workspace_owner_usage_limit_reached": "You hit your spend cap set in your workspace. Increase "
    "your spend cap to continue.",
    "workspace_member_usage_limit_reached": "You hit your spend cap set by the owner of your "
    "workspace. Ask an owner to increase your spend cap to continue.",
}


def _usage_limit_text(context: _Context, resets_at: int | None) -> str:
    headers = context.headers
    when = "later"
    if resets_at is not None:
        when = f"at {_local_time(resets_at, context.now, context.tz)}"
    name = active_limit(parse_rate_limits(headers, now=context.now), headers)
    if name and name.lower() != "codex":
        return (
            f"You've hit your usage limit for {name}. "
            f"Switch to another model now, or try again {when}."
        )
    reached = headers.get("x-codex-rate-limit-reached-type", "").strip()
    if reached in _REACHED:
        return _REACHED[reached]
    hit = "You've hit your usage limit."
    if promo := headers.get("x-codex-promo-message", "").strip():
        return f"{hit} {promo}, or try again {when}."
    continuation = _BY_PLAN.get((context.said.plan_type or "").lower())
    return (
        f"{hit}{continuation} or try again {when}." if continuation else f"{hit} Try again {when}."
    )


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def _local_time(timestamp: int, now: float, tz: tzinfo | None) -> str:
    """``3:05 PM`` today, else ``Jan 3rd, 2024 3:05 PM``."""
    from datetime import datetime  # slow to import, and seldom needed

    try:
        moment, today = datetime.fromtimestamp(timestamp, tz), datetime.fromtimestamp(now, tz)
    except (ValueError, OverflowError, OSError):
        return "a later time"
    clock = f"{(moment.hour + 11) % 12 + 1}:{moment:%M} {'AM' if moment.hour < 12 else 'PM'}"
    if moment.date() == today.date():
        return clock
    suffix = {1: "st", 2: "nd", 3: "rd"}.get(moment.day % 10, "th")
    suffix = "th" if 11 <= moment.day <= 13 else suffix
    return f"{_MONTHS[moment.month - 1]} {moment.day}{suffix}, {moment.year} {clock}"


def _duration(ms: int) -> str:
    """A wait for people to read: ``1.5 s``, ``35 s``, ``6 min``, ``2 h 5 min``."""
    seconds = ms / 1000
    if seconds < 10:
        return f"{seconds:.1f}".rstrip("0").rstrip(".") + " s"
    if seconds < 90:
        return f"{round(seconds)} s"
    minutes = -(-round(seconds) // 60)
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h" + (f" {minutes % 60} min" if minutes % 60 else "")
