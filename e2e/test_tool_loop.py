"""The tool loop from the first argument to the last answer, over both wire APIs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, expect

from e2e.app import App, Panel, choose
from e2e.cdp import wait_until
from e2e.patience import PATIENCE
from e2e.server import (
    CallGate,
    Gate,
    Script,
    ScriptedServer,
    answer,
    python_calls,
    tool_calls,
)

FOREVER = "while True: pass"


@pytest.fixture(params=["responses", "chat"])
def loop(request: pytest.FixtureRequest, app: App, server: ScriptedServer) -> Iterator[Panel]:
    """A conversation in which the model may use Python without asking."""
    app.configure(server.base_url, wire_api=request.param)
    panel = app.open_panel()
    panel.new_chat.click()
    choose(panel, python="Without asking")
    yield panel
    app.close_pages()
    paths = {turn.path for turn in server.turns}
    assert paths <= {"/v1/responses" if request.param == "responses" else "/v1/chat/completions"}
    for turn in server.turns:
        turn.assert_calls_are_answered()


def calls(panel: Panel) -> Locator:
    return panel.answer.locator(".call")


def press(panel: Panel, name: str) -> None:
    panel.page.get_by_role("button", name=name, exact=True).first.click()


def test_a_call_is_shown_from_its_first_argument_on(loop: Panel, server: ScriptedServer) -> None:
    choose(loop, python="Ask each time")
    code = "print('one')\nprint('a longer line, so that the first half ends before it does')"
    gate = CallGate("python", json.dumps({"code": code}))
    server.on("Go", gate, answer("Done."))
    loop.ask("Go")
    arguments = calls(loop).locator("pre.arguments")
    expect(arguments).to_contain_text("print('one')\nprint(")
    expect(arguments).not_to_contain_text("does")
    assert not arguments.is_visible(), "what a call says is folded until it asks"
    calls(loop).locator("summary").click()
    expect(arguments).to_be_visible()
    expect(loop.status).to_have_text("Python…")
    gate.open.set()
    expect(arguments).to_have_text(code)
    press(loop, "Allow once")
    expect(loop.answer).to_contain_text("Done.")
    loop.expect_idle()
    expect(calls(loop).locator("pre.output")).to_contain_text("one\na longer line")
    expect(calls(loop).locator(".aside-state")).to_have_text(re.compile(r"\d+(\.\d)?m?s"))


def test_parallel_calls_calls_after_calls_and_ids_that_come_again(
    loop: Panel, server: ScriptedServer
) -> None:
    server.on(
        "Go",
        python_calls("x = 1\nprint('a', x)", "x = x + 1\nprint('b', x)"),
        python_calls("x = 1\nprint('a', x)"),
        python_calls("x = 1\nprint('a', x)"),
        answer("Done."),
        answer("Once more."),
    )
    loop.ask("Go")
    expect(loop.answer).to_contain_text("Done.")
    loop.expect_idle()
    expect(calls(loop)).to_have_count(4)
    expect(loop.answer.locator("pre.output")).to_have_text(["a 1", "b 2", "a 1", "a 1"])
    assert server.turns[3].outputs == ["a 1", "b 2", "a 1", "a 1"]
    loop.ask("Go on")
    expect(loop.answer).to_have_text("Once more.")
    loop.expect_idle()
    assert server.turns[4].outputs == ["a 1", "b 2", "a 1", "a 1"]


def test_errors_of_a_tool_are_returned_to_the_model(loop: Panel, server: ScriptedServer) -> None:
    server.on(
        "Go",
        tool_calls(("python", '{"cod": 1}'), ("delete_all", "{}"), ("python", '{"code": "1')),
        python_calls("1 / 0"),
        answer("I see."),
    )
    loop.ask("Go")
    expect(loop.answer).to_contain_text("I see.")
    loop.expect_idle()
    wrong, unknown, cut, failed = server.turns[2].outputs
    assert "code: Field required" in wrong
    assert "'delete_all'" in unknown
    assert "not right" in cut
    assert "ZeroDivisionError" in failed
    ran = re.compile(r"failed · \d+(\.\d)?m?s")
    expect(calls(loop).locator(".aside-state")).to_have_text(["failed", "not run", "failed", ran])


def test_a_call_that_is_refused(loop: Panel, server: ScriptedServer) -> None:
    choose(loop, python="Ask each time")
    server.on("Go", python_calls("1", "2"), answer("As you like."))
    loop.ask("Go")
    expect(loop.page.get_by_role("button", name="Don't allow")).to_have_count(2)
    press(loop, "Don't allow")
    expect(loop.page.get_by_role("button", name="Don't allow")).to_have_count(1)
    press(loop, "Allow once")
    expect(loop.answer).to_contain_text("As you like.")
    refused, allowed = server.turns[1].outputs
    assert "did not allow" in refused
    assert allowed == "2"


def begin(panel: Panel, server: ScriptedServer, phase: str) -> int:
    """Bring a turn to a phase. Says how many of its calls the history has then."""
    second = Gate("I think", after=[" so"])
    scripts: dict[str, tuple[Script, ...]] = {
        "arguments": (CallGate("python", json.dumps({"code": "print('long enough to be cut')"})),),
        "asking": (python_calls("1"),),
        "running": (python_calls(FOREVER),),
        "second": (python_calls("'first'"), second),
    }
    if phase == "asking":
        choose(panel, python="Ask each time")
    server.on("Go", *scripts[phase], answer("never"))
    panel.ask("Go")
    if phase == "arguments":
        expect(calls(panel).locator("pre.arguments")).to_contain_text("long")
    elif phase == "asking":
        expect(panel.answer.get_by_role("alert")).to_be_visible()
    elif phase == "running":
        expect(calls(panel)).to_contain_text("running")
    else:
        expect(panel.answer).to_contain_text("I think")
    return 0 if phase == "arguments" else 1


SAYS = {
    "asking": "before this call was carried out",
    "running": "before this call was done",
    "second": "first",
}
STORED = {"arguments": "", "asking": "code", "running": "while True", "second": "I think"}
"""What the record of the turn that runs holds in the end."""
PHASES = ["arguments", "asking", "running", "second"]


@pytest.mark.parametrize("phase", PHASES)
def test_stop_in_every_phase(loop: Panel, server: ScriptedServer, phase: str) -> None:
    count = begin(loop, server, phase)
    loop.stop.click()
    loop.expect_idle()
    expect(loop.page.get_by_role("button", name="Allow once")).to_have_count(0)
    choose(loop, python="Without asking")
    server.on("Then", python_calls("7 * 7"), answer("Fine."))
    loop.ask("Then")
    expect(loop.answer).to_contain_text("Fine.")
    loop.expect_idle()
    told = server.turns[-1].outputs
    assert len(told) == count + 1
    assert "49" in told[-1]
    assert not count or SAYS[phase] in told[0]


def is_stored(app: App, panel: Panel, text: str) -> bool:
    """Whether the turn that runs is stored as far as this."""
    turns = [turn for turn in app.stored_turns(panel.page) if turn["status"] == "running"]
    return any(text in json.dumps(turn) for turn in turns)


@pytest.mark.parametrize("phase", PHASES)
def test_the_worker_killed_in_every_phase(
    app: App, loop: Panel, server: ScriptedServer, phase: str
) -> None:
    count = begin(loop, server, phase)
    wait_until(lambda: is_stored(app, loop, STORED[phase]), PATIENCE, f"{phase} in storage")
    app.stop_worker(loop.page)
    expect(loop.answer).to_contain_text("The browser stopped Sidestream")
    expect(loop.page.get_by_role("button", name="Allow once")).to_have_count(0)
    states = {"asking": "not carried out", "running": "ended early"}
    if phase in states:
        expect(calls(loop)).to_contain_text(states[phase])
    choose(loop, python="Without asking")
    again = "Retry" if phase == "arguments" else "Continue"
    asked = "Go" if again == "Retry" else "Continue."
    server.on(asked, python_calls("7 * 7"), answer("Fine."))
    press(loop, again)
    expect(loop.answer).to_contain_text("Fine.")
    loop.expect_idle()
    told = server.turns[-1].outputs
    assert len(told) == count + 1
    assert "49" in told[-1], "what ran before holds nothing up"
    assert not count or SAYS[phase] in told[0]
