"""The project's own surroundings: virtual environment, npm packages, wheels for Pyodide."""

from __future__ import annotations

import importlib.util
import shutil
import sys
import venv
from pathlib import Path

from tools.common import (
    CACHE,
    NODE_MODULES,
    ROOT,
    ProblemError,
    apt_install,
    digest,
    is_stamped,
    node,
    npm,
    run,
    say,
)

VENV = ROOT / ".venv"
REQUIREMENTS = ROOT / "requirements"

PYODIDE_PYTHON = "3.14"
PYODIDE_ABI = "cp314"
PYODIDE_PLATFORM = "pyemscripten_2026_0_wasm32"


def tool(name: str) -> Path:
    """The path of a program in the virtual environment."""
    windows = sys.platform == "win32"
    return VENV / ("Scripts" if windows else "bin") / (f"{name}.exe" if windows else name)


def ensure_venv() -> None:
    """Make `.venv` if it is not there or belongs to another Python."""
    state = f"{sys.version}\n{sys.base_prefix}\n"
    stamp = VENV / "made-by.txt"
    inside = Path(sys.prefix).resolve() == VENV
    if inside or (is_stamped(stamp, state) and tool("python").exists()):
        return
    say("Making the virtual environment .venv ...")
    if VENV.exists():
        shutil.rmtree(VENV)
    if importlib.util.find_spec("ensurepip") is None:
        package = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
        if not apt_install(package):
            raise ProblemError(
                "This Python cannot make virtual environments, because its module ensurepip is "
                f"missing. On Debian and Ubuntu: apt-get install {package}. Then try again."
            )
        importlib.invalidate_caches()
    venv.create(VENV, with_pip=True, symlinks=sys.platform != "win32")
    stamp.write_text(state, "utf-8")


def ensure_tools() -> None:
    """Install what the checks need, from `requirements/dev.txt`, every file checked by its hash."""
    ensure_venv()
    wanted = REQUIREMENTS / "dev.txt"
    stamp = VENV / "installed.txt"
    state = digest(wanted)
    if is_stamped(stamp, state):
        return
    say("Installing the Python tools from requirements/dev.txt ...")
    run(
        [*pip("install"), "--require-hashes", "-r", wanted],
        failed="The Python tools could not be installed. Is the package index reachable?",
        quiet=True,
    )
    stamp.write_text(state, "utf-8")


def ensure_npm() -> None:
    """Install the npm packages of `package-lock.json`."""
    node()
    state = digest(ROOT / "package.json", ROOT / "package-lock.json")
    stamp = NODE_MODULES / ".installed"
    if is_stamped(stamp, state):
        return
    say("Installing the npm packages from package-lock.json ...")
    run(
        [npm(), "ci", "--no-audit", "--no-fund", "--ignore-scripts"],
        failed="The npm packages could not be installed. Is the registry reachable?",
        quiet=True,
    )
    stamp.write_text(state, "utf-8")


def pyodide_wheels(name: str = "pyodide") -> list[Path]:
    """The wheels of `requirements/<name>.txt` for Pyodide's Python, downloaded once."""
    wanted = REQUIREMENTS / f"{name}.txt"
    folder = CACHE / "wheels" / f"{name}-{digest(wanted)[:16]}"
    stamp = folder / "complete"
    if not stamp.exists():
        ensure_venv()
        say(f"Downloading the wheels of requirements/{name}.txt ...")
        command = [*pip("download"), *pyodide_target(), "--no-deps", "--require-hashes"]
        command += ["--dest", folder, "-r", wanted]
        run(command, failed="The wheels could not be downloaded (no network?)", quiet=True)
        stamp.touch()
    return sorted(folder.glob("*.whl"))


def pip(command: str) -> list[str | Path]:
    """The beginning of a command line of the virtual environment's pip."""
    return [tool("python"), "-m", "pip", command, "--disable-pip-version-check", "--quiet"]


def pyodide_target() -> list[str]:
    """Tell pip to choose wheels for Pyodide's Python instead of its own."""
    return [
        "--only-binary=:all:",
        "--implementation=cp",
        f"--python-version={PYODIDE_PYTHON}",
        f"--abi={PYODIDE_ABI}",
        f"--platform={PYODIDE_PLATFORM}",
    ]
