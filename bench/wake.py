"""From a call to a stopped worker until Python is ready, compared with a worker without Python."""

from __future__ import annotations

import json
import time
from typing import Any

from bench.browser import PATIENCE, Browser, Extension
from bench.setup import Setup
from bench.stats import ratio, summary
from e2e.cdp import Page, wait_until

WAYS = {
    "snapshot": "restoring the snapshot",
    "plain": "a plain boot",
    "empty": "an empty worker",
}

SNAPSHOT_SIZE = """(async () => {
  const root = await navigator.storage.getDirectory();
  const folder = await root.getDirectoryHandle("snapshots").catch(() => null);
  let size = 0;
  if (folder)
    for await (const file of folder.values()) size += (await file.getFile()).size;
  return size;
})()"""


def run(setup: Setup) -> dict[str, Any]:
    """Measure each way to start, and the first start after the installation."""
    rounds, warm, profiles = (2, 1, 1) if setup.quick else (15, 2, 3)
    first = []
    for _ in range(profiles - 1):
        with Browser(setup.extension) as browser:
            extension = Extension(browser)
            first.append(extension.wake(extension.open_options()))
    samples: dict[str, list[float]] = {way: [] for way in WAYS}
    with Browser(setup.extension, setup.empty_extension) as browser:
        extension = Extension(browser)
        empty = Extension(browser, "empty.js")
        page, empty_page = extension.open_options(), empty.open("page.html")
        first.append(extension.wake(page))
        wait_until(lambda: is_written(page), PATIENCE, "a snapshot")
        for number in range(warm + rounds):
            for way in WAYS:
                value = json.dumps(way == "plain")
                page.evaluate(f"chrome.storage.local.set({{disable_snapshot: {value}}})")
                browser.stop_workers(page)
                took = empty.wake(empty_page) if way == "empty" else extension.wake(page)
                if number >= warm:
                    samples[way].append(took)
        size = page.evaluate(SNAPSHOT_SIZE)
    return {
        "ms": {**{way: summary(taken) for way, taken in samples.items()}, "first": summary(first)},
        "ratios": {
            "snapshot/plain": ratio(samples["snapshot"], samples["plain"]),
            "snapshot/empty": ratio(samples["snapshot"], samples["empty"]),
        },
        "snapshot_bytes": size,
    }


def is_written(page: Page) -> bool:
    """Return whether there is a snapshot that does not grow any more."""
    size = page.evaluate(SNAPSHOT_SIZE)
    time.sleep(2)
    return bool(size) and page.evaluate(SNAPSHOT_SIZE) == size
