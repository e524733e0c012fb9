"""Which wire API a provider has, when the settings leave it open."""

from __future__ import annotations

import pytest

import sidestream._attempt
import sidestream._response_body
from sidestream import (
    CallOptions,
    ErrorKind,
    WireApi,
)
from sidestream.testing import (
    FakeFetch,
    Reply,
    ResponsesStream,
    run,
)
from tests.client_calls import PROMPT, chat_hello, client, hello, provider


@pytest.mark.parametrize("status", [404, 405])
def test_probing_falls_back_to_chat_and_remembers(status: int) -> None:
    fetch = FakeFetch(Reply("404 page not found", status=status), then=Reply(chat_hello()))
    talker = client(fetch, auto_probe=True)
    for _ in range(2):
        result = run(talker.complete(PROMPT))
        assert result.error is None
        assert result.text == "Hello"
    ends = [request.url.rsplit("/v1/")[1] for request in fetch.requests]
    assert ends == ["responses", "chat/completions", "chat/completions"]


def test_probing_remembers_the_responses_api_too() -> None:
    fetch = FakeFetch(Reply(ResponsesStream().text("Hi")), Reply(status=404))
    talker = client(fetch, auto_probe=True, provider=provider(WireApi.CHAT))
    assert run(talker.complete(PROMPT)).text == "Hi"
    error = run(talker.complete(PROMPT)).error
    assert error is not None
    assert error.kind is ErrorKind.NOT_FOUND
    assert [request.url.endswith("/responses") for request in fetch.requests] == [True, True]


def test_probing_is_not_misled() -> None:
    unknown = {"error": {"message": "The model `m` does not exist", "code": "model_not_found"}}
    fetch = FakeFetch(Reply(unknown, status=404), Reply(status=401))
    for kind in (ErrorKind.MODEL_NOT_FOUND, ErrorKind.AUTHENTICATION):
        error = run(client(fetch, auto_probe=True).complete(PROMPT)).error
        assert error is not None
        assert error.kind is kind
    both = FakeFetch(Reply(status=404), Reply(status=404))
    error = run(client(both, auto_probe=True).complete(PROMPT)).error
    assert error is not None
    assert error.kind is ErrorKind.NOT_FOUND
    off = FakeFetch(Reply(status=404))
    assert run(client(off).complete(PROMPT)).error is not None
    hinted = FakeFetch(Reply(status=404))
    options = CallOptions(wire_api=WireApi.RESPONSES)
    assert run(client(hinted, auto_probe=True).complete(PROMPT, options)).error is not None


def test_probing_is_remembered_by_kind_of_authentication() -> None:
    fetch = FakeFetch(Reply(status=404), Reply(chat_hello()), Reply(hello()))
    talker = client(fetch, auto_probe=True)
    assert run(talker.complete(PROMPT)).error is None
    talker.auth = sidestream.NoAuth()
    assert run(talker.complete(PROMPT)).error is None
    assert fetch.requests[-1].url.endswith("/responses")
