"""From bytes to events in the worker, compared with the JavaScript SDK and a bare parser."""

from __future__ import annotations

import json
from typing import Any

from bench.browser import Browser, Extension
from bench.setup import Setup
from bench.stats import ratio, summary
from bench.streams import chunks, tokens

OURS = {
    "chat": "Sidestream, to the panel's JSON",
    "client": "Sidestream, client alone",
    "decode": "Sidestream, decoding alone",
}
PEERS = {"sdk": "JavaScript SDK", "parser": "eventsource-parser + JSON.parse"}
READERS = (*OURS, *PEERS, "nothing")

CASES = {
    "1 per chunk": (1, False),
    "20 per chunk": (20, False),
    "1 per chunk, each in a task of its own": (1, True),
}


def run(setup: Setup) -> dict[str, Any]:
    """Measure the microseconds per event for each reader."""
    count, rounds, warm = (500, 2, 1) if setup.quick else (5000, 15, 3)
    deltas = tokens(count)
    length = len("".join(deltas).encode("utf-16-le")) // 2
    found: dict[str, Any] = {}
    with Browser(setup.bench_extension) as browser:
        extension = Extension(browser, "bench/worker.js")
        page = extension.open_options()
        extension.wake(page)
        worker = browser.attach(extension.worker)
        source = (setup.bench_extension / "bench/contenders.py").read_text("utf-8")
        worker.evaluate(f"bench.install(pyodide, {json.dumps(source)})")
        for case, (per_chunk, apart) in CASES.items():
            texts = [chunk.decode() for chunk in chunks(deltas, per_chunk)]
            worker.evaluate(f"bench.load({json.dumps(texts)}, {json.dumps(apart)})")
            samples: dict[str, list[float]] = {reader: [] for reader in READERS}
            for number in range(warm + rounds):
                # The order changes, so that no reader always follows the same one.
                for place in range(len(READERS)):
                    reader = READERS[(number + place) % len(READERS)]
                    got = worker.evaluate(f"bench.run({json.dumps(reader)})")
                    if got["length"] not in (length, -1):
                        raise RuntimeError(f"{reader} read {got['length']} of {length} characters")
                    if number >= warm:
                        samples[reader].append(got["ms"] * 1000 / count)
            found[case] = {
                "us_per_event": {reader: summary(s) for reader, s in samples.items()},
                "ratios": {
                    f"{one}/{other}": ratio(samples[one], samples[other])
                    for one in OURS
                    for other in PEERS
                },
            }
    return found
