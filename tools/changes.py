"""What was changed in the working tree, and which tests that concerns."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from tools.common import ROOT, ProblemError

TESTS = ROOT / "tests"
JS_TESTS = TESTS / "js"
PACKAGES = ROOT / "pysrc"

JS_IMPORT = re.compile(r"""(?:\bfrom|\bimport)\s*\(?\s*["'](\.[^"']+)["']""")


def find() -> list[Path]:
    """The files that differ from the last commit, or, if none does, what that commit changed."""
    changed = _git("diff", "--name-only", "HEAD") + _git("ls-files", "-o", "--exclude-standard")
    if not changed:
        changed = _git("diff", "--name-only", "HEAD~1", "HEAD")
    return [path for name in dict.fromkeys(changed) if (path := ROOT / name).is_file()]


def _git(*arguments: str) -> list[str]:
    command = ["git", *arguments]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise ProblemError(f"--changed needs a checkout by git: {error}") from None
    return done.stdout.splitlines()


def javascript_tests(changed: Sequence[Path]) -> list[Path]:
    """The tests in Node that load one of these files, directly or not."""
    targets = set(changed)
    tests = sorted(JS_TESTS.glob("*.test.js"))
    return [test for test in tests if targets & _loaded_by(test)]


def _loaded_by(file: Path) -> set[Path]:
    """A JavaScript file and all that it imports from this project."""
    found: set[Path] = set()
    waiting = [file]
    while waiting:
        here = waiting.pop()
        if here in found or not here.is_file():
            continue
        found.add(here)
        if here.suffix in (".js", ".mjs"):
            imports = JS_IMPORT.findall(here.read_text("utf-8"))
            waiting += [(here.parent / name).resolve() for name in imports]
    return found


def python_tests(changed: Sequence[Path]) -> list[Path]:
    """The unit tests of these modules: by their names, or else those that import them."""
    found: set[Path] = set()
    for path in changed:
        if path.suffix == ".py" and path.is_relative_to(TESTS) and path.name.startswith("test_"):
            found.add(path)
        elif path.suffix == ".py" and path.is_relative_to(PACKAGES):
            found |= set(_tests_of(path))
    return sorted(path.relative_to(ROOT) for path in found)


def _tests_of(module: Path) -> Iterator[Path]:
    """The tests that stand where the module's do, and those that import it by name."""
    inside = module.relative_to(PACKAGES)
    mirrored = TESTS.joinpath(*inside.parts[1:]).with_name(f"test_{inside.stem.lstrip('_')}.py")
    if mirrored.is_file():
        yield mirrored
    dotted = ".".join(inside.with_suffix("").parts).removesuffix(".__init__")
    imported = re.compile(rf"^(?:from|import) {re.escape(dotted)}(?: |$)", re.MULTILINE)
    for test in TESTS.rglob("test_*.py"):
        if imported.search(test.read_text("utf-8")):
            yield test


def end_to_end_tests(changed: Sequence[Path]) -> list[Path]:
    """The files of end-to-end tests that were changed themselves."""
    return sorted(
        path.relative_to(ROOT)
        for path in changed
        if path.parent == ROOT / "e2e" and path.name.startswith("test_")
    )
