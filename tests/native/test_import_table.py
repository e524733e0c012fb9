"""The tables of `docs/architecture.md` name who may import whom, and every import keeps to them.

All imports count: those inside functions, those for types only, and JSDoc's `@import`. A row of
a table begins with one or more places, which are modules or folders, and ends with the places that
these may import. Places of one row may import each other. The row with the longest place that fits
a file is the one that counts for it.
"""

from __future__ import annotations

import ast
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = "docs/architecture.md"
ARCHITECTURE = (ROOT / PAGE).read_text("utf-8")
PYTHON_TABLE = "## Python: which module may import which"
JAVASCRIPT_TABLE = "## JavaScript: which room may import which"
LONG_TABLE = "## Files of more than 400 lines, classes of more than 300"
MOST_LINES = 400
MOST_LINES_OF_A_CLASS = 300

ALL_ABOVE = "all rows above"
"""Stands for the places of the rows above."""

MADE_BY_THE_BUILD = ("vendor/", "pyodide/")
"""Folders of the built extension that have no sources in `extension/`."""

Imports = Mapping[str, set[str]]
"""The files that each file imports. Paths are relative to `pysrc/sidestream/` or `extension/`; what
lies beside `sidestream/` keeps its folder's name."""


# --- the tables --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Row:
    """One row of a table: some places, and the places that they may import."""

    places: tuple[str, ...]
    may_import: tuple[str, ...]


def cells_below(heading: str, text: str) -> list[list[str]]:
    """The rows of the table below a heading, without its head."""
    _, found, rest = text.partition(f"{heading}\n")
    assert found, f"{PAGE} has no heading {heading!r}"
    section = re.split(r"^## ", rest, maxsplit=1, flags=re.MULTILINE)[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def table(heading: str, text: str = ARCHITECTURE) -> list[Row]:
    """The places in the first column, and those in the last one."""
    rows: list[Row] = []
    for first, *_, last in cells_below(heading, text):
        above = [place for row in rows for place in row.places] if last == ALL_ABOVE else []
        rows.append(Row(places(first), (*places(last), *above)))
    return rows


def places(cell: str) -> tuple[str, ...]:
    return tuple(re.findall(r"`([^`]+)`", cell))


def is_in(path: str, place: str) -> bool:
    return path.startswith(place) if place.endswith("/") else path == place


def row_of(path: str, rows: list[Row]) -> Row | None:
    """The row that counts for a file."""
    fitting = [(len(place), row) for row in rows for place in row.places if is_in(path, place)]
    return max(fitting, key=lambda pair: pair[0])[1] if fitting else None


def may_import(importer: str, imported: str, rows: list[Row]) -> bool:
    row, other = row_of(importer, rows), row_of(imported, rows)
    return row is not None and (
        row is other or any(is_in(imported, place) for place in row.may_import)
    )


def problems(imports: Imports, rows: list[Row]) -> list[str]:
    """Every import that no row allows, and every file that no row describes."""
    found = [f"{path} is in no row of {PAGE}" for path in sorted(imports) if not row_of(path, rows)]
    for path in sorted(imports):
        for imported in sorted(imports[path]):
            if row_of(path, rows) and not may_import(path, imported, rows):
                found.append(f"{path} imports {imported}, which {PAGE} does not allow")
    return found


def gone(imports: Imports, rows: list[Row]) -> list[str]:
    """The places that a table names and that hold nothing."""
    files = set(imports).union(*imports.values())
    named = {place for row in rows for place in (*row.places, *row.may_import)}
    return [
        f"{PAGE} names {place}, where nothing is"
        for place in sorted(named)
        if not any(is_in(path, place) for path in files)
    ]


def circles(imports: Imports) -> list[str]:
    """Files that import each other in a circle, one example for each group of them."""
    found = []
    done: set[str] = set()

    def visit(path: str, way: list[str]) -> None:
        if path in way:
            found.append(" -> ".join([*way[way.index(path) :], path]))
        elif path not in done:
            for imported in sorted(imports.get(path, ())):
                visit(imported, [*way, path])
            done.add(path)

    for path in sorted(imports):
        visit(path, [])
    return found


def none_of(found: Iterable[str]) -> None:
    """Fail with all that was found, one a line."""
    lines = list(found)
    if lines:
        pytest.fail("\n".join(lines), pytrace=False)


# --- Python ------------------------------------------------------------------------------------


@cache
def python_imports() -> dict[str, set[str]]:
    sources = ROOT / "pysrc"
    files = {module_name(path.relative_to(sources)): path for path in sources.rglob("*.py")}
    short = {
        name: path.relative_to(sources).as_posix().removeprefix("sidestream/")
        for name, path in files.items()
    }
    return {
        short[module]: {
            target
            for name in names_imported_by(ast.parse(path.read_text("utf-8")))
            if (target := short.get(name) or short.get(name.rpartition(".")[0]))
            and target != short[module]
        }
        for module, path in files.items()
    }


def module_name(path: Path) -> str:
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def names_imported_by(tree: ast.AST) -> Iterator[str]:
    """The dotted names of all imports; `from a import b` may mean the module `a.b`.

    A module's `__getattr__` is left out: it keeps a name importable at a former place, and runs
    only when somebody outside asks for that name.
    """
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef) and node.name == "__getattr__":
            if isinstance(tree, ast.Module):
                continue
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        yield from names_imported_by(node)


