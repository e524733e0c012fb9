"""Hostile Markdown: the longest task of the panel's page, and how soon Stop works."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from bench.browser import PATIENCE, Browser, Extension, ask
from bench.server import Server, Write
from bench.setup import Setup
from bench.streams import answer
from e2e.cdp import Page

SIZES = (20_000, 60_000, 200_000)
PIECE = 500
"""The length of each piece of a stream, in characters."""
WAYS = ("streamed", "opened", "stop")
"""The longest task while it is streamed, and while it is opened from storage; and the time from a
click on Stop until the turn has ended."""

Make = Callable[[int], str]


def repeated(unit: str) -> Make:
    """Return a function that repeats a unit up to a given length."""
    return lambda size: unit * (size // len(unit))


def _lines(line: str, first: str = "") -> Make:
    return lambda size: first + line * ((size - len(first)) // len(line))


WORDS = "The quick brown fox jumps over the lazy dog and **goes** on. "

INPUTS: dict[str, Make] = {
    "[": repeated("["),
    "[](": repeated("[]("),
    "[a](": repeated("[a]("),
    "![": repeated("!["),
    "****": repeated("*"),
    "**a ": repeated("**a "),
    "*a **a": repeated("*a **a "),
    "a**b": repeated("a**b"),
    "> > >": repeated("> "),
    "> > > lines": _lines("> > > > > > > > a\n"),
    "`": repeated("`"),
    "`a``b": lambda size: "".join("a" + "`" * (n % 600) for n in range(size // 300)),
    "|": repeated("|"),
    "| a | rows": _lines("| a | b |\n", "| a | b |\n|---|---|\n"),
    "wide table": lambda size: "|" * 1000 + "\n" + "|-" * 1000 + "|\n" + "|" * (size - 3000),
    "<": repeated("<"),
    "<a ": repeated("<a "),
    "<!--": repeated("<!--"),
    "</": repeated("</"),
    "aaaa@": repeated("aaaa@"),
    "http://a": repeated("http://a."),
    "a_a_": repeated("a_"),
    "setext": _lines("a\n-\n"),
    "blanks": repeated(" "),
    "blank lines": repeated("\n"),
    "- - -": lambda size: "- " * 1100 + "a\n" + WORDS * ((size - 2300) // len(WORDS)),
    "1. 1. 1.": lambda size: "1. " * 1600 + "a\n" + WORDS * ((size - 5000) // len(WORDS)),
    ">>>>": lambda size: ">" * 4000 + "a\n\n" + WORDS * ((size - 4000) // len(WORDS)),
    "details": _lines("<details><summary>a</summary>\n\n"),
    "$": repeated("$"),
    "$a": repeated("$a "),
    "\\(": repeated("\\("),
    "~~": repeated("~~a "),
    "&": repeated("&"),
    "[a]: ": _lines("[a]: b\n"),
    "[^1]": repeated("[^1] "),
    "one word": repeated("abcdefghij"),
    "one paragraph": repeated(WORDS),
    "one heading": lambda size: "# " + WORDS * (size // len(WORDS)),
    "one code": _lines("const a = 'text'; // and a comment\n", "```js\n"),
    "one line of code": lambda size: "```\n" + "x" * size,
    "one list": _lines(f"- {WORDS}\n"),
    "one item": lambda size: "- " + WORDS * (size // len(WORDS)),
    "one nested list": _lines(f"  - {WORDS}\n", "- a\n"),
    "- ````": _lines("- ````\n"),
    "```js": _lines("```js\n"),
    "|-": repeated("|-"),
    "Thai": repeated("ภาษาไทย"),
    "accents": repeated("a\u0301"),
    "bare links": repeated("https://example.com/a "),
    "math": repeated("$x^2$ "),
    "prose": lambda size: f"## Title\n\n{WORDS * 4}\n\n- a `b`\n- c\n\n" * (size // 270),
}

WATCH = """(() => {
  globalThis.longest = 0;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) longest = Math.max(longest, entry.duration);
  }).observe({entryTypes: ["longtask"]});
})()"""
"""The browser reports only tasks of 50 ms and more."""

OPENED = """document.querySelector("article.answer:last-of-type") !== null &&
  document.querySelector("[aria-busy=true]") === null"""

STOP = """async () => {
  const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
  const until = async (condition) => { while (!condition()) await sleep(2); };
  const busy = () => document.querySelector("[aria-busy=true]") !== null;
  document.querySelector("#new-chat").click();
  await until(() => document.querySelector("article") === null);
  const box = document.querySelector("#message");
  box.value = "Hello";
  box.dispatchEvent(new Event("input", {bubbles: true}));
  box.form.requestSubmit();
  const stop = document.querySelector("#stop");
  await until(() => !stop.hidden && document.querySelector(".blocks > *"));
  const begin = performance.now();
  stop.click();
  await until(() => stop.hidden);
  const took = performance.now() - begin;
  await until(() => !busy());
  return took;
}"""
"""Sends a message, and stops the answer as soon as some of it is drawn, while the rest arrives."""


def run(setup: Setup) -> dict[str, Any]:
    """Measure milliseconds by input, size and way; 0 for a longest task of less than 50."""
    names = ("[", "prose") if setup.quick else INPUTS
    sizes = SIZES[:1] if setup.quick else SIZES
    found: dict[str, Any] = {}
    with Browser(setup.extension) as browser, Server() as server:
        extension = Extension(browser)
        extension.configure(server.base_url)
        for name in names:
            found[name] = {}
            for size in sizes:
                text = INPUTS[name](size)
                found[name][str(size)] = {
                    "streamed": _streamed(extension, server, text),
                    "opened": _opened(extension),
                    "stop": _stopped(extension, server, text),
                }
    return found


def _streamed(extension: Extension, server: Server, text: str) -> float:
    panel = extension.open_panel()
    panel.evaluate(WATCH)
    server.script = _script(text)
    ask(panel, per_chat=1)
    longest = _settled(panel)
    panel.close()
    return longest


def _opened(extension: Extension) -> float:
    """Open the last conversation in a new panel."""
    panel = extension.open("manifest.json")
    panel.send("Page.enable")
    panel.send("Page.addScriptToEvaluateOnNewDocument", source=WATCH)
    panel.send("Page.navigate", url=f"{extension.origin}/sidepanel/index.html")
    panel.wait_until(OPENED, PATIENCE)
    longest = _settled(panel)
    panel.close()
    return longest


def _stopped(extension: Extension, server: Server, text: str) -> float:
    panel = extension.open_panel()
    is_over = threading.Event()
    server.script = _script(text, is_over)
    try:
        took: float = panel.evaluate(f"({STOP})()")
    finally:
        is_over.set()
    panel.close()
    return took


def _settled(page: Page) -> float:
    """Return the longest task, once all have ended and been reported."""
    page.evaluate("new Promise((resolve) => setTimeout(() => requestIdleCallback(resolve), 300))")
    longest: float = page.evaluate("longest")
    return longest


def _script(text: str, is_over: threading.Event | None = None) -> Callable[[bytes, Write], None]:
    """Return a script that writes the answer. With an event, it ends once that is set."""
    deltas = [text[at : at + PIECE] for at in range(0, len(text), PIECE)]
    before, middle, after = answer(deltas)

    def script(_: bytes, write: Write) -> None:
        for frame in (*before, *middle):
            write(frame)
        if is_over:
            is_over.wait(PATIENCE)
        for frame in after:
            write(frame)

    return script
