"""The network of the sandbox's Python: only hosts of the user's list can be reached."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from e2e.app import App, Panel, choose
from e2e.attacks import attack, run
from e2e.network import BIG, Site, allow
from e2e.patience import PATIENCE
from e2e.server import ScriptedServer, answer, python_calls


@pytest.fixture(scope="module")
def _sites() -> Iterator[tuple[Site, Site, Site]]:
    with Site() as site, Site() as other, Site(cors=False) as closed:
        yield site, other, closed


@pytest.fixture
def site(_sites: tuple[Site, Site, Site]) -> Site:
    """One that is allowed."""
    _sites[0].reset()
    return _sites[0]


@pytest.fixture
def other(_sites: tuple[Site, Site, Site]) -> Site:
    """One that is not."""
    _sites[1].reset()
    return _sites[1]


@pytest.fixture
def closed(_sites: tuple[Site, Site, Site]) -> Site:
    """One that lets no page read its answers."""
    _sites[2].reset()
    return _sites[2]


def value(app: App, code: str) -> Any:
    """What the last expression gives."""
    result = run(app, code)
    assert result["ended"] == "ok", result
    return ast.literal_eval(result["value"])


def error(app: App, code: str) -> str:
    """The last line of the traceback."""
    result = run(app, code)
    assert result["ended"] == "error", result
    return str(result["traceback"].splitlines()[-1])


# What is allowed.


def test_urllib_reaches_an_allowed_host(app: App, site: Site) -> None:
    allow(app, site.host)
    value(app, f"import json, urllib.error, urllib.request\nU = {site.url!r}\n0")
    assert value(app, "urllib.request.urlopen(U + '/bytes').read() == bytes(range(256))")
    assert value(app, "len(urllib.request.urlopen(U + '/big').read())") == BIG
    request = "urllib.request.Request(U + '/echo', b'a=1', {'X-A': 'b'}, method='PUT')"
    answered = f"with urllib.request.urlopen({request}) as r: seen = json.load(r)"
    echo = value(app, f"{answered}\nr.status, r.reason, r.url == U + '/echo', seen")
    assert echo[:3] == (200, "OK", True)
    assert (echo[3]["method"], echo[3]["body"], echo[3]["headers"]["x-a"]) == ("PUT", "a=1", "b")
    missing = """
try:
    urllib.request.urlopen(U + '/missing')
except urllib.error.HTTPError as error:
    got = error.code, error.reason
got
"""
    assert value(app, missing) == (404, "Not Found")
    assert "timed out" in error(app, "urllib.request.urlopen(U + '/wait', timeout=0.3)")
    # What is usual elsewhere changes nothing.
    by_hand = "import pyodide_http\npyodide_http.patch_all()\n"
    assert (
        value(app, by_hand + "json.load(urllib.request.urlopen(U + '/echo', b'x'))['body']") == "x"
    )


def test_requests_reach_an_allowed_host(app: App, site: Site) -> None:
    allow(app, site.host)
    value(app, f"import requests, urllib3\nU = {site.url!r}\n0")
    assert value(app, "requests.get(U + '/bytes').content == bytes(range(256))")
    assert value(app, "len(requests.get(U + '/big').content)") == BIG
    echo = value(app, "requests.post(U + '/echo', json={'a': 1}, headers={'x-a': 'b'}).json()")
    assert (echo["method"], json.loads(echo["body"])) == ("POST", {"a": 1})
    assert echo["headers"]["x-a"] == "b"
    assert echo["headers"]["content-type"] == "application/json"
    file = "open('f', 'wb').write(b'\\x00\\xff')\n"
    sent = value(app, file + "requests.put(U + '/echo', data=open('f', 'rb')).json()")
    assert sent["body"] == "\x00\xff"
    form = "requests.post(U + '/echo', data={'a': 'ü'}, files={'f': b'content'}).json()['body']"
    assert "content" in value(app, form)
    assert value(app, "r = requests.get(U + '/missing')\nr.ok, r.status_code") == (False, 404)
    assert value(
        app, "requests.head(U + '/echo').text, urllib3.request('GET', U + '/bytes').status"
    ) == ("", 200)
    assert "ReadTimeout" in error(app, "requests.get(U + '/wait', timeout=0.3)")
    assert "timed out" in error(app, "requests.get(U + '/drip', timeout=0.3).content")


def test_a_body_is_read_as_it_comes(app: App, site: Site) -> None:
    allow(app, site.host)
    stream = f"""
import requests
U = {site.url!r}
parts = requests.get(U + '/drip', stream=True).iter_content(5)
first = next(parts)
requests.get(U + '/go-on')
first, b''.join(parts)
"""
    assert value(app, stream) == (b"first", b"second")


def test_what_pyodide_offers_reaches_it_as_well(app: App, site: Site) -> None:
    allow(app, site.host)
    code = f"""
