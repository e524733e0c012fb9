"""The documentation agrees with the code: names, messages, presets, links and snippets."""

from __future__ import annotations

import ast
import importlib
import inspect
import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import sidestream
from sidestream.errors import ErrorKind
from sidestream.presets import PRESETS
from sidestream.session.provider_tools import PROVIDER_TOOLS, provider_tools
from sidestream.types.wire_api import WireApi

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
SOURCES = ROOT / "pysrc" / "sidestream"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.glob("*.md")])
PUBLIC_MODULES = (
    "adjust",
    "auth",
    "client",
    "connection_errors",
    "decode",
    "echoes",
    "errors",
    "exchange",
    "failed_exchange",
    "headers",
    "hosts",
    "http",
    "model_list",
    "models",
    "native",
    "payload.chat",
    "payload.history",
    "payload.responses",
    "payload.schemas",
    "payload.tools",
    "presets",
    "prompt",
    "provider",
    "rate_limits",
    "receivers",
    "redaction",
    "retry",
    "server_errors",
    "session.answer_reader",
    "session.attachments",
    "session.blocks",
    "session.branches",
    "session.chat",
    "session.chats",
    "session.compaction",
    "session.connection",
    "session.connection_check",
    "session.conversation",
    "session.conversation_settings",
    "session.endings",
    "session.error_log",
    "session.failure_reports",
    "session.fitting",
    "session.history",
    "session.known_models",
    "session.limits",
    "session.meter",
    "session.page_tools",
    "session.panel_messages",
    "session.provider_tools",
    "session.python_tool",
    "session.rate_limits",
    "session.refused_requests",
    "session.request_queue",
    "session.requests",
    "session.send_queue",
    "session.services",
    "session.sign_ins",
    "session.stored_turns",
    "session.summaries",
    "session.summariser",
    "session.tool_calls",
    "session.tool_results",
    "session.tools",
    "session.turn",
    "session.turn_record",
    "session.turn_reducer",
    "session.turn_runner",
    "session.turn_status",
    "session.untrusted",
    "session.usage",
    "session.windows",
    "session.writer",
    "sse",
    "testing",
    "texts",
    "transport",
    "types.events",
    "types.items",
    "types.rate_limits",
    "types.tools",
    "types.usage",
    "types.wire_api",
)
OTHERS = {"api.rs", "clients", "client", "vendor", "pyodide", "pyodide.asm.mjs"}
"""Beginnings of paths in other repositories, and of folders that the build makes."""
TOP_LEVEL = {
    "ApiKeyAuth",
    "CallOptions",
    "Client",
    "Prompt",
    "Provider",
    "ResponseEvent",
    "SidestreamError",
    "TurnResult",
    "WireApi",
}


def page(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


# --- the reference -----------------------------------------------------------------------------


def public_names(module: ModuleType) -> list[str]:
    names = getattr(module, "__all__", None) or [
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and getattr(value, "__module__", None) == module.__name__
    ]
    return [f"{module.__name__}.{name}" for name in names]


def undocumented(path: str, value: Any) -> list[str]:
    """The name, if it is a class or function without a docstring, and its public members."""
    if not (inspect.isclass(value) or inspect.isroutine(value)):
        return []  # constants and type aliases carry theirs in the source
    if not value.__module__.startswith("sidestream"):
        return []
    missing = [] if (value.__doc__ or "").strip() else [path]
    if inspect.isclass(value):
        for name, member in vars(value).items():
            if name.startswith("_") or name == "model_config":
                continue
            member = getattr(member, "fget", None) or getattr(member, "__func__", member)
            if inspect.isfunction(member) and not (member.__doc__ or "").strip():
                missing.append(f"{path}.{name}")
    return missing


@pytest.mark.parametrize("name", ["", *PUBLIC_MODULES])
def test_every_public_name_is_documented(name: str) -> None:
    module = importlib.import_module(f"sidestream.{name}" if name else "sidestream")
    assert (module.__doc__ or "").strip()
    missing = [
        path
        for public in public_names(module)
        for path in undocumented(public, getattr(module, public.rpartition(".")[2]))
    ]
    assert missing == []


def test_the_list_of_public_modules_is_whole() -> None:
    found = {
        ".".join(path.relative_to(SOURCES).with_suffix("").parts).removesuffix(".__init__")
        for path in SOURCES.rglob("*.py")
        if not path.name.startswith("__main__") and "browser" not in path.parts
    }
    # Packages that only group modules, modules behind a package's own names, and private ones.
    parts = {"__init__", "payload", "session", "types", "decode.chat", "decode.responses"}
    parts |= {
        name
        for name in found
        if name.startswith(("server_errors.", "testing.", "_")) or "._" in name
    }
    assert found - parts == set(PUBLIC_MODULES)


def test_the_package_exports_its_fixed_names_in_order() -> None:
    exported = list(sidestream.__all__)
    assert set(exported) >= TOP_LEVEL
    assert exported == sorted(exported, key=lambda name: (not name.isupper(), name.islower(), name))
    assert all(hasattr(sidestream, name) for name in exported)


# --- migration ---------------------------------------------------------------------------------


def table_rows(text: str) -> list[list[str]]:
    """The cells of all tables' rows, without their heads."""
    rows: list[list[str]] = []
    for line in text.splitlines():
        if not line.lstrip().startswith("|"):
            continue
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))]
        if all(re.fullmatch(r":?-+:?", cell) for cell in cells):
            rows.pop()  # the line before was the head
        else:
            rows.append(cells)
    return rows


