"""Python code in its sandbox: what it does, what ends it, and what it cannot reach."""

from __future__ import annotations

import ast
import json
import re

from playwright.sync_api import expect

from e2e.app import API_KEY, App, Panel
from e2e.attacks import attack, run
from e2e.server import Script, ScriptedServer, answer

SWITCHED_OFF = "The network is switched off in this sandbox."


def test_variables_belong_to_the_conversation(app: App) -> None:
    first = run(app, "print('hi')\nx = 6\nx * 7")
    assert (first["ended"], first["stdout"], first["value"]) == ("ok", "hi\n", "42")
    assert run(app, "import sys\nx + 1")["value"] == "7"
    other = run(app, "x", "another")
    assert (other["ended"], other["run"]) == ("error", 1)
    assert "NameError" in other["traceback"]
    # What is beside the code is not shared either.
    run(app, "import json\njson.dumps = None\nopen('file', 'w').close()")
    assert run(app, "import json, os\njson.dumps(os.listdir())", "another")["value"] == "'[]'"


def test_what_people_expect_can_be_imported(app: App) -> None:
    code = """
import asyncio, dateutil.parser, requests, sqlite3, tabulate, time, zoneinfo
from bs4 import BeautifulSoup
from datetime import datetime
time.sleep(0.01)
asyncio.run(asyncio.sleep(0))
await asyncio.sleep(0)
page = BeautifulSoup("<p>Hello <b>there</b></p>", "html.parser")
offset = datetime(2026, 7, 1, tzinfo=zoneinfo.ZoneInfo("Europe/Berlin")).utcoffset()
page.b.text, str(offset), tabulate.tabulate([[1, 2]], tablefmt="plain")
"""
    result = run(app, code)
    assert result.get("value") == "('there', '2:00:00', '1  2')", result


def test_an_endless_loop_is_ended_and_the_next_run_works(app: App) -> None:
    run(app, "x = 1")
    result = run(app, "print('before')\nwhile True: pass", time_limit_ms=500)
    assert (result["ended"], result["stdout"], result["lost"]) == ("timeout", "before\n", True)
    assert result["duration_ms"] >= 500
    after = run(app, "'x' in globals()")
    assert (after["value"], after["run"]) == ("False", 1)
    both = """(conversation) => {
      const run = (code, time_limit_ms) =>
        chrome.runtime.sendMessage({type: "RunPython", conversation, code, time_limit_ms});
      return Promise.all([run("while True: pass", 500), run("1 + 1", 5000)]);
    }"""
    endless, next_one = app.lasting_page.evaluate(both, "one")
    assert (endless["run"]["ended"], next_one["run"].get("value")) == ("timeout", "2")


def test_code_that_eats_memory_is_ended_and_leaves_none_behind(app: App) -> None:
    code = "x = []\nwhile True: x.append(bytearray(2 ** 24))"
    result = run(app, code, "hungry", memory_limit_mb=128)
    assert (result["ended"], result["lost"]) == ("memory", True)
    assert "MemoryError" in result["traceback"]
    assert run(app, "len(bytearray(2 ** 24))", "hungry")["value"] == str(2**24)


def test_output_that_is_too_long_is_cut(app: App) -> None:
    result = run(app, "print('x' * 1_000_000)\nlist(range(1_000_000))")
    assert "characters left out" in result["stdout"]
    assert len(result["stdout"]) < 20_000
    assert len(result["value"]) < 11_000