def test_python_modules_import_what_the_table_allows() -> None:
    none_of(problems(python_imports(), table(PYTHON_TABLE)))


def test_python_modules_import_each_other_in_no_circle() -> None:
    none_of(circles(python_imports()))


def test_the_table_of_python_modules_names_what_exists() -> None:
    none_of(gone(python_imports(), table(PYTHON_TABLE)))


# --- JavaScript --------------------------------------------------------------------------------

SPECIFIER = re.compile(r"""\b(?:from|import)\s*\(?\s*(["'`])(\.[^"'`\n]+)\1""")
"""`from "./a.js"`, `import "./a.js"`, `import("./a.js")`, and the same in JSDoc."""

LOADED_BY_A_PAGE = re.compile(r"""<(?:script|link)\b[^>]*\b(?:src|href)=(["'])([^"']+)\1""")


@cache
def javascript_imports() -> dict[str, set[str]]:
    sources = ROOT / "extension"
    found: dict[str, set[str]] = {}
    for path in sorted(sources.rglob("*")):
        if path.suffix not in (".js", ".html"):
            continue
        pattern = SPECIFIER if path.suffix == ".js" else LOADED_BY_A_PAGE
        name = path.relative_to(sources).as_posix()
        found[name] = {
            posixpath.normpath(posixpath.join(posixpath.dirname(name), specifier))
            for _, specifier in pattern.findall(path.read_text("utf-8"))
        }
    return found


def test_javascript_rooms_import_what_the_table_allows() -> None:
    none_of(problems(javascript_imports(), table(JAVASCRIPT_TABLE)))


def test_javascript_modules_import_each_other_in_no_circle() -> None:
    none_of(circles(javascript_imports()))


def test_the_table_of_javascript_rooms_names_what_exists() -> None:
    none_of(gone(javascript_imports(), table(JAVASCRIPT_TABLE)))


def test_every_javascript_import_leads_to_a_file() -> None:
    missing = [
        f"{path} imports {imported}"
        for path, targets in javascript_imports().items()
        for imported in targets
        if not imported.startswith(MADE_BY_THE_BUILD)
        and not (ROOT / "extension" / imported).is_file()
    ]
    none_of(missing)


# --- long files and classes --------------------------------------------------------------------


def long_ones() -> set[str]:
    """The paths of long files, and of long classes as `path:Class`."""
    found = set()
    for path in [*(ROOT / "pysrc").rglob("*.py"), *(ROOT / "extension").rglob("*.js")]:
        name, text = path.relative_to(ROOT).as_posix(), path.read_text("utf-8")
        if len(text.splitlines()) > MOST_LINES:
            found.add(name)
        classes = python_classes(text) if path.suffix == ".py" else javascript_classes(text)
        found |= {f"{name}:{title}" for title, lines in classes if lines > MOST_LINES_OF_A_CLASS}
    return found