from pyodide.http import open_url, pyfetch
import json
U = {site.url!r}
response = await pyfetch(U + '/echo', method='POST', body='x')
(await response.json())['body'], json.load(open_url(U + '/echo'))['method']
"""
    assert value(app, code) == ("x", "GET")


def test_requests_do_not_identify_the_user(app: App, site: Site) -> None:
    page = app.context.new_page()
    page.goto(f"{site.url}/cookies")
    page.goto(f"{site.url}/echo")
    assert "secret" in page.content()
    page.close()
    allow(app, site.host)
    site.reset()
    code = f"""
import js, pyodide.http, requests
U = {site.url!r}
requests.get(U + '/echo')
for mode in ('cors', 'no-cors'):
    await pyodide.http.pyfetch(U + '/echo', credentials='include', mode=mode)
request = js.XMLHttpRequest.new()
request.open('GET', U + '/echo', False)
request.withCredentials = True
request.send()
"""
    assert run(app, code)["ended"] == "ok"
    assert len(site.received) == 4
    for request in site.received:
        assert "cookie" not in request.headers
        assert "referer" not in request.headers
        assert request.headers.get("origin", "null") == "null"


# What is not.

REDIRECTED = """
    fetch(ALLOWED + 'redirect?' + HTTP + 'hop', OPTIONS)
        .then(({type}) => type === 'opaqueredirect' ? Promise.reject('not followed') : 'sent')
