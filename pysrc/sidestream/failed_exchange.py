"""`FailedExchange`: a request that failed, kept for diagnosis without its secrets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

from sidestream.errors import SidestreamError
from sidestream.redaction import is_secret_name, redact
from sidestream.transport import HttpRequest, HttpResponse

MAX_KEPT_BODY_BYTES = 64 * 1024
MAX_OUTLINED_BYTES = 2 * 1024 * 1024
"""Of a larger request only the size is kept, since reading it would take too long."""
MAX_OUTLINE = 16_000
"""The characters that are kept of a request's body."""


@dataclass(frozen=True, slots=True)
class FailedExchange:
    """A request that failed and its response, without their secrets."""

    method: str
    url: str
    """Without its query."""
    request_headers: Mapping[str, str]
    request_body: str
    """The request's fields and settings. Texts that people wrote are replaced by their length."""
    error: Mapping[str, Any]
    status: int | None = None
    response_headers: Mapping[str, str] = field(default_factory=dict)
    response_body: str = ""
    at: float = 0.0
    """Unix time in seconds."""

    @classmethod
    def of(
        cls,
        request: HttpRequest,
        error: SidestreamError,
        response: HttpResponse | None,
        body: bytes,
        *,
        at: float,
    ) -> Self:
        """Describe a request, the response as far as there was one, and the error."""
        secrets = secrets_of(request)
        headers = response.headers if response is not None else {}
        return cls(
            method=request.method,
            url=redact(request.address, secrets),
            request_headers={
                name: value if name.lower() in _HARMLESS_HEADERS else "***"
                for name, value in request.headers.items()
            },
            request_body=redact(_outline(request.body or b""), secrets),
            error=error.to_dict(),
            status=response.status if response is not None else error.status,
            response_headers={
                redact(name, secrets): "***" if is_secret_name(name) else redact(value, secrets)
                for name, value in headers.items()
            },
            response_body=redact(body[:MAX_KEPT_BODY_BYTES].decode("utf-8", "replace"), secrets),
            at=at,
        )


def secrets_of(request: HttpRequest) -> list[str]:
    """The values of a request's headers and query that are secrets."""
    secrets = []
    for name, value in request.headers.items():
        scheme, _, credentials = value.partition(" ")
        if is_secret_name(name):
            secrets.append(credentials if credentials and len(scheme) < 20 else value)
        elif name.lower() not in _HARMLESS_HEADERS and redact(value) != value:
            # The user may have put a key into a header of any name.
            secrets.append(value)
    for name, value in parse_qsl(urlsplit(request.url).query):
        if is_secret_name(name) or redact(value) != value:
            secrets.append(value)
    return list(dict.fromkeys(secret for secret in secrets if len(secret) >= 4))


# Their values help in a diagnosis and cannot be secret. Other headers may be the user's own, so
# any of them may hold a key.
_HARMLESS_HEADERS = frozenset(
    {
        *("accept", "content-type", "openai-beta", "originator", "x-client-request-id"),
        *("conversation_id", "session_id", "session-id", "thread-id", "idempotency-key"),
        *("openai-organization", "openai-project", "http-referer", "x-title", "user-agent"),
    }
)


def _outline(body: bytes) -> str:
    """A request's body with its fields and settings, and without the texts that people wrote."""
    if not body or len(body) > MAX_OUTLINED_BYTES:
        return f"({len(body):,} bytes)" if body else ""
    try:
        value = json.loads(body)
    except ValueError:
        return f"({len(body):,} bytes)"
    text = json.dumps(_shape(value), ensure_ascii=False)
    return text if len(text) <= MAX_OUTLINE else f"{text[:MAX_OUTLINE]}... ({len(body):,} bytes)"


def _shape(value: Any, name: str = "") -> Any:
    if isinstance(value, dict):
        return {key: _shape(part, key) for key, part in value.items()}
    if isinstance(value, list):
        return [_shape(part, name) for part in value]
    if isinstance(value, str) and (name not in _SHOWN_TEXTS or len(value) > _LONGEST_SHOWN):
        return f"({len(value):,} characters)"
    return value


# The fields of a request whose texts are names and settings, and never private.
_SHOWN_TEXTS = frozenset(
    {
        *("model", "role", "type", "effort", "summary", "reasoning_effort", "verbosity", "name"),
        *("tool_choice", "service_tier", "include", "id", "call_id", "tool_call_id", "detail"),
        *("status", "phase", "context", "truncation", "required", "format", "mode"),
    }
)
_LONGEST_SHOWN = 100
