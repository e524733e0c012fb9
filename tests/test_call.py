"""Attempts of one call: reconnecting, budgets, final errors, stopping."""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing
from typing import Any

import pytest

from sidestream import (
    CallOptions,
    ErrorKind,
)
from sidestream.testing import (
    ChatStream,
    FakeFetch,
    MockSSEStream,
    Refuse,
    Reply,
    ResponsesStream,
    run,
)
from sidestream.types.events import (
    Completed,
    OutputTextDelta,
)
from tests.client_calls import KEY, PROMPT, Turn, chat_hello, client, hello, provider


def test_a_broken_stream_is_asked_for_again() -> None:
    broken = ResponsesStream().created().text("Well, he", done=False)
    turn = Turn(Reply(broken.fail("reset")), Reply(hello()), defaults=CallOptions(model="m"))
    assert turn.error is None
    assert turn.text == "Hello"
    (wait,) = turn.waits
    assert (wait.attempt, wait.max_attempts, wait.delay_ms) == (1, 5, 1000)
    assert "reset" in wait.reason
    assert turn.client.last_failed_exchange is not None
    assert turn.client.last_failed_exchange.error["kind"] == "stream_closed"
    assert turn.client.stats.retries == 1


def test_finished_items_are_kept_and_sent_along() -> None:
    first = ResponsesStream().created().text("One.").text("Tw", done=False)
    turn = Turn(Reply(first), Reply(ResponsesStream().text("Two.").completed()))
    assert turn.error is None
    assert turn.text == "One.Two."
    assert [item.text for item in turn.items] == ["One.", "Two."]
    again = json.dumps(turn.fetch.json(1)["input"])
    assert "One." in again
    assert "Tw" not in again.replace("Two", "")
    assert [w.reason for w in turn.waits] == ["stream closed before response.completed"]


def test_a_whole_message_is_not_asked_for_twice() -> None:
    turn = Turn(Reply(ResponsesStream().created().text("Hello")))
    assert turn.error is not None
    assert turn.error.kind is ErrorKind.STREAM_CLOSED
    assert turn.error.retryable
    assert turn.text == "Hello"
    assert turn.events[-1] == Completed(response_id="")
    assert len(turn.fetch.requests) == 1


@pytest.mark.parametrize(
    "stream",
    [
        ResponsesStream().function_call("f", "{}").text("th", done=False),
        ResponsesStream().custom_tool_call("f", "x").function_call("g", "{", done=False),
        ResponsesStream().text("Calling.").function_call("f", "{}"),
    ],
)
def test_a_call_that_waits_for_its_output_is_not_asked_for_twice(stream: ResponsesStream) -> None:
    turn = Turn(Reply(stream.fail()))
    assert turn.error is not None
    assert turn.error.kind is ErrorKind.STREAM_CLOSED
    assert len(turn.fetch.requests) == 1
    assert any(item.type in ("function_call", "custom_tool_call") for item in turn.items)
    assert not any(item.type == "function_call" and item.name == "g" for item in turn.items)


def test_a_call_of_the_providers_own_tools_is_no_hindrance() -> None:
    item = {"type": "tool_search_call", "id": "t", "call_id": "c", "execution": "server"}
    stream = ResponsesStream().send("response.output_item.done", output_index=0, item=item)
    assert Turn(Reply(stream), Reply(hello())).error is None
    item["execution"] = "client"
    stream = ResponsesStream().send("response.output_item.done", output_index=0, item=item)
    assert Turn(Reply(stream)).error is not None


def test_gives_up_after_the_budget_and_gives_the_partial_answer_back() -> None:
    broken = ResponsesStream().created().reasoning("Hm").text("Hel", "lo", done=False)
    turn = Turn(Reply(broken.fail()), *[Refuse("gone")] * 5)
    assert turn.error is not None
    assert turn.error.kind is ErrorKind.NETWORK
    assert turn.text == "Hello"
    assert [item.type for item in turn.items] == ["reasoning", "message"]
    assert turn.items[-1].text == "Hello"
    assert turn.types[-5:] == [
        *["Reconnecting", "OutputItemAdded", "OutputTextDelta", "OutputItemDone", "Completed"]
    ]


