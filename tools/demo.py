"""`build.py run`: the extension in Chromium, with the demo provider beside it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from types import FrameType
from typing import Any
from urllib.parse import quote

from tools import chromium
from tools.common import CACHE, DIST, EXTENSION_ID, ROOT, ProblemError, node, say

RUN = CACHE / "run"
TITLE = "Sidestream"
PANEL = f"chrome-extension://{EXTENSION_ID}/sidepanel/index.html"


def run_demo(*, headless: bool) -> None:
    """Start the demo provider and the browser, and wait until the browser is closed."""
    executable = chromium.find()
    headless = headless or not has_display()
    extension, profile = RUN / "extension", RUN / "profile"
    signal.signal(signal.SIGTERM, interrupt)
    server = start_server()
    browser: subprocess.Popen[bytes] | None = None
    try:
        base_url = read_base_url(server)
        copy_extension(extension, base_url)
        say(f"The demo provider answers at {base_url}")
        browser = start_browser(executable, extension, profile, headless=headless)
        say("Close the browser or press Ctrl+C to end." if not headless else "Press Ctrl+C to end.")
        browser.wait()
        say("Chromium has ended.")
    except KeyboardInterrupt:
        say("Ending ...")
    finally:
        # A second Ctrl+C must not leave anything behind.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        for process in filter(None, (browser, server)):
            end(process)


def interrupt(_signal: int, _frame: FrameType | None) -> None:
    """SIGTERM ends the command as Ctrl+C does."""
    raise KeyboardInterrupt


def has_display() -> bool:
    """Whether a window can be shown."""
    if sys.platform != "linux":
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def copy_extension(copy: Path, base_url: str) -> None:
    """The built extension with the demo provider's address in it."""
    if copy.exists():
        shutil.rmtree(copy)
    shutil.copytree(DIST / "sidestream", copy)
    demo = {"base_url": base_url, "model": "demo", "wire_api": "responses"}
    (copy / "demo.json").write_text(json.dumps(demo), "utf-8")


def start_server() -> subprocess.Popen[bytes]:
    """The demo provider on a free port of loopback; it ends when its standard input is closed."""
    script = ROOT / "e2e" / "demo" / "server.mjs"
    return subprocess.Popen(
        [node(), script, "--port", "0"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )


def read_base_url(server: subprocess.Popen[bytes]) -> str:
    """Wait for the line in which the server says that it listens."""
    line = server.stdout.readline() if server.stdout else b""
    try:
        return str(json.loads(line)["base_url"])
    except (ValueError, KeyError):
        raise ProblemError("The demo provider (e2e/demo/server.mjs) did not start.") from None


def start_browser(
    executable: Path, extension: Path, profile: Path, *, headless: bool
) -> subprocess.Popen[bytes]:
    """Chromium with the panel's page open."""
    profile.mkdir(parents=True, exist_ok=True)
    # Chromium would go on with the worker's old script as long as the version is the same.
    shutil.rmtree(profile / "Default" / "Service Worker", ignore_errors=True)
    port_file = profile / "DevToolsActivePort"
    port_file.unlink(missing_ok=True)
    command = [
        str(executable),
        *chromium.arguments(extension, profile),
        "--remote-debugging-port=0",
    ]
    if headless:
        command.append("--headless=new")
    say(f"Starting {executable} ...")
    with (RUN / "chromium.log").open("wb") as log:
        browser = subprocess.Popen(
            [*command, "about:blank"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        port = wait_for_port(browser, port_file)
        open_panel(port)
    except BaseException:
        end(browser)
        raise
    say(f"The panel is open at {PANEL}")
    if headless:
        say(f"No display, so Chromium runs headless. Remote debugging: http://127.0.0.1:{port}")
    else:
        say("Sidestream's icon in the toolbar (behind the puzzle piece) opens it as a side panel.")
    return browser


def wait_for_port(browser: subprocess.Popen[bytes], port_file: Path) -> int:
    """The port of the browser's remote debugging, as soon as it writes it down."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if port_file.is_file() and (lines := port_file.read_text("utf-8").splitlines()):
            return int(lines[0])
        if browser.poll() is not None:
            raise ProblemError(
                f"Chromium ended at once (code {browser.returncode}). If it is open already "
                f"with this profile, close it; otherwise see {RUN / 'chromium.log'}."
            )
        time.sleep(0.1)
    raise ProblemError(f"Chromium did not start within a minute; see {RUN / 'chromium.log'}.")


def open_panel(port: int) -> None:
    """Open the panel's page in a tab, as soon as the extension is there."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        tab = ask(port, f"new?{quote(PANEL, safe=':/')}", method="PUT")
        time.sleep(1)
        tabs = ask(port, "list")
        if any(known["id"] == tab["id"] and known["title"] == TITLE for known in tabs):
            for blank in tabs:
                if blank["url"] == "about:blank":
                    ask(port, f"close/{blank['id']}")
            return
        ask(port, f"close/{tab['id']}")
    raise ProblemError(f"Chromium did not open the panel; see {RUN / 'chromium.log'}.")


def ask(port: int, what: str, *, method: str = "GET") -> Any:
    """One request to the browser's remote debugging on loopback."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}/json/{what}", method=method)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=30) as answer:
            body = answer.read()
    except OSError as error:
        raise ProblemError(f"Chromium does not answer: {error}") from None
    return json.loads(body) if body.startswith((b"{", b"[")) else None


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process that was started here."""
    if process.stdin:
        process.stdin.close()
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
