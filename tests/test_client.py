from __future__ import annotations

import asyncio
import json
import tracemalloc
from contextlib import aclosing
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import sidestream._attempt
import sidestream._response_body
from sidestream import (
    ApiKeyAuth,
    CallOptions,
    Client,
    ErrorKind,
    Prompt,
    Provider,
    ResponseEvent,
    SidestreamError,
    StreamMode,
    TurnResult,
    WireApi,
)
from sidestream.sse import SSEDecoder
from sidestream.testing import (
    ChatStream,
    FakeFetch,
    MockSSEStream,
    Refuse,
    Reply,
    ResponsesStream,
    now,
    run,
)
from sidestream.types.events import (
    Completed,
    OutputItemDone,
    OutputTextDelta,
    RateLimits,
    Reconnecting,
    StreamIdle,
)
from sidestream.types.items import (
    FunctionCallItem,
    ItemOrigin,
    MessageItem,
    ReasoningItem,
)

KEY = "sk-test-1234567890abcdef"
URL = "https://api.openai.com/v1"
PROMPT = Prompt.from_text("Hi")


def provider(wire_api: WireApi = WireApi.RESPONSES, **fields: Any) -> Provider:
    return Provider(name="Test", base_url="https://a.test/v1", wire_api=wire_api, **fields)


def client(fetch: FakeFetch, *, chat: bool = False, **fields: Any) -> Client:
    wire_api = WireApi.CHAT if chat else WireApi.RESPONSES
    settings = {"provider": provider(wire_api), "auth": ApiKeyAuth(KEY), "model": "m", **fields}
    return Client(fetch=fetch, now=now, random=lambda: 0.0, **settings)


