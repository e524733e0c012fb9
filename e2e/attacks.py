"""Ways out of the sandbox, tried by code in it, and what came of each."""

from __future__ import annotations

import json
from typing import Any

from e2e.app import App


def run(app: App, code: str, conversation: str = "one", **limits: int) -> dict[str, Any]:
    """How the worker says that the code ran."""
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
        worker.onmessage = ({data}) => data === 'sent' ? yes(data) : no(new Error('refused'));
    })""",
    "worker from data": """new Promise((yes, no) => {
        const worker = new Worker(`data:text/javascript,postMessage('started')`);
        worker.onmessage = () => yes('started'); worker.onerror = () => no(new Error('refused'));
    })""",
    "extension's files": "fetch(EXTENSION + '/manifest.json').then((response) => response.text())",
    "navigation": "(location.href = HTTP + 'navigation', location.protocol)",
}
"""Written in JavaScript, for a fresh worker: nothing has been replaced there by something that
merely refuses politely."""

ATTACK = """
import asyncio, js, json
from pyodide.ffi import to_js
source = '''
const HTTP = {http}, EXTENSION = {extension};
const attempts = {{{attempts}}};
(async () => {{
  const outcomes = {{}};
  for (const [name, attempt] of Object.entries(attempts)) {{
    const late = new Promise((yes) => setTimeout(() => yes('no answer'), 3000));
    const outcome = (async () => attempt())().catch((error) => 'refused: ' + error);
    outcomes[name] = await Promise.race([outcome, late]);
  }}
  postMessage(JSON.stringify(outcomes));
}})();
'''
found = asyncio.Future()
options = js.Object.new()
options.type = "text/javascript"
worker = js.Worker.new(js.URL.createObjectURL(js.Blob.new(to_js([source]), options)))
worker.onmessage = lambda event: found.set_result(event.data)
print(await found)
"""


def attack(
    app: App, http: str, conversation: str = "one", more: dict[str, str] | None = None
) -> dict[str, str]:
    """Try every way to a server, and say how each ended."""
    attempts = {**ATTEMPTS, **(more or {})}
    sources = ",".join(f"{json.dumps(name)}: () => {code}" for name, code in attempts.items())
    code = ATTACK.format(
        http=json.dumps(f"{http}/"),
        extension=json.dumps(app.origin),
        attempts=sources.replace("\\", "\\\\"),
    )
    result = run(app, code, conversation)
    assert result["ended"] == "ok", result
    outcomes: dict[str, str] = json.loads(result["stdout"])
    return outcomes
