"""Real answers of real servers, each with its public source: ``fixtures/error_wordings.json``.

Every row is read twice where that makes sense: as the answer to a request, and as an error that the
same server reports inside a stream.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sidestream.errors import ErrorKind, SidestreamError
from sidestream.server_errors import error_from_response, error_from_server_error

NOW = 1_700_000_000.0
FIXTURE = Path(__file__).parent.parent / "fixtures" / "error_wordings.json"
ROWS: list[dict[str, Any]] = json.loads(FIXTURE.read_text(encoding="utf-8"))


def name_of(row: dict[str, Any]) -> str:
    return f"{row['provider']}-{row['status']}-{row['source']}"


def in_stream(body: Any) -> SidestreamError:
    return error_from_server_error(body, fallback="It failed.", now=NOW)


def read(row: dict[str, Any]) -> SidestreamError:
    body = row["body"]
    if row["status"] is None:
        return in_stream(body)
    raw = body if isinstance(body, str) else json.dumps(body)
    return error_from_response(row["status"], row.get("headers", {}), raw.encode(), now=NOW)


def flat(text: str) -> str:
    return "".join(text.split())


@pytest.mark.parametrize("row", ROWS, ids=name_of)
def test_the_cause_of_a_real_answer(row: dict[str, Any]) -> None:
    error = read(row)
    assert error.kind.value == row["kind"]
    for name in ("retryable", "retry_after_ms", "context_window", "param"):
        if name in row:
            assert getattr(error, name) == row[name], name
    if error.status is not None and 400 <= error.status < 500 and error.status not in (408, 429):
        assert not error.retryable or row.get("retryable"), "repeating a refusal is in vain"
    assert error.message
    if error.server_message:
        assert error.server_message in str(error)
        assert flat(error.server_message.removesuffix("..."))[-20:] in flat(
            json.dumps(row["body"], ensure_ascii=False).replace('\\"', '"').replace("\\n", "\n")
        ) or isinstance(row["body"], dict)


SAME_IN_STREAMS = {
    *("context_window_exceeded", "quota_exceeded", "content_policy", "model_not_found"),
    *("usage_limit_reached", "rate_limited", "server_overloaded"),
}


@pytest.mark.parametrize(
    "row",
    [
        row
        for row in ROWS
        if row["status"] not in (None, 402, 403)
        and row["kind"] in SAME_IN_STREAMS
        and not row.get("headers")
        # Without a status these are ambiguous.
        and not (isinstance(row["body"], dict) and set(row["body"]) <= {"status", "title"})
        and "Provider returned error" not in json.dumps(row["body"])
    ],
    ids=name_of,
)
def test_the_same_cause_inside_a_stream(row: dict[str, Any]) -> None:
    error = in_stream(row["body"])
    assert error.kind.value == row["kind"]
    if "context_window" in row:
        assert error.context_window == row["context_window"]
    if error.kind in (
        ErrorKind.CONTEXT_WINDOW_EXCEEDED,
        ErrorKind.QUOTA_EXCEEDED,
        ErrorKind.CONTENT_POLICY,
        ErrorKind.MODEL_NOT_FOUND,
    ):
        assert not error.retryable


@pytest.mark.parametrize(
    "row",
    [row for row in ROWS if row["status"] == 404 and not isinstance(row["body"], str)],
    ids=name_of,
)
def test_a_404_with_an_error_is_no_wrong_base_url(row: dict[str, Any]) -> None:
    assert "base URL" not in f"{read(row)} {read(row).hint}"


def test_the_table_is_wide() -> None:
    bodies = {json.dumps(row["body"], sort_keys=True) for row in ROWS}
    assert len(bodies) >= 200
    assert len({row["provider"] for row in ROWS}) >= 25
    assert all(row["source"] for row in ROWS)


def test_a_limit_reports_when_it_ends() -> None:
    """MiniMax-AI/MiniMax-M2.7#36: the message holds the end of the limit, as a time."""
    words = "5-hour usage limit reached, resets at 2026-05-15T15:00:00Z (2056)"
    body = json.dumps({"error": {"type": "rate_limit_error", "message": words}}).encode()
    at = 1_778_857_200  # that time
    error = error_from_response(429, {}, body, now=at - 3_600)
    assert (error.retry_after_ms, error.resets_at) == (3_600_000, at)
    assert error_from_response(429, {}, body, now=at + 60).retry_after_ms is None
    without_zone = body.replace(b"00Z", b"00")
    assert error_from_response(429, {}, without_zone, now=at - 3_600).retry_after_ms is None
