"""Causes by messages that ``fixtures/error_wordings.json`` does not hold.

The messages here mean the same as known ones in other words, or look alike and mean something else.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidestream.errors import ErrorKind, SidestreamError
from sidestream.server_errors import error_from_response, error_from_server_error
from sidestream.server_errors.causes import CAUSES
from sidestream.server_errors.shapes import failure_in_base_resp, read_error_value

NOW = 1_700_000_000.0
Kind = ErrorKind


WORDS = json.loads(
    (Path(__file__).parents[1] / "fixtures" / "error_words.json").read_text(encoding="utf-8")
)


def answer(status: int, body: Any, headers: dict[str, str] | None = None) -> SidestreamError:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return error_from_response(status, headers or {}, raw, now=NOW)


def in_stream(error: Any) -> SidestreamError:
    return error_from_server_error(error, fallback="It failed.", now=NOW)


@pytest.mark.parametrize(("kind", "status", "words", "window"), WORDS["words"])
def test_phrases_of_a_known_cause(
    kind: str, status: int | None, words: str, window: int | None
) -> None:
    error = answer(status, {"error": {"message": words}}) if status else in_stream(words)
    assert error.kind.value == kind
    assert error.context_window == window or window is None
    assert words in str(error)


@pytest.mark.parametrize(("words", "param"), WORDS["params"])
def test_the_parameter_that_the_message_names(words: str, param: str | None) -> None:
    body = {"error": {"message": words, "type": "invalid_request_error"}}
    assert answer(400, body).param == param


@pytest.mark.parametrize(
    ("given", "param"),
    [
        ({"param": "max_tokens"}, "max_tokens"),
        ({"param": "None"}, None),
        ({"param": "validation_error"}, None),
        ({"param": ""}, None),
        ({"param": 5}, None),
        ({"loc": ["body", "messages", 0, "content"]}, "messages.0.content"),
        ({"loc": ["query", "api-version"]}, "api-version"),
        ({"loc": ["body"]}, "body"),
        ({"loc": "body"}, None),
    ],
)
def test_the_parameter_that_a_field_names(given: dict[str, Any], param: str | None) -> None:
    assert answer(422, {"error": {"message": "No.", **given}}).param == param


def test_what_was_not_understood_of_a_request_is_its_body_or_an_image() -> None:
    assert answer(413, b"").param == "body"
    assert answer(400, {"message": "Request entity too large"}).param == "body"
    assert answer(400, {"message": "This model does not support image inputs."}).param == "image"
    error = answer(400, {"error": {"message": "The encrypted content gAAA could not be verified."}})
    assert error.param == "reasoning.encrypted_content"


@pytest.mark.parametrize(
    "shape",
    [
        {"error": {"message": "insufficient balance"}},
        {"error": "insufficient balance"},
        {"error": True, "message": "insufficient balance"},
        {"detail": {"error": {"message": "insufficient balance"}}},
        {"message": {"detail": [{"msg": "insufficient balance", "loc": ["body"]}]}},
        {"code": 17, "message": "insufficient balance"},
        {"error_code": "BAD", "message": "insufficient balance"},
        {"__type": "a.b#C", "message": "insufficient balance"},
        {"errors": [{"message": "insufficient balance", "code": 9}], "success": False},
        {"base_resp": {"status_code": 9, "status_msg": "insufficient balance"}},
        {"error": {"message": "x", "metadata": {"raw": '{"error": "insufficient balance"}'}}},
        {"error": {"message": '{"error": {"message": "insufficient balance"}}'}},
        [{"error": {"message": "insufficient balance"}}],
        {"status": "failure", "message": "insufficient balance"},
        {"title": "No", "detail": "insufficient balance", "status": 400},
        {"success": False, "error": {"message": "insufficient balance"}},
        "insufficient balance",
    ],
)
@pytest.mark.parametrize("status", [400, 403, 429, 500, 503, None])
def test_one_cause_in_every_shape_and_with_every_status(shape: Any, status: int | None) -> None:
    error = answer(status, shape) if status else in_stream(shape)
    assert error.kind is Kind.QUOTA_EXCEEDED
    assert not error.retryable
    assert "insufficient balance" in str(error)


def test_base_resp() -> None:
    assert failure_in_base_resp({"base_resp": {"status_code": 0, "status_msg": ""}}) is None
    assert failure_in_base_resp({"base_resp": {"status_code": "0"}}) is None
    assert failure_in_base_resp({"base_resp": None}) is None
    assert failure_in_base_resp([]) is None
    found = failure_in_base_resp({"base_resp": {"status_code": 1008, "status_msg": "no money"}})
    assert found == {"code": 1008, "message": "no money"}
    error = in_stream(found)
    assert (error.kind, error.server_code) == (Kind.QUOTA_EXCEEDED, "1008")


# --- whether to retry --------------------------------------------------------------------------


def test_an_unknown_cause_keeps_the_message_and_gets_no_hint() -> None:
    error = answer(400, {"error": {"message": "The moon is in the wrong house."}})
    assert "The moon is in the wrong house." in str(error)
    assert error.hint == "See the provider's answer for the reason."
    assert not error.retryable
    error = answer(404, {"error": {"message": "The moon is not there."}})
    assert (error.kind, error.retryable) == (Kind.NOT_FOUND, False)
    assert "base URL" not in error.hint


@pytest.mark.parametrize(
    "error",
    [
        {"message": "x", "type": "invalid_request_error"},
        {"message": "x", "code": 400},
        {"message": "x", "status": 422},
        {"message": "Unsupported parameter: x"},
        {"message": "Jinja Exception: Conversation roles must alternate"},
        {"message": "prompt is too long"},
    ],
)
def test_a_streams_error_that_only_repeats_is_final(error: dict[str, Any]) -> None:
    assert not in_stream(error).retryable


@pytest.mark.parametrize(
    "error", [{"message": "x"}, "It broke", {"code": "weird"}, {"status": 502}]
)
def test_a_streams_error_of_unknown_cause_is_retryable(error: Any) -> None:
    assert in_stream(error).retryable


def test_a_call_that_the_model_wrote_badly_is_asked_for_again() -> None:
    error = answer(400, {"error": {"message": "Failed.", "code": "tool_use_failed"}})
    assert (error.kind, error.retryable, error.hint) == (Kind.SERVER_ERROR, True, "Try again.")


def test_a_limit_of_a_minute_that_one_request_exceeds() -> None:
    words = "Rate limit reached on tokens per min (TPM): Limit 30000, Used 1, Requested {}."
    over = answer(429, {"error": {"message": words.format(31_000), "code": "rate_limit_exceeded"}})
    assert (over.kind, over.retryable) == (Kind.RATE_LIMITED, False)
    assert "Shorten" in over.hint
    assert "limit per minute" in over.message
    under = answer(429, {"error": {"message": words.format(29_999), "code": "rate_limit_exceeded"}})
    assert under.retryable


@pytest.mark.parametrize(
    ("words", "headers", "wait", "retryable"),
    [
        ("Too many requests", {}, None, True),
        ("Daily limit of requests reached, too many requests", {}, None, False),
        ("Too many requests per day", {"retry-after": "7200"}, 7_200_000, True),
        ("Too many requests. Please wait 2 hours.", {}, 7_200_000, True),
        ("You've reached your weekly usage limit", {}, None, False),
    ],
)
def test_limits_of_a_day(
    words: str, headers: dict[str, str], wait: int | None, retryable: bool
) -> None:
    error = answer(429, {"error": {"message": words}}, headers)
    assert error.kind is Kind.RATE_LIMITED
    assert (error.retry_after_ms, error.retryable) == (wait, retryable)
    if wait:
        assert error.resets_at == int(NOW + wait / 1000)
    elif not retryable:
        assert "limit resets" in error.hint


def google(
    *quotas: str, delay: str | None = None, words: str = "You exceeded your current quota."
) -> Any:
    details: list[dict[str, Any]] = [{"violations": [{"quotaId": quota} for quota in quotas]}]
    details += [{"retryDelay": delay}] if delay else []
    return [
        {
            "error": {
                "code": 429,
                "message": words,
                "status": "RESOURCE_EXHAUSTED",
                "details": details,
            }
        }
    ]


@pytest.mark.parametrize(
    ("body", "kind", "wait", "retryable"),
    [
        (google("GenerateRequestsPerMinute", delay="2.5s"), Kind.RATE_LIMITED, 2_500, True),
        (google("GenerateRequestsPerMinute"), Kind.RATE_LIMITED, None, True),
        (google("GenerateRequestsPerDay", delay="20s"), Kind.RATE_LIMITED, None, False),
        (google("GenerateRequestsPerDay", delay="39600s"), Kind.RATE_LIMITED, 39_600_000, True),
        (google(delay="3s"), Kind.RATE_LIMITED, 3_000, True),
        (google(), Kind.QUOTA_EXCEEDED, None, False),
        (google(delay="soon"), Kind.QUOTA_EXCEEDED, None, False),
        (
            google("PerMinute", words="Quota exceeded, limit: 0, model: x"),
            Kind.QUOTA_EXCEEDED,
            None,
            False,
        ),
    ],
)
def test_googles_quotas(body: Any, kind: ErrorKind, wait: int | None, retryable: bool) -> None:
    error = answer(429, body)
    assert (error.kind, error.retry_after_ms, error.retryable) == (kind, wait, retryable)


def test_the_reset_header_counts_where_nothing_else_gives_the_end() -> None:
    reset = {"x-ratelimit-reset-tokens": "6s", "x-ratelimit-remaining-tokens": "0"}
    assert answer(429, {"error": "Too many requests"}, reset).retry_after_ms == 6_000
    words = {"error": "Too many requests. Try again in 2s."}
    assert answer(429, words, reset).retry_after_ms == 2_000
    assert answer(500, {"error": "It broke"}, reset).retry_after_ms is None


def test_a_400_that_is_no_fault_of_the_request() -> None:
    error = answer(400, {"detail": "Function id '0': DEGRADED function cannot be invoked"})
    assert (error.kind, error.retryable) == (Kind.SERVER_ERROR, False)
    assert "another model" in error.hint


def test_a_local_server_that_lacks_memory() -> None:
    words = "model requires more system memory (5.3 GiB) than is available (3.3 GiB)"
    error = answer(500, {"error": words})
    assert not error.retryable
    assert "smaller model" in error.hint
    assert answer(500, {"error": "CUDA out of memory"}).retryable


def test_a_redirect_names_its_target() -> None:
    error = answer(307, b"", {"Location": "https://a.test/v1/chat?key=secret"})
    assert "redirects to https://a.test/v1/chat." in error.message
    assert "secret" not in error.message


# --- any text ----------------------------------------------------------------------------------


def test_two_texts_are_both_shown() -> None:
    # Scaleway, LibreChat-AI/agents#357: only one of them names the problem.
    body = {"error": "INSUFFICIENT QUOTA", "message": "Your limit of concurrent requests is met."}
    error = answer(429, body)
    assert error.kind is Kind.RATE_LIMITED
    assert error.retryable
    assert error.server_message == ("INSUFFICIENT QUOTA: Your limit of concurrent requests is met.")
    error = answer(403, {"error": "Forbidden", "message": "Your plan has no such thing."})
    assert error.server_message == "Your plan has no such thing."


def test_an_explanation_in_place_of_the_parameter() -> None:
    # Xiaomi MiMo, AQBot-Desktop/AQBot#93 and XiaomiMiMo/MiMo-V2-Flash#18.
    error = answer(
        400,
        {
            "error": {
                "code": "400",
                "message": "Param Incorrect",
                "param": "max_tokens is too large: 8192. This model supports at most 4096 "
                "completion tokens, whereas you provided 8192.",
            }
        },
    )
    assert error.param == "max_tokens"
    assert "at most 4096 completion tokens" in str(error)


@pytest.mark.parametrize(
    ("page", "words"),
    [
        (b"<title>Error</title><pre>Cannot POST /v1/chat/completions</pre>", "Cannot POST"),
        (b"<title>502 Bad Gateway</title><h1>Oh</h1>", "502 Bad Gateway"),
        (b"<h1>Not\n Found</h1>", "Not Found"),
        (b"<p>What?</p>", ""),
    ],
)
def test_the_telling_phrases_of_a_web_page(page: bytes, words: str) -> None:
    error = answer(404, b"<!DOCTYPE html><html>" + page + b"</html>")
    assert words in (error.server_message or "")
    assert bool(error.server_message) is bool(words)
    assert "base URL" in error.hint


@pytest.mark.parametrize(
    ("words", "kind", "retryable"),
    [
        ("Error code: 400 - {'error': {'message': 'no'}}", Kind.INVALID_REQUEST, False),
        ("openai.BadRequestError: Error code: 422 - no", Kind.INVALID_REQUEST, False),
        ("litellm.APIError: status code: 403, no", Kind.PERMISSION, False),
        ("503 Service Unavailable", Kind.SERVER_ERROR, True),
        ("Error 500 of the upstream", Kind.SERVER_ERROR, True),
        ("400 tokens were read, then the model stopped", Kind.SERVER_ERROR, True),
        ("error code: 1234", Kind.SERVER_ERROR, True),
        ("It broke after step 404", Kind.SERVER_ERROR, True),
    ],
)
def test_a_status_that_a_gateway_repeats_in_its_message(
    words: str, kind: ErrorKind, retryable: bool
) -> None:
    error = in_stream({"message": words})
    assert (error.kind, error.retryable) == (kind, retryable)
    # A gateway's 500 around a refusal is not temporary.
    assert answer(500, {"error": {"message": words}}).retryable is retryable


@pytest.mark.parametrize(
    ("words", "api"),
    [
        # Copilot, farion1231/cc-switch#1681; Azure, anomalyco/opencode#5012; OpenAI,
        # n8n-io/n8n#18352 and n3d1117/chatgpt-telegram-bot#386.
        ('model "x" is not accessible via the /chat/completions endpoint', "Responses"),
        ("This model is not supported by Responses API", "Chat Completions"),
        ("This model is only supported in v1/responses.", "Responses"),
        ("This is not a chat model and thus not supported in v1/chat/completions.", None),
    ],
)
def test_the_wire_api_that_a_model_needs(words: str, api: str | None) -> None:
    hint = answer(400, {"error": {"message": words}}).hint
    assert (f"Set the wire API to {api}" in hint) is (api is not None)


def test_ollamas_refusal_is_recognised_by_its_empty_body() -> None:
    assert "OLLAMA_ORIGINS" in answer(403, b"").hint
    assert "OLLAMA_ORIGINS" not in answer(403, {"meta": {"status": 403}}).hint


@pytest.mark.parametrize(
    ("given", "wait"),
    [
        ({"retry_after": 7}, 7_000),
        ({"retry_after": "7.5"}, 7_500),
        ({"retry_after_ms": 250}, 250),
        ({"retry_after_seconds": 30}, 30_000),
        ({"retry_after": 0}, None),
        ({"retry_after": -3}, None),
        ({"retry_after": True}, None),
        ({"retry_after": "soon"}, None),
        ({"retry_after": 1e30}, None),
        ({"metadata": {"retry_after_seconds": 23}}, 23_000),
    ],
)
def test_a_wait_in_a_field(given: dict[str, Any], wait: int | None) -> None:
    error = answer(429, {"error": {"message": "Rate limit exceeded.", **given}})
    assert error.retry_after_ms == wait
    assert error.retryable


@pytest.mark.parametrize("name", ["cause", "upstream_error", "provider_error", "original_error"])
def test_the_message_of_the_server_behind_a_gateway(name: str) -> None:
    behind = {"error": {"message": "Unsupported parameter: 'top_k'", "code": "unsupported"}}
    for said in (behind, json.dumps(behind)):
        error = answer(400, {"error": {"message": "Call failed", name: said}})
        assert error.param == "top_k"
        assert error.server_message == "Call failed: Unsupported parameter: 'top_k'"
    error = answer(400, {"error": {"message": "Call failed", name: "It was bad."}})
    assert error.server_message == "Call failed"


def test_every_rule_has_its_own_name() -> None:
    names = [cause.name for cause in CAUSES]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    "piece",
    [
        *("a", "a ", "1,", "a.b", "a[1]", "exceed a ", "model ", "prompt tokens ", "limit: 1 "),
        *("insufficient a b c d ", "('a' ", "Unknown parameter: ", "vector store ", "{", "["),
    ],
)
def test_long_texts_take_no_longer(piece: str) -> None:
    text = (piece * 65_536)[:65_536]
    begin = time.perf_counter()
    in_stream({"message": text})
    answer(400, text.encode())
    # This takes some 40 ms on an idle machine. Quadratic work would take many seconds.
    assert time.perf_counter() - begin < 2


@given(st.text(max_size=300))
def test_any_text_becomes_an_error(text: str) -> None:
    error = in_stream({"message": text})
    assert error.message
    assert answer(400, {"error": {"message": text}}).kind is not None
    assert read_error_value(text, ()).message is None or text.strip() != ""
