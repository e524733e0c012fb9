"""Attempts of code to leave the sandbox, and the result of each.

The attempts in JavaScript are made in a copy of the extension whose worker is the attacker's from
its first line: nothing stands in their way there but the walls themselves, which are the browser's
and the page's around the worker.
"""

from __future__ import annotations

import json
from typing import Any

from e2e.app import App


def run(app: App, code: str, conversation: str = "one", **limits: int) -> dict[str, Any]:
    """Run code. Returns the worker's report of the run."""
    request = {"type": "RunPython", "conversation": conversation, "code": code, **limits}
    reply = app.send(request)
    assert reply["ok"], reply
    result: dict[str, Any] = reply["run"]
    return result


ATTEMPTS = {
    "eval": "eval('1')",
    "Function": "new Function('return 1')()",
    "indexedDB": """new Promise((yes, no) => {
        const request = indexedDB.open('sidestream');
        request.onsuccess = () => yes('opened'); request.onerror = () => no(request.error);
    })""",
    "caches": "caches.open('x').then(() => 'opened')",
    "OPFS": "navigator.storage.getDirectory().then(() => 'opened')",
    "fetch": "fetch(HTTP + 'fetch', {mode: 'no-cors'}).then(() => 'sent')",
    "beacon": "navigator.sendBeacon(HTTP + 'beacon', 'x')",
    "XMLHttpRequest": """(() => {
        const request = new XMLHttpRequest();
        request.open('GET', HTTP + 'xhr', false);
        request.send();
        return 'sent';
    })()""",
    "WebSocket": """new Promise((yes, no) => {
        const socket = new WebSocket(HTTP.replace('http', 'ws') + 'socket');
        socket.onopen = () => yes('opened'); socket.onerror = () => no(new Error('refused'));
    })""",
    "EventSource": """new Promise((yes, no) => {
        const source = new EventSource(HTTP + 'events');
        source.onopen = () => yes('opened'); source.onerror = () => no(new Error('refused'));
    })""",
    "WebTransport": """(async () => {
        await new WebTransport(HTTP.replace('http:', 'https:') + 'transport').ready;
        return 'opened';
    })()""",
    "import()": "import(HTTP + 'module.js').then(() => 'imported')",
    "importScripts": "(importScripts(HTTP + 'script.js'), 'imported')",
    "worker": """new Promise((yes, no) => {
        const worker = new Worker(HTTP + 'worker.js');
        worker.onmessage = () => yes('started'); worker.onerror = () => no(new Error('refused'));
    })""",
    "worker of a worker": """new Promise((yes, no) => {
        const source = `
            fetch('${HTTP}nested').then(() => postMessage('sent'), (error) => postMessage('no'))`;
        const worker = new Worker(URL.createObjectURL(new Blob([source])));
        worker.onmessage = ({data}) => yes(data); worker.onerror = () => no(new Error('refused'));
    })""",
    "worker from data": """new Promise((yes, no) => {
        const worker = new Worker(`data:text/javascript,postMessage('started')`);
        worker.onmessage = () => yes('started'); worker.onerror = () => no(new Error('refused'));
    })""",
    "extension's files": "fetch(EXTENSION + '/manifest.json').then((response) => response.text())",
    "navigation": "(location.href = HTTP + 'navigation', location.protocol)",
}
"""Written in JavaScript."""

HOSTILE_WORKER = """
addEventListener("message", ({data, ports: [port]}) => {
  port.onmessage = ({data: {type, code}}) => {
    if (type === "Settle") port.postMessage({type: "Settled", isQuiet: true});
    else {
      globalThis.port = port;
      importScripts(URL.createObjectURL(new Blob(["{", code, "}"], {type: "text/javascript"})));
    }
  };
  port.postMessage({type: "Ready"});
}, {once: true});
"""

ATTACK = """
const HTTP = {http}, EXTENSION = {extension};
const attempts = {{{attempts}}};
(async () => {{
  const outcomes = {{}};
  for (const [name, attempt] of Object.entries(attempts)) {{
    const late = new Promise((yes) => setTimeout(() => yes('no answer'), 3000));
    const outcome = (async () => attempt())().catch((error) => 'refused: ' + error);
    outcomes[name] = await Promise.race([outcome, late]);
  }}
  const value = JSON.stringify(outcomes);
  port.postMessage({{type: 'Done', result: JSON.stringify({{ended: 'ok', value}})}});
}})();
"""


def attack(
    app: App, http: str, conversation: str = "one", more: dict[str, str] | None = None
) -> dict[str, str]:
    """Try every way to a server. Returns how each ended. For `hostile_app`."""
    attempts = {**ATTEMPTS, **(more or {})}
    code = ATTACK.format(
        http=json.dumps(f"{http}/"),
        extension=json.dumps(app.origin),
        attempts=",".join(f"{json.dumps(name)}: () => {code}" for name, code in attempts.items()),
    )
    result = run(app, code, conversation)
    assert result["ended"] == "ok", result
    outcomes: dict[str, str] = json.loads(result["value"])
    return outcomes
