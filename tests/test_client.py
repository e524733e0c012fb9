"""What a caller of `Client` relies on."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

import sidestream._attempt
import sidestream._response_body
from sidestream import (
    ApiKeyAuth,
    CallOptions,
    Client,
    ErrorKind,
    Prompt,
    Provider,
    SidestreamError,
    TurnResult,
    WireApi,
)
from sidestream.testing import (
    FakeFetch,
    MockSSEStream,
    Reply,
    now,
    run,
)
from tests.client_calls import KEY, PROMPT, Turn, chat_hello, client, hello, provider

URL = "https://api.openai.com/v1"


# --- a good turn -------------------------------------------------------------------------------


def test_a_turn_over_the_responses_api() -> None:
    headers = {
        "openai-model": "m-2",
        "x-codex-primary-used-percent": "10",
        "x-ratelimit-limit-requests": "5",
        "x-models-etag": "e",
        "x-reasoning-included": "1",
    }
    turn = Turn(Reply(hello(), headers=headers))
    assert turn.error is None
    assert turn.types == [
        *["ServerModel", "RateLimits", "RateLimits", "ModelsEtag", "ServerReasoningIncluded"],
        *["Created", "OutputItemAdded", "OutputTextDelta", "OutputTextDelta", "OutputItemDone"],
        "Completed",
    ]
    assert turn.text == "Hello"
    request = turn.fetch.requests[0]
    assert (request.method, request.url) == ("POST", "https://a.test/v1/responses")
    assert request.headers["Authorization"] == f"Bearer {KEY}"
    body = turn.fetch.json()
    assert (body["model"], body["stream"]) == ("m", True)
    assert body["input"][0]["content"] == [{"type": "input_text", "text": "Hi"}]
    assert turn.client.last_failed_exchange is None


def test_a_turn_over_chat_completions() -> None:
    turn = Turn(Reply(chat_hello()), chat=True)
    assert turn.error is None
    assert turn.types == [
        *["Created", "OutputItemAdded", "OutputTextDelta", "OutputTextDelta", "OutputItemDone"],
        "Completed",
    ]
    assert turn.text == "Hello"
    assert turn.fetch.requests[0].url == "https://a.test/v1/chat/completions"
    assert turn.events[-1].token_usage.total_tokens == 15  # type: ignore[union-attr]


def test_options_of_the_call_win_over_the_clients() -> None:
    options = CallOptions(model="other", wire_api=WireApi.CHAT, max_output_tokens=7)
    defaults = CallOptions(max_output_tokens=5, conversation_id="c")
    turn = Turn(Reply(chat_hello()), options=options, defaults=defaults)
    assert turn.fetch.requests[0].url.endswith("/chat/completions")
    assert turn.fetch.json()["model"] == "other"
    assert "7" in json.dumps(turn.fetch.json())
    turn = Turn(Reply(hello()), defaults=CallOptions(model="default"), model=None)
    assert turn.fetch.json()["model"] == "default"


def test_text_that_json_cannot_hold_does_not_stop_the_request() -> None:
    fetch = FakeFetch(Reply(hello()))
    result = run(client(fetch).complete(Prompt.from_text("a\ud800b")))
    assert result.text == "Hello"
    assert "a" in json.dumps(fetch.json())


def test_every_request_has_an_id_of_its_own() -> None:
    numbers = iter([i / 97 for i in range(97)])
    fetch = FakeFetch(Reply(status=500), Reply(hello()))
    settings = {"model": "m", "provider": Provider(name="OpenAI", base_url=URL)}
    talker = Client(fetch=fetch, now=now, random=lambda: next(numbers), **settings)  # type: ignore[arg-type]
    assert run(talker.complete(PROMPT)).error is None
    ids = [request.headers["x-client-request-id"] for request in fetch.requests]
    assert ids[0] != ids[1]
    assert [len(part) for part in ids[0].split("-")] == [8, 4, 4, 4, 12]


# --- before anything is sent -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"model": None}, ErrorKind.CONFIGURATION),
        ({"provider": Provider(name="x", base_url="ftp://x")}, ErrorKind.CONFIGURATION),
        ({"provider": Provider(name="x", base_url="")}, ErrorKind.CONFIGURATION),
        ({"auth": ApiKeyAuth("sk-\u2026")}, ErrorKind.CONFIGURATION),
    ],
)
def test_bad_settings_send_nothing(fields: dict[str, Any], kind: ErrorKind) -> None:
    turn = Turn(**fields)
    assert turn.error is not None
    assert turn.error.kind is kind
    assert turn.error.hint
    assert turn.types == ["Completed"]
    assert turn.fetch.requests == []


def test_what_a_wire_api_cannot_do_sends_nothing() -> None:
    chat = provider(WireApi.CHAT, supports_json_schema=False)
    turn = Turn(provider=chat, options=CallOptions(output_schema={"type": "object"}))
    assert turn.error is not None
    assert turn.error.kind is ErrorKind.UNSUPPORTED
    assert turn.fetch.requests == []


# --- complete ----------------------------------------------------------------------------------


def test_a_client_serves_several_calls_at_once() -> None:
    fetch = FakeFetch(then=lambda request: Reply(hello().paced(1)))
    talker = client(fetch)

    async def main() -> list[TurnResult]:
        return await asyncio.gather(*[talker.complete(PROMPT) for _ in range(5)])

    assert [result.text for result in run(main())] == ["Hello"] * 5
    assert talker.stats.calls == 5
    assert fetch.all_closed


# --- models ------------------------------------------------------------------------------------


def test_lists_models() -> None:
    body = {"object": "list", "data": [{"id": "gpt-5.2"}, {"id": "other"}]}
    fetch = FakeFetch(Reply(status=503), Reply(body))
    models = run(client(fetch).list_models())
    assert sorted(model.slug for model in models) == ["gpt-5.2", "other"]
    request = fetch.requests[-1]
    assert (request.method, request.url, request.body) == ("GET", "https://a.test/v1/models", None)
    assert request.headers["Accept"] == "application/json"
    assert fetch.all_closed


@pytest.mark.parametrize(
    ("reply", "kind", "words"),
    [
        (Reply("<html>"), ErrorKind.BAD_RESPONSE, "web page"),
        (Reply(""), ErrorKind.BAD_RESPONSE, "empty"),
        (Reply({"odd": 1}), ErrorKind.BAD_RESPONSE, "models"),
        (Reply(status=401), ErrorKind.AUTHENTICATION, "refused"),
        (Reply(MockSSEStream(b'{"data": [').fail()), ErrorKind.NETWORK, "broke"),
    ],
)
def test_lists_of_models_that_are_none(reply: Reply, kind: ErrorKind, words: str) -> None:
    fetch = FakeFetch(reply)
    talker = client(fetch)
    with pytest.raises(SidestreamError, match=words) as caught:
        run(talker.list_models())
    assert caught.value.kind is kind
    assert fetch.all_closed


# --- secrets -----------------------------------------------------------------------------------


def test_nothing_shows_the_key() -> None:
    echo = {"error": {"message": f"Bad key {KEY}", "code": KEY}}
    headers = {"x-debug": f"Bearer {KEY}"}
    own = provider(http_headers={"X-Api-Token": "tok-12345678"}, query_params={"key": "qqqqqq"})
    reply = Reply({**echo, "more": "tok-12345678"}, status=400, headers=headers)
    turn = Turn(reply, provider=own)
    shown = repr(
        [
            turn.client,
            turn.error,
            vars(turn.error),
            turn.client.last_failed_exchange,
            turn.fetch.requests,
            turn.client.auth,
        ]
    )
    for secret in (KEY, "tok-12345678", "qqqqqq"):
        assert secret not in shown
    assert repr(turn.client) == "Client('Test', model='m')"


# --- properties --------------------------------------------------------------------------------


def test_public_names() -> None:
    for name in sidestream.__all__:
        assert getattr(sidestream, name) is not None
