"""From the server's write to the text in the panel's DOM, compared with pages without a worker."""

from __future__ import annotations

import json
import re
import time
from typing import Any

from bench.browser import PATIENCE, Browser, Extension, ask
from bench.server import Server, Write
from bench.setup import Setup
from bench.stats import percentile, ratio, summary
from bench.streams import answer
from e2e.cdp import Page

PANEL = "panel"
PEERS = {"sdk": "a page with the JavaScript SDK", "fetch": "a page with fetch and a parser"}
READERS = (PANEL, *PEERS)

RATES = {20: 4.0, 100: 4.0, 1000: 2.0}
"""The rates in events per second, and how many seconds each lasts."""

OVER = "document.querySelector('article.answer:last-child:not([aria-busy])') !== null"


class Clocked:
    """A server's script that writes numbered words at a steady rate and records the times."""

    def __init__(self, count: int, rate: float) -> None:
        words = [f"w{number} " if number % 20 else f"\n\nw{number} " for number in range(count)]
        self._before, self._deltas, self._after = answer(words)
        self._rate = rate
        self.written: list[float] = []
        """The times of the writes, in milliseconds on the system's clock."""

    def __call__(self, _: bytes, write: Write) -> None:
        """Answer one request."""
        self.written.clear()
        write(b"".join(self._before))
        begin = time.monotonic() + 0.3
        for number, frame in enumerate(self._deltas):
            wait = begin + number / self._rate - time.monotonic()
            if wait > 0:
                time.sleep(wait)
            self.written.append(time.time() * 1000)
            write(frame)
        time.sleep(0.2)
        write(b"".join(self._after))


def run(setup: Setup) -> dict[str, Any]:
    """Measure the p50 and p99 of every round in milliseconds, at each rate."""
    rounds = 1 if setup.quick else 4
    found: dict[str, Any] = {}
    with Browser(setup.bench_extension) as browser, Server() as server:
        extension = Extension(browser, "bench/worker.js")
        extension.configure(server.base_url)
        probe = (setup.bench_extension / "bench/probe.js").read_text("utf-8")
        pages = {
            PANEL: extension.open_panel(),
            "peers": extension.open("bench/peer.html"),
        }
        for page in pages.values():
            page.evaluate(probe)
        for rate, seconds in RATES.items():
            script = Clocked(int(rate * (1 if setup.quick else seconds)), rate)
            server.script = script
            samples: dict[str, dict[str, list[float]]] = {
                reader: {"p50": [], "p99": []} for reader in READERS
            }
            for number in range(rounds):
                for place in range(len(READERS)):
                    reader = READERS[(number + place) % len(READERS)]
                    page = pages[PANEL] if reader == PANEL else pages["peers"]
                    delays = _one(page, reader, script, server)
                    for name, percent in (("p50", 50), ("p99", 99)):
                        samples[reader][name].append(percentile(delays, percent))
            found[f"{rate} events/s"] = {
                "events": len(script.written) * rounds,
                "ms": {
                    reader: {name: summary(values) for name, values in by_name.items()}
                    for reader, by_name in samples.items()
                },
                "ratios": {
                    f"{name} {PANEL}/{peer}": ratio(samples[PANEL][name], samples[peer][name])
                    for peer in PEERS
                    for name in ("p50", "p99")
                },
            }
    return found


def _one(page: Page, reader: str, script: Clocked, server: Server) -> list[float]:
    """Return the delay of every word of one answer."""
    page.send("Page.bringToFront")
    page.evaluate("probe.begin()")
    if reader == PANEL:
        ask(page, per_chat=1)
    else:
        page.evaluate(f"ask({json.dumps(reader)}, {json.dumps(server.base_url)})")
        page.wait_until(OVER, PATIENCE)
    seen: list[float] = page.evaluate("probe.seen")
    text: str = page.evaluate("probe.text")
    words = [int(number) for number in re.findall(r"w(\d+)", text)]
    if words != list(range(len(script.written))) or len(seen) != len(words):
        raise RuntimeError(f"{reader} lost words: {len(words)} of {len(script.written)} arrived")
    return [shown - written for shown, written in zip(seen, script.written, strict=True)]
