"""`python build.py run`, as a newcomer types it, but without a window."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
from urllib.parse import urlsplit

from playwright.sync_api import Playwright, expect

from e2e.app import Panel
from e2e.conftest import ROOT
from e2e.patience import PATIENCE


def is_open(url: str) -> bool:
    """Whether the port has a listener."""
    with socket.socket() as connection:
        return connection.connect_ex(("127.0.0.1", urlsplit(url).port or 0)) == 0


def test_one_command_shows_the_panel_and_a_first_answer(playwright: Playwright) -> None:
    command = subprocess.Popen(
        [sys.executable, "-u", ROOT / "build.py", "run", "--headless"],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # Who runs the tests in the background of a shell has it ignored, and passes that on.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert command.stdout
    said = ""
    try:
        for line in command.stdout:
            said += line
            if "Remote debugging" in line:
                break
        urls = re.findall(r"http://127\.0\.0\.1:\d+", said)
        assert len(urls) == 2, said
        provider, debugging = urls
        browser = playwright.chromium.connect_over_cdp(debugging)
        (page,) = (
            page for page in browser.contexts[0].pages if page.url.endswith("/sidepanel/index.html")
        )
        panel = Panel(page)
        panel.new_chat.click()
        panel.ask("Hello!")
        expect(panel.answer).to_contain_text("demo provider")
        panel.expect_idle()
        expect(panel.alert).to_be_hidden()
        browser.close()
    finally:
        command.send_signal(signal.SIGINT)
        rest, _ = command.communicate(timeout=PATIENCE)
    assert command.returncode == 0, said + rest
    assert not is_open(provider), "the demo provider is still there"
    assert not is_open(debugging), "the browser is still there"
