"""An error of the right kind for every answer of a server."""

from __future__ import annotations

import json
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidestream.errors import ErrorKind
from sidestream.redaction import redact
from sidestream.server_errors import bad_body_error, error_from_server_error
from tests.server_errors.answers import NOW, SOON, Kind, from_response, from_stream, openai


@pytest.mark.parametrize(
    ("status", "kind", "retryable"),
    [
        (400, Kind.INVALID_REQUEST, False),
        (401, Kind.AUTHENTICATION, False),
        (402, Kind.QUOTA_EXCEEDED, False),
        (403, Kind.PERMISSION, False),
        (404, Kind.NOT_FOUND, False),
        (405, Kind.NOT_FOUND, False),
        (408, Kind.TIMEOUT, True),
        (409, Kind.INVALID_REQUEST, False),
        (413, Kind.INVALID_REQUEST, False),
        (418, Kind.INVALID_REQUEST, False),
        (422, Kind.INVALID_REQUEST, False),
        (429, Kind.RATE_LIMITED, True),
        (500, Kind.SERVER_ERROR, True),
        (502, Kind.SERVER_ERROR, True),
        (503, Kind.SERVER_ERROR, True),
        (504, Kind.SERVER_ERROR, True),
        (529, Kind.SERVER_OVERLOADED, True),
        (302, Kind.BAD_RESPONSE, False),
    ],
)
@pytest.mark.parametrize("body", [b"", b"No.", b'{"error": {"message": "No."}}'])
def test_statuses(status: int, kind: ErrorKind, retryable: bool, body: bytes) -> None:
    error = from_response(status, body)
    assert (error.kind, error.retryable, error.status) == (kind, retryable, status)
    assert error.message
    assert error.server_message == ("No." if body else None)


ANSWERS = [
    # OpenAI
    (400, openai("Too long.", code="context_length_exceeded"), Kind.CONTEXT_WINDOW_EXCEEDED),
    (
        400,
        openai("This model's maximum context length is 8192 tokens."),
        Kind.CONTEXT_WINDOW_EXCEEDED,
    ),
    (400, openai("Flagged.", code="invalid_prompt"), Kind.INVALID_REQUEST),
    (400, openai("Flagged.", code="cyber_policy"), Kind.CONTENT_POLICY),
    (
        400,
        openai("Unsupported value: 'temperature'.", code="unsupported_value"),
        Kind.INVALID_REQUEST,
    ),
    (401, openai("Incorrect API key provided.", code="invalid_api_key"), Kind.AUTHENTICATION),
    (403, openai("No access to model.", code="model_not_found"), Kind.MODEL_NOT_FOUND),
    (
        403,
        openai("No.", "request_forbidden", code="unsupported_country_region_territory"),
        Kind.PERMISSION,
    ),
    (404, openai("The model `x` does not exist.", code="model_not_found"), Kind.MODEL_NOT_FOUND),
    (404, openai("Only supported in v1/responses.", param="model"), Kind.MODEL_NOT_FOUND),
    (404, openai("Invalid URL (POST /v2/responses)"), Kind.NOT_FOUND),
    (429, openai("Slow.", "tokens", code="rate_limit_exceeded"), Kind.RATE_LIMITED),
    (429, openai("Pay.", "insufficient_quota", code="insufficient_quota"), Kind.QUOTA_EXCEEDED),
    (429, openai("You exceeded your current quota, please check."), Kind.QUOTA_EXCEEDED),
    (
        503,
        openai("Busy.", "service_unavailable", code="server_is_overloaded"),
        Kind.SERVER_OVERLOADED,
    ),
    (503, openai("Busy.", code="slow_down"), Kind.SERVER_OVERLOADED),
    (429, openai("Busy.", code="slow_down"), Kind.SERVER_OVERLOADED),
    # the ChatGPT backend
    (429, openai("Limit.", "usage_limit_reached"), Kind.USAGE_LIMIT_REACHED),
    (429, openai("Plan.", "usage_not_included"), Kind.USAGE_NOT_INCLUDED),
    (
        400,
        {"detail": "The 'gpt-x' model is not supported when using Codex with a ChatGPT account."},
        Kind.MODEL_NOT_FOUND,
    ),
    # Azure
    (404, {"error": {"code": "DeploymentNotFound", "message": "No."}}, Kind.MODEL_NOT_FOUND),
    (404, {"error": {"code": "404", "message": "Resource not found"}}, Kind.NOT_FOUND),
    (401, {"statusCode": 401, "message": "Access denied."}, Kind.AUTHENTICATION),
    (
        400,
        {
            "error": {
                "code": None,
                "message": "Filtered.",
                "innererror": {"code": "ResponsibleAIPolicyViolation"},
            }
        },
        Kind.CONTENT_POLICY,
    ),
    # OpenRouter
    (
        400,
        {"error": {"message": "foo/bar is not a valid model ID", "code": 400}},
        Kind.MODEL_NOT_FOUND,
    ),
    (402, {"error": {"message": "Insufficient credits", "code": 402}}, Kind.QUOTA_EXCEEDED),
    (
        429,
        {
            "error": {
                "message": "Provider returned error",
                "code": 429,
                "metadata": {"raw": '{"error": {"code": "insufficient_quota"}}'},
            }
        },
        Kind.QUOTA_EXCEEDED,
    ),
    # Ollama
    (
        404,
        {"error": {"message": 'model "x" not found, try pulling it first', "type": "api_error"}},
        Kind.MODEL_NOT_FOUND,
    ),
    (404, {"error": "model 'x' not found"}, Kind.MODEL_NOT_FOUND),
    (404, "404 page not found", Kind.NOT_FOUND),
    (500, {"error": "llama runner process has terminated"}, Kind.SERVER_ERROR),
    # LM Studio
    (400, {"error": 'Model with identifier "x" not found'}, Kind.MODEL_NOT_FOUND),
    (404, {"error": {"message": "No models loaded. Please load one."}}, Kind.MODEL_NOT_FOUND),
    # llama.cpp
    (
        400,
        {
            "error": {
                "code": 400,
                "message": "the request exceeds the available context size",
                "type": "exceed_context_size_error",
            }
        },
        Kind.CONTEXT_WINDOW_EXCEEDED,
    ),
    (
        500,
        {"error": {"code": 500, "message": "input is too long to process"}},
        Kind.CONTEXT_WINDOW_EXCEEDED,
    ),
    (
        503,
        {"error": {"code": 503, "message": "Loading model", "type": "unavailable_error"}},
        Kind.SERVER_ERROR,
    ),
    # vLLM
    (
        404,
        {
            "object": "error",
            "message": "The model `x` does not exist.",
            "type": "NotFoundError",
            "code": 404,
        },
        Kind.MODEL_NOT_FOUND,
    ),
    # others
    (
        400,
        [{"error": {"code": 400, "message": "API key not valid.", "status": "INVALID_ARGUMENT"}}],
        Kind.AUTHENTICATION,
    ),
    (
        429,
        [{"error": {"code": 429, "message": "Slow.", "status": "RESOURCE_EXHAUSTED"}}],
        Kind.RATE_LIMITED,
    ),
    (400, openai("Model Not Exist"), Kind.MODEL_NOT_FOUND),
    (
        400,
        {"detail": [{"loc": ["body", "model"], "msg": "Field required", "type": "missing"}]},
        Kind.INVALID_REQUEST,
    ),
    (
        401,
        {"type": "error", "error": {"type": "authentication_error", "message": "No."}},
        Kind.AUTHENTICATION,
    ),
    (403, {"error": {"type": "permission_error", "message": "No."}}, Kind.PERMISSION),
]