class Turn:
    """One drained turn: its events, their times, and how it ended."""

    def __init__(self, *script: Any, options: CallOptions | None = None, **fields: Any) -> None:
        self.fetch = FakeFetch(*script)
        self.client = client(self.fetch, **fields)
        self.events: list[ResponseEvent] = []
        self.error: SidestreamError | None = None
        self.options = options
        run(self._main())
        assert [e for e in self.events if isinstance(e, Completed)] == self.events[-1:]
        assert self.fetch.all_closed

    async def _main(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            async with aclosing(self.client.stream(PROMPT, self.options)) as events:
                async for event in events:
                    self.events.append(event)
        except SidestreamError as error:
            self.error = error
        self.elapsed = loop.time()

    @property
    def types(self) -> list[str]:
        return [event.type for event in self.events]

    @property
    def text(self) -> str:
        """What a reader has on the screen at the end."""
        shown, finished = "", ""
        for event in self.events:
            if isinstance(event, OutputTextDelta):
                shown += event.delta
            elif isinstance(event, Reconnecting):
                shown = finished
            elif isinstance(event, OutputItemDone):
                finished = shown
        return shown

    @property
    def items(self) -> list[Any]:
        return [event.item for event in self.events if isinstance(event, OutputItemDone)]

    @property
    def waits(self) -> list[Reconnecting]:
        return [event for event in self.events if isinstance(event, Reconnecting)]


def hello() -> ResponsesStream:
    return ResponsesStream().created().text("Hel", "lo").completed()


def chat_hello() -> ChatStream:
    return ChatStream().text("Hel", "lo").finish().usage().done()


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


def test_ends_at_completed_even_if_the_connection_stays_open() -> None:
    stream = hello().stall()
    turn = Turn(Reply(stream))
    assert turn.error is None
    assert turn.elapsed == 0
    assert turn.fetch.responses[0].aborted


def test_a_chat_that_never_closes_ends_soon_after_its_finish_reason() -> None:
    turn = Turn(Reply(ChatStream().text("Hello").finish().stall()), chat=True)
    assert turn.error is None
    assert turn.text == "Hello"
    assert turn.elapsed == pytest.approx(5)
    turn = Turn(Reply(ChatStream().text("Hello").finish().fail()), chat=True)
    assert turn.error is None
    short = provider(WireApi.CHAT, stream_idle_timeout_ms=2000)
    turn = Turn(Reply(ChatStream().text("Hello").finish().stall()), provider=short)
    assert turn.elapsed == pytest.approx(2)


def test_a_chat_without_done() -> None:
    turn = Turn(Reply(ChatStream().text("Hello").finish()), chat=True)
    assert turn.error is None
    assert turn.text == "Hello"


def test_a_long_answer_in_large_chunks() -> None:
    stream = ResponsesStream().text(*["word "] * 500).completed()
    turn = Turn(Reply(MockSSEStream(stream.body).chunked(3000)))
    assert turn.error is None
    assert turn.text == "word " * 500


def test_what_comes_at_once_takes_little_memory_to_decode() -> None:
    body = ResponsesStream().text(*["word "] * 10_000).completed().body
    reading = client(FakeFetch(Reply(MockSSEStream(body).chunked(len(body)))))

    async def main() -> tuple[str, int]:
        text = ""
        tracemalloc.start()
        try:
            async with aclosing(reading.stream_batches(PROMPT)) as batches:
                async for batch in batches:
                    text += "".join(e.delta for e in batch if isinstance(e, OutputTextDelta))
            return text, tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    text, peak = run(main())
    assert text == "word " * 10_000
    assert peak < 2.5 * len(body)  # the stream copies it twice


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


# --- silence -----------------------------------------------------------------------------------


def test_silence_is_told_once_and_comments_are_a_sign_of_life() -> None:
    stream = ResponsesStream().created().pause(45).comment().pause(45)
    turn = Turn(Reply(stream.text("Hello").completed()))
    assert turn.types.count("StreamIdle") == 2
    assert StreamIdle(idle_ms=30_000, timeout_ms=300_000) in turn.events
    stream = ResponsesStream().created()
    for _ in range(30):
        stream.pause(25).comment()
    turn = Turn(Reply(stream.text("Hello").completed()))
    assert turn.elapsed == pytest.approx(750)
    assert "StreamIdle" not in turn.types
    assert turn.error is None


def test_a_stream_of_comments_alone_ends() -> None:
    """opencode#43519: a stalled generation was kept open by comments and never ended."""
    stream = ResponsesStream().created().text("He", done=False)
    for _ in range(100):
        stream.pause(25).comment()
    turn = Turn(Reply(stream), provider=provider(stream_max_retries=0))
    assert turn.elapsed == pytest.approx(925)
    assert turn.error is not None
    assert turn.error.kind is ErrorKind.TIMEOUT
    assert turn.text == "He"


def test_too_long_a_silence_is_a_broken_stream() -> None:
    turn = Turn(Reply(ResponsesStream().created().text("He", done=False).stall()), Reply(hello()))
    assert turn.error is None
    assert turn.text == "Hello"
    assert [wait.reason for wait in turn.waits] == ["The server has said nothing for 5 min."]
    assert turn.fetch.times == pytest.approx([0, 301])
    only_one = provider(stream_max_retries=0)
    turn = Turn(Reply(ResponsesStream().text("He", done=False).stall()), provider=only_one)
    assert turn.error is not None
    assert (turn.error.kind, turn.error.retryable) == (ErrorKind.TIMEOUT, True)
    assert turn.text == "He"


# --- broken streams ----------------------------------------------------------------------------


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


def test_everything_half_said_is_given_back() -> None:
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


def test_headers_are_told_again_only_where_they_differ() -> None:
    def headers(used: int) -> dict[str, str]:
        return {"openai-model": "m", "x-codex-primary-used-percent": str(used)}

    broken = ResponsesStream().created()
    turn = Turn(Reply(broken, headers=headers(1)), Reply(hello(), headers=headers(2)))
    assert turn.types[:6] == [
        *["ServerModel", "RateLimits", "Created", "Reconnecting", "RateLimits", "Created"]
    ]


def test_a_refusal_tells_its_rate_limits_first() -> None:
    headers = {"x-codex-primary-used-percent": "100"}
    body = {"error": {"type": "usage_limit_reached", "message": "x", "plan_type": "plus"}}
    turn = Turn(Reply(body, status=429, headers=headers))
    assert turn.types == ["RateLimits", "Completed"]
    assert turn.error is not None
    assert turn.error.kind is ErrorKind.USAGE_LIMIT_REACHED
    assert turn.error.plan_type == "plus"


# --- errors that the stream itself tells -------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "message", "delay_ms"),
    [
        ("server_is_overloaded", "Busy.", 1000),
        ("server_error", "Oops.", 1000),
        ("rate_limit_exceeded", "Please try again in 1.5s.", 1500),
        (None, "Hm.", 1000),
    ],
)
def test_what_passes_is_asked_again(code: str | None, message: str, delay_ms: int) -> None:
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
def test_what_is_final_ends_at_once(code: str, kind: ErrorKind) -> None:
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


