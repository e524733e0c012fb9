"""Cases that take real time, each in a browser of its own, with no debugger on the worker.

They run side by side, and `test_slowly.py` checks their outcomes. Here it is only asserted that a
case could be run at all.
"""

from __future__ import annotations

import itertools
import json
import socket
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from e2e.app import API_KEY, QUIET, load_extensions
from e2e.cdp import Page, PipeBrowser, wait_until
from e2e.server import (
    MODEL,
    Exchange,
    Script,
    ScriptedServer,
    response_events,
    stream,
    until_open,
)

LONG_SILENCE = 360.0
"""Seconds, of the cases that are run only on demand."""
CONTROL = Path(__file__).parent / "control_extension"
BUSY = 120.0
"""Seconds that anything but the case itself may take on a busy machine."""
STARTING = threading.Semaphore(2)
"""A browser and Python keep a processor busy while they start: all at once would take minutes."""


@dataclass
class Outcome:
    """What was seen of a turn, and after it."""

    questions: list[str] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    alerts: list[str] = field(default_factory=list)
    buttons: list[str] = field(default_factory=list)
    notices: set[str] = field(default_factory=set)
    """All notices of progress that the page showed during the turn."""
    seconds: float = 0
    """From Enter to the turn's end."""
    turns: list[Exchange] = field(default_factory=list)
    attached: list[str] = field(default_factory=list)
    """Workers that a debugger was attached to at any time: there must be none."""
    control: Exchange | None = None
    """The control extension's request."""
    worker_ended_after: float | None = None
    """Seconds from the turn's end until Chrome ended the worker; None when it never did."""


class Bench:
    """The extension and the control in a browser, and a server of their own."""

    def __init__(self, browser: PipeBrowser, server: ScriptedServer) -> None:
        self.browser = browser
        self.server = server
        self.outcome = Outcome()
        self.origin = self._worker("service_worker.js")
        self.control_origin = self._worker("control.js")

    def _worker(self, file: str) -> str:
        """The origin of the extension whose worker has this file name."""

        def probe() -> str | None:
            urls = [target["url"] for target in self.workers()]
            return next((url for url in urls if url.endswith(f"/{file}")), None)

        url: str = wait_until(probe, BUSY, f"the worker {file}")
        return url.removesuffix(f"/{file}")

    def workers(self) -> list[dict[str, Any]]:
        """The workers that are alive now."""
        workers = self.browser.targets("service_worker")
        self.outcome.attached += [worker["url"] for worker in workers if worker["attached"]]
        return workers

    def open(self, path: str) -> Page:
        """A page of the extension, loaded."""
        page = self.browser.open(f"{self.origin}/{path}")
        page.wait_until("document.readyState === 'complete' && !!chrome.runtime?.id", BUSY)
        return page

    def start_python(self) -> None:
        """Until Python is up. Its snapshot is stored then: a later start takes little."""
        page = self.open("options/index.html")
        reply = page.evaluate('chrome.runtime.sendMessage({type: "LoadLog"})')
        assert reply["ok"], reply
        page.close()

    def configure(self, base_url: str) -> None:
        """Save settings."""
        page = self.open("options/index.html")
        active = page.evaluate('chrome.runtime.sendMessage({type: "LoadSettings"})')["active"]
        request = {
            "type": "SaveProfile",
            "profile": {
                **({} if active is None else {"id": active}),
                "settings": {
                    "preset": "custom",
                    "name": "Scripted",
                    "base_url": base_url,
                    "wire_api": "responses",
                    "model": MODEL,
                },
            },
            "api_key": API_KEY,
        }
        reply = page.evaluate(f"chrome.runtime.sendMessage({json.dumps(request)})")
        assert reply["ok"], reply
        page.close()

    def begin(self, panel: Page, text: str) -> None:
        """Send a message."""
        wait_until(lambda: panel.find("textbox", "Message"), BUSY, "the composer")
        panel.type("textbox", "Message", text)
        panel.press_enter()
        wait_until(lambda: panel.find("button", "Stop"), BUSY, "the turn's beginning")

    def ask(self, panel: Page, text: str, seconds: float = 120) -> None:
        """Run one turn of at most ``seconds``, and watch it to its end."""
        outcome = self.outcome
        started = time.monotonic()
        self.begin(panel, text)

        def over() -> bool:
            outcome.notices.update(panel.texts("status"))
            outcome.notices.update(panel.texts("article", "Assistant"))
            self.workers()
            return not panel.find("button", "Stop")

        wait_until(over, seconds + BUSY, "the turn's end")
        outcome.seconds = time.monotonic() - started
        self.note(panel)

    def note(self, panel: Page) -> None:
        """What the panel shows now."""
        outcome = self.outcome
        outcome.questions = panel.texts("article", "You")
        outcome.answers = panel.texts("article", "Assistant")
        outcome.alerts = panel.texts("alert")
        outcome.buttons = panel.texts("button")
        outcome.turns = self.server.turns


