"""ChatGPT sign-ins are renewed, and stored before they are used."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from sidestream.errors import ErrorKind, SidestreamError
from sidestream.session.connection import connect
from sidestream.session.connection_check import list_models, try_connection
from sidestream.session.sign_ins import SignIns
from sidestream.testing import FakeFetch, Reply, ResponsesStream, run
from tests.session.connections import models

ANSWER = Reply(ResponsesStream().created().text("OK").completed())


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
    """Stores tokens, or fails to."""

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


def test_a_sign_in_is_renewed_and_stored_before_it_is_used() -> None:
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


def test_tokens_that_could_not_be_stored_are_used_all_the_same() -> None:
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


def test_chatgpt_without_a_sign_in_gives_a_hint() -> None:
    data = {"settings": sign_in()["settings"]}
    with pytest.raises(SidestreamError, match="not signed in to ChatGPT") as caught:
        connect(data, FakeFetch(), SignIns(Vault().save))
    assert caught.value.kind is ErrorKind.SIGN_IN_REQUIRED
