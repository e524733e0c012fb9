"""Lays out the extension, `dist/sidestream/`, and its zip; see `docs/build-layout.md`."""

from __future__ import annotations

import json
import re
import runpy
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from tools.common import (
    CACHE,
    DIST,
    NODE_MODULES,
    ROOT,
    ProblemError,
    digest,
    megabytes,
    node,
    run,
    say,
)
from tools.common import version as project_version
from tools.setup import PYODIDE_PYTHON, ensure_npm, pyodide_wheels

EXTENSION = ROOT / "extension"
PACKAGE = ROOT / "pysrc" / "sidestream"
SANDBOX_PACKAGE = ROOT / "pysrc" / "sidestream_sandbox"
PYODIDE = NODE_MODULES / "pyodide"
STDLIB = PYODIDE / "python_stdlib.zip"

PYODIDE_FILES = ("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm")

VENDOR = {
    "markdown-it": "markdown-it/dist/browser/markdown-it.esm.min.mjs",
    "markdown-it-cjk-friendly": "markdown-it-cjk-friendly/dist/index.js",
    "get-east-asian-width/index": "get-east-asian-width/index.js",
    "get-east-asian-width/lookup": "get-east-asian-width/lookup.js",
    "get-east-asian-width/lookup-data": "get-east-asian-width/lookup-data.js",
    "get-east-asian-width/utilities": "get-east-asian-width/utilities.js",
    "temml": "temml/dist/temml.mjs",
    "idb": "idb/build/index.js",
    "highlight/core": "@highlightjs/cdn-assets/es/core.min.js",
    "mermaid": "mermaid/dist/mermaid.min.js",
}
LANGUAGES = NODE_MODULES / "@highlightjs/cdn-assets/es/languages"
BUNDLES = ("mermaid",)
"""Packages whose file has all that they depend on inside."""

BARE_IMPORTS = {"get-east-asian-width": "./get-east-asian-width/index.js"}
"""Packages that a vendored one imports by name, and where they are beside it."""

NPM_PACKAGES = """
    markdown-it markdown-it-cjk-friendly get-east-asian-width temml idb
    @highlightjs/cdn-assets
    entities linkify-it mdurl punycode.js uc.micro
""".split()  # noqa: SIM905
"""Whose licences are packed. The last five are inside of markdown-it's file."""

NOT_IN_A_BROWSER = ("native.py", "__main__.py", "testing")
"""Parts of the Python package that only CPython and the tests use."""

UNUSED_STDLIB = """
    __hello__ __phello__ _pyrepl antigravity bdb cProfile doctest ftplib imaplib mailbox
    modulefinder multiprocessing pdb pickletools poplib profile pstats pty pyclbr pydoc rlcompleter
    site-packages smtplib socketserver tabnanny this timeit trace tty unittest wave webbrowser
    wsgiref xmlrpc zipapp
""".split()  # noqa: SIM905
"""Top-level modules for servers, terminals and developers. What a chat could need stays."""

UNUSED_PACKAGED = re.compile(r"\.dist-info/|\.pyi$|/py\.typed$|^pydantic/mypy\.py$")

ZIP_DATE = (1980, 1, 1, 0, 0, 0)


def build(target: Path = DIST, *, cached: bool = True) -> Path:
    """Build the extension into ``target`` and return the path of the zip.

    Without ``cached`` everything is made anew, so that two builds can be compared.
    """
    version = project_version()
    ensure_npm()
    wheels, sandbox_wheels = pyodide_wheels(), pyodide_wheels("sandbox")
    CACHE.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="build-", dir=CACHE) as scratch:
        stage = Path(scratch) / "sidestream"
        say("Packing the extension ...")
        copy_extension(stage, version)
        copy_vendor(stage / "vendor")
        copy_licenses(stage / "LICENSES", [*wheels, *sandbox_wheels])
        pack_python(stage / "pyodide", wheels, Path(scratch), cached=cached)
        pack_sandbox(stage / "sandbox", sandbox_wheels, Path(scratch), cached=cached)
        check_modules(stage)
        check_manifest(stage)
        target.mkdir(parents=True, exist_ok=True)
        archive = target / f"sidestream-{version}.zip"
        zip_folder(stage, Path(scratch) / "sidestream.zip")
        replace(stage, target / "sidestream")
        (Path(scratch) / "sidestream.zip").replace(archive)
    return archive


