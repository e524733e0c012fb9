"""Answers of servers, and the errors that they become, for the tests."""

from __future__ import annotations

import json
from datetime import timedelta, timezone
from typing import Any

from sidestream.errors import ErrorKind, SidestreamError
from sidestream.server_errors import error_from_response, error_from_server_error

NOW = 1_700_000_000.0  # 2023-11-14 22:13:20 UTC

TZ = timezone(timedelta(hours=-8))  # NOW is 14:13:20 there

Kind = ErrorKind


def from_response(
    status: int, body: Any = b"", headers: dict[str, str] | None = None, **arguments: Any
) -> SidestreamError:
    if not isinstance(body, (bytes, str)):
        body = json.dumps(body)
    body = body if isinstance(body, bytes) else body.encode()
    return error_from_response(status, headers or {}, body, now=NOW, tz=TZ, **arguments)


def openai(message: str, type: str = "invalid_request_error", **fields: Any) -> dict[str, Any]:
    return {"error": {"message": message, "type": type, "param": None, "code": None, **fields}}


SOON = int(NOW) + 3600  # 3:13 PM of the same day


def from_stream(error: Any) -> SidestreamError:
    return error_from_server_error(error, fallback="It failed.", now=NOW, tz=TZ)
