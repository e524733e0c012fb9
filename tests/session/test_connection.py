from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from sidestream.errors import ErrorKind, SidestreamError
from sidestream.session.connection import SignIns, connect, list_models, try_connection
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


def test_a_chat_bears_a_longer_silence_than_a_plain_client() -> None:
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


# --- the ChatGPT sign-in -----------------------------------------------------------------------


def sign_in(refresh_token: str = "rt-1", access_token: str = "at-1") -> dict[str, Any]:
    tokens = {"access_token": access_token, "refresh_token": refresh_token}
    settings = {"preset": "chatgpt", "name": "Mine", "model": "gpt-5.2"}
    return {
        "settings": settings,
        "profile_id": "p",
        "auth_json": json.dumps({"tokens": tokens}),
    }


class Vault:
    """Keeps what it is given, or fails to."""

    def __init__(self, failure: str = "", fetch: FakeFetch | None = None) -> None:
        self.failure = failure
        self._fetch = fetch
        self.requests_before = 0
        self.kept: list[tuple[str, str, str]] = []

    async def save(self, profile_id: str, before: str, after: str) -> str:
        await asyncio.sleep(1)
        self.kept.append((profile_id, before, after))
        self.requests_before = len(self._fetch.requests) if self._fetch else 0
        return self.failure


def renewed(number: int) -> Reply:
    return Reply({"access_token": f"at-{number}", "refresh_token": f"rt-{number}"})


def test_a_sign_in_is_renewed_and_kept_before_it_is_used() -> None:
    fetch = FakeFetch(Reply(status=401), renewed(2), models("gpt-5.2"))
    vault = Vault(fetch=fetch)
    data = sign_in()
    said = run(try_connection(data, fetch, SignIns(vault.save)))
    assert said == "Connected to Mine. Model gpt-5.2 is available."
    assert fetch.requests[2].headers["Authorization"] == "Bearer at-2"
    ((profile_id, before, after),) = vault.kept
    assert (profile_id, before) == ("p", data["auth_json"])
    assert vault.requests_before == 2
    assert json.loads(after)["tokens"]["refresh_token"] == "rt-2"


def test_tokens_that_could_not_be_kept_serve_on() -> None:
    vault = Vault(failure="full")
    sign_ins = SignIns(vault.save)
    fetch = FakeFetch(Reply(status=401), renewed(2), models("a"), models("a"))
    run(list_models(sign_in(), fetch, sign_ins))
    run(list_models(sign_in(), fetch, sign_ins))
    assert fetch.requests[-1].headers["Authorization"] == "Bearer at-2"


def test_a_new_sign_in_takes_the_place_of_the_old_one() -> None:
    sign_ins = SignIns(Vault().save)
    first = sign_in()
    auth = sign_ins.auth("p", first["auth_json"])
    assert sign_ins.auth("p", first["auth_json"]) is auth
    assert sign_ins.auth("q", first["auth_json"]) is not auth
    assert sign_ins.auth("p", sign_in("rt-9", "at-9")["auth_json"]) is not auth


def test_chatgpt_without_a_sign_in_says_what_to_do() -> None:
    data = {"settings": sign_in()["settings"]}
    with pytest.raises(SidestreamError, match="no ChatGPT sign-in") as caught:
        connect(data, FakeFetch(), SignIns(Vault().save))
    assert caught.value.kind is ErrorKind.SIGN_IN_REQUIRED


def test_a_name_of_the_users_own_changes_nothing_on_the_wire() -> None:
    assert not connect(data(name="OpenAI"), FakeFetch()).client.provider.is_first_party
    openai = {"settings": {"preset": "openai", "name": "Work", "model": "m"}}
    assert connect(openai, FakeFetch()).client.provider.is_openai
