from __future__ import annotations

from typing import Any

import pytest

from sidestream.errors import ErrorKind, SidestreamError
from sidestream.session.connection import connect, list_models, try_connection
from sidestream.testing import FakeFetch, Refuse, Reply, ResponsesStream, run

KEY = "sk-test-1234567890abcdef"
SETTINGS = {
    "preset": "custom",
    "name": "Mine",
    "base_url": "https://a.test:8443/v1",
    "wire_api": "responses",
    "model": "m-1",
}


def data(api_key: str | None = None, **settings: Any) -> dict[str, Any]:
    return {"settings": {**SETTINGS, **settings}, "api_key": api_key}


def models(*names: str) -> Reply:
    return Reply({"data": [{"id": name} for name in names]})


ANSWER = Reply(ResponsesStream().created().text("OK").completed())


def test_settings_become_a_client() -> None:
    connection = connect(data(instructions="Be brief."), FakeFetch())
    assert (connection.model, connection.origin, connection.instructions) == (
        "m-1",
        "https://a.test:8443",
        "Be brief.",
    )


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


def test_what_a_preset_knows_stays_unless_the_user_says_otherwise() -> None:
    plain = connect({"settings": {"preset": "openai", "model": "m"}}, FakeFetch())
    assert plain.origin == "https://api.openai.com"
    other = connect(data(preset="ollama", base_url="http://box:1/v1"), FakeFetch())
    assert other.origin == "http://box:1"


def test_settings_that_cannot_be_used_are_a_configuration_error() -> None:
    with pytest.raises(SidestreamError) as caught:
        connect(data(wire_api="telepathy"), FakeFetch())
    assert caught.value.kind is ErrorKind.CONFIGURATION


def test_list_models() -> None:
    assert run(list_models(data(), FakeFetch(models("b", "a")))) == ["b", "a"]


def test_an_empty_list_is_said() -> None:
    with pytest.raises(SidestreamError, match="empty"):
        run(list_models(data(), FakeFetch(models())))


@pytest.mark.parametrize(
    ("model", "listed", "said"),
    [
        ("m-1", ["m-0", "m-1"], "Connected to Mine. Model m-1 is available."),
        ("llama", ["llama:latest"], "Connected to Mine. Model llama is available."),
        ("gem", ["models/gem"], "Connected to Mine. Model gem is available."),
        ("m-2", ["m-1"], "Connected to Mine, but model m-2 is not in the provider's list."),
    ],
)
def test_a_connection_with_a_list(model: str, listed: list[str], said: str) -> None:
    fetch = FakeFetch(models(*listed))
    assert run(try_connection(data(model=model), fetch)) == said
    assert len(fetch.requests) == 1


@pytest.mark.parametrize(
    "no_list", [Reply(status=404), Reply(status=405), Reply("<html>hello</html>"), models()]
)
def test_a_provider_without_a_list_gets_a_tiny_prompt(no_list: Reply) -> None:
    fetch = FakeFetch(no_list, ANSWER)
    assert run(try_connection(data(), fetch)) == "Connected to Mine. Model m-1 answers."
    assert fetch.json()["model"] == "m-1"


def test_an_answer_that_is_cut_short_is_an_answer() -> None:
    cut = Reply(ResponsesStream().created().text("O").incomplete())
    fetch = FakeFetch(Reply(status=404), cut)
    assert run(try_connection(data(), fetch)) == "Connected to Mine. Model m-1 answers."


@pytest.mark.parametrize(
    ("exchanges", "kind"),
    [
        ([Reply(status=401)], ErrorKind.AUTHENTICATION),
        ([Reply(status=500)], ErrorKind.SERVER_ERROR),
        ([Refuse()], ErrorKind.NETWORK),
        ([Reply(status=404), Reply(status=404)], ErrorKind.NOT_FOUND),
    ],
)
def test_failures_are_told_at_once(exchanges: list[Any], kind: ErrorKind) -> None:
    fetch = FakeFetch(*exchanges)
    with pytest.raises(SidestreamError) as caught:
        run(try_connection(data(KEY), fetch))
    assert caught.value.kind is kind
    assert len(fetch.requests) == len(exchanges)
    assert KEY not in str(caught.value.to_dict())
