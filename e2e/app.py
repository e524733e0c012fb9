"""The extension in a browser, used through roles and accessible names."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import signal
import sys
import traceback
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from playwright.sync_api import BrowserContext, Error, Locator, Page, Playwright, expect

from e2e.patience import PATIENCE
from e2e.server import MODEL
from tools.chromium import common_arguments

API_KEY = "Kx7w0123456789abcdefghijklmnopqrstuvwxyz"
"""It has no prefix by which a filter could recognise it as a key."""

QUIET = [*common_arguments(), "--headless=new", "--no-proxy-server"]
"""No window, no questions, and no traffic of the browser's own."""


def load_extensions(*folders: Path) -> list[str]:
    """The arguments that install unpacked extensions, and no others."""
    paths = ",".join(map(str, folders))
    return [f"--disable-extensions-except={paths}", f"--load-extension={paths}"]


def extension_id(folder: Path) -> str:
    """Chrome's id for the extension: the public key's hash, in letters from a to p."""
    manifest = json.loads((folder / "manifest.json").read_text())
    digest = hashlib.sha256(base64.b64decode(manifest["key"])).hexdigest()
    return "".join(chr(ord("a") + int(digit, 16)) for digit in digest[:32])


@dataclass(frozen=True)
class Evidence:
    """What a browser showed and logged when a test failed."""

    text: str
    screenshots: list[bytes]


