"""`SidestreamError`, the only exception of the client, and its kinds.

Every error has a `kind` for programs, a `message` that says what happened, a `hint` that says what
the user can do about it, and `retryable`, which says whether the same request may succeed later.
The kinds (`ErrorKind`), by where the call failed:

    SidestreamError
      · before a request was sent
        · configuration
        · unsupported
      · on the way
        · network
        · timeout
        · stream_closed
        · bad_response
      · refused because of the account
        · authentication
        · sign_in_required
        · permission
        · quota_exceeded
        · usage_limit_reached
        · usage_not_included
        · rate_limited
      · refused because of the request
        · not_found
        · model_not_found
        · invalid_request
        · context_window_exceeded
        · content_policy
      · failed at the provider
        · server_overloaded
        · server_error
      · ended early
        · incomplete
      · a fault of this package
        · internal

`sidestream.server_errors` makes these errors from what a server answers,
`sidestream.connection_errors` from what happens to a connection.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from importlib import import_module
from typing import Any

from sidestream.echoes import echoes_of
from sidestream.redaction import redact
from sidestream.texts import text, with_text, without


class ErrorKind(StrEnum):
    """What went wrong. The values are stable: programs may rely on them."""

    CONFIGURATION = "configuration"
    """Something is missing or malformed in the settings. No request was sent."""
    UNSUPPORTED = "unsupported"
    """The prompt asks for what this wire API or model cannot do. No request was sent."""
    NETWORK = "network"
    """There is no connection: refused, unknown host, no network, blocked by CORS."""
    TIMEOUT = "timeout"
    """The server accepted the connection and then sent nothing for too long."""
    STREAM_CLOSED = "stream_closed"
    """The stream broke, or ended before the answer was finished."""
    BAD_RESPONSE = "bad_response"
    """The response is not one of the wire API: HTML, other JSON, an oversized frame."""
    AUTHENTICATION = "authentication"
    """401: the key or token was refused."""
    SIGN_IN_REQUIRED = "sign_in_required"
    """The ChatGPT sign-in has expired for good."""
    PERMISSION = "permission"
    """403: the key is valid, but does not allow this."""
    NOT_FOUND = "not_found"
    """404 or 405: there is nothing at this address."""
    MODEL_NOT_FOUND = "model_not_found"
    """The provider does not have the model, or no longer."""
    INVALID_REQUEST = "invalid_request"
    """The provider refused the request as it stands."""
    CONTEXT_WINDOW_EXCEEDED = "context_window_exceeded"
    """The conversation is longer than the model's context window."""
    RATE_LIMITED = "rate_limited"
    """Too many requests or tokens. This passes, unless a single request is over the limit."""
    QUOTA_EXCEEDED = "quota_exceeded"
    """The account has no money left."""
    USAGE_LIMIT_REACHED = "usage_limit_reached"
    """A ChatGPT plan's limit is reached."""
    USAGE_NOT_INCLUDED = "usage_not_included"
    """The ChatGPT plan does not include this."""
    SERVER_OVERLOADED = "server_overloaded"
    """The model is at capacity."""
    SERVER_ERROR = "server_error"
    """The provider failed."""
    CONTENT_POLICY = "content_policy"
    """The provider's policy forbids the request."""
    INCOMPLETE = "incomplete"
    """The answer ended early (token limit, content filter). What arrived is kept."""
    INTERNAL = "internal"
    """A fault of this package."""


class SidestreamError(Exception):
    """The only exception that the client raises. It never holds a secret."""

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
        """What happened. A `sidestream.texts.Text` where it is not the server's own."""
        self.hint = hint
        """What the user can do about it."""
        self.retryable = retryable
        self.retry_after_ms = retry_after_ms
        self.status = status
        self.request_id = request_id
        self.server_code = server_code
        self.server_message = server_message
        self.plan_type = plan_type
        self.resets_at = resets_at
        self.param = param
        """The parameter or item that the server names as the cause, as it writes it."""
        self.context_window = context_window
        """The size of the model's context window in tokens, where the error names it."""

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as JSON data, without those that are unknown."""
        fields = {
            **vars(self),
            **with_text("message", self.message),
            **with_text("hint", self.hint),
            "kind": self.kind.value,
        }
        return {name: value for name, value in fields.items() if value not in (None, "")}

    @property
    def summary(self) -> str:
        """What happened, and what the server says about it."""
        if self.server_message and self.server_message not in self.message:
            return text("error_server_says", message=self.message, said=self.server_message)
        return self.message

    def __str__(self) -> str:
        return str(self.summary)

    def __repr__(self) -> str:
        status = f", status={self.status}" if self.status is not None else ""
        return f"SidestreamError({self.kind.value}, {self.message!r}{status})"


def without_secrets(error: SidestreamError, secrets: Iterable[str]) -> SidestreamError:
    """Cut the secrets, and what looks like a key, out of all texts of the error."""
    secrets = list(secrets)
    for name in ("message", "server_message", "server_code", "request_id", "plan_type", "param"):
        if value := getattr(error, name):
            setattr(error, name, without(value, lambda said: redact(said, secrets)))
    if secrets:
        error.hint = without(error.hint, echoes_of(*secrets).cut)
    error.args = (error.message,)
    return error


def __getattr__(name: str) -> Any:
    # Programs import `error_from_response` from here. Its module imports this one, so it is looked
    # up on demand.
    if name == "error_from_response":
        return import_module("sidestream.server_errors").error_from_response
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
