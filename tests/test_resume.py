"""A stored answer is resumed where it broke off: nothing is doubled, nothing is lost."""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidestream import (
    ApiKeyAuth,
    CallOptions,
    Client,
    ErrorKind,
    Prompt,
    Provider,
    SidestreamError,
    StreamMode,
    WireApi,
)
from sidestream.payload.responses import ENCRYPTED_REASONING
from sidestream.testing import (
    FakeFetch,
    MockSSEStream,
    Refuse,
    Reply,
    ResponsesStream,
    StoredResponses,
    now,
    run,
)
from sidestream.types.events import (
    Batch,
    Completed,
    OutputItemDone,
    OutputTextDelta,
    Reconnecting,
    ResponseEvent,
)
from sidestream.types.items import MessageItem
from sidestream.types.tools import CodeInterpreterTool

FIXTURES = Path(__file__).parent / "fixtures"
RECORDINGS = [
    path
    for path in sorted(FIXTURES.glob("*/*responses*.sse"))
    # These two fail with errors that may be retried.
    if "failed" not in path.name and "error_event" not in path.name
]
PROMPT = Prompt.from_text("Hi")
LONG = [f"word {n} " for n in range(40)]


def hello() -> ResponsesStream:
    thought = ResponsesStream().created().reasoning("Let me ", "think.", encrypted_content="secret")
    return thought.text("Hel", "lo, ", "world", "!").completed()


def client(fetch: Any, **fields: Any) -> Client:
    provider = Provider(name="Test", base_url="https://a.test/v1", stream_max_retries=3)
    settings = {"provider": provider, "auth": ApiKeyAuth("sk-test-12345"), "model": "m", **fields}
    settings["defaults"] = settings.get("defaults") or CallOptions(background=True)
    return Client(fetch=fetch, now=now, random=lambda: 0.0, **settings)


class Received:
    """The events of a call, and how it ended."""

    def __init__(self) -> None:
        self.batches: list[Batch] = []
        self.error: SidestreamError | None = None

    @property
    def events(self) -> list[ResponseEvent]:
        return [event for batch in self.batches for event in batch]

    @property
    def types(self) -> list[str]:
        return [event.type for event in self.events]

    @property
    def text(self) -> str:
        return "".join(e.delta for e in self.events if isinstance(e, OutputTextDelta))

    @property
    def waits(self) -> list[Reconnecting]:
        return [event for event in self.events if isinstance(event, Reconnecting)]


async def take(batches: Any, limit: int | None = None) -> Received:
    """Take all batches, or the first ``limit`` as if the process had ended after them."""
    received = Received()
    try:
        async with aclosing(batches) as all_batches:
            async for batch in all_batches:
                if len(received.batches) == limit:
                    break
                received.batches.append(batch)
    except SidestreamError as error:
        received.error = error
    return received


def ask(fetch: Any, *, limit: int | None = None, **fields: Any) -> Received:
    return run(take(client(fetch, **fields).stream_batches(PROMPT), limit))


def resume(fetch: Any, response_id: str = "resp_1", after: int = 5, **fields: Any) -> Received:
    return run(take(client(fetch).resume(response_id, after, **fields)))


def cut_after(stream: MockSSEStream, words: str) -> int:
    return stream.body.index(words.encode()) + len(words)


# --- in one process ----------------------------------------------------------------------------


def test_a_broken_stream_is_resumed_and_not_requested_again() -> None:
    server = StoredResponses(hello(), cuts=[cut_after(hello(), '"lo, "}\n\n')])
    received = ask(server)
    assert received.error is None
    assert received.text == "Hello, world!"
    assert [wait.resumes for wait in received.waits] == [True]
    assert server.asked == 1
    again = server.requests[1]
    assert (again.method, again.body) == ("GET", None)
    assert again.address == "https://a.test/v1/responses/resp_1"
    sequence = json.loads(hello().body.split(b'"lo, "')[0].rsplit(b"data: ", 1)[1] + b'""}')
    assert parse_qs(urlsplit(again.url).query) == {
        "stream": ["true"],
        "starting_after": [str(sequence["sequence_number"])],
    }
    assert "idempotency-key" not in {name.lower() for name in again.headers}
    assert received.types.count("Completed") == 1


