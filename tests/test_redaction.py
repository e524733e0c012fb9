from __future__ import annotations

import time

import pytest

from sidestream.redaction import is_secret_name, redact


@pytest.mark.parametrize(
    "text",
    [
        "The model `gpt-5.2-codex` does not exist",
        "Limit 30000, Used 22999 (task-force, disk-usage, risk-free)",
        "request id req_011CSHoEeqs5C35K2UUqR7Fy, org-AAAABBBB",
        "**bold** and 2*3",
        "https://platform.openai.com/account/api-keys",
    ],
)
def test_redaction_keeps_other_text(text: str) -> None:
    assert redact(text) == text


@pytest.mark.parametrize(
    "key", ["ollama", "lm-studio", "none", "test", "1234", "EMPTY", "password", "no-key-required"]
)
def test_a_placeholder_key_stays_in_text_but_not_where_a_key_belongs(key: str) -> None:
    text = f"The model '{key}/1234' of http://localhost:11434/v1 has none of the tests. {key}"
    assert redact(text, [key]) == text
    assert redact(f"Incorrect API key provided: {key}.", [key]) == "Incorrect API key provided: ***"
    assert redact(f"Authorization: Bearer {key}", [key]) == "Authorization: ***"


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        *[("Authorization", True), ("proxy-authorization", True), ("X-Api-Key", True)],
        *[("api-key", True), ("Ocp-Apim-Subscription-Key", True), ("x-goog-api-key", True)],
        *[("Cookie", True), ("set-cookie", True), ("x-auth-token", True), ("my_token", True)],
        *[("x-amz-security-token", True), ("x-portkey-virtual-key", True), ("x-secret", True)],
        *[("x-ratelimit-remaining-tokens", False), ("x-ratelimit-limit-tokens", False)],
        *[("idempotency-key", False), ("prompt_cache_key", False), ("x-portkey-provider", False)],
        *[("www-authenticate", False), ("x-auth-error", False), ("content-type", False)],
        *[("x-monkey", False), ("x-request-id", False), ("", False)],
    ],
)
def test_secret_headers(name: str, secret: bool) -> None:
    assert is_secret_name(name) is secret


@pytest.mark.parametrize(
    "piece",
    [
        *("sk-", "sk-a.", "eyJ-", "eyJa.", "Bearer ", "api_key=", "***a", "a***", "key_", "x"),
        "?key=",
    ],
)
def test_redaction_takes_linear_time(piece: str) -> None:
    begin = time.perf_counter()
    redact((piece * 65_536)[:65_536])
    # This takes some 15 ms on an idle machine.
    assert time.perf_counter() - begin < 1


def test_redacts_keys_by_their_name() -> None:
    for text in ('{"api_key": "quite plain"}', "api-key=plain", "https://a.test/v1?key=plain&x=1"):
        assert "plain" not in redact(text)
    assert "dXNlcjpw" not in redact("authorization: Basic dXNlcjpw")
    kept = '{"prompt_cache_key": "plain", "x-ratelimit-remaining-tokens": "5"}'
    assert redact(kept) == kept