def test_broken_interpreters_do_not_stay(app: App) -> None:
    deep = run(app, "x = []\nfor _ in range(100_000): x = [x]\nx")
    assert deep["value"].startswith("[[[[")
    # Pyodide cannot free a list that is as deep as that, and dies of it.
    dead = run(app, "del x, _")
    assert (dead["ended"], dead["lost"]) == ("error", True)
    assert "Python crashed" in dead["traceback"]
    assert run(app, "import os\nos._exit(1)")["ended"] == "error"
    assert run(app, "1")["value"] == "1"
    # Code that imitates the interpreter can pass on no more than a result.
    forged = "import sys\nframe = sys._getframe()\n" + (
        "while frame and 'on_output' not in frame.f_locals: frame = frame.f_back\n"
        "for _ in range(100): frame.f_locals['on_output']('stdout', 'y' * 1_000_000)"
    )
    assert len(run(app, forged)["stdout"]) < 50_000
    result = {
        "ended": "ok",
        "figures": [{"type": "svg", "text": "SVG"}, {"type": "script", "text": "1"}],
        "files": [{"name": "report\u202efdp.exe", "size": 1}],
        "cookie": "x",
    }
    forged = f"import json\nforged = {json.dumps(result)!r}.replace('SVG', 'x' * 2_000_000)\n"
    made_up = run(app, forged + "json.dumps = lambda _: forged", "forger")
    assert made_up["files"] == [{"name": "reportfdp.exe", "size": 1}]
    assert not {"figures", "cookie"} & made_up.keys()
    assert run(app, "json.dumps = lambda _: 'nonsense'", "forger")["ended"] == "error"


FLOOD = """
import js, sys
for number in range(20_000):
    js.self.postMessage({"type": "Done", "result": "{}"}.__repr__())
    if number < 2_000: js.reportError(js.Error.new("x" * 1000))
    print(number, file=sys.stderr)
"here"
"""


def test_a_flood_of_messages_stays_within_bounds(app: App) -> None:
    result = run(app, FLOOD)
    assert (result["ended"], result["value"]) == ("ok", "'here'")
    assert "characters left out" in result["stderr"]
    assert len(result["stderr"]) < 20_000
    assert run(app, "1 + 1")["value"] == "2"


def test_the_oldest_of_many_interpreters_is_ended(app: App) -> None:
    run(app, "x = 1", "oldest")
    for other in ("one", "another", "a third"):
        run(app, "1", other)
    back = run(app, "'x' in globals()", "oldest")
    assert (back["value"], back["evicted"]) == ("False", True)


# What follows tries to get out.

UNREACHABLE = """
import js
{name: hasattr(js, name) for name in [
    "chrome", "browser", "document", "window", "parent", "top", "opener", "frames", "open",
    "localStorage", "sessionStorage", "cookieStore", "RTCPeerConnection", "SharedWorker",
    "navigation",
]}
"""


def test_there_is_no_extension_page_or_document(app: App) -> None:
    result = run(app, UNREACHABLE)
    assert [name for name, there in ast.literal_eval(result["value"]).items() if there] == []
    facts = run(app, "js.self.origin, js.location.protocol, js.isSecureContext")
    assert facts["value"].startswith("('null', 'blob:'"), facts


def test_nothing_gets_out_of_it(hostile_app: App, server: ScriptedServer) -> None:
    outcomes = attack(hostile_app, server.origin)
    # No policy keeps an extension's page from the extension's own files. They are no secret.
    assert outcomes.pop("extension's files").startswith("{")
    # A worker has an address, but does not go anywhere else.
    assert outcomes.pop("navigation") in ("blob:", "no answer")
    assert {name: said for name, said in outcomes.items() if not said.startswith("refused")} == {}
    # Time for a request to come late.
    hostile_app.lasting_page.wait_for_timeout(300)
    assert [exchange.path for exchange in server.requests] == []


FORGED = """
const post = (message) => port.postMessage(message);
post(null); post([]); post("x".repeat(1e6)); post({type: "Output", stream: {}, text: {length: 1}});
post({type: "Output", stream: "stdout", text: ["x"]});
post({type: "Output", stream: "stdout", text: "y".repeat(5e6)});
post({type: "Output", stream: "stdout", text: "z".repeat(5e6)});
for (let i = 0; i < 2000; i++) post({type: "Output", stream: "stderr", text: "e".repeat(1000)});
const huge = new Array(2e6).fill({a: 1});
post({type: "Output", stream: "stdout", text: huge});
post({type: "Done", result: RESULT, more: huge});
"""