def copy_extension(stage: Path, version: str) -> None:
    """The contents of `extension/` at the root, and the manifest with the project's version."""

    def unpacked(folder: str, names: list[str]) -> set[str]:
        return {n for n in names if n.endswith(".d.ts") or n.startswith(".") or n == "__tests__"}

    shutil.copytree(EXTENSION, stage, ignore=unpacked)
    manifest = json.loads((ROOT / "manifest.json").read_text("utf-8"))
    manifest["version"] = version
    (stage / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n", "utf-8")
    add_python_messages(stage / "_locales" / "en" / "messages.json")


def add_python_messages(path: Path) -> None:
    """Add the messages of Python, `sidestream.texts`, to the extension's catalogue."""
    messages = json.loads(path.read_text("utf-8")) | python_messages()
    path.write_text(json.dumps(messages, ensure_ascii=False, indent=2) + "\n", "utf-8")


def python_messages() -> dict[str, dict[str, Any]]:
    """Python's catalogue in the form of `chrome.i18n`.

    Placeholders are numbered in alphabetical order, as `extension/shared/python-text.js` does it.
    """
    # The module alone, since the package needs pydantic, which the build does not.
    texts = runpy.run_path(str(PACKAGE / "texts.py"))
    messages: dict[str, dict[str, Any]] = {}
    for key, template in texts["CATALOGUE"].items():
        escaped = template.replace("$", "$$")
        message: dict[str, Any] = {"message": re.sub(r"\{(\w+)\}", r"$\1$", escaped)}
        if names := texts["placeholders"](template):
            message["placeholders"] = {
                name: {"content": f"${at}"} for at, name in enumerate(names, start=1)
            }
        messages[f"python_{key}"] = message
    return messages


def copy_vendor(vendor: Path) -> None:
    """The npm packages, as they are published: plain ES modules."""
    sources = {vendor / f"{name}.js": NODE_MODULES / source for name, source in VENDOR.items()}
    for source in sorted(LANGUAGES.glob("*.min.js")):
        sources[vendor / f"highlight/languages/{source.name.removesuffix('.min.js')}.js"] = source
    for copy, source in sources.items():
        copy.parent.mkdir(parents=True, exist_ok=True)
        text = source.read_text("utf-8")
        for package, path in BARE_IMPORTS.items():
            text = text.replace(f'from "{package}"', f'from "{path}"')
        # The maps are not packed, and developer tools complain about missing ones.
        copy.write_text(re.sub(r"\n//# sourceMappingURL=.*\s*$", "\n", text), "utf-8", newline="\n")
    (vendor / "temml.css").write_text(math_styles(), "utf-8", newline="\n")
    run(
        [node(), ROOT / "tools" / "languages.mjs", vendor / "highlight" / "languages.js"],
        failed="highlight.js could not be asked for its languages",
    )


def math_styles() -> str:
    """Temml's rules for Chromium, with the computer's fonts in the place of its own one."""
    text = (NODE_MODULES / "temml/dist/Temml-Local.css").read_text("utf-8")
    return re.sub(
        r"@font-face \{.*?\}|[^{};/]*\{\s*font-family: \W?Temml\W?;\s*\}", "", text, flags=re.DOTALL
    )


def copy_licenses(folder: Path, wheels: Iterable[Path]) -> None:
    """The licence of every package, under the package's name."""
    folder.mkdir(exist_ok=True)
    shutil.copy(ROOT / "LICENSE", folder / "Sidestream.txt")
    for name in NPM_PACKAGES:
        (text,) = (NODE_MODULES / name).glob("[Ll][Ii][Cc][Ee][Nn][Ss][Ee]*")
        shutil.copy(text, folder / f"{name.replace('/', '-')}.txt")
    for name in BUNDLES:
        (folder / f"{name}.txt").write_text(bundled_licenses(name), "utf-8", newline="\n")
    for wheel in wheels:
        with zipfile.ZipFile(wheel) as packed:
            names = [
                n for n in packed.namelist() if re.search(r"\.dist-info/(licenses/.|LICENSE$)", n)
            ]
            if not names:
                raise ProblemError(
                    f"{wheel.name} carries no licence; add it to extension/LICENSES/."
                )
            texts = [packed.read(name) for name in sorted(names)]
        (folder / f"{wheel.name.split('-')[0]}.txt").write_bytes(b"\n".join(texts))


def bundled_licenses(package: str) -> str:
    """The licences of a package and of all that it depends on, one after the other."""
    wanted, found = [NODE_MODULES / package], dict[Path, str]()
    while wanted:
        folder = wanted.pop()
        if folder in found or folder.parent.name == "@types":
            continue
        described = json.loads((folder / "package.json").read_text("utf-8"))
        texts = sorted(f for f in folder.iterdir() if f.stem.lower() in ("license", "licence"))
        text = texts[0].read_text("utf-8") if texts else f"Licence: {described['license']}"
        found[folder] = f"{described['name']} {described['version']}\n\n{text.strip()}\n"
        for name in described.get("dependencies", {}):
            # A version of its own is inside of a package, a shared one beside it.
            own = folder / "node_modules" / name
            wanted.append(own if own.exists() else NODE_MODULES / name)
    return "\n\n".join(found[folder] for folder in sorted(found))


def pack_python(folder: Path, wheels: list[Path], scratch: Path, *, cached: bool) -> None:
    """Pyodide, its standard library, the wheels and Sidestream's own package."""
    folder.mkdir()
    for name in PYODIDE_FILES:
        shutil.copy(PYODIDE / name, folder / name)
    lock = json.loads((PYODIDE / "pyodide-lock.json").read_text("utf-8"))
    # Nothing is ever installed by name, so the list of 300 packages would only be parsed in vain.
    lock["packages"] = {}
    (folder / "pyodide-lock.json").write_text(json.dumps(lock), "utf-8")

    with zipfile.ZipFile(STDLIB) as stdlib:
        archives = {"python_stdlib.zip": unpack([stdlib], is_used_stdlib, scratch / "stdlib")}
    opened = [zipfile.ZipFile(wheel) for wheel in wheels]
    archives["site-packages.zip"] = unpack(opened, is_used_packaged, scratch / "site-packages")
    archives["sidestream.zip"] = scratch / "own"
    shutil.copytree(
        PACKAGE,
        scratch / "own" / "sidestream",
        ignore=shutil.ignore_patterns("__pycache__", "py.typed", *NOT_IN_A_BROWSER),
    )
    compiled = scratch / "compiled"
    compiled.mkdir()
    compile_archives(archives, compiled, cached=cached)
    shutil.copy(compiled / "python_stdlib.zip", folder)
    described = pack_packages(folder, [compiled / "site-packages.zip", compiled / "sidestream.zip"])
    described["id"] = digest(*sorted(folder.iterdir()))
    (folder / "packages.json").write_text(json.dumps(described) + "\n", "utf-8")


def pack_sandbox(folder: Path, wheels: list[Path], scratch: Path, *, cached: bool) -> None:
    """`packages.zip`, from which code in the sandbox imports: its runner and pure-Python wheels."""
    sources = unpack(map(zipfile.ZipFile, wheels), is_used_packaged, scratch / "sandbox-packages")
    shutil.copytree(
        SANDBOX_PACKAGE,
        sources / SANDBOX_PACKAGE.name,
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    compiled = scratch / "sandbox-compiled"
    compiled.mkdir()
    compile_archives({"packages.zip": sources}, compiled, cached=cached)
    shutil.copy(compiled / "packages.zip", folder)


def pack_packages(folder: Path, archives: Iterable[Path]) -> dict[str, Any]:
    """Write `packages.bin` and the native libraries, and describe them for `packages.json`."""
    files: list[tuple[str, int]] = []
    libraries: list[dict[str, str]] = []
    with (folder / "packages.bin").open("wb") as packed:
        for archive in map(zipfile.ZipFile, archives):
            for name in sorted(archive.namelist()):
                data = archive.read(name)
                if name.endswith(".so"):
                    library = f"{Path(name).name.split('.')[0]}.wasm"
                    (folder / library).write_bytes(data)
                    libraries.append({"file": library, "path": name})
                    # The worker compiles and loads it by itself; Python must only find its name.
                    data = b""
                packed.write(data)
                files.append((name, len(data)))
    return {
        "python": PYODIDE_PYTHON,
        "site_packages": f"/lib/python{PYODIDE_PYTHON}/site-packages",
        "files": files,
        "libraries": libraries,
    }


def is_used_stdlib(name: str) -> bool:
    """Whether a file of the standard library is packed."""
    return name.split("/")[0].removesuffix(".py") not in UNUSED_STDLIB


def is_used_packaged(name: str) -> bool:
    """Whether a file of a wheel is packed."""
    return not UNUSED_PACKAGED.search(name)


def unpack(
    archives: Iterable[zipfile.ZipFile], wanted: Callable[[str], bool], folder: Path
) -> Path:
    """Unpack the wanted files of some archives into one new folder."""
    folder.mkdir()
    for archive in archives:
        archive.extractall(
            folder, [n for n in archive.namelist() if not n.endswith("/") and wanted(n)]
        )
    return folder


def compile_archives(folders: dict[str, Path], target: Path, *, cached: bool) -> None:
    """Make each named archive in ``target`` from its folder, compiled by Pyodide's own Python."""
    compiler = [ROOT / "tools" / name for name in ("bytecode.mjs", "bytecode.py")]
    base = digest(*compiler, *(PYODIDE / name for name in PYODIDE_FILES), STDLIB)
    store = CACHE / "compiled"
    store.mkdir(exist_ok=True)
    kept = {name: store / f"{digest(base, *contents(f))}-{name}" for name, f in folders.items()}
    missing = [name for name in folders if not cached or not kept[name].exists()]
    if missing:
        say(f"Compiling {', '.join(missing)} with Pyodide's Python ...")
        arguments = [path for name in missing for path in (folders[name], target / name)]
        run(
            [node(), ROOT / "tools" / "bytecode.mjs", *arguments],
            failed="The Python sources could not be compiled",
        )
    for name in folders:
        if name in missing:
            for outdated in store.glob(f"*-{name}"):
                outdated.unlink(missing_ok=True)
            partial = kept[name].with_suffix(f".{target.parent.name}")
            shutil.copy(target / name, partial)
            partial.replace(kept[name])
        else:
            shutil.copy(kept[name], target / name)


def contents(folder: Path) -> Iterable[str | Path]:
    """Names and files below a folder, in a fixed order."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield path.relative_to(folder).as_posix()
            yield path


IMPORT = re.compile(
    r"""(?:^|[;}])\s*(?:import|export)\b(?:[^;"'()=]*?\bfrom)?\s*["']([^"']+)["']""", re.MULTILINE
)


def check_modules(stage: Path) -> None:
    """Every static import names a file of the package: nothing is bundled or fetched."""
    for module in sorted(stage.rglob("*.js")):
        for name in IMPORT.findall(module.read_text("utf-8")):
            if not name.startswith(("./", "../")) or not (module.parent / name).is_file():
                where = module.relative_to(stage).as_posix()
                raise ProblemError(
                    f"{where} imports {name!r}, which is not in the package. "
                    "Modules of npm packages are listed in tools/package.py."
                )


def check_manifest(stage: Path) -> None:
    """Every page, script and icon of the manifest is there."""
    manifest = json.loads((stage / "manifest.json").read_text("utf-8"))
    named = [manifest["background"]["service_worker"], manifest["side_panel"]["default_path"]]
    named += [manifest["options_ui"]["page"], *manifest["icons"].values()]
    named += manifest["sandbox"]["pages"]
    for name in named:
        if not (stage / name).is_file():
            raise ProblemError(f"manifest.json names {name}, which is not in extension/.")


def zip_folder(folder: Path, archive: Path) -> None:
    """Zip a folder's contents: same contents, same bytes."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as packed:
        for path in sorted(folder.rglob("*"), key=lambda path: path.relative_to(folder).as_posix()):
            if path.is_file():
                info = zipfile.ZipInfo(path.relative_to(folder).as_posix(), ZIP_DATE)
                info.compress_type = zipfile.ZIP_DEFLATED
                info.create_system = 3  # Unix, wherever this runs.
                info.external_attr = 0o100644 << 16
                packed.writestr(info, path.read_bytes())


def replace(new: Path, old: Path) -> None:
    """Put a folder in another's place."""
    if old.exists():
        shutil.rmtree(old)
    shutil.move(new, old)


def report(archive: Path) -> None:
    """Print what was built, and the size of its parts."""
    folder = archive.parent / "sidestream"
    with zipfile.ZipFile(archive) as packed:
        sizes: dict[str, int] = {}
        for info in packed.infolist():
            part = (
                info.filename
                if info.filename.startswith("pyodide/")
                else info.filename.split("/")[0]
            )
            sizes[part] = sizes.get(part, 0) + info.compress_size
    for part, size in sorted(sizes.items(), key=lambda item: -item[1])[:6]:
        say(f"  {megabytes(size):>9}  {part}")
    say(f'Built {folder.relative_to(ROOT)}, for "Load unpacked" on chrome://extensions')
    say(f"and   {archive.relative_to(ROOT)}, {megabytes(archive.stat().st_size)}")
