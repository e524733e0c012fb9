from __future__ import annotations

import string
from collections.abc import Callable
from typing import TypeVar
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidestream.errors import ErrorKind, SidestreamError
from sidestream.prompt import CallOptions
from sidestream.provider import PRESETS, Provider, request_headers
from sidestream.types.wire_api import WireApi

T = TypeVar("T")

OPENAI = PRESETS["openai"].provider()
AZURE = PRESETS["azure"].provider(base_url="https://res.openai.azure.com/openai/v1")
CHATGPT = PRESETS["chatgpt"].provider()
LOCAL = Provider(name="Local", base_url="http://127.0.0.1:8080/v1")
BEARER = {"Authorization": "Bearer sk-secret"}


def at(base_url: str, **fields: object) -> Provider:
    return Provider.model_validate({"name": "test", "base_url": base_url, **fields})


def attempt(make: Callable[[], T]) -> T | SidestreamError:
    try:
        return make()
    except SidestreamError as error:
        return error


# --- addresses ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("base_url", "url"),
    [
        ("https://api.openai.com/v1", "https://api.openai.com/v1/responses"),
        ("https://api.openai.com/v1/", "https://api.openai.com/v1/responses"),
        ("  https://api.openai.com/v1\n", "https://api.openai.com/v1/responses"),
        ("HTTPS://Example.com:8443/a/v1//", "https://Example.com:8443/a/v1/responses"),
        ("http://localhost:11434", "http://localhost:11434/responses"),
        ("http://[::1]:8080/v1", "http://[::1]:8080/v1/responses"),
        ("https://a.example/v1?key=a%20b", "https://a.example/v1/responses?key=a%20b"),
        ("https://a.example/v1#top", "https://a.example/v1/responses"),
        ("https://a.example/v1/responses", "https://a.example/v1/responses"),
        ("https://a.example/v1/chat/completions", "https://a.example/v1/responses"),
        ("https://a.example/v1/models/", "https://a.example/v1/responses"),
        ("https://chatgpt.com/backend-api", "https://chatgpt.com/backend-api/codex/responses"),
        (
            "https://chatgpt.com/backend-api/codex/",
            "https://chatgpt.com/backend-api/codex/responses",
        ),
    ],
)
def test_url_joins_the_base_url_and_the_path(base_url: str, url: str) -> None:
    assert at(base_url).url("responses") == url
    assert at(base_url).url("/responses") == url


def test_query_parameters_are_escaped_and_win_over_those_of_the_base_url() -> None:
    provider = at(
        "https://a.example/v1?API-Version=1&keep=",
        query_params={"api-version": "2 & 3=4", "ü": "é"},
    )
    assert provider.url("models") == (
        "https://a.example/v1/models?keep=&api-version=2%20%26%203%3D4&%C3%BC=%C3%A9"
    )


@given(params=st.dictionaries(st.text(min_size=1), st.text()))
def test_any_query_parameter_arrives_as_it_is(params: dict[str, str]) -> None:
    url = at("https://a.example/v1", query_params=params).url("responses")
    assert url.isascii()
    assert dict(parse_qsl(urlsplit(url).query, keep_blank_values=True)) == params


@pytest.mark.parametrize(
    ("base_url", "says"),
    [
        ("", "no base URL"),
        ("   ", "no base URL"),
        ("api.openai.com/v1", "https://"),
        ("ftp://api.openai.com/v1", "https://"),
        ("javascript:alert(1)", "https://"),
        ("https://", "no host"),
        ("https:///v1", "no host"),
        ("https://exa mple.com/v1", "blank"),
        ("https://example.com\\v1", "backslash"),
        ("https://example.com/\tv1", "control"),
        ("https://example.com:port/v1", "malformed"),
        ("https://example.com:99999/v1", "malformed"),
        ("https://[::1/v1", "malformed"),
        ("https://user:sk-secret@example.com/v1", "user name"),
    ],
)
def test_a_bad_base_url_is_a_configuration_error(base_url: str, says: str) -> None:
    provider = at(base_url)
    with pytest.raises(SidestreamError) as caught:
        provider.url("responses")
    assert caught.value.kind is ErrorKind.CONFIGURATION
    assert says in caught.value.message
    assert caught.value.hint
    assert "sk-secret" not in repr(caught.value) + str(caught.value.to_dict())


