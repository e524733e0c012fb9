"""What is kept of errors, with the turn and in the log."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidestream.failed_exchange import FailedExchange
from sidestream.session.error_log import (
    MAX_DETAILS,
    MAX_ENTRIES,
    MAX_SIZE,
    ErrorLog,
    error_details,
)
from sidestream.testing import Reply, ResponsesStream
from tests.session.harness import Harness, reply, with_harness


def exchange(**fields: Any) -> FailedExchange:
    known: dict[str, Any] = {
        "method": "POST",
        "url": "https://a.test/v1/responses",
        "request_headers": {"Authorization": "***"},
        "request_body": '{"model": "m"}',
        "error": {},
        "status": 500,
        "response_headers": {"x-request-id": "r1"},
        "response_body": "Oops",
    }
    return FailedExchange(**{**known, **fields})


@given(
    body=st.text(min_size=0, max_size=30_000),
    headers=st.dictionaries(st.text(max_size=2_000), st.text(max_size=5_000), max_size=5),
)
def test_details_are_bounded(body: str, headers: dict[str, str]) -> None:
    details = error_details(
        {"status": 500, "request_id": "r1"},
        provider="p" * 5_000,
        notices=[body] * 50,
        exchange=exchange(request_body=body, response_body=body, response_headers=headers),
    )
    text = json.dumps(details, ensure_ascii=False).encode("utf-8", "surrogatepass")
    assert len(text) <= MAX_DETAILS
    assert details["status"] == 500


def test_details_hold_what_is_known_and_no_secret() -> None:
    details = error_details(
        {"status": 401},
        provider="Mine",
        origin="https://a.test",
        model="m",
        wire_api="chat",
        attempts=2,
        exchange=exchange(response_body="Incorrect API key provided: sk-abcdef0123456789"),
    )
    assert details["provider"] == "Mine"
    assert details["exchange"]["url"] == "https://a.test/v1/responses"
    assert "finish_reason" not in details
    assert "0123456789" not in json.dumps(details)


def test_the_log_is_bounded_and_comes_back() -> None:
    changes: list[int] = []
    log = ErrorLog(lambda: changes.append(len(log)))
    for number in range(MAX_ENTRIES + 50):
        log.add(float(number), f"Failure {number}", details={"body": "x" * 5_000})
    assert len(log) <= MAX_ENTRIES
    assert len(log.to_json()) <= MAX_SIZE
    assert log.text().startswith("1970-01-01T00:02:29+00:00 Failure 149")
    again = ErrorLog()
    again.restore(log.to_json())
    assert again.text() == log.text()
    log.clear()
    assert log.text() == ""
    assert changes[-1] == 0


@pytest.mark.parametrize("text", ["", "junk", "{}", "[1]", '[{"at": "x"}]', '[{"at": 1}]', "[[]]"])
def test_a_log_that_cannot_be_read_is_an_empty_one(text: str) -> None:
    log = ErrorLog()
    log.restore(text)
    assert log.text() == ""


def test_a_failed_turn_has_details_and_is_in_the_log() -> None:
    words = {"error": {"message": "It broke.", "type": "invalid_request_error"}}
    refusal = Reply(words, status=400, headers={"x-request-id": "req_1"})

    @with_harness(refusal, reply("Hi"))
    async def scene(harness: Harness) -> None:
        panel = harness.open_panel()
        harness.chat.send("1", "my secret diary")
        await harness.until_idle()
        error = panel.turns["1"].error or {}
        details = error["details"]
        assert details["provider"] == "Custom"
        assert details["origin"] == "https://a.test"
        assert (details["model"], details["wire_api"]) == ("m", "responses")
        assert (details["status"], details["request_id"]) == (400, "req_1")
        assert details["attempts"] == 1
        assert details["exchange"]["method"] == "POST"
        assert harness.store.last("1")["error"]["details"] == details
        assert "diary" not in json.dumps(details)
        await asyncio.sleep(1)
        assert "It broke." in harness.chats.log.text()
        assert "diary" not in harness.store.texts["log"]
        again = await harness.restart()
        assert "It broke." in again.chats.log.text()
        again.chats.log.clear()
        await asyncio.sleep(1)
        assert harness.store.texts["log"] == "[]"

    scene()


def test_repeated_requests_are_counted_and_noted() -> None:
    cut = Reply(ResponsesStream().created().fail())

    @with_harness(cut, Reply({"error": {"message": "No."}}, status=400))
    async def scene(harness: Harness) -> None:
        harness.chat.send("1", "q")
        await harness.until_idle()
        error = harness.chat.conversation.path[0].error or {}
        assert error["details"]["attempts"] == 2
        assert "Reconnecting 1/5" in harness.chats.log.text()

    scene()
