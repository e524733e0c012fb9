from __future__ import annotations

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidestream.errors import ErrorKind, SidestreamError
from sidestream.sse import ServerSentEvent, SSEDecoder


def decode(*chunks: bytes, max_frame_bytes: int = 1 << 20) -> list[ServerSentEvent]:
    decoder = SSEDecoder(max_frame_bytes)
    events = [event for chunk in chunks for event in decoder.feed(chunk)]
    return events + decoder.close()


def reference(body: bytes) -> list[ServerSentEvent]:
    """The standard's algorithm, word for word, on the whole text (HTML standard, 9.2.6)."""
    text = body.decode("utf-8", "replace").removeprefix("\ufeff")
    data = event_type = last_id = ""
    retry = None
    events = []
    for line in re.split("\r\n|\n|\r", text)[:-1]:
        if line == "":
            if data != "":
                data = data.removesuffix("\n")
                events.append(ServerSentEvent(event_type or "message", data, last_id, retry))
                retry = None
            data = event_type = ""
            continue
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "event":
            event_type = value
        elif name == "data":
            data += value + "\n"
        elif name == "id" and "\0" not in value:
            last_id = value
        elif name == "retry" and re.fullmatch("[0-9]{1,15}", value):
            retry = int(value)
    return events


CASES = {
    "one line": (b"data: hello\n\n", [ServerSentEvent(data="hello")]),
    "no space after the colon": (b"data:hello\n\n", [ServerSentEvent(data="hello")]),
    "only one space is dropped": (b"data:  hello\n\n", [ServerSentEvent(data=" hello")]),
    "CR": (b"data: a\r\rdata: b\r\r", [ServerSentEvent(data="a"), ServerSentEvent(data="b")]),
    "CRLF": (b"data: a\r\ndata: b\r\n\r\n", [ServerSentEvent(data="a\nb")]),
    "mixed line ends": (b"data: a\r\ndata: b\rdata: c\n\r", [ServerSentEvent(data="a\nb\nc")]),
    "several data lines": (b"data: a\ndata:\ndata: b\n\n", [ServerSentEvent(data="a\n\nb")]),
    "data without a colon": (b"data\ndata\n\n", [ServerSentEvent(data="\n")]),
    "an empty data line": (b"data:\n\n", [ServerSentEvent(data="")]),
    "no data": (b"event: ping\n\nid: 7\n\ndata: x\n\n", [ServerSentEvent(data="x", id="7")]),
    "comments": (b": hi\n:\ndata: a\n: between\n\n", [ServerSentEvent(data="a")]),
    "event names": (
        b"event: a\ndata: 1\n\ndata: 2\n\n",
        [ServerSentEvent("a", "1"), ServerSentEvent("message", "2")],
    ),
    "the last event name counts": (b"event: a\nevent: b\ndata: 1\n\n", [ServerSentEvent("b", "1")]),
    "an event name without a colon is none": (
        b"event: a\nevent\ndata: 1\n\nevent:b\ndata: 2\n\n",
        [ServerSentEvent("message", "1"), ServerSentEvent("b", "2")],
    ),
    "ids stay": (
        b"id: 1\ndata: a\n\ndata: b\n\nid\ndata: c\n\n",
        [
            ServerSentEvent(data="a", id="1"),
            ServerSentEvent(data="b", id="1"),
            ServerSentEvent(data="c", id=""),
        ],
    ),
    "an id with NUL is ignored": (
        b"id: 1\nid: 2\x00\ndata: a\n\n",
        [ServerSentEvent(data="a", id="1")],
    ),
    "retry": (b"retry: 1500\ndata: a\n\n", [ServerSentEvent(data="a", retry=1500)]),
    "retry of an event without data": (
        b"retry: 20\n\ndata: a\n\ndata: b\n\n",
        [ServerSentEvent(data="a", retry=20), ServerSentEvent(data="b")],
    ),
    "bad retry": (
        b"retry: 1.5\nretry: -1\nretry: \xd9\xa3\ndata: a\n\n",
        [ServerSentEvent(data="a")],
    ),
    "absurd retry": (b"retry: " + b"9" * 5000 + b"\ndata: a\n\n", [ServerSentEvent(data="a")]),
    "unknown and odd fields": (
        b"foo: 1\nData: x\n data: y\ndata: a\n\n",
        [ServerSentEvent(data="a")],
    ),
    "BOM": (b"\xef\xbb\xbfdata: a\n\n", [ServerSentEvent(data="a")]),
    "a second BOM is not": (
        b"\xef\xbb\xbf\xef\xbb\xbfdata: a\n\ndata: b\n\n",
        [ServerSentEvent(data="b")],
    ),
    "a later BOM is data": (b"data: \xef\xbb\xbfa\n\n", [ServerSentEvent(data="\ufeffa")]),
    "invalid UTF-8": (
        b"data: \xff|\xe2\x82|\xf0\x9f\x98\n\n",
        [ServerSentEvent(data="\ufffd|\ufffd|\ufffd")],
    ),
    "separators that are no line ends": (
        "data: a\u2028b\u0085c\x0b\x0c\n\n".encode(),
        [ServerSentEvent(data="a\u2028b\u0085c\x0b\x0c")],
    ),
    "unfinished event": (b"data: a\n\ndata: b\n", [ServerSentEvent(data="a")]),
    "unfinished line": (b"data: a\n\ndata: b", [ServerSentEvent(data="a")]),
    "only blank lines": (b"\n\r\n\r\n", []),
    "nothing": (b"", []),
}


@pytest.mark.parametrize(("body", "events"), CASES.values(), ids=CASES.keys())
def test_decodes(body: bytes, events: list[ServerSentEvent]) -> None:
    assert decode(body) == events
    assert reference(body) == events