def test_every_unfinished_item_is_returned_partially() -> None:
    stream = ResponsesStream().send(
        "response.output_item.added", output_index=0, item={"type": "reasoning", "id": "r"}
    )
    place = {"item_id": "r", "output_index": 0}
    stream.send("response.reasoning_summary_text.delta", **place, summary_index=0, delta="Sum")
    stream.send("response.reasoning_text.delta", **place, content_index=0, delta="Raw")
    message = {"type": "message", "role": "assistant", "id": "m", "content": []}
    stream.send("response.output_item.added", output_index=1, item=message)
    place = {"item_id": "m", "output_index": 1, "content_index": 0}
    stream.send("response.refusal.delta", **place, delta="No.")
    item = {"type": "function_call", "id": "f", "call_id": "c", "name": "f", "arguments": ""}
    stream.send("response.output_item.added", output_index=2, item=item)
    turn = Turn(Reply(stream.fail()), Reply(status=400))
    assert turn.error is not None
    assert turn.error.kind is ErrorKind.INVALID_REQUEST
    again = turn.types[turn.types.index("Reconnecting") + 1 :]
    assert sorted(again) == sorted(
        [
            *["OutputItemAdded", "ReasoningSummaryPartAdded", "ReasoningSummaryDelta"],
            *["ReasoningContentDelta", "OutputItemDone"],
            *["OutputItemAdded", "RefusalDelta", "OutputItemDone", "Completed"],
        ]
    )


def test_a_newer_partial_answer_replaces_the_older_one() -> None:
    first = ResponsesStream().text("Old", done=False)
    second = ResponsesStream().text("New", done=False)
    turn = Turn(Reply(first), Reply(second), provider=provider(stream_max_retries=1))
    assert turn.error is not None
    assert turn.text == "New"
    assert [item.text for item in turn.items] == ["New"]


def test_budgets_do_not_multiply() -> None:
    turn = Turn(*[Reply(status=500)] * 5)
    assert turn.error is not None
    assert turn.error.kind is ErrorKind.SERVER_ERROR
    assert len(turn.fetch.requests) == 5
    broken = ResponsesStream().created()
    script = [Reply(status=500), Reply(broken), Reply(status=500), Reply(broken)]
    turn = Turn(*script, *[Reply(status=500)] * 3)
    assert turn.error is not None
    assert len(turn.fetch.requests) == 7
    assert [wait.max_attempts for wait in turn.waits] == [4, 5, 4, 5, 4, 4]
    turn = Turn(*[Reply(broken)] * 6)
    assert len(turn.fetch.requests) == 6
    assert [wait.delay_ms for wait in turn.waits] == [1000, 2000, 4000, 8000, 16000]


def test_header_events_are_repeated_only_where_they_differ() -> None:
    def headers(used: int) -> dict[str, str]:
        return {"openai-model": "m", "x-codex-primary-used-percent": str(used)}

    broken = ResponsesStream().created()
    turn = Turn(Reply(broken, headers=headers(1)), Reply(hello(), headers=headers(2)))
    assert turn.types[:6] == [
        *["ServerModel", "RateLimits", "Created", "Reconnecting", "RateLimits", "Created"]
    ]


# --- errors in the stream ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "message", "delay_ms"),
    [
        ("server_is_overloaded", "Busy.", 1000),
        ("server_error", "Oops.", 1000),
        ("rate_limit_exceeded", "Please try again in 1.5s.", 1500),
        (None, "Hm.", 1000),
    ],
)
def test_temporary_errors_are_retried(code: str | None, message: str, delay_ms: int) -> None:
    failed = ResponsesStream().created().failed(code, message)
    turn = Turn(Reply(failed), Reply(hello()))
    assert turn.error is None
    assert [wait.delay_ms for wait in turn.waits] == [delay_ms]
    turn = Turn(Reply(ResponsesStream().error(code, message)), Reply(hello()))
    assert turn.error is None
    turn = Turn(Reply(ChatStream().text("He").error(code, message)), Reply(chat_hello()), chat=True)
    assert turn.error is None
    assert turn.text == "Hello"


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("context_length_exceeded", ErrorKind.CONTEXT_WINDOW_EXCEEDED),
        ("insufficient_quota", ErrorKind.QUOTA_EXCEEDED),
        ("usage_not_included", ErrorKind.USAGE_NOT_INCLUDED),
        ("cyber_policy", ErrorKind.CONTENT_POLICY),
        ("invalid_prompt", ErrorKind.INVALID_REQUEST),
    ],
)
def test_final_errors_end_the_call_at_once(code: str, kind: ErrorKind) -> None:
    stream = ResponsesStream().text("He", done=False).failed(code, f"No, {KEY}.").stall()
    turn = Turn(Reply(stream, headers={"x-request-id": "req_1"}))
    assert turn.error is not None
    assert (turn.error.kind, turn.error.request_id) == (kind, "req_1")
    assert turn.error.server_message == "No, ***."
    assert turn.elapsed == 0
    assert turn.text == "He"
    assert turn.items[0].text == "He"


