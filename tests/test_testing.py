from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from sidestream.errors import SidestreamError
from sidestream.sse import SSEDecoder
from sidestream.testing import (
    ChatStream,
    DeadlockError,
    FakeFetch,
    MockSSEStream,
    Refuse,
    Reply,
    ResponsesStream,
    now,
    run,
)
from sidestream.transport import HttpRequest

# --- run ---------------------------------------------------------------------------------------


def test_sleeping_costs_nothing_and_time_is_exact() -> None:
    async def main() -> list[float]:
        start = now()
        await asyncio.gather(asyncio.sleep(7200), asyncio.sleep(3600))
        times = [now() - start]
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(5):
                await asyncio.sleep(10)
        return [*times, now() - start]

    assert run(main()) == pytest.approx([7200, 7205])


def test_errors_come_through() -> None:
    async def main() -> None:
        await asyncio.sleep(1)
        raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        run(main())


def test_a_deadlock_is_reported_and_cleaned_up() -> None:
    cleaned = []

    async def main() -> None:
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            await asyncio.sleep(100)
            cleaned.append("main")

    with pytest.raises(DeadlockError, match=r"nothing is scheduled.*main"):
        run(main())
    assert cleaned == ["main"]


def test_timers_that_repeat_for_ever_are_a_deadlock_too() -> None:
    async def tick() -> None:
        while True:
            await asyncio.sleep(20)

    with pytest.raises(DeadlockError, match=r"still not done at 1[0-9]{2} s.*tick"):
        run(tick(), limit_s=100)


def test_what_a_cancelled_task_begins_is_ended_as_well() -> None:
    ended: list[str] = []

    async def work(name: str) -> None:
        try:
            await asyncio.sleep(1_000)
        finally:
            ended.append(name)
            if name == "first":
                tasks.append(asyncio.create_task(work("second")))
                await asyncio.sleep(0)

    tasks: list[asyncio.Task[None]] = []

    async def main() -> None:
        tasks.append(asyncio.create_task(work("first")))
        await asyncio.sleep(1)

    run(main())
    assert ended == ["first", "second"]


def test_tasks_and_generators_that_are_left_over_are_ended() -> None:
    ended = []

    async def left_over() -> None:
        try:
            await asyncio.sleep(1e6)
        finally:
            ended.append("task")

    async def numbers() -> Any:
        try:
            yield 1
            yield 2
        finally:
            ended.append("generator")

    async def main() -> None:
        task = asyncio.create_task(left_over())
        await asyncio.sleep(0)
        assert not task.done()
        await anext(numbers())

    run(main())
    assert sorted(ended) == ["generator", "task"]


def test_runs_inside_a_running_loop() -> None:
    async def inner() -> str:
        await asyncio.sleep(50)
        return "inner"

    async def outer() -> tuple[str, bool, float]:
        task = asyncio.current_task()
        result = run(inner())
        await asyncio.sleep(1)
        return result, asyncio.current_task() is task, asyncio.get_running_loop().time()

    assert run(outer()) == ("inner", True, pytest.approx(1))


def test_call_soon_threadsafe_is_call_soon() -> None:
    async def main() -> str:
        future: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_soon_threadsafe(future.set_result, "done")
        return await future

    assert run(main()) == "done"


# --- streams -----------------------------------------------------------------------------------


def play(stream: MockSSEStream) -> tuple[list[bytes], list[float], str]:
    """Return the chunks, their times, and how the stream ended."""

    async def main() -> tuple[list[bytes], list[float], str]:
        loop = asyncio.get_running_loop()
        chunks, times = [], []
        try:
            async with asyncio.timeout(1000):
                async for chunk in stream.chunks():
                    chunks.append(chunk)
                    times.append(loop.time())
        except SidestreamError as error:
            return chunks, times, f"{error.kind}: {error.message}"
        except TimeoutError:
            return chunks, times, "stalled"
        return chunks, times, f"ended at {loop.time():g}"

    return run(main())


def three() -> MockSSEStream:
    return MockSSEStream().raw(b"abc").raw(b"def").raw(b"").raw(b"ghi")


