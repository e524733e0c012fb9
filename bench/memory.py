"""The memory of worker and panel over a million events and over a thousand turns."""

from __future__ import annotations

from typing import Any

from bench.browser import Browser, Extension, ask, heap
from bench.server import Server, send_all
from bench.setup import Setup
from bench.streams import chunks, tokens
from e2e.cdp import Page

PARTS = {
    "worker_wasm": "Python's memory",
    "worker_js": "the worker's JavaScript",
    "panel_js": "the panel's JavaScript",
    "panel_dom": "the panel's DOM",
}
MEGABYTE = 1_000_000


def run(setup: Setup) -> dict[str, Any]:
    """Measure the megabytes after the warm-up and after each tenth of the work."""
    events, long_turns, short_turns = (1000, 20, 40) if setup.quick else (10_000, 100, 1000)
    long_answer = chunks(tokens(events), 20)
    short_answer = chunks(tokens(20), 1)
    found: dict[str, Any] = {}
    with Browser(setup.bench_extension) as browser, Server() as server:
        extension = Extension(browser, "bench/worker.js")
        extension.configure(server.base_url)
        panel = extension.open_panel()
        # A chat is discarded after ten turns, or after one long one, so that nothing should remain.
        for name, answer, turns, per_chat in (
            (f"{events * long_turns:,} events", long_answer, long_turns, 1),
            (f"{short_turns:,} turns", short_answer, short_turns, 10),
        ):
            server.script = send_all(answer)
            series = []
            for _ in range(11):
                ask(panel, turns // 10, per_chat=per_chat)
                series.append(_sample(extension, panel))
            found[name] = {part: _growth([one[part] for one in series]) for part in PARTS}
        # In one chat that is kept, the growth is the chat itself.
        before = _sample(extension, panel)
        turns = short_turns // 5
        ask(panel, turns)
        after = _sample(extension, panel)
        found["kB for each turn of one chat"] = {
            part: round((after[part] - before[part]) / turns / 1000, 2) for part in PARTS
        }
    return found


def _sample(extension: Extension, panel: Page) -> dict[str, float]:
    panel.evaluate("document.querySelector('#new-chat').focus()")
    worker, page = extension.heap(), heap(panel)
    return {
        "worker_wasm": worker["wasm"],
        "worker_js": worker["js"],
        "panel_js": page["js"],
        "panel_dom": page["dom"],
    }


def _growth(series: list[float]) -> dict[str, Any]:
    """Return the growth after the first tenth, which is the warm-up."""
    warm, *later = (round(value / MEGABYTE, 2) for value in series)
    return {
        "warm": warm,
        "later": later,
        "growth": round(later[-1] - warm, 2),
        "peak_growth": round(max(later) - warm, 2),
    }
