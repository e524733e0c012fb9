"""The text and the hint of an error."""

from __future__ import annotations

import pytest

from tests.server_errors.answers import NOW, Kind, from_response, from_stream, openai


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
        ("'type' of tool must be 'function'", "all of the tools that are on"),
        ('Only `type:"function"` tools are supported.', "all of the tools that are on"),
    ],
)
def test_a_tool_that_the_provider_does_not_have(words: str, said: str) -> None:
    error = from_response(400, openai(words))
    assert error.kind is Kind.INVALID_REQUEST
    assert said in error.message
    assert "Turn it off" in error.hint
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


def test_messages_about_tools_that_mean_something_else() -> None:
    for words in ("Missing required parameter: 'tools[0].name'.", "Invalid value: 'x'."):
        assert "refused the request" in from_response(400, openai(words)).message


# --- waits -------------------------------------------------------------------------------------


def test_a_stated_wait_is_shown_with_its_end() -> None:
    error = from_response(429, headers={"Retry-After": "330"})
    assert error.retry_after_ms == 330_000
    assert error.resets_at == NOW + 330
    assert error.message == "You've reached the provider's rate limit."
    assert error.hint == "Try again in 6 min, at 2:18 PM."


@pytest.mark.parametrize(
    ("wait", "said"),
    [
        *[("1.5", "1.5 s"), ("9", "9 s"), ("35", "35 s"), ("89.6", "90 s"), ("119.9", "2 min")],
        *[("7199", "120 min"), ("7200", "2 h"), ("9000", "2 h 30 min")],
    ],
)
def test_waits_are_readable(wait: str, said: str) -> None:
    hint = from_response(429, headers={"retry-after": wait}).hint
    assert hint.startswith(f"Try again in {said.replace('120 min', '2 h')}, at ")


# --- hints -------------------------------------------------------------------------------------


def test_cloudflare() -> None:
    page = (
        "<html><title>Attention Required! | Cloudflare</title>Sorry, you have been blocked</html>"
    )
    error = from_response(403, page, {"content-type": "text/html", "cf-ray": "9a"})
    assert error.message == (
        "Access blocked by Cloudflare. This usually happens when connecting from a restricted "
        "region."
    )
    assert error.request_id == "9a"
    assert "Cloudflare requires" in from_response(403, "", {"cf-mitigated": "challenge"}).message
    assert (
        "Cloudflare requires" in from_response(403, "<html><title>Just a moment...</title>").message
    )


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
    assert error.message == "There is nothing at https://a.test/responses."
    assert "/v1" in error.hint
    assert "at this address" in from_response(405).message


def test_the_other_wire_api_is_named_where_the_server_names_it() -> None:
    words = "This model is only supported in v1/responses and not in v1/chat/completions."
    assert "wire API to Responses" in from_response(404, openai(words, param="model")).hint
    assert "wire API to Responses" in from_response(400, openai(words)).hint


def test_too_large_a_request() -> None:
    assert from_response(413).message == "The request is too large for the provider."


# --- inside a stream ---------------------------------------------------------------------------


def test_cyber_policy_keeps_its_text() -> None:
    error = from_stream({"code": "cyber_policy", "message": " "})
    assert error.message == "This request has been flagged for possible cybersecurity risk."
