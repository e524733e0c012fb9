"""Turns leave nothing behind: neither JavaScript objects nor Python's.

The worker is looked at through the DevTools protocol: `Runtime.queryObjects` collects garbage and
gives every object that is still alive, Pyodide's own among them, through which Python is asked the
same. No hook in the extension is needed for this, and no debugger is attached while it works.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from e2e.app import QUIET, load_extensions
from e2e.cdp import Page, PipeBrowser
from e2e.server import ScriptedServer, answer
from e2e.slow_cases import CONTROL, Bench

FEW, MANY = 30, 300

COUNT = """function () {
  const classes = {};
  let pyodide;
  for (const object of this) {
    let name = "?";
    try {
      name = Object.getPrototypeOf(object)?.constructor?.name || "?";
      if (typeof object.runPython === "function" && object.version) pyodide = object;
    } catch {}
    classes[name] = (classes[name] ?? 0) + 1;
  }
  if (!pyodide) return {classes, python: null};
  const python = pyodide.runPython(`
import collections, gc, json
gc.collect()
json.dumps(collections.Counter(type(thing).__name__ for thing in gc.get_objects()))
`);
  return {classes, python: JSON.parse(python)};
}"""

TURNS = """async ([count, text]) => {
  const port = chrome.runtime.connect({name: "panel"});
  let answers, settle;
  port.onMessage.addListener((message) => {
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
  const isEmpty = ({type, conversation}) => type === "Conversation" && !conversation.turns.length;
  const statuses = {};
  await exchange({type: "Join"}, ({type, state}) => type === "Boot" && state === "ready");
  for (let i = 0; i < count; i++) {
    if (i % 10 === 0) await exchange({type: "NewChat"}, isEmpty);
    const id = crypto.randomUUID();
    const status = await exchange({type: "Send", id, text}, ended(id));
    statuses[status] = (statuses[status] ?? 0) + 1;
  }
  await exchange({type: "NewChat"}, isEmpty);
  port.disconnect();
  return statuses;
}"""


class Counts:
    """What is alive in the worker."""

    def __init__(self, bench: Bench) -> None:
        (target,) = (w for w in bench.workers() if w["url"].startswith(bench.origin))
        worker = Page(bench.browser, target["targetId"])
        prototype = worker.send("Runtime.evaluate", expression="Object.prototype")["result"]
        found = worker.send("Runtime.queryObjects", prototypeObjectId=prototype["objectId"])
        answer: dict[str, Any] = worker.send(
            "Runtime.callFunctionOn",
            objectId=found["objects"]["objectId"],
            functionDeclaration=COUNT,
            returnByValue=True,
        )["result"]["value"]
        worker.detach()
        self.javascript = Counter(answer["classes"])
        assert answer["python"], "Pyodide was not found among the worker's objects"
        self.python = Counter(answer["python"])


@pytest.mark.parametrize("way", ["answers", "errors"])
def test_many_turns_leave_no_more_than_few(
    chromium: str, extension: Path, tmp_path: Path, server: ScriptedServer, way: str
) -> None:
    if way == "answers":
        server.on("", answer(*"A short answer in pieces"))
    else:
        server.on("", lambda exchange: exchange.reply(400, {"error": {"message": "No."}}))
    arguments = [*QUIET, *load_extensions(extension, CONTROL)]
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
