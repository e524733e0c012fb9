from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from sidestream.errors import ErrorKind, SidestreamError
from sidestream.model_list import parse_model_list
from sidestream.presets import PRESETS
from sidestream.session.connection import connect, describe_model
from sidestream.session.connection_check import list_models, try_connection
from sidestream.session.conversation import ConversationSettings
from sidestream.session.known_models import KnownModels
from sidestream.session.sign_ins import SignIns
from sidestream.testing import ChatStream, FakeFetch, Refuse, Reply, ResponsesStream, run
from sidestream.transport import HttpRequest

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
    "no_list",
    [
        Reply({"detail": "Not Found"}, status=404),
        Reply({"error": "no"}, status=400),
        Reply(status=405),
        Reply("<html>hello</html>"),
        Reply({"ok": True}),
    ],
)
def test_without_a_list_the_name_has_to_be_typed(no_list: Reply) -> None:
    with pytest.raises(SidestreamError) as caught:
        run(list_models(data(), FakeFetch(no_list)))
    assert caught.value.message == "This server has no list of models."
    assert "Type the model's name" in caught.value.hint
    assert caught.value.kind is ErrorKind.NOT_FOUND


def test_a_list_that_cannot_be_given_is_not_needed() -> None:
    with pytest.raises(SidestreamError, match="could not give its list") as caught:
        run(list_models(data(), FakeFetch(Reply({"error": "boom"}, status=500))))
    assert "Type the model's name" in caught.value.hint


def test_a_closed_list_is_not_a_refused_key() -> None:
    with pytest.raises(SidestreamError, match="does not list its models for this key"):
        run(list_models(data(KEY), FakeFetch(Reply(status=403))))
    with pytest.raises(SidestreamError, match="refused the API key") as caught:
        run(list_models(data(KEY), FakeFetch(Reply(status=401))))
    assert "type the model's name" in caught.value.hint


# --- the trial ----------------------------------------------------------------------------------


class Server:
    """Answers the list of models and prompts, each in its own way."""

    def __init__(self, models: Any = None, **answers: Any) -> None:
        self.answers = {"models": models, **answers}
        self.fetch = FakeFetch(then=self._answer)

    def _answer(self, request: HttpRequest) -> Reply | Refuse:
        path = request.url.partition("?")[0]
        for end, name in (("/models", "models"), ("/responses", "responses"), ("s", "chat")):
            if path.endswith(end):
                answer = self.answers.get(name)
                return (
                    Reply({"error": {"message": "Not Found"}}, status=404)
                    if not answer
                    else (answer(request) if callable(answer) else answer)
                )
        raise AssertionError(path)

    def asked(self) -> list[str]:
        return [request.url.rpartition("/v1/")[2] for request in self.fetch.requests]

    def prompt(self) -> dict[str, Any]:
        bodies = [request.body for request in self.fetch.requests if request.body]
        parsed: dict[str, Any] = json.loads(bodies[-1])
        return parsed


def answer(text: str = "OK", delay_s: float = 0.8) -> Reply:
    return Reply(ResponsesStream().created().text(text).completed(), delay_s=delay_s)


def chat_answer(text: str = "OK") -> Reply:
    return Reply(ChatStream().text(text).finish().done())


def refusal(message: str, status: int, **more: Any) -> Reply:
    return Reply({"error": {"message": message, **more}}, status=status)


@pytest.mark.parametrize(
    ("model", "listed", "said"),
    [
        ("m-1", ["m-0", "m-1"], "Connected to Mine. Model m-1 answered in 0.8 s."),
        ("llama", ["llama:latest"], "Connected to Mine. Model llama answered in 0.8 s."),
        ("gem", ["models/gem"], "Connected to Mine. Model gem answered in 0.8 s."),
        (
            "m-2",
            ["m-1"],
            "Connected to Mine. Model m-2 answered in 0.8 s, "
            "although it is not in the server's list of models.",
        ),
        ("my model", [], "Connected to Mine. Model my model answered in 0.8 s."),
    ],
)
def test_a_model_that_answers(model: str, listed: list[str], said: str) -> None:
    server = Server(models(*listed), responses=answer())
    assert run(try_connection(data(model=model), server.fetch)) == said
    assert server.asked() == ["models", "responses"]
    assert server.prompt()["model"] == model