@pytest.mark.parametrize(("status", "body", "kind"), ANSWERS)
def test_answers_of_known_servers(status: int, body: Any, kind: ErrorKind) -> None:
    error = from_response(status, body)
    assert error.kind is kind
    assert error.retryable is (
        kind in (Kind.RATE_LIMITED, Kind.SERVER_ERROR, Kind.SERVER_OVERLOADED)
    )


@pytest.mark.parametrize(
    "name", ["X-Request-Id", "x-oai-request-id", "apim-request-id", "request-id", "CF-Ray"]
)
def test_request_ids(name: str) -> None:
    assert from_response(500, headers={name: "req_1"}).request_id == "req_1"
    assert from_response(500, {"request_id": "req_2"}).request_id == "req_2"


# --- waits -------------------------------------------------------------------------------------


def test_a_wait_in_the_message() -> None:
    error = from_response(429, openai("Please try again in 1.5s.", code="rate_limit_exceeded"))
    assert error.retry_after_ms == 1500
    assert from_response(429).retry_after_ms is None
    assert from_response(429).hint == "Wait a moment, then try again."
    assert from_response(503, headers={"retry-after-ms": "20"}).retry_after_ms == 20


# --- inside a stream ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "kind", "retryable"),
    [
        ("context_length_exceeded", Kind.CONTEXT_WINDOW_EXCEEDED, False),
        ("insufficient_quota", Kind.QUOTA_EXCEEDED, False),
        ("usage_not_included", Kind.USAGE_NOT_INCLUDED, False),
        ("usage_limit_reached", Kind.USAGE_LIMIT_REACHED, False),
        ("cyber_policy", Kind.CONTENT_POLICY, False),
        ("invalid_prompt", Kind.INVALID_REQUEST, False),
        ("bio_policy", Kind.CONTENT_POLICY, False),
        ("server_is_overloaded", Kind.SERVER_OVERLOADED, True),
        ("slow_down", Kind.SERVER_OVERLOADED, True),
        ("rate_limit_exceeded", Kind.RATE_LIMITED, True),
        ("server_error", Kind.SERVER_ERROR, True),
        ("something_new", Kind.SERVER_ERROR, True),
        (None, Kind.SERVER_ERROR, True),
        (429, Kind.RATE_LIMITED, True),
        ("502", Kind.SERVER_ERROR, True),
        (400, Kind.INVALID_REQUEST, False),
        (1234, Kind.SERVER_ERROR, True),
    ],
)
def test_response_failed(code: Any, kind: ErrorKind, retryable: bool) -> None:
    error = from_stream({"code": code, "message": "Words."})
    assert (error.kind, error.retryable) == (kind, retryable)
    assert error.server_message == "Words."