@pytest.mark.parametrize(
    ("stream", "chunks", "times", "end"),
    [
        (three(), [b"abc", b"def", b"ghi"], [0, 0, 0], "ended at 0"),
        (three().chunked(4), [b"abcd", b"efgh", b"i"], [0, 0, 0], "ended at 0"),
        (three().chunked([1, 7]), [b"a", b"bcdefgh", b"i"], [0, 0, 0], "ended at 0"),
        (three().chunked([99]), [b"abcdefghi"], [0], "ended at 0"),
        (three().paced(2), [b"abc", b"def", b"ghi"], [2, 4, 6], "ended at 6"),
        (three().pause(5).raw(b"j"), [b"abc", b"def", b"ghi", b"j"], [0, 0, 0, 5], "ended at 5"),
        (three().pause(5), [b"abc", b"def", b"ghi"], [0, 0, 0], "ended at 5"),
        (three().pause_at(0, 3), [b"abc", b"def", b"ghi"], [3, 3, 3], "ended at 3"),
        (three().pause_at(4, 3), [b"abc", b"d", b"ef", b"ghi"], [0, 0, 3, 3], "ended at 3"),
        (three().pause_at(9, 3).cut_at(4), [b"abc", b"d"], [0, 0], "ended at 0"),
        (three().cut_at(4), [b"abc", b"d"], [0, 0], "ended at 0"),
        (three().cut_at(0), [], [], "ended at 0"),
        (three().cut_at(99), [b"abc", b"def", b"ghi"], [0, 0, 0], "ended at 0"),
        (three().chunked(4).cut_at(5), [b"abcd", b"e"], [0, 0], "ended at 0"),
        (three().stall(), [b"abc", b"def", b"ghi"], [0, 0, 0], "stalled"),
        (three().stall_at(1), [b"a"], [0], "stalled"),
        (
            three().fail("reset"),
            [b"abc", b"def", b"ghi"],
            [0, 0, 0],
            "network: The connection broke: reset.",
        ),
        (three().fail_at(5, "x"), [b"abc", b"de"], [0, 0], "network: The connection broke: x."),
        (MockSSEStream(), [], [], "ended at 0"),
    ],
)
def test_plays_the_script(
    stream: MockSSEStream, chunks: list[bytes], times: list[float], end: str
) -> None:
    assert play(stream) == (chunks, times, end)
    assert play(stream) == (chunks, times, end)


def test_events_and_comments() -> None:
    stream = MockSSEStream(newline="\r\n").event("a\nb", event="x", id="7").comment("hi").done()
    assert stream.body == (
        b"event: x\r\nid: 7\r\ndata: a\r\ndata: b\r\n\r\n: hi\r\ndata: [DONE]\r\n\r\n"
    )


def test_reads_recordings(tmp_path: Path) -> None:
    recorded = b"data: 1\r\n\r\n: as it was\n"
    (tmp_path / "a.sse").write_bytes(recorded)
    (tmp_path / "b.json").write_text('[{"type": "x"}, {"type": "y"}]')
    (tmp_path / "c.jsonl").write_text('{"type": "x"}\n\n{"type": "y"}\n')
    assert MockSSEStream.from_file(tmp_path / "a.sse").body == recorded
    two = b'data: {"type": "x"}\n\ndata: {"type": "y"}\n\n'
    assert MockSSEStream.from_file(tmp_path / "b.json").body == two
    assert MockSSEStream.from_file(str(tmp_path / "c.jsonl")).body == two


def datas(stream: MockSSEStream) -> list[Any]:
    return [json.loads(event.data) for event in SSEDecoder().feed(stream.body)]


def test_responses_sequences() -> None:
    stream = (
        ResponsesStream(response_id="resp_9")
        .created()
        .reasoning("Let ", "me", encrypted_content="gAAA")
        .text("Hel", "lo")
        .function_call("look", '{"a":', "1}")
        .custom_tool_call("sql", "select ", "1")
        .completed(input_tokens=3, output_tokens=4)
    )
    events = datas(stream)
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    assert [event["type"].removeprefix("response.") for event in events] == [
        *["created", "in_progress"],
        *["output_item.added", "reasoning_summary_part.added"],
        *["reasoning_summary_text.delta"] * 2,
        *["reasoning_summary_text.done", "reasoning_summary_part.done", "output_item.done"],
        *["output_item.added", "content_part.added", "output_text.delta", "output_text.delta"],
        *["output_text.done", "content_part.done", "output_item.done"],
        *["output_item.added", *["function_call_arguments.delta"] * 2],
        *["function_call_arguments.done", "output_item.done"],
        *["output_item.added", *["custom_tool_call_input.delta"] * 2],
        *["custom_tool_call_input.done", "output_item.done"],
        "completed",
    ]
    response = events[-1]["response"]
    assert response["id"] == "resp_9"
    assert [item["type"] for item in response["output"]] == [
        *["reasoning", "message", "function_call", "custom_tool_call"]
    ]
    assert response["output"][0]["encrypted_content"] == "gAAA"
    assert response["output"][1]["content"][0]["text"] == "Hello"
    assert response["output"][2]["arguments"] == '{"a":1}'
    assert response["output"][3]["input"] == "select 1"
    assert response["usage"] == {"input_tokens": 3, "output_tokens": 4, "total_tokens": 7}