def test_a_list_that_hangs_is_not_waited_for() -> None:
    server = Server(Reply({"data": []}, delay_s=3600), responses=answer())
    said = run(try_connection(data(), server.fetch), limit_s=60)
    assert said == "Connected to Mine. Model m-1 answered in 0.8 s."


def test_an_answer_that_never_comes_is_said_within_two_minutes() -> None:
    server = Server(models("m-1"), responses=answer(delay_s=3600))
    with pytest.raises(SidestreamError, match="has not answered") as caught:
        run(try_connection(data(), server.fetch), limit_s=130)
    assert caught.value.kind is ErrorKind.TIMEOUT


def test_the_list_of_a_public_server_proves_nothing() -> None:
    wrong = refusal("Incorrect API key provided.", 401, code="invalid_api_key")
    server = Server(models("m-1"), responses=wrong, chat=wrong)
    with pytest.raises(SidestreamError, match="refused the API key") as caught:
        run(try_connection(data(KEY), server.fetch))
    assert caught.value.kind is ErrorKind.AUTHENTICATION
    assert server.asked() == ["models", "responses"]
    assert KEY not in str(caught.value.to_dict())


@pytest.mark.parametrize("status", [404, 405, 501])
@pytest.mark.parametrize(("chosen", "other"), [("responses", "chat"), ("chat", "responses")])
def test_the_wrong_wire_api_is_named(status: int, chosen: str, other: str) -> None:
    answers: dict[str, Any] = {
        chosen: refusal("nothing here", status),
        other: chat_answer() if other == "chat" else answer(),
    }
    server = Server(models("m-1"), **answers)
    with pytest.raises(SidestreamError) as caught:
        run(try_connection(data(wire_api=chosen), server.fetch))
    names = {"responses": "Responses", "chat": "Chat Completions"}
    expected = f"Wire API: this server has no {names[chosen]} API; choose {names[other]}."
    assert caught.value.message == expected
    assert caught.value.kind is ErrorKind.CONFIGURATION
    assert len(server.asked()) == 3


@pytest.mark.parametrize(
    ("base_url", "right"),
    [
        ("https://a.test:8443", "https://a.test:8443/v1"),
        ("https://a.test:8443/", "https://a.test:8443/v1"),
        ("https://a.test:8443/api", "https://a.test:8443/api/v1"),
        ("https://a.test:8443/api/v1/", "https://a.test:8443/api"),
    ],
)
def test_a_base_url_that_is_nearly_right_is_put_right(base_url: str, right: str) -> None:
    def serve(request: HttpRequest) -> Reply:
        if request.url == f"{right}/responses":
            return answer()
        return Reply("<!doctype html><title>Gateway</title>")

    with pytest.raises(SidestreamError) as caught:
        run(try_connection(data(base_url=base_url), FakeFetch(then=serve)))
    assert caught.value.message == f"Base URL: the API of this server is at {right}."
    assert caught.value.kind is ErrorKind.CONFIGURATION


def test_a_key_that_may_use_one_wire_api_only() -> None:
    words = "Missing scopes: api.responses.write."
    server = Server(models("m-1"), responses=refusal(words, 403), chat=chat_answer())
    with pytest.raises(SidestreamError) as caught:
        run(try_connection(data(KEY), server.fetch))
    expected = "Wire API: this key may not use the Responses API; choose Chat Completions."
    assert caught.value.message == expected


