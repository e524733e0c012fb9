"""Work grows with the size of what a server sends, and no faster.

Work is counted in steps of the interpreter, never in seconds. Four times as much may take four
times as many steps, and a little more. The work within one step is bounded elsewhere.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sidestream._json import MAX_VALUES, has_too_many_values, parse
from sidestream.decode import Decoder, decoder_for
from sidestream.decode._bounds import MAX_ITEMS
from sidestream.decode._events import Events
from sidestream.decode._extras import Pieces, merge, settled
from sidestream.decode._inband import InBand
from sidestream.echoes import Echoes
from sidestream.errors import ErrorKind
from sidestream.model_list import MAX_MODELS, parse_model_list
from sidestream.payload.history import valid_history
from sidestream.rate_limits import MAX_FAMILIES, parse_rate_limits
from sidestream.session.blocks import MAX_CITATIONS, Block, Citation
from sidestream.session.tool_results import MAX_SOURCES, shown_of
from sidestream.session.turn import Turn, TurnStatus
from sidestream.types.items import (
    FunctionCallItem,
    MessageItem,
    OutputText,
    ResponseItem,
    WebSearchCallItem,
)

Frames = list[dict[str, Any]]
SMALL = 40


def steps(work: Callable[[], object]) -> int:
    """Count the steps that the interpreter takes."""
    count = 0

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal count
        frame.f_trace_lines, frame.f_trace_opcodes = False, True
        count += event == "opcode"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(before)
    return count


def grows_like_its_size(make: Callable[[int], Callable[[], object]], small: int = SMALL) -> None:
    make(small)()  # work that is done only once happens here
    if sys.platform == "emscripten":
        pytest.skip("Pyodide's interpreter does not report each of its steps")
    few, many = steps(make(small)), steps(make(4 * small))
    assert many < 4.8 * few + 20_000, (few, many)


# --- answers ------------------------------------------------------------------------------------


def read(wire_api: str, frames: Frames) -> tuple[Decoder, Turn]:
    """Read an answer into a turn, as a chat does."""
    decoder = decoder_for(wire_api)
    turn = Turn(id="t", user="", created_at=0)
    events = Events(joined=True)
    decoder.feed_all([json.dumps(frame) for frame in frames], events)
    for event in [*events.join(), *decoder.close()]:
        turn.apply(event)
    turn.finish(TurnStatus.COMPLETED if decoder.error is None else TurnStatus.INCOMPLETE)
    return decoder, turn


CREATED = {"type": "response.created", "response": {"id": "r"}}
COMPLETED = {"type": "response.completed", "response": {"id": "r"}}


def call(number: int) -> dict[str, Any]:
    ids = {"id": f"fc_{number}", "call_id": f"call_{number}"}
    return {"type": "function_call", **ids, "name": "add", "arguments": "{}"}


def done(item: dict[str, Any], index: int | None = None) -> dict[str, Any]:
    at = {} if index is None else {"output_index": index}
    return {"type": "response.output_item.done", "item": item, **at}


def added(item: dict[str, Any], index: int) -> dict[str, Any]:
    return {**done(item, index), "type": "response.output_item.added"}


def reasoning(number: int, **fields: Any) -> dict[str, Any]:
    return {"type": "reasoning", "id": f"rs_{number}", "summary": [], **fields}


def text(delta: str, item_id: str = "m") -> dict[str, Any]:
    return {"type": "response.output_text.delta", "item_id": item_id, "delta": delta}


def cited(number: int) -> dict[str, Any]:
    source = {"type": "url_citation", "url": f"https://a.test/{number}", "title": "t"}
    return {
        "type": "response.output_text.annotation.added",
        "item_id": "m",
        "annotation": source,
    }


def search(number: int) -> Frames:
    item = {"type": "web_search_call", "id": f"ws_{number}", "action": {"query": "q"}}
    return [
        {"type": f"response.web_search_call.{status}", "item_id": item["id"]}
        for status in ("in_progress", "searching", "completed")
    ] + [done(item, number)]


def part(number: int) -> Frames:
    return [
        {"type": "response.content_part.added", "item_id": "m", "part": {}},
        text("a"),
        {"type": "response.output_text.done", "item_id": "m", "text": "a"},
    ]


def many(make: Callable[[int], dict[str, Any]]) -> Callable[[int], Frames]:
    return lambda count: [CREATED, *map(make, range(count)), COMPLETED]


RESPONSES: dict[str, Callable[[int], Frames]] = {
    "calls": many(lambda n: done(call(n), n)),
    # hermes-agent#106125: each start and end searched the rows of all calls.
    "calls that begin and end": lambda count: [
        CREATED,
        *(added(call(n), n) for n in range(count)),
        *(done(call(n), n) for n in reversed(range(count))),
        COMPLETED,
    ],
    "calls that only the end tells": lambda count: [
        CREATED,
        {"type": "response.completed", "response": {"output": [*map(call, range(count))]}},
    ],
    "calls without any id": many(
        lambda n: done({"type": "function_call", "name": "add", "arguments": f'{{"n":{n}}}'})
    ),
    "searches": lambda count: [
        CREATED,
        *(frame for n in range(count) for frame in search(n)),
        COMPLETED,
    ],
    "sources": lambda count: [CREATED, text("a"), *map(cited, range(count)), COMPLETED],
    "empty reasoning": many(lambda n: done(reasoning(n), n)),
    "reasoning that is finished twice": lambda count: [
        CREATED,
        *(done(reasoning(n), n) for n in range(count)),
        {
            "type": "response.completed",
            "response": {"output": [reasoning(n, encrypted_content="x") for n in range(count)]},
        },
    ],
    "parts of a summary": many(
        lambda n: {
            "type": "response.reasoning_summary_text.delta",
            "item_id": "rs",
            "summary_index": n,
            "delta": "a",
        }
    ),
    "parts of a summary without an index": lambda count: [
        CREATED,
        *(
            frame
            for n in range(count)
            for frame in (
                {"type": "response.reasoning_summary_part.added", "summary_index": n},
                {"type": "response.reasoning_summary_text.delta", "delta": "a"},
            )
        ),
        COMPLETED,
    ],
    "parts of a text": lambda count: [
        CREATED,
        *(frame for n in range(count) for frame in part(n)),
        COMPLETED,
    ],
    "messages": many(
        lambda n: done(
            {"type": "message", "id": f"m{n}", "content": [{"type": "output_text", "text": "a"}]}, n
        )
    ),
    "messages that stay open": many(lambda n: text("a", f"m{n}")),
    "items of unknown types": many(lambda n: done({"type": f"kind{n}_call", "id": f"k{n}"}, n)),
    "finished items behind one that is not": lambda count: [
        CREATED,
        text("a"),
        *(done(call(n), n + 1) for n in range(count)),
        COMPLETED,
    ],
    "frames that are no events": many(lambda n: {"type": "nobody.knows"}),
    # pi#9062: one character of the arguments in each delta.
    "arguments in single characters": lambda count: [
        CREATED,
        added(call(0), 0),
        *(
            {
                "type": "response.function_call_arguments.delta",
                "item_id": "fc_0",
                "delta": "a",
            }
            for _ in range(count)
        ),
        COMPLETED,
    ],
}


def chunk(**delta: Any) -> dict[str, Any]:
    return {"id": "x", "choices": [{"index": 0, "delta": delta}]}


def tool_call(number: int, **fields: Any) -> dict[str, Any]:
    return {"function": {"name": "add", "arguments": f'{{"n":{number}}}'}, **fields}


CHAT: dict[str, Callable[[int], Frames]] = {
    "calls": lambda count: [
        chunk(tool_calls=[tool_call(n, index=n, id=f"c{n}")]) for n in range(count)
    ],
    "calls without index and id": lambda count: [
        chunk(tool_calls=[tool_call(n)]) for n in range(count)
    ],
    "sources": lambda count: [
        chunk(content="a", annotations=[{"type": "url_citation", "url": f"https://a.test/{n}"}])
        for n in range(count)
    ],
    # oh-my-pi#10726: the cost of a delta must not grow with the message.
    "reasoning details": lambda count: [
        chunk(reasoning_details=[{"type": "reasoning.text", "index": n, "text": "a"}])
        for n in range(count)
    ],
    "text and refusal in turns": lambda count: [
        chunk(content="a") if n % 2 else chunk(refusal="b") for n in range(count)
    ],
    "reasoning and text in turns": lambda count: [
        chunk(content="a") if n % 2 else chunk(reasoning="b") for n in range(count)
    ],
    "whole messages after the deltas": lambda count: [
        *(chunk(content="a") for _ in range(count)),
        *({"choices": [{"index": 0, "message": {"content": ""}}]} for _ in range(count)),
    ],
}


@pytest.mark.parametrize("frames", RESPONSES.values(), ids=RESPONSES)
def test_an_answer_of_the_responses_api(frames: Callable[[int], Frames]) -> None:
    grows_like_its_size(lambda count: lambda: read("responses", frames(count)))


@pytest.mark.parametrize("frames", CHAT.values(), ids=CHAT)
def test_an_answer_of_chat_completions(frames: Callable[[int], Frames]) -> None:
    end = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    grows_like_its_size(lambda count: lambda: read("chat", [*frames(count), end]))


_ITEMS = st.sampled_from([*RESPONSES.values()])


@settings(max_examples=8, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(_ITEMS, min_size=2, max_size=3))
def test_answers_of_several_kinds(kinds: list[Callable[[int], Frames]]) -> None:
    def make(count: int) -> Callable[[], object]:
        frames = [frame for kind in kinds for frame in kind(count)[1:-1]]
        return lambda: read("responses", [CREATED, *frames, COMPLETED])

    grows_like_its_size(make, 20)


# --- where an answer ends -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wire_api", "frames"),
    [
        ("responses", RESPONSES["calls"]),
        ("responses", RESPONSES["searches"]),
        ("responses", RESPONSES["sources"]),
        ("responses", RESPONSES["parts of a summary"]),
        ("chat", CHAT["calls"]),
        ("chat", CHAT["sources"]),
    ],
)
def test_an_answer_of_too_many_parts_ends_with_an_error(
    wire_api: str, frames: Callable[[int], Frames]
) -> None:
    decoder, turn = read(wire_api, frames(MAX_ITEMS + 200))
    assert decoder.done
    assert decoder.error is not None
    assert decoder.error.kind is ErrorKind.INCOMPLETE
    assert decoder.error.message == "The answer has more than 1,000 parts and was cut off."
    assert not decoder.error.retryable
    assert turn.blocks
    assert len(turn.blocks) <= MAX_ITEMS + 1
    # Each call has an output, which reports that it was not run.
    assert len(turn.items) <= 2 * (MAX_ITEMS + 1)


def test_an_answer_of_as_many_parts_as_it_may_have_is_whole() -> None:
    decoder, turn = read("responses", RESPONSES["calls"](MAX_ITEMS))
    assert decoder.error is None
    assert len(turn.items) == MAX_ITEMS


def test_of_sources_without_end_the_first_are_named() -> None:
    block = Block(kind="text")
    for n in range(2 * MAX_CITATIONS):
        block.cite([Citation(url=f"https://a.test/{n}"), Citation(url="https://a.test/0")])
    assert block.citations is not None
    assert [source.url for source in block.citations[:2]] == [
        "https://a.test/0",
        "https://a.test/1",
    ]
    assert len(block.citations) == MAX_CITATIONS


def test_sources_of_one_search_without_end() -> None:
    def make(count: int) -> Callable[[], object]:
        found = [{"url": f"https://a.test/{n}", "name": "t"} for n in range(count)]
        return lambda: shown_of(WebSearchCallItem(action={"sources": found}))

    grows_like_its_size(make)
    shown = make(2 * MAX_SOURCES)()
    assert isinstance(shown, dict)
    assert len(shown["sources"]) == MAX_SOURCES


def test_sources_of_one_message_without_end() -> None:
    notes = [cited(n)["annotation"] for n in range(3 * MAX_ITEMS)]
    part = {"type": "output_text", "text": "a", "annotations": notes}
    decoder, turn = read("responses", [CREATED, done({"type": "message", "content": [part]})])
    assert len(decoder.feed("{}")) == 0
    assert turn.blocks[0].citations is not None
    assert len(turn.blocks[0].citations) == MAX_CITATIONS
    assert len(turn.items[0].to_json()) < 200 * MAX_ITEMS


def test_families_of_limits_without_end() -> None:
    headers = {f"x-family{n}-primary-used-percent": "5" for n in range(5_000)}
    assert len(parse_rate_limits(headers, now=0)) <= MAX_FAMILIES + 1


def ids_of(count: int) -> list[ResponseItem]:
    """Calls and messages with one id and different contents."""
    items: list[ResponseItem] = []
    for n in range(count):
        arguments = f'{{"n":{n}}}'
        items.append(FunctionCallItem(id="fc", call_id="c", name="add", arguments=arguments))
        part = OutputText(text=str(n))
        items.append(MessageItem(id="msg_1", role="assistant", content=[part]))
    return items


def test_a_history_of_items_with_one_id() -> None:
    grows_like_its_size(lambda count: lambda: valid_history(ids_of(count)), 20)


HUGE = 16 * 1024 * 1024
FRAMES = {
    "text": '{"type":"response.output_text.delta","item_id":"m","delta":"' + "a" * HUGE + '"}',
    "lists": '{"type":"response.completed","response":{"output":[' + "[]," * 300_000 + "0]}}",
    "names": '{"type":"x","item":{' + '"a":1,' * 300_000 + '"b":2}}',
    "texts": '{"type":"x","item":[' + '"a",' * 300_000 + "0]}",
    "numbers": '{"type":"x","item":[' + "1," * 300_000 + "0]}",
    "depth": '{"type":"x","item":' + "[" * 300_000,
    "digits": '{"type":"response.output_item.done","output_index":' + "9" * 300_000 + "}",
}


@pytest.mark.parametrize("frame", FRAMES.values(), ids=FRAMES)
@pytest.mark.parametrize("wire_api", ["responses", "chat"])
def test_a_frame_of_too_much_is_not_worked_on(
    wire_api: str, frame: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The frame is refused by its size and its brackets, without parsing it."""
    decoder = decoder_for(wire_api)
    taken: list[int] = []

    def loads(text: str, **_: Any) -> Any:
        taken.append(len(text))
        raise ValueError(text[:10])

    monkeypatch.setattr(json, "loads", loads)
    assert steps(lambda: decoder.feed(frame.encode())) < 10_000
    assert max(taken, default=0) < HUGE
    assert decoder.error is not None or decoder.skipped == 1


