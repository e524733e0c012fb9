"""What `complete()` returns."""

from __future__ import annotations

from sidestream import (
    ErrorKind,
    TurnResult,
)
from sidestream.testing import (
    ChatStream,
    FakeFetch,
    Reply,
    ResponsesStream,
    run,
)
from sidestream.types.items import (
    FunctionCallItem,
    MessageItem,
    ReasoningItem,
)
from tests.client_calls import PROMPT, client, hello


def test_complete_drains_a_turn() -> None:
    stream = ResponsesStream(response_id="resp_7").reasoning("Let ", "me").reasoning("see")
    stream.text("Hel", "lo").text(" there").function_call("f", "{}").completed(input_tokens=3)
    headers = {"x-codex-primary-used-percent": "5", "x-ratelimit-remaining-tokens": "7"}
    result = run(client(FakeFetch(Reply(stream, headers=headers))).complete(PROMPT))
    assert isinstance(result, TurnResult)
    assert result.error is None
    assert result.text == "Hello there"
    assert result.reasoning == "Let me\n\nsee"
    assert result.response_id == "resp_7"
    assert result.usage is not None
    assert result.usage.input_tokens == 3
    assert [limits.limit_id for limits in result.rate_limits] == ["codex", "api"]
    assert [type(item) for item in result.items] == [
        *[ReasoningItem, ReasoningItem, MessageItem, MessageItem, FunctionCallItem]
    ]


def test_complete_keeps_everything_that_arrived_before_an_error() -> None:
    stream = ResponsesStream().reasoning("Hm").text("Hel", "lo", done=False)
    fetch = FakeFetch(Reply(stream.failed("invalid_prompt", "No.")))
    result = run(client(fetch).complete(PROMPT))
    assert result.text == "Hello"
    assert result.reasoning == "Hm"
    assert result.error is not None
    assert result.error.kind is ErrorKind.INVALID_REQUEST


def test_complete_keeps_the_last_limits_of_each_family() -> None:
    broken = Reply(ResponsesStream().created(), headers={"x-codex-primary-used-percent": "5"})
    good = Reply(hello(), headers={"x-codex-primary-used-percent": "6"})
    result = run(client(FakeFetch(broken, good)).complete(PROMPT))
    assert [s.primary.used_percent for s in result.rate_limits if s.primary] == [6]


# --- how the call went --------------------------------------------------------------------------


def test_a_result_holds_its_attempts_and_its_finish_reason() -> None:
    fetch = FakeFetch(
        Reply({"error": {"message": "busy"}}, status=503),
        Reply(ChatStream().text("Hi").finish().usage().done()),
    )
    result = run(client(fetch, chat=True).complete(PROMPT))
    assert result.error is None
    assert (result.attempts, result.notices, result.finish_reason) == (2, [], "stop")