def test_what_leaves_the_sandbox_is_checked_before_it_is_copied(hostile_app: App) -> None:
    """A worker that is the attacker's can say anything: texts of bounded length arrive."""
    fine = FORGED.replace("RESULT", """'{"ended": "ok", "value": "1"}'""")
    result = run(hostile_app, fine, "forger")
    assert (result["ended"], result["value"]) == ("ok", "1")
    assert result["stdout"] == "y" * 40_000
    assert result["stderr"] == "e" * 40_000
    for forged in ("huge", "'x'.repeat(2e7)", "{toString: 1}", "undefined"):
        result = run(hostile_app, FORGED.replace("RESULT", forged), "forger")
        assert result["traceback"] == "The result of the sandbox could not be read."
    # Messages between two runs are ignored.
    late = "setTimeout(() => port.postMessage({type: 'Output', stream: 'stdout', text: 'late'}));"
    assert run(hostile_app, late + fine, "forger")["stdout"] == "y" * 40_000


LEFT_BEHIND = {
    "tasks": """
import asyncio
async def forever():
    while True: await asyncio.sleep(0)
task = asyncio.create_task(forever())""",
    "a task that does not end": """
import asyncio
async def forever():
    while True:
        try: await asyncio.sleep(0)
        except asyncio.CancelledError: pass
task = asyncio.create_task(forever())""",
    "calls soon": """
import asyncio
def again(): asyncio.get_event_loop().call_soon(again)
again()""",
    "timers": """
import js
from pyodide.ffi import create_proxy
again = create_proxy(lambda *_: ticks.append(1))
js.setInterval(again, 0); js.setTimeout(again, 50)""",
    "promises": """
import js
from pyodide.ffi import create_proxy
def again(*_):
    ticks.append(1)
    js.Response.new("x").text().then(proxy)
proxy = create_proxy(again)
again()""",
}


def test_code_ends_with_its_run(app: App) -> None:
    """What it has started is at an end when the result is there, or Python is ended.

    Tasks: gradio-app/gradio#5124, where those of one run had to be cancelled before the next one.
    """
    for name, code in LEFT_BEHIND.items():
        result = run(app, f"ticks = []{code}", name)
        assert result["ended"] == "ok", (name, result)
        first = run(app, "len(ticks) if 'ticks' in globals() else None", name)
        app.lasting_page.wait_for_timeout(200)
        second = run(app, "len(ticks) if 'ticks' in globals() else None", name)
        assert first.get("value") == second.get("value"), (name, first, second)
        if name == "calls soon":
            assert result["lost"], (name, result)
            assert "did not end with it" in result["stderr"]
        elif "task" in name:
            assert "background tasks" in result["stderr"]


NO_MORE_WORKERS = """
import js
found = []
for make in (lambda: js.Worker.new("x"), lambda: js.importScripts("x")):
    try: make()
    except Exception as error: found.append("no further workers" in str(error))
holder, names = js.self, set()
while holder:
    names |= set(js.Object.getOwnPropertyNames(holder))
    holder = js.Object.getPrototypeOf(holder)
found, sorted(names & {"SharedWorker", "BroadcastChannel", "WebSocket", "EventSource",
    "MessageChannel", "requestAnimationFrame", "scheduler", "FinalizationRegistry", "caches"})
"""


def test_there_are_no_further_workers(app: App) -> None:
    """whatwg/html#7840: it is not even specified that a worker's own workers end with it."""
    assert run(app, NO_MORE_WORKERS)["value"] == "([True, True], [])"


POLITE = {
    "urllib.request.urlopen(HTTP)": "import urllib.request",
    "urllib.request.urlopen(HTTP.replace('http', 'https'))": "import urllib.request",
    "requests.get(HTTP)": "import requests",
    "requests.post(HTTP.replace('http', 'https'), data='x')": "import requests",
    "socket.create_connection(('127.0.0.1', PORT))": "import socket",
    "await pyfetch(HTTP)": "from pyodide.http import pyfetch",
    "await js.fetch(HTTP)": "import js",
}


def test_code_that_uses_the_network_gets_an_error_that_it_is_off(
    app: App, server: ScriptedServer
) -> None:
    port = server.origin.rpartition(":")[2]
    run(app, f"HTTP, PORT = {server.origin + '/polite'!r}, {port}")
    for call, imports in POLITE.items():
        result = run(app, f"{imports}\n{call}")
        assert result["ended"] == "error"
        assert SWITCHED_OFF in result["traceback"].splitlines()[-1], (call, result["traceback"])
    assert [exchange.path for exchange in server.requests] == []


