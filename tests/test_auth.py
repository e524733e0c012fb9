from __future__ import annotations

import asyncio
import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidestream.auth import (
    CLIENT_ID,
    REFRESH_INTERVAL_S,
    TOKEN_URL,
    ApiKeyAuth,
    Auth,
    ChatGptAuth,
    NoAuth,
    clean_key,
)
from sidestream.errors import ErrorKind, SidestreamError
from sidestream.testing import FakeFetch, Refuse, Reply, run

NOW = 1_800_000_000.0


def jwt(**claims: Any) -> str:
    def part(value: dict[str, Any]) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    return f"{part({'alg': 'none'})}.{part(claims)}.sig"


def id_token(**claims: Any) -> str:
    return jwt(**{"https://api.openai.com/auth": claims})


def auth_json(**tokens: Any) -> dict[str, Any]:
    known = {
        "id_token": id_token(chatgpt_account_id="acc-claim", chatgpt_plan_type="plus"),
        "access_token": jwt(exp=NOW + 3600),
        "refresh_token": "rt-old",
        "account_id": "acc-stored",
    }
    stored = {"OPENAI_API_KEY": None, "last_refresh": "2027-01-14T00:00:00.123456789Z"}
    return {**stored, "tokens": {**known, **tokens}}


def sign_in(stored: Any = None, **arguments: Any) -> ChatGptAuth:
    arguments.setdefault("now", lambda: NOW)
    return ChatGptAuth(stored if stored is not None else auth_json(), **arguments)


def no_fetch() -> FakeFetch:
    return FakeFetch()


def renewed(**fields: Any) -> Reply:
    return Reply({"access_token": jwt(exp=NOW + 7200), "refresh_token": "rt-new", **fields})


# --- no key, and a key -------------------------------------------------------------------------


def test_no_auth_sends_no_header() -> None:
    auth: Auth = NoAuth()
    assert auth.mode == "none"
    assert run(auth.headers(no_fetch())) == {}
    assert run(auth.refresh(no_fetch())) is False
    assert repr(auth) == "NoAuth()"


def test_an_api_key_is_a_bearer_token() -> None:
    auth: Auth = ApiKeyAuth(" sk-secret\n")
    assert auth.mode == "api_key"
    assert run(auth.headers(no_fetch())) == {"Authorization": "Bearer sk-secret"}
    assert run(auth.refresh(no_fetch())) is False
    assert "secret" not in repr(auth)
    assert run(ApiKeyAuth("  ").headers(no_fetch())) == {}


# --- the ChatGPT sign-in -----------------------------------------------------------------------


def test_the_headers_of_a_sign_in() -> None:
    auth: Auth = sign_in()
    assert auth.mode == "chatgpt"
    token = auth_json()["tokens"]["access_token"]
    assert run(auth.headers(no_fetch())) == {
        "Authorization": f"Bearer {token}",
        "originator": "sidestream",
        "ChatGPT-Account-ID": "acc-claim",
    }


@pytest.mark.parametrize(
    ("tokens", "account_id"),
    [
        ({}, "acc-claim"),
        ({"id_token": id_token(), "access_token": id_token(chatgpt_account_id="at")}, "at"),
        ({"id_token": "not a token"}, "acc-stored"),
        ({"id_token": "a.@@@.c"}, "acc-stored"),
        ({"id_token": "a.abcde.c"}, "acc-stored"),
        ({"id_token": jwt(**{"https://api.openai.com/auth": "odd"})}, "acc-stored"),
        ({"id_token": None, "account_id": ""}, None),
        ({"id_token": None, "account_id": 5}, None),
    ],
)
def test_the_account_is_the_claims_else_the_stored_one(
    tokens: dict[str, Any], account_id: str | None
) -> None:
    auth = sign_in(auth_json(**tokens))
    assert auth.account_id == account_id
    headers = run(auth.headers(no_fetch()))
    assert headers.get("ChatGPT-Account-ID") == account_id