def test_values_in_texts_do_not_count() -> None:
    assert not has_too_many_values(json.dumps({"text": "[{,}]" * MAX_VALUES}))
    assert not has_too_many_values(json.dumps({"text": '",' * MAX_VALUES}))
    assert has_too_many_values(json.dumps(list(range(MAX_VALUES + 1))))
    assert has_too_many_values(json.dumps(["a"] * (5 * MAX_VALUES)).encode())
    with pytest.raises(ValueError, match="too many values"):
        parse(json.dumps([[]] * MAX_VALUES))


def test_numbers_that_are_too_large_to_use() -> None:
    frame = call(0) | {"name": "add"}
    huge = json.dumps(done(frame)).replace("}}", '},"output_index":' + "9" * 4_000 + "}")
    events = decoder_for("responses").feed(huge)
    assert events[-1].type == "OutputItemDone"
    assert "999" not in json.dumps([event.to_json() for event in events])


def test_a_list_of_models_without_end() -> None:
    body = json.dumps({"data": [{"id": f"m{n}"} for n in range(9_000)] + [{"id": "x" * 999}]})
    assert len(parse_model_list(body.encode())) == MAX_MODELS


# --- texts --------------------------------------------------------------------------------------


@pytest.mark.parametrize("mark", ["<think></think>", "<|START_TEXT|>", "<think>a</think> "])
def test_marks_of_reasoning_without_end(mark: str) -> None:
    """Each of them used to be read by a nested call."""
    pieces = InBand().feed(mark * 20_000)
    assert sum(len(said) for kind, said in pieces if kind == "text") > 10_000 * len(mark)


