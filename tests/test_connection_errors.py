from __future__ import annotations

from sidestream.connection_errors import (
    broken_connection_error,
    network_error,
    timeout_error,
    unanswered_error,
)
from sidestream.errors import ErrorKind

Kind = ErrorKind


def test_builders() -> None:
    error = network_error("connection refused.")
    assert error.message == "The server cannot be reached: connection refused."
    assert (error.kind, error.retryable) == (Kind.NETWORK, True)
    assert network_error("x", hint="Do this.").hint == "Do this."
    error = unanswered_error("localhost:11434")
    assert error.message == "Nothing answers at localhost:11434."
    assert (error.kind, error.retryable) == (Kind.NETWORK, False)
    error = broken_connection_error("reset by peer")
    assert error.message == "The connection broke: reset by peer."
    assert (error.kind, error.retryable) == (Kind.NETWORK, True)
    error = timeout_error(300_000)
    assert error.message == "The server has sent nothing for 5 min."
    assert (error.kind, error.retryable) == (Kind.TIMEOUT, True)