# --- answers that are none ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "headers", "words"),
    [
        ("<!doctype html><title>Sign in</title>", {}, "sent a web page"),
        (" \n<html>", {"content-type": "text/event-stream"}, "sent a web page"),
        ("It works!", {}, "sent text/plain"),
        (b"", {"content-type": "text/event-stream"}, "sent an empty answer"),
        (b" \r\n\n", {}, "sent an empty answer"),
        ([1, 2], {}, "sent application/json"),
        ({"odd": 1}, {}, "JSON, but not a response"),
        ("{ broken", {}, "JSON, but not a response"),
    ],
)
def test_answers_that_are_none(body: Any, headers: dict[str, str], words: str) -> None:
    turn = Turn(Reply(body, headers=headers))
    assert turn.error is not None
    assert turn.error.kind is ErrorKind.BAD_RESPONSE
    assert words in turn.error.message
    assert turn.error.hint
    assert turn.events == [Completed(response_id="")]
    assert turn.client.last_failed_exchange is not None
    assert turn.client.last_failed_exchange.status == 200


def test_a_stream_of_the_other_wire_api() -> None:
    turn = Turn(Reply(chat_hello()))
    assert turn.error is not None
    assert turn.error.kind is ErrorKind.BAD_RESPONSE
    assert "Responses API" in turn.error.message
    turn = Turn(Reply(hello()), chat=True)
    assert turn.error is not None
    assert "Chat Completions" in turn.error.message


def whole_response() -> Any:
    frames = SSEDecoder().feed(hello().body)
    return json.loads(frames[-1].data)["response"]


@pytest.mark.parametrize("headers", [{}, {"content-type": "text/event-stream"}])
def test_a_server_that_does_not_stream(headers: dict[str, str]) -> None:
    text = json.dumps(whole_response(), indent=1).encode()
    turn = Turn(Reply(MockSSEStream(b"\n " + text).chunked(7), headers=headers))
    assert turn.error is None
    assert turn.text == "Hello"
    assert turn.items[0].text == "Hello"
    message = {"role": "assistant", "content": "Hello"}
    completion = {"id": "c", "choices": [{"message": message, "finish_reason": "stop"}]}
    turn = Turn(Reply(completion, headers=headers), chat=True)
    assert turn.error is None
    assert turn.text == "Hello"


def test_silence_while_a_whole_body_is_made() -> None:
    body = json.dumps(whole_response()).encode()
    turn = Turn(Reply(MockSSEStream().raw(body[:5]).pause(40).raw(body[5:])))
    assert turn.error is None
    assert turn.types[0] == "StreamIdle"


def test_an_error_in_a_whole_body() -> None:
    turn = Turn(Reply({"error": {"message": "Nope.", "code": "x"}}))
    assert turn.error is not None
    assert turn.error.server_message == "Nope."
    assert turn.waits == []
    turn = Turn(Reply({"error": {"message": "Busy.", "code": "slow_down"}}), Reply(hello()))
    assert turn.error is None
    assert len(turn.waits) == 1


def test_a_byte_order_mark_is_no_obstacle() -> None:
    turn = Turn(Reply(MockSSEStream(b"\xef\xbb\xbf" + hello().body).chunked(1)))
    assert turn.error is None
    assert turn.text == "Hello"


def test_junk_between_frames_is_skipped_and_counted() -> None:
    stream = ResponsesStream().created().event("not json").event("[1]").event({"type": "new.thing"})
    stream.raw(b"what: is this\n\n").text("Hello").completed()
    turn = Turn(Reply(stream))
    assert turn.error is None
    assert turn.text == "Hello"
    assert turn.client.stats.skipped_frames >= 2
    assert turn.client.stats.calls == 1


def test_oversized_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sidestream._response_body, "MAX_BODY_BYTES", 1000)
    turn = Turn(Reply({"x": "y" * 2000}))
    assert turn.error is not None
    assert turn.error.kind is ErrorKind.BAD_RESPONSE
    assert "larger than 1,000 bytes" in turn.error.message
    monkeypatch.undo()
    monkeypatch.setattr(sidestream._attempt, "SSEDecoder", lambda: SSEDecoder(max_frame_bytes=1000))
    turn = Turn(Reply(ResponsesStream().created().text("x" * 2000)))
    assert turn.error is not None
    assert "more than 1,000 bytes" in turn.error.message
    assert turn.waits == []


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


# --- aggregation -------------------------------------------------------------------------------


AGGREGATED = CallOptions(stream_mode=StreamMode.AGGREGATED)


