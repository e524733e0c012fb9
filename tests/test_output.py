"""What the caller receives: items once, batches, hidden reasoning."""

from __future__ import annotations

from contextlib import aclosing

import pytest

from sidestream import (
    CallOptions,
    Client,
    ErrorKind,
    ResponseEvent,
    SidestreamError,
    StreamMode,
)
from sidestream.testing import (
    ChatStream,
    FakeFetch,
    Reply,
    ResponsesStream,
    run,
)
from sidestream.types.events import (
    Completed,
    OutputItemDone,
    OutputTextDelta,
)
from sidestream.types.items import (
    ItemOrigin,
)
from tests.client_calls import PROMPT, Turn, chat_hello, client, hello

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


def test_what_arrives_together_is_one_batch_with_its_deltas_joined() -> None:
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
def test_batches_hold_what_the_single_events_hold(chat: bool) -> None:
    stream = chat_hello() if chat else hello()
    for size in (1, 30, 300):
        events = Turn(Reply(stream.chunked(size)), chat=chat).events
        batches, _ = drained(client(FakeFetch(Reply(stream.chunked(size))), chat=chat))
        batched = [event for batch in batches for event in batch]
        assert all(batches)
        for kind in (OutputTextDelta, OutputItemDone, Completed):
            single, joined = ([e for e in es if isinstance(e, kind)] for es in (events, batched))
            if kind is OutputTextDelta:
                single, joined = ("".join(e.delta for e in es) for es in (single, joined))
            assert joined == single


def test_batches_end_with_the_error_and_without_what_is_hidden() -> None:
    stream = ResponsesStream().text("Hel", "lo", done=False).incomplete()
    batches, error = drained(client(FakeFetch(Reply(stream))), AGGREGATED)
    assert error is not None
    assert error.kind is ErrorKind.INCOMPLETE
    assert [[event.type for event in batch] for batch in batches] == [
        ["OutputItemDone", "Completed"]
    ]


# --- hidden reasoning, origins ------------------------------------------------------------------


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