def test_what_a_server_sends_twice_is_taken_once() -> None:
    cut = cut_after(hello(), '"lo, "}\n\n')
    fetch = FakeFetch(Reply(hello().fail_at(cut)), Reply(hello()))
    received = ask(fetch)
    assert received.text == "Hello, world!"
    assert [request.method for request in fetch.requests] == ["POST", "GET"]


def test_each_resumption_that_brings_something_gives_the_budget_back() -> None:
    stream = ResponsesStream().created().text(*LONG).completed()
    server = StoredResponses(stream, cuts=[1500] * 12)
    received = ask(server)
    assert received.error is None
    assert received.text == "".join(LONG)
    assert len(received.waits) > 3
    assert {wait.attempt for wait in received.waits} == {1}


def test_resumptions_that_bring_nothing_end() -> None:
    server = StoredResponses(hello(), cuts=[cut_after(hello(), '"lo, "}\n\n'), 20, 20, 20, 20])
    received = ask(server)
    assert received.error is not None
    assert received.error.kind is ErrorKind.STREAM_CLOSED
    assert [wait.attempt for wait in received.waits] == [1, 2, 3]
    assert received.text == "Hello, "
    assert (server.asked, len(server.requests)) == (1, 4)


def test_requests_that_fail_while_resuming_void_nothing() -> None:
    stream = hello()
    cut = cut_after(stream, '"lo, "}\n\n')
    received = ask(FakeFetch(Reply(hello().fail_at(cut)), Refuse(), Refuse(), Reply(hello())))
    assert received.text == "Hello, world!"
    assert [wait.resumes for wait in received.waits] == [True, True, True]


def test_an_answer_that_the_provider_deleted_is_requested_again() -> None:
    server = StoredResponses(hello(), hello(), cuts=[cut_after(hello(), '"lo, "}\n\n')])

    async def fetch(request: Any) -> Any:
        if request.method == "GET":
            server.forget()
        return await server(request)

    received = ask(fetch)
    assert received.error is None
    assert [wait.resumes for wait in received.waits] == [True, False]
    assert server.asked == 2
    assert received.waits[1].reason == "The connection broke: connection reset."
    assert received.text == "Hello, Hello, world!"  # the second notice voids the first word


def test_an_answer_that_can_no_longer_be_streamed_is_waited_for_and_completed() -> None:
    server = StoredResponses(hello(), cuts=[cut_after(hello(), '"lo, "}\n\n')])
    server.streams = False
    server.looks_until_done = 3
    received = ask(server)
    assert received.error is None
    assert received.text == "Hello, world!"
    assert server.asked == 1
    assert [urlsplit(request.url).query for request in server.requests[2:]] == [""] * 4
    assert server.times[-1] - server.times[-4] == pytest.approx(2 + 3 + 4.5)


def test_an_answer_that_failed_meanwhile_raises_its_error() -> None:
    stream = ResponsesStream().created().text("Hel", done=False)
    cut = len(stream.body)
    server = StoredResponses(stream.failed("server_error", "It broke."), hello(), cuts=[cut])
    received = ask(server)
    assert received.error is None  # requested again, as any failed answer is
    assert server.asked == 2
    assert [wait.resumes for wait in received.waits] == [True, False]


def test_a_finished_call_does_not_stop_an_answer_from_being_resumed() -> None:
    stream = ResponsesStream().created().function_call("look", '{"a"', ": 1}").text("Done.")
    server = StoredResponses(stream.completed(), cuts=[cut_after(stream, '"Done."}\n\n')])
    received = ask(server)
    assert received.error is None
    assert received.types.count("OutputItemDone") == 2
    assert server.asked == 1


