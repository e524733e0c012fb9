from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidestream._json import MAX_DEPTH, parse

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text('[]{}"\\\n\ud83da'),
    lambda inner: st.lists(inner) | st.dictionaries(st.text('[{"\\'), inner),
)


@given(VALUES)
def test_reads_what_the_standard_library_reads(value: Any) -> None:
    text = json.dumps(value)
    assert parse(text) == parse(text.encode()) == value


@pytest.mark.parametrize("text", ["", "{", "nonsense", b"\xff", b"", '"\\'])
def test_nonsense(text: str | bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        parse(text)


def test_control_characters_and_byte_order_mark() -> None:
    assert parse('"a\nb"') == "a\nb"
    assert parse(b'\xef\xbb\xbf{"a":1}') == {"a": 1}


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}"), ('["]",', "]")])
def test_depth(opening: str, closing: str) -> None:
    assert parse(opening * MAX_DEPTH + "1" + closing * MAX_DEPTH)
    for levels in (MAX_DEPTH + 1, 60_000, 200_000):
        for text in (opening * levels, opening * levels + "1" + closing * levels):
            with pytest.raises(ValueError, match=r"nested too deeply|too many values"):
                parse(text)


def test_many_brackets_are_not_deep() -> None:
    wide = [[{}], "[[[[{{{{"] * 5_000
    assert parse(json.dumps(wide)) == wide


def test_strings_without_an_end() -> None:
    for text in ('"' + '\\"' * 500_000 + "[" * 300, "[" * 300 + '"' + "]" * 300 + "\\"):
        with pytest.raises(ValueError):  # noqa: PT011
            parse(text)
