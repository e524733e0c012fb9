"""Whether an error is the refusal of a request, and what its message says."""

from __future__ import annotations

from sidestream.errors import ErrorKind, SidestreamError


def message_of(error: SidestreamError) -> str:
    """The server's own message, empty if it sent none."""
    return error.server_message or ""


def is_refusal(error: SidestreamError) -> bool:
    """Whether the server refused the request because of its content."""
    if error.kind in (ErrorKind.INVALID_REQUEST, ErrorKind.UNSUPPORTED):
        return True
    return error.status in (400, 404, 413, 422) and error.kind not in OTHER_CAUSES


# Errors of these kinds do not become rarer with another form of the request.
OTHER_CAUSES = (
    *(ErrorKind.CONTEXT_WINDOW_EXCEEDED, ErrorKind.CONTENT_POLICY, ErrorKind.QUOTA_EXCEEDED),
    *(ErrorKind.RATE_LIMITED, ErrorKind.AUTHENTICATION, ErrorKind.MODEL_NOT_FOUND),
)
