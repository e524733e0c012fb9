"""The errors of a connection, for the client and for every `sidestream.transport.Fetch`."""

from __future__ import annotations

from sidestream._times import duration_text
from sidestream.errors import ErrorKind, SidestreamError


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

    It is not retried: the server has to be started first.
    """
    return SidestreamError(
        ErrorKind.NETWORK,
        f"Nothing answers at {host}.",
        hint="Start the model server, and check the port in the base URL.",
    )


def broken_connection_error(reason: str) -> SidestreamError:
    """The error for a connection that breaks while the answer arrives."""
    return SidestreamError(
        ErrorKind.NETWORK,
        f"The connection broke: {reason.rstrip('.')}.",
        hint="What arrived is kept. Check your network, then try again.",
        retryable=True,
    )


def timeout_error(timeout_ms: int) -> SidestreamError:
    """The error for a server that has sent nothing for ``timeout_ms``."""
    return SidestreamError(
        ErrorKind.TIMEOUT,
        f"The server has said nothing for {duration_text(timeout_ms)}.",
        hint="What arrived is kept. Try again; if this happens often, raise the idle timeout.",
        retryable=True,
    )