def slow_and_steady(exchange: Exchange) -> None:
    """45 s, 35 of them in silence."""
    silent_for(35)(exchange)


def silent_for(seconds: float) -> Script:
    """An answer that takes 10 s, with a silence of ``seconds`` before its last word."""
    *beginning, end = "A ", "slow ", "but ", "steady ", "answer"
    events = list(response_events(*beginning, end))
    spoken = len(until_open(*beginning))

    def script(exchange: Exchange) -> None:
        exchange.head()
        for event in events[:spoken]:
            exchange.event(event)
            if event["type"].endswith("delta"):
                exchange.pause(2.5)
        exchange.pause(seconds)
        exchange.events(events[spoken:])

    return script


def silent_stretch(bench: Bench) -> None:
    """A slow turn before an open panel; then the worker is left alone until it ends, and asked."""

    def hold(exchange: Exchange) -> None:
        exchange.head()
        exchange.send(b": alive\n\n")
        exchange.pause(40)

    bench.server.on("steady", slow_and_steady)
    bench.configure(bench.server.base_url)
    with ScriptedServer() as control_server:
        control_server.on("", hold)
        page = bench.browser.open(f"{bench.control_origin}/page.html")
        page.wait_until("!!chrome.runtime?.id", BUSY)
        request = json.dumps({"url": control_server.base_url})
        page.evaluate(f"chrome.runtime.sendMessage({request})")
        page.close()
        panel = bench.open("sidepanel/index.html")
        bench.ask(panel, "Slow and steady")
        bench.outcome.control = control_server.wait_for_turn(timeout=BUSY)
        bench.outcome.control.finished.wait(BUSY)

    ended = time.monotonic()

    def gone() -> bool:
        return not any(worker["url"].startswith(bench.origin) for worker in bench.workers())

    wait_until(gone, 60, "the idle worker's end")
    bench.outcome.worker_ended_after = time.monotonic() - ended
    seconds = bench.outcome.seconds
    bench.ask(panel, "And again")
    bench.outcome.seconds = seconds


def silent_without_a_panel(bench: Bench) -> None:
    """The same slow turn, whose panel is closed as soon as it has begun.

    Before an open panel the notice of the silence would keep the worker alive as well, being a
    message on a port. Here only the worker's own keep-alive does.
    """
    without_a_panel(bench, slow_and_steady, 60)


def without_a_panel(bench: Bench, script: Script, seconds: float) -> None:
    """Run a turn of about ``seconds`` without an open panel."""
    bench.server.on("steady", script)
    bench.configure(bench.server.base_url)
    panel = bench.open("sidepanel/index.html")
    bench.begin(panel, "Slow and steady")
    turn = bench.server.wait_for_turn(timeout=BUSY)
    panel.close()

    def over() -> bool:
        bench.workers()
        return turn.finished.is_set()

    wait_until(over, seconds + BUSY, "the answer's end")
    panel = bench.open("sidepanel/index.html")
    wait_until(lambda: panel.find("article", "You"), BUSY, "the conversation")
    wait_until(lambda: not panel.find("button", "Stop"), BUSY, "the turn's end")
    bench.note(panel)


