"""The demo provider: a newcomer chats at once, without a key."""

from __future__ import annotations

import json
import re
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Playwright, expect

from e2e.app import App, Panel, choose
from e2e.attached import attach_page
from e2e.conftest import ROOT
from e2e.patience import PATIENCE


def test_it_lists_its_model(demo_url: str) -> None:
    with urllib.request.urlopen(f"{demo_url}/models") as response:
        assert [model["id"] for model in json.load(response)["data"]] == ["demo"]


@pytest.fixture(scope="module")
def demo_app(
    playwright: Playwright,
    chromium: str,
    demo_extension: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[App]:
    """A browser in which nobody has entered anything yet."""
    app = App(playwright, chromium, demo_extension, tmp_path_factory.mktemp("profile"))
    yield app
    app.close()


@pytest.fixture
def demo_panel(demo_app: App) -> Iterator[Panel]:
    """An open panel with an empty conversation."""
    panel = demo_app.open_panel()
    panel.new_chat.click()
    expect(panel.conversation.get_by_role("article")).to_have_count(0)
    yield panel
    demo_app.close_pages()


def test_a_newcomer_chats_at_once(demo_app: App, demo_panel: Panel) -> None:
    demo = demo_panel.page.get_by_text(re.compile("demo", re.IGNORECASE))
    expect(demo.first).to_be_visible()
    demo_panel.ask("Hello!")
    expect(demo_panel.answer).to_contain_text("demo provider")
    expect(demo_panel.answer).to_contain_text("press Save")
    demo_panel.expect_idle()
    expect(demo_panel.alert).to_be_hidden()
    with demo_app.context.expect_page() as opened:
        demo_panel.page.get_by_role(
            "button", name=re.compile("settings", re.IGNORECASE)
        ).first.click()
    expect(opened.value.get_by_role("textbox", name="Base URL")).to_be_visible()


def test_it_answers_anything(demo_panel: Panel) -> None:
    demo_panel.ask("Wie $& geht's, {{quote}} 😀?")
    expect(demo_panel.answer).to_contain_text("Wie $& geht's, {{quote}}")
    demo_panel.expect_idle()
    expect(demo_panel.alert).to_be_hidden()


def test_reasoning_and_answer(demo_panel: Panel) -> None:
    demo_panel.ask("think")
    expect(demo_panel.answer).to_contain_text("The ball costs 0.05")
    expect(demo_panel.answer.get_by_text("Let the ball cost x.")).to_have_count(1)
    demo_panel.expect_idle()


def test_a_long_story_can_be_stopped(demo_panel: Panel) -> None:
    demo_panel.ask("Tell me a story")
    expect(demo_panel.answer).to_contain_text("lighthouse")
    demo_panel.stop.click()
    demo_panel.expect_idle()
    expect(demo_panel.answer).to_contain_text("lighthouse")
    expect(demo_panel.answer).not_to_contain_text("touched the reef")


def test_a_chart_is_drawn_when_the_newcomer_allows_it(demo_panel: Panel) -> None:
    demo_panel.ask("chart")
    expect(demo_panel.answer).to_contain_text("Tools: off")
    demo_panel.expect_idle()
    expect(demo_panel.answer.get_by_role("button", name="Run", exact=True)).to_be_visible()
    choose(demo_panel, python="Ask each time")
    for button, says in (("Don't allow", "nothing was run"), ("Allow once", "most sun on Sunday")):
        demo_panel.ask("Draw the chart")
        expect(demo_panel.answer.locator("pre.arguments")).to_contain_text("class Chart")
        if button == "Allow once":
            # Its code is longer than its box.
            demo_panel.page.get_by_role("button", name="To the end", exact=True).click()
        demo_panel.page.get_by_role("button", name=button, exact=True).click()
        expect(demo_panel.answer).to_contain_text(says)
        demo_panel.expect_idle()
    expect(demo_panel.answer.locator(".run-figure img")).to_be_visible()
    expect(demo_panel.answer.locator("pre.output")).to_contain_text("Most sun: Sun")


def test_it_names_what_was_attached(demo_panel: Panel) -> None:
    # What the page says chooses no other answer.
    attach_page(demo_panel, "A story about **code** in {{asked}}. " * 30)
    demo_panel.ask("How deep is it?")
    for words in ("On <b>fjords</b>", "https://example.com/fjords", "A story about", "180 words"):
        expect(demo_panel.answer).to_contain_text(words)
    expect(demo_panel.answer).to_contain_text("How deep is it?")
    demo_panel.expect_idle()


@pytest.mark.parametrize(
    ("word", "says"), [("page", "This page"), ("image", "Screenshot"), ("search", "Web search")]
)
def test_it_explains_where_to_find_things(demo_panel: Panel, word: str, says: str) -> None:
    demo_panel.ask(word)
    expect(demo_panel.answer).to_contain_text(says)
    demo_panel.expect_idle()
    if word == "search":
        expect(demo_panel.answer.locator("summary")).to_contain_text("Searched the web")


def test_chat_completions(app: App, demo_url: str) -> None:
    app.configure(demo_url, wire_api="chat", model="any-other-model")
    panel = app.open_panel()
    panel.ask("Anything")
    expect(panel.answer).to_contain_text("demo provider")
    panel.expect_idle()
    expect(panel.alert).to_be_hidden()


def test_the_tour_is_drawn(
    playwright: Playwright,
    chromium: str,
    demo_extension: Path,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    """Its picture becomes `docs/screenshot.png` where `--update-screenshot` asks for that."""
    app = App(
        playwright,
        chromium,
        demo_extension,
        tmp_path / "profile",
        viewport={"width": 420, "height": 900},
        device_scale_factor=2,
    )
    panel = app.open_panel()
    panel.ask("Give me a short tour")
    expect(panel.answer.get_by_role("cell", name="parses, validates, retries")).to_be_visible()
    expect(panel.stop).to_be_visible()
    picture = panel.page.screenshot()
    panel.expect_idle()
    expect(panel.answer.locator("pre code")).to_contain_text("def fibonacci")
    for heading in ("A short tour", "Code", "A table", "Lists"):
        expect(panel.answer.get_by_role("heading", name=heading, exact=True)).to_be_visible()
    app.close()
    if request.config.getoption("--update-screenshot"):
        (ROOT / "docs" / "screenshot.png").write_bytes(picture)


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
    assert process.wait(PATIENCE) == 0
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