@given(base_url=st.text())
def test_any_base_url_gives_a_url_or_a_configuration_error(base_url: str) -> None:
    url = attempt(lambda: at(base_url).url("responses"))
    if isinstance(url, SidestreamError):
        assert url.kind is ErrorKind.CONFIGURATION
    else:
        assert urlsplit(url).scheme in ("http", "https")
        assert urlsplit(url).path.endswith("/responses")


VERSIONED = {"api-version": "2025-04-01-preview"}


@pytest.mark.parametrize(
    ("base", "params", "path", "url"),
    [
        ("/openai/v1", {}, "responses", "/openai/v1/responses"),
        ("/openai/v1", {}, "chat/completions", "/openai/v1/chat/completions"),
        ("", {}, "responses", "/openai/v1/responses"),
        ("/", {}, "chat/completions", "/openai/v1/chat/completions"),
        ("", VERSIONED, "responses", "/openai/responses?api-version=2025-04-01-preview"),
        ("/openai", VERSIONED, "responses", "/openai/responses?api-version=2025-04-01-preview"),
        (
            "/openai",
            VERSIONED,
            "chat/completions",
            "/openai/deployments/my%20gpt/chat/completions?api-version=2025-04-01-preview",
        ),
        (
            "/openai/deployments/mine",
            VERSIONED,
            "chat/completions",
            "/openai/deployments/mine/chat/completions?api-version=2025-04-01-preview",
        ),
        (
            "/openai/deployments/mine",
            VERSIONED,
            "responses",
            "/openai/responses?api-version=2025-04-01-preview",
        ),
        (
            "/openai/deployments/mine/chat/completions?api-version=1",
            {},
            "models",
            "/openai/models?api-version=1",
        ),
    ],
)
def test_azure_addresses(base: str, params: dict[str, str], path: str, url: str) -> None:
    provider = at(f"https://res.openai.azure.com{base}", query_params=params)
    assert provider.url(path, model="my gpt") == f"https://res.openai.azure.com{url}"


def test_the_chatgpt_backend_is_told_a_client_version_with_models_only() -> None:
    assert "client_version=" in CHATGPT.url("models")
    assert "client_version=" not in CHATGPT.url("responses")
    mine = CHATGPT.model_copy(update={"query_params": {"client_version": "1"}})
    assert mine.url("models").endswith("/models?client_version=1")


# --- who it is ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "base_url",
    [
        "https://foo.openai.azure.com/openai",
        "https://foo.openai.azure.us/openai/deployments/bar",
        "https://foo.cognitiveservices.azure.cn/openai",
        "https://foo.services.ai.azure.com/openai/v1",
        "https://foo.aoai.azure.com/openai",
        "https://foo.openai.azure-api.net/openai",
        "https://foo.z01.AZUREFD.net/",
        "https://foo.windows.net/openai",
    ],
)
def test_azure_is_known_by_its_addresses(base_url: str) -> None:
    assert at(base_url).is_azure
    assert at(base_url).is_first_party


@pytest.mark.parametrize(
    "base_url",
    [
        "https://api.openai.com/v1",
        "https://example.com/openai",
        "https://myproxy.azurewebsites.net/openai",
    ],
)
def test_what_is_not_azure(base_url: str) -> None:
    assert not at(base_url).is_azure


def test_providers_are_known_by_host_or_preset_and_never_by_name() -> None:
    assert not at("https://proxy.example/v1", name="AZURE").is_azure
    assert not at("https://proxy.example/v1", name="OpenAI").is_openai
    assert at("https://proxy.example/v1", preset="azure").is_azure
    assert at("https://proxy.example/v1", preset="openai").is_openai
    assert not at("https://api.deepseek.com/v1", preset="openai").is_openai
    assert not at("https://api.openai.com/v1", preset="azure").is_azure
    assert not at("https://a.openai.azure.com/v1", preset="openai").is_openai
    assert not at("https://proxy.example/v1?next=openai.azure.com").is_azure
    assert not at("https://a.openai.azure.com/v1", name="OpenAI").is_openai
    assert not at("https://chatgpt.com/backend-api", name="OpenAI").is_openai
    assert not at("https://api.openai.com.evil.example/v1").is_first_party
    assert at("https://eu.api.openai.com/v1").is_openai
    assert not at("https://[::1/v1").is_first_party
    assert at("https://openrouter.ai/api/v1").is_openrouter


