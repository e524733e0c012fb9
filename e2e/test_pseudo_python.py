"""Python's messages in a pseudo-locale: the panel shows them from the catalogue."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from e2e.app import App
from e2e.pseudo_locale import copy_in_pseudo_locale
from tools.pseudo import pseudo


@pytest.fixture(scope="module")
def extension(built_extension: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The extension in the pseudo-locale."""
    return copy_in_pseudo_locale(built_extension, tmp_path_factory.mktemp("pseudo") / "extension")


def test_an_error_of_python_is_shown_in_the_language(app: App, closed_port: int) -> None:
    app.configure(f"http://127.0.0.1:{closed_port}/v1")
    page = app.open_panel().page
    page.locator("#message").fill("Hello")
    page.locator("#message").press("Enter")
    alert = page.locator("article .error-box")
    message = pseudo("Nothing answers at $HOST$.").replace("$HOST$", f"127.0.0.1:{closed_port}")
    hint = pseudo("Start the model server, and check the port in the base URL.")
    for _ in range(2):
        expect(alert.locator(".what")).to_have_text(message)
        expect(alert).to_contain_text(hint)
        # What is stored is shown in the language, too.
        page.reload()
    app.close_pages()
