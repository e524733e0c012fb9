"""`build.py test`: every check, one after the other, and a table of how they went."""

from __future__ import annotations

import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tools import changes, chromium, package
from tools.common import CACHE, DIST, NODE_MODULES, ROOT, ProblemError, digest, node, say
from tools.setup import ensure_npm, ensure_tools, pyodide_wheels, tool

PARTS = ("lint", "js", "build", "unit", "pyodide", "e2e")

CLOSING = re.compile(
    r"(?:=+ )?(?:\d+ (?:passed|failed|errors?|skipped|deselected)\b|no tests ran).* in [\d.]+s\b"
    r"|\S (?:pass|fail) \d+$"
)
"""The lines with which pytest and Node's test runner say how it went."""

FAILED_TEST = re.compile(r"(?:FAILED|ERROR) (\S+::[^\n]+?)(?: - (.*))?$")
"""A line of pytest's short summary, with the reason; a test's parameters may hold blanks."""

FAILED_NODE_TEST = re.compile(r"\s*✖ (?!failing tests:)(.+?) \([\d.]+ms\)$")
"""A failed test in the output of Node's test runner."""

FAILURES = ROOT / "e2e" / "failures"
"""A folder for each end-to-end test that failed: screenshots, logs, `summary.txt`."""
REASON_LENGTH = 300

TSC = "typescript/bin/tsc"
BIOME = ("ci", "--error-on-warnings", "--colors=off")
NODE_TEST = ("--import", "./tests/js/i18n.js", "--test", "--test-reporter=spec")
UNIT_SIDE_BY_SIDE = ("--numprocesses", "2", "--dist", "loadfile")
SIDE_BY_SIDE = ("--numprocesses", "4", "--dist", "loadfile", "--no-loadscope-reorder")
"""Tests in the browser wait more than they work: one file's beside three others'."""
COVERAGE = ("--cov", "--cov-report=term-missing:skip-covered")


@dataclass(frozen=True)
class Choice:
    """What to run, and how."""

    parts: Sequence[str] = ()
    """All parts where it is empty."""
    pytest: Sequence[str] = ()
    """More arguments for pytest."""
    long: bool = False
    """Also the tests that take minutes each."""
    changed: bool = False
    """Only what the changes of the working tree concern."""
    seed: int | None = None
    """Draws other random examples than the usual ones; the same seed draws the same."""

    @property
    def environment(self) -> dict[str, str]:
        """What lets random tests draw other examples."""
        if self.seed is None:
            return {}
        return {"HYPOTHESIS_PROFILE": "explore", "SIDESTREAM_SEED": str(self.seed)}

    @property
    def hypothesis(self) -> Sequence[str]:
        """The same for pytest with Hypothesis."""
        return () if self.seed is None else (f"--hypothesis-seed={self.seed}",)


def any_seed() -> int:
    """A seed that nobody has chosen."""
    return random.SystemRandom().randrange(1, 1_000_000)


@dataclass
class Step:
    """One check and, once it has run, how it went."""

    part: str
    name: str
    check: Callable[[], list[str]]
    """Returns the closing lines of its test runner. Raises `ProblemError` if it fails."""
    closing: list[str] = field(default_factory=list)
    failed_tests: list[str] = field(default_factory=list)
    failure: str = ""
    seconds: float = 0.0


class CheckError(ProblemError):
    """A check's command that ended with an error."""

    def __init__(self, message: str, lines: list[str]) -> None:
        super().__init__(message)
        self.closing = [line for line in lines if CLOSING.match(line)]
        self.failed_tests = failed_tests(lines)


def failed_tests(lines: Sequence[str]) -> list[str]:
    """The tests that failed, each with the first line of its reason."""
    found: dict[str, str] = {}
    for line in lines:
        if match := FAILED_TEST.match(line):
            found.setdefault(match[1], (match[2] or "").strip()[:REASON_LENGTH])
        elif match := FAILED_NODE_TEST.match(line):
            found.setdefault(match[1], "")
    return [f"{name} - {reason}" if reason else name for name, reason in found.items()]