def test_the_plan_and_fedramp_come_from_the_id_token() -> None:
    assert sign_in().plan_type == "plus"
    assert sign_in(auth_json(id_token=id_token(chatgpt_plan_type=3))).plan_type is None
    auth = sign_in(auth_json(id_token=id_token(chatgpt_account_is_fedramp=True)))
    assert run(auth.headers(no_fetch()))["X-OpenAI-Fedramp"] == "true"


@pytest.mark.parametrize("as_text", [json.dumps, lambda v: json.dumps(v).encode()])
def test_an_auth_json_may_come_as_text(as_text: Any) -> None:
    assert sign_in(as_text(auth_json())).account_id == "acc-claim"


@pytest.mark.parametrize(
    "stored",
    ["", "{", "[]", "[" * 100_000, b"\xff", {}, {"tokens": None}, {"tokens": {}}]
    + [{"tokens": {"access_token": token}} for token in (None, 5, " ")],
)
def test_a_file_without_tokens_is_a_configuration_error(stored: Any) -> None:
    with pytest.raises(SidestreamError) as caught:
        sign_in(stored)
    assert caught.value.kind is ErrorKind.CONFIGURATION
    assert "codex login" in caught.value.hint


def test_an_auth_json_may_hold_an_api_key_instead() -> None:
    auth = ChatGptAuth.from_auth_json({"OPENAI_API_KEY": "sk-1", "tokens": None}, now=lambda: NOW)
    assert run(auth.headers(no_fetch())) == {"Authorization": "Bearer sk-1"}
    both = ChatGptAuth.from_auth_json({**auth_json(), "OPENAI_API_KEY": "sk-1"}, now=lambda: NOW)
    assert both.mode == "chatgpt"
    with pytest.raises(SidestreamError):
        ChatGptAuth.from_auth_json('{"OPENAI_API_KEY": " "}', now=lambda: NOW)


@given(st.text() | st.binary())
def test_any_text_is_a_sign_in_or_a_configuration_error(text: str | bytes) -> None:
    with pytest.raises(SidestreamError) as caught:
        sign_in(text)
    assert caught.value.kind is ErrorKind.CONFIGURATION


# --- renewal -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tokens", "last_refresh", "stale"),
    [
        ({"access_token": jwt(exp=NOW + 61)}, None, False),
        ({"access_token": jwt(exp=NOW + 60)}, None, True),
        ({"access_token": jwt(exp=NOW - 5)}, None, True),
        ({"access_token": jwt(exp=True)}, None, False),
        ({"access_token": "opaque"}, None, False),
        ({"access_token": "opaque"}, 12, False),
        ({"access_token": "opaque"}, "yesterday", False),
        ({"access_token": "opaque"}, "2027-01-15T08:00:00Z", False),
        ({"access_token": "opaque"}, "2027-01-07T08:00:01Z", False),
        ({"access_token": "opaque"}, "2027-01-07T08:00:00.000000000Z", True),
        ({"access_token": "opaque"}, "2027-01-07T07:59:59", True),
        ({"access_token": "opaque"}, "2027-01-07T10:00:00.5+02:00", False),
        ({"access_token": "opaque"}, "2027-01-07T10:00:00+02:00", True),
    ],
)
def test_when_a_token_is_stale(tokens: dict[str, Any], last_refresh: Any, stale: bool) -> None:
    assert NOW - 8 * 24 * 3600 == NOW - REFRESH_INTERVAL_S
    assert sign_in({**auth_json(**tokens), "last_refresh": last_refresh}).is_stale is stale


