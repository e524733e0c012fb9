"""One family of errors, for everything that can go wrong between a prompt and its answer.

SidestreamError
  kind            ErrorKind: what happened, for programs
  message         what happened, for the user
  hint            what the user can do about it
  retryable       whether the same request may succeed later
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any


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

    def __repr__(self) -> str:
        status = f", status={self.status}" if self.status is not None else ""
        return f"SidestreamError({self.kind.value}, {self.message!r}{status})"
