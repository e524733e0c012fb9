"""Turns run in the worker, while panels close and open and the worker stops."""

from __future__ import annotations

import json
import re
import threading
from functools import partial

from playwright.sync_api import expect

from e2e.app import App, Panel
from e2e.cdp import wait_until
from e2e.patience import PATIENCE
from e2e.server import Exchange, Gate, ScriptedServer, answer, response_events

LIMIT = 1 << 20
"""Characters that may be on their way to a panel, as in `extension/worker/panels.js`."""


def test_the_panel_closes_and_opens_in_mid_turn(
    app: App, panel: Panel, server: ScriptedServer
) -> None:
    gate = Gate("One ", "two ", after=["three ", "four"])
    server.on("", gate)
    panel.ask("Count")
    expect(panel.answer).to_have_text("One two")
    panel.page.close()
    late = app.open_panel()
    expect(late.questions).to_have_text("Count")
    expect(late.answer).to_have_text("One two")
    expect(late.stop).to_be_visible()
    gate.open.set()
    expect(late.answer).to_have_text("One two three four")
    late.expect_idle()


def test_an_answer_continues_without_a_panel(
    app: App, panel: Panel, server: ScriptedServer
) -> None:
    gate = Gate("One ", after=["two"])
    server.on("", gate)
    panel.ask("Count")
    expect(panel.answer).to_have_text("One")
    app.close_pages()
    gate.open.set()
    assert server.turns[0].finished.wait(PATIENCE)
    assert not server.turns[0].client_closed.is_set()
    late = app.open_panel()
    expect(late.answer).to_have_text("One two")
    late.expect_idle()


def test_panels_that_join_a_flood_miss_and_double_nothing(
    app: App, panel: Panel, server: ScriptedServer
) -> None:
    words = [f"w{number} " for number in range(1500)]
    opened = threading.Event()

    def script(exchange: Exchange) -> None:
        exchange.head()
        for number, event in enumerate(response_events(*words)):
            exchange.event(event)
            if number % 5 == 0:
                exchange.pause(0.01)
            if number == 1400:
                exchange.wait(opened)

    server.on("", script)
    panel.ask("Flood")
    expect(panel.answer).to_contain_text("w10 ")
    panels = [panel, *(app.open_panel() for _ in range(4))]
    opened.set()
    for each in panels:
        each.expect_idle()
        expect(each.answer).to_have_text("".join(words).strip())


WATCHED = """(() => {
  const { connect } = chrome.runtime;
  globalThis.news = [];
  chrome.runtime.connect = (...given) => {
    const port = connect.apply(chrome.runtime, given);
    port.onMessage.addListener((message) =>
      news.push([message.type, JSON.stringify(message).length]));
    const post = port.postMessage.bind(port);
    port.postMessage = (command) => {
      if (command.type === "Ack") news.push(["Ack", command.count]);
      post(command);
    };
    return port;
  };
  // Behind another tab the panel would draw by a timer instead.
  Object.defineProperty(document, "hidden", { get: () => false });
  const request = globalThis.requestAnimationFrame.bind(globalThis);
  const held = [];
  globalThis.holdsFrames = false;
  globalThis.requestAnimationFrame = (draw) => holdsFrames ? held.push(draw) : request(draw);
  globalThis.releaseFrames = () => {
    holdsFrames = false;
    for (const draw of held.splice(0)) request(draw);
  };
})()"""
"""Notes the sizes of the panel's messages, and can hold its frames up as a hidden page's are."""


def test_a_panel_that_does_not_draw_is_not_flooded(
    app: App, panel: Panel, server: ScriptedServer
) -> None:
    words = [f"w{number}-{'x' * 190}" for number in range(12_000)]
    paragraphs = [" ".join(words[start : start + 50]) + "\n\n" for start in range(0, 12_000, 50)]
    # Looked for in the page: a locator would report the whole flood each time it is not there.
    is_there = "() => document.querySelector('#conversation')?.textContent.includes('w11999-')"
    gate = Gate("Flood:\n\n", after=paragraphs)
    server.on("", gate)
    panel.page.add_init_script(WATCHED)
    panel.page.reload()
    panel.ask("Flood")
    expect(panel.answer).to_contain_text("Flood:")
    # A frame that was asked for before would still draw, and acknowledge a part of the flood.
    panel.page.evaluate(
        """new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))
          .then(() => { holdsFrames = true; })"""
    )
    other = app.open_panel()
    gate.open.set()
    other.page.wait_for_function(is_there, polling=200)
    other.expect_idle()
    panel.page.evaluate("releaseFrames()")
    panel.page.wait_for_function(is_there, polling=200)
    panel.expect_idle()
    shown = panel.answer.evaluate("answer => answer.textContent")
    assert re.findall(r"w\d+-", shown) == [f"w{number}-" for number in range(12_000)]
    assert len(shown) == len("Flood:" + "".join(paragraphs).replace("\n", "").rstrip())
    news = panel.page.evaluate("news")
    waiting: list[int] = []
    conversations = 0
    for kind, size in news:
        if kind == "Ack":
            del waiting[:size]
            continue
        conversations += kind == "Conversation"
        waiting.append(size if kind in ("Events", "Turn") else 0)
        # A message that is larger than that is sent alone.
        assert sum(waiting) <= LIMIT or sum(waiting) == waiting[-1]
    assert conversations > 1, "the panel was never behind"


