from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidestream.errors import ErrorKind, SidestreamError
from sidestream.presets import PRESETS
from sidestream.provider import Provider

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
        ("https://exa mple.com/v1", "space"),
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


def test_the_chatgpt_backend_is_sent_a_client_version_with_models_only() -> None:
    assert "client_version=" in CHATGPT.url("models")
    assert "client_version=" not in CHATGPT.url("responses")
    mine = CHATGPT.model_copy(update={"query_params": {"client_version": "1"}})
    assert mine.url("models").endswith("/models?client_version=1")


# --- which provider it is ----------------------------------------------------------------------


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