def test_aggregation_gives_whole_items_once() -> None:
    stream = ResponsesStream().created().reasoning("Let ", "me").text("Hel", "lo")
    stream.function_call("f", "{", "}").completed()
    turn = Turn(Reply(stream, headers={"openai-model": "m"}), options=AGGREGATED)
    assert turn.types == ["ServerModel", "Created", *["OutputItemDone"] * 3, "Completed"]
    assert [item.type for item in turn.items] == ["reasoning", "message", "function_call"]
    turn = Turn(Reply(chat_hello()), options=AGGREGATED, chat=True)
    assert turn.types == ["Created", "OutputItemDone", "Completed"]


def test_aggregation_keeps_a_partial_answer() -> None:
    stream = ResponsesStream().text("Hel", "lo", done=False).incomplete()
    turn = Turn(Reply(stream), defaults=AGGREGATED)
    assert turn.error is not None
    assert turn.types == ["OutputItemDone", "Completed"]
    assert turn.items[0].text == "Hello"


def test_raw_reasoning_can_be_hidden() -> None:
    stream = ChatStream().reasoning("Hm.").text("Hello").finish().done()
    shown = Turn(Reply(stream), chat=True)
    assert "ReasoningContentDelta" in shown.types
    options = CallOptions(show_raw_reasoning=False)
    hidden = Turn(Reply(stream), chat=True, options=options)
    assert "ReasoningContentDelta" not in hidden.types
    assert hidden.items[0].type == "reasoning"
    fetch = FakeFetch(then=Reply(stream))
    assert run(client(fetch, chat=True).complete(PROMPT)).reasoning == "Hm."
    assert run(client(fetch, chat=True).complete(PROMPT, options)).reasoning == ""


# --- batches -----------------------------------------------------------------------------------


def drained(
    client: Client, options: CallOptions | None = None
) -> tuple[list[list[ResponseEvent]], SidestreamError | None]:
    async def drain() -> tuple[list[list[ResponseEvent]], SidestreamError | None]:
        batches = []
        try:
            async with aclosing(client.stream_batches(PROMPT, options)) as found:
                async for batch in found:
                    batches.append(batch)
        except SidestreamError as error:
            return batches, error
        return batches, None

    return run(drain())


def test_what_comes_together_is_one_batch_with_its_deltas_joined() -> None:
    batches, error = drained(client(FakeFetch(Reply(hello()))))
    assert error is None
    (events,) = batches
    assert [event.type for event in events] == [
        "Created",
        "OutputItemAdded",
        "OutputTextDelta",
        "OutputItemDone",
        "Completed",
    ]
    assert [event.delta for event in events if isinstance(event, OutputTextDelta)] == ["Hello"]


@pytest.mark.parametrize("chat", [False, True])
def test_batches_say_what_the_single_events_say(chat: bool) -> None:
    stream = chat_hello() if chat else hello()
    for size in (1, 30, 300):
        events = Turn(Reply(stream.chunked(size)), chat=chat).events
        batches, _ = drained(client(FakeFetch(Reply(stream.chunked(size))), chat=chat))
        batched = [event for batch in batches for event in batch]
        assert all(batches)
        for kind in (OutputTextDelta, OutputItemDone, Completed):
            told, joined = ([e for e in es if isinstance(e, kind)] for es in (events, batched))
            if kind is OutputTextDelta:
                told, joined = ("".join(e.delta for e in es) for es in (told, joined))
            assert joined == told


def test_batches_end_with_the_error_and_without_what_is_hidden() -> None:
    stream = ResponsesStream().text("Hel", "lo", done=False).incomplete()
    batches, error = drained(client(FakeFetch(Reply(stream))), AGGREGATED)
    assert error is not None
    assert error.kind is ErrorKind.INCOMPLETE
    assert [[event.type for event in batch] for batch in batches] == [
        ["OutputItemDone", "Completed"]
    ]


# --- complete ----------------------------------------------------------------------------------


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


def test_complete_loses_nothing_that_came_before_an_error() -> None:
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


def test_a_client_serves_several_calls_at_once() -> None:
    fetch = FakeFetch(then=lambda request: Reply(hello().paced(1)))
    talker = client(fetch)

    async def main() -> list[TurnResult]:
        return await asyncio.gather(*[talker.complete(PROMPT) for _ in range(5)])

    assert [result.text for result in run(main())] == ["Hello"] * 5
    assert talker.stats.calls == 5
    assert fetch.all_closed


# --- probing -----------------------------------------------------------------------------------


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


WHOLE = ResponsesStream().created().reasoning("a\u00e9", "\u20ac").text("\U0001f600", "x\u00fc")
WHOLE.function_call("f", '{"a":', ' "\u00e9"}').completed()
CHAT = ChatStream().reasoning("\u00e9").text("\U0001f600", "\u20ac").tool_call("f", "{", "}")
CHAT.finish("tool_calls").usage().done()


