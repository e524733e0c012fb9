"""Fixtures: the built extension in a browser, and the servers that it talks to."""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Error, Playwright, expect

from e2e.app import App, Evidence, Panel
from e2e.attacks import HOSTILE_WORKER
from e2e.pages import Pages
from e2e.patience import PATIENCE
from e2e.server import ScriptedServer
from e2e.slow_cases import CASES, LONG_CASES, SlowRun
from tools import chromium as browsers

ROOT = Path(__file__).parent.parent
FAULTS = {
    "fault": (4, 50),
    "kill": (7, 200),
    "crash": (3, 25),
    "compaction": (3, 20),
    "pickup": (2, 50),
}
"""How many cases there are of a test with this argument: in the sample, and in all."""

expect.set_options(timeout=PATIENCE * 1000)


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


COSTLY = {
    "test_slowly.py": 100,
    "test_server_faults.py": 8,
    "test_leaks.py": 8,
    "test_faults.py": 4,
    "test_snapshot.py": 4,
    "test_reliability.py": 3,
    "test_growing_answer.py": 3,
    "test_resume.py": 2,
    "test_profiles.py": 2,
}
"""How many usual tests one of these files' tests takes as long as."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Without ``--long`` there is nothing that takes minutes; what takes longest begins first."""
    if not config.getoption("--long"):
        config.hook.pytest_deselected(items=list(filter(is_long, items)))
        items[:] = [item for item in items if not is_long(item)]
    cost = Counter[str]()
    for item in items:
        cost[item.path.name] += COSTLY.get(item.path.name, 1)
    items.sort(key=lambda item: -cost[item.path.name])


@pytest.fixture(scope="module")
def slow_run(request: pytest.FixtureRequest, chromium: str, extension: Path) -> SlowRun:
    """The slow cases whose tests are selected, all at once."""
    slow = [is_long(item) for item in request.session.items if is_slow(item)]
    cases = (CASES if False in slow else {}) | (LONG_CASES if True in slow else {})
    return SlowRun(chromium, extension, cases)


@pytest.fixture(scope="session")
def fault_seed(request: pytest.FixtureRequest) -> int:
    """The seed of the points of the faults."""
    seed: int = request.config.getoption("--fault-seed")
    return seed


@pytest.fixture(scope="session")
def built_extension(request: pytest.FixtureRequest) -> Path:
    """The folder of the extension as it is built."""
    given: Path | None = request.config.getoption("--extension")
    if given:
        return given.resolve()
    built = subprocess.run(
        [sys.executable, ROOT / "build.py", "build"], capture_output=True, text=True, check=False
    )
    assert built.returncode == 0, f"build.py build failed:\n{built.stdout}\n{built.stderr}"
    return ROOT / "dist" / "sidestream"


@pytest.fixture(scope="session")
def extension(built_extension: Path) -> Path:
    """The folder of the extension; a module may change a copy."""
    return built_extension


@pytest.fixture(scope="session")
def chromium() -> str:
    """The browser's executable."""
    return str(browsers.find())


@pytest.fixture(scope="module")
def browser_arguments() -> list[str]:
    """Further arguments of a module's browser. A module may override this."""
    return []


@pytest.fixture(scope="session")
def shared_browser(
    playwright: Playwright,
    chromium: str,
    built_extension: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Callable[[], App]]:
    """The browser of all modules that need nothing special, with nothing in it."""
    apps: list[App] = []

    def emptied() -> App:
        for app in apps:
            try:
                app.start_over()
            except Error:
                # It crashed during a test.
                App.alive.remove(app)
                apps.remove(app)
            else:
                return app
        profile = tmp_path_factory.mktemp("shared")
        apps.append(App(playwright, chromium, built_extension, profile))
        return apps[0]

    yield emptied
    for app in apps:
        app.close()


@pytest.fixture(scope="module")
def app(
    playwright: Playwright,
    chromium: str,
    extension: Path,
    built_extension: Path,
    browser_arguments: list[str],
    shared_browser: Callable[[], App],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[App]:
    """A browser that the tests of a module share, with nothing in it."""
    if browser_arguments or extension != built_extension:
        profile = tmp_path_factory.mktemp("profile")
        app = App(playwright, chromium, extension, profile, *browser_arguments)
        yield app
        app.close()
    else:
        app = shared_browser()
        yield app
        app.close_pages()


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


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    """The scripted provider, at an address of its own.

    No request that an earlier test has left behind can come to it.
    """
    with ScriptedServer() as server:
        yield server


@pytest.fixture(scope="module")
def lasting_server() -> Iterator[ScriptedServer]:
    """A provider for the tests of a module that share a panel."""
    with ScriptedServer() as server:
        yield server


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port without a listener, which no other process can take meanwhile."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]


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
    assert process.wait(PATIENCE) == 0
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


# --- what a failed test leaves behind -------------------------------------------------------------

FAILURES = ROOT / "e2e" / "failures"
LAST_LINES = 12
"""Of a browser's log, in the summary at the end of all output."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    """Leave screenshots, logs and the command that repeats it of a test that failed."""
    report = yield
    if report.failed:
        evidence = [*App.evidence, *(app.look() for app in App.alive)]
        for one in evidence:
            report.sections.append(("browser", one.text))
        keep_failure(item, report, evidence)
    App.evidence.clear()
    return report


def keep_failure(item: pytest.Item, report: pytest.TestReport, evidence: list[Evidence]) -> None:
    """Write it to a folder of its own below `e2e/failures/`."""
    folder = FAILURES / re.sub(r"[^\w-]+", "-", item.nodeid.partition("/")[2]).strip("-")[:120]
    folder.mkdir(parents=True, exist_ok=True)
    for number, one in enumerate(evidence):
        (folder / f"browser-{number}.txt").write_text(one.text, "utf-8")
        for page, picture in enumerate(one.screenshots):
            (folder / f"browser-{number}-page-{page}.png").write_bytes(picture)
    (folder / "failure.txt").write_text(report.longreprtext, "utf-8")
    logged = [line for one in evidence for line in one.text.partition("\n\n")[0].splitlines()[1:]]
    summary = [
        f"{item.nodeid} ({report.when})",
        f"  reason: {reason(report)}",
        f"  repeat: {repeat_command(item)}",
        f"  more:   {folder.relative_to(ROOT)}",
        *(f"  | {line[:200]}" for line in logged[-LAST_LINES:]),
    ]
    (folder / "summary.txt").write_text("\n".join(summary) + "\n", "utf-8")


def reason(report: pytest.TestReport) -> str:
    """The message of what was raised, on one line."""
    crash = getattr(report.longrepr, "reprcrash", None)
    return " ".join((crash.message if crash else report.longreprtext).split())[:300]


def repeat_command(item: pytest.Item) -> str:
    """The command that runs the test once more."""
    test = f'python build.py test e2e -- "{item.nodeid}"'
    for option in ("--all-faults", "--long"):
        test += f" {option}" if item.config.getoption(option) else ""
    seed = item.config.getoption("--fault-seed")
    return f"{test} --fault-seed {seed}" if seed else test