class App:
    """One browser with its own profile and the extension installed."""

    alive: ClassVar[list[App]] = []
    """All browsers that run."""
    evidence: ClassVar[list[Evidence]] = []
    """The evidence of browsers that a failing test has closed itself."""

    def __init__(
        self,
        playwright: Playwright,
        executable: str,
        extension: Path,
        profile: Path,
        *arguments: str,
        **options: Any,
    ) -> None:
        self.profile = profile
        self.logs: list[str] = []
        """Everything that pages and worker wrote to their consoles, and every uncaught error."""
        self.requests: list[str] = []
        """Addresses of all requests of pages and worker."""
        self.context: BrowserContext = playwright.chromium.launch_persistent_context(
            str(profile),
            executable_path=executable,
            args=[*QUIET, *load_extensions(extension), *arguments],
            **{"viewport": {"width": 400, "height": 700}, **options},
        )
        self.context.set_default_timeout(PATIENCE * 1000)
        self.context.on("console", lambda message: self._log(f"{message.type}: {message.text}"))
        self.context.on("weberror", lambda error: self._log(f"uncaught: {error.error}"))
        self.context.on("request", lambda request: self.requests.append(request.url))
        self.origin = f"chrome-extension://{extension_id(extension)}"
        (self.lasting_page,) = self.context.pages
        """Stays open when all others are closed: without any page the browser would end."""
        App.alive.append(self)

    def _log(self, line: str) -> None:
        self.logs.append(line)

    def logged(self, text: str) -> bool:
        """Whether a line with this text was written by now."""
        # Messages of the browser arrive only during a call.
        self.lasting_page.evaluate("0")
        return any(text in line for line in self.logs)

    def close(self) -> None:
        """End the browser. A test that is failing leaves evidence."""
        if self not in App.alive:
            return
        if sys.exc_info()[0] is not None:
            App.evidence.append(self.look())
        App.alive.remove(self)
        self.context.close()

    def kill(self) -> None:
        """End all processes of the browser at once, as a crash of the machine would."""
        assert self.context.browser
        session = self.context.browser.new_browser_cdp_session()
        processes = session.send("SystemInfo.getProcessInfo")["processInfo"]
        (browser,) = (process["id"] for process in processes if process["type"] == "browser")
        # Playwright gives the browser a process group of its own.
        assert os.getpgid(browser) == browser != os.getpgid(0)
        os.killpg(browser, signal.SIGKILL)
        App.alive.remove(self)
        with suppress(Error):
            self.context.close()

    def close_pages(self) -> None:
        """Close every page but the lasting one."""
        for page in self.context.pages:
            if page is not self.lasting_page:
                page.close()

    def start_over(self) -> None:
        """Remove everything but the snapshot of Python, which makes the next start short."""
        self.close_pages()
        self.context.set_offline(False)
        self._go_to_quiet_page()
        self.stop_worker(self.lasting_page)
        self.lasting_page.evaluate(FORGET_EVERYTHING)
        self.logs.clear()
        self.requests.clear()

    def open_panel(self, *, new_window: bool = False) -> Panel:
        """The side panel's page, as a tab."""
        address = f"{self.origin}/sidepanel/index.html"
        if not new_window:
            page = self.context.new_page()
            page.goto(address)
            return Panel(page)
        with self.context.expect_page() as opened:
            # Any page of the extension may do it; `send` has made this one.
            self.lasting_page.evaluate("url => chrome.windows.create({url})", address)
        # A click before the page's scripts have run would be lost.
        opened.value.wait_for_load_state()
        return Panel(opened.value)

    def open_options(self) -> Options:
        """The options page."""
        page = self.context.new_page()
        page.goto(f"{self.origin}/options/index.html")
        return Options(page)

    def send(self, request: dict[str, Any]) -> dict[str, Any]:
        """One `Request` of `extension/shared/protocol.js` to the worker, and its `Reply`."""
        self._go_to_quiet_page()
        reply: dict[str, Any] = self.lasting_page.evaluate(
            "request => chrome.runtime.sendMessage(request)", request
        )
        return reply

    def _go_to_quiet_page(self) -> None:
        """Any page of the extension may call its APIs; this one does nothing by itself."""
        address = f"{self.origin}/manifest.json"
        if self.lasting_page.url != address:
            self.lasting_page.goto(address)

    def configure(
        self,
        base_url: str,
        *,
        api_key: str = API_KEY,
        wire_api: str = "responses",
        model: str = MODEL,
        **settings: Any,
    ) -> None:
        """Save settings without going through the options page."""
        chosen = self.settings(base_url, wire_api=wire_api, model=model, **settings)
        reply = self.save(chosen, api_key=api_key)
        assert reply.get("ok"), reply

    def save(self, settings: dict[str, Any], **secrets: str) -> dict[str, Any]:
        """Save the active profile, or the first one. The reply of `SaveProfile`."""
        active = self.send({"type": "LoadSettings"})["active"]
        profile = {"settings": settings} if active is None else {"id": active, "settings": settings}
        return self.send({"type": "SaveProfile", "profile": profile, **secrets})

    @staticmethod
    def settings(
        base_url: str, *, wire_api: str = "responses", model: str = MODEL, **more: Any
    ) -> dict[str, Any]:
        """The settings of a scripted provider."""
        return {
            "preset": "custom",
            "name": "Scripted",
            "base_url": base_url,
            "wire_api": wire_api,
            "model": model,
            **more,
        }

    def stop_worker(self, page: Page) -> None:
        """Stop the worker now, as Chrome stops an idle one. `page` is any page of the extension."""
        session = self.context.new_cdp_session(page)
        session.send("ServiceWorker.enable")
        session.send("ServiceWorker.stopAllWorkers")
        session.detach()

    def forget_drafts(self) -> None:
        """Remove the drafts of earlier panels."""
        self.send({"type": "LoadSettings"})
        self.lasting_page.evaluate(
            """async () => {
              await chrome.storage.session.remove(["draft", "attachments"]);
              const open = indexedDB.open("sidestream");
              await new Promise((resolve) => { open.onsuccess = resolve; });
              const database = open.result;
              const transaction = database.transaction("drafts", "readwrite");
              transaction.objectStore("drafts").clear();
              await new Promise((resolve) => { transaction.oncomplete = resolve; });
              database.close();
            }"""
        )

    def stored(self, page: Page) -> str:
        """All that the extension keeps, as text: every storage area and every IndexedDB."""
        return json.dumps(page.evaluate(DUMP_STORAGE))

    def stored_turns(self, page: Page) -> list[dict[str, Any]]:
        """The records of all turns, of every conversation."""
        turns: list[dict[str, Any]] = page.evaluate(DUMP_STORAGE)["databases"]["sidestream/turns"]
        return turns

    def look(self) -> Evidence:
        """Collect what helps after a failed test. Nothing in here may fail."""
        parts = ["console:", *self.logs[-200:]]
        screenshots = []
        for page in self.context.pages:
            if page is self.lasting_page:
                continue
            parts.append(f"\n{page.url}:")
            try:
                parts.append(page.locator("body").aria_snapshot(timeout=2000))
                screenshots.append(page.screenshot(timeout=5000))
            except Exception:
                parts.append(traceback.format_exc(limit=0))
        return Evidence("\n".join(parts), screenshots)


