"""The client against a third-party server, ``@copilotkit/aimock``, over both wire APIs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from sidestream import (
    ApiKeyAuth,
    Client,
    ErrorKind,
    Prompt,
    Provider,
    SidestreamError,
    TurnResult,
    WireApi,
)
from sidestream.native import httpx_fetch
from sidestream.types.events import Completed, OutputTextDelta, Reconnecting, WebSearchCallBegin
from sidestream.types.items import FunctionCallItem, FunctionCallOutputItem, MessageItem
from sidestream.types.tools import FunctionTool
from tests.native.aimock import aimock

HERE = Path(__file__).parent

KEY = "sk-test-aimock"


@pytest.fixture(scope="module")
def base_url() -> Iterator[str]:
    """The address of a server on a free port, scripted by ``aimock.json``."""
    with aimock(HERE / "aimock.json") as address:
        yield address


def client_of(base_url: str, wire_api: WireApi, *, retries: int = 0) -> Client:
    provider = Provider(
        name="aimock",
        base_url=base_url,
        wire_api=wire_api,
        request_max_retries=retries,
        stream_max_retries=0,
    )
    return Client(provider=provider, auth=ApiKeyAuth(KEY), fetch=httpx_fetch, model="m")


@pytest.fixture(params=[WireApi.RESPONSES, WireApi.CHAT])
def client(request: pytest.FixtureRequest, base_url: str) -> Client:
    return client_of(base_url, request.param)


def complete(client: Client, prompt: Prompt | str) -> TurnResult:
    made = Prompt.from_text(prompt) if isinstance(prompt, str) else prompt
    return asyncio.run(client.complete(made))


def stream(client: Client, prompt: str) -> tuple[list[Any], SidestreamError | None]:
    async def main() -> tuple[list[Any], SidestreamError | None]:
        events: list[Any] = []
        answer: AsyncIterator[Any] = client.stream(Prompt.from_text(prompt))
        try:
            async for event in answer:
                events.append(event)
        except SidestreamError as error:
            return events, error
        return events, None

    return asyncio.run(main())


def test_text_and_usage(client: Client) -> None:
    events, error = stream(client, "greet me")
    assert error is None
    deltas = [event.delta for event in events if isinstance(event, OutputTextDelta)]
    assert len(deltas) > 3
    assert "".join(deltas) == "Grüß dich, wörld!"
    assert isinstance(events[-1], Completed)
    result = complete(client, "greet me")
    assert result.text == "Grüß dich, wörld!"
    assert result.usage is not None
    assert (result.usage.input_tokens, result.usage.output_tokens) == (7, 9)
    assert result.response_id
    assert result.error is None


def test_reasoning(client: Client) -> None:
    result = complete(client, "think hard")
    assert (result.reasoning, result.text) == ("Six times seven.", "42")
    assert [item.type for item in result.items] == ["reasoning", "message"]


def test_characters_that_the_server_cuts_in_two(client: Client) -> None:
    events, error = stream(client, "emoji please")
    assert error is None
    deltas = [event.delta for event in events if isinstance(event, OutputTextDelta)]
    assert "".join(deltas) == "a😀b👩🏽c"
    assert "\ufffd" not in "".join(deltas)


def test_a_tool_loop(client: Client) -> None:
    tool = FunctionTool(
        name="get_weather",
        parameters={"type": "object", "properties": {"city": {"type": "string"}}},
    )
    prompt = Prompt.from_text("weather?").model_copy(update={"tools": [tool]})
    first = complete(client, prompt)
    assert first.text == "I look."
    calls = [item for item in first.items if isinstance(item, FunctionCallItem)]
    assert [(call.name, call.call_id, call.arguments) for call in calls] == [
        ("get_weather", "call_1", '{"city":"Oslo"}'),
        ("get_weather", "call_2", '{"city":"Paris"}'),
    ]
    assert isinstance(first.items[0], MessageItem)
    outputs = [FunctionCallOutputItem(call_id=call.call_id, output="-3 °C") for call in calls]
    second = complete(
        client, prompt.model_copy(update={"input": [*prompt.input, *first.items, *outputs]})
    )
    assert (second.text, second.error) == ("Cold.", None)


def test_web_search(client: Client) -> None:
    events, error = stream(client, "search the web")
    assert error is None
    assert "".join(e.delta for e in events if isinstance(e, OutputTextDelta)) == "Found."
    searched = any(isinstance(event, WebSearchCallBegin) for event in events)
    assert searched is (client.provider.wire_api is WireApi.RESPONSES)


def test_an_answer_that_is_cut_short(client: Client) -> None:
    result = complete(client, "cut it")
    assert result.text == "Once upon a"
    assert result.error is not None
    assert result.error.kind == ErrorKind.INCOMPLETE


def test_a_connection_that_breaks(client: Client) -> None:
    events, error = stream(client, "broken, please")
    assert error is not None
    assert error.kind in (ErrorKind.NETWORK, ErrorKind.STREAM_CLOSED)
    assert error.retryable
    assert isinstance(events[-1], Completed)


def test_no_money(client: Client) -> None:
    result = complete(client, "quota?")
    assert result.error is not None
    assert result.error.kind == ErrorKind.QUOTA_EXCEEDED
    assert result.error.status == 429
    assert not result.error.retryable


def test_too_many_requests_and_then_an_answer(base_url: str) -> None:
    client = client_of(base_url, WireApi.RESPONSES, retries=1)
    events, error = stream(client, "patience")
    assert error is None
    waits = [event for event in events if isinstance(event, Reconnecting)]
    assert [event.attempt for event in waits] == [1]
    assert "".join(e.delta for e in events if isinstance(e, OutputTextDelta)) == "Thank you."