KEY_HUNT = """
import js, os
key, hits = {key!r}[::-1].encode(), []
for folder, _, names in os.walk("/"):
    for name in names:
        path = os.path.join(folder, name)
        if os.path.isfile(path):
            with open(path, "rb") as file:
                hits += [path] if key in file.read() else []
hits, key.decode() in str(os.environ), hasattr(js, "chrome")
"""


def test_the_key_is_not_in_reach(app: App, panel: Panel) -> None:
    assert panel.page.evaluate("typeof chrome.storage.local.get") == "function"
    assert run(app, KEY_HUNT.format(key=API_KEY[::-1]))["value"] == "([], False, False)"


# The button.


def code_answer(*blocks: str, language: str = "python") -> Script:
    return answer("\n\n".join(f"```{language}\n{block}\n```" for block in blocks))


def test_code_of_an_answer_runs_in_its_place(panel: Panel, server: ScriptedServer) -> None:
    table = "HTML('<table><tr><th>A</th></tr><tr><td>1<img src=x></td></tr></table>')"
    figure = 'display(SVG(\'<svg width="40" height="20"></svg>\'))'
    blocks = [f"word = 'Hello'\nprint(word)\n{figure}\n{table}", "word.upper()", "word.nothing"]
    server.on("", code_answer(*blocks))
    panel.ask("Code")
    panel.expect_idle()
    runs = panel.answer.get_by_role("button", name="Run", exact=True)
    outputs = panel.answer.get_by_role("group", name="Output", exact=True)
    expect(runs).to_have_count(3)
    expect(outputs).to_have_count(0)
    runs.first.focus()
    panel.page.keyboard.press("Enter")
    first = outputs.first
    expect(first).to_contain_text(re.compile(r"Done in .+ new Python"))
    expect(first.get_by_role("group", name="Printed")).to_have_text("Hello\n")
    expect(first.get_by_role("img", name="Figure 1")).to_have_js_property("naturalWidth", 40)
    expect(first.get_by_role("cell")).to_have_text("1")
    expect(first.locator("img")).to_have_count(1)
    expect(panel.answer.get_by_role("button", name="Run again")).to_be_focused()
    runs.first.click()
    expect(outputs.nth(1).get_by_role("group", name="Value")).to_have_text("'HELLO'")
    runs.first.click()
    expect(outputs.nth(2).get_by_role("group", name="Error")).to_contain_text("AttributeError")
    # The view is built again, and the output stays.
    panel.new_chat.click()
    expect(panel.answers).to_have_count(0)
    panel.page.get_by_role("button", name="Conversations").click()
    panel.page.get_by_role("dialog").get_by_role("button", name="Code").first.click()
    expect(outputs).to_have_count(3)


def test_code_that_runs_is_stopped(panel: Panel, server: ScriptedServer) -> None:
    server.on("", code_answer("print('on it')\nwhile True: pass"))
    panel.ask("Code")
    panel.answer.get_by_role("button", name="Run", exact=True).click()
    stop = panel.answer.get_by_role("button", name="Stop this code")
    output = panel.answer.get_by_role("group", name="Output", exact=True)
    expect(output).to_contain_text("Running…")
    # The panel does not wait for it.
    panel.message.fill("Still here")
    # Nor does what runs depend on it: another panel stops it as well.
    panel.page.reload()
    expect(output).to_contain_text("Running…")
    stop.press("Escape")
    expect(output).to_contain_text("variables are gone")
    expect(panel.answer.get_by_role("button", name="Run again")).to_be_visible()


def test_only_python_has_the_button(panel: Panel, server: ScriptedServer) -> None:
    server.on("", code_answer("1 + 1", language="py"), code_answer("let x;", language="js"))
    panel.ask("Python")
    expect(panel.answer.get_by_role("button", name="Run", exact=True)).to_have_count(1)
    panel.ask("Not Python")
    expect(panel.answer.get_by_role("button", name="Copy", exact=True)).to_have_count(1)
    panel.page.wait_for_timeout(500)
    expect(panel.answer.get_by_role("button", name="Run", exact=True)).to_have_count(0)
