"""`build.py bench`: builds the extension and a copy with the peers in it, and measures."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

from bench import decode, growth, latency, memory, opening, python, report, size, tasks, wake
from bench.browser import Browser
from bench.setup import Setup
from tools import package
from tools.common import CACHE, NODE_MODULES, ROOT, say

BENCHMARKS = {
    "wake": wake,
    "decode": decode,
    "latency": latency,
    "memory": memory,
    "growth": growth,
    "opening": opening,
    "python": python,
    "size": size,
    "tasks": tasks,
}
PEERS = ("openai", "eventsource-parser")
SOURCES = ROOT / "bench" / "extension"


def run(names: Sequence[str], *, quick: bool, reference: bool) -> None:
    """Run the named benchmarks, or all; show what was found, and write it down."""
    setup = prepare(quick=quick)
    with Browser(setup.extension) as browser:
        version = browser.version
    found = report.begin(quick=quick, browser=version, peers={name: peer(name) for name in PEERS})
    for name, module in BENCHMARKS.items():
        if not names or name in names:
            say(f"\n{(module.__doc__ or '').strip()}\n")
            found["results"][name] = module.run(setup)
            say(report.markdown(name, found["results"][name]))
    path = report.write(found, reference=reference)
    say(f"\nWritten to {path.relative_to(ROOT)}.")


def peer(name: str) -> str:
    """A peer's version."""
    package = json.loads((NODE_MODULES / name / "package.json").read_text("utf-8"))
    return str(package["version"])


def prepare(*, quick: bool) -> Setup:
    """Build, and lay out a copy of the extension whose worker and pages have the peers as well."""
    folder = CACHE / "bench"
    # A build of its own, so that another build does not change it while it is measured.
    archive = package.build(folder)
    extension, copy = folder / "sidestream", folder / "with-peers"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(extension, copy)
    shutil.copytree(SOURCES, copy / "bench", ignore=shutil.ignore_patterns("empty"))
    copy_modules(NODE_MODULES / "openai", copy / "vendor" / "openai")
    copy_modules(NODE_MODULES / "eventsource-parser/dist", copy / "vendor/eventsource-parser")
    reveal_pyodide(copy / "pyodide")
    manifest = json.loads((copy / "manifest.json").read_text("utf-8"))
    manifest["background"]["service_worker"] = "bench/worker.js"
    (copy / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    return Setup(
        extension=extension,
        bench_extension=copy,
        empty_extension=SOURCES / "empty",
        archive=archive,
        quick=quick,
    )


def copy_modules(source: Path, target: Path) -> None:
    """An npm package's own modules; they import each other by relative paths only."""
    for module in source.rglob("*"):
        if module.suffix in (".js", ".mjs"):
            copy = target / module.relative_to(source)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(module, copy)


REVEALING = """
import { loadPyodide as load } from "./pyodide.original.mjs";
export * from "./pyodide.original.mjs";
export async function loadPyodide(options) {
  globalThis.pyodide = await load(options);
  return globalThis.pyodide;
}
"""


def reveal_pyodide(folder: Path) -> None:
    """Make the worker's Pyodide reachable from its global scope."""
    (folder / "pyodide.mjs").rename(folder / "pyodide.original.mjs")
    (folder / "pyodide.mjs").write_text(REVEALING, "utf-8")
