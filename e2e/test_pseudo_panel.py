"""The side panel in a pseudo-locale: nothing is hard-wired, and nothing overflows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from e2e.app import App
from e2e.pseudo_locale import check, copy_in_pseudo_locale
from e2e.server import MODEL, ScriptedServer

NAMES = [MODEL, "Scripted", "Python", "now"]
"""Names of models and providers, and times as `Intl` writes them."""


@pytest.fixture(scope="module")
def extension(built_extension: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The extension in the pseudo-locale."""
    return copy_in_pseudo_locale(built_extension, tmp_path_factory.mktemp("pseudo") / "extension")


@pytest.fixture
def page(app: App, server: ScriptedServer) -> Iterator[Page]:
    """A panel with an empty conversation."""
    app.configure(server.base_url)
    page = app.open_panel().page
    expect(page.locator("#empty")).to_be_visible()
    yield page
    app.close_pages()


def test_an_empty_conversation_and_its_menu(page: Page) -> None:
    check(page, *NAMES)
    page.locator("#attach").click()
    expect(page.locator("#attach-menu")).to_be_visible()
    check(page, *NAMES)


def test_the_settings_of_a_conversation(page: Page) -> None:
    page.locator("#show-conversation-settings").click()
    expect(page.locator("#own-profile option").first).not_to_be_empty()
    page.locator("#own-advanced summary").click()
    check(page, *NAMES)
    page.locator("#own-temperature").fill("9")
    page.locator("#save-own").click()
    expect(page.locator("#own-status")).not_to_be_empty()
    check(page, *NAMES)
