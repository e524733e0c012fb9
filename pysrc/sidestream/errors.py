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
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sidestream.causes import (
    Cause,
    ErrorKind,
    Said,
    cause_of,
    is_long_limit,
    param_of,
    read_body,
    read_value,
    status_in_words,
    window_of,
)
from sidestream.hosts import may_be_local
from sidestream.rate_limits import active_limit, parse_rate_limits
from sidestream.redaction import echoes_of, is_secret_name, redact
from sidestream.retry import (
    MAX_SERVER_WAIT_MS,
    is_retryable_status,
    parse_retry_after_ms,
    parse_used_up_ms,
)

if TYPE_CHECKING:
    from datetime import tzinfo

__all__ = [
    "ErrorKind",
    "SidestreamError",
    "bad_body_error",
    "broken_connection_error",
    "error_from_response",
    "error_from_server_error",
    "is_secret_name",
    "network_error",
    "redact",
    "request_id_of",
    "timeout_error",
    "unanswered_error",
    "without_secrets",
]


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
        param: str | None = None,
        context_window: int | None = None,
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
        self.param = param
        """The parameter or item that the server names as the cause, in its own notation."""
        self.context_window = context_window
        """The size of the model's context window in tokens, where the server tells it."""

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


def without_secrets(error: SidestreamError, secrets: Iterable[str]) -> SidestreamError:
    """The error, in which no text repeats any of the secrets, nor what looks like a key."""
    secrets = list(secrets)
    for name in ("message", "server_message", "server_code", "request_id", "plan_type", "param"):
        if value := getattr(error, name):
            setattr(error, name, redact(value, secrets))
    if secrets:
        error.hint = echoes_of(*secrets).cut(error.hint)
    error.args = (error.message,)
    return error


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
    said = read_body(body, headers.get("content-type", ""), secrets)
    return _build(_Context(said, status, headers, now, url, tz))


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
    said = read_value(error, secrets)
    said.is_json = not isinstance(error, str)
    status = said.status or status_in_words(said.words)
    return _build(_Context(said, status, {}, now, "", tz, fallback))


def network_error(reason: str, *, hint: str = "") -> SidestreamError:
    """The error for a server that cannot be reached."""
    return SidestreamError(
        ErrorKind.NETWORK,
        f"The server cannot be reached: {reason.rstrip('.')}.",
        hint=hint or "Check your network, the base URL in the settings, and that the server runs.",
        retryable=True,
    )


def unanswered_error(host: str) -> SidestreamError:
    """The error for a refused connection on this computer.

    Nothing that passes by itself: whoever runs the server has to start it. So it is final at once.
    """
    return SidestreamError(
        ErrorKind.NETWORK,
        f"Nothing answers at {host}.",
        hint="Start the model server, and check the port in the base URL.",
    )


def broken_connection_error(reason: str) -> SidestreamError:
    """The error for a connection that breaks while the answer is under way."""
    return SidestreamError(
        ErrorKind.NETWORK,
        f"The connection broke: {reason.rstrip('.')}.",
        hint="What arrived is kept. Check your network, then try again.",
        retryable=True,
    )


def timeout_error(timeout_ms: int) -> SidestreamError:
    """The error for a server that has said nothing for ``timeout_ms``."""
    return SidestreamError(
        ErrorKind.TIMEOUT,
        f"The server has said nothing for {_duration(timeout_ms)}.",
        hint="What arrived is kept. Try again; if this happens often, raise the idle timeout.",
        retryable=True,
    )


def bad_body_error(
    headers: Mapping[str, str], body: bytes, *, url: str = "", secrets: Iterable[str] = ()
) -> SidestreamError:
    """The error for an answer of 200 that is neither a stream nor a response of the API."""
    headers = {name.lower(): value for name, value in headers.items()}
    content_type = headers.get("content-type", "")
    said = read_body(body, content_type, secrets)
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


def request_id_of(headers: Mapping[str, str]) -> str | None:
    """The id under which the provider can find the request, from headers in lower case."""
    names = ("x-request-id", "x-oai-request-id", "apim-request-id", "request-id", "cf-ray")
    return next((headers[name][:_LONGEST_ID] for name in names if headers.get(name)), None)


_LONGEST_ID = 200


# --- from what was said to an error --------------------------------------------------------------


@dataclass(slots=True)
class _Context:
    said: Said
    status: int | None
    headers: Mapping[str, str]
    now: float
    url: str
    tz: tzinfo | None
    fallback: str = ""
    cause: Cause | None = None

    @property
    def words(self) -> str:
        return self.said.message or ""

    @property
    def name(self) -> str:
        return self.cause.name if self.cause else ""


_REMOVE_IMAGE = "edit the message and remove the image"
_TRANSIENT = (
    ErrorKind.RATE_LIMITED,
    ErrorKind.SERVER_OVERLOADED,
    ErrorKind.SERVER_ERROR,
    ErrorKind.TIMEOUT,
)