@pytest.mark.parametrize("error", [None, {}, "", 5, [], {"code": None, "message": None}])
def test_response_failed_without_a_message(error: Any) -> None:
    found = from_stream(error)
    assert found.message == "It failed."
    assert found.kind is Kind.SERVER_ERROR
    assert found.retryable


def test_the_wait_in_a_streams_error() -> None:
    message = "Rate limit reached for gpt-5.1. Please try again in 11.054s. Visit https://x."
    error = from_stream({"code": "rate_limit_exceeded", "message": message})
    assert error.retry_after_ms == 11_054
    assert error.resets_at == int(NOW) + 11
    error = from_stream(
        {"code": "usage_limit_reached", "plan_type": "enterprise", "resets_at": SOON}
    )
    assert error.message == "You've hit your usage limit. Try again at 3:13 PM."


def test_text_and_nested_errors_in_a_stream() -> None:
    assert from_stream("it broke").message == "it broke"
    error = from_stream(
        {"type": "error", "error": {"type": "invalid_request_error", "message": "x"}}
    )
    assert error.kind is Kind.INVALID_REQUEST


# --- bodies that are no answer -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("content_type", "body", "message"),
    [
        ("text/html", b"<!doctype html><title>Sign in</title>", "sent a web page"),
        ("text/html; charset=utf-8", b"Hello", "sent a web page"),
        ("", b"<HTML>", "sent a web page"),
        ("application/json", b"{}", "sent application/json instead"),
        ("", b"hi", "sent data of an unknown type instead"),
        ("text/event-stream", b" ", "sent an empty answer"),
    ],
)
def test_bodies_with_status_200_that_are_no_answer(
    content_type: str, body: bytes, message: str
) -> None:
    headers = {"Content-Type": content_type, "X-Request-Id": "r"}
    error = bad_body_error(headers, body, url="https://a.test/x?k=1")
    assert message in error.message
    assert "https://a.test/x " in error.message
    assert (error.kind, error.status, error.request_id) == (Kind.BAD_RESPONSE, 200, "r")
    assert "The server sent" in bad_body_error({}, body).message


# --- secrets -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "secret",
    [
        "sk-proj-abcDEF123456_-xyz",
        "sk-1234567890",
        "sk-abc***************************wxyz",
        "Bearer abc.def-ghi",
        "eyJhbGciOi.eyJzdWIiOi.c2ln",
        "gsk_abc123def456",
        "xai-abc123def456",
        "AIzaSyA1234567890abcdefghijk",
        "abcd12********9876",
    ],
)
def test_redacts_what_looks_like_a_key(secret: str) -> None:
    for text in (f"Wrong: {secret}", f'key "{secret}" refused', secret):
        assert secret not in redact(text)
        assert "***" in redact(text)
        error = from_response(401, openai(text))
        assert secret not in json.dumps(error.to_dict())
        assert secret not in f"{error}{error!r}{pickle.dumps(error.args)!r}"


def test_redacts_the_very_key_whatever_it_looks_like() -> None:
    key = "correct horse"
    body = openai(f"Bad key {key} here.", code=key, param=key)
    error = from_response(401, body, secrets=[key, ""])
    assert key not in json.dumps(error.to_dict())
    assert error.server_message == "Bad key *** here."
    assert "mykey" not in redact("Incorrect API key provided: mykey. You can")
    page = f"<html><title>{key}</title>"
    assert key not in str(bad_body_error({}, page.encode(), secrets=[key]))
    found = error_from_server_error({"message": key}, fallback="", now=NOW, secrets=[key])
    assert key not in json.dumps(found.to_dict())


# --- any answer --------------------------------------------------------------------------------

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    *["error", "message", "code", "type", "detail", "status", "param", "metadata"],
                    *["raw", "resets_at", "plan_type", "resets_in_seconds", "innererror", "errors"],
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(status=st.integers(300, 599), body=JSON, headers=st.dictionaries(st.text(), st.text()))
def test_every_answer_becomes_an_error(status: int, body: Any, headers: dict[str, str]) -> None:
    error = from_response(status, body, headers)
    assert error.message
    json.dumps(error.to_dict())


@given(status=st.integers(300, 599), body=st.binary(max_size=60))
def test_every_body_becomes_an_error(status: int, body: bytes) -> None:
    assert from_response(status, body).message


@given(JSON)
def test_every_error_object_becomes_an_error(error: Any) -> None:
    json.dumps(from_stream(error).to_dict())
