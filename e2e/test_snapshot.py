"""Later starts of the worker restore a snapshot of the first one's memory."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from playwright.sync_api import Page, Playwright, expect

from e2e.app import API_KEY, App, Panel
from e2e.cdp import wait_until
from e2e.patience import PATIENCE
from e2e.server import ScriptedServer, answer, fail

FILES = """async () => {
  const root = await navigator.storage.getDirectory();
  const found = {};
  try {
    for await (const [name, handle] of (await root.getDirectoryHandle("snapshots")).entries())
      found[name] = (await handle.getFile()).size;
  } catch {}
  return found;
}"""

# Writes the only snapshot back, with one bit at `flip` changed, or only the first `length` bytes,
# or under another `name`.
REWRITE = """async ({ length, flip, name }) => {
  const root = await navigator.storage.getDirectory();
  const folder = await root.getDirectoryHandle("snapshots");
  for await (const [old, handle] of folder.entries()) {
    const bytes = new Uint8Array(await (await handle.getFile()).arrayBuffer());
    if (flip !== undefined) bytes[flip] ^= 1;
    await folder.removeEntry(old);
    const file = await (await folder.getFileHandle(name ?? old, { create: true })).createWritable();
    await file.write(bytes.subarray(0, length ?? bytes.length));
    await file.close();
    return;
  }
}"""

HOLDS = """async (text) => {
  const root = await navigator.storage.getDirectory();
  const encoded = new TextEncoder().encode(text);
  const found = [];
  for await (const handle of (await root.getDirectoryHandle("snapshots")).values()) {
    const content = new TextDecoder("latin1").decode(await (await handle.getFile()).arrayBuffer());
    found.push(content.includes(new TextDecoder("latin1").decode(encoded)));
  }
  return found;
}"""

SIZE = 6_000_000
"""Every snapshot is larger than this."""


def starts(app: App) -> list[str]:
    """How each worker started Python, as its log says."""
    return [line for line in dict.fromkeys(app.logs) if "Python is up" in line]


def snapshot_made(page: Page) -> dict[str, int]:
    """Wait until there is a whole snapshot."""

    def probe() -> dict[str, int] | None:
        files: dict[str, int] = page.evaluate(FILES)
        return files if files and min(files.values()) > SIZE else None

    files: dict[str, int] = wait_until(probe, PATIENCE, "a snapshot is written")
    assert len(files) == 1
    return files


def ask(panel: Panel, text: str) -> None:
    """One whole turn."""
    panel.ask(text)
    expect(panel.answer).to_have_text(f"You said: {text}")
    panel.expect_idle()


def started(app: App, server: ScriptedServer, **settings: str) -> Panel:
    """A panel after Python's first start, which has left a snapshot behind."""
    app.configure(server.base_url, **settings)
    panel = app.open_panel()
    ask(panel, "plain")
    snapshot_made(panel.page)
    return panel


@pytest.fixture
def first_start(fresh_app: App, server: ScriptedServer) -> tuple[App, Panel]:
    """A browser in which Python has started once, and left a snapshot behind."""
    # OpenAI is sent a request id, which the client makes from its random numbers.
    return fresh_app, started(fresh_app, server, preset="openai")


def test_later_starts_restore_and_are_not_all_the_same(
    first_start: tuple[App, Panel], server: ScriptedServer
) -> None:
    app, panel = first_start
    for number in range(3):
        app.stop_worker(panel.page)
        ask(panel, f"restored {number}")
    kinds = ["restore " in line for line in starts(app)]
    assert kinds == [False, True, True, True]
    ids = [turn.headers["x-client-request-id"] for turn in server.turns]
    assert len(set(ids)) == len(ids) == 4


