"""Test your own code against scripted servers: no sockets, no waiting, every run the same."""

from __future__ import annotations

import pytest

from sidestream import ApiKeyAuth, Client, ErrorKind, Fetch, Prompt, Provider, SidestreamError
from sidestream.testing import FakeFetch, Refuse, Reply, ResponsesStream, run


async def summarise(text: str, fetch: Fetch) -> str:
    """The code under test."""
    provider = Provider(name="OpenAI", base_url="https://api.openai.com/v1")
    client = Client(provider=provider, auth=ApiKeyAuth("test"), fetch=fetch, model="gpt-5.2")
    result = await client.complete(Prompt.from_text(f"Summarise: {text}"))
    if result.error:
        raise result.error
    return result.text


def test_the_answer_is_returned() -> None:
    fetch = FakeFetch(Reply(ResponsesStream().created().text("Sh", "ort.").completed()))

    assert run(summarise("a long text", fetch)) == "Short."
    assert fetch.json()["input"][0]["content"][0]["text"] == "Summarise: a long text"


def test_a_refused_connection_and_a_broken_stream_are_tried_again() -> None:
    broken = ResponsesStream().created().text("Sh", done=False).pause(2).fail("reset")
    whole = ResponsesStream().created().text("Short.").completed()
    fetch = FakeFetch(Refuse(), Reply(broken), Reply(whole))

    assert run(summarise("a long text", fetch)) == "Short."
    assert len(fetch.requests) == 3
    assert fetch.times[-1] > 3  # seconds of virtual time: nobody waited for them


def test_a_refused_key_is_an_error() -> None:
    fetch = FakeFetch(Reply({"error": {"message": "Incorrect API key"}}, status=401))

    with pytest.raises(SidestreamError) as caught:
        run(summarise("a long text", fetch))
    assert caught.value.kind is ErrorKind.AUTHENTICATION