def test_two_panels_show_the_same(app: App, panel: Panel, server: ScriptedServer) -> None:
    gate = Gate("One ", after=["two"])
    server.on("first", gate)
    other = app.open_panel()
    panel.ask("The first")
    for each in (panel, other):
        expect(each.answer).to_have_text("One")
        expect(each.stop).to_be_visible()
    other.stop.click()
    for each in (panel, other):
        each.expect_idle()
    other.ask("The second")
    for each in (panel, other):
        expect(each.answers).to_have_count(2)
        expect(each.answer).to_have_text("You said: The second")
        each.expect_idle()
    panel.new_chat.click()
    expect(panel.questions).to_have_count(0)
    expect(other.questions).to_have_count(2)


def test_two_panels_chat_at_once_and_each_finds_its_own_again(
    app: App, panel: Panel, server: ScriptedServer
) -> None:
    gates = [Gate("One ", after=["two"]), Gate("Three ", after=["four"])]
    server.on("first", gates[0])
    server.on("second", gates[1])
    other = app.open_panel()
    other.new_chat.click()
    panel.ask("The first")
    other.ask("The second")
    for each, question, text in ((panel, "The first", "One"), (other, "The second", "Three")):
        expect(each.answer).to_have_text(text)
        expect(each.questions).to_have_text(question)
    # The panel that is loaded again shows what was shown last in its window.
    other.page.reload()
    expect(other.answer).to_have_text("Three")
    for gate in gates:
        gate.open.set()
    expect(panel.answer).to_have_text("One two")
    expect(other.answer).to_have_text("Three four")
    app.stop_worker(panel.page)
    for each, text in ((panel, "Once more"), (other, "And here")):
        each.ask(text)
        expect(each.answer).to_have_text(f"You said: {text}")
        expect(each.questions).to_have_count(2)


def test_each_window_shows_its_own_conversation_again(
    app: App, panel: Panel, server: ScriptedServer
) -> None:
    panel.ask("In the first window")
    expect(panel.answer).to_have_text("You said: In the first window")
    other = app.open_panel(new_window=True)
    # A new window begins with what was shown last, in step with the first.
    expect(other.questions).to_have_text("In the first window")
    other.ask("From both")
    for each in (panel, other):
        expect(each.answer).to_have_text("You said: From both")
    other.new_chat.click()
    other.ask("In the second window")
    expect(other.answer).to_have_text("You said: In the second window")
    # Closed and opened again, as panels are; the worker may have ended meanwhile.
    panel.page.goto("about:blank")
    other.page.goto("about:blank")
    app.stop_worker(app.lasting_page)
    for each, text in ((panel, "From both"), (other, "In the second window")):
        each.page.goto(f"{app.origin}/sidepanel/index.html")
        expect(each.answer).to_have_text(f"You said: {text}")


def test_the_worker_stops_between_turns(app: App, panel: Panel, server: ScriptedServer) -> None:
    panel.ask("First")
    expect(panel.answer).to_have_text("You said: First")
    panel.expect_idle()
    app.stop_worker(panel.page)
    panel.ask("Second")
    expect(panel.answer).to_have_text("You said: Second")
    expect(panel.questions).to_have_text(["First", "Second"])
    sent = json.dumps(server.turns[1].json["input"])
    assert sent.index("First") < sent.index("You said: First") < sent.index("Second")


def test_the_history_is_there_when_worker_and_panel_were_gone(
    app: App, panel: Panel, server: ScriptedServer
) -> None:
    panel.ask("First")
    expect(panel.answer).to_have_text("You said: First")
    panel.expect_idle()
    app.stop_worker(panel.page)
    panel.page.reload()
    expect(panel.answer).to_have_text("You said: First")
    panel.ask("Second")
    expect(panel.answer).to_have_text("You said: Second")
    expect(panel.answers).to_have_count(2)


def test_the_worker_dies_in_mid_turn(app: App, panel: Panel, server: ScriptedServer) -> None:
    """The partial answer stays with a notice, and Retry runs the turn again."""
    server.on("", Gate("Half ", "way"))
    panel.ask("Go on")
    expect(panel.answer).to_have_text("Half way")
    # A growing answer is written down every second or so.
    wait_until(
        lambda: "Half way" in app.stored(panel.page), PATIENCE, "the partial answer in storage"
    )
    app.stop_worker(panel.page)
    expect(panel.alert).to_be_visible()
    panel.expect_idle()
    expect(panel.answer).to_contain_text("Half way")
    expect(panel.questions).to_have_text("Go on")
    server.on("", answer("Half ", "way ", "and on"))
    panel.retry.click()
    expect(panel.answer).to_have_text("Half way and on")
    panel.expect_idle()
    expect(panel.alert).to_be_hidden()


def test_a_message_sent_while_the_worker_wakes(
    app: App, panel: Panel, server: ScriptedServer
) -> None:
    """Sent once, answered once, however often the panel had to try."""
    app.stop_worker(panel.page)
    panel.ask("Good morning")
    expect(panel.answer).to_have_text("You said: Good morning")
    panel.expect_idle()
    expect(panel.questions).to_have_count(1)
    assert len(server.turns) == 1


def test_the_worker_wakes_before_anything_is_sent(
    app: App, panel: Panel, server: ScriptedServer
) -> None:
    """When a panel opens, and as soon as the user returns to it or types."""
    ready = "Python is up"
    wait_until(lambda: app.logged(ready), PATIENCE, f"{ready} after the panel opened")

    def is_awake(wake: str) -> bool:
        panel.page.evaluate(wake)
        return app.logged(ready)

    focus = "() => void window.dispatchEvent(new Event('focus'))"
    letter = "() => void document.querySelector('#message').dispatchEvent(new Event('input'))"
    for event in (focus, letter):
        app.stop_worker(panel.page)
        app.logs.clear()
        # The panel learns a little later that its worker is gone.
        wait_until(partial(is_awake, event), PATIENCE, f"{ready} after {event}")
    assert server.turns == []
