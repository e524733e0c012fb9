from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidestream.decode import Decoder, decoder_for
from sidestream.decode._events import Events
from sidestream.decode.responses import ResponsesDecoder
from sidestream.sse import SSEDecoder
from sidestream.types import events as ev

STREAMS = Path(__file__).parent.parent / "fixtures" / "streams"
PLACES = {
    ev.OutputTextDelta: "item_id",
    ev.RefusalDelta: "item_id",
    ev.ReasoningContentDelta: "content_index",
    ev.ReasoningSummaryDelta: "summary_index",
}


def new_decoder(path: Path) -> Decoder:
    return decoder_for("chat" if "_chat" in path.name else "responses", now=lambda: 0.0)


def merged(events: list[ev.ResponseEvent]) -> list[ev.ResponseEvent]:
    """Join deltas in a second, simpler way."""
    found: list[ev.ResponseEvent] = []
    for event in events:
        place = PLACES.get(type(event))
        last = found[-1] if found else None
        if place and type(last) is type(event) and getattr(last, place) == getattr(event, place):
            found[-1] = last.model_copy(update={"delta": last.delta + event.delta})
        else:
            found.append(event)
    return found


@pytest.mark.parametrize("size", [1, 2, 5, 1000])
@pytest.mark.parametrize("path", sorted(STREAMS.glob("*.sse")), ids=lambda path: path.stem)
def test_joined_frames_give_the_same_as_single_frames(path: Path, size: int) -> None:
    frames = SSEDecoder().feed_data(path.read_bytes())
    single, whole, joining = new_decoder(path), new_decoder(path), new_decoder(path)
    for start in range(0, len(frames), size):
        some = frames[start : start + size]
        expected = [event for frame in some for event in single.feed(frame.decode())]
        events, joined = Events(), Events(joined=True)
        whole.feed_all(some, events)
        assert events.join() == expected
        joining.feed_all(some, joined)
        assert joined.join() == merged(expected)
    closing = single.close()
    for decoder in (whole, joining):
        assert decoder.close() == closing
        assert decoder.finished_items == single.finished_items
        assert decoder.skipped == single.skipped
        assert str(decoder.error) == str(single.error)


def test_nothing_is_read_after_the_end() -> None:
    frame = '{"type":"response.completed","response":{"id":"r"}}'
    decoder, events = decoder_for("responses"), Events(joined=True)
    decoder.feed_all([frame, frame, "{}"], events)
    assert [event.type for event in events.join()] == ["Completed"]
    assert decoder.skipped == 0


def test_invalid_bytes_become_replacement_characters() -> None:
    frame = b'{"type":"response.output_text.delta","item_id":"m","delta":"a\xff\xfeb"}'
    for data in (frame, frame.decode("utf-8", "replace")):
        events = decoder_for("responses").feed(data)
        assert events[-1] == ev.OutputTextDelta(delta="a\ufffd\ufffdb", item_id="m")


def test_a_frame_with_more_than_a_delta_is_read_whole() -> None:
    delta = {"type": "response.output_text.delta", "item_id": "m", "delta": "a"}
    plain, named = json.dumps(delta), json.dumps({**delta, "headers": {"openai-model": "other"}})
    decoder, events = decoder_for("responses"), Events(joined=True)
    decoder.feed_all([plain, plain, named, plain], events)
    assert events.join()[1:] == [
        ev.OutputTextDelta(delta="aa", item_id="m"),
        ev.ServerModel(model="other"),
        ev.OutputTextDelta(delta="aa", item_id="m"),
    ]


def test_a_delta_without_text_may_hold_something_else() -> None:
    delta = {"type": "response.output_text.delta", "item_id": "m"}
    decoder = decoder_for("responses")
    decoder.feed(json.dumps({**delta, "delta": "a"}))
    named = json.dumps({**delta, "headers": {"openai-model": "other"}})
    assert decoder.feed(named) == [ev.ServerModel(model="other")]


def test_a_split_character_is_put_together_across_joined_deltas() -> None:
    frames = [
        f'{{"type":"response.output_text.delta","item_id":"m","delta":"{half}"}}'
        for half in ("x\\ud83d", "\\ude00", "y")
    ]
    decoder, events = decoder_for("responses"), Events(joined=True)
    decoder.feed_all(frames, events)
    assert events.join()[1:] == [ev.OutputTextDelta(delta="x\U0001f600y", item_id="m")]


class PlainDecoder(ResponsesDecoder):
    """Reads every frame by the general path."""

    def _go_on(self, frames: Iterator[str | bytes], events: Events) -> str | bytes | None:
        return next(frames, None)


DELTAS = st.fixed_dictionaries(
    {"type": st.just("response.output_text.delta"), "item_id": st.sampled_from(["m", "m", "n"])},
    optional={
        "delta": st.sampled_from(["a", "", "\u00e9", "\U0001f600", "x\ud83d", "\ude00", 7, None]),
        "output_index": st.integers(0, 1),
        "sequence_number": st.integers(),
        "headers": st.sampled_from([{"openai-model": "other"}, {}, None]),
        "response": st.sampled_from([{}, "m", None]),
        "safety_buffering": st.sampled_from([{"use_cases": ["a"], "reasons": []}, None, 1]),
    },
)
OTHERS = st.sampled_from(
    [
        {"type": "response.output_text.done", "item_id": "m", "text": "a"},
        {"type": "response.refusal.delta", "item_id": "m", "delta": "no"},
        {"type": "response.output_item.done", "item": {"type": "message", "id": "m"}},
        {"type": "response.completed", "response": {"id": "r"}},
        {"type": "unknown"},
        {"delta": "response.output_text.delta", "item_id": "m"},
    ]
)
FRAMES = st.one_of(
    (DELTAS | DELTAS | OTHERS).map(lambda frame: json.dumps(frame).encode()),
    st.sampled_from([b"", b"{", b"[]", b"[DONE]", b'{"delta":"\xff"}', b'{"a":1},{"a":1}']),
)


@given(frames=st.lists(FRAMES, max_size=30), size=st.integers(1, 30), joined=st.booleans())
def test_the_fast_path_for_text_deltas_gives_what_the_general_path_gives(
    frames: list[bytes], size: int, joined: bool
) -> None:
    start: dict[str, Any] = {"type": "response.output_text.delta", "item_id": "m", "delta": "a"}
    frames = [json.dumps(start).encode(), *frames]
    fast, plain = ResponsesDecoder(), PlainDecoder()
    for place in range(0, len(frames), size):
        some = frames[place : place + size]
        events, expected = Events(joined=joined), Events(joined=joined)
        fast.feed_all(some, events)
        plain.feed_all(some, expected)
        assert events.join() == expected.join()
    assert fast.close() == plain.close()
    assert fast.finished_items == plain.finished_items
    assert (fast.skipped, str(fast.error)) == (plain.skipped, str(plain.error))