"""
HOPS = {
    f"{mode}, {redirect}": REDIRECTED.replace(
        "OPTIONS", json.dumps({"mode": mode, "redirect": redirect})
    )
    for mode in ("cors", "no-cors")
    for redirect in ("follow", "manual")
} | {
    "XMLHttpRequest": """(() => {
        const request = new XMLHttpRequest();
        request.open('GET', ALLOWED + 'redirect?' + HTTP + 'hop', false);
        request.send();
        return 'sent';
    })()""",
    "EventSource": """new Promise((yes, no) => {
        const source = new EventSource(ALLOWED + 'redirect?' + HTTP + 'hop');
        source.onopen = () => yes('opened'); source.onerror = () => no(new Error('refused'));
    })""",
    "two hops": "fetch(ALLOWED + 'redirect?/redirect?' + HTTP + 'hop').then(() => 'sent')",
    "code": "import(ALLOWED + 'code.js').then(() => 'imported')",
    "script": "(importScripts(ALLOWED + 'code.js'), 'imported')",
    "socket": """new Promise((yes, no) => {
        const socket = new WebSocket(ALLOWED.replace('http', 'ws') + 'socket');
        socket.onopen = () => yes('opened'); socket.onerror = () => no(new Error('refused'));
    })""",
}
"""By way of the host that is allowed, or things of it that stay closed."""


def test_no_way_leads_to_a_host_that_is_not_allowed(
    hostile_app: App, site: Site, other: Site
) -> None:
    allow(hostile_app, site.host)
    allowed = json.dumps(f"{site.url}/")
    hops = {f"by {name}": code.replace("ALLOWED", allowed) for name, code in HOPS.items()}
    hops["allowed"] = f"fetch({allowed} + 'echo').then(({{status}}) => 'got ' + status)"
    outcomes = attack(hostile_app, other.url, more=hops)
    assert outcomes.pop("allowed") == "got 200"
    assert outcomes.pop("extension's files").startswith("{")
    assert outcomes.pop("navigation") in ("blob:", "no answer")
    assert {name: said for name, said in outcomes.items() if not said.startswith("refused")} == {}
    # Time for a request to come late.
    hostile_app.lasting_page.wait_for_timeout(300)
    assert other.paths == []
    assert set(site.paths) - {"/echo"} == {
        path for path in site.paths if path.startswith("/redirect")
    }


def test_a_network_error_explains_its_cause(
    app: App, site: Site, other: Site, closed: Site
) -> None:
    allow(app, site.host, closed.host, "api.example.com")
    app.send({"type": "LoadSettings"})
    asks = {
        "requests.get(URL)": "import requests",
        "urllib.request.urlopen(URL)": "import urllib.request",
        "await pyfetch(URL)": "from pyodide.http import pyfetch",
        "open_url(URL)": "from pyodide.http import open_url",
    }
    redirect = f"{site.url}/redirect?{other.url}/hop"
    nobody = site.url.rpartition(":")[0] + ":1"
    for ask, imports in asks.items():
        for url, words in (
            (other.url, f"{other.url} may not be reached, only {site.host}, {closed.host}, api"),
            (other.url, "The user can allow it in the settings of the conversation"),
            ("http://api.example.com/", "by https:// only"),
            (closed.url, f"{closed.url} did not answer, or does not let browsers read its answers"),
            (redirect, "forwards to a host that may not be reached"),
            (nobody, "may not be reached"),
        ):
            result = run(app, f"{imports}\nURL = {url!r}\n{ask}")
            assert words in result["traceback"].splitlines()[-1], (ask, url)
            assert result["stderr"] == ""
    # What may have arrived is not sent again.
    post = f"import urllib3\nurllib3.request('POST', {closed.url!r} + '/post')"
    assert "did not answer" in error(app, post)
    assert closed.paths.count("/post") == 1
    connection = "import http.client\nhttp.client.HTTPConnection('localhost').request('GET', '/')"
    assert "There are no sockets in a browser" in error(app, connection)
    assert other.paths == []


# The list, and what may change it.


def test_another_list_is_another_python(app: App, site: Site, other: Site) -> None:
    ask = f"import requests\n[requests.get(u).status_code for u in ({site.url!r}, {other.url!r})]"
    allow(app, conversation="two")
    allow(app)
    run(app, "x = 1")
    assert "switched off" in error(app, ask)
    allow(app, site.host)
    widened = run(app, "'x' in globals()")
    assert (widened["value"], widened["new_hosts"]) == ("False", True)
    assert other.url in error(app, ask)
    allow(app, site.host, other.host)
    both = run(app, ask)
    assert (both["value"], both["new_hosts"]) == ("[200, 200]", True)
    same = run(app, ask)
    assert same["run"] == 2
    assert "new_hosts" not in same
    # What is allowed here is allowed here alone.
    assert "switched off" in run(app, ask, "two")["traceback"]
    allow(app, other.host)
    site.reset()
    assert site.url in error(app, ask)
    assert site.paths == []


START = """(codes) => {
  const request = {type: "RunPython", conversation: "one"};
  globalThis.runs = codes.map((code) => chrome.runtime.sendMessage({...request, code}));
}"""
"""The answers are for later calls."""


def test_a_host_that_is_taken_away_ends_what_runs(app: App, site: Site, other: Site) -> None:
    allow(app, site.host, other.host)
    run(app, "x = 1")
    codes = [
        f"import requests\nrequests.get({site.url!r} + '/wait')\nwhile True: pass",
        f"import requests\n'x' in globals(), requests.get({other.url!r}).status_code",
        f"requests.get({site.url!r})",
    ]
    app.lasting_page.evaluate(START, codes)
    assert site.waiting.wait(PATIENCE)
    allow(app, other.host)
    first, second, third = app.lasting_page.evaluate("Promise.all(runs)")
    assert (first["run"]["ended"], first["run"]["lost"]) == ("stopped", True)
    assert "removed a host" in first["run"]["traceback"]
    # What waited runs with the new list.
    assert second["run"]["value"] == "(False, 200)"
    assert "may not be reached" in third["run"]["traceback"]
    assert site.paths == ["/wait"]


def test_a_host_that_is_added_lets_what_runs_end(app: App, site: Site, other: Site) -> None:
    allow(app, site.host)
    waits = f"import requests\nx = requests.get({site.url!r} + '/wait').status_code\nx"
    app.lasting_page.evaluate(START, [waits])
    assert site.waiting.wait(PATIENCE)
    allow(app, site.host, other.host)
    app.lasting_page.evaluate("globalThis.first = runs[0]")
    app.lasting_page.evaluate(START, [f"requests.get({other.url!r}).status_code"])
    site.go_on.set()
    assert app.lasting_page.evaluate("first")["run"]["value"] == "200"
    second = app.lasting_page.evaluate("runs[0]")["run"]
    assert "NameError" in second["traceback"]
    assert second["new_hosts"]


def test_names_that_are_no_hosts_open_nothing(app: App, other: Site) -> None:
    port = other.host.rpartition(":")[2]
    allow(
        app, "*", f"127.0.0.1:{port}/x", f"*:{port}", f"http://*:{port}", "';connect-src", "http:"
    )
    ask = f"import requests\nrequests.get({other.url!r})"
    assert run(app, ask)["ended"] == "error"
    assert other.paths == []


def test_the_tool_and_the_button_have_the_same_hosts(
    panel: Panel, server: ScriptedServer, site: Site
) -> None:
    code = f"import requests\nrequests.get({site.url!r}).status_code"
    choose(panel, python="Without asking")
    server.on("Get it", python_calls(code), answer(f"```python\n{code}\n```"))
    panel.ask("Get it")
    expect(panel.answer.get_by_role("button", name="Run", exact=True)).to_be_visible()
    assert "There is no network." in server.turns[0].json["tools"][0]["description"]
    (told,) = [
        i["output"] for i in server.turns[1].json["input"] if i["type"] == "function_call_output"
    ]
    assert "switched off" in told
    dialog = panel.settings()
    field = dialog.dialog.get_by_role("textbox", name="Hosts that Python may reach", exact=True)
    field.fill(f"http://{site.host}/")
    dialog.save()
    panel.answer.get_by_role("button", name="Run", exact=True).click()
    output = panel.answer.get_by_role("group", name="Output", exact=True)
    expect(output.get_by_role("group", name="Value")).to_have_text("200")
    expect(output).to_contain_text("The hosts that Python may reach have changed")
    server.on("Again", python_calls(code), answer("Done."))
    panel.ask("Again")
    expect(panel.answer).to_contain_text("Done.")
    assert site.host in server.turns[-1].json["tools"][0]["description"]
    expect(panel.answer.locator("pre.output")).to_have_text("200")
