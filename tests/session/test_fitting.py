"""What a request that must be shorter keeps of a conversation."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidestream.session.fitting import (
    IMAGE_LEFT_OUT,
    fit_outputs,
    fit_summary,
    shortened,
    tokens_in,
)
from sidestream.session.usage import estimate_tokens
from sidestream.types.items import (
    ContentItem,
    FunctionCallItem,
    FunctionCallOutputItem,
    ImageGenerationCallItem,
    InputImage,
    InputText,
    MessageItem,
    OutputText,
    ReasoningItem,
    ReasoningText,
    ResponseItem,
)

PNG = "data:image/png;base64," + "A" * 1_000_000


def user(text: str, *images: str) -> MessageItem:
    parts: list[ContentItem] = [InputImage(image_url=image) for image in images]
    return MessageItem(role="user", content=[*parts, InputText(text=text)])


def says(text: str) -> MessageItem:
    return MessageItem(role="assistant", content=[OutputText(text=text)])


def call(number: int, arguments: str, output: str) -> list[ResponseItem]:
    return [
        FunctionCallItem(call_id=f"c{number}", name="f", arguments=arguments),
        FunctionCallOutputItem(call_id=f"c{number}", output=output),
    ]


texts = st.one_of(st.text(max_size=50), st.integers(0, 40_000).map(lambda size: "word " * size))
turns = st.lists(
    st.tuples(texts, texts, texts).map(
        lambda said: [user(said[0]), *call(1, json.dumps({"a": said[1]}), said[2]), says(said[2])]
    ),
    min_size=1,
    max_size=6,
)


@given(turns, st.integers(100, 60_000), st.booleans())
def test_a_summarys_request_fits_and_holds_the_newest(
    said: list[list[ResponseItem]], room: int, summarised: bool
) -> None:
    items = fit_summary(said, room, summarised=summarised)
    whole = sum(map(tokens_in, said))
    if whole <= room:
        assert items == [item for turn in said for item in turn]
        return
    newest = user(said[-1][0].text)  # type: ignore[union-attr]
    found = [item for item in items if isinstance(item, MessageItem) and item.role == "user"]
    assert found[-1].text[:50] == newest.text[:50]
    # Some hundred tokens of each turn, and of the earlier summary, always stay.
    assert tokens_in(items) <= max(room, 1_500)
    for item in items:
        if isinstance(item, FunctionCallItem):
            assert isinstance(json.loads(item.arguments), dict)


def test_the_first_summary_is_removed_last() -> None:
    said: list[list[ResponseItem]] = [[user("SUMMARY: 4711")]]
    said += [[user("x" * 2_000), says("y" * 2_000)] for _ in range(50)]
    with_it = fit_summary(said, 1_000, summarised=True)
    assert "4711" in with_it[0].text  # type: ignore[union-attr]
    assert tokens_in(with_it) <= 1_000
    without = fit_summary(said, 1_000)
    assert "4711" not in without[0].text  # type: ignore[union-attr]


def test_images_are_removed_first_with_a_note() -> None:
    drawn = ImageGenerationCallItem(status="completed", result=PNG)
    said: list[list[ResponseItem]] = [[user("See", PNG), drawn], [user("And?")]]
    assert fit_summary(said, 10_000) == [item for turn in said for item in turn]
    short = fit_summary(said, 1_000)
    text = "".join(item.to_json() for item in short)
    assert text.count(IMAGE_LEFT_OUT) == 2
    assert "AAAA" not in text
    assert "AAAA" not in "".join(i.to_json() for i in fit_summary(said, None, images=False))


def test_signed_reasoning_is_not_touched() -> None:
    plain = ReasoningItem(content=[ReasoningText(text="hm " * 5_000)])
    signed = plain.model_copy(update={"extra": {"signature": "s"}})
    items = fit_summary([[user("q"), plain, signed, says("a")]], 6_000)
    kept = [item for item in items if isinstance(item, ReasoningItem)]
    assert estimate_tokens(kept[0]) < estimate_tokens(plain)
    assert kept[1] == signed


def test_outputs_are_shortened_from_the_oldest_on() -> None:
    items = [item for number in range(4) for item in call(number, "{}", "row;" * 4_000)]
    room = tokens_in(items) - 100
    fitted = fit_outputs(items, room)
    assert tokens_in(fitted) <= room
    assert fitted[2:] == items[2:]
    assert "characters left out" in fitted[1].to_json()
    least = fit_outputs(items, 0)
    assert [item.type for item in least] == [item.type for item in items]
    assert all(len(item.to_json()) < 500 for item in least)
    assert fit_outputs(items, 10**9) == items


@pytest.mark.parametrize("size", [0, 1, 99, 100, 101, 1_000])
def test_the_middle_is_left_out(size: int) -> None:
    text = "".join(str(number % 10) for number in range(size))
    short = shortened(text, 100)
    assert short[:50] == text[:50]
    assert short[-50:] == text[-50:]
    assert (short == text) == (size <= 100)