def run_tests(choice: Choice) -> bool:
    """Run what is chosen. True if every step succeeded."""
    ensure_tools()
    ensure_npm()
    if choice.seed is not None:
        say(f"Random tests draw from seed {choice.seed}; to repeat: --explore {choice.seed}")
    steps = plan_for_changes(changes.find()) if choice.changed else plan(choice)
    steps = [step for step in steps if not choice.parts or step.part in choice.parts]
    for step in steps:
        say(f"\n--- {step.name}")
        begin = time.monotonic()
        try:
            step.closing = step.check()
        except ProblemError as problem:
            step.failure = str(problem)
            if isinstance(problem, CheckError):
                step.closing, step.failed_tests = problem.closing, problem.failed_tests
            say(f"FAILED: {problem}")
        step.seconds = time.monotonic() - begin
    report(steps)
    return not any(step.failure for step in steps)


def plan(choice: Choice) -> list[Step]:
    """All steps, the quick ones first."""
    js_tests = sorted((ROOT / "tests" / "js").glob("*.test.js"))
    return [
        *lint(python=True, javascript=True),
        Step("js", "JavaScript tests", node_tests(js_tests, choice)),
        Step("build", "same inputs, same bytes", build_twice),
        Step("unit", "unit tests on CPython", unit_tests(choice)),
        Step("pyodide", "unit tests inside Pyodide", in_pyodide(choice)),
        Step("e2e", "end-to-end tests", end_to_end(choice)),
    ]


def lint(*, python: bool, javascript: bool) -> list[Step]:
    """What is said of sources without running them."""
    for_python = [
        Step("lint", "ruff check", command(tool("ruff"), "check")),
        Step("lint", "ruff format", command(tool("ruff"), "format", "--check")),
        Step("lint", "mypy", command(tool("mypy"))),
    ]
    for_javascript = [
        Step("lint", "biome", npm_tool("@biomejs/biome/bin/biome", *BIOME)),
        Step("lint", "tsc, pages", npm_tool(TSC, "-p", "tsconfig.json")),
        Step("lint", "tsc, worker", npm_tool(TSC, "-p", "tsconfig.worker.json")),
        Step("lint", "tsc, Node", npm_tool(TSC, "-p", "tsconfig.node.json")),
    ]
    return [*(for_python if python else ()), *(for_javascript if javascript else ())]


def plan_for_changes(changed: Sequence[Path]) -> list[Step]:
    """The steps that these changed files concern."""
    if not changed:
        say("Nothing has changed.")
    kinds = {path.suffix for path in changed}
    steps = lint(python=".py" in kinds, javascript=bool(kinds & {".js", ".mjs", ".css", ".json"}))
    if js_tests := changes.javascript_tests(changed):
        steps.append(Step("js", "JavaScript tests", node_tests(js_tests, Choice())))
    if tests := changes.python_tests(changed):
        arguments = ["-q", *map(str, tests)]
        steps.append(Step("unit", "unit tests on CPython", unit_tests(Choice(pytest=arguments))))
    if e2e := changes.end_to_end_tests(changed):
        arguments = ["-q", *map(str, e2e)]
        steps.append(Step("e2e", "end-to-end tests", end_to_end(Choice(pytest=arguments))))
    return steps


def node_tests(files: Sequence[Path], choice: Choice) -> Callable[[], list[str]]:
    """Tests in Node."""
    return command(node(), *NODE_TEST, *files, env=choice.environment)


def format_sources() -> bool:
    """Fix what the linters can fix, and format the rest. True if nothing is left to fix."""
    ensure_tools()
    ensure_npm()
    biome = NODE_MODULES / "@biomejs" / "biome" / "bin" / "biome"
    commands: list[list[str | Path]] = [
        [tool("ruff"), "check", "--fix"],
        [tool("ruff"), "format"],
        [node(), biome, "check", "--write", "--colors=off"],
    ]
    codes = [stream(arguments, {})[0] for arguments in commands]
    return not any(codes)


def command(*arguments: str | Path, env: dict[str, str] | None = None) -> Callable[[], list[str]]:
    """A check that runs a command and shows its output as it comes."""

    def check() -> list[str]:
        code, lines = stream(arguments, env or {})
        if code:
            raise CheckError(f"{Path(arguments[0]).name} ended with code {code}", lines)
        return [line for line in lines if CLOSING.match(line)]

    return check


def stream(arguments: Sequence[str | Path], env: dict[str, str]) -> tuple[int, list[str]]:
    """Run a command in the project's folder; its exit code, and its output, which is shown too."""
    with subprocess.Popen(
        [str(argument) for argument in arguments],
        cwd=ROOT,
        # pytest cuts the reason of a failure to the width of the terminal, which is unknown here.
        env={**os.environ, "PYTHONUNBUFFERED": "1", "NO_COLOR": "1", "COLUMNS": "400", **env},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
    ) as process:
        lines = []
        for line in process.stdout or ():
            sys.stdout.write(line)
            sys.stdout.flush()
            lines.append(line.rstrip())
    return process.returncode, lines


