from __future__ import annotations

import json
from typing import Any

import pytest

from sidestream.session.limits import Limits
from sidestream.types.rate_limits import RateLimitSnapshot

NOW = 1_800_000_000.0
ONE = ("https://a.example", "m")
OTHER = ("http://localhost:1", "")


class Clock:
    now = NOW

    def __call__(self) -> float:
        return self.now


def window(used: float, resets_in: int) -> RateLimitSnapshot:
    primary = {"used_percent": used, "resets_at": int(NOW) + resets_in}
    return RateLimitSnapshot.model_validate({"primary": primary})


def names(limits: Limits) -> list[tuple[Any, ...]]:
    return [(view["name"], view.get("model")) for view in limits.view()]


def test_limits_in_force_are_listed_newest_first() -> None:
    clock, changes = Clock(), list[str]()
    limits = Limits(clock, lambda: changes.append("told"))
    limits.update(ONE, window(80, 60))
    clock.now += 1
    limits.note_retry_after(OTHER, 30_000)
    assert changes == ["told", "told"]
    assert names(limits) == [("http://localhost:1", None), ("https://a.example", "m")]
    assert limits.view()[1]["windows"][0]["used_percent"] == 80
    limits.update(ONE, window(81, 60))
    assert names(limits)[0] == ONE
    clock.now += 30
    assert names(limits) == [ONE]
    clock.now += 30
    assert limits.view() == []


def test_limits_in_force_outlive_the_process() -> None:
    clock = Clock()
    limits = Limits(clock)
    limits.update(ONE, window(100, 60))
    limits.update(OTHER, window(50, 10))
    clock.now += 20
    kept = limits.to_json()
    # Neither limits that are over nor the history of those in force are kept.
    [(*key, state)] = json.loads(kept)
    assert tuple(key) == ONE
    assert json.loads(state)["history"] == []
    again = Limits(clock)
    again.restore(kept)
    assert again.view() == limits.view()
    assert again.wait_ms(ONE) == 40_000
    assert again.wait_ms(OTHER) == 0


@pytest.mark.parametrize("text", ["", "{", "[1]", '[["a", "b"]]', '[["a", "b", "{"]]'])
def test_an_unreadable_state_is_an_empty_one(text: str) -> None:
    limits = Limits(Clock())
    limits.restore(text)
    assert limits.view() == []
    assert limits.wait_ms(ONE) == 0


def test_one_request_probes_while_the_others_wait() -> None:
    limits = Limits(Clock())
    assert limits.may_go(ONE, "a", waited=True)
    assert not limits.may_go(ONE, "b", waited=True)
    assert not limits.may_go(ONE, "new", waited=False)
    assert limits.may_go(OTHER, "new", waited=False)
    assert not limits.has_tried(ONE, "b")
    assert limits.has_tried(ONE, "a")
    assert limits.may_go(ONE, "new", waited=False)


def test_the_users_own_limit_is_one_of_the_provider_whatever_the_model() -> None:
    clock = Clock()
    limits = Limits(clock)
    another = (ONE[0], "another")
    assert limits.admit(ONE, "a", per_minute=2) == 0
    clock.now += 10
    assert limits.admit(another, "b", per_minute=2) == 0
    assert limits.admit(ONE, "c", per_minute=2) == 50_000
    assert limits.admit(OTHER, "d", per_minute=2) == 0
    assert limits.admit(ONE, "e") == 0, "there is no limit any more"
    clock.now += 51
    assert limits.admit(ONE, "f", per_minute=2) == 9_000, "what was urgent or free counts"


def test_the_users_own_limit_outlives_the_process() -> None:
    clock = Clock()
    limits = Limits(clock)
    limits.update(ONE, window(80, 600))
    assert limits.admit(ONE, "a", per_minute=1) == 0
    again = Limits(clock)
    again.restore(limits.to_json())
    assert again.admit(ONE, "b", per_minute=1) == 60_000
    assert again.admit(ONE, "c", per_minute=1, urgent=True) == 0
    assert again.view() == limits.view()