class Panel:
    """The side panel."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.message = page.get_by_role("textbox", name="Message", exact=True)
        self.send = page.get_by_role("button", name="Send", exact=True)
        self.stop = page.get_by_role("button", name="Stop", exact=True)
        self.new_chat = page.get_by_role("button", name="New chat", exact=True)
        self.retry = page.get_by_role("button", name="Retry", exact=True)
        self.edited = page.get_by_role("textbox", name="Edited message", exact=True)
        self.conversation = page.get_by_role("log", name="Conversation")
        self.questions = self.conversation.get_by_role("article", name="You", exact=True)
        self.answers = self.conversation.get_by_role("article", name="Assistant", exact=True)
        self.alert = page.get_by_role("alert")
        self.status = page.get_by_role("status")

    @property
    def answer(self) -> Locator:
        """The last answer."""
        return self.answers.last

    def ask(self, text: str) -> None:
        """Write a message and press Enter, as soon as no dialog is in front of the box."""
        self.message.click()
        self.message.fill(text)
        self.message.press("Enter")

    def edit(self, question: str, text: str) -> None:
        """Edit a message, and press Enter."""
        message = self.questions.filter(has_text=question)
        message.get_by_role("button", name="Edit", exact=True).click()
        self.edited.fill(text)
        self.edited.press("Enter")

    def regenerate(self) -> None:
        """Regenerate the last answer."""
        self.answer.get_by_role("button", name="Regenerate", exact=True).click()

    def version(self, at: int, of: int) -> Locator:
        """The buttons of the message of which this version is shown."""
        return self.conversation.get_by_role("group", name=f"Version {at} of {of}", exact=True)

    def settings(self) -> ConversationSettings:
        """Open the settings of the conversation."""
        self.page.get_by_role("button", name="Conversation settings", exact=True).click()
        return ConversationSettings(self.page)

    def expect_idle(self) -> None:
        """The turn is over: Stop is gone, and the composer takes a message."""
        expect(self.stop).to_be_hidden()
        expect(self.message).to_be_editable()

    def expect_alert(self, *words: str) -> None:
        """The turn has ended in an alert that holds all of `words`, in upper or lower case."""
        expect(self.alert).to_be_visible()
        for word in words:
            expect(self.alert).to_contain_text(word, ignore_case=True)
        self.expect_idle()


class ConversationSettings:
    """The open dialog with the settings of a conversation."""

    def __init__(self, page: Page) -> None:
        self.dialog = page.get_by_role("dialog", name="Conversation settings", exact=True)
        self.profile = self.dialog.get_by_role("combobox", name="Provider profile", exact=True)
        self.model = self.dialog.get_by_role("combobox", name="Model", exact=True)
        self.instructions = self.dialog.get_by_role("textbox", name="Instructions", exact=True)
        self.effort = self.dialog.get_by_role("combobox", name="Reasoning effort", exact=True)
        self.verbosity = self.dialog.get_by_role("combobox", name="Verbosity", exact=True)
        self.compaction = self.dialog.get_by_role(
            "combobox", name="When the context is full", exact=True
        )
        self.compact = self.dialog.get_by_role("button", name="Summarise now", exact=True)

    def save(self) -> None:
        """Save, and see the dialog close."""
        self.dialog.get_by_role("button", name="Save", exact=True).click()
        expect(self.dialog).to_be_hidden()


class Options:
    """The options page."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.provider = page.get_by_role("combobox", name="Provider", exact=True)
        self.name = page.get_by_role("textbox", name="Name", exact=True)
        self.base_url = page.get_by_role("textbox", name="Base URL", exact=True)
        self.wire_api = page.get_by_role("combobox", name="Wire API", exact=True)
        self.api_key = page.get_by_label("API key", exact=True)
        self.model = page.get_by_label("Model", exact=True)
        self.save = page.get_by_role("button", name="Save", exact=True)
        self.test_connection = page.get_by_role("button", name="Test connection", exact=True)
        self.alert = page.get_by_role("alert")
        self.status = page.get_by_role("status")

    def fill(
        self,
        *,
        base_url: str,
        api_key: str = "",
        model: str = MODEL,
        provider: str = "Custom",
        wire_api: str = "Responses",
    ) -> None:
        """Fill in the form, from top to bottom."""
        self.provider.select_option(label=provider)
        self.base_url.fill(base_url)
        self.wire_api.select_option(label=wire_api)
        if api_key:
            self.api_key.fill(api_key)
        self.model.fill(model)

    def radio(self, profile: str) -> Locator:
        """The radio button that makes this profile the active one."""
        return self.page.get_by_role("radio", name=f"Use {profile}", exact=True)

    def edit(self, profile: str) -> Locator:
        """The button that shows this profile in the form."""
        return self.page.get_by_role("listitem").get_by_role("button", name=profile)


