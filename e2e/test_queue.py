"""Queued messages: behind an answer, for a limit, for the network, over restarts."""

from __future__ import annotations

import threading
from collections.abc import Callable

from playwright.sync_api import expect

from e2e.app import App, Panel
from e2e.patience import PATIENCE, slowness
from e2e.server import Exchange, Gate, ScriptedServer, answer, response_events


def test_messages_are_queued_in_every_panel(app: App, panel: Panel, server: ScriptedServer) -> None:
    gate = Gate("One ", after=["two"])
    server.on("first", gate)
    panel.ask("The first")
    expect(panel.answer).to_have_text("One")
    panel.ask("The second")
    panel.ask("The third")
    other = app.open_panel()
    for each in (panel, other):
        expect(each.page.get_by_text("Queued", exact=True)).to_have_count(2)
        expect(each.questions).to_have_text(["The first", "The second", "The third"])
    assert len(server.turns) == 1
    gate.open.set()
    for each in (panel, other):
        expect(each.answer).to_have_text("You said: The third")
        each.expect_idle()
        expect(each.answers).to_have_text(
            ["One two", "You said: The second", "You said: The third"]
        )
    keys = [turn.headers["idempotency-key"] for turn in server.turns]
    assert len(set(keys)) == 3


def test_a_queued_message_is_cancelled_and_can_be_edited(
    panel: Panel, server: ScriptedServer
) -> None:
    gate = Gate("One ", after=["two"])
    server.on("first", gate)
    panel.ask("The first")
    expect(panel.answer).to_have_text("One")
    panel.ask("Mistaken")
    panel.page.get_by_role("button", name="Cancel", exact=True).click()
    expect(panel.questions).to_have_text(["The first"])
    expect(panel.message).to_have_value("Mistaken")
    gate.open.set()
    panel.expect_idle()
    panel.page.reload()
    expect(panel.questions).to_have_text(["The first"])
    assert len(server.turns) == 1


def test_send_now_stops_the_answer_under_way(panel: Panel, server: ScriptedServer) -> None:
    server.on("first", Gate("One ", after=["two"]))
    panel.ask("The first")
    expect(panel.answer).to_have_text("One")
    panel.ask("The second")
    panel.page.get_by_role("button", name="Send now", exact=True).click()
    expect(panel.answer).to_have_text("You said: The second")
    panel.expect_idle()
    expect(panel.answers.first).to_contain_text("One")
    assert server.turns[0].client_closed.wait(PATIENCE)


def test_queued_messages_are_on_hold_after_a_failure_and_continue_after_the_retry(
    panel: Panel, server: ScriptedServer
) -> None:
    queued = threading.Event()

    def refuse(exchange: Exchange) -> None:
        exchange.wait(queued)
        exchange.reply(400, {"error": {"message": "Not like this."}})

    server.on("first", refuse, answer("One"))
    panel.ask("The first")
    panel.ask("The second")
    queued.set()
    panel.expect_alert("Not like this.")
    expect(panel.page.get_by_text("On hold")).to_be_visible()
    assert len(server.turns) == 1
    panel.retry.click()
    expect(panel.answers).to_have_text(["One", "You said: The second"])
    panel.expect_idle()


def test_the_queue_survives_the_workers_end(app: App, panel: Panel, server: ScriptedServer) -> None:
    server.on("first", Gate("One "))
    panel.ask("The first")
    expect(panel.answer).to_have_text("One")
    panel.ask("The second")
    expect(panel.page.get_by_text("Queued", exact=True)).to_be_visible()
    app.stop_worker(panel.page)
    # The running message may have been sent: the user decides, and the queue is on hold.
    expect(panel.page.get_by_text("On hold")).to_be_visible()
    assert len(server.turns) == 1
    panel.page.get_by_role("button", name="Send now", exact=True).click()
    expect(panel.answer).to_have_text("You said: The second")
    panel.expect_idle()
    assert len(server.turns) == 2


def last_one(reset: str) -> Callable[[Exchange], None]:
    """An answer after which no request is allowed until the limit is reset."""

    def script(exchange: Exchange) -> None:
        exchange.head(
            headers={
                "x-ratelimit-limit-requests": "10",
                "x-ratelimit-remaining-requests": "0",
                "x-ratelimit-reset-requests": reset,
            }
        )
        exchange.events(response_events("One"))

    return script


def test_another_key_does_not_wait_for_the_limit_of_the_first(
    app: App, panel: Panel, server: ScriptedServer
) -> None:
    server.on("first", last_one("1h"))
    panel.ask("The first")
    expect(panel.answer).to_have_text("One")
    panel.ask("The second")
    expect(panel.page.get_by_text("Rate limited. Sending in")).to_be_visible()
    app.stop_worker(panel.page)
    app.configure(server.base_url, api_key="another-key-of-the-user")
    expect(panel.answer).to_have_text("You said: The second")
    assert server.turns[1].headers["authorization"] == "Bearer another-key-of-the-user"


RECORD_COUNTDOWN = """() => {
  window.countdown = [];
  new MutationObserver(() => {
    const [, left] = /Sending in (\\d+:\\d\\d)/.exec(document.body.textContent) ?? [];
    if (left && left !== countdown.at(-1)) countdown.push(left);
  }).observe(document.body, {subtree: true, childList: true, characterData: true});
}"""


def test_a_limit_is_waited_for_with_its_countdown(panel: Panel, server: ScriptedServer) -> None:
    # Not over before the second message has come to the queue.
    server.on("first", last_one(f"{min(59, round(6 * slowness()))}s"))
    panel.page.evaluate(RECORD_COUNTDOWN)
    panel.ask("The first")
    expect(panel.answer).to_have_text("One")
    panel.ask("The second")
    expect(panel.page.get_by_text("Rate limited. Sending in")).to_be_visible()
    assert len(server.turns) == 1
    expect(panel.answer).to_have_text("You said: The second")
    seen = [int(left.replace(":", "")) for left in panel.page.evaluate("countdown")]
    assert len(seen) > 1
    assert seen == sorted(seen, reverse=True)
