"""Whether an error is the refusal of a request, and what its message says."""

from __future__ import annotations

from sidestream.errors import ErrorKind, SidestreamError


def message_of(error: SidestreamError) -> str:
    return error.server_message or ""


def is_refusal(error: SidestreamError) -> bool:
    """Whether the request itself was found wanting, before anything else was tried."""
    if error.kind in (ErrorKind.INVALID_REQUEST, ErrorKind.UNSUPPORTED):
        return True
    return error.status in (400, 404, 413, 422) and error.kind not in OTHER_CAUSES


OTHER_CAUSES = (
    *(ErrorKind.CONTEXT_WINDOW_EXCEEDED, ErrorKind.CONTENT_POLICY, ErrorKind.QUOTA_EXCEEDED),
    *(ErrorKind.RATE_LIMITED, ErrorKind.AUTHENTICATION, ErrorKind.MODEL_NOT_FOUND),
)
