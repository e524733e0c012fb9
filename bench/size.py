"""The size of the package, and what is read at each start."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bench.browser import PATIENCE, Browser, Extension
from bench.setup import Setup
from bench.wake import SNAPSHOT_SIZE, is_written
from e2e.cdp import wait_until
from tools.package import IMPORT


def run(setup: Setup) -> dict[str, Any]:
    """Bytes."""
    folder = setup.extension
    scripts = _imported(folder / "service_worker.js")
    with Browser(setup.bench_extension) as browser:
        extension = Extension(browser, "bench/worker.js")
        page = extension.open_options()
        extension.wake(page)
        wait_until(lambda: is_written(page), PATIENCE, "a snapshot")
        found: dict[str, Any] = {}
        for way in ("plain", "snapshot"):
            disabled = "true" if way == "plain" else "false"
            page.evaluate(f"chrome.storage.local.set({{disable_snapshot: {disabled}}})")
            browser.stop_workers(page)
            extension.wake(page)
            worker = browser.attach(extension.worker)
            urls = set(worker.evaluate("bench.fetched"))
            worker.detach()
            files = {folder / url.removeprefix(f"{extension.origin}/") for url in urls}
            found[way] = {
                "scripts": sum(path.stat().st_size for path in scripts),
                **{
                    path.relative_to(folder).as_posix(): path.stat().st_size
                    for path in sorted(files - scripts)
                    if path.is_file()
                },
            }
        found["snapshot"]["snapshot"] = page.evaluate(SNAPSHOT_SIZE)
    return {
        "zip": setup.archive.stat().st_size,
        "unpacked": sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()),
        "read_at_start": {way: {**one, "all": sum(one.values())} for way, one in found.items()},
    }


def _imported(module: Path) -> set[Path]:
    """Return a module and all that it imports."""
    found: set[Path] = set()
    waiting = [module]
    while waiting:
        path = waiting.pop()
        if path in found:
            continue
        found.add(path)
        if path.suffix == ".js":
            names = IMPORT.findall(path.read_text("utf-8"))
            waiting += [(path.parent / name).resolve() for name in names]
    return found
