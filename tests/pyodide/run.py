"""Runs the unit tests inside the built Pyodide, in a worker of a headless Chromium.

    python build.py test pyodide -- [pytest arguments]

The worker gets the packed standard library and wheels, pytest and Hypothesis beside them, and the
sources and tests of this checkout. Its output is shown as it comes; the exit code is pytest's.
"""

from __future__ import annotations

import io
import json
import sys
import zipfile
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tools import chromium, package, setup  # noqa: E402
from tools.common import DIST  # noqa: E402

HERE = Path(__file__).parent
EXTENSION = DIST / "sidestream"

NOT_HERE = {"native", "pyodide", "js"}
"""Folders of tests that need sockets, other programs or CPython."""

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".wasm": "application/wasm",
    ".json": "application/json",
}

TIMEOUT_MS = 20 * 60_000


def project() -> Iterator[tuple[str, bytes]]:
    """The sources, tests and configuration, by their paths in the project."""
    yield "pyproject.toml", (ROOT / "pyproject.toml").read_bytes()
    for folder in ("pysrc", "tests"):
        for path in sorted((ROOT / folder).rglob("*")):
            parts = path.relative_to(ROOT).parts
            skipped = "__pycache__" in parts or (folder == "tests" and parts[1] in NOT_HERE)
            if path.is_file() and not skipped:
                yield "/".join(parts), path.read_bytes()


def test_packages() -> Iterator[tuple[str, bytes]]:
    """Pytest and what it needs, with the parts of the standard library that are not packed."""
    for wheel in setup.pyodide_wheels("pyodide-test"):
        yield from files(wheel)
    for name, data in files(package.STDLIB):
        if not package.is_used_stdlib(name):
            yield name, data


def files(archive: Path) -> Iterator[tuple[str, bytes]]:
    """What an archive holds."""
    with zipfile.ZipFile(archive) as packed:
        for name in packed.namelist():
            if not name.endswith("/"):
                yield name, packed.read(name)


def zipped(entries: Iterator[tuple[str, bytes]]) -> bytes:
    """An uncompressed zip of these files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        for name, data in entries:
            packed.writestr(name, data)
    return buffer.getvalue()


def served() -> dict[str, bytes]:
    """Everything that the page asks for, read at once: the next build may replace the files."""
    found = {
        f"/{path.relative_to(EXTENSION).as_posix()}": path.read_bytes()
        for folder in ("pyodide", "worker/python")
        for path in (EXTENSION / folder).iterdir()
    }
    found |= {f"/{name}": (HERE / name).read_bytes() for name in ("page.html", "worker.mjs")}
    found["/project.zip"] = zipped(project())
    found["/test-packages.zip"] = zipped(test_packages())
    return found


class Handler(BaseHTTPRequestHandler):
    """Answers from memory."""

    pages: dict[str, bytes]

    def do_GET(self) -> None:
        """Answer with the file of this name."""
        path = self.path.partition("?")[0]
        body = self.pages.get(path)
        self.send_response(404 if body is None else 200)
        self.send_header("Content-Type", TYPES.get(Path(path).suffix, "application/octet-stream"))
        self.send_header("Content-Length", str(len(body or b"")))
        self.end_headers()
        self.wfile.write(body or b"")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def main(arguments: list[str]) -> int:
    """Run pytest with these arguments; its exit code."""
    Handler.pages = served()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium.find(), args=chromium.common_arguments()
        )
        page = browser.new_page()
        page.expose_function("say", partial(print, flush=True))
        page.on("pageerror", lambda error: print(error, file=sys.stderr, flush=True))
        page.goto(f"http://127.0.0.1:{server.server_port}/page.html?{json.dumps(arguments)}")
        page.wait_for_function("window.exitCode !== undefined", timeout=TIMEOUT_MS)
        code = int(page.evaluate("window.exitCode"))
        browser.close()
    server.shutdown()
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