def test_a_wait_of_more_than_a_minute_is_left_to_the_user() -> None:
    message = "Please try again in 6m0s."
    turn = Turn(Reply(ResponsesStream().failed("rate_limit_exceeded", message)))
    assert turn.error is not None
    assert turn.error.retry_after_ms == 360_000
    assert turn.waits == []


def test_an_incomplete_answer_is_kept_with_its_reason() -> None:
    turn = Turn(Reply(ResponsesStream().text("Hel", "lo", done=False).incomplete()))
    assert turn.error is not None
    assert turn.error.kind is ErrorKind.INCOMPLETE
    assert turn.items[0].text == "Hello"
    assert turn.events[-1].response_id == "resp_1"  # type: ignore[union-attr]
    cut = ChatStream().text("Hello").finish("length")
    for stream in (cut, ChatStream().text("Hello").finish("length").done()):
        turn = Turn(Reply(stream), chat=True)
        assert turn.error is not None
        assert turn.error.kind is ErrorKind.INCOMPLETE
        assert turn.items[0].text == "Hello"
    half = ChatStream().text("Hel")
    nothing = ChatStream().delta({}).finish("length")
    turn = Turn(Reply(half), Reply(nothing), chat=True)
    assert turn.error is not None
    assert turn.error.kind is ErrorKind.INCOMPLETE
    assert turn.text == turn.items[0].text == "Hel"


# --- stopping ----------------------------------------------------------------------------------


def stop_after(seconds: float, *script: Any) -> FakeFetch:
    fetch = FakeFetch(*script)

    async def main() -> None:
        task = asyncio.create_task(client(fetch).complete(PROMPT))
        await asyncio.sleep(seconds)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert fetch.all_closed
        assert asyncio.get_running_loop().time() == pytest.approx(seconds)

    run(main())
    return fetch


def test_stopping_aborts_at_once_in_every_phase() -> None:
    assert stop_after(1, Reply(delay_s=9)).cancelled == 1
    streaming = stop_after(1, Reply(hello().paced(0.3)))
    assert streaming.responses[0].aborted
    assert stop_after(1, Reply(MockSSEStream(b"{").stall(), status=400)).responses[0].aborted
    assert len(stop_after(0.5, Reply(status=500)).requests) == 1
    assert stop_after(0.5, Reply(ResponsesStream().created())).responses[0].closed


def test_leaving_the_loop_early_aborts_too() -> None:
    fetch = FakeFetch(Reply(hello().paced(1)))

    async def main() -> None:
        async with aclosing(client(fetch).stream(PROMPT)) as events:
            async for event in events:
                if isinstance(event, OutputTextDelta):
                    break
        assert fetch.responses[0].aborted

    run(main())


# --- deadlines ----------------------------------------------------------------------------------


def test_a_deadline_ends_a_call_with_what_has_arrived() -> None:
    """openai/openai-python#3828, xorbitsai/xagent#2624: each attempt had its own time."""
    stream = ResponsesStream().created().text("Half an ", done=False).pause(100)
    asked = client(FakeFetch(Reply({"error": {}}, status=503), Reply(stream.stall())))
    result = run(asked.complete(PROMPT, deadline_ms=20_000))
    assert result.error is not None
    assert result.error.kind is ErrorKind.TIMEOUT
    assert result.error.message == "The answer was not finished within 20 s."
    assert result.text == "Half an "
    assert result.attempts == 2
    assert asked._endpoint.fetch.all_closed  # type: ignore[attr-defined]


def test_a_deadline_that_is_met_changes_nothing() -> None:
    result = run(client(FakeFetch(Reply(hello()))).complete(PROMPT, deadline_ms=1_000))
    assert (result.error, result.text) == (None, "Hello")