def npm_tool(script: str, *arguments: str) -> Callable[[], list[str]]:
    """A check that runs a script of an npm package."""
    return command(node(), NODE_MODULES / script, *arguments)


def pytest(*arguments: str, env: dict[str, str] | None = None) -> Callable[[], list[str]]:
    """A check that runs pytest in the virtual environment."""
    return command(tool("python"), "-m", "pytest", *arguments, env=env)


def folder(name: str, pytest_arguments: Sequence[str]) -> list[str]:
    """The folder of tests, unless the arguments name files of it."""
    named = any(argument.startswith(f"{name}/") for argument in pytest_arguments)
    return [] if named else [name]


def unit_tests(choice: Choice) -> Callable[[], list[str]]:
    """The unit tests; coverage of a selection says nothing."""
    options = () if choice.pytest else (*UNIT_SIDE_BY_SIDE, *COVERAGE)
    arguments = (*folder("tests", choice.pytest), *options, *choice.hypothesis, *choice.pytest)
    return pytest(*arguments, env=choice.environment)


def build_twice() -> list[str]:
    """Build, and build again from scratch elsewhere."""
    first = package.build()
    with tempfile.TemporaryDirectory(prefix="again-", dir=CACHE) as folder:
        second = package.build(Path(folder), cached=False)
        if digest(first) != digest(second):
            raise CheckError("two builds of the same sources differ", [])
    package.report(first)
    return []


def browser_environment() -> dict[str, str]:
    """What the tests that drive a browser are told."""
    return {chromium.OVERRIDE: str(chromium.find()), **chromium.playwright_environment()}


def in_pyodide(choice: Choice) -> Callable[[], list[str]]:
    """The unit tests once more, in the Python that users have."""

    def check() -> list[str]:
        package.build()
        pyodide_wheels("pyodide-test")
        runner = ROOT / "tests" / "pyodide" / "run.py"
        env = browser_environment()
        return command(tool("python"), runner, *choice.pytest, env=env)()

    return check


def end_to_end(choice: Choice) -> Callable[[], list[str]]:
    """The tests in the browser; on demand also those that take minutes."""
    more = [*choice.pytest, *(("--long",) if choice.long else ())]
    if choice.seed is not None:
        more.append(f"--fault-seed={choice.seed}")

    def check() -> list[str]:
        package.build()
        shutil.rmtree(FAILURES, ignore_errors=True)
        env = {**browser_environment(), **choice.environment}
        options = (*SIDE_BY_SIDE, "--extension", str(DIST / "sidestream"))
        return pytest(*folder("e2e", more), *options, *more, env=env)()

    return check


def report(steps: Sequence[Step]) -> None:
    """The closing lines again, and one line for each step."""
    say("\n--- summary")
    totals = {"passed": 0, "failed": 0, "skipped": 0}
    for step in steps:
        result = "FAILED" if step.failure else "ok"
        say(f"{result:>6}  {step.seconds:7.1f} s  {step.name}")
        for line in step.closing:
            for number, what in re.findall(r"(\d+) (passed|failed|error|skipped)", line):
                totals["failed" if what == "error" else what] += int(number)
            for what, number in re.findall(r"^\S (pass|fail) (\d+)$", line):
                totals[f"{what}ed"] += int(number)
    say(f"{'':>6}  {sum(step.seconds for step in steps):7.1f} s  in all\n")
    for step in steps:
        for line in step.closing:
            if " in " in line:
                say(line)
    failed = [step.name for step in steps if step.failure]
    if any(totals.values()):
        # A step that fails without a failed test still counts.
        count = max(totals["failed"], len(failed))
        say(f"{totals['passed']} passed, {count} failed, {totals['skipped']} skipped")
    # Once more at the end, which is all that some logs keep: what pytest prints may be very long.
    if any(step.part == "e2e" and step.failure for step in steps):
        for summary in sorted(FAILURES.glob("*/summary.txt")):
            say(f"\n{summary.read_text('utf-8')}")
    for step in steps:
        for name in step.failed_tests:
            say(f"FAILED: {name}")
    if failed:
        say(f"FAILED: {', '.join(failed)}")
