"""Reads what a server says of an error, in any shape that servers are known to use.

`read_error_body` and `read_error_value` make one `ReportedError` of JSON, text or HTML.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from sidestream._json import parse
from sidestream.redaction import redact
from sidestream.retry import MAX_KNOWN_WAIT_MS, parse_duration_ms

MAX_MESSAGE = 1_000
_MAX_TEXT = 4_000
_MAX_DEPTH = 5


@dataclass(slots=True)
class ReportedError:
    """What a server says of an error, whatever shape it came in."""

    message: str | None = None
    """At most 1,000 characters, without secrets."""
    text: str = ""
    """The message for the patterns of `sidestream.server_errors.causes`.

    It is longer than `message`, in lower case, and every run of blanks is one blank."""
    code: str | None = None
    """The code or type that says most."""
    codes: frozenset[str] = frozenset()
    """All codes and types, in lower case."""
    param: str | None = None
    status: int | None = None
    window: int | None = None
    """The size of the context window in tokens, where a field holds it."""
    plan_type: str | None = None
    resets_at: int | None = None
    resets_in_s: int | None = None
    retry_ms: int | None = None
    """The wait that a field of the body asks for."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Headers that a gateway passes on inside the body."""
    is_limit: bool = False
    """Whether a field names a limit that passes, as Google's quotas do."""
    per_day: bool = False
    """Whether that limit is one of a day."""
    request_id: str | None = None
    is_html: bool = False
    is_json: bool = False


def read_error_body(body: bytes, content_type: str, secrets: Iterable[str]) -> ReportedError:
    """Read the body of a response."""
    text = body.decode("utf-8", "replace").removeprefix("\ufeff").strip()
    value: Any = text
    if text[:1] in ("{", "[", '"'):
        with suppress(ValueError):
            value = parse(text)
    if isinstance(value, str) and (
        re.match(r"<(?:!doctype|html|head|body|\?xml)", value, re.I) or "text/html" in content_type
    ):
        reported = _from_text(_page_text(value), secrets)
        # The texts of Cloudflare's pages differ, their titles do not.
        if "Cloudflare" in value and "blocked" in value:
            reported.codes = frozenset({"cloudflare_blocked"})
        reported.is_html = True
        return reported
    reported = read_error_value(value, secrets)
    reported.is_json = isinstance(value, (dict, list))
    return reported


def _page_text(page: str) -> str:
    """The text of a web page that is worth repeating: its title or first heading."""
    for name in ("title", "pre", "h1"):
        found = re.search(rf"<{name}\b[^>]{{0,200}}>([^<]{{1,300}})", page[:100_000], re.I)
        text = " ".join(found[1].split()) if found else ""
        if text and text.lower() != "error":
            return text
    return ""


def read_error_value(value: Any, secrets: Iterable[str], depth: int = 0) -> ReportedError:
    """Read a text or a piece of JSON."""
    if isinstance(value, str):
        inner = _embedded(value) if depth < 3 else None
        if inner is not None:
            return read_error_value(inner, secrets, depth + 1)
        return _from_text(value, secrets)
    if isinstance(value, list):
        # Gemini wraps the object in a list; FastAPI lists every field that is wrong.
        return (
            read_error_value(value[0], secrets, depth + 1)
            if value and depth < _MAX_DEPTH
            else ReportedError()
        )
    if not isinstance(value, dict) or depth >= _MAX_DEPTH:
        return ReportedError()
    reported = _two_texts(value, secrets) or ReportedError()
    for name in () if reported.message else _MESSAGES:
        if value.get(name):
            found = read_error_value(value[name], secrets, depth + 1)
            if found.message or found.codes:
                reported = found
                break
    for name in _CAUSED_BY:
        _read_cause(value.get(name), reported, secrets, depth)
    if isinstance(about := value.get("param"), str) and about.count(" ") > 2 and reported.message:
        # Xiaomi explains itself where the name of the parameter belongs.
        reported.message = _from_text(f"{reported.message}: {about}", secrets).message
        reported.text = f"{reported.text}: {_from_text(about, secrets).text}"
    _read_metadata(value.get("metadata"), reported, secrets, depth)
    _read_base_resp(value.get("base_resp"), reported, secrets)
    _read_details(value.get("details"), reported, secrets)
    _read_codes(value, reported, secrets)
    reported.param = reported.param or _param_field(value, secrets)
    windows = (_integer(value.get(name)) for name in _WINDOWS)
    reported.window = reported.window or next((size for size in windows if size and size > 0), None)
    reported.plan_type = reported.plan_type or _text(value.get("plan_type"), secrets)
    reported.resets_at = reported.resets_at or _integer(value.get("resets_at"))
    reported.resets_in_s = reported.resets_in_s or _integer(value.get("resets_in_seconds"))
    reported.request_id = reported.request_id or _text(value.get("request_id"), secrets)
    reported.headers = reported.headers or _headers(value.get("headers"))
    reported.retry_ms = reported.retry_ms if reported.retry_ms is not None else _wait_field(value)
    return reported


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


