"""From opening the panel until a conversation of 1,000 items can be read."""

from __future__ import annotations

import json
from typing import Any

from bench.browser import PATIENCE, Browser, Extension
from bench.growth import FILL, ITEMS_PER_TURN
from bench.server import Server, send_all
from bench.setup import Setup
from bench.stats import summary
from bench.streams import messages, tokens
from bench.wake import is_written
from e2e.cdp import Page, wait_until

ITEMS = 1000

WAYS = {"snapshot": "restoring the snapshot", "plain": "a plain boot"}
POINTS = {"readable": "the last messages are drawn", "ready": "Python is ready"}

WATCH = """(() => {
  const points = globalThis.points = {};
  const note = (name) => { points[name] ??= performance.now(); };
  const look = () => {
    if (document.querySelectorAll("article").length > 1)
      requestAnimationFrame(() => requestAnimationFrame(() => note("readable")));
    const status = document.querySelector("#status");
    if (points.started && status?.textContent === "") note("ready");
    if (status?.textContent) note("started");
  };
  const all = {childList: true, subtree: true, characterData: true};
  new MutationObserver(look).observe(document, all);
})()"""
"""Gives milliseconds since the page's navigation."""


def run(setup: Setup) -> dict[str, Any]:
    """Measure both ways in which Python starts. The worker is stopped each time."""
    rounds, items = (2, 2 * ITEMS_PER_TURN) if setup.quick else (7, ITEMS)
    samples: dict[str, dict[str, list[float]]] = {
        way: {point: [] for point in POINTS} for way in WAYS
    }
    with Browser(setup.extension) as browser, Server() as server:
        extension = Extension(browser)
        extension.configure(server.base_url)
        server.script = send_all([messages(ITEMS_PER_TURN - 1, tokens(40))])
        page = extension.open_options()
        page.evaluate(f"({FILL})({items // ITEMS_PER_TURN})")
        wait_until(lambda: is_written(page), PATIENCE, "a snapshot")
        for _ in range(rounds):
            for way in WAYS:
                value = json.dumps(way == "plain")
                page.evaluate(f"chrome.storage.local.set({{disable_snapshot: {value}}})")
                browser.stop_workers(page)
                for point, at in _open(extension).items():
                    samples[way][point].append(at)
    return {
        "items": items,
        "ms": {
            way: {point: summary(found) for point, found in points.items()}
            for way, points in samples.items()
        },
    }


def _open(extension: Extension) -> dict[str, float]:
    """Open the panel while the worker is stopped, and return when it reached which point."""
    panel: Page = extension.open("manifest.json")
    panel.send("Page.enable")
    panel.send("Page.addScriptToEvaluateOnNewDocument", source=WATCH)
    panel.send("Page.navigate", url=f"{extension.origin}/sidepanel/index.html")
    panel.wait_until("globalThis.points?.readable && globalThis.points.ready", PATIENCE)
    points: dict[str, float] = panel.evaluate("points")
    panel.close()
    return {point: points[point] for point in POINTS}
