"""An answer that is used while it grows: pressed, selected, focused, read.

The server writes 25 pieces per second, and only as many as the test has given it. A press lasts
until three more pieces are on the page, which is longer than the 90 ms of a quick finger.
"""

from __future__ import annotations

import queue
import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from e2e.app import App, Panel
from e2e.server import Exchange, ScriptedServer, response_events

PIECES_PER_SECOND = 25
PRESSES = 20

RECORD = """() => {
  window.hits = [];
  addEventListener("click", (event) => {
    if (event.target.closest(".markdown a")) event.preventDefault();
    window.hits.push(event.target.closest("a, button, summary") === window.aimed);
  }, true);
  // The browser's own menu would take the keyboard.
  addEventListener("contextmenu", (event) => {
    event.preventDefault();
    window.menuOf = event.target;
  }, true);
}"""
"""Whether each click was one of what was aimed at. No link is followed."""

AIM = """async ([selector, fromLast]) => {
  // What was let go scrolls to the end in the next frame, and an image takes its button's place.
  const frame = () => new Promise((resolve) => setTimeout(() => requestAnimationFrame(resolve)));
  do {
    for (const _ of [1, 2, 3]) await frame();
  } while (document.querySelector(".md-image[aria-busy]"));
  const all = [...document.querySelectorAll(selector)];
  window.aimed = all.at(-fromLast) ?? all[0];
  const box = window.aimed.getClientRects()[0];
  return {x: box.x + box.width / 2, y: box.y + box.height / 2};
}"""

PLACE = """() => {
  const box = window.aimed.getClientRects()[0];
  return box && {x: box.x + box.width / 2, y: box.y + box.height / 2};
}"""