def test_without_background_nothing_is_resumed() -> None:
    for options in (CallOptions(), CallOptions(background=False)):
        server = StoredResponses(hello(), hello(), cuts=[cut_after(hello(), '"lo, "}\n\n')])
        received = ask(server, defaults=options)
        assert {(b.response_id, b.sequence_number) for b in received.batches} == {("", None)}
        assert [wait.resumes for wait in received.waits] == [False]
        assert server.asked == 2


def test_chat_completions_know_no_background() -> None:
    server = StoredResponses(ResponsesStream().created())
    received = ask(server, defaults=CallOptions(background=True, wire_api=WireApi.CHAT))
    assert received.error is not None
    assert "background" not in json.loads(server.requests[0].body or b"")
    assert all(request.method == "POST" for request in server.requests)


def test_a_batch_holds_the_position_even_if_its_events_are_hidden() -> None:
    whole = ask(StoredResponses(hello()))
    last = whole.batches[-1]
    frames = hello().body.count(b"data: ")
    assert (last.response_id, last.sequence_number) == ("resp_1", frames - 1)
    numbers = [b.sequence_number for b in whole.batches if b.sequence_number is not None]
    assert numbers == sorted(numbers)
    options = CallOptions(background=True, stream_mode=StreamMode.AGGREGATED)
    few = ask(StoredResponses(hello()), defaults=options)
    assert "OutputTextDelta" not in few.types
    assert few.batches[-1].sequence_number == frames - 1


@pytest.mark.parametrize("path", RECORDINGS, ids=[path.stem for path in RECORDINGS])
@settings(max_examples=15)
@given(data=st.data())
def test_a_stream_that_is_cut_anywhere_any_number_of_times_loses_nothing(
    path: Path, data: st.DataObject
) -> None:
    stream = MockSSEStream.from_file(path)
    cuts = st.lists(st.integers(0, len(stream.body)), max_size=8)
    patience = {"request_max_retries": 50, "stream_max_retries": 50}
    provider = Provider(name="Test", base_url="https://a.test/v1", **patience)

    def events(server: StoredResponses) -> tuple[list[ResponseEvent], str]:
        async def main() -> tuple[list[ResponseEvent], str]:
            received, ended = [], ""
            try:
                async for event in client(server, provider=provider).stream(PROMPT):
                    received.append(event)
            except SidestreamError as error:
                ended = error.message
            return received, ended

        received, ended = run(main())
        return [e for e in received if not isinstance(e, Reconnecting)], ended

    server = StoredResponses(*[stream] * 9, cuts=data.draw(cuts))
    received = events(server)
    if server.asked == 1:
        assert received == events(StoredResponses(stream))
    else:
        # It broke before anything arrived, so there was nothing to resume.
        assert received[0][-1:] == events(StoredResponses(stream))[0][-1:]


# --- in another process ------------------------------------------------------------------------


def test_what_has_ended_meanwhile_is_replayed() -> None:
    server = StoredResponses(hello())
    first = ask(server, limit=9)
    server_text = first.text
    at = first.batches[-1]
    assert at.sequence_number is not None
    received = run(take(client(server).resume(at.response_id, at.sequence_number)))
    assert received.error is None
    assert server_text + received.text == "Hello, world!"
    assert "Created" not in received.types
    assert received.types[-1] == "Completed"
    last = received.events[-1]
    assert isinstance(last, Completed)
    assert last.response_id == "resp_1"


def test_deltas_continue_where_they_stopped_and_finished_items_are_whole() -> None:
    """This holds even if the rest of a text begins like the whole."""
    server = StoredResponses(ResponsesStream().created().text("aa", "aa", "aa").completed())
    ask(server, limit=2)
    received = resume(server, after=4)
    assert received.text == "aaaa"
    assert received.types == ["OutputTextDelta", "OutputItemDone", "Completed"]
    (item,) = (event.item for event in received.events if isinstance(event, OutputItemDone))
    assert isinstance(item, MessageItem)
    assert item.text == "aaaaaa"