def test_reasoning_that_grows_is_joined_once() -> None:
    """vercel/ai#15670: a text that grows by ``+=`` is copied with each delta."""
    extra: dict[str, Any] = {}
    for _ in range(3):
        detail = {"type": "reasoning.text", "index": 0, "text": "ab"}
        merge(extra, {"reasoning_details": [detail]})
        merge(extra, {"thinking_blocks": [{"type": "thinking", "thinking": "cd"}]})
    assert isinstance(extra["reasoning_details"][0]["text"], Pieces)
    assert settled(extra) == {
        "reasoning_details": [{"type": "reasoning.text", "index": 0, "text": "ababab"}],
        "thinking_blocks": [{"type": "thinking", "thinking": "cdcdcd"}],
    }


KEY = "sk-proj-Ab3dEfGh1jKlMnOpQrStUvWxYz0123456789_-Zz"


@settings(max_examples=10, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        st.sampled_from(
            [KEY, KEY[:5], KEY[:11], KEY[7:20], " ", "%73", "\\u0073", "&#", "a", "\n"]
        ),
        min_size=1,
        max_size=6,
    )
)
def test_looking_for_a_key(fragments: list[str]) -> None:
    echoes = Echoes([KEY])
    unit = "".join(fragments)

    def make(count: int) -> Callable[[], object]:
        def work() -> None:
            stream = echoes.stream()
            for _ in range(count):
                stream.feed(unit)
            stream.end()

        return work

    grows_like_its_size(make, 5)
