from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidestream.errors import ErrorKind, SidestreamError
from sidestream.session.rate_limits import RateLimitManager
from sidestream.session.request_queue import Priority, QueueLimits, RequestQueue
from sidestream.types.rate_limits import RateLimitSnapshot

NOW = 1_800_000_000.0


def queue(*ids: str, rate_limits: RateLimitManager | None = None, **limits: Any) -> RequestQueue:
    made = RequestQueue(rate_limits, limits=QueueLimits.model_validate(limits))
    for name in ids:
        made.add(name, {"text": name}, NOW)
    return made


def drain(made: RequestQueue, now: float = NOW) -> list[str]:
    taken = []
    while request := made.take(now):
        taken.append(request.id)
        made.done(request.id)
    return taken


def test_first_in_first_out_within_a_priority() -> None:
    made = queue("a", "b")
    made.add("low", None, NOW, priority=Priority.LOW)
    made.add("high", None, NOW, priority=Priority.HIGH)
    made.add("c", None, NOW)
    assert [request.id for request in made.waiting] == ["high", "a", "b", "c", "low"]
    assert len(made) == 5
    assert drain(made) == ["high", "a", "b", "c", "low"]
    assert made.wait_ms(NOW) is None
    assert made.take(NOW) is None


def test_the_same_id_is_queued_once() -> None:
    made = queue("a")
    assert made.add("a", "another", NOW + 1).payload == {"text": "a"}
    assert made.take(NOW)
    assert made.add("a", "again", NOW + 2).attempts == 1
    assert len(made) == 0


def test_a_full_queue_reports_it_and_loses_nothing() -> None:
    made = queue("a", "b", max_waiting=2)
    with pytest.raises(SidestreamError) as caught:
        made.add("c", None, NOW)
    assert caught.value.kind is ErrorKind.RATE_LIMITED
    assert "2 messages" in caught.value.message
    assert drain(made) == ["a", "b"]


def test_queued_requests_can_be_cancelled() -> None:
    made = queue("a", "b")
    assert made.cancel("a")
    assert not made.cancel("a")
    taken = made.take(NOW)
    assert taken
    assert taken.id == "b"
    assert not made.cancel("b")


def test_one_at_a_time_unless_more_may_be_under_way() -> None:
    made = queue("a", "b")
    assert made.take(NOW)
    assert made.take(NOW) is None
    assert made.wait_ms(NOW) is None
    made.done("a")
    made.done("unknown")
    assert made.wait_ms(NOW) == 0
    many = queue("a", "b", max_in_flight=None)
    assert many.take(NOW)
    assert many.take(NOW)


def test_what_was_not_sent_keeps_its_place() -> None:
    made = queue("a", "b")
    assert made.take(NOW)
    made.put_back("a")
    made.put_back("unknown")
    again = made.take(NOW)
    assert again
    assert (again.id, again.attempts) == ("a", 2)


def test_waits_for_the_rate_limits() -> None:
    rate_limits = RateLimitManager()
    rate_limits.update(
        RateLimitSnapshot.model_validate(
            {"limit_id": "codex", "primary": {"used_percent": 100, "resets_at": int(NOW) + 90}}
        ),
        NOW,
    )
    made = queue("a", rate_limits=rate_limits)
    assert made.wait_ms(NOW) == 90_000
    assert made.take(NOW + 89) is None
    assert drain(made, NOW + 90) == ["a"]
    other = RequestQueue(rate_limits, limit_id="other")
    other.add("b", None, NOW)
    assert other.wait_ms(NOW) == 0
    rate_limits.note_retry_after(5_000, NOW)
    assert other.wait_ms(NOW) == 5_000


def test_send_now_goes_before_everything() -> None:
    rate_limits = RateLimitManager()
    rate_limits.note_retry_after(60_000, NOW)
    made = queue("a", "b", "c", rate_limits=rate_limits)
    assert made.take(NOW) is None
    assert made.send_now("c")
    assert not made.send_now("unknown")
    taken = made.take(NOW)
    assert taken
    assert taken.id == "c"
    assert made.send_now("b")
    assert made.take(NOW)


def test_limits_of_its_own() -> None:
    made = queue("a", "b", "c", "d", per_minute=2, per_hour=3)
    assert drain(made, NOW) == ["a", "b"]
    assert made.wait_ms(NOW + 10) == 50_000
    assert drain(made, NOW + 60) == ["c"]
    assert made.wait_ms(NOW + 61) == 3_539_000
    assert drain(made, NOW + 3600) == ["d"]


def test_nothing_is_lost_or_sent_twice_over_a_restart() -> None:
    made = queue("a", "b", "c", per_minute=2)
    assert made.take(NOW)
    again = RequestQueue.from_json(made.to_json(), limits=made.limits)
    assert [request.id for request in again.in_flight] == ["a"]
    assert [request.id for request in again.waiting] == ["b", "c"]
    assert again.take(NOW) is None
    again.done("a")
    assert drain(again, NOW + 1) == ["b"]
    assert again.wait_ms(NOW + 1) == 59_000
    assert again.add("d", None, NOW).order == 3


@pytest.mark.parametrize("text", [None, "", "{", "[]", '{"waiting": 3}'])
def test_an_unreadable_state_is_an_empty_queue(text: str | None) -> None:
    assert len(RequestQueue.from_json(text)) == 0


COMMANDS = st.lists(
    st.tuples(
        st.sampled_from(["add", "take", "done", "put_back", "cancel", "send_now", "restart"]),
        st.sampled_from("abcdef"),
        st.sampled_from(list(Priority)),
    )
)


@given(COMMANDS)
def test_whatever_happens_each_request_is_in_one_place(
    commands: list[tuple[str, str, Priority]],
) -> None:
    made = RequestQueue(limits=QueueLimits(max_in_flight=2))
    expected: set[str] = set()
    for number, (command, name, priority) in enumerate(commands):
        now = NOW + number
        if command == "add":
            made.add(name, name, now, priority=priority)
            expected.add(name)
        elif command == "take":
            before = made.waiting
            taken = made.take(now)
            assert taken is None or taken.id == before[0].id
        elif command == "restart":
            made = RequestQueue.from_json(made.to_json(), limits=made.limits)
        else:
            known = {request.id for request in made.in_flight}
            if getattr(made, command)(name) and command == "cancel":
                expected.discard(name)
            if command == "done" and name in known:
                expected.discard(name)
        everywhere = [request.id for request in (*made.waiting, *made.in_flight)]
        assert sorted(everywhere) == sorted(expected)