@given(size=st.integers(1, 400), chat=st.booleans())
def test_chunks_make_no_difference(size: int, chat: bool) -> None:
    body = (CHAT if chat else WHOLE).body
    whole = Turn(Reply(MockSSEStream(body)), chat=chat)
    cut = Turn(Reply(MockSSEStream(body).chunked(size)), chat=chat)
    assert cut.events == whole.events
    assert cut.error is None


@given(at=st.integers(0, len(WHOLE.body)), fault=st.sampled_from(["cut", "fail", "stall"]))
def test_a_fault_at_any_byte_loses_nothing_and_doubles_nothing(at: int, fault: str) -> None:
    stream = MockSSEStream(WHOLE.body)
    getattr(stream, f"{fault}_at")(at)
    turn = Turn(Reply(stream), Reply(WHOLE))
    calls = [item for item in turn.items if isinstance(item, FunctionCallItem)]
    assert len(calls) <= 1
    if turn.error is None:
        assert turn.items[-1] == calls[0]
    else:
        kinds = (ErrorKind.STREAM_CLOSED, ErrorKind.TIMEOUT, ErrorKind.BAD_RESPONSE)
        assert turn.error.kind in kinds


@given(st.lists(st.binary(max_size=30) | st.sampled_from([b"data: {}\n\n", b"\n\n"]), max_size=8))
def test_any_bytes_end_in_completed(pieces: list[bytes]) -> None:
    for chat in (False, True):
        stream = MockSSEStream()
        for piece in pieces:
            stream.raw(piece)
        turn = Turn(*[Reply(stream)] * 6, chat=chat)
        assert turn.error is not None
        assert turn.events


def test_rate_limits_come_as_snapshots() -> None:
    turn = Turn(Reply(hello(), headers={"x-codex-primary-used-percent": "5"}))
    snapshots = [event.snapshot for event in turn.events if isinstance(event, RateLimits)]
    assert [snapshot.limit_id for snapshot in snapshots] == ["codex"]


def test_public_names() -> None:
    for name in sidestream.__all__:
        assert getattr(sidestream, name) is not None


# --- what a result says of how it went ----------------------------------------------------------


def test_a_result_says_how_often_it_was_asked_and_why_it_ended() -> None:
    fetch = FakeFetch(
        Reply({"error": {"message": "busy"}}, status=503),
        Reply(ChatStream().text("Hi").finish().usage().done()),
    )
    result = run(client(fetch, chat=True).complete(PROMPT))
    assert result.error is None
    assert (result.attempts, result.notices, result.finish_reason) == (2, [], "stop")


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


def test_raw_reasoning_that_is_not_wanted_is_in_no_item() -> None:
    stream = ChatStream().reasoning("Secretly.").text("Hi").finish().done()
    options = CallOptions(show_raw_reasoning=False)
    turn = Turn(Reply(stream), chat=True, options=options)
    assert "Secretly" not in "".join(event.to_json() for event in turn.events)
    result = run(client(FakeFetch(Reply(stream)), chat=True).complete(PROMPT, options))
    assert "Secretly" not in repr(result)
    assert result.text == "Hi"


def test_items_that_are_for_their_origin_alone_name_it() -> None:
    stream = ResponsesStream().created().reasoning("Hm.", encrypted_content="ENC").text("Hi")
    turn = Turn(Reply(stream.completed()))
    reasoning, message = turn.items
    origin = ItemOrigin(provider="https://a.test", model="m")
    assert reasoning.origin == origin
    assert message.origin == (origin if message.id else None)
    turn = Turn(Reply(ChatStream().text("Hi").finish().done()), chat=True)
    assert turn.items[0].origin is None


def test_an_answer_that_stays_queued_is_given_up_after_an_hour() -> None:
    """agno-agi/agno#7444: it was asked about for ever, without a word to the user."""
    queued = {"id": "resp_1", "object": "response", "status": "queued", "output": []}

    def answer(request: Any) -> Reply:
        if request.method == "POST":
            return Reply(ResponsesStream().created().fail())
        return Reply({"error": {}}, status=400) if "stream=true" in request.url else Reply(queued)

    fetch = FakeFetch(then=answer)
    result = run(client(fetch).complete(PROMPT, CallOptions(background=True)), limit_s=10_000)
    assert result.error is not None
    assert result.error.kind is ErrorKind.TIMEOUT
    assert len(fetch.requests) < 100
