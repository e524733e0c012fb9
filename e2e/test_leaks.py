"""Turns leak nothing: neither objects of JavaScript nor of Python.

The worker is looked at from outside, through heap snapshots of the DevTools protocol, and Python is
asked by its own `gc`. The copy of the extension that is tested differs in one line: it makes
Pyodide reachable. No debugger is attached while it works.
"""

from __future__ import annotations

import json
import re
import shutil
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from e2e.app import QUIET, load_extensions
from e2e.cdp import Page, PipeBrowser
from e2e.patience import slowness
from e2e.server import ScriptedServer, answer
from e2e.slow_cases import CONTROL, Bench

FEW, MANY = 30, 300

COUNT_PYTHON = """pyodide.runPython(`
import collections, gc, json
gc.collect()
json.dumps(collections.Counter(type(thing).__name__ for thing in gc.get_objects()))
`)"""

TURNS = """async ([count, text]) => {
  const port = chrome.runtime.connect({name: "panel"});
  let answers, settle;
  port.onMessage.addListener((message) => {
    port.postMessage({type: "Ack", count: 1});
    const answer = answers?.(message);
    if (answer) settle(answer);
  });
  const exchange = (message, isAnswer) => new Promise((resolve) => {
    [answers, settle] = [isAnswer, resolve];
    port.postMessage(message);
  });
  const ended = (id) => ({type, turn, error, ...message}) => {
    if (type === "Rejected" && message.id === id) return error.message;
    if (type !== "Turn" || turn.id !== id) return undefined;
    return ["queued", "running", "reconnecting"].includes(turn.status) ? undefined : turn.status;
  };
  const newChat = () => {
    const id = crypto.randomUUID();
    const isIt = ({type, conversation}) => type === "Conversation" && conversation.id === id;
    return exchange({type: "NewChat", conversation: id}, isIt);
  };
  const statuses = {};
  await exchange({type: "Join"}, ({type, state}) => type === "Boot" && state === "ready");
  for (let i = 0; i < count; i++) {
    if (i % 10 === 0) await newChat();
    const id = crypto.randomUUID();
    const status = await exchange({type: "Send", id, text}, ended(id));
    statuses[status] = (statuses[status] ?? 0) + 1;
  }
  await newChat();
  port.disconnect();
  return statuses;
}"""


class Counts:
    """How many objects of each class are alive in the worker."""

    def __init__(self, bench: Bench) -> None:
        (target,) = (w for w in bench.workers() if w["url"].startswith(bench.origin))
        worker = Page(bench.browser, target["targetId"])
        # Pyodide cannot take a timer back: a cancelled one lives until it is due, a second at most.
        time.sleep(2 * slowness())
        # Each side may hold the other's garbage, and finalizers run in a later task.
        for _ in range(3):
            python = worker.evaluate(COUNT_PYTHON)
            worker.send("HeapProfiler.collectGarbage")
            worker.evaluate("new Promise((resolve) => setTimeout(resolve, 100))")
        self.python = Counter(json.loads(python))
        snapshot = take_snapshot(bench.browser, worker)
        self.javascript = Counter(
            f"{kind} {name}" for kind, name in nodes(snapshot) if kind in ("object", "closure")
        )
        worker.detach()


def take_snapshot(browser: PipeBrowser, target: Page) -> dict[str, Any]:
    """V8's heap snapshot, as its documented JSON."""
    chunks: list[str] = []
    browser.listeners["HeapProfiler.addHeapSnapshotChunk"] = lambda p: chunks.append(p["chunk"])
    target.send("HeapProfiler.takeHeapSnapshot", reportProgress=False)
    snapshot: dict[str, Any] = json.loads("".join(chunks))
    return snapshot


def nodes(snapshot: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Kind and class name of every node."""
    fields = snapshot["snapshot"]["meta"]["node_fields"]
    kinds = snapshot["snapshot"]["meta"]["node_types"][0]
    kind, name = fields.index("type"), fields.index("name")
    data, strings = snapshot["nodes"], snapshot["strings"]
    for start in range(0, len(data), len(fields)):
        yield kinds[data[start + kind]], strings[data[start + name]]


@pytest.fixture
def open_extension(extension: Path, tmp_path: Path) -> Path:
    """The extension with Pyodide reachable from the worker's global scope."""
    copy = tmp_path / "extension"
    shutil.copytree(extension, copy)
    boot = copy / "worker" / "python" / "boot.js"
    source, count = re.subn(
        r"( const pyodide = restored [^;]+;)(\s+const died)",
        r"\1 globalThis.pyodide = pyodide;\2",
        boot.read_text(),
    )
    assert count == 1, "boot.js has changed: say here where it has Pyodide in hand"
    boot.write_text(source)
    return copy


@pytest.mark.parametrize("way", ["answers", "errors"])
def test_memory_does_not_grow_with_the_number_of_turns(
    chromium: str, open_extension: Path, tmp_path: Path, server: ScriptedServer, way: str
) -> None:
    if way == "answers":
        server.on("", answer(*"A short answer in pieces"))
    else:
        server.on("", lambda exchange: exchange.reply(400, {"error": {"message": "No."}}))
    arguments = [*QUIET, *load_extensions(open_extension, CONTROL)]
    with PipeBrowser(chromium, tmp_path / "profile", *arguments) as browser:
        bench = Bench(browser, server)
        bench.configure(server.base_url)
        page = bench.open("options/index.html")

        def run(count: int) -> None:
            statuses = page.evaluate(f"({TURNS})({json.dumps([count, 'Hello'])})")
            assert statuses == {("completed" if way == "answers" else "failed"): count}

        run(FEW)  # Caches fill, code is compiled.
        run(FEW)
        few = Counts(bench)
        run(MANY)
        many = Counts(bench)

    for before, after in ((few.javascript, many.javascript), (few.python, many.python)):
        # A leak of one object per turn would show as MANY. Caches and compiled code may move a bit.
        grown = {name: n - before[name] for name, n in after.items() if n - before[name] > MANY / 3}
        assert grown == {}