def _build(context: _Context) -> SidestreamError:
    said, status, headers, now = context.said, context.status, context.headers, context.now
    asks_to_wait = bool(parse_retry_after_ms(headers, now=now))
    cause = context.cause = cause_of(said, status, asks_to_wait=asks_to_wait)
    kind = _kind_of(context)
    retryable = _is_retryable(kind, context)
    retry_after_ms, resets_at = _wait(kind, context)
    if kind is ErrorKind.RATE_LIMITED and retryable and is_long_limit(said):
        # Seconds of backoff are in vain. Google names some even where the day is used up.
        if said.per_day and (retry_after_ms or 0) <= 10 * MAX_SERVER_WAIT_MS:
            retry_after_ms = None
        retryable = bool(retry_after_ms)
    message, hint = _texts(kind, context, resets_at)
    if retryable and retry_after_ms:
        resets_at = resets_at or int(now + retry_after_ms / 1000)
        if retry_after_ms >= 1_000:
            message += f" It asks to wait {_duration(retry_after_ms)}."
        hint = f"Try again at {_local_time(resets_at, now, context.tz)}."
    is_context = kind is ErrorKind.CONTEXT_WINDOW_EXCEEDED
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
        param="body" if status == 413 and cause is None else param_of(said, cause, kind),
        context_window=window_of(said) if is_context else None,
    )


def _kind_of(context: _Context) -> ErrorKind:
    """The kind of the cause; of an unknown one, what the status says."""
    said, status, cause = context.said, context.status, context.cause
    if cause is not None and cause.name != "unknown":
        return cause.kind
    if status is None:
        return cause.kind if cause else ErrorKind.SERVER_ERROR
    if status == 401:
        return ErrorKind.AUTHENTICATION
    if status == 403:
        return ErrorKind.PERMISSION
    if status == 429:
        return ErrorKind.RATE_LIMITED
    if status in (404, 405):
        return ErrorKind.MODEL_NOT_FOUND if said.param == "model" else ErrorKind.NOT_FOUND
    if status == 408:
        return ErrorKind.TIMEOUT
    if 500 <= status <= 599:
        return ErrorKind.SERVER_OVERLOADED if status == 529 else ErrorKind.SERVER_ERROR
    return ErrorKind.INVALID_REQUEST if status >= 400 else ErrorKind.BAD_RESPONSE


def _is_retryable(kind: ErrorKind, context: _Context) -> bool:
    if context.cause is not None and context.cause.retry is not None:
        return context.cause.retry
    status = context.status
    if status is not None and status >= 500:
        # A gateway's 500 around the refusal of the server behind it.
        status = status_in_words(context.said.words) or status
    return kind in _TRANSIENT and (status is None or is_retryable_status(status))


def _wait(kind: ErrorKind, context: _Context) -> tuple[int | None, int | None]:
    """How long the server asks to wait, in milliseconds, and when the limit ends (Unix time)."""
    said, headers, now = context.said, context.headers, context.now
    wait = parse_retry_after_ms(headers, now=now)
    if wait is None:
        wait = said.retry_ms if said.retry_ms is not None else None
    if wait is None:
        wait = parse_retry_after_ms(said.headers, said.message, now=now)
    resets_at = said.resets_at
    if resets_at is not None and resets_at > 10**11:
        resets_at //= 1000  # milliseconds since 1970
    if resets_at is None and said.resets_in_s is not None:
        resets_at = int(now) + said.resets_in_s
    if wait is None and resets_at is not None:
        wait = max(0, round((resets_at - now) * 1000))
    if wait is None and kind is ErrorKind.RATE_LIMITED:
        for source in (said.headers, headers):
            wait = parse_used_up_ms(source, now=now) if wait is None else wait
    if wait and resets_at is None and wait > MAX_SERVER_WAIT_MS:
        resets_at = int(now + wait / 1000)
    return wait, resets_at


def _texts(kind: ErrorKind, context: _Context, resets_at: int | None) -> tuple[str, str]:
    """What happened and what to do, for the user."""
    status = context.status
    number = f" (status {status})" if status else ""
    if kind is ErrorKind.USAGE_LIMIT_REACHED:
        return _usage_limit_text(context, resets_at), ""
    if kind is ErrorKind.PERMISSION:
        return _permission_texts(context, number)
    if kind is ErrorKind.NOT_FOUND:
        return _not_found_texts(context, number)
    if kind is ErrorKind.INVALID_REQUEST:
        return _refusal_texts(context, number)
    if kind is ErrorKind.RATE_LIMITED:
        if context.name == "minute_too_small":
            return (
                f"This request is larger than the provider's limit for one minute{number}.",
                "Shorten it: compact the conversation, start a new chat, or pick a model with a "
                "higher limit.",
            )
        message = f"The provider's rate limit is reached{number}."
        if is_long_limit(context.said):
            return message, "Try again when the limit starts anew, or use another model."
        return message, "Wait a moment, then try again."
    if kind is ErrorKind.SERVER_ERROR:
        return _failure_texts(context, number)
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
            if "cyber_policy" in context.said.codes
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
    target = _shown(context.headers.get("location", ""))
    if kind is ErrorKind.BAD_RESPONSE and target:
        message = f"The server answered with a redirect to {target}{number}."
        hint = "Correct the base URL in the settings: redirects are not followed with a key."
    if kind is ErrorKind.MODEL_NOT_FOUND and (api := _other_api(context.words)):
        hint = f"Set the wire API to {api} in the settings, or pick another model."
    return message, hint


