"""How saved settings become a client."""

from __future__ import annotations

import pytest

from sidestream.errors import ErrorKind, SidestreamError
from sidestream.presets import PRESETS
from sidestream.session.connection import connect, describe_model
from sidestream.session.connection_check import list_models
from sidestream.session.conversation import ConversationSettings
from sidestream.session.known_models import KnownModels
from sidestream.testing import FakeFetch, run
from tests.session.connections import KEY, SETTINGS, data, models


def test_settings_become_a_client() -> None:
    connection = connect(data(instructions="Be brief."), FakeFetch())
    assert (connection.model, connection.origin, connection.instructions) == (
        "m-1",
        "https://a.test:8443",
        "Be brief.",
    )


def test_a_chat_has_a_longer_idle_timeout_than_a_plain_client() -> None:
    assert connect(data(), FakeFetch()).client.provider.stream_idle_timeout_ms == 900_000
    patient = connect(data(stream_idle_timeout_ms=3_600_000), FakeFetch())
    assert patient.client.provider.stream_idle_timeout_ms == 3_600_000


def test_the_key_and_the_users_own_headers_are_sent() -> None:
    fetch = FakeFetch(models("m-1"))
    settings = data(KEY, http_headers={"X-Mine": "1"}, query_params={"api-version": "2"})
    run(list_models(settings, fetch))
    request = fetch.requests[0]
    assert request.url == "https://a.test:8443/v1/models?api-version=2"
    assert request.headers["Authorization"] == f"Bearer {KEY}"
    assert request.headers["X-Mine"] == "1"


def test_without_a_key_none_is_sent() -> None:
    fetch = FakeFetch(models("m-1"))
    run(list_models(data(), fetch))
    assert "Authorization" not in fetch.requests[0].headers


def test_the_presets_values_stay_unless_the_user_changes_them() -> None:
    plain = connect({"settings": {"preset": "openai", "model": "m"}}, FakeFetch())
    assert plain.origin == "https://api.openai.com"
    other = connect(data(preset="ollama", base_url="http://box:1/v1"), FakeFetch())
    assert other.origin == "http://box:1"


def test_settings_that_cannot_be_used_are_a_configuration_error() -> None:
    with pytest.raises(SidestreamError) as caught:
        connect(data(wire_api="telepathy"), FakeFetch())
    assert caught.value.kind is ErrorKind.CONFIGURATION


# --- the settings of the user --------------------------------------------------------------------


def test_every_setting_reaches_the_client() -> None:
    connection = connect(
        data(
            summary="concise",
            temperature=0,
            top_p=0.5,
            max_output_tokens=100,
            organization="org-1",
            project="proj_1",
            request_max_retries=0,
            stream_max_retries=1,
            max_waiting=3,
            requests_per_minute=20,
        ),
        FakeFetch(),
    )
    options, provider = connection.options, connection.client.provider
    assert options.summary == "concise"
    assert (options.temperature, options.top_p, options.max_output_tokens) == (0, 0.5, 100)
    assert (provider.organization, provider.project) == ("org-1", "proj_1")
    assert (provider.request_max_retries, provider.stream_max_retries) == (0, 1)
    assert (connection.max_waiting, connection.requests_per_minute) == (3, 20)


def test_without_a_choice_everything_is_left_to_the_model() -> None:
    connection = connect(data(), FakeFetch())
    assert connection.options.model_dump(exclude_none=True) == {}
    plain = PRESETS["custom"].provider()
    assert connection.client.provider.request_max_retries == plain.request_max_retries
    assert connection.client.provider.stream_max_retries == plain.stream_max_retries


def test_the_settings_of_a_conversation_win() -> None:
    own = ConversationSettings(summary="off", temperature=1.5)
    options = connect(data(summary="auto", temperature=0), FakeFetch(), own=own).options
    assert (options.summary, options.temperature) == ("none", 1.5)


def test_a_model_is_described_without_a_request() -> None:
    known = KnownModels()
    described = describe_model({**SETTINGS, "model": "gpt-5.6"}, known)
    assert described["efforts"][-2:] == ["max", "ultra"]
    assert described["default_effort"] == "medium"
    assert describe_model({**SETTINGS, "model": "gpt-4.1"}, known)["supports_reasoning"] is False
    assert describe_model({**SETTINGS, "model": "unheard-of"}, known) == {}
    assert describe_model({**SETTINGS, "model": " "}, known) == {}


# --- the ChatGPT sign-in -----------------------------------------------------------------------


def test_a_name_of_the_users_own_changes_nothing_on_the_wire() -> None:
    assert not connect(data(name="OpenAI"), FakeFetch()).client.provider.is_first_party
    openai = {"settings": {"preset": "openai", "name": "Work", "model": "m"}}
    assert connect(openai, FakeFetch()).client.provider.is_openai
