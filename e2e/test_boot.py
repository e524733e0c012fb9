"""Python's start: it is shown, and a failed one can be retried."""

from __future__ import annotations

import shutil
from pathlib import Path

from playwright.sync_api import Playwright, expect

from e2e.app import App
from e2e.server import ScriptedServer


def test_a_failed_start_is_explained_and_overcome(
    playwright: Playwright, chromium: str, extension: Path, tmp_path: Path, server: ScriptedServer
) -> None:
    copy = tmp_path / "extension"
    shutil.copytree(extension, copy)
    part = copy / "pyodide" / "python_stdlib.zip"
    hidden = part.rename(tmp_path / part.name)
    app = App(playwright, chromium, copy, tmp_path / "profile")
    try:
        app.configure(server.base_url)
        panel = app.open_panel()
        expect(panel.alert).to_contain_text("Python could not start")
        panel.ask("Are you there?")
        panel.expect_alert("Python could not start")
        expect(panel.alert).not_to_contain_text("[object")
        assert server.requests == []

        hidden.rename(part)
        panel.page.get_by_role("button", name="Try again").click()
        expect(panel.alert).to_be_hidden()
        expect(panel.message).to_have_value("Are you there?")
        panel.message.press("Enter")
        expect(panel.answer).to_have_text("You said: Are you there?")
        panel.expect_idle()
        expect(panel.questions).to_have_count(1)
        assert len(server.turns) == 1
    finally:
        app.close()
