"""From a request to run Python to its result, and a turn in which the model calls it."""

from __future__ import annotations

import json
import time
from itertools import count
from typing import Any

from bench.browser import PATIENCE, Browser, Extension, ask
from bench.server import Server, Write
from bench.setup import Setup
from bench.stats import summary
from bench.streams import messages, tokens
from e2e.cdp import Page

RUNS = {
    "first": "the first run in a browser: offscreen document, frame, Pyodide, the code",
    "start": "the first run of another conversation: frame, Pyodide, the code",
    "later": "a later run (`1 + 1`)",
    "way": "of this, the way to the sandbox and back (a Stop where nothing runs)",
    "requests": "`import requests`, once",
    "bs4": "`import bs4`, once",
    "stop": "Stop in an endless loop, until it has its result",
}
TURNS = {
    "plain": "a turn without a call, one request",
    "call": "a turn with a call of Python, two requests",
}

RUN = """async (conversation, code) => {
  const begin = performance.now();
  const reply = await chrome.runtime.sendMessage({type: "RunPython", conversation, code});
  const took = performance.now() - begin;
  return reply.run?.ended === "ok" ? took : JSON.stringify(reply);
}"""
"""Gives milliseconds, or the error."""

STOP = """async (conversation) => {
  const begin = performance.now();
  await chrome.runtime.sendMessage({type: "StopPython", conversation});
  return performance.now() - begin;
}"""

STOP_LOOP = """async (conversation) => {
  const code = "while True: pass";
  const run = chrome.runtime.sendMessage({type: "RunPython", conversation, code});
  await new Promise((resolve) => setTimeout(resolve, 300));
  const begin = performance.now();
  chrome.runtime.sendMessage({type: "StopPython", conversation});
  await run;
  return performance.now() - begin;
}"""

ALLOW = """() => {
  const conversation = document.querySelector("[data-conversation]").dataset.conversation;
  const port = chrome.runtime.connect({name: "panel"});
  return new Promise((resolve) => {
    port.onMessage.addListener(({type}) => {
      port.postMessage({type: "Ack", count: 1});
      if (type === "Conversation")
        port.postMessage({type: "Configure", settings: {tools: {python: "always"}}});
      if (type !== "Configured") return;
      port.disconnect();
      resolve();
    });
    port.postMessage({type: "Join", conversation});
  });
}"""
"""Permits Python in the conversation that the panel shows."""


def run(setup: Setup) -> dict[str, Any]:
    """Measure each kind of run, as a page sees it, and turns in the panel."""
    profiles, starts, later = (1, 2, 3) if setup.quick else (3, 9, 50)
    samples: dict[str, list[float]] = {name: [] for name in RUNS}
    for _ in range(profiles - 1):
        with Browser(setup.extension) as browser:
            samples["first"].append(_first(Extension(browser)))
    with Browser(setup.extension) as browser, Server() as server:
        extension = Extension(browser)
        samples["first"].append(_first(extension))
        page = extension.open_options()
        for number in range(starts):
            conversation = f"start {number}"
            samples["start"].append(_run(page, conversation, "1 + 1"))
            samples["requests"].append(_run(page, conversation, "import requests"))
            samples["bs4"].append(_run(page, conversation, "import bs4"))
            if number == 0:
                for _ in range(later):
                    samples["later"].append(_run(page, conversation, "1 + 1"))
                    samples["way"].append(page.evaluate(f"({STOP})('nothing runs here')"))
            samples["stop"].append(page.evaluate(f"({STOP_LOOP})({json.dumps(conversation)})"))
        page.close()
        turns = _turns(setup, extension, server)
    return {
        "ms": {name: summary(taken) for name, taken in samples.items()},
        "turn_ms": {name: summary(taken) for name, taken in turns.items()},
    }


def _first(extension: Extension) -> float:
    page = extension.open_options()
    # The start of the client's own Python is measured elsewhere.
    extension.wake(page)
    took = _run(page, "first", "1 + 1")
    page.close()
    return took


def _run(page: Page, conversation: str, code: str) -> float:
    took = page.evaluate(f"({RUN})({json.dumps(conversation)}, {json.dumps(code)})")
    if not isinstance(took, (int, float)):
        raise RuntimeError(f"{code!r} did not run: {took}")
    return float(took)


def _turns(setup: Setup, extension: Extension, server: Server) -> dict[str, list[float]]:
    """Measure from Send until the answer is drawn, in a conversation whose Python has started."""
    rounds = 2 if setup.quick else 15
    short = messages(1, tokens(40))
    numbers = count()
    calls = False

    def script(body: bytes, write: Write) -> None:
        # If the call was carried out, an output follows the user's last message.
        last = json.loads(body)["input"][-1]
        asked = last.get("type") != "function_call_output"
        write(_call(next(numbers)) if calls and asked else short)

    server.script = script
    extension.configure(server.base_url)
    panel = extension.open_panel()
    ask(panel)
    panel.evaluate(f"({ALLOW})()")
    samples: dict[str, list[float]] = {name: [] for name in TURNS}
    for number in range(rounds + 1):
        for name in TURNS:
            calls = name == "call"
            took = ask(panel)
            if number:
                samples[name] += took
            time.sleep(0.1)
    panel.wait_until("document.querySelectorAll('.call').length > 0", PATIENCE)
    panel.close()
    return samples


def _call(number: int) -> bytes:
    """Return an answer that calls Python."""
    item = {
        "type": "function_call",
        "id": f"fc_{number}",
        "call_id": f"call_{number}",
        "name": "python",
        "arguments": json.dumps({"code": "1 + 1"}),
    }
    usage = {"input_tokens": 10, "output_tokens": 20, "total_tokens": 30}
    response = {"id": "resp_1", "status": "completed", "output": [], "usage": usage}
    events: list[dict[str, Any]] = [
        {"type": "response.created", "response": {"id": "resp_1"}},
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        {"type": "response.completed", "response": response},
    ]
    frames = (f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events)
    return "".join(frames).encode()
