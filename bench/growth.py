"""How the cost grows with the length of an answer and with the history."""

from __future__ import annotations

import threading
import time
from itertools import pairwise
from typing import Any

from bench.browser import PATIENCE, Browser, Extension, ask
from bench.server import Server, Write, send_all
from bench.setup import Setup
from bench.stats import summary
from bench.streams import answer, messages, pieces, tokens
from e2e.cdp import Page

KILOBYTES = (1, 10, 100, 1000)
ITEMS = (10, 100, 1000, 10_000)
ITEMS_PER_TURN = 20
TOKEN = 4
"""The length of a delta, in characters."""

FILL = """async (count) => {
  const port = chrome.runtime.connect({name: "panel"});
  let settle;
  port.onMessage.addListener((message) => {
    port.postMessage({type: "Ack", count: 1});
    settle?.(message);
  });
  const exchange = (command, isAnswer) => new Promise((resolve, reject) => {
    settle = (message) => {
      if (message.type === "Rejected") reject(new Error(message.error.message));
      else if (isAnswer(message)) resolve(message);
    };
    port.postMessage(command);
  });
  await exchange({type: "Join"}, ({type, state}) => type === "Boot" && state === "ready");
  for (let turn = 0; turn < count; turn++) {
    const id = crypto.randomUUID();
    // A port that joins late gets the whole conversation instead.
    await exchange({type: "Send", id, text: "Hello"}, ({type, turn, conversation}) =>
      (type === "Turn" ? [turn] : type === "Conversation" ? conversation.turns : [])
        .some((one) => one.id === id && one.status === "completed"));
  }
  port.disconnect();
}"""


def run(setup: Setup) -> dict[str, Any]:
    """Measure the time by size, and the processor time along one long answer."""
    with Browser(setup.extension) as browser, Server() as server:
        extension = Extension(browser)
        extension.configure(server.base_url)
        panel = extension.open_panel()
        found = {
            "answer": _answers(setup, server, panel),
            "position": _position(setup, browser, server, panel),
        }
        panel.close()
        found["history"] = _history(setup, extension, server)
    return found


def _answers(setup: Setup, server: Server, panel: Page) -> dict[str, Any]:
    """Measure from Send until the last word is drawn, with the fastest possible server."""
    sizes = KILOBYTES[:3] if setup.quick else KILOBYTES
    samples: dict[int, list[float]] = {size: [] for size in sizes}
    scripts = {}
    for size in sizes:
        before, middle, after = answer(pieces(size * 1000, TOKEN))
        scripts[size] = send_all([*before, *(_in_blocks(middle)), *after])
    rounds = 1 if setup.quick else 4
    for number in range(rounds + 1):
        for size in sizes:
            server.script = scripts[size]
            took = ask(panel, per_chat=1)
            if number:
                samples[size] += took
    return {
        "ms": {f"{size} kB": summary(taken) for size, taken in samples.items()},
        "events": {f"{size} kB": size * 1000 // TOKEN for size in sizes},
    }


def _in_blocks(frames: list[bytes]) -> list[bytes]:
    return [b"".join(frames[start : start + 100]) for start in range(0, len(frames), 100)]


def _position(setup: Setup, browser: Browser, server: Server, panel: Page) -> dict[str, Any]:
    """Measure the processor time of worker and panel per kilobyte, along one steady answer."""
    size, rate = (50_000, 25_000) if setup.quick else (1_000_000, 25_000)
    step = 40
    before, middle, after = answer(pieces(size, step))
    written = 0

    def script(_: bytes, write: Write) -> None:
        nonlocal written
        write(b"".join(before))
        begin = time.monotonic()
        for number, frame in enumerate(middle):
            wait = begin + number * step / rate - time.monotonic()
            if wait > 0:
                time.sleep(wait)
            write(frame)
            written = (number + 1) * step
        write(b"".join(after))

    server.script = script
    points: list[tuple[int, float]] = []
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.1):
            if written >= len(points) * size // 10:
                points.append((written, browser.cpu_seconds()))

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    ask(panel, per_chat=1)
    over.set()
    watcher.join()
    costs = [
        (cpu - last_cpu) * 1000 / ((at - last) / 1000)
        for (last, last_cpu), (at, cpu) in pairwise(points)
        if at > last
    ]
    return {
        "cpu_ms_per_kB": [round(cost, 3) for cost in costs],
        "last/first": round(sum(costs[-2:]) / sum(costs[1:3]), 2),
    }


def _history(setup: Setup, extension: Extension, server: Server) -> dict[str, Any]:
    """Measure a short turn, and the panel's opening, after a growing number of items."""
    rounds = 1 if setup.quick else 3
    arrived: list[float] = []
    text = tokens(40)
    short = [messages(1, text)]

    def script(body: bytes, write: Write) -> None:
        arrived.append(time.time() * 1000)
        write(short[0])

    found: dict[str, Any] = {}
    items = 0
    for wanted in ITEMS[:2] if setup.quick else ITEMS:
        page = extension.open_options()
        page.evaluate(f"({FILL})(0)")
        while items < wanted:
            count = min(wanted - items, ITEMS_PER_TURN)
            turns = max(1, min(10, (wanted - items) // ITEMS_PER_TURN))
            server.script = send_all([messages(count - 1, text)])
            page.evaluate(f"({FILL})({turns})")
            items += count * turns
        extension.browser.stop_workers(page)
        extension.wake(page)
        page.close()
        server.script = script
        opened, took, until_request = [], [], []
        for _ in range(rounds):
            begin = time.monotonic()
            panel = extension.open_panel()
            panel.wait_until("document.querySelector('article') !== null", PATIENCE)
            opened.append((time.monotonic() - begin) * 1000)
            asked = panel.evaluate("Date.now()")
            took += ask(panel)
            until_request.append(arrived[-1] - asked)
            panel.close()
            items += 2
        found[f"{wanted:,} items"] = {
            "open_ms": summary(opened),
            "turn_ms": summary(took),
            "until_request_ms": summary(until_request),
        }
    return found