def test_a_redirect_is_not_looked_for_elsewhere() -> None:
    moved = Reply(status=308, headers={"location": "https://b.test/v1/responses"})
    server = Server(moved, responses=moved, chat=chat_answer())
    with pytest.raises(SidestreamError, match=r"redirect to https://b\.test/v1/responses"):
        run(try_connection(data(KEY), server.fetch))
    assert server.asked() == ["models", "responses"]
    assert run(try_connection(data(KEY, wire_api="chat"), server.fetch)).startswith("Connected")


def test_a_wrong_key_at_the_other_wire_api_is_said_as_well() -> None:
    server = Server(None, chat=refusal("Incorrect API key provided.", 401))
    with pytest.raises(SidestreamError, match="no Responses API") as caught:
        run(try_connection(data(KEY), server.fetch))
    assert "refused the API key" in caught.value.hint


def test_nothing_at_the_address_is_said_as_such() -> None:
    server = Server()
    with pytest.raises(SidestreamError) as caught:
        run(try_connection(data(), server.fetch))
    assert caught.value.kind is ErrorKind.NOT_FOUND
    # The list, both wire APIs, and the first one without /v1.
    assert len(server.asked()) == 4


def test_a_model_that_is_unknown_is_not_looked_for_at_the_other_wire_api() -> None:
    gone = refusal("The model `m-9` does not exist", 404, code="model_not_found")
    server = Server(models("m-1", "x", "m-10"), responses=gone, chat=chat_answer())
    with pytest.raises(SidestreamError) as caught:
        run(try_connection(data(model="m-9"), server.fetch))
    assert caught.value.kind is ErrorKind.MODEL_NOT_FOUND
    assert caught.value.hint == "Did you mean m-1 or m-10?"
    assert server.asked() == ["models", "responses"]


def test_a_model_without_anything_like_it_brings_a_part_of_the_list() -> None:
    gone = refusal("The model does not exist", 404, code="model_not_found")
    server = Server(models("a", "b", "c", "d", "e"), responses=gone)
    with pytest.raises(SidestreamError) as caught:
        run(try_connection(data(model="quite-another"), server.fetch))
    assert caught.value.hint == "The server lists a, b, c and 2 more: pick one from the list."


def test_a_trial_is_sent_as_a_message_would_be() -> None:
    server = Server(models("m-1"), responses=answer())
    chosen = {"instructions": "Be brief.", "temperature": 0, "top_p": 0.5, "background": True}
    run(try_connection(data(**chosen), server.fetch))
    prompt = server.prompt()
    assert (prompt["instructions"], prompt["temperature"], prompt["top_p"]) == ("Be brief.", 0, 0.5)
    assert "background" not in prompt
    assert prompt["max_output_tokens"] == 64
    run(try_connection(data(max_output_tokens=20), server.fetch))
    assert server.prompt()["max_output_tokens"] == 20


@pytest.mark.parametrize(
    "cut",
    [
        Reply(ResponsesStream().created().text("O").incomplete()),
        Reply(ResponsesStream().created().reasoning("Hm").incomplete()),
        refusal(
            "Could not finish the message because max_tokens or model output limit was reached. "
            "Please try again with higher max_tokens.",
            400,
        ),
    ],
)
def test_an_answer_that_is_cut_short_is_an_answer(cut: Reply) -> None:
    server = Server(models("m-1"), responses=cut)
    assert run(try_connection(data(), server.fetch)).startswith("Connected to Mine. Model m-1")


@pytest.mark.parametrize(
    ("answers", "kind", "requests"),
    [
        (Reply(status=401), ErrorKind.AUTHENTICATION, 2),
        (Reply(status=500), ErrorKind.SERVER_ERROR, 2),
        (refusal("slow down", 429), ErrorKind.RATE_LIMITED, 2),
        (Refuse(), ErrorKind.NETWORK, 1),
    ],
)
def test_failures_are_reported_at_once(answers: Any, kind: ErrorKind, requests: int) -> None:
    fetch = FakeFetch(then=answers)
    with pytest.raises(SidestreamError) as caught:
        run(try_connection(data(KEY), fetch))
    assert caught.value.kind is kind
    assert len(fetch.requests) == requests
    assert KEY not in str(caught.value.to_dict())


