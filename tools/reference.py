"""`build.py docs`: the reference of all public names, from their docstrings."""

from __future__ import annotations

import importlib
import shutil
import sys
from pathlib import Path
from typing import Any

from tools.common import DIST, ROOT, run, say, version
from tools.setup import ensure_tools, tool

SOURCES = ROOT / "pysrc"
REFERENCE = DIST / "docs"

ALIASES = {
    "ContentItem": "sidestream.types.items",
    "Fetch": "sidestream.transport",
    "ResponseEvent": "sidestream.types.events",
    "ResponseItem": "sidestream.types.items",
    "ScriptedReply": "sidestream.testing.fetch",
    "ToolOutput": "sidestream.types.items",
    "ToolSpec": "sidestream.types.tools",
}
"""Type aliases that the reference names, where it would otherwise spell out what they stand for."""


def build_reference(target: Path = REFERENCE) -> Path:
    """Write the reference as HTML and return the folder; ``index.html`` is the way in."""
    ensure_tools()
    if target.exists():
        shutil.rmtree(target)
    run(
        [tool("python"), "-B", "-m", "tools.reference", target],
        failed="The reference could not be written.",
        quiet=True,
        env={"PYTHONPATH": str(SOURCES), "PYTHONWARNINGS": "error"},
    )
    say(f"{target / 'index.html'}")
    return target


def write(target: Path) -> None:
    """Write the reference. Runs in the virtual environment, which has pdoc."""
    import pdoc
    from pdoc import doc_types, render

    evaluate: Any = doc_types._eval_type

    def evaluate_but_aliases(annotation: Any, names: dict[str, Any], *others: Any) -> Any:
        known = {name: alias for name, alias in aliases.items() if name in names}
        return evaluate(annotation, {**names, **known}, *others)

    aliases = {name: type(name, (), {"__module__": home}) for name, home in ALIASES.items()}
    for name, home in ALIASES.items():
        getattr(importlib.import_module(home), name)  # there is such an alias
    setattr(doc_types, "_eval_type", evaluate_but_aliases)  # noqa: B010
    render.configure(footer_text=f"Sidestream {version()}")
    pdoc.pdoc(*modules(), r"!.+\._\w+", output_directory=target)


def modules() -> list[str]:
    """The package and what lies directly in it; pdoc finds the modules below by itself.

    `browser` is left out, since it imports what only the extension has.
    """
    paths = sorted((SOURCES / "sidestream").iterdir())
    names = [path.stem for path in paths if path.suffix == ".py" or (path / "__init__.py").exists()]
    names = [name for name in names if name != "browser" and not name.startswith("_")]
    return ["sidestream", *(f"sidestream.{name}" for name in names)]


if __name__ == "__main__":
    write(Path(sys.argv[1]))