def python_classes(text: str) -> Iterator[tuple[str, int]]:
    """The names of the classes of a module, and how many lines each has."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ClassDef) and node.end_lineno:
            yield node.name, node.end_lineno - node.lineno + 1


def javascript_classes(text: str) -> Iterator[tuple[str, int]]:
    """The same for a formatted module, where a brace without indentation ends a class."""
    pattern = r"^(?:export )?(?:default )?class (\w+)(?:[^\n]*\{\}$|.*?^\})"
    for match in re.finditer(pattern, text, re.MULTILINE | re.DOTALL):
        yield match[1], match[0].count("\n") + 1


def test_what_is_long_has_its_reason() -> None:
    rows = cells_below(LONG_TABLE, ARCHITECTURE)
    listed = {name for cells in rows for name in places(cells[0])}
    long = long_ones()
    none_of(f"{name} is long, and {PAGE} gives no reason for it" for name in sorted(long - listed))
    none_of(f"{PAGE} explains why {name} is long, and it is not" for name in sorted(listed - long))
    none_of(f"{PAGE} gives no reason for {cells[0]}" for cells in rows if not cells[-1])


# --- the test itself ---------------------------------------------------------------------------

EXAMPLE = """\
## Rooms
| place | what it holds | may import |
| --- | --- | --- |
| `low/` | | nothing |
| `mid/`, `other.js` | | `low/` |
| `mid/inner/` | | `low/base.js` |
| `top.js` | | `mid/` |
| `main.js` | | all rows above |

## Next
| `none/` | | |
"""


@pytest.mark.parametrize(
    ("importer", "imported", "allowed"),
    [
        ("mid/a.js", "low/b.js", True),
        ("mid/a.js", "mid/b.js", True),
        ("mid/a.js", "other.js", True),
        ("mid/a.js", "mid/inner/b.js", False),
        ("mid/inner/a.js", "low/base.js", True),
        ("mid/inner/a.js", "low/b.js", False),
        ("mid/inner/a.js", "mid/b.js", False),
        ("low/a.js", "mid/b.js", False),
        ("top.js", "mid/inner/b.js", True),
        ("top.js", "low/b.js", False),
        ("main.js", "low/b.js", True),
        ("top.js", "main.js", False),
    ],
)
def test_an_import_is_allowed_by_the_row_of_its_file(
    importer: str, imported: str, allowed: bool
) -> None:
    found = problems({importer: {imported}, imported: set()}, table("## Rooms", EXAMPLE))
    assert found == (
        [] if allowed else [f"{importer} imports {imported}, which {PAGE} does not allow"]
    )


def test_a_file_that_no_row_describes_is_found() -> None:
    rows = table("## Rooms", EXAMPLE)
    assert problems({"new/a.js": set()}, rows) == [f"new/a.js is in no row of {PAGE}"]


def test_a_place_that_holds_nothing_is_found() -> None:
    assert gone(
        {"low/base.js": {"mid/inner/a.js"}, "top.js": set()}, table("## Rooms", EXAMPLE)
    ) == [
        f"{PAGE} names main.js, where nothing is",
        f"{PAGE} names other.js, where nothing is",
    ]


def test_a_circle_is_found() -> None:
    assert circles({"a": {"b"}, "b": {"c", "d"}, "c": {"a"}, "d": set()}) == ["a -> b -> c -> a"]


def test_imports_of_every_kind_are_found_in_python() -> None:
    tree = ast.parse(
        "import a.b\n"
        "from c import d, e\n"
        "if TYPE_CHECKING:\n    from f import g\n"
        "def work():\n    from h import i\n"
        "def __getattr__(name):\n    from former import place\n"
    )
    assert list(names_imported_by(tree)) == ["a.b", "c.d", "c.e", "f.g", "h.i"]


def test_imports_of_every_kind_are_found_in_javascript() -> None:
    text = """
        import { a } from "./a.js";
        import {
          b,
        } from "./b.js";
        import "./c.js";
        export * from "./d.js";
        const e = await import("./e.js");
        /** @import {F} from "./f.js" */
        /** @param {import("./g.js").G} g */
        import(`./h/${name}.js`);
        "not from here";
    """
    assert [name for _, name in SPECIFIER.findall(text)] == [
        "./a.js", "./b.js", "./c.js", "./d.js", "./e.js", "./f.js", "./g.js", "./h/${name}.js",
    ]  # fmt: skip


def test_the_length_of_classes_is_known() -> None:
    assert list(python_classes("class A:\n    x = 1\n\n    y = 2\n\n\nz = 3\n")) == [("A", 4)]
    text = "export class A extends B {\n  c() {\n  }\n}\nclass D {}\nclass E {\n}\n"
    assert list(javascript_classes(text)) == [("A", 4), ("D", 1), ("E", 2)]