def resolve(path: str) -> Any:
    module_path, value = path, None
    while module_path:
        try:
            value = importlib.import_module(module_path)
            break
        except ModuleNotFoundError:
            module_path = module_path.rpartition(".")[0]
    for name in path[len(module_path) :].strip(".").split(".") if path != module_path else []:
        fields = getattr(value, "model_fields", None) or getattr(value, "__dataclass_fields__", {})
        if name not in fields and not hasattr(value, name):
            assert f"self.{name}" in inspect.getsource(value.__init__), path
            return None
        value = fields[name] if name in fields else getattr(value, name)
    return value


MIGRATION = [row for row in table_rows(page("migration.md")) if len(row) == 3]


def test_the_migration_guide_has_three_columns_everywhere() -> None:
    assert len(MIGRATION) == len(table_rows(page("migration.md"))) > 100


@pytest.mark.parametrize("row", MIGRATION, ids=lambda row: row[0].replace("`", "")[:60])
def test_every_name_of_the_migration_guide_exists(row: list[str]) -> None:
    there, here, _ = row
    assert there
    ours = re.findall(r"`((?:sidestream|asyncio)[\w.]*)`", here)
    assert ours or here in ("none", "`str(usage)`"), here
    for path in ours:
        resolve(path)


# --- troubleshooting ---------------------------------------------------------------------------


def test_every_kind_of_error_has_its_section_and_no_other_has() -> None:
    sections = re.findall(r"^### `(\w+)`$", page("troubleshooting.md"), re.M)
    assert sorted(sections) == sorted(kind.value for kind in ErrorKind)


@cache
def strings_of_the_sources() -> str:
    """Every string constant of the package; adjacent literals and f-strings are one."""
    found = []
    for path in SOURCES.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                parts = (v.value if isinstance(v, ast.Constant) else "\0" for v in node.values)
                found.append("".join(str(part) for part in parts))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.append(node.value)
    return "\n".join(found)


def test_the_messages_shown_are_those_of_the_code() -> None:
    quoted = re.findall(r"^> - (.+)$", page("troubleshooting.md"), re.M)
    assert len(quoted) > 25
    unknown = [
        line
        for line in quoted
        if not all(part.strip() in strings_of_the_sources() for part in line.split("…"))
    ]
    assert unknown == []


# --- providers ---------------------------------------------------------------------------------


def test_every_preset_is_described_as_it_is() -> None:
    described = [row for row in table_rows(page("providers.md")) if row[0].startswith("`")]
    rows = {row[0].split("`")[1]: row for row in described if len(row) == 5}
    assert list(rows) == list(PRESETS)
    names = {"responses": "Responses", "chat": "Chat Completions"}
    for key, preset in PRESETS.items():
        name, base_url, wire_api, speaks, _ = rows[key]
        assert name == f"`{key}` {preset.label}"
        assert base_url == (f"`{preset.base_url}`" if preset.base_url else "")
        assert wire_api == names[preset.wire_api]
        both = len(preset.wire_apis) == 2
        assert speaks == ("both" if both else names[preset.wire_apis[0]])


def test_the_tools_of_each_provider_are_those_that_it_has() -> None:
    _, section = page("providers.md").split("## The provider's own tools")
    written = {
        label: cells
        for labels, *cells in table_rows(section)
        for label in labels.split(", ")
        if len(cells) == len(PROVIDER_TOOLS)
    }
    for key, preset in PRESETS.items():
        has = provider_tools(key, WireApi.RESPONSES)
        said = [has.get(name, "") for name in PROVIDER_TOOLS]
        assert written[preset.label] == said, preset.label


