from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidestream.errors import ErrorKind, SidestreamError
from sidestream.headers import request_headers
from sidestream.presets import PRESETS
from sidestream.prompt import CallOptions
from sidestream.provider import Provider
from sidestream.types.wire_api import WireApi

OPENAI = PRESETS["openai"].provider()
AZURE = PRESETS["azure"].provider(base_url="https://res.openai.azure.com/openai/v1")
CHATGPT = PRESETS["chatgpt"].provider()
LOCAL = Provider(name="Local", base_url="http://127.0.0.1:8080/v1")
BEARER = {"Authorization": "Bearer sk-secret"}


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


def test_the_chatgpt_backend_is_sent_a_header_for_the_lite_form() -> None:
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


def test_the_users_headers_win_but_blank_ones_do_not_count() -> None:
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


def test_a_badly_copied_key_is_reported() -> None:
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
    try:
        sent = request_headers(provider, BEARER)
    except SidestreamError as error:
        refused = error.kind
        sent = {}
    else:
        refused = None
    assert refused in (None, ErrorKind.CONFIGURATION)
    assert len({name.lower() for name in sent}) == len(sent)
    for name, value in sent.items():
        assert name.isascii()
        assert not set(name) & set(" :\n")
        value.encode("latin-1")
        assert not set(value) & set("\r\n\0")
        assert value == value.strip(" \t\r\n") != ""