def test_finished_items_are_not_given_again() -> None:
    """This holds even if the provider sends the whole answer again."""
    server = StoredResponses(hello())
    whole = ask(server)
    items = [event.item for event in whole.events if isinstance(event, OutputItemDone)]
    server.streams = False
    received = resume(server, after=11, finished_items=items[:1])
    assert [e.item for e in received.events if isinstance(e, OutputItemDone)] == items[1:]


def test_the_rest_may_break_as_well() -> None:
    server = StoredResponses(hello())
    ask(server, limit=2)
    server.cuts = [900, 900]
    received = resume(server, after=2)
    assert received.error is None
    assert received.types.count("Completed") == 1
    assert [wait.resumes for wait in received.waits] == [True, True]


def test_an_answer_that_was_cancelled_meanwhile() -> None:
    stream = ResponsesStream().created().text("Hel", done=False)
    cancelled = stream._response("cancelled")
    server = StoredResponses(stream.send("response.cancelled", response=cancelled))
    ask(server, limit=3)
    received = resume(server, after=4)
    assert received.error is not None
    assert received.error.kind is ErrorKind.INCOMPLETE
    assert "cancelled" in received.error.message


def test_an_answer_that_is_gone() -> None:
    server = StoredResponses()
    received = resume(server)
    assert received.types == ["Completed"]
    assert received.error is not None
    assert received.error.kind is ErrorKind.NOT_FOUND
    assert received.error.message == "The provider no longer has this answer."
    assert "not found" in str(received.error)
    assert len(server.requests) == 1


def test_ids_are_no_paths() -> None:
    server = StoredResponses()
    resume(server, "../models?x=1#")
    assert server.requests[0].address == "https://a.test/v1/responses/..%2Fmodels%3Fx%3D1%23"


def test_what_was_included_is_asked_for_again() -> None:
    provider = Provider(name="OpenAI", base_url="https://api.openai.com/v1")
    server = StoredResponses()
    run(take(client(server, provider=provider, model="gpt-5.2").resume("resp_1", 3)))
    query = parse_qs(urlsplit(server.requests[0].url).query)
    assert query["include[]"] == [ENCRYPTED_REASONING]
    resumed = client(server, provider=provider, model="gpt-5.2")
    run(take(resumed.resume("resp_1", 3, tools=[CodeInterpreterTool()])))
    query = parse_qs(urlsplit(server.requests[1].url).query)
    assert query["include[]"] == [ENCRYPTED_REASONING, "code_interpreter_call.outputs"]


# --- the end -----------------------------------------------------------------------------------


def test_cancel_is_sent_to_the_provider() -> None:
    server = StoredResponses(hello())
    ask(server, limit=3)
    run(client(server).cancel("resp_1"))
    assert server.cancelled_ids == ["resp_1"]
    request = server.requests[-1]
    assert (request.method, request.body) == ("POST", None)
    assert request.address == "https://a.test/v1/responses/resp_1/cancel"
    assert server.all_closed


def test_cancel_of_what_is_gone_raises() -> None:
    with pytest.raises(SidestreamError) as caught:
        run(client(StoredResponses()).cancel("resp_1"))
    assert caught.value.status == 404


def test_cancelling_the_task_ends_the_polling() -> None:
    server = StoredResponses(hello(), cuts=[cut_after(hello(), '"lo, "}\n\n')])
    server.streams = False
    server.looks_until_done = 1_000_000

    async def main() -> None:
        task = asyncio.ensure_future(take(client(server).stream_batches(PROMPT)))
        await asyncio.sleep(60)
        task.cancel()
        await asyncio.wait([task])

    run(main())
    assert server.all_closed
    assert 5 < len(server.requests) < 40
