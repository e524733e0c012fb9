"""Runs the extension in a Chromium of its own and measures it from outside."""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path
from typing import Any

from e2e.cdp import Page, PipeBrowser, wait_until
from tools import chromium

PATIENCE = 60.0
"""The longest time, in seconds, that any step may take on a busy machine."""
MODEL = "bench-model"

WAKE = """() => new Promise((resolve) => {
  const begin = performance.now();
  const port = chrome.runtime.connect({name: "panel"});
  port.onMessage.addListener(({type, state, message}) => {
    if (type !== "Boot" || state === "starting") return;
    port.disconnect();
    resolve(state === "ready" ? performance.now() - begin : message);
  });
  port.postMessage({type: "Join"});
})"""
"""Gives the milliseconds from a panel's first call until Python is ready, or the error."""


class Browser:
    """A headless Chromium with unpacked extensions and a new profile. A context manager."""

    def __init__(self, *extensions: Path) -> None:
        self._folder = tempfile.TemporaryDirectory(
            prefix="sidestream-bench-",
            # The browser may still be writing when it has been ended.
            ignore_cleanup_errors=True,
        )
        paths = ",".join(map(str, extensions))
        self._pipe = PipeBrowser(
            str(chromium.find()),
            Path(self._folder.name),
            *chromium.common_arguments(),
            "--headless=new",
            "--window-size=420,800",
            f"--disable-extensions-except={paths}",
            f"--load-extension={paths}",
        )

    def __enter__(self) -> Browser:
        self._pipe.__enter__()
        self.version = self._pipe.send("Browser.getVersion")["product"]
        return self

    def __exit__(self, *error: object) -> None:
        self._pipe.__exit__(*error)
        self._folder.cleanup()

    def worker(self, file: str) -> str:
        """Wait for the worker with this file name, and return its address."""

        def probe() -> str | None:
            urls = [target["url"] for target in self._pipe.targets("service_worker")]
            return next((url for url in urls if url.endswith(f"/{file}")), None)

        url: str = wait_until(probe, PATIENCE, f"the worker {file}")
        return url

    def attach(self, worker: str) -> Page:
        """Attach a debugger to a running worker. It keeps the worker alive until `Page.detach`."""
        for target in self._pipe.targets("service_worker"):
            if target["url"] == worker:
                return Page(self._pipe, target["targetId"])
        raise LookupError(f"{worker} does not live")

    def open(self, url: str) -> Page:
        """Open a page of an extension in front, and wait until it has loaded."""
        page = self._pipe.open(url)
        loaded = "document.readyState === 'complete' && !!chrome.runtime?.id"
        page.wait_until(loaded, PATIENCE)
        page.send("Page.bringToFront")
        return page

    def stop_workers(self, page: Page) -> None:
        """Stop the workers at once, as Chrome stops idle ones. ``page`` is any extension page."""
        page.send("ServiceWorker.enable")
        page.send("ServiceWorker.stopAllWorkers")
        page.send("ServiceWorker.disable")
        gone = "all workers gone"
        wait_until(lambda: not self._pipe.targets("service_worker"), PATIENCE, gone)

    def cpu_seconds(self) -> float:
        """The processor time so far of all renderers, in which pages and worker run."""
        found = self._pipe.send("SystemInfo.getProcessInfo")["processInfo"]
        return float(sum(one["cpuTime"] for one in found if one["type"] == "renderer"))


class Extension:
    """Sidestream in a browser."""

    def __init__(self, browser: Browser, worker: str = "service_worker.js") -> None:
        self.browser = browser
        self.worker = browser.worker(worker)
        self.origin = "/".join(self.worker.split("/")[:3])

    def open(self, path: str) -> Page:
        """A page of the extension."""
        return self.browser.open(f"{self.origin}/{path}")

    def open_options(self) -> Page:
        """A page that does nothing by itself once it is loaded."""
        return self.open("options/index.html")

    def open_panel(self) -> Page:
        """The side panel's page, with Python ready."""
        page = self.open("sidepanel/index.html")
        page.wait_until("document.querySelector('#status').textContent === ''", PATIENCE)
        return page

    def configure(self, base_url: str) -> None:
        """Save settings."""
        page = self.open_options()
        settings = {
            "preset": "custom",
            "name": "Bench",
            "base_url": base_url,
            "wire_api": "responses",
            "model": MODEL,
        }
        active = page.evaluate('chrome.runtime.sendMessage({type: "LoadSettings"})')["active"]
        profile = {"settings": settings, **({} if active is None else {"id": active})}
        request = {"type": "SaveProfile", "profile": profile, "api_key": "bench-key"}
        reply = page.evaluate(f"chrome.runtime.sendMessage({json.dumps(request)})")
        if not reply["ok"]:
            raise RuntimeError(reply["error"])
        page.close()

    def wake(self, page: Page) -> float:
        """Wake the worker from a page; milliseconds until Python is ready."""
        took = page.evaluate(f"({WAKE})()")
        if not isinstance(took, (int, float)):
            raise RuntimeError(f"Python did not start: {took}")
        return float(took)

    def heap(self) -> dict[str, float]:
        """The memory of the worker in the bench's copy after garbage collections, in bytes."""
        session = self.browser.attach(self.worker)
        try:
            # Python comes first: its cycles keep JavaScript's objects alive.
            session.evaluate("pyodide.runPython('import gc; gc.collect()')")
            wasm = session.evaluate("pyodide._module.HEAP8.length")
            blocks = session.evaluate("pyodide.runPython('import sys; sys.getallocatedblocks()')")
            return {"wasm": wasm, "python_blocks": blocks, **heap(session)}
        finally:
            session.detach()


def heap(page: Page) -> dict[str, float]:
    """A page's or worker's JavaScript memory after a garbage collection, in bytes."""
    page.send("HeapProfiler.collectGarbage")
    time.sleep(0.2)
    page.send("HeapProfiler.collectGarbage")
    usage: dict[str, Any] = page.send("Runtime.getHeapUsage")
    return {"js": usage["usedSize"], "dom": usage.get("embedderHeapUsedSize", 0.0)}


ASK = """async (count, perChat) => {
  const box = document.querySelector("#message");
  const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
  const until = async (condition) => { while (!condition()) await sleep(2); };
  const busy = () => document.querySelector("[aria-busy=true]") !== null;
  const articles = () => document.querySelectorAll("article").length;
  const took = [];
  for (let turn = 0; turn < count; turn++) {
    if (perChat && turn % perChat === 0) {
      document.querySelector("#new-chat").click();
      await until(() => articles() === 0);
    }
    const before = articles();
    const begin = performance.now();
    box.value = "Hello";
    box.dispatchEvent(new Event("input", {bubbles: true}));
    box.form.requestSubmit();
    await until(() => articles() > before);
    await until(() => !busy());
    took.push(performance.now() - begin);
    const alert = document.querySelector("[role=alert]:not([hidden])");
    if (alert) throw new Error(alert.textContent);
  }
  return took;
}"""
"""Sends messages one after the other in the panel, with a new chat after each `perChat`."""


def ask(panel: Page, count: int = 1, *, per_chat: int = 0) -> list[float]:
    """Send messages in the panel; milliseconds from each until its answer is drawn to the end.

    With ``per_chat`` a new chat is begun for so many turns each.
    """
    took: list[float] = []
    while len(took) < count:
        # Each call must end within the time limit of a command.
        some = min(count - len(took), per_chat or 10)
        took += panel.evaluate(f"({ASK})({some}, {per_chat})")
    return took
