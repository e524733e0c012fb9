"""The tool loop against a third-party server, ``@copilotkit/aimock``, in a process of its own.

It answers a call's output only if that holds what it should: see ``aimock.json``.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from e2e.app import App, Panel, choose
from tests.native.aimock import aimock

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def base_url() -> Iterator[str]:
    """The address of the server."""
    with aimock(HERE / "aimock.json") as address:
        yield address


@pytest.fixture(params=["responses", "chat"])
def loop(request: pytest.FixtureRequest, app: App, base_url: str) -> Iterator[Panel]:
    """A conversation with it, in which the model may use Python without asking."""
    app.configure(base_url, wire_api=request.param)
    panel = app.open_panel()
    panel.new_chat.click()
    choose(panel, python="Without asking")
    yield panel
    app.close_pages()


def test_calls_are_carried_out_until_there_is_an_answer(loop: Panel) -> None:
    for question, calls, says in (
        ("one call, please", 1, "It is 42."),
        ("two calls, please", 2, "Left and right."),
        ("a chain, please", 2, "Eleven."),
        ("mistakes, please", 2, "I see."),
    ):
        loop.ask(question)
        expect(loop.answer).to_contain_text(says)
        loop.expect_idle()
        expect(loop.answer.locator(".call")).to_have_count(calls)
        expect(loop.alert).to_be_hidden()


def test_a_call_that_is_not_allowed(loop: Panel) -> None:
    choose(loop, python="Ask each time")
    loop.ask("not allowed, please")
    loop.page.get_by_role("button", name="Don't allow", exact=True).click()
    expect(loop.answer).to_contain_text("As you like.")
    loop.expect_idle()
