"""Places, messages and processes, shared by all tools."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache"
DIST = ROOT / "dist"
NODE_MODULES = ROOT / "node_modules"
EXTENSION_ID = "gnamjoibofglfpgffkiboidbfmpmhbbh"
"""Follows from the manifest's fixed ``key``."""

NODE_MIN = 20


class ProblemError(Exception):
    """What went wrong and what to do about it, in words for the person at the terminal."""


def say(message: str) -> None:
    """Print one line at once, also into a pipe."""
    print(message, flush=True)


def version() -> str:
    """The project's version, from `pyproject.toml`."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return str(project["version"])


def run(
    command: Sequence[str | Path],
    *,
    failed: str,
    quiet: bool = False,
    env: Mapping[str, str] | None = None,
) -> None:
    """Run a command in the project's folder; ``failed`` is said of it if it fails.

    A quiet command's output is shown only when it fails.
    """
    done = subprocess.run(
        [str(part) for part in command],
        cwd=ROOT,
        env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE if quiet else None,
        stderr=subprocess.STDOUT if quiet else None,
        check=False,
    )
    if done.returncode:
        output = (done.stdout or b"").decode(errors="replace").strip()
        shown = f"{failed} ({Path(command[0]).name} ended with code {done.returncode})"
        raise ProblemError(f"{output[-4000:]}\n{shown}" if output else shown)


def node() -> str:
    """The path of Node."""
    found = shutil.which("node")
    if not found:
        raise ProblemError(
            f"Node.js {NODE_MIN} or newer is missing. Get it from https://nodejs.org, or with your "
            "system's package manager (Debian 13 and newer: apt-get install nodejs npm)."
        )
    answer = subprocess.run([found, "--version"], capture_output=True, text=True, check=False)
    major = re.match(r"v(\d+)\.", answer.stdout)
    if not major or int(major[1]) < NODE_MIN:
        raise ProblemError(
            f"Node.js {NODE_MIN} or newer is needed, and {found} is "
            f"{answer.stdout.strip() or 'broken'}. A newer one is at https://nodejs.org."
        )
    return found


def npm() -> str:
    """The path of npm."""
    found = shutil.which("npm")
    if not found:
        raise ProblemError(
            "npm is missing. It comes with Node.js from https://nodejs.org "
            "(Debian: apt-get install npm)."
        )
    return found


def apt_get() -> str | None:
    """The path of apt-get where this process may install Debian packages with it."""
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    return shutil.which("apt-get") if is_root and sys.platform == "linux" else None


def apt_install(package: str) -> bool:
    """Install a Debian package if that is possible here. True on success."""
    apt = apt_get()
    if not apt:
        return False
    say(f"Installing the Debian package {package} ...")
    env = {"DEBIAN_FRONTEND": "noninteractive"}
    try:
        run([apt, "update", "-qq"], failed="apt-get update failed", quiet=True, env=env)
        command = [apt, "install", "-y", "-qq", "--no-install-recommends", package]
        run(command, failed=f"apt-get could not install {package}", quiet=True, env=env)
    except ProblemError as problem:
        say(str(problem))
        return False
    return True


def digest(*parts: bytes | str | Path) -> str:
    """SHA-256 over texts, bytes and the contents of files, in this order."""
    total = hashlib.sha256()
    for part in parts:
        if isinstance(part, Path):
            data = part.read_bytes()
        else:
            data = part.encode() if isinstance(part, str) else part
        total.update(len(data).to_bytes(8, "big") + data)
    return total.hexdigest()


def is_stamped(stamp: Path, state: str) -> bool:
    """Whether a step has been done for this very state."""
    return stamp.is_file() and stamp.read_text("utf-8") == state


def megabytes(size: int) -> str:
    """A size in bytes, for people."""
    return f"{size / 1_000_000:.2f} MB"