def test_responses_sequences_that_go_wrong() -> None:
    stream = ResponsesStream(event_lines=False).reasoning("a").text("b", done=False)
    stream.function_call("f", "{", done=False).incomplete().failed(
        "slow_down", "No.", plan_type="x"
    )
    stream.error(None, "Oops.", status=500)
    assert b"event:" not in stream.body
    incomplete, failed, error = datas(stream)[-3:]
    assert incomplete["response"]["incomplete_details"] == {"reason": "max_output_tokens"}
    assert [item["type"] for item in incomplete["response"]["output"]] == ["reasoning"]
    assert failed["response"]["error"] == {"code": "slow_down", "message": "No.", "plan_type": "x"}
    assert (error["code"], error["message"], error["status"]) == (None, "Oops.", 500)


def test_chat_sequences() -> None:
    stream = ChatStream().reasoning("Hm").text("Hel", "lo").tool_call("look", "{", "}")
    stream.finish("tool_calls").usage().error(500, "Oops.", type="x").done()
    events = SSEDecoder().feed(stream.body)
    assert events.pop().data == "[DONE]"
    chunks = [json.loads(event.data) for event in events]
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks[:7]]
    assert deltas == [
        {"reasoning_content": "Hm"},
        {"role": "assistant", "content": "Hel"},
        {"content": "lo"},
        {
            "tool_calls": [
                {
                    "index": 0,
                    "id": "call_1",
                    "type": "function",
                    "function": {"name": "look", "arguments": ""},
                }
            ]
        },
        {"tool_calls": [{"index": 0, "function": {"arguments": "{"}}]},
        {"tool_calls": [{"index": 0, "function": {"arguments": "}"}}]},
        {},
    ]
    assert chunks[6]["choices"][0]["finish_reason"] == "tool_calls"
    assert chunks[7]["choices"] == []
    assert chunks[7]["usage"]["total_tokens"] == 15
    assert chunks[8] == {"error": {"code": 500, "message": "Oops.", "type": "x"}}


# --- fetch -------------------------------------------------------------------------------------


def test_answers_from_the_script_and_remembers() -> None:
    def echo(request: HttpRequest) -> Reply:
        return Reply(request.url, status=201)

    fetch = FakeFetch(
        Reply({"a": 1}, headers={"X-Request-Id": "r1"}, delay_s=2),
        Refuse("no route", delay_s=1),
        then=echo,
    )
    request = HttpRequest("POST", "https://a.test/x", {"authorization": "Bearer s"}, b'{"q": 1}')

    async def main() -> None:
        response = await fetch(request)
        assert (response.status, response.headers["x-request-id"]) == (200, "r1")
        assert response.headers["content-type"] == "application/json"
        assert [chunk async for chunk in response.chunks()] == [b'{"a": 1}']
        assert response.read_to_end
        await response.aclose()
        assert not response.aborted
        with pytest.raises(SidestreamError, match="no route") as caught:
            await fetch(request)
        assert caught.value.retryable
        for _ in range(2):
            response = await fetch(request)
            assert response.status == 201
            assert [chunk async for chunk in response.chunks()] == [b"https://a.test/x"]

    run(main())
    assert fetch.times == pytest.approx([0, 2, 3, 3])
    assert fetch.json(0) == {"q": 1}
    assert not fetch.all_closed
    assert "Bearer" not in repr(fetch.requests)


def test_knows_what_was_aborted() -> None:
    fetch = FakeFetch(Reply(MockSSEStream(b"abc").chunked(1)), Reply(delay_s=5))

    async def main() -> None:
        response = await fetch(HttpRequest("GET", "https://a.test"))
        chunks = response.chunks()
        assert await anext(chunks) == b"a"
        await response.aclose()
        assert response.aborted
        with pytest.raises(SidestreamError, match="closed while being read"):
            await anext(chunks)
        task = asyncio.create_task(fetch(HttpRequest("GET", "https://a.test")))
        await asyncio.sleep(1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run(main())
    assert fetch.cancelled == 1
    assert fetch.all_closed


def test_a_request_too_many_is_a_failed_assertion() -> None:
    with pytest.raises(AssertionError, match="no answer is scripted for request 1"):
        run(FakeFetch()(HttpRequest("GET", "https://a.test")))


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ("<!doctype html>", "text/html"),
        ("plain", "text/plain"),
        (b"bytes", None),
        ([1], "application/json"),
        (MockSSEStream(), "text/event-stream"),
    ],
)
def test_content_types(body: Any, content_type: str | None) -> None:
    assert Reply(body).headers.get("content-type") == content_type
    assert Reply(body, headers={"Content-Type": "x/y"}).headers["content-type"] == "x/y"