def silent_before_the_head(bench: Bench) -> None:
    """Nothing at all for 40 s, not even a status: a local model reads a long prompt."""

    def script(exchange: Exchange) -> None:
        exchange.pause(40)
        exchange.events(response_events("A slow but steady answer"))

    without_a_panel(bench, script, 60)


def six_silent_minutes(bench: Bench) -> None:
    """In mid-stream, before an open panel."""
    bench.server.on("steady", silent_for(LONG_SILENCE))
    bench.configure(bench.server.base_url)
    bench.ask(bench.open("sidepanel/index.html"), "Slow and steady", LONG_SILENCE + 60)


def six_silent_minutes_without_a_panel(bench: Bench) -> None:
    """In mid-stream, without an open panel."""
    without_a_panel(bench, silent_for(LONG_SILENCE), LONG_SILENCE + 60)


def six_silent_minutes_before_the_head(bench: Bench) -> None:
    """Before anything was sent, without an open panel."""

    def script(exchange: Exchange) -> None:
        exchange.pause(LONG_SILENCE)
        exchange.events(response_events("A slow but steady answer"))

    without_a_panel(bench, script, LONG_SILENCE + 60)


def refused(bench: Bench) -> None:
    """The port has no listener."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        bench.configure(f"http://127.0.0.1:{port}/v1")
        bench.ask(bench.open("sidepanel/index.html"), "Is anybody there?")


def broken_stream(bench: Bench) -> None:
    """The connection breaks in the middle, each time."""
    numbers = itertools.count(1)

    def script(exchange: Exchange) -> None:
        number = next(numbers)
        exchange.events(until_open("Half ", f"of it, attempt {number}"))
        # Chromium drops what it has not handed over when a connection breaks.
        while f"attempt {number}" not in "".join(bench.outcome.notices):
            exchange.pause(0.1)
        exchange.cut()

    bench.server.on("", script)
    bench.configure(bench.server.base_url)
    bench.ask(bench.open("sidepanel/index.html"), "Tell me all of it")


def nothing_but_junk(bench: Bench) -> None:
    """Frames, but none that means anything."""
    bench.server.on("", stream(b"data: {oops\n\n", b"data: []\n\n", b"\x00\xff\n\n"))
    bench.configure(bench.server.base_url)
    bench.ask(bench.open("sidepanel/index.html"), "Make sense")


Case = Callable[[Bench], None]
CASES: dict[str, Case] = {
    case.__name__: case
    for case in (
        silent_stretch,
        silent_without_a_panel,
        silent_before_the_head,
        refused,
        broken_stream,
        nothing_but_junk,
    )
}
LONG_CASES: dict[str, Case] = {
    case.__name__: case
    for case in (
        six_silent_minutes,
        six_silent_minutes_without_a_panel,
        six_silent_minutes_before_the_head,
    )
}


def carry_out(case: Case, executable: str, extension: Path) -> Outcome:
    """Run one case in a new browser with a new profile."""
    with ExitStack() as stack:
        folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        profile = Path(stack.enter_context(folder))
        server = stack.enter_context(ScriptedServer())
        with STARTING:
            arguments = (*QUIET, *load_extensions(extension, CONTROL))
            browser = stack.enter_context(PipeBrowser(executable, profile, *arguments))
            bench = Bench(browser, server)
            bench.start_python()
        case(bench)
        return bench.outcome


class SlowRun:
    """Cases in threads of their own."""

    def __init__(self, executable: str, extension: Path, cases: dict[str, Case]) -> None:
        self._outcomes: dict[str, Outcome | Exception] = {}
        self._threads = {
            name: threading.Thread(
                target=self._run, args=(name, case, executable, extension), daemon=True
            )
            for name, case in cases.items()
        }
        for thread in self._threads.values():
            thread.start()

    def _run(self, name: str, case: Case, executable: str, extension: Path) -> None:
        try:
            self._outcomes[name] = carry_out(case, executable, extension)
        except Exception as error:
            self._outcomes[name] = error

    def outcome(self, name: str) -> Outcome:
        """Wait for the end of a case, and return its outcome."""
        self._threads[name].join(LONG_SILENCE + 3 * BUSY)
        outcome = self._outcomes[name]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome
