from __future__ import annotations

import json
import pickle
from datetime import timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidestream.errors import ErrorKind, SidestreamError
from sidestream.redaction import redact
from sidestream.server_errors import bad_body_error, error_from_response, error_from_server_error

NOW = 1_700_000_000.0  # 2023-11-14 22:13:20 UTC
TZ = timezone(timedelta(hours=-8))  # there it is 14:13:20

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


# --- statuses and codes ------------------------------------------------------------------------


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
    ("words", "said"),
    [
        ("Unsupported tool type: code_interpreter", "no code interpreter"),
        ("The requested tool image_generation is not supported.", "no image generation"),
        ("Tool 'image_generation' is not supported with gpt-5.3-x.", "no image generation"),
        ("Hosted tool 'web_search_preview' is not supported with gpt-4.1-nano.", "no web search"),
        ("Invalid value: 'file_search'. Supported values are: 'function'.", "no file search"),
        (
            "Input tag 'code_interpreter' found using 'type' does not match any of the expected "
            "tags: 'function'",
            "no code interpreter",
        ),
        ("'type' of tool must be 'function'", "all tools that are switched on"),
        ('Only `type:"function"` tools are supported.', "all tools that are switched on"),
    ],
)
def test_a_tool_that_the_provider_does_not_have(words: str, said: str) -> None:
    error = from_response(400, openai(words))
    assert error.kind is Kind.INVALID_REQUEST
    assert said in error.message
    assert "Switch it off" in error.hint
    assert error.server_message == words


@pytest.mark.parametrize("status", [400, 404])
def test_a_vector_store_that_the_provider_does_not_know(status: int) -> None:
    error = from_response(status, openai("Vector store with id [vs_1] not found."))
    assert error.kind is Kind.INVALID_REQUEST
    assert "vector store" in error.message
    assert "vs_" in error.hint


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (400, "Invalid content type. image_url is only supported by certain models."),
        (400, "Image inputs are not supported by this model."),
        (400, "This model does not support image inputs."),
        (400, "google/gemma is not a multimodal model"),
        (400, "At most 0 image(s) may be provided in one prompt."),
        (400, "Model does not support images. Please use a model that does."),
        (422, "messages[0]: unknown variant `image_url`, expected `text`"),
        (404, "No endpoints found that support image input"),
        (500, "image input is not supported - hint: you may need to provide the mmproj"),
        (500, "this model is missing data required for image input"),
    ],
)
def test_a_model_that_cannot_see_images(status: int, words: str) -> None:
    error = from_response(status, openai(words))
    assert error.kind is Kind.INVALID_REQUEST
    assert "cannot see images" in error.message
    assert "remove the image" in error.hint
    assert error.server_message == words


def test_an_image_that_the_provider_cannot_read() -> None:
    words = "The image data you provided does not represent a valid image."
    error = from_response(400, openai(words, code="invalid_image"))
    assert error.kind is Kind.INVALID_REQUEST
    assert "cannot read an image" in error.message
    others = from_response(400, openai("The images of that day are late."))
    assert "refused the request" in others.message


def test_words_about_tools_that_mean_something_else() -> None:
    for words in ("Missing required parameter: 'tools[0].name'.", "Invalid value: 'x'."):
        assert "refused the request" in from_response(400, openai(words)).message


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
def test_the_servers_words_in_many_shapes(body: Any, message: str | None) -> None:
    assert from_response(400, body).server_message == message


def test_codes_are_text_or_numbers() -> None:
    assert from_response(400, openai("x", code="some_code")).server_code == "some_code"
    assert from_response(400, openai("x", code=17)).server_code == "invalid_request_error"
    assert from_response(400, {"error": {"code": 17}}).server_code == "17"
    assert from_response(400, {"error": {"code": True, "type": "error"}}).server_code is None


@pytest.mark.parametrize(
    "name", ["X-Request-Id", "x-oai-request-id", "apim-request-id", "request-id", "CF-Ray"]
)
def test_request_ids(name: str) -> None:
    assert from_response(500, headers={name: "req_1"}).request_id == "req_1"
    assert from_response(500, {"request_id": "req_2"}).request_id == "req_2"


def test_junk_bytes_are_no_obstacle() -> None:
    assert from_response(500, b"\xff\xfe{").server_message == "\ufffd\ufffd{"


# --- waits -------------------------------------------------------------------------------------


def test_a_stated_wait_is_said_with_its_end() -> None:
    error = from_response(429, headers={"Retry-After": "330"})
    assert error.retry_after_ms == 330_000
    assert error.resets_at == NOW + 330
    assert error.message == (
        "The provider's rate limit is reached (status 429). It asks to wait 6 min."
    )
    assert error.hint == "Try again at 2:18 PM."


