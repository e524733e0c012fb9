"""From a response, or an error inside a stream, to a `SidestreamError`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import tzinfo
from typing import Any

from sidestream._times import duration_text, local_time_text
from sidestream.errors import ErrorKind, SidestreamError
from sidestream.retry import (
    MAX_SERVER_WAIT_MS,
    is_retryable_status,
    parse_retry_after_ms,
    parse_used_up_ms,
)
from sidestream.server_errors._failed import FailedResponse, without_query
from sidestream.server_errors.causes import cause_of, is_long_limit, status_in_text
from sidestream.server_errors.params import param_of, window_of
from sidestream.server_errors.shapes import read_error_body, read_error_value
from sidestream.server_errors.texts import texts_of
from sidestream.texts import Moment, Text, text

_TRANSIENT = (
    ErrorKind.RATE_LIMITED,
    ErrorKind.SERVER_OVERLOADED,
    ErrorKind.SERVER_ERROR,
    ErrorKind.TIMEOUT,
)
_LONGEST_ID = 200


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
    reported = read_error_body(body, headers.get("content-type", ""), secrets)
    return _build(FailedResponse(reported, status, headers, now, url, tz))


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
    reported = read_error_value(error, secrets)
    reported.is_json = not isinstance(error, str)
    status = reported.status or status_in_text(reported.text)
    return _build(FailedResponse(reported, status, {}, now, "", tz, fallback))


def bad_body_error(
    headers: Mapping[str, str], body: bytes, *, url: str = "", secrets: Iterable[str] = ()
) -> SidestreamError:
    """The error for an answer of 200 that is neither a stream nor a response of the API."""
    headers = {name.lower(): value for name, value in headers.items()}
    content_type = headers.get("content-type", "")
    reported = read_error_body(body, content_type, secrets)
    values, hint = {}, "hint_unknown_address"
    if reported.is_html:
        key, hint = "error_web_page", "hint_web_page"
    elif not body.strip():
        key = "error_empty_body"
    elif media_type := content_type.partition(";")[0].strip():
        key, values = "error_other_type", {"type": media_type}
    else:
        key = "error_unknown_type"
    if url:
        key, values = f"{key}_at", {**values, "url": without_query(url)}
    return SidestreamError(
        ErrorKind.BAD_RESPONSE,
        text(key, **values),
        hint=text(hint),
        status=200,
        request_id=request_id_of(headers),
        server_message=reported.message,
    )


def request_id_of(headers: Mapping[str, str]) -> str | None:
    """The id under which the provider can find the request, from headers in lower case."""
    names = ("x-request-id", "x-oai-request-id", "apim-request-id", "request-id", "cf-ray")
    return next((headers[name][:_LONGEST_ID] for name in names if headers.get(name)), None)


def _build(failed: FailedResponse) -> SidestreamError:
    reported, status, headers, now = failed.reported, failed.status, failed.headers, failed.now
    asks_to_wait = bool(parse_retry_after_ms(headers, now=now))
    cause = failed.cause = cause_of(reported, status, asks_to_wait=asks_to_wait)
    kind = _kind_of(failed)
    retryable = _is_retryable(kind, failed)
    retry_after_ms, resets_at = _wait(kind, failed)
    if kind is ErrorKind.RATE_LIMITED and retryable and is_long_limit(reported):
        # Seconds of backoff are in vain. Google names some even where the day is used up.
        if reported.per_day and (retry_after_ms or 0) <= 10 * MAX_SERVER_WAIT_MS:
            retry_after_ms = None
        retryable = bool(retry_after_ms)
    message, hint = texts_of(kind, failed, resets_at)
    if retryable and retry_after_ms:
        resets_at = resets_at or int(now + retry_after_ms / 1000)
        hint = _retry_hint(retry_after_ms, local_time_text(resets_at, now, failed.tz))
    is_context = kind is ErrorKind.CONTEXT_WINDOW_EXCEEDED
    return SidestreamError(
        kind,
        message,
        hint=hint,
        retryable=retryable,
        retry_after_ms=retry_after_ms,
        status=status,
        request_id=request_id_of(headers) or reported.request_id,
        server_code=reported.code,
        server_message=reported.message,
        plan_type=reported.plan_type,
        resets_at=resets_at,
        param="body" if status == 413 and cause is None else param_of(reported, cause, kind),
        context_window=window_of(reported) if is_context else None,
    )


def _retry_hint(wait_ms: int, time: Moment | None) -> Text:
    """When to try again."""
    if time is None:
        return text("hint_try_later")
    if wait_ms < 1_000:
        return text("hint_try_at", time=time)
    return text("hint_try_in", duration=duration_text(wait_ms), time=time)


def _kind_of(failed: FailedResponse) -> ErrorKind:
    """The kind of the cause; of an unknown one, what the status says."""
    reported, status, cause = failed.reported, failed.status, failed.cause
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
        return ErrorKind.MODEL_NOT_FOUND if reported.param == "model" else ErrorKind.NOT_FOUND
    if status == 408:
        return ErrorKind.TIMEOUT
    if 500 <= status <= 599:
        return ErrorKind.SERVER_OVERLOADED if status == 529 else ErrorKind.SERVER_ERROR
    return ErrorKind.INVALID_REQUEST if status >= 400 else ErrorKind.BAD_RESPONSE


def _is_retryable(kind: ErrorKind, failed: FailedResponse) -> bool:
    if failed.cause is not None and failed.cause.retry is not None:
        return failed.cause.retry
    status = failed.status
    if status is not None and status >= 500:
        # A gateway's 500 around the refusal of the server behind it.
        status = status_in_text(failed.reported.text) or status
    return kind in _TRANSIENT and (status is None or is_retryable_status(status))


def _wait(kind: ErrorKind, failed: FailedResponse) -> tuple[int | None, int | None]:
    """How long the server asks to wait, in milliseconds, and when the limit ends (Unix time)."""
    reported, headers, now = failed.reported, failed.headers, failed.now
    wait = parse_retry_after_ms(headers, now=now)
    if wait is None:
        wait = reported.retry_ms if reported.retry_ms is not None else None
    if wait is None:
        wait = parse_retry_after_ms(reported.headers, reported.message, now=now)
    resets_at = reported.resets_at
    if resets_at is not None and resets_at > 10**11:
        resets_at //= 1000  # milliseconds since 1970
    if resets_at is None and reported.resets_in_s is not None:
        resets_at = int(now) + reported.resets_in_s
    if wait is None and resets_at is not None:
        wait = max(0, round((resets_at - now) * 1000))
    if wait is None and kind is ErrorKind.RATE_LIMITED:
        for source in (reported.headers, headers):
            wait = parse_used_up_ms(source, now=now) if wait is None else wait
    if wait and resets_at is None and wait > MAX_SERVER_WAIT_MS:
        resets_at = int(now + wait / 1000)
    return wait, resets_at
