"""Damaged snapshots, and stops while one is made or restored: the next message is answered.

By default a sample of the cases is run; all of them with

    python build.py test e2e -- e2e/test_faults.py --all-faults
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from e2e.app import App
from e2e.cdp import wait_until
from e2e.patience import PATIENCE
from e2e.server import MODEL, ScriptedServer

# Whether there is exactly one snapshot, and its content is the one that its name promises.
IS_WHOLE = """async () => {
  const root = await navigator.storage.getDirectory();
  try {
    const found = [];
    for await (const one of (await root.getDirectoryHandle("snapshots")).entries()) found.push(one);
    if (found.length !== 1) return false;
    const [name, handle] = found[0];
    const bytes = await (await handle.getFile()).arrayBuffer();
    const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
    const digest = [...hash].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    return bytes.byteLength > 0 && name.split("-")[2] === digest;
  } catch {
    return false;
  }
}"""

# Puts something else in the snapshot's place; `at` is a share of its length.
DAMAGE = """async ({ kind, at, bit }) => {
  const root = await navigator.storage.getDirectory();
  const folder = await root.getDirectoryHandle("snapshots");
  const write = async (name, content) => {
    const file = await (await folder.getFileHandle(name, { create: true })).createWritable();
    await file.write(content);
    await file.close();
  };
  for await (const [name, handle] of folder.entries()) {
    const bytes = new Uint8Array(await (await handle.getFile()).arrayBuffer());
    const offset = Math.floor(at * bytes.length);
    await folder.removeEntry(name);
    switch (kind) {
      case "flipped":
        bytes[offset] ^= 1 << bit;
        return write(name, bytes);
      case "truncated":
        return write(name, bytes.subarray(0, offset));
      case "zeros":
        return write(name, bytes.fill(0, offset));
      case "appended":
        return write(name, new Blob([bytes, bytes.subarray(0, 1 + bit)]));
      case "empty":
        return write(name, new Uint8Array());
      case "other key":
        return write("0".repeat(32) + name.slice(32), bytes);
      case "other size":
        return write(name.replace(/-\\d+-/, `-${Math.floor(at * 1e8)}-`), bytes);
      case "no size":
        return write(name.replace(/-\\d+-/, "-x-"), bytes);
      case "folder": {
        const inner = await folder.getDirectoryHandle(name, { create: true });
        return void (await inner.getFileHandle("file", { create: true }));
      }
      case "folder is a file":
        await root.removeEntry("snapshots", { recursive: true });
        return void (await root.getFileHandle("snapshots", { create: true }));
    }
  }
}"""

FORGET = """async () => {
  const root = await navigator.storage.getDirectory();
  await root.removeEntry("snapshots", { recursive: true }).catch(() => {});
}"""

# The extension has unlimited storage, which no override of the quota takes away.
FILL_DISK = """() => {
  FileSystemWritableFileStream.prototype.write = async () => {
    throw new DOMException("The disk is full.", "QuotaExceededError");
  };
}"""

BEGIN = "request => { chrome.runtime.sendMessage(request).catch(() => {}); }"

KINDS = (
    "truncated",
    "flipped",
    "other key",
    "folder",
    "empty",
    "folder is a file",
    "zeros",
    "appended",
    "other size",
    "no size",
)


class Client:
    """Asks the worker what only Python can answer."""

    def __init__(self, app: App, server: ScriptedServer) -> None:
        self.app = app
        self.request = {"type": "ListModels", "settings": App.settings(server.base_url)}
        app.configure(server.base_url)

    @property
    def page(self) -> Page:
        """A page of the extension that does nothing by itself."""
        return self.app.lasting_page

    def expect_answer(self) -> None:
        """A question is answered."""
        reply = self.app.send(self.request)
        assert reply == {"ok": True, "models": [MODEL]}

    def begin(self) -> None:
        """Ask, and do not wait."""
        self.page.evaluate(BEGIN, self.request)

    def stop(self) -> None:
        """Stop the worker."""
        self.app.stop_worker(self.page)

    def damage(self, **how: Any) -> None:
        """Damage the snapshot, so that the next start meets it."""
        self.stop()
        self.page.evaluate(DAMAGE, how)
        assert not self.is_whole() or how["kind"] in ("other key", "other size", "no size")

    def is_whole(self) -> bool:
        """Whether there is a good snapshot."""
        return bool(self.page.evaluate(IS_WHOLE))

    def have_snapshot(self) -> None:
        """Wait for a good snapshot; a start that was stopped leaves none."""
        if not self.is_whole():
            self.expect_answer()
        wait_until(self.is_whole, PATIENCE, "a good snapshot")


@pytest.fixture
def client(app: App, server: ScriptedServer) -> Iterator[Client]:
    client = Client(app, server)
    yield client
    app.close_pages()


def expect_good_end(client: Client) -> None:
    """A snapshot is there and used, and a whole turn goes through."""
    client.have_snapshot()
    client.stop()
    client.app.logs.clear()
    panel = client.app.open_panel()
    panel.ask("Well?")
    expect(panel.answer).to_have_text("You said: Well?")
    panel.expect_idle()
    assert any("Python is up" in line and "restore " in line for line in client.app.logs)
    assert not any("could not be" in line for line in client.app.logs)


def test_damaged_snapshots(client: Client, fault: int) -> None:
    chance = random.Random(fault)
    # The first and the last byte first.
    at = {1: 0.0, 11: 1 - 1e-9}.get(fault, chance.random())
    client.have_snapshot()
    client.damage(kind=KINDS[fault % len(KINDS)], at=at, bit=chance.randrange(8))
    client.expect_answer()
    wait_until(client.is_whole, PATIENCE, "a good snapshot instead")


def test_stops_while_one_is_made(client: Client, fault: int) -> None:
    client.stop()
    client.page.evaluate(FORGET)
    client.begin()
    time.sleep(random.Random(fault).uniform(0, 1.5))
    client.stop()
    client.expect_answer()


def test_stops_while_one_is_restored(client: Client, fault: int) -> None:
    client.have_snapshot()
    client.stop()
    client.begin()
    time.sleep(random.Random(fault).uniform(0, 0.6))
    client.stop()
    client.expect_answer()


def test_all_is_well_in_the_end(client: Client) -> None:
    expect_good_end(client)


def test_a_full_disk(client: Client) -> None:
    """Without room for a snapshot each start is a plain one; with room there is one again."""
    client.stop()
    client.page.evaluate(FORGET)
    client.app.logs.clear()
    # Its answer comes from a worker that lives and has no Python yet.
    assert client.app.send({"type": "LoadSettings"})["ok"]
    client.app.context.service_workers[-1].evaluate(FILL_DISK)
    client.expect_answer()
    refused = "The snapshot could not be kept"
    wait_until(lambda: client.app.logged(refused), PATIENCE, refused)
    assert not client.is_whole()
    client.stop()
    client.expect_answer()
    assert not any("could not be restored" in line for line in client.app.logs)
    expect_good_end(client)