def test_a_stale_token_is_renewed_before_it_is_used() -> None:
    stored: list[dict[str, Any]] = []
    fetch = FakeFetch(renewed(id_token=id_token(chatgpt_account_id="acc-new")))
    old = {**auth_json(access_token=jwt(exp=NOW)), "mine": "kept"}
    auth = sign_in(old, on_refresh=stored.append)
    headers = run(auth.headers(fetch))
    assert headers["Authorization"] == f"Bearer {jwt(exp=NOW + 7200)}"
    assert headers["ChatGPT-Account-ID"] == "acc-new"
    [request] = fetch.requests
    assert (request.method, request.url) == ("POST", TOKEN_URL)
    assert json.loads(request.body or b"") == {
        "client_id": CLIENT_ID,
        "grant_type": "refresh_token",
        "refresh_token": "rt-old",
        "scope": "openid profile email",
    }
    assert stored[0]["tokens"]["refresh_token"] == "rt-new"
    assert stored[0]["tokens"]["account_id"] == "acc-stored"
    assert stored[0]["last_refresh"] == "2027-01-15T08:00:00Z"
    assert stored[0]["mine"] == "kept"
    # The stored data is a copy, so changing it has no effect.
    stored[0]["tokens"]["access_token"] = "changed"
    assert "changed" not in run(auth.headers(no_fetch()))["Authorization"]


def test_a_renewal_keeps_what_the_answer_leaves_out() -> None:
    auth = sign_in()
    fetch = FakeFetch(Reply({"access_token": jwt(exp=NOW + 1), "refresh_token": "", "id_token": 5}))
    assert run(auth.refresh(fetch)) is True
    fetch = FakeFetch(renewed())
    assert run(auth.refresh(fetch)) is True
    assert json.loads(fetch.requests[0].body or b"")["refresh_token"] == "rt-old"
    assert auth.account_id == "acc-claim"


def test_renewals_at_the_same_time_are_one() -> None:
    auth = sign_in(auth_json(access_token=jwt(exp=NOW)))
    fetch = FakeFetch(Reply(renewed().body, delay_s=1))

    async def several() -> list[Any]:
        return list(
            await asyncio.gather(auth.headers(fetch), auth.refresh(fetch), auth.headers(fetch))
        )

    first, again, second = run(several())
    assert first == second
    assert again is True
    assert len(fetch.requests) == 1


def test_stopping_one_call_does_not_lose_the_new_tokens() -> None:
    stored: list[dict[str, Any]] = []
    auth = sign_in(auth_json(access_token=jwt(exp=NOW)), on_refresh=stored.append)
    fetch = FakeFetch(Reply(renewed().body, delay_s=1))

    async def stop_one() -> dict[str, str]:
        stopped = asyncio.ensure_future(auth.headers(fetch))
        await asyncio.sleep(0.5)
        stopped.cancel()
        return await auth.headers(fetch)

    assert run(stop_one())["Authorization"].endswith(jwt(exp=NOW + 7200))
    assert len(stored) == len(fetch.requests) == 1


def test_a_renewal_that_fails_without_a_waiting_call_is_silent() -> None:
    auth = sign_in()
    fetch = FakeFetch(Refuse(delay_s=1), renewed())

    async def stop_and_go_on() -> bool:
        stopped = asyncio.ensure_future(auth.refresh(fetch))
        await asyncio.sleep(0.5)
        stopped.cancel()
        await asyncio.sleep(1)
        return await auth.refresh(fetch)

    assert run(stop_and_go_on()) is True


def test_a_renewal_that_is_cancelled_can_begin_anew() -> None:
    auth = sign_in()
    fetch = FakeFetch(Reply(renewed().body, delay_s=1), renewed())

    async def cancel_all() -> None:
        waiting = asyncio.ensure_future(auth.refresh(fetch))
        await asyncio.sleep(0.5)
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        assert await auth.refresh(fetch)

    run(cancel_all())


@pytest.mark.parametrize(
    ("status", "answer", "says"),
    [
        (401, {"error": {"code": "refresh_token_expired"}}, "has expired"),
        (401, {"error": {"code": "REFRESH_TOKEN_REUSED"}}, "Another program renewed"),
        (401, {"error": "refresh_token_invalidated"}, "revoked"),
        (401, {"code": "refresh_token_expired"}, "has expired"),
        (400, {"error": "invalid_grant", "error_description": "rt-old"}, "no longer valid"),
        (401, {"error": {"code": 7}}, "could not be renewed"),
        (401, "<html>rt-old</html>", "could not be renewed"),
    ],
)
def test_a_renewal_refused_for_good_asks_to_sign_in_again(
    status: int, answer: Any, says: str
) -> None:
    with pytest.raises(SidestreamError) as caught:
        run(sign_in().refresh(FakeFetch(Reply(answer, status=status))))
    assert caught.value.kind is ErrorKind.SIGN_IN_REQUIRED
    assert not caught.value.retryable
    assert says in caught.value.message
    assert "Sign in again" in caught.value.hint
    assert "rt-old" not in str(caught.value.to_dict())