def test_every_preset_is_what_it_says() -> None:
    assert set(PRESETS) == {
        *("openai", "azure", "chatgpt", "openrouter", "ollama"),
        *("lmstudio", "llamacpp", "vllm", "custom"),
    }
    for key, preset in PRESETS.items():
        provider = preset.provider()
        assert preset.key == key
        assert preset.wire_api in preset.wire_apis
        assert provider.wire_api is preset.wire_api
        assert preset.label
        if key != "custom":
            assert provider.url(preset.wire_api.path).startswith("http")
        if preset.needs_key:
            assert preset.key_url.startswith("https://")
            assert preset.key_hint
        assert not (preset.needs_key and preset.needs_sign_in)
        assert provider.is_first_party is (key in ("openai", "azure", "chatgpt"))
    assert PRESETS["llamacpp"].provider().reasoning_field == "reasoning_content"
    assert PRESETS["ollama"].provider(wire_api=WireApi.RESPONSES).wire_api is WireApi.RESPONSES


def test_retries_are_capped_and_limits_checked() -> None:
    assert (OPENAI.request_max_retries, OPENAI.stream_max_retries) == (4, 5)
    assert OPENAI.stream_idle_timeout_ms == 300_000
    greedy = at("https://a.example", request_max_retries=1000, stream_max_retries=101)
    assert (greedy.request_max_retries, greedy.stream_max_retries) == (100, 100)
    with pytest.raises(ValueError, match="request_max_retries"):
        at("https://a.example", request_max_retries=-1)


def test_secrets_do_not_show() -> None:
    provider = at("https://a.example", http_headers={"X-Key": "hush"}, query_params={"key": "hush"})
    assert "hush" not in repr(provider) + str(provider)


# --- headers -----------------------------------------------------------------------------------


def test_headers_to_openai() -> None:
    provider = OPENAI.model_copy(update={"organization": "org-1", "project": "proj_1"})
    options = CallOptions(conversation_id="c-1", idempotency_key="once")
    assert request_headers(provider, BEARER, options, request_id="r-1") == {
        "Content-Type": "application/json",
        "Accept": "text/event-stream",
        "OpenAI-Beta": "responses=experimental",
        "conversation_id": "c-1",
        "session_id": "c-1",
        "session-id": "c-1",
        "thread-id": "c-1",
        "x-client-request-id": "r-1",
        "Idempotency-Key": "once",
        "OpenAI-Organization": "org-1",
        "OpenAI-Project": "proj_1",
        "Authorization": "Bearer sk-secret",
    }


def test_the_beta_header_belongs_to_the_responses_api() -> None:
    chat = CallOptions(wire_api=WireApi.CHAT)
    assert "OpenAI-Beta" not in request_headers(OPENAI, {}, chat, request_id="r")
    assert "OpenAI-Beta" in request_headers(AZURE, {})
    as_chat = OPENAI.model_copy(update={"wire_api": WireApi.CHAT})
    assert "OpenAI-Beta" not in request_headers(as_chat, {})


def test_other_providers_get_the_standard_headers_only() -> None:
    options = CallOptions(conversation_id="c-1")
    assert request_headers(LOCAL, BEARER, options, request_id="r-1") == {
        "Content-Type": "application/json",
        "Accept": "text/event-stream",
        "Authorization": "Bearer sk-secret",
    }
    assert request_headers(LOCAL, {}, accept="application/json")["Accept"] == "application/json"


def test_chatgpt_gets_what_the_sign_in_gives() -> None:
    auth = {**BEARER, "ChatGPT-Account-ID": "acc", "originator": "sidestream"}
    headers = request_headers(CHATGPT, auth, CallOptions(conversation_id="c"), request_id="r")
    assert headers["ChatGPT-Account-ID"] == "acc"
    assert headers["originator"] == "sidestream"
    assert headers["session_id"] == headers["session-id"] == "c"


def test_the_chatgpt_backend_is_told_of_a_request_in_the_lite_form() -> None:
    lite = "x-openai-internal-codex-responses-lite"
    assert request_headers(CHATGPT, {}, CallOptions(model="gpt-5.6-sol"))[lite] == "true"
    for provider, model in ((CHATGPT, "gpt-5.2"), (CHATGPT, None), (OPENAI, "gpt-5.6-sol")):
        assert lite not in request_headers(provider, {}, CallOptions(model=model))


