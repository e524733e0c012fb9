"""Fixtures: the built extension in a browser, and the servers that it talks to."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Playwright, expect

from e2e.app import App, Panel
from e2e.attacks import HOSTILE_WORKER
from e2e.pages import Pages
from e2e.server import ScriptedServer
from e2e.slow_cases import CASES, LONG_CASES, SlowRun
from tools import chromium as browsers

ROOT = Path(__file__).parent.parent
FAULTS = {
    "fault": (4, 50),
    "kill": (7, 200),
    "crash": (3, 25),
    "compaction": (2, 20),
    "pickup": (2, 50),
}
"""How many cases there are of a test with this argument: in the sample, and in all."""

# An upper bound: on a machine that is busy with other work, Python's first boot takes 20 s.
expect.set_options(timeout=60_000)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of the end-to-end tests."""
    parser.addoption("--extension", type=Path, help="test this unpacked folder instead of building")
    parser.addoption(
        "--update-screenshot",
        action="store_true",
        help="write docs/screenshot.png anew",
    )
    parser.addoption(
        "--all-faults",
        action="store_true",
        help="try all faults, many minutes long, and not only a sample of them",
    )
    parser.addoption("--long", action="store_true", help="run what takes minutes, too")
    parser.addoption(
        "--fault-seed",
        type=int,
        default=0,
        help="with what the points of the faults in test_reliability.py are drawn",
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every fault, or a sample that has one of each kind."""
    for name, (sample, number) in FAULTS.items():
        if name in metafunc.fixturenames:
            chosen = number if metafunc.config.getoption("--all-faults") else sample
            metafunc.parametrize(name, range(chosen))


def pytest_configure(config: pytest.Config) -> None:
    """Make the mark known."""
    config.addinivalue_line("markers", "long: takes minutes, and is run with --long only")


def is_slow(item: pytest.Item) -> bool:
    """Whether the test waits for a case that takes real time."""
    return item.path.name == "test_slowly.py"


def is_long(item: pytest.Item) -> bool:
    """Whether that takes minutes."""
    return item.get_closest_marker("long") is not None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Without ``--long`` there is nothing that takes minutes."""
    if not config.getoption("--long"):
        config.hook.pytest_deselected(items=list(filter(is_long, items)))
        items[:] = [item for item in items if not is_long(item)]


@pytest.fixture(scope="module")
def slow_run(request: pytest.FixtureRequest, chromium: str, extension: Path) -> SlowRun:
    """The slow cases whose tests are selected, all at once."""
    slow = [is_long(item) for item in request.session.items if is_slow(item)]
    cases = (CASES if False in slow else {}) | (LONG_CASES if True in slow else {})
    return SlowRun(chromium, extension, cases)


@pytest.fixture(scope="session")
def fault_seed(request: pytest.FixtureRequest) -> int:
    """With what the points of the faults are drawn."""
    seed: int = request.config.getoption("--fault-seed")
    return seed


@pytest.fixture(scope="session")
def extension(request: pytest.FixtureRequest) -> Path:
    """The folder of the built extension."""
    given: Path | None = request.config.getoption("--extension")
    if given:
        return given.resolve()
    built = subprocess.run(
        [sys.executable, ROOT / "build.py", "build"], capture_output=True, text=True, check=False
    )
    assert built.returncode == 0, f"build.py build failed:\n{built.stdout}\n{built.stderr}"
    return ROOT / "dist" / "sidestream"


@pytest.fixture(scope="session")
def chromium() -> str:
    """The browser's executable."""
    return str(browsers.find())


@pytest.fixture(scope="module")
def browser_arguments() -> list[str]:
    """What a module's browser is started with besides; for the module to say otherwise."""
    return []


@pytest.fixture(scope="module")
def app(
    playwright: Playwright,
    chromium: str,
    extension: Path,
    browser_arguments: list[str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[App]:
    """A browser that the tests of a module share."""
    profile = tmp_path_factory.mktemp("profile")
    app = App(playwright, chromium, extension, profile, *browser_arguments)
    yield app
    app.close()


@pytest.fixture(scope="module")
def hostile_app(
    playwright: Playwright,
    chromium: str,
    extension: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[App]:
    """A browser whose sandboxed worker is the attacker's: `run` takes JavaScript."""
    copy = tmp_path_factory.mktemp("hostile") / "extension"
    shutil.copytree(extension, copy)
    (copy / "sandbox" / "gate.js").write_text("")
    (copy / "sandbox" / "worker.js").write_text(HOSTILE_WORKER)
    app = App(playwright, chromium, copy, tmp_path_factory.mktemp("profile"))
    yield app
    app.close()


@pytest.fixture
def fresh_app(
    playwright: Playwright, chromium: str, extension: Path, tmp_path: Path
) -> Iterator[App]:
    """A browser of its own, as on the first day."""
    app = App(playwright, chromium, extension, tmp_path / "profile")
    yield app
    app.close()


@pytest.fixture(scope="module")
def pages() -> Iterator[Pages]:
    """Web pages to be read."""
    with Pages() as pages:
        yield pages


@pytest.fixture(scope="session")
def _server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as server:
        yield server


@pytest.fixture
def server(_server: ScriptedServer) -> ScriptedServer:
    """The scripted provider, without scripts."""
    _server.reset()
    return _server


@pytest.fixture
def panel(app: App, server: ScriptedServer) -> Iterator[Panel]:
    """An open panel with an empty conversation, configured for the scripted provider."""
    app.configure(server.base_url)
    app.forget_drafts()
    panel = app.open_panel()
    panel.new_chat.click()
    expect(panel.conversation.get_by_role("article")).to_have_count(0)
    yield panel
    app.close_pages()


@pytest.fixture(scope="session")
def demo_url() -> Iterator[str]:
    """Base URL of the demo provider, started as `build.py run` does."""
    process = subprocess.Popen(
        ["node", ROOT / "e2e" / "demo" / "server.mjs", "--port", "0"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin
    assert process.stdout
    yield json.loads(process.stdout.readline())["base_url"]
    process.stdin.close()
    assert process.wait(10) == 0
    process.stdout.close()


@pytest.fixture(scope="session")
def demo_extension(
    extension: Path, demo_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A copy of the extension that knows the demo provider, as `build.py run` makes it."""
    copy = tmp_path_factory.mktemp("demo") / "sidestream"
    shutil.copytree(extension, copy)
    demo = {"base_url": demo_url, "model": "demo", "wire_api": "responses"}
    (copy / "demo.json").write_text(json.dumps(demo))
    return copy


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    """Adds to a failure what the browser logged and what its pages show."""
    report = yield
    if report.failed:
        for name, value in getattr(item, "funcargs", {}).items():
            if isinstance(value, App):
                try:
                    text = value.report()
                except Exception as error:
                    text = f"no report: {error}"
                report.sections.append((f"browser of {name}", text))
    return report