@pytest.mark.parametrize("body", [body for body, _ in CASES.values()], ids=CASES.keys())
def test_chunks_make_no_difference_at_any_single_cut(body: bytes) -> None:
    whole = decode(body)
    assert decode(*[body[i : i + 1] for i in range(len(body))]) == whole
    for cut in range(min(len(body), 200)):
        assert decode(body[:cut], b"", body[cut:]) == whole


PIECES = st.sampled_from(
    [
        *[b"data", b":", b" ", b"\n", b"\r", b"\r\n", b"\n\n", b"\r\n\r\n", b"data: ", b"event: "],
        *[
            b"id: ",
            b"retry: ",
            b"12",
            b"\0",
            b"\xef\xbb\xbf",
            b"\xe2\x82\xac",
            b"\xf0\x9f",
            b"\xff",
        ],
        *[b": comment\n", b"data: x\n\n", b'{"a":1}'],
    ]
)


@given(
    body=st.lists(PIECES | st.binary(max_size=8), max_size=40).map(b"".join),
    cuts=st.lists(st.integers(0, 300), max_size=12),
)
def test_agrees_with_the_standard_however_it_is_cut(body: bytes, cuts: list[int]) -> None:
    edges = [0, *sorted(min(cut, len(body)) for cut in cuts), len(body)]
    chunks = [body[start:end] for start, end in itertools.pairwise(edges)]
    events = decode(*chunks)
    assert events == reference(body)
    decoder = SSEDecoder()
    data = [
        data.decode("utf-8", "replace") for chunk in chunks for data in decoder.feed_data(chunk)
    ]
    assert data == [event.data for event in events]


@given(body=st.lists(PIECES, max_size=30).map(b"".join), size=st.integers(1, 9))
def test_the_limit_does_not_depend_on_the_cut(body: bytes, size: int) -> None:
    body = body.replace(b"\xef\xbb\xbf", b"")  # the one byte order mark counts only if it is cut

    def outcome(*chunks: bytes) -> tuple[list[ServerSentEvent], bool]:
        decoder = SSEDecoder(max_frame_bytes=12)
        events: list[ServerSentEvent] = []
        try:
            for chunk in chunks:
                events += decoder.feed(chunk)
            decoder.close()
        except SidestreamError:
            return events, True
        return events, False

    pieces = [body[i : i + size] for i in range(0, len(body), size)]
    assert outcome(*pieces) == outcome(body)


LIKE_A_MODEL_SERVER = st.sampled_from(
    [
        b'event: delta\ndata: {"delta":"x"}\n\n',
        b'data: {"delta":"y"}\n\n',
        b"data: \n\n",
        b": ping\n\n",
        b"event: only\n\n",
        b"retry: 12\nevent: delta\ndata: z\n\n",
        b"id: 7\ndata: z\n\n",
        b"event: one\nevent: two\ndata: event: three\n\n",
        b"data: a\ndata: b\n\n",
        b"data: a\r\n\r\n",
    ]
)


@given(
    body=st.lists(LIKE_A_MODEL_SERVER | LIKE_A_MODEL_SERVER | PIECES, max_size=20).map(b"".join),
    cuts=st.lists(st.integers(0, 500), max_size=8),
    limit=st.sampled_from([20, 30, 1 << 20]),
    whole_events=st.lists(st.booleans(), min_size=9, max_size=9),
)
def test_the_data_alone_is_the_same_however_it_is_cut_and_read(
    body: bytes, cuts: list[int], limit: int, whole_events: list[bool]
) -> None:
    edges = [0, *sorted(min(cut, len(body)) for cut in cuts), len(body)]
    chunks = [body[start:end] for start, end in itertools.pairwise(edges)]
    whole, mixed = SSEDecoder(limit), SSEDecoder(limit)
    for chunk, as_events in zip(chunks, whole_events, strict=False):
        try:
            expected = whole.feed(chunk)
        except SidestreamError:
            with pytest.raises(SidestreamError):
                mixed.feed_data(chunk)
            return
        if as_events:
            assert mixed.feed(chunk) == expected
        else:
            data = [data.decode("utf-8", "replace") for data in mixed.feed_data(chunk)]
            assert data == [event.data for event in expected]


def test_a_frame_that_is_too_large_is_a_clear_error() -> None:
    decoder = SSEDecoder(max_frame_bytes=1000)
    for _ in range(10):
        decoder.feed(b"x" * 100)
    with pytest.raises(SidestreamError, match="more than 1,000 bytes") as caught:
        decoder.feed(b"x")
    assert caught.value.kind is ErrorKind.BAD_RESPONSE
    assert not caught.value.retryable
    with pytest.raises(SidestreamError):
        decoder.feed(b"\n\ndata: more\n\n")


def test_many_lines_add_up_to_the_limit() -> None:
    with pytest.raises(SidestreamError):
        decode(b"data: xx\n" * 20, max_frame_bytes=100)
    assert len(decode(b"data: xx\n\n" * 20, max_frame_bytes=100)) == 20
    assert len(decode(b": comment\n" * 20 + b"data: xx\n\n", max_frame_bytes=100)) == 1


def test_events_before_an_oversized_frame_are_given_first() -> None:
    decoder = SSEDecoder(max_frame_bytes=10)
    assert decoder.feed(b"data: a\n\ndata: " + b"x" * 99) == [ServerSentEvent(data="a")]
    with pytest.raises(SidestreamError):
        decoder.close()


def test_a_long_frame_in_many_chunks_arrives_whole() -> None:
    text = "0123456789" * 100_000
    body = f"data: {text}\n\n".encode()
    assert decode(*[body[i : i + 997] for i in range(0, len(body), 997)]) == [
        ServerSentEvent(data=text)
    ]