@pytest.mark.parametrize(
    ("wait", "said"),
    [
        *[("1.5", "1.5 s"), ("9", "9 s"), ("35", "35 s"), ("89.6", "90 s"), ("119.9", "2 min")],
        *[("7199", "120 min"), ("7200", "2 h"), ("9000", "2 h 30 min")],
    ],
)
def test_waits_are_readable(wait: str, said: str) -> None:
    message = from_response(429, headers={"retry-after": wait}).message
    assert message.endswith(f"wait {said.replace('120 min', '2 h')}.")


def test_a_wait_in_the_message() -> None:
    error = from_response(429, openai("Please try again in 1.5s.", code="rate_limit_exceeded"))
    assert error.retry_after_ms == 1500
    assert from_response(429).retry_after_ms is None
    assert from_response(429).hint == "Wait a moment, then try again."
    assert from_response(503, headers={"retry-after-ms": "20"}).retry_after_ms == 20


# --- a plan's usage limit ----------------------------------------------------------------------

SOON = int(NOW) + 3600  # 3:13 PM of the same day
SETTINGS = "https://chatgpt.com/codex/settings/usage"


@pytest.mark.parametrize(
    ("plan", "text"),
    [
        (
            "plus",
            "You've hit your usage limit. Upgrade to Pro (https://chatgpt.com/explore/pro), visit "
            f"{SETTINGS} to purchase more credits or try again at 3:13 PM.",
        ),
        (
            "free",
            "You've hit your usage limit. Upgrade to Plus to continue using Codex "
            "(https://chatgpt.com/explore/plus), or try again at 3:13 PM.",
        ),
        (
            "Pro",
            f"You've hit your usage limit. Visit {SETTINGS} to purchase more credits or try again "
            "at 3:13 PM.",
        ),
        (
            "business",
            "You've hit your usage limit. To get more access now, send a request to your admin or "
            "try again at 3:13 PM.",
        ),
        ("enterprise", "You've hit your usage limit. Try again at 3:13 PM."),
        (None, "You've hit your usage limit. Try again at 3:13 PM."),
        (5, "You've hit your usage limit. Try again at 3:13 PM."),
    ],
)
def test_usage_limit_by_plan(plan: Any, text: str) -> None:
    body = openai("Limit.", "usage_limit_reached", plan_type=plan, resets_at=SOON)
    error = from_response(429, body)
    assert error.message == text
    assert error.resets_at == SOON
    assert error.retry_after_ms == 3_600_000
    assert not error.retryable
    if isinstance(plan, str):
        assert error.plan_type == plan


@pytest.mark.parametrize("alias", [("go", "free"), ("prolite", "pro"), ("ent26", "team")])
def test_plans_that_share_a_text(alias: tuple[str, str]) -> None:
    first, second = (
        from_response(429, openai("", "usage_limit_reached", plan_type=plan)).message
        for plan in alias
    )
    assert first == second


@pytest.mark.parametrize(
    ("resets_at", "when"),
    [
        (SOON, "at 3:13 PM"),
        (1_700_035_199, "at 11:59 PM"),
        (1_700_035_200, "at Nov 15th, 2023 12:00 AM"),
        (1_704_280_000, "at Jan 3rd, 2024 3:06 AM"),
        (1_704_110_400, "at Jan 1st, 2024 4:00 AM"),
        (1_704_225_600, "at Jan 2nd, 2024 12:00 PM"),
        (1_704_931_200, "at Jan 10th, 2024 4:00 PM"),
        (1_705_104_000, "at Jan 12th, 2024 4:00 PM"),
        (1_705_968_000, "at Jan 22nd, 2024 4:00 PM"),
        (10**15, "at a later time"),
        (None, "later"),
    ],
)
def test_reset_times_are_local(resets_at: int | None, when: str) -> None:
    body = openai("Limit.", "usage_limit_reached", resets_at=resets_at)
    assert from_response(429, body).message == f"You've hit your usage limit. Try again {when}."


def test_the_local_time_zone_is_the_default() -> None:
    body = json.dumps(openai("", "usage_limit_reached", resets_in_seconds=60)).encode()
    error = error_from_response(429, {}, body, now=NOW)
    assert error.resets_at == NOW + 60
    assert error.message.startswith("You've hit your usage limit. Try again at ")


FAMILY = {"x-codex-fast-primary-used-percent": "100", "x-codex-fast-limit-name": "gpt-fast"}


