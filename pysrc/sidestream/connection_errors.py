"""The errors of a connection, for the client and for every `sidestream.transport.Fetch`."""

from __future__ import annotations

from sidestream._times import duration_text
from sidestream.errors import ErrorKind, SidestreamError
from sidestream.texts import text


def network_error(reason: str, *, hint: str = "") -> SidestreamError:
    """The error for a server that cannot be reached."""
    return SidestreamError(
        ErrorKind.NETWORK,
        text("error_unreachable", reason=reason.rstrip(".")),
        hint=hint or text("hint_unreachable"),
        retryable=True,
    )


def unanswered_error(host: str) -> SidestreamError:
    """The error for a refused connection on this computer.

    It is not retried: the server has to be started first.
    """
    return SidestreamError(
        ErrorKind.NETWORK,
        text("error_no_local_server", host=host),
        hint=text("hint_no_local_server"),
    )


def broken_connection_error(reason: str) -> SidestreamError:
    """The error for a connection that breaks while the answer arrives."""
    return SidestreamError(
        ErrorKind.NETWORK,
        text("error_connection_broke", reason=reason.rstrip(".")),
        hint=text("hint_connection_broke"),
        retryable=True,
    )


def timeout_error(timeout_ms: int) -> SidestreamError:
    """The error for a server that has sent nothing for ``timeout_ms``."""
    return SidestreamError(
        ErrorKind.TIMEOUT,
        text("error_silent", duration=duration_text(timeout_ms)),
        hint=text("hint_silent"),
        retryable=True,
    )
