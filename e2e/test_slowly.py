"""Cases that take real time: the life of a worker, and retries that are used up.

The cases run side by side (`slow_cases.py`), in browsers without a debugger on the worker: an
attached one keeps the worker alive and hides the fault. That the method sees the fault is shown in
the same run, by a control extension beside Sidestream that reads a silent stream and does nothing
to stay alive: Chrome ends its worker after 30 s. It was tried with Sidestream too: with the call in
`worker/keep-alive.js` removed, the turn without a panel ends after 30 s of silence.
"""

from __future__ import annotations

import pytest

from e2e.app import API_KEY
from e2e.slow_cases import LONG_SILENCE, SlowRun


def test_a_turn_outlives_the_workers_idle_limit(slow_run: SlowRun) -> None:
    outcome = slow_run.outcome("silent_stretch")
    assert outcome.attached == []
    assert outcome.control is not None
    assert outcome.control.client_closed.is_set(), "the control was not ended: nothing is proved"
    assert outcome.seconds >= 45
    assert not outcome.turns[0].client_closed.is_set()
    assert outcome.alerts == []
    assert "A slow but steady answer" in outcome.answers[0]


def test_a_turn_without_a_panel_outlives_it_too(slow_run: SlowRun) -> None:
    outcome = slow_run.outcome("silent_without_a_panel")
    assert outcome.attached == []
    (turn,) = outcome.turns
    assert not turn.client_closed.is_set()
    assert outcome.alerts == []
    assert "A slow but steady answer" in outcome.answers[0]


def test_a_turn_at_a_slow_server_outlives_it_too(slow_run: SlowRun) -> None:
    outcome = slow_run.outcome("silent_before_the_head")
    assert outcome.attached == []
    (turn,) = outcome.turns
    assert not turn.client_closed.is_set()
    assert outcome.alerts == []
    assert "A slow but steady answer" in outcome.answers[0]


@pytest.mark.long
@pytest.mark.parametrize(
    "case",
    [
        "six_silent_minutes",
        "six_silent_minutes_without_a_panel",
        "six_silent_minutes_before_the_head",
    ],
)
def test_six_minutes_of_silence(slow_run: SlowRun, case: str) -> None:
    outcome = slow_run.outcome(case)
    assert outcome.attached == []
    (turn,) = outcome.turns
    assert not turn.client_closed.is_set()
    assert (turn.answered_at or 0) - turn.received_at >= LONG_SILENCE
    assert outcome.alerts == []
    assert "A slow but steady answer" in outcome.answers[0]


def test_a_long_silence_is_shown(slow_run: SlowRun) -> None:
    outcome = slow_run.outcome("silent_stretch")
    assert any("30 s" in notice for notice in outcome.notices), outcome.notices


def test_the_worker_may_sleep_after_the_turn_and_wakes_for_the_next(slow_run: SlowRun) -> None:
    outcome = slow_run.outcome("silent_stretch")
    assert outcome.worker_ended_after is not None
    assert outcome.worker_ended_after < 50
    assert len(outcome.questions) == len(outcome.answers) == 2
    assert "You said: And again" in outcome.answers[1]
    assert "steady answer" in outcome.turns[1].body.decode()


def test_a_host_that_refuses(slow_run: SlowRun) -> None:
    outcome = slow_run.outcome("refused")
    (alert,) = outcome.alerts
    assert "127.0.0.1" in alert
    assert "Retry" in outcome.buttons
    # It is on this computer: trying again would only keep the user waiting.
    # (The panel's own "Reconnecting to the background process..." is about the worker.)
    assert not any("Reconnecting 1/" in notice for notice in outcome.notices), outcome.notices
    assert "Is anybody there?" in outcome.questions[0]
    assert API_KEY not in alert


def test_a_stream_that_breaks_each_time(slow_run: SlowRun) -> None:
    outcome = slow_run.outcome("broken_stream")
    assert len(outcome.alerts) == 1
    assert "Half of it" in outcome.answers[0]
    assert outcome.answers[0].count("Half of it") == 1
    assert "Tell me all of it" in outcome.questions[0]
    assert len(outcome.turns) == 6


def test_nothing_but_junk(slow_run: SlowRun) -> None:
    outcome = slow_run.outcome("nothing_but_junk")
    assert len(outcome.alerts) == 1
    assert "Retry" in outcome.buttons
    assert "Make sense" in outcome.questions[0]