def choose(panel: Panel, **choices: str) -> None:
    """Choose in the conversation's settings."""
    panel.page.get_by_role("button", name="Conversation settings", exact=True).click()
    dialog = panel.page.get_by_role("dialog", name="Conversation settings")
    for name, choice in choices.items():
        label = name.replace("_", " ").capitalize()
        switch = dialog.get_by_role("switch", name=label, exact=True)
        if choice in ("On", "Off"):
            switch.set_checked(choice == "On")
        else:
            dialog.get_by_role("combobox", name=label, exact=True).select_option(label=choice)
    dialog.get_by_role("button", name="Save", exact=True).click()
    expect(dialog).to_be_hidden()


FORGET_EVERYTHING = """async () => {
  for (const { name } of await indexedDB.databases())
    await new Promise((resolve, reject) => {
      const deletion = indexedDB.deleteDatabase(name);
      deletion.onsuccess = resolve;
      deletion.onerror = () => reject(deletion.error);
    });
  for (const area of ["local", "session", "sync"]) await chrome.storage[area]?.clear();
  await chrome.alarms.clearAll();
  const { origins = [] } = await chrome.permissions.getAll();
  const installed = new Set(chrome.runtime.getManifest().host_permissions);
  const granted = origins.filter((origin) => !installed.has(origin));
  if (granted.length > 0) await chrome.permissions.remove({ origins: granted });
}"""
"""What `extension/worker/reset.js` does, without a worker."""

DUMP_STORAGE = """async () => {
  const areas = {};
  for (const name of ["local", "session", "sync"])
    if (chrome.storage[name]) areas[name] = await chrome.storage[name].get(null);
  const ask = (request) => new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  const readable = (value) => {
    if (value instanceof CryptoKey)
      return {key: value.algorithm.name, extractable: value.extractable};
    if (value instanceof ArrayBuffer) value = new Uint8Array(value);
    if (ArrayBuffer.isView(value))
      return {bytes: [...value].join(), text: new TextDecoder().decode(value)};
    if (Array.isArray(value)) return value.map(readable);
    if (value && typeof value === "object")
      return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, readable(v)]));
    return value;
  };
  const databases = {};
  for (const {name} of await indexedDB.databases()) {
    const database = await ask(indexedDB.open(name));
    for (const store of database.objectStoreNames) {
      const objects = database.transaction(store).objectStore(store);
      databases[`${name}/${store}`] = readable(await ask(objects.getAll()));
    }
    database.close();
  }
  return {areas, databases, localStorage: {...localStorage}};
}"""
