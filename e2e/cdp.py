"""Chromium driven over a pipe, with a debugger on single pages and on nothing else.

An attached debugger keeps a service worker alive. Playwright attaches to every target there is, so
under it a worker that forgets to stay alive seems healthy. Here `Target.setAutoAttach` is never
called: the worker is seen (`Target.getTargets`) but never attached to, and Chrome ends it as it
would at a user's.
"""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

COMMAND_TIMEOUT = 120.0
"""Seconds. A command may await a promise of the page's."""


class Page:
    """One page, or another target, with a debugger attached to it."""

    def __init__(self, browser: PipeBrowser, target_id: str) -> None:
        self._browser = browser
        self._target_id = target_id
        answer = browser.send("Target.attachToTarget", targetId=target_id, flatten=True)
        self._session_id = answer["sessionId"]

    def send(self, method: str, **params: Any) -> dict[str, Any]:
        """A command of the DevTools protocol to this page."""
        return self._browser.send(method, session_id=self._session_id, **params)

    def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression, promises awaited."""
        answer = self.send(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def wait_until(self, expression: str, timeout: float) -> Any:
        """The first truthy value of the expression."""
        return wait_until(lambda: self.evaluate(expression), timeout, expression)

    def find(self, role: str, name: str | None = None) -> list[int]:
        """The DOM nodes with this role and accessible name, in document order."""
        root = self.send("DOM.getDocument", depth=0)["root"]["nodeId"]
        query = {"accessibleName": name} if name is not None else {}
        nodes = self.send("Accessibility.queryAXTree", nodeId=root, role=role, **query)["nodes"]
        return [node["backendDOMNodeId"] for node in nodes if not node.get("ignored")]

    def texts(self, role: str, name: str | None = None) -> list[str]:
        """The visible text of each of these nodes."""
        found = []
        for node in self.find(role, name):
            remote = self.send("DOM.resolveNode", backendNodeId=node)["object"]["objectId"]
            answer = self.send(
                "Runtime.callFunctionOn",
                objectId=remote,
                functionDeclaration="function () { return this.innerText; }",
                returnByValue=True,
            )
            found.append(answer["result"].get("value") or "")
        return found

    def type(self, role: str, name: str, text: str) -> None:
        """Text into the text box of this name, as by keyboard."""
        (node,) = self.find(role, name)
        self.send("DOM.focus", backendNodeId=node)
        self.send("Input.insertText", text=text)

    def press_enter(self) -> None:
        """Down and up."""
        key = {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13, "text": "\r"}
        self.send("Input.dispatchKeyEvent", type="keyDown", **key)
        self.send("Input.dispatchKeyEvent", type="keyUp", **key)

    def detach(self) -> None:
        """Take the debugger away again."""
        self._browser.send("Target.detachFromTarget", sessionId=self._session_id)

    def close(self) -> None:
        """Close the page."""
        self._browser.send("Target.closeTarget", targetId=self._target_id)


class PipeBrowser:
    """A Chromium process of its own, spoken to over a pipe. A context manager."""

    def __init__(self, executable: str, profile: Path, *arguments: str) -> None:
        from_browser, browser_out = os.pipe()
        browser_in, to_browser = os.pipe()

        def place_pipes() -> None:
            # Chromium reads commands from descriptor 3 and writes to 4. Duplicates first, because
            # one of the originals may be 3 or 4 itself.
            reading, writing = os.dup(browser_in), os.dup(browser_out)
            os.dup2(reading, 3)
            os.dup2(writing, 4)

        self._process = subprocess.Popen(
            [executable, *arguments, f"--user-data-dir={profile}", "--remote-debugging-pipe"],
            close_fds=False,
            preexec_fn=place_pipes,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(browser_in)
        os.close(browser_out)
        self._in = os.fdopen(to_browser, "wb", buffering=0)
        self._out = os.fdopen(from_browser, "rb", buffering=0)
        self._ids = itertools.count(1)
        self._answers: dict[int, dict[str, Any]] = {}
        self.listeners: dict[str, Callable[[dict[str, Any]], None]] = {}
        """Called with the parameters of each event of that name, on the reading thread."""
        self._arrived = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> PipeBrowser:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join(5)
        self._in.close()
        self._out.close()

    def send(self, method: str, *, session_id: str | None = None, **params: Any) -> dict[str, Any]:
        """A command and its answer. Commands to a page name its session."""
        number = next(self._ids)
        message: dict[str, Any] = {"id": number, "method": method, "params": params}
        if session_id:
            message["sessionId"] = session_id
        self._in.write(json.dumps(message).encode() + b"\0")
        with self._arrived:
            came = self._arrived.wait_for(lambda: number in self._answers, COMMAND_TIMEOUT)
            assert came, f"no answer to {method}"
            answer = self._answers.pop(number)
        assert "error" not in answer, f"{method}: {answer['error']}"
        result: dict[str, Any] = answer["result"]
        return result

    def targets(self, type: str) -> list[dict[str, Any]]:
        """The targets of a type ("page", "service_worker"), without attaching to them."""
        found = self.send("Target.getTargets")["targetInfos"]
        return [target for target in found if target["type"] == type]

    def open(self, url: str) -> Page:
        """A new tab."""
        return Page(self, self.send("Target.createTarget", url=url)["targetId"])

    def _read(self) -> None:
        parts: list[bytes] = []
        while data := os.read(self._out.fileno(), 1 << 20):
            first, *others = data.split(b"\0")
            parts.append(first)
            for other in others:
                raw, parts = b"".join(parts), [other]
                message = json.loads(raw)
                if "id" in message:
                    with self._arrived:
                        self._answers[message["id"]] = message
                        self._arrived.notify_all()
                elif listener := self.listeners.get(message["method"]):
                    listener(message["params"])


def wait_until(probe: Callable[[], Any], timeout: float, what: str) -> Any:
    """The first truthy value of `probe`, asked ten times a second."""
    deadline = time.monotonic() + timeout
    while not (value := probe()):
        assert time.monotonic() < deadline, f"not within {timeout} s: {what}"
        time.sleep(0.1)
    return value