def test_azure_gets_a_key_as_api_key_and_a_token_as_bearer() -> None:
    headers = request_headers(AZURE, {"authorization": "Bearer 0123abcd"})
    assert headers["api-key"] == "0123abcd"
    assert "authorization" not in {name.lower() for name in headers}
    token = {"Authorization": "Bearer eyJhbGciOi.eyJhdWQiOi.c2ln"}
    headers = request_headers(AZURE, token)
    assert headers["Authorization"] == token["Authorization"]
    assert "api-key" not in headers


def test_the_users_headers_win_in_any_case_but_blank_ones_do_not_count() -> None:
    mine = {"accept": "text/plain", "AUTHORIZATION": " Basic abc ", "X-Title": "Me", "X-No": "  "}
    provider = LOCAL.model_copy(update={"http_headers": mine})
    assert request_headers(provider, BEARER) == {
        "Content-Type": "application/json",
        "accept": "text/plain",
        "AUTHORIZATION": "Basic abc",
        "X-Title": "Me",
    }
    blank = LOCAL.model_copy(update={"http_headers": {"Authorization": " \t", " ": "x"}})
    assert request_headers(blank, BEARER)["Authorization"] == "Bearer sk-secret"


@pytest.mark.parametrize(
    "name", ["Cookie", "host", "ORIGIN", "Content-Length", "Sec-Fetch-Mode", "Proxy-Authorization"]
)
def test_headers_that_a_browser_keeps_to_itself_are_left_out(name: str) -> None:
    provider = LOCAL.model_copy(update={"http_headers": {name: "x"}})
    assert name not in request_headers(provider, {})


@pytest.mark.parametrize(
    ("header", "shown"),
    [
        ({"X-Bad": "sk-secret\r\nX-Evil: 1"}, "X-Bad"),
        ({"X-Bad": "sk-secret\x00"}, "X-Bad"),
        ({"X-Bad": "sk-secret…"}, "X-Bad"),
        ({"Authorization: Bearer sk-secret": "x"}, "Authorization"),
        ({"ü sk-secret": "x"}, "?"),
    ],
)
def test_a_header_that_cannot_be_sent_is_named_without_its_value(
    header: dict[str, str], shown: str
) -> None:
    provider = LOCAL.model_copy(update={"http_headers": header})
    with pytest.raises(SidestreamError) as caught:
        request_headers(provider, {})
    assert caught.value.kind is ErrorKind.CONFIGURATION
    assert repr(shown) in caught.value.message
    assert "sk-secret" not in str(caught.value.to_dict())


def test_a_key_that_was_copied_badly_is_told_as_such() -> None:
    with pytest.raises(SidestreamError) as caught:
        request_headers(LOCAL, {"Authorization": "Bearer sk-…secret"})
    assert "key" in caught.value.hint
    assert "secret" not in str(caught.value.to_dict())
    with pytest.raises(SidestreamError) as caught:
        request_headers(AZURE, {"Authorization": "Bearer sk-\x01secret"})
    assert "key" in caught.value.hint


@given(
    headers=st.dictionaries(
        st.text(string.ascii_letters + "-_ :\n\u00fc", max_size=12), st.text(max_size=12)
    )
)
def test_any_header_is_legal_or_refused(headers: dict[str, str]) -> None:
    provider = LOCAL.model_copy(update={"http_headers": headers})
    sent = attempt(lambda: request_headers(provider, BEARER))
    if isinstance(sent, SidestreamError):
        assert sent.kind is ErrorKind.CONFIGURATION
        return
    assert len({name.lower() for name in sent}) == len(sent)
    for name, value in sent.items():
        assert name.isascii()
        assert not set(name) & set(" :\n")
        value.encode("latin-1")
        assert not set(value) & set("\r\n\0")
        assert value == value.strip(" \t\r\n") != ""


@pytest.mark.parametrize(
    ("base_url", "query_params", "url"),
    [
        (
            "https://a.test/v1/responses",
            {},
            "https://a.test/v1/responses/resp_1?stream=true&include%5B%5D=x",
        ),
        (
            "https://res.openai.azure.com/openai",
            {"api-version": "2025-04-01-preview"},
            "https://res.openai.azure.com/openai/responses/resp_1"
            "?api-version=2025-04-01-preview&stream=true&include%5B%5D=x",
        ),
    ],
)
def test_the_address_of_what_lies_below_an_endpoint(
    base_url: str, query_params: dict[str, str], url: str
) -> None:
    provider = Provider(name="Test", base_url=base_url, query_params=query_params)
    params = [("stream", "true"), ("include[]", "x")]
    assert provider.url("responses/resp_1", params=params) == url