def _failure_texts(context: _Context, number: str) -> tuple[str, str]:
    if context.name == "bad_call":
        return f"The model wrote a tool call that the provider cannot read{number}.", "Try again."
    if context.name == "memory":
        return (
            f"The server lacks memory for this model{number}.",
            "Pick a smaller model, or free memory where the server runs.",
        )
    if context.name == "gateway":
        return f"The server behind this address does not answer{number}.", "Try again in a moment."
    if context.status is None:
        return context.said.message or context.fallback, "Try again."
    if context.status < 500:
        return f"The provider cannot run this model now{number}.", "Pick another model."
    return f"The provider failed{number}.", "Try again in a moment."


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
_RESPONSES = re.compile(
    r"only supported in (?:the )?v1/responses|use the responses api"
    r"|not accessible via (?:the )?(?:v1)?/?chat/completions",
    re.I,
)
_CHAT = re.compile(
    r"not (?:supported|accessible|available) (?:by|in|with|via) (?:the )?(?:v1)?/?responses\b"
    r"|not support (?:the )?responses\b|only supported in (?:the )?v1/chat/completions",
    re.I,
)


def _other_api(words: str) -> str | None:
    """The wire API that the server wants the model to be asked by."""
    words = words[:1_000]
    return (
        "Responses"
        if _RESPONSES.search(words)
        else "Chat Completions"
        if _CHAT.search(words)
        else None
    )


def _refusal_texts(context: _Context, number: str) -> tuple[str, str]:
    """The texts for a request that the provider refused as it stands."""
    words = context.words
    if context.name == "vector_store":
        message = f"The provider does not know a vector store to search files in{number}."
        return message, "Check the ids in the conversation's settings; they begin with vs_."
    if no_tool := _NO_TOOL.search(words):
        label = _TOOL_LABELS.get((no_tool[1] or no_tool[2] or "").lower())
        missing = f"has no {label}" if label else "does not have all tools that are switched on"
        message = f"The provider {missing} for this model{number}."
        return message, "Switch it off in the conversation's settings, or pick another model."
    if api := _other_api(words):
        hint = f"Set the wire API to {api} in the settings, or pick another model."
        return f"The provider refused the request{number}.", hint
    if context.name == "no_images":
        message = f"The provider says that this model cannot see images{number}."
        return message, f"Pick another model, or {_REMOVE_IMAGE}."
    if context.name == "bad_image":
        message = f"The provider cannot read an image of the conversation{number}."
        return message, f"If it is in the last message, {_REMOVE_IMAGE}."
    if context.name == "too_large" or (context.status == 413 and context.cause is None):
        return (
            "The request is larger than the provider takes.",
            "Shorten it: compact the conversation, or leave images out.",
        )
    if context.name == "no_tools":
        message = f"The provider does not offer tools for this model{number}."
        return message, "Switch the tools off, or pick another model."
    if context.name == "no_endpoint":
        message = f"The provider has no endpoint for what the request asks{number}."
        return message, "Pick another model, or change what the request asks for."
    # An unknown cause gets no advice: the server's own words are all that is known.
    return f"The provider refused the request{number}.", "The provider's answer says why."


_ADDRESS = re.compile(
    r"page not found|cannot (?:post|get)\b|invalid url|no route|unknown (?:request )?(?:url|path"
    r"|endpoint)|resource not found|unexpected endpoint|^not ?found\W*$|url .{0,100}not found",
    re.I,
)


def _not_found_texts(context: _Context, number: str) -> tuple[str, str]:
    if not context.said.is_json:
        where = f" at {_shown(context.url)}" if context.url else " at this address"
        return (
            f"There is nothing{where}{number}.",
            "Check the base URL in the settings; most end in /v1. If the server does not speak "
            "this wire API, choose the other one.",
        )
    if _ADDRESS.search(context.words) or not context.words:
        where = f" {_shown(context.url)}" if context.url else " this address"
        return (
            f"The server does not know{where}{number}.",
            "Check the address and the wire API in the settings.",
        )
    return (
        f"The provider did not find what the request names{number}.",
        "The provider's answer says what is missing.",
    )


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
    if said.message is None and not said.is_json and may_be_local(context.url):
        return (
            f"The server refused a request from a browser extension{number}.",
            "Ollama must allow it: start it with OLLAMA_ORIGINS=chrome-extension://*.",
        )
    return (
        f"The provider does not allow this{number}.",
        "Check what the key, the account or the project may use.",
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