def test_without_a_refresh_token_one_must_sign_in_again() -> None:
    auth = sign_in(auth_json(refresh_token=None, access_token=jwt(exp=NOW - 1)))
    with pytest.raises(SidestreamError) as caught:
        run(auth.headers(no_fetch()))
    assert caught.value.kind is ErrorKind.SIGN_IN_REQUIRED


@pytest.mark.parametrize(
    "reply",
    [
        Reply({"error": "server_error"}, status=500),
        Reply("", status=429),
        Reply({"error": {"code": "other"}}, status=400),
        Reply({"access_token": ""}),
        Reply("not JSON"),
        Reply(b"x" * ((1 << 20) + 1)),
    ],
)
def test_a_renewal_that_fails_for_now_may_be_tried_later(reply: Reply) -> None:
    auth = sign_in()
    with pytest.raises(SidestreamError) as caught:
        run(auth.refresh(FakeFetch(reply)))
    assert caught.value.retryable
    assert run(auth.refresh(FakeFetch(renewed()))) is True


def test_a_renewal_without_a_network_is_a_network_error() -> None:
    auth = sign_in(auth_json(access_token=jwt(exp=NOW - 1)))
    with pytest.raises(SidestreamError) as caught:
        run(auth.headers(FakeFetch(Refuse())))
    assert caught.value.kind is ErrorKind.NETWORK


def test_a_token_that_is_still_good_is_used_when_its_renewal_fails() -> None:
    auth = sign_in(auth_json(access_token=jwt(exp=NOW + 30)))
    headers = run(auth.headers(FakeFetch(Reply("", status=503))))
    assert headers["Authorization"].endswith(jwt(exp=NOW + 30))


def test_a_token_without_an_expiry_is_renewed_before_it_is_used() -> None:
    auth = sign_in({**auth_json(access_token="opaque"), "last_refresh": "2020-01-01T00:00:00Z"})
    with pytest.raises(SidestreamError):
        run(auth.headers(FakeFetch(Reply("", status=503))))


def test_nothing_secret_shows() -> None:
    assert repr(sign_in()) == "ChatGptAuth(***)"


@pytest.mark.parametrize(
    "pasted",
    [
        "sk-test-0123\n",
        "sk-test\n  -0123",
        "\u00a0sk-test-0123\u200b",
        "Bearer sk-test-0123",
        "bearer  sk-test-0123 ",
        '"sk-test-0123"',
        "'Bearer sk-test-0123'",
        "\u201csk-test-0123\u201d",
        "Authorization: Bearer sk-test-0123",
        '-H "Authorization: Bearer sk-test-0123"'[3:],
        "api-key: sk-test-0123",
        "x-api-key: sk-test-0123",
        "OPENAI_API_KEY=sk-test-0123",
        'export OPENAI_API_KEY="sk-test-0123"',
        "OPENROUTER_API_KEY = 'sk-test-0123';",
        '"api_key": "sk-test-0123",',
        "HF_TOKEN=sk-test-0123",
    ],
)
def test_a_key_is_taken_as_it_is_pasted(pasted: str) -> None:
    """crewAI#5999, edenai-apis#350, postiz#1990, opik#7416: keys with the text around them."""
    assert clean_key(pasted) == "sk-test-0123"


@pytest.mark.parametrize("key", ["key-1", "bearer", "sk-a:b=c", "apikey", "tok en", "Bearer"])
def test_what_may_be_a_key_is_left_as_it_is(key: str) -> None:
    assert clean_key(key) == key