@pytest.mark.parametrize(
    ("headers", "text"),
    [
        (
            {**FAMILY, "x-codex-active-limit": "codex_fast"},
            "You've hit your usage limit for gpt-fast. Switch to another model now, or try again "
            "at 3:13 PM.",
        ),
        (
            {"x-codex-primary-used-percent": "100", "x-codex-limit-name": "Codex"},
            "You've hit your usage limit. Try again at 3:13 PM.",
        ),
        (
            {"x-codex-rate-limit-reached-type": "workspace_owner_credits_depleted"},
            "Your workspace is out of credits. Add credits to continue.",
        ),
        (
            {"x-codex-rate-limit-reached-type": "workspace_member_usage_limit_reached"},
            "You hit your spend cap set by the owner of your workspace. Ask an owner to increase "
            "your spend cap to continue.",
        ),
        (
            {"x-codex-promo-message": " Get Pro for less "},
            "You've hit your usage limit. Get Pro for less, or try again at 3:13 PM.",
        ),
        (
            {"x-codex-rate-limit-reached-type": "rate_limit_reached"},
            "You've hit your usage limit. Try again at 3:13 PM.",
        ),
    ],
)
def test_usage_limit_by_headers(headers: dict[str, str], text: str) -> None:
    body = openai("Limit.", "usage_limit_reached", resets_at=SOON)
    assert from_response(429, body, headers).message == text


# --- what to do --------------------------------------------------------------------------------


def test_cloudflare() -> None:
    page = (
        "<html><title>Attention Required! | Cloudflare</title>Sorry, you have been blocked</html>"
    )
    error = from_response(403, page, {"content-type": "text/html", "cf-ray": "9a"})
    assert error.message == (
        "Access blocked by Cloudflare. This usually happens when connecting from a restricted "
        "region (status 403)."
    )
    assert error.request_id == "9a"
    assert "Cloudflare wants" in from_response(403, "", {"cf-mitigated": "challenge"}).message
    assert "Cloudflare wants" in from_response(403, "<html><title>Just a moment...</title>").message


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("http://localhost:11434/v1/responses", True),
        ("http://127.0.0.1:11434/v1", True),
        ("http://[::1]:11434/v1", True),
        ("http://192.168.1.5/v1", True),
        ("http://172.20.1.5/v1", True),
        ("http://mybox:11434/v1", True),
        ("http://mybox.local/v1", True),
        ("", True),
        ("https://api.openai.com/v1", False),
        ("http://172.40.1.5/v1", False),
        ("http://localhost.evil.test/v1", False),
    ],
)
def test_ollamas_refusal_of_extensions_has_its_hint(url: str, local: bool) -> None:
    assert ("OLLAMA_ORIGINS=chrome-extension://*" in from_response(403, url=url).hint) is local
    assert "OLLAMA" not in from_response(403, "No.", url=url).hint


def test_a_wrong_address_is_shown_without_its_query() -> None:
    error = from_response(404, "404 page not found", url="https://a.test/responses?key=secret#x")
    assert error.message == "There is nothing at https://a.test/responses (status 404)."
    assert "/v1" in error.hint
    assert "at this address" in from_response(405).message


def test_the_other_wire_api_is_named_where_the_server_names_it() -> None:
    words = "This model is only supported in v1/responses and not in v1/chat/completions."
    assert "wire API to Responses" in from_response(404, openai(words, param="model")).hint
    assert "wire API to Responses" in from_response(400, openai(words)).hint


def test_too_large_a_request() -> None:
    assert from_response(413).message == "The request is larger than the provider takes."


# --- inside a stream ---------------------------------------------------------------------------


def from_stream(error: Any) -> SidestreamError:
    return error_from_server_error(error, fallback="It failed.", now=NOW, tz=TZ)


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
def test_response_failed_without_a_word(error: Any) -> None:
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


def test_cyber_policy_keeps_its_text() -> None:
    error = from_stream({"code": "cyber_policy", "message": " "})
    assert error.message == "This request has been flagged for possible cybersecurity risk."


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
        ("", b"hi", "sent something unknown instead"),
        ("text/event-stream", b" ", "sent an empty answer"),
    ],
)
def test_answers_of_200_that_are_none(content_type: str, body: bytes, message: str) -> None:
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


# --- anything ----------------------------------------------------------------------------------

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


@pytest.mark.parametrize("odd", [1e999, -1e999, float("nan"), 10**400, -(10**400), True, "x", "7"])
def test_odd_numbers(odd: Any) -> None:
    body = {
        "code": "usage_limit_reached",
        "resets_at": odd,
        "resets_in_seconds": odd,
        "status": odd,
    }
    assert from_stream(body).message.startswith("You've hit your usage limit.")


@given(JSON)
def test_every_error_object_becomes_an_error(error: Any) -> None:
    json.dumps(from_stream(error).to_dict())
