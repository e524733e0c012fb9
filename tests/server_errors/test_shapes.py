"""The message and the code of an error body, in the shapes that servers use."""

from __future__ import annotations

from typing import Any

import pytest

from tests.server_errors.answers import from_response, openai


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"error": "text"}, "text"),
        ({"error": {"message": "text"}}, "text"),
        ({"detail": "text"}, "text"),
        ({"detail": {"message": "text", "code": "x"}}, "text"),
        ({"detail": [{"msg": "text"}, {"msg": "more"}]}, "text"),
        ({"message": "text"}, "text"),
        ({"errors": [{"message": "text"}]}, "text"),
        ({"title": "text", "status": 400}, "text"),
        ({"error": {}, "message": "text"}, "text"),
        ({"error": {"message": '{"error": {"message": "text"}}'}}, "text"),
        (
            {
                "error": {
                    "message": "Provider returned error",
                    "metadata": {"provider_name": "P", "raw": "text"},
                }
            },
            "P: text",
        ),
        ({"error": {"message": "text", "metadata": {"raw": {"odd": 1}}}}, "text"),
        ([{"error": {"message": "text"}}], "text"),
        ("text", "text"),
        ('"text"', "text"),
        ("\ufefftext", "text"),
        ("{not json", "{not json"),
        ({"error": {"message": "{not json"}}, "{not json"),
        ({"error": {"message": "[]"}}, "[]"),
        ("x" * 5000, "x" * 1000 + "..."),
        ("<html><head><title> Bad\n gateway </title></head></html>", "Bad gateway"),
        ("<!DOCTYPE html><p>hm</p>", None),
        ({}, None),
        ([], None),
        ({"error": None}, None),
        ({"error": 5}, None),
        ("[" * 100_000, "[" * 1000 + "..."),
        ({"error": {"error": {"error": {"error": {"error": {"error": "deep"}}}}}}, None),
    ],
)
def test_the_servers_message_in_many_shapes(body: Any, message: str | None) -> None:
    assert from_response(400, body).server_message == message


def test_codes_are_text_or_numbers() -> None:
    assert from_response(400, openai("x", code="some_code")).server_code == "some_code"
    assert from_response(400, openai("x", code=17)).server_code == "invalid_request_error"
    assert from_response(400, {"error": {"code": 17}}).server_code == "17"
    assert from_response(400, {"error": {"code": True, "type": "error"}}).server_code is None


def test_junk_bytes_are_no_obstacle() -> None:
    assert from_response(500, b"\xff\xfe{").server_message == "\ufffd\ufffd{"
