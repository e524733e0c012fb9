"""Stored answers are resumed where they broke off; truncated ones can be continued."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from e2e.app import App, Panel
from e2e.cdp import wait_until
from e2e.faults import WORDS, Ledger, Stage, squeeze, text_of
from e2e.patience import PATIENCE
from e2e.server import Exchange, Gate, ScriptedServer, answer, response_events

LONG = [f"word {number} " for number in range(60)]
WHOLE = "".join(LONG).strip()


@pytest.fixture
def server(lasting_server: ScriptedServer) -> ScriptedServer:
    """One provider for the tests of this module, which share a panel."""
    lasting_server.reset()
    return lasting_server


@pytest.fixture
def kept(app: App, panel: Panel, server: ScriptedServer) -> Panel:
    """A panel whose provider stores its answers."""
    app.configure(server.base_url, background=True)
    return panel


def wait_until_stored(app: App, panel: Panel, text: str) -> None:
    """Wait until the running answer is stored up to this text."""

    def is_stored() -> bool:
        turns = app.stored_turns(panel.page)
        return any(turn["status"] == "running" and text in text_of(turn) for turn in turns)

    wait_until(is_stored, PATIENCE, f"“{text}” in storage")


def test_an_answer_outlives_the_worker(app: App, kept: Panel, server: ScriptedServer) -> None:
    gate = Gate(*LONG[:20], after=LONG[20:])
    server.on("", gate)
    kept.ask("Tell me")
    expect(kept.answer).to_contain_text("word 19")
    wait_until_stored(app, kept, "word 19")
    for _ in range(2):
        app.stop_worker(kept.page)
        expect(kept.status).to_contain_text("Picking the answer up")
        expect(kept.alert).to_be_hidden()
    gate.open.set()
    expect(kept.answer).to_have_text(WHOLE)
    kept.expect_idle()
    expect(kept.questions).to_have_count(1)
    assert len(server.turns) == 1
    kept.ask("And?")
    expect(kept.answer).to_have_text(WHOLE)
    assert WHOLE in str(server.wait_for_turn(2).json["input"])


def test_an_answer_that_has_ended_meanwhile(app: App, kept: Panel, server: ScriptedServer) -> None:
    """The answer ended while there was neither a panel nor a worker."""
    gate = Gate(*LONG[:20], after=LONG[20:])
    server.on("", gate)
    kept.ask("Tell me")
    expect(kept.answer).to_contain_text("word 19")
    wait_until_stored(app, kept, "word 19")
    app.stop_worker(kept.page)
    kept.page.close()
    gate.open.set()
    wait_until(
        lambda: all(s.finished for s in server.stored.values()), PATIENCE, "the end of the answer"
    )
    panel = app.open_panel()
    expect(panel.answer).to_have_text(WHOLE)
    panel.expect_idle()
    assert len(server.turns) == 1


def test_a_broken_connection(kept: Panel, server: ScriptedServer) -> None:
    def script(exchange: Exchange) -> None:
        events = list(response_events(*LONG))
        exchange.events(events[:30])
        exchange.drop()
        exchange.events(events[30:])

    server.on("", script)
    kept.ask("Tell me")
    expect(kept.answer).to_have_text(WHOLE)
    kept.expect_idle()
    assert len(server.turns) == 1


def test_stop_ends_the_answer_at_the_provider(kept: Panel, server: ScriptedServer) -> None:
    server.on("", Gate("Half ", "way"))
    kept.ask("Go on")
    expect(kept.answer).to_have_text("Half way")
    kept.stop.click()
    kept.expect_idle()
    (stored,) = server.stored.values()
    wait_until(lambda: stored.cancelled, PATIENCE, "the cancellation")


@pytest.mark.parametrize("way", ["Continue", "Retry"])
def test_an_answer_that_the_provider_has_forgotten(
    way: str, app: App, kept: Panel, server: ScriptedServer
) -> None:
    server.on("", Gate("Half ", "way"))
    kept.ask("Go on")
    expect(kept.answer).to_have_text("Half way")
    wait_until_stored(app, kept, "Half way")
    server.stored.clear()
    app.stop_worker(kept.page)
    expect(kept.alert).to_be_visible()
    kept.expect_idle()
    expect(kept.answer).to_contain_text("Half way")
    assert len(server.turns) == 1
    server.on("", answer("there"))
    for other in ("Continue", "Retry"):
        expect(kept.page.get_by_role("button", name=other, exact=True)).to_be_visible()
    kept.page.get_by_role("button", name=way, exact=True).click()
    expect(kept.answer).to_have_text("there")
    kept.expect_idle()
    said = [item["content"][0]["text"] for item in server.turns[1].json["input"]]
    assert said == (["Go on", "Half way", "Continue."] if way == "Continue" else ["Go on"])


def test_the_user_decides_whether_answers_are_kept(app: App, server: ScriptedServer) -> None:
    app.configure(server.base_url)
    options = app.open_options()
    choice = options.page.get_by_role("checkbox", name="Background mode")
    options.page.get_by_text("Advanced", exact=True).click()
    options.fill(base_url=server.base_url, wire_api="Chat Completions")
    expect(choice).to_be_hidden()
    options.wire_api.select_option(label="Responses")
    expect(choice).not_to_be_checked()
    choice.check()
    options.save.click()
    expect(options.status).to_contain_text("Saved")
    options.page.reload()
    expect(choice).to_be_checked()
    panel = app.open_panel()
    panel.ask("Hello")
    panel.expect_idle()
    sent = server.turns[0].json
    assert (sent["background"], sent["store"], sent["stream"]) == (True, True, True)


# --- killed at points that a seed decides ---------------------------------------------------------


@pytest.fixture(scope="module")
def stage(app: App, lasting_server: ScriptedServer) -> Iterator[Stage]:
    yield Stage(app, lasting_server, Ledger())
    app.close_pages()


def test_however_often_the_worker_dies_the_answer_is_whole(
    stage: Stage, server: ScriptedServer, pickup: int, fault_seed: int
) -> None:
    chance = random.Random(f"{fault_seed}-pickup-{pickup}")
    question = f"Question {fault_seed}-pickup-{pickup}."
    pieces = [chance.choice(WORDS) for _ in range(150)]
    pauses = [chance.choice((0, 0, 0.03, 0.1)) for _ in pieces]

    def script(exchange: Exchange) -> None:
        for number, event in enumerate(response_events(*pieces)):
            exchange.event(event)
            exchange.pause(pauses[number % len(pauses)])

    server.on(question, script)
    stage.app.configure(server.base_url, background=True)
    stage.new_chat()
    stage.panel.ask(question)
    wait_until(
        lambda: any("sequence_number" in turn for turn in stage.records()), PATIENCE, "a position"
    )
    for _ in range(chance.randrange(1, 4)):
        time.sleep(chance.uniform(0, 1.2))
        stage.kill()
    stage.settle()
    kept = stage.kept(question)
    assert (kept.status, kept.text) == ("completed", "".join(pieces))
    wait_until(lambda: squeeze(stage.shown(question)) == squeeze(kept.text), PATIENCE, "the screen")
    assert len(server.turns_of(question)) == 1