# --- what the user has set, and what the list says -----------------------------------------------


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


def test_a_conversation_has_the_last_word() -> None:
    own = ConversationSettings(summary="off", temperature=1.5)
    options = connect(data(summary="auto", temperature=0), FakeFetch(), own=own).options
    assert (options.summary, options.temperature) == ("none", 1.5)


def test_what_the_list_says_of_a_model_is_used_from_then_on() -> None:
    known = KnownModels()
    listing = Reply({"data": [{"id": "m-1", "max_model_len": 4096}, {"id": "m-2"}]})
    run(list_models(data(), FakeFetch(listing), models=known))
    kept = KnownModels()
    kept.restore(known.to_json())
    compaction = connect(data(), FakeFetch(), models=kept).compaction
    assert (compaction.context_window, compaction.compact_at) == (4096, 3686)
    assert not compaction.by_user
    assert connect(data(model="m-2"), FakeFetch(), models=kept).compaction.context_window is None
    elsewhere = data(base_url="https://b.test/v1")
    assert connect(elsewhere, FakeFetch(), models=kept).compaction.context_window is None
    # What the user says goes first.
    mine = connect(data(context_window=2048), FakeFetch(), models=kept)
    assert mine.compaction.context_window == 2048
    assert mine.compaction.by_user


def test_a_trial_learns_from_the_list_too() -> None:
    known = KnownModels()
    listing = Reply({"data": [{"id": "m-1", "context_length": 8192}]})
    server = Server(listing, responses=answer())
    run(try_connection(data(), server.fetch, models=known))
    assert known.info("https://a.test:8443", "m-1").context_window == 8192


def test_only_what_the_table_does_not_know_is_kept() -> None:
    known = KnownModels()
    listed = parse_model_list(b'{"data": [{"id": "gpt-5.1", "name": "GPT-5.1"}, {"id": "m"}]}')
    assert not known.learn("https://a.test", listed)
    assert known.to_json() == "[]"


def test_what_is_kept_is_bounded_and_the_newest_stays() -> None:
    known = KnownModels()
    for origin in ("https://old.test", "https://new.test"):
        entries = [{"id": f"model-{i}", "context_length": 4096} for i in range(2500)]
        known.learn(origin, parse_model_list(json.dumps({"data": entries}).encode()))
    text = known.to_json()
    assert len(text) <= 200_000
    restored = KnownModels()
    restored.restore(text)
    assert restored.info("https://new.test", "model-2499").context_window == 4096
    assert not restored.has("https://old.test", "model-2499")


@pytest.mark.parametrize("text", ["", "{", "null", "[1]", '[["a", "b", {"context_window": "x"}]]'])
def test_what_cannot_be_read_is_left_out(text: str) -> None:
    known = KnownModels()
    known.restore(text)
    assert known.info("a", "b").context_window is None
    assert known.to_json() == "[]"


def test_a_model_is_described_without_asking_anybody() -> None:
    known = KnownModels()
    described = describe_model({**SETTINGS, "model": "gpt-5.6"}, known)
    assert described["efforts"][-2:] == ["max", "ultra"]
    assert described["default_effort"] == "medium"
    assert describe_model({**SETTINGS, "model": "gpt-4.1"}, known)["supports_reasoning"] is False
    assert describe_model({**SETTINGS, "model": "unheard-of"}, known) == {}
    assert describe_model({**SETTINGS, "model": " "}, known) == {}


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
    fetch = FakeFetch(Reply(status=401), renewed(2), models("gpt-5.2"), ANSWER)
    vault = Vault(fetch=fetch)
    data = sign_in()
    said = run(try_connection(data, fetch, SignIns(vault.save)))
    assert said == "Connected to Mine. Model gpt-5.2 answered in 0.1 s."
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