def _two_texts(value: dict[str, Any], secrets: Iterable[str]) -> ReportedError | None:
    """Read ``{"error": "Forbidden", "message": "..."}``, where both are texts."""
    error, text = value.get("error"), value.get("message") or value.get("detail")
    if not (isinstance(error, str) and isinstance(text, str) and error and " " in text.strip()):
        return None
    if _embedded(error) is not None or _embedded(text) is not None:
        return None
    reported = _from_text(text, secrets)
    if " " in error and error.lower() not in text.lower():
        reported = _from_text(f"{error[:500].rstrip(':. ')}: {text}", secrets)
    return reported


# The fields that hold the message, the best one first.
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
# Where gateways put what the server behind them reported.
_CAUSED_BY = ("cause", "upstream_error", "provider_error", "original_error")
_WINDOWS = ("n_ctx", "max_model_len", "context_window", "context_length", "max_context_length")
_STATUSES = ("status", "status_code", "statusCode", "http_code", "http_status_code", "code")


def _from_text(text: str, secrets: Iterable[str]) -> ReportedError:
    # Cut before and after, so that a text of any length costs little to search for secrets.
    text = redact(text[: 2 * _MAX_TEXT], secrets).strip()
    compared = " ".join(text[:_MAX_TEXT].lower().replace("\u2019", "'").split())
    if len(text) > MAX_MESSAGE:
        text = text[:MAX_MESSAGE] + "..."
    return ReportedError(message=text or None, text=compared)


def _read_codes(value: dict[str, Any], reported: ReportedError, secrets: Iterable[str]) -> None:
    inner = value.get("innererror")
    given = [value.get(name) for name in ("code", "type", "error_code", "error_type", "status")]
    # ``com.amazon.coral.validate#ValidationException``
    name = value.get("__type")
    given.append(name.rpartition("#")[2] if isinstance(name, str) else None)
    if isinstance(inner, dict):
        given.append(inner.get("code"))
    if isinstance(value.get("error"), str) and reported.message != value["error"]:
        given.append(value["error"])
    telling = [code for each in given if (code := _code(each, secrets))]
    reported.codes |= {code.lower() for code in telling}
    reported.code = next((code for code in telling if not code.isdigit()), None) or reported.code
    reported.code = reported.code or (telling[0] if telling else None)
    for name in _STATUSES:
        status = _integer(value.get(name))
        if status is not None and 400 <= status <= 599:
            reported.status = reported.status or status


def _read_cause(cause: Any, reported: ReportedError, secrets: Iterable[str], depth: int) -> None:
    """Add what the server behind a gateway says, where that is an object of its own."""
    if not isinstance(cause, dict) and not (isinstance(cause, str) and _embedded(cause)):
        return
    behind = read_error_value(cause, secrets, depth + 1)
    if not behind.message or behind.text in reported.text:
        return
    reported.message = (
        f"{reported.message}: {behind.message}" if reported.message else behind.message
    )
    reported.text = f"{reported.text} {behind.text}".strip()
    reported.codes |= behind.codes
    reported.param = reported.param or behind.param
    reported.window = reported.window or behind.window
    reported.retry_ms = reported.retry_ms if reported.retry_ms is not None else behind.retry_ms