def test_a_snapshot_that_is_no_good_is_made_anew(first_start: tuple[App, Panel]) -> None:
    """One bit wrong, cut short, empty, or made by another browser or version."""
    app, panel = first_start
    another = "0" * 32 + "-" + "0" * 64
    damages = [{"flip": 4_000_000}, {"length": 4_000_000}, {"length": 0}, {"name": another}]
    for damage in damages:
        (right,) = snapshot_made(panel.page)
        app.stop_worker(panel.page)
        panel.page.evaluate(REWRITE, damage)
        ask(panel, f"damaged: {damage}")
        wait_until(
            lambda: another not in panel.page.evaluate(FILES), PATIENCE, "the other one is gone"
        )
        (made,) = snapshot_made(panel.page)
        assert made[:33] == right[:33]
    app.stop_worker(panel.page)
    ask(panel, "mended")
    assert ["restore " in line and "failed" not in line for line in starts(app)] == [False] * 5 + [
        True
    ]


def test_it_can_be_switched_off(fresh_app: App, server: ScriptedServer) -> None:
    fresh_app.configure(server.base_url)
    panel = fresh_app.open_panel()
    panel.page.evaluate("() => chrome.storage.local.set({ disable_snapshot: true })")
    fresh_app.stop_worker(panel.page)
    ask(panel, "plain")
    fresh_app.stop_worker(panel.page)
    ask(panel, "plain again")
    assert "restore" not in starts(fresh_app)[-1]


def test_no_key_is_in_it(first_start: tuple[App, Panel], server: ScriptedServer) -> None:
    app, panel = first_start
    app.stop_worker(panel.page)
    ask(panel, "with a key")
    assert API_KEY in server.turns[-1].headers["authorization"]
    assert panel.page.evaluate(HOLDS, API_KEY) == [False]
    assert panel.page.evaluate(HOLDS, "sidestream.client") == [True]


def test_a_restored_start_needs_no_files(
    playwright: Playwright, chromium: str, extension: Path, tmp_path: Path, server: ScriptedServer
) -> None:
    """All that a chat needs is in the snapshot, failures and the options page's requests too."""
    copy = tmp_path / "sidestream"
    shutil.copytree(extension, copy)
    app = App(playwright, chromium, copy, tmp_path / "profile")
    try:
        panel = started(app, server)
        app.stop_worker(panel.page)
        for name in ("python_stdlib.zip", "packages.bin"):
            (copy / "pyodide" / name).unlink()
        ask(panel, "restored")
        past = {"retry-after": "Wed, 01 Jan 2020 00:00:00 GMT"}
        server.on("limited", fail(429, "Slow down.", headers=past), answer("At ", "last"))
        panel.ask("limited")
        expect(panel.answer).to_have_text("At last")
        panel.expect_idle()
        server.on("refused", fail(401, "No such key."))
        panel.ask("refused")
        panel.expect_alert("key")
        for kind in ("ListModels", "TestConnection"):
            request = {"type": kind, "settings": app.settings(server.base_url)}
            assert app.send(request)["ok"]
        assert "restore" in starts(app)[-1]
        wait_until(lambda: app.logged("not be put back"), PATIENCE, "the failure")
        assert not any("ModuleNotFound" in line for line in app.logs)
    finally:
        app.close()


def test_modules_can_still_be_imported(
    playwright: Playwright, chromium: str, extension: Path, tmp_path: Path, server: ScriptedServer
) -> None:
    """A copy of the extension imports more after its start, as a later version may."""
    copy = tmp_path / "sidestream"
    shutil.copytree(extension, copy)
    boot = copy / "worker" / "python" / "boot.js"
    late = "import csv, sqlite3, pydantic.networks, pydantic.json_schema; pydantic.__version__"
    source = boot.read_text()
    changed = source.replace(
        "entry.see_files();", f'entry.see_files(); logInfo("late", pyodide.runPython("{late}"));'
    )
    assert changed != source
    boot.write_text(changed)
    app = App(playwright, chromium, copy, tmp_path / "profile")
    try:
        panel = started(app, server)
        app.stop_worker(panel.page)
        ask(panel, "restored")
        assert "restore" in starts(app)[-1]
        wait_until(lambda: app.logged("late 2."), PATIENCE, "the late import")
        assert not any("ModuleNotFound" in line for line in app.logs)
    finally:
        app.close()
