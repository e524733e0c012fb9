from __future__ import annotations

import pytest

from sidestream.session.windows import KEPT_FOR_S, MAX_KEPT, Windows

KEY = ("https://a.test", "m")
time = 0.0


def windows() -> tuple[Windows, list[str]]:
    changes: list[str] = []
    made = Windows(lambda: time, lambda: changes.append(made.to_json()))
    return made, changes


def test_a_window_in_an_error_is_exact_and_one_that_it_implies_is_a_bound() -> None:
    made, changes = windows()
    assert made.get(KEY) is None
    made.exceeded(KEY, 9_000)
    assert made.get(KEY) == 9_000
    made.exceeded(KEY, 20_000)
    assert made.get(KEY) == 9_000, "that says nothing new"
    made.reported(KEY, 8_192)
    made.reported(KEY, 0)
    assert made.get(KEY) == 8_192
    made.reported(KEY, 16_384)
    assert made.get(KEY) == 16_384, "the server was started anew"
    assert made.get(("https://a.test", "other")) is None
    made.held(KEY, 16_000)
    assert made.get(KEY) == 16_384
    made.held(KEY, 17_000)
    assert made.get(KEY) is None
    assert len(changes) == 4


def test_they_come_back_and_are_forgotten_in_time() -> None:
    global time
    made, _ = windows()
    made.reported(KEY, 4_096)
    again, _ = windows()
    again.restore(made.to_json())
    assert again.get(KEY) == 4_096
    time += KEPT_FOR_S
    assert again.get(KEY) is None
    time = 0.0


def test_they_are_bounded() -> None:
    made, _ = windows()
    for number in range(MAX_KEPT + 5):
        made.reported((str(number), "m"), 1_000)
    assert made.get(("0", "m")) is None
    assert made.get((str(MAX_KEPT), "m")) == 1_000


@pytest.mark.parametrize("text", ["", "junk", "[1]", '[["a", "m", "x", 0]]', "{}"])
def test_what_cannot_be_read_is_left_out(text: str) -> None:
    made, _ = windows()
    made.restore(text)
    assert made.to_json() == "[]"