class Growing:
    """A script that writes the answer as the test adds to it."""

    def __init__(self, beginning: str, *, reasoning: bool = False) -> None:
        self._pieces: queue.Queue[str | None] = queue.Queue()
        self._reasoning = reasoning
        self.text = ""
        """All that was added."""
        self.add(beginning)

    def add(self, text: str, count: int = 1) -> None:
        """Send more text, in this many pieces."""
        self.text += text
        size = -(-len(text) // count)
        for start in range(0, len(text), size):
            self._pieces.put(text[start : start + size])

    def end(self) -> None:
        """Have the answer ended."""
        self._pieces.put(None)

    def __call__(self, exchange: Exchange) -> None:
        """Answer a request of the Responses API."""
        whole = list(response_events("\0", reasoning="\0" if self._reasoning else ""))
        kind = "reasoning_summary_text.delta" if self._reasoning else "output_text.delta"
        at = next(i for i, event in enumerate(whole) if event["type"].endswith(kind))
        exchange.head()
        exchange.events(whole[:at])
        while (piece := self._next(exchange)) is not None:
            exchange.event({**whole[at], "delta": piece})
            exchange.pause(1 / PIECES_PER_SECOND)
        exchange.events(_with_text(whole[at + 1 :], self.text))

    def _next(self, exchange: Exchange) -> str | None:
        while True:
            try:
                return self._pieces.get(timeout=0.02)
            except queue.Empty:
                exchange.pause(0)


def _with_text(value: Any, text: str) -> Any:
    if isinstance(value, list):
        return [_with_text(part, text) for part in value]
    if isinstance(value, dict):
        return {key: _with_text(part, text) for key, part in value.items()}
    return text if value == "\0" else value


LINK = "[link{n}](https://example.org/{n})"
KINDS: dict[str, tuple[str, str, str]] = {
    "paragraph": ("", f"and {LINK} word{{n}} ", "a"),
    "list": ("", f"- **{LINK}** word{{n}}\n", "a"),
    "nested list": ("1. outer\n", f"   - {LINK} word{{n}}\n", "a"),
    "quotation": ("", f"> {LINK} word{{n}}\n>\n", "a"),
    "table": ("| a | b |\n| --- | --- |\n", f"| {LINK} | word{{n}} |\n", "a"),
    "code": ("```python\n", "text = 'word{n}'\n", "button[data-action=copy-code]"),
    "image": ("", "and ![picture{n}](http://127.0.0.1:9/{n}.png) word{n} ", "button.md-image"),
}
"""What opens each, a piece of it, and what in it is pressed."""

ABOVE = "Here is [above](https://example.org/above) a `block` before.\n\n"


@pytest.fixture(scope="module")
def opened(app: App) -> Panel:
    """The panel that the tests of this module share."""
    panel = app.open_panel()
    panel.page.evaluate(RECORD)
    return panel


@pytest.fixture
def panel(app: App, opened: Panel, server: ScriptedServer) -> Panel:
    """The shared panel with an empty conversation."""
    app.configure(server.base_url)
    opened.new_chat.click()
    expect(opened.conversation.get_by_role("article")).to_have_count(0)
    return opened


class Reader:
    """A user of an answer of one kind while it grows."""

    def __init__(self, panel: Panel, server: ScriptedServer, kind: str) -> None:
        opening, self._piece, self.selector = KINDS[kind]
        self._panel = panel
        self.page = panel.page
        self.number = 1
        """Of the last piece."""
        self._script = Growing(ABOVE + opening + self._piece.format(n=0) + self._piece.format(n=1))
        count = panel.answers.count()
        server.on("", self._script)
        panel.ask("Go on and on")
        expect(panel.answers).to_have_count(count + 1)
        self._see()

    def _see(self) -> None:
        expect(self._panel.answer).to_contain_text(re.compile(rf"word{self.number}\b"))

    def grow(self) -> None:
        """Three pieces more are on the page."""
        self.number += 1
        self._script.add(self._piece.format(n=self.number), 3)
        self._see()

    def end(self) -> None:
        """The answer is over, and the row below it is there."""
        self._script.end()
        self._panel.expect_idle()
        expect(self._panel.answer).not_to_have_attribute("aria-busy", "true")
        expect(self._panel.answer.locator(".after")).to_be_visible()

    def press(self, selector: str, from_last: int, meanwhile: Callable[[], None]) -> bool:
        """Press, let go when `meanwhile` is over; whether it was clicked and never moved."""
        before = self.page.evaluate("window.hits.length")
        place = self.page.evaluate(AIM, [selector, from_last])
        self.page.mouse.move(place["x"], place["y"])
        self.page.mouse.down()
        meanwhile()
        stayed = self.page.evaluate(PLACE) == place
        self.page.mouse.up()
        hits: list[bool] = self.page.evaluate("window.hits")
        return stayed and hits[before:] == [True]

    @property
    def selected(self) -> str:
        """The selected text."""
        text: str = self.page.evaluate("getSelection().toString()")
        return text


@pytest.mark.parametrize("kind", KINDS)
def test_twenty_of_twenty_clicks_land(panel: Panel, server: ScriptedServer, kind: str) -> None:
    """At the tail, a little above it and in the block before, and the last one across the end.

    paradigmxyz/flux#70 and microsoft/vscode#307978: buttons that were made anew or taken out for a
    moment with each token could not be clicked before the answer was over.
    """
    reader = Reader(panel, server, kind)
    landed = 0
    for count in range(PRESSES):
        from_last = 1 + 3 * (count % 2)
        first = (".markdown a", 10_000)
        where = first if count < 3 else (f".markdown {reader.selector}", from_last)
        landed += reader.press(*where, reader.end if count == PRESSES - 1 else reader.grow)
    assert landed == PRESSES
    expect(panel.answer).to_contain_text(f"word{reader.number}")


SELECT = """async ([word, other]) => {
  const frame = () => new Promise((resolve) => setTimeout(() => requestAnimationFrame(resolve)));
  // A selection holds the place; without it the end comes into view.
  getSelection().removeAllRanges();
  for (const _ of [1, 2, 3, 4]) await frame();
  const find = (text) => {
    const log = document.querySelector("#conversation");
    const walker = document.createTreeWalker(log, NodeFilter.SHOW_TEXT);
    let last;
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const at = node.data.search(new RegExp(text + "\\\\b"));
      if (at < 0 || !node.parentElement.closest(".markdown")) continue;
      const range = document.createRange();
      range.setStart(node, at);
      range.setEnd(node, at + text.length);
      last = range.getBoundingClientRect();
    }
    return last;
  };
  const [from, to] = [find(word), find(other)];
  return [from.left + 1, from.top + from.height / 2, to.right - 1, to.top + to.height / 2];
}"""


FOCUS = """(selector) => {
  window.aimed = [...document.querySelectorAll(selector)].at(-1);
  window.aimed.focus();
}"""


@pytest.mark.parametrize("kind", KINDS)
def test_twenty_of_twenty_selections_and_focuses_hold(
    panel: Panel, server: ScriptedServer, kind: str
) -> None:
    """Selected by mouse while it grows, extended by keyboard, kept to the end and by late colours.

    sourcegraph/cody#4268, ggml-org/llama.cpp#18091 and prototypsthlm/taco#75: what is selected in a
    growing answer is lost with each token; dragging failed in code even where it had become better.
    different-ai/openwork#3694: colours that come late replaced the selected text.
    """
    page = panel.page
    reader = Reader(panel, server, kind)
    missed = []
    for count in range(PRESSES // 2):
        # The last words, and those of the block before.
        tail = (f"word{reader.number - 1}", f"word{reader.number}")
        first, last = ("Here", "above") if count < 2 else tail
        x, y, to_x, to_y = page.evaluate(SELECT, [first, last])
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move((x + to_x) / 2, (y + to_y) / 2)
        reader.grow()
        page.mouse.move(to_x, to_y, steps=3)
        # What is under the pointer stays there while the answer grows.
        reader.grow()
        page.mouse.move(to_x, to_y)
        page.mouse.up()
        text = reader.selected
        # Not more than what was aimed at: the last letter may be left out.
        end = text.strip()[-len(last) :]
        aimed = text.strip().startswith(first) and last.startswith(end.split()[-1])
        if count < PRESSES // 2 - 1:
            reader.grow()
        else:
            page.keyboard.press("Shift+ArrowLeft")
            assert reader.selected != text
            text = reader.selected
            reader.end()
            if kind == "code":
                expect(panel.answer.locator("pre .hl-string").first).to_be_visible()
        if not aimed or reader.selected != text:
            missed.append((first, last, text, reader.selected))
    assert missed == []

    # Again from the beginning, for the keyboard.
    reader = Reader(panel, server, kind)
    focused = 0
    for count in range(PRESSES // 2):
        inside = "article:last-of-type .markdown"
        place = f"{inside} a" if count < 2 else f"{inside} {reader.selector}"
        page.evaluate(FOCUS, place)
        if count < PRESSES // 2 - 1:
            reader.grow()
        else:
            reader.end()
        focused += page.evaluate("document.activeElement === window.aimed")
    assert focused == PRESSES // 2
    # The row below the answer has not taken the keyboard.
    page.keyboard.press("Enter")
    assert page.evaluate("window.hits.at(-1)") is True


@pytest.mark.parametrize("kind", ["paragraph", "list", "table", "code", "image"])
def test_the_target_of_a_context_menu_stays(
    panel: Panel, server: ScriptedServer, kind: str
) -> None:
    """While pieces come, at the end and after late colours its commands have their target."""
    page = panel.page
    reader = Reader(panel, server, kind)
    reader.grow()
    target = "pre > code" if kind == "code" else reader.selector
    for change in (reader.grow, reader.grow, reader.end):
        place = page.evaluate(AIM, [f".markdown {target}", 1])
        page.mouse.move(place["x"], place["y"])
        page.mouse.click(place["x"], place["y"], button="right")
        page.evaluate("window.clicked = window.menuOf; window.text = window.clicked.textContent")
        assert page.evaluate("window.clicked.closest('a, button, code') === window.aimed")
        change()
        if kind == "code" and change == reader.end:
            expect(panel.answer.locator("pre .hl-string").first).to_be_visible()
        assert page.evaluate("window.clicked.isConnected")
        assert page.evaluate("window.clicked.textContent.startsWith(window.text)")
        page.mouse.click(place["x"], place["y"], button="right")
        if kind != "code":
            assert page.evaluate("window.clicked === window.menuOf")


def test_the_view_does_not_move_for_a_reader_who_has_scrolled_up(
    panel: Panel, server: ScriptedServer
) -> None:
    """Nothing above the tail moves while the answer grows and when it ends."""
    reader = Reader(panel, server, "list")
    for _ in range(18):
        reader.grow()
    panel.page.mouse.move(200, 300)
    panel.page.mouse.wheel(0, -150)
    expect(panel.page.get_by_role("button", name="Jump to latest")).to_be_visible()
    places = """() => [...document.querySelectorAll(".markdown a")].slice(0, 18)
      .map((link) => link.getBoundingClientRect().top)"""
    before = panel.page.evaluate(places)
    for change in (reader.grow, reader.grow, reader.end):
        change()
        assert panel.page.evaluate(places) == before


def test_reasoning_that_is_open_can_be_used_while_it_grows(
    panel: Panel, server: ScriptedServer
) -> None:
    """It stays open, at the same nodes, and its links can be pressed, to the answer's end."""
    page = panel.page
    growing = Growing("Think of [this](https://example.org/) word0 ", reasoning=True)
    server.on("", growing)
    panel.ask("Why?")
    reasoning = panel.answer.locator("details.reasoning")
    reasoning.locator("summary").click()
    page.evaluate("window.details = document.querySelector('details.reasoning')")
    for count in range(5):
        link = reasoning.get_by_role("link", name="this")
        box = link.bounding_box()
        assert box
        page.evaluate("window.aimed = document.querySelector('.reasoning a')")
        page.mouse.move(box["x"] + 5, box["y"] + 5)
        page.mouse.down()
        growing.add(f"and word{count + 1} ", 3)
        if count == 4:
            growing.end()
            panel.expect_idle()
        expect(reasoning).to_contain_text(f"word{count + 1}")
        page.mouse.up()
        assert page.evaluate("window.hits.at(-1)") is True
        assert page.evaluate("window.details.isConnected && window.details.open")


NODES = """() => [...document.querySelectorAll("article.answer .markdown *")]"""


def test_panels_and_the_worker_may_come_and_go(
    app: App, panel: Panel, server: ScriptedServer
) -> None:
    """A panel joins in the middle, the worker dies and comes back: what is there stays."""
    app.configure(server.base_url, background=True)
    opening, piece, _ = KINDS["nested list"]
    growing = Growing(ABOVE + opening + "".join(piece.format(n=n) for n in range(5)))
    server.on("", growing)
    panel.ask("Go on and on")
    expect(panel.answer).to_contain_text("word4")
    other = app.open_panel()
    expect(other.answer).to_contain_text("word4")
    for each in (panel, other):
        each.page.evaluate(f"window.nodes = ({NODES})()")
        each.page.evaluate("[...document.querySelectorAll('.markdown a')].at(-1).focus()")
        each.page.evaluate("window.focused = document.activeElement")
    growing.add(piece.format(n=5), 3)
    app.stop_worker(panel.page)
    growing.add(piece.format(n=6), 3)
    for each in (panel, other):
        expect(each.answer).to_contain_text("word6")
    growing.end()
    for each in (panel, other):
        each.expect_idle()
        assert each.page.evaluate("window.nodes.every((node) => node.isConnected)")
        assert each.page.evaluate("document.activeElement === window.focused")
    other.page.close()
