"""The guarantees of the decoders, tested through `Client`."""

from __future__ import annotations

import pytest

from sidestream import Client, ErrorKind, Prompt, Provider, WireApi
from sidestream.testing import ChatStream, FakeFetch, MockSSEStream, Reply, run

CUT = {"id": "c", "choices": [{"index": 0, "delta": {}, "finish_reason": "length"}]}
USAGE = {"id": "c", "choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 2}}


def cut_short() -> MockSSEStream:
    return ChatStream().text("Hel", "lo").event(CUT)


@pytest.mark.parametrize(
    ("body", "usage"),
    [
        pytest.param(cut_short(), False, id="the stream ends"),
        pytest.param(cut_short().fail(), False, id="the connection breaks"),
        pytest.param(cut_short().stall(), False, id="silence"),
        pytest.param(cut_short().done(), False, id="sentinel"),
        pytest.param(cut_short().event(USAGE).done(), True, id="usage"),
    ],
)
def test_a_truncated_chat_is_incomplete_however_it_ends(body: MockSSEStream, usage: bool) -> None:
    provider = Provider(name="Test", base_url="https://a.test/v1", wire_api=WireApi.CHAT)
    client = Client(provider=provider, fetch=FakeFetch(Reply(body)), model="m")
    result = run(client.complete(Prompt.from_text("Hi")))
    assert result.text == "Hello"
    assert result.error is not None
    assert result.error.kind == ErrorKind.INCOMPLETE
    assert (result.usage is not None) is usage
