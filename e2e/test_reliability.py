"""Whatever happens to the worker: no message is lost, and none is sent twice.

By default a sample of the cases is run; all of them with

    python build.py test e2e -- e2e/test_reliability.py --all-faults

`--fault-seed N` gives other points, and a case is repeated by its number and seed:

    python build.py test e2e -- e2e/test_reliability.py --all-faults --fault-seed 7 -k "kill-93"

docs/reliability.md describes how each case ends.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from playwright.sync_api import Playwright, expect

from e2e.app import App
from e2e.cdp import wait_until
from e2e.faults import Answer, Kept, Ledger, Stage, broken
from e2e.patience import PATIENCE
from e2e.server import ScriptedServer, answer, response_events


@pytest.fixture
def server(lasting_server: ScriptedServer) -> ScriptedServer:
    """One provider for the tests of this module, which share a panel."""
    lasting_server.reset()
    return lasting_server


@pytest.fixture(scope="module")
def ledger() -> Ledger:
    return Ledger()


@pytest.fixture(scope="module")
def open_stage(app: App, lasting_server: ScriptedServer, ledger: Ledger) -> Iterator[Stage]:
    yield Stage(app, lasting_server, ledger)
    app.close_pages()


@pytest.fixture
def stage(open_stage: Stage, server: ScriptedServer) -> Stage:
    """A panel with an empty conversation. One panel and one browser for all cases."""
    open_stage.new_chat()
    return open_stage


def before_the_request(stage: Stage, chance: random.Random, text: str) -> Answer:
    """While the message is on its way through panel, worker and storage."""
    answer = Answer(chance, pace=0)
    stage.server.on(text, answer)
    stage.panel.ask(text)
    time.sleep(chance.uniform(0, 0.12))
    return answer


def while_it_wakes(stage: Stage, chance: random.Random, text: str) -> Answer:
    """The worker was asleep: the message wakes it, and it dies while it starts."""
    answer = Answer(chance, pace=0)
    stage.server.on(text, answer)
    stage.kill()
    stage.panel.ask(text)
    time.sleep(chance.uniform(0, 0.9))
    return answer


def before_the_first_byte(stage: Stage, chance: random.Random, text: str) -> Answer:
    """The request has arrived; head or first byte are still to come."""
    answer = Answer(chance)
    answer.hold_at = chance.choice((-1, 0))
    stage.server.on(text, answer)
    stage.panel.ask(text)
    assert answer.held.wait(PATIENCE)
    time.sleep(chance.uniform(0, 0.05))
    return answer


def between_bytes(stage: Stage, chance: random.Random, text: str) -> Answer:
    """After any number of pieces, of which any may end within a character."""
    answer = Answer(chance)
    answer.hold_at = chance.randrange(1, len(answer.pieces))
    stage.server.on(text, answer)
    stage.panel.ask(text)
    assert answer.held.wait(PATIENCE)
    time.sleep(chance.choice((0, 0, chance.uniform(0, 0.3), 1.5)))
    return answer


def while_it_streams(stage: Stage, chance: random.Random, text: str) -> Answer:
    """At any time of an answer that never pauses."""
    answer = Answer(chance, size=300, pace=0.03)
    stage.server.on(text, answer)
    stage.panel.ask(text)
    stage.wait_for_request(text)
    time.sleep(chance.uniform(0, 3.5))
    return answer


def during_storage(stage: Stage, chance: random.Random, text: str) -> Answer:
    """In a transaction that is written and not committed, or just after."""
    answer = Answer(chance, size=120, pace=0.07)
    stage.server.on(text, answer)
    stage.hold_a_save(chance.randrange(1, 6), inside=chance.random() < 0.7)
    stage.panel.ask(text)
    stage.wait_for_save()
    return answer


def at_its_end(stage: Stage, chance: random.Random, text: str) -> Answer:
    """With the last bytes, and what is written then."""
    answer = Answer(chance, size=20, pace=0.005)
    stage.server.on(text, answer)
    stage.panel.ask(text)
    assert stage.wait_for_request(text).finished.wait(PATIENCE)
    time.sleep(chance.uniform(0, 0.06))
    return answer


PHASES: tuple[Callable[[Stage, random.Random, str], Answer], ...] = (
    before_the_request,
    while_it_wakes,
    before_the_first_byte,
    between_bytes,
    while_it_streams,
    during_storage,
    at_its_end,
)


def test_the_worker_is_killed(stage: Stage, kill: int, fault_seed: int) -> None:
    chance = random.Random(f"{fault_seed}-{kill}")
    text = f"Question {fault_seed}-{kill}."
    stage.panel.ask(f"Before {fault_seed}-{kill}.")
    expect(stage.panel.answer).to_contain_text("You said:")
    answer = PHASES[kill % len(PHASES)](stage, chance, text)
    stage.kill()
    kept = stage.check(text, answer)
    if kept.status == "interrupted" and chance.random() < 0.5:
        stage.retry(text)
    stage.go_on(f"After {fault_seed}-{kill}.")


def test_the_worker_is_killed_while_it_compacts(
    stage: Stage, compaction: int, fault_seed: int
) -> None:
    """Before the message is sent the conversation is summarised: neither of them is lost by it."""
    chance = random.Random(f"{fault_seed}-compaction-{compaction}")
    text = f"Question {fault_seed}-compaction-{compaction}."
    before = f"Before {fault_seed}-compaction-{compaction}."
    echo = f"You said: {text}"
    usage = {"input_tokens": 1900, "output_tokens": 100, "total_tokens": 2000}
    summary, first = Answer(chance), Answer(chance)
    # In the summary, right after its last byte, or in the answer that follows it.
    point = compaction % 3
    if point == 0:
        summary.hold_at = chance.randrange(-1, len(summary.pieces))
    else:
        first.hold_at = chance.randrange(-1, len(first.pieces))
    replies = (answer(echo), answer(echo)) if point == 1 else (first, answer(echo))
    stage.server.on(text, *replies)
    stage.server.on("Summarise our conversation", summary)
    stage.server.on(before, lambda exchange: exchange.events(response_events("Long", usage=usage)))
    stage.app.configure(stage.server.base_url, context_window=1000)
    try:
        stage.panel.ask(before)
        expect(stage.panel.answer).to_have_text("Long")
        stage.panel.expect_idle()
        stage.panel.ask(text)
        assert (first if point == 2 else summary).held.wait(PATIENCE)
        stage.kill()
        wait_until(lambda: stage.is_stored(text), PATIENCE, f"{text} in storage")
        wait_until(
            lambda: stage.is_on_hold(text) or stage.is_settled(), PATIENCE, "what becomes of it"
        )
        sent = stage.server.turns_of(text)
        if stage.is_on_hold(text):
            # The summary was lost, so the message was not sent.
            assert point != 2
            assert sent == []
            stage.server.on(text, answer(echo))
            stage.panel.page.get_by_role("button", name="Send now", exact=True).click()
            requests = 1
        elif stage.kept(text).status == "interrupted":
            # The summary was complete and the message on its way, or about to leave.
            assert point != 0
            assert len(sent) <= 1
            assert "".join(turn.sent_text() for turn in sent).startswith(stage.kept(text).text)
            stage.panel.retry.click()
            requests = len(sent) + 1
        else:
            # The summary was complete, and the message was sent by the worker that came next, or
            # was answered before the kill.
            assert point == 1
            requests = 1
        expect(stage.panel.answer).to_have_text(echo)
    finally:
        stage.app.configure(stage.server.base_url)
    stage.settle()
    assert len(stage.server.turns_of(text)) == requests
    stage.ledger.kept[before] = stage.kept(before)
    assert stage.ledger.kept[before] == Kept(before, "completed", "Long")
    # After a retry, the partial answer may be a version beside the new one.
    *_, last = stage.all_kept(text)
    assert last == Kept(text, "completed", echo)
    stage.go_on(f"After {fault_seed}-compaction-{compaction}.")


@pytest.mark.parametrize("how", ["killed", "stopped"])
def test_what_had_arrived_stays_when_it_ends_while_it_reconnects(stage: Stage, how: str) -> None:
    text = f"Question, {how}."
    stage.server.on(text, broken("Half of it", wait_s=30))
    stage.panel.ask(text)
    expect(stage.panel.status).to_contain_text("Reconnecting")
    wait_until(partial(stage.is_stored, text, "reconnecting"), PATIENCE, "the state in storage")
    if how == "killed":
        stage.kill()
        stage.check(text)
    else:
        stage.panel.stop.click()
        stage.settle()
    assert stage.kept(text).text == "Half of it"
    expect(stage.panel.answer).to_contain_text("Half of it")
    stage.go_on(f"After it was {how}.")


def test_nothing_is_lost_in_the_end(stage: Stage) -> None:
    stage.audit()


# --- the browser is killed ------------------------------------------------------------------------


class Wreck:
    """One profile, and the browser that runs with it at present."""

    def __init__(self, launch: Callable[[], App], server: ScriptedServer) -> None:
        self._launch = launch
        self._server = server
        self._ledger = Ledger()
        self.stage = Stage(launch(), server, self._ledger)

    def kill(self) -> Stage:
        """Kill the browser, and start it again."""
        self.stage.kill_the_browser()
        killed_at = self.stage.killed_at
        self.stage = Stage(self._launch(), self._server, self._ledger)
        self.stage.killed_at = killed_at
        return self.stage


@pytest.fixture(scope="module")
def wreck(
    playwright: Playwright,
    chromium: str,
    extension: Path,
    lasting_server: ScriptedServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Wreck]:
    profile = tmp_path_factory.mktemp("wreck")
    wreck = Wreck(lambda: App(playwright, chromium, extension, profile), lasting_server)
    yield wreck
    wreck.stage.audit()
    wreck.stage.app.close()


BROWSER_PHASES = (
    before_the_first_byte,
    between_bytes,
    while_it_streams,
    during_storage,
    at_its_end,
)


def test_the_browser_is_killed(
    wreck: Wreck, server: ScriptedServer, crash: int, fault_seed: int
) -> None:
    chance = random.Random(f"{fault_seed}-crash-{crash}")
    text = f"Question {fault_seed}-crash-{crash}."
    wreck.stage.new_chat()
    phase = BROWSER_PHASES[crash % len(BROWSER_PHASES)]
    answer = phase(wreck.stage, chance, text)
    is_known = bool(server.turns_of(text))
    stage = wreck.kill()
    if is_known or any(turn["user"] == text for turn in stage.records()):
        stage.check(text, answer)
    stage.go_on(f"After {fault_seed}-crash-{crash}.")


def test_the_browser_is_killed_while_messages_wait(wreck: Wreck, server: ScriptedServer) -> None:
    stage = wreck.stage
    stage.new_chat()
    answer = Answer(random.Random(1))
    answer.hold_at = len(answer.pieces) // 2
    server.on("The first.", answer)
    stage.panel.ask("The first.")
    assert answer.held.wait(PATIENCE)
    for text in ("The second.", "The third."):
        stage.panel.ask(text)
        wait_until(partial(stage.is_stored, text), PATIENCE, text)
    stage = wreck.kill()
    expect(stage.panel.questions).to_have_text(["The first.", "The second.", "The third."])
    expect(stage.panel.page.get_by_text("On hold")).to_be_visible()
    assert server.turns_of("The second.") == []
    stage.panel.page.get_by_role("button", name="Send now", exact=True).first.click()
    expect(stage.panel.answer).to_have_text("You said: The third.")
    stage.check("The first.", answer)
    assert [len(server.turns_of(text)) for text in stage.questions()] == [1, 1, 1]


# --- the panel is closed and opened, and there may be two -----------------------------------------


def right_after_enter(stage: Stage, text: str) -> Answer:
    """The worker is awake."""
    answer = Answer(random.Random(text))
    stage.server.on(text, answer)
    stage.panel.ask(text)
    return answer


def right_after_enter_and_asleep(stage: Stage, text: str) -> Answer:
    """The message wakes the worker, and the panel is gone before it is up: the next panel sends it,
    if it was too late."""
    answer = Answer(random.Random(text))
    stage.server.on(text, answer)
    stage.kill()
    stage.panel.ask(text)
    return answer


def before_its_first_byte(stage: Stage, text: str) -> Answer:
    """The server has the request and has sent nothing yet."""
    return held(stage, text, -1)


def between_its_bytes(stage: Stage, text: str) -> Answer:
    """In the middle of the answer."""
    return held(stage, text, 10)


def held(stage: Stage, text: str, at: int) -> Answer:
    """An answer that continues when the panel is closed."""
    answer = Answer(random.Random(text))
    answer.hold_at = at
    stage.server.on(text, answer)
    stage.panel.ask(text)
    assert answer.held.wait(PATIENCE)
    return answer


def in_line(stage: Stage, text: str) -> Answer:
    """Behind another answer."""
    answer = Answer(random.Random(text))
    before = held(stage, "The one before it.", 10)
    stage.server.on(text, answer)
    stage.panel.ask(text)
    expect(stage.panel.page.get_by_text("Queued", exact=True)).to_be_visible()
    answer.go_on = before.go_on
    return answer


def while_it_reconnects(stage: Stage, text: str) -> Answer:
    """Between a stream that broke and the next one."""
    answer = Answer(random.Random(text))
    stage.server.on(text, broken("Half of it", wait_s=2), answer)
    stage.panel.ask(text)
    expect(stage.panel.status).to_contain_text("Reconnecting")
    return answer


@pytest.mark.parametrize(
    "phase",
    [
        right_after_enter,
        right_after_enter_and_asleep,
        before_its_first_byte,
        between_its_bytes,
        in_line,
        while_it_reconnects,
    ],
    ids=lambda phase: phase.__name__,
)
@pytest.mark.parametrize("looks_on", [True, False], ids=["opened before the end", "opened late"])
def test_the_panel_is_closed_and_opened(
    stage: Stage, phase: Callable[[Stage, str], Answer], looks_on: bool
) -> None:
    text = f"Question {phase.__name__} {looks_on}."
    requests = 2 if phase is while_it_reconnects else 1
    answer = phase(stage, text)
    if looks_on:
        stage.reopen()
        answer.go_on.set()
    else:
        stage.panel.page.close()
        answer.go_on.set()
        if phase is not right_after_enter_and_asleep:
            stage.wait_for_request(text, requests).finished.wait(PATIENCE)
        stage.reopen()
    expect(stage.panel.answer).to_contain_text("end.")
    stage.check(text, answer, requests=requests)
    expect(stage.panel.alert).to_be_hidden()
    stage.go_on(f"After {phase.__name__} {looks_on}.")