# --- all pages ---------------------------------------------------------------------------------


def anchors(text: str) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    heads = re.findall(r"^#+ (.+)$", text, re.M)
    return {re.sub(r"[^\w\- ]", "", head.lower()).strip().replace(" ", "-") for head in heads}


def links() -> list[tuple[Path, str]]:
    return [
        (path, target)
        for path in PAGES
        for target in re.findall(r"\]\(([^)\s]+)\)", path.read_text(encoding="utf-8"))
        if not target.startswith(("http:", "https:", "mailto:"))
    ]


def test_every_link_leads_somewhere() -> None:
    broken = []
    for path, target in links():
        file, _, anchor = target.partition("#")
        place = (path.parent / file).resolve() if file else path
        if not place.exists() or (
            anchor and anchor not in anchors(place.read_text(encoding="utf-8"))
        ):
            broken.append(f"{path.name}: {target}")
    assert broken == []


def test_every_file_that_is_named_exists() -> None:
    folders = ("pysrc", "extension", "tests", "e2e", "tools", "bench", "docs", "requirements")
    files = [path for name in folders for path in (ROOT / name).rglob("*") if path.is_file()]
    files += [path for path in ROOT.iterdir() if path.is_file()]
    ends = {f"/{path.relative_to(ROOT).as_posix()}" for path in files}
    missing = [
        f"{path.name}: {name}"
        for path in PAGES
        for name in re.findall(r"`([\w-][\w./-]*\.(?:py|js|mjs|html))`", path.read_text("utf-8"))
        if name.partition("/")[0] not in OTHERS
        and not any(end.endswith(f"/{name}") for end in ends)
    ]
    assert missing == []


def test_lines_are_short_but_for_tables_and_code() -> None:
    long = []
    for path in PAGES:
        is_code = False
        for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1):
            is_code ^= line.lstrip().startswith("```")
            if not is_code and not line.lstrip().startswith("|") and len(line) > 120:
                long.append(f"{path.name}:{number}")
    assert long == []


def test_every_example_is_referred_to() -> None:
    linked = {(path.parent / target).resolve() for path, target in links()}
    assert [p.name for p in sorted(DOCS.glob("examples/*.py")) if p.resolve() not in linked] == []


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_every_snippet_is_python(path: Path) -> None:
    for snippet in re.findall(
        r"^```python\n(.*?)^```", path.read_text(encoding="utf-8"), re.M | re.S
    ):
        compile(snippet, str(path), "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


def test_the_snippets_on_providers_run() -> None:
    for snippet in re.findall(r"^```python\n(.*?)^```", page("providers.md"), re.M | re.S):
        exec(compile(snippet, "providers.md", "exec"), {})


# --- the generated reference -------------------------------------------------------------------


def test_the_reference_has_a_page_for_every_public_module(tmp_path: Path) -> None:
    command = [sys.executable, "-B", "-m", "tools.reference", str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": str(SOURCES.parent), "PYTHONWARNINGS": "error"}
    subprocess.run(command, cwd=ROOT, env=environment, check=True)
    pages = {
        str(path.relative_to(tmp_path).with_suffix("")).replace(os.sep, ".")
        for path in tmp_path.rglob("*.html")
    }
    assert {f"sidestream.{name}" for name in PUBLIC_MODULES} <= pages
    assert not [name for name in pages if "browser" in name or "._" in name]
    client = (tmp_path / "sidestream" / "client.html").read_text(encoding="utf-8")
    assert "Stream one turn as events" in client
    assert "sidestream.types.items.ResponseItem" in client  # by its name, not spelt out
    assert "typing.Annotated" not in client


def test_the_tests_named_on_the_security_page_exist() -> None:
    rows = re.findall(r"^\|.*\|$", (DOCS / "security.md").read_text(), re.MULTILINE)
    named = [name for row in rows for name in re.findall(r"`([^`]+)`", row.split("|")[-2])]
    tests = "".join(path.read_text() for part in ("e2e", "tests") for path in _tests_in(part))
    names = [name for name in named if re.fullmatch(r"[a-z]+(_[a-z]+){3,}", name)]
    assert len(names) > 30
    assert [name for name in names if f"def test_{name}(" not in tests] == []
    files = [name for name in named if name.startswith(("tests/", "e2e/"))]
    assert files
    assert [name for name in files if not (ROOT / name).is_file()] == []


def _tests_in(part: str) -> list[Path]:
    return sorted((ROOT / part).rglob("test_*.py"))
