"""The tables of the security documentation name tests that exist."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "security.md"
CODE = re.compile(r"`([^`]+)`")


def rows(text: str) -> Iterator[tuple[str, str]]:
    """First and last cell of each row of the tables whose last column is called "test"."""
    is_named = False
    for line in text.splitlines():
        if not line.startswith("|"):
            is_named = False
            continue
        cells = [cell.strip() for cell in line.removeprefix("|").removesuffix("|").split("|")]
        if cells[-1] == "test":
            is_named = True
        elif is_named and not re.fullmatch("-+", cells[-1]):
            yield cells[0], cells[-1]


def python_tests() -> set[str]:
    """The names of all test functions, without ``test_``."""
    files = [*ROOT.glob("e2e/test_*.py"), *ROOT.glob("tests/**/test_*.py")]
    functions = re.compile(r"^(?:async )?def test_(\w+)", re.MULTILINE)
    return {name for file in files for name in functions.findall(file.read_text("utf-8"))}


def missing(text: str) -> list[str]:
    """What the tables name and is not there, and the rows without a test."""
    tests = python_tests()
    found = []
    for what, cell in rows(text):
        names = CODE.findall(cell)
        if not names and not cell.startswith("the same"):
            found.append(f"no test for: {what}")
        for name in names:
            if not ((ROOT / name).is_file() if "/" in name else name in tests):
                found.append(f"{name} is gone, which tried: {what}")
    return found


def test_every_row_names_tests_that_exist() -> None:
    text = PAGE.read_text("utf-8")
    assert len(list(rows(text))) > 80
    assert missing(text) == []


@pytest.mark.parametrize("cell", ["", "soon", "`gone`", "`e2e/test_gone.py`"])
def test_a_row_whose_test_is_gone_is_found(cell: str) -> None:
    (problem,) = missing(f"| attempt | test |\n| --- | --- |\n| new | {cell} |\n")
    assert problem.endswith(": new")


def test_permissions_are_explained() -> None:
    """Each permission of the manifest has a row that says what it is for."""
    manifest = json.loads((ROOT / "manifest.json").read_text("utf-8"))
    text = PAGE.read_text("utf-8")
    explained = {
        name for line in text.splitlines() if line.startswith("| `") for name in CODE.findall(line)
    }
    assert {*manifest["permissions"], *manifest["host_permissions"]} <= explained
