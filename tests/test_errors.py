from __future__ import annotations

import json

import pytest

import sidestream.errors
import sidestream.server_errors
from sidestream.errors import ErrorKind, SidestreamError
from sidestream.server_errors import error_from_response

Kind = ErrorKind


def test_the_message_holds_what_happened_and_the_servers_text() -> None:
    error = SidestreamError(Kind.SERVER_ERROR, "It failed.", server_message="Oops", status=500)
    assert str(error) == "It failed. The server says: Oops"
    assert repr(error) == "SidestreamError(server_error, 'It failed.', status=500)"
    assert str(SidestreamError(Kind.INTERNAL, "No: Oops", server_message="Oops")) == "No: Oops"
    assert repr(SidestreamError(Kind.INTERNAL, "No")) == "SidestreamError(internal, 'No')"


def test_to_dict_leaves_out_what_is_unknown() -> None:
    error = SidestreamError(Kind.RATE_LIMITED, "Wait.", retryable=True, retry_after_ms=0)
    assert error.to_dict() == {
        "kind": "rate_limited",
        "message": "Wait.",
        "retryable": True,
        "retry_after_ms": 0,
    }
    assert (
        json.loads(json.dumps(error_from_response(500, {}, b"", now=0.0).to_dict()))["status"]
        == 500
    )


def test_the_module_draws_every_kind() -> None:
    drawn = (sidestream.errors.__doc__ or "").split()
    assert [kind for kind in ErrorKind if kind.value not in drawn] == []


def test_the_way_from_a_response_to_an_error_can_be_imported_from_here() -> None:
    from_here = sidestream.errors.error_from_response
    assert from_here is sidestream.server_errors.error_from_response
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = sidestream.errors.nothing
