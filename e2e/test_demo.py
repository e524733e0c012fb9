"""The demo provider: a newcomer chats at once, without a key."""

from __future__ import annotations

import json
import subprocess
import urllib.request

import pytest
from playwright.sync_api import expect

from e2e.app import App
from e2e.conftest import ROOT


def test_it_lists_its_model(demo_url: str) -> None:
    with urllib.request.urlopen(f"{demo_url}/models") as response:
        assert [model["id"] for model in json.load(response)["data"]] == ["sidestream-demo"]


@pytest.mark.parametrize("wire_api", ["responses", "chat"])
def test_it_answers_over_both_wire_apis(app: App, demo_url: str, wire_api: str) -> None:
    app.configure(demo_url, wire_api=wire_api, model="sidestream-demo")
    panel = app.open_panel()
    panel.new_chat.click()
    panel.ask("Hello!")
    expect(panel.answer).to_contain_text("demo provider")
    expect(panel.answer).to_contain_text("press Save")
    panel.expect_idle()
    panel.ask("think")
    expect(panel.answer).to_contain_text("The ball costs 0.05")
    panel.expect_idle()
    expect(panel.alert).to_be_hidden()
    app.close_pages()


def test_it_answers_anything(app: App, demo_url: str) -> None:
    app.configure(demo_url, model="any-other-model")
    panel = app.open_panel()
    panel.new_chat.click()
    panel.ask("Wie $& geht's, {{quote}} 😀?")
    expect(panel.answer).to_contain_text("Wie $& geht's, {{quote}}")
    panel.expect_idle()
    expect(panel.alert).to_be_hidden()
    app.close_pages()


def test_the_tour_is_drawn(app: App, demo_url: str) -> None:
    app.configure(demo_url, model="sidestream-demo")
    panel = app.open_panel()
    panel.new_chat.click()
    panel.ask("tour")
    expect(panel.answer.get_by_role("table")).to_be_visible()
    expect(panel.answer.locator("pre code")).to_contain_text("def fibonacci")
    panel.expect_idle()
    expect(panel.answer.get_by_role("heading")).to_have_count(4)
    app.close_pages()


def test_it_ends_with_the_process_that_started_it() -> None:
    process = subprocess.Popen(
        ["node", ROOT / "e2e" / "demo" / "server.mjs", "--port", "0"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    assert process.stdin
    assert json.loads(process.stdout.readline())["base_url"].startswith("http://127.0.0.1:")
    process.stdin.close()
    assert process.wait(10) == 0
    process.stdout.close()


@pytest.mark.parametrize("port", ["many", "-1", "70000"])
def test_a_port_that_is_none(port: str) -> None:
    result = subprocess.run(
        ["node", ROOT / "e2e" / "demo" / "server.mjs", f"--port={port}"],
        stdin=subprocess.PIPE,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert result.returncode == 2
    assert "--port" in result.stderr