def _read_metadata(
    metadata: Any, reported: ReportedError, secrets: Iterable[str], depth: int
) -> None:
    """Add what OpenRouter passes on: the provider's own error, and the headers of a limit."""
    if not isinstance(metadata, dict):
        return
    if metadata.get("raw"):
        behind = read_error_value(metadata["raw"], secrets, depth + 1)
        if behind.message:
            provider = _text(metadata.get("provider_name"), secrets)
            reported.message = f"{provider}: {behind.message}" if provider else behind.message
            reported.text = f"{reported.text} {behind.text}"
        reported.codes |= behind.codes
        reported.retry_ms = reported.retry_ms if reported.retry_ms is not None else behind.retry_ms
        reported.per_day, reported.is_limit = behind.per_day, behind.is_limit
        reported.param = reported.param or behind.param
        reported.window = reported.window or behind.window
    reported.headers = _headers(metadata.get("headers"))
    reported.retry_ms = (
        reported.retry_ms if reported.retry_ms is not None else _wait_field(metadata)
    )
    if code := _code(metadata.get("error_type"), secrets):
        reported.codes |= {code.lower()}
    if metadata.get("flagged_input"):
        reported.codes |= {"content_policy_violation"}


def _read_base_resp(base: Any, reported: ReportedError, secrets: Iterable[str]) -> None:
    """Add MiniMax's ``{"base_resp": {"status_code": 1008, "status_msg": "..."}}``."""
    code = _integer(base.get("status_code")) if isinstance(base, dict) else None
    if not code:
        return
    given = _from_text(str(base.get("status_msg") or ""), secrets)
    reported.message, reported.text = given.message or reported.message, given.text or reported.text
    reported.code = str(code)
    reported.codes |= {reported.code}


def failure_in_base_resp(value: Any) -> dict[str, Any] | None:
    """The error of an object whose ``base_resp`` reports one, for `error_from_server_error`."""
    base = value.get("base_resp") if isinstance(value, dict) else None
    code = _integer(base.get("status_code")) if isinstance(base, dict) else None
    return {"code": code, "message": base.get("status_msg")} if base and code else None


def _read_details(details: Any, reported: ReportedError, secrets: Iterable[str]) -> None:
    """Add Google's ``google.rpc`` details: waits, quotas, and fields that are wrong."""
    for detail in details[:50] if isinstance(details, list) else ():
        if not isinstance(detail, dict):
            continue
        if isinstance(delay := detail.get("retryDelay"), str):
            reported.retry_ms = parse_duration_ms(delay)
        if code := _code(detail.get("reason"), secrets):
            reported.codes |= {code.lower()}
        about = detail.get("metadata")
        if isinstance(about, dict) and isinstance(about.get("quotaResetDelay"), str):
            reported.retry_ms = reported.retry_ms or parse_duration_ms(about["quotaResetDelay"])
        violations = detail.get("violations")
        for violation in violations[:50] if isinstance(violations, list) else ():
            quota = violation.get("quotaId") if isinstance(violation, dict) else None
            if isinstance(quota, str):
                reported.is_limit = reported.is_limit or "PerMinute" in quota or "PerDay" in quota
                reported.per_day = reported.per_day or "PerDay" in quota


def _param_field(value: dict[str, Any], secrets: Iterable[str]) -> str | None:
    param = value.get("param")
    if isinstance(param, str) and param.lower() not in _NO_PARAM and " " not in param:
        return _text(param, secrets)
    path = value.get("loc")
    if isinstance(path, list) and all(isinstance(part, (str, int)) for part in path):
        return _text(dotted_path([str(part) for part in path]), secrets)
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


def dotted_path(parts: list[str]) -> str:
    """The parts of a pydantic location as one path, without ``body`` or ``query``."""
    parts = [part for part in parts[:20] if part]
    return ".".join(parts[1:] if len(parts) > 1 and parts[0] in ("body", "query") else parts)
