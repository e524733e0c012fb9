"""Finds a browser that loads unpacked extensions from the command line, or gets one."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tools.common import ProblemError, apt_install, node, say
from tools.setup import ensure_tools, tool

OVERRIDE = "SIDESTREAM_CHROMIUM"

NAMES = ("chromium", "chromium-browser", "google-chrome-for-testing", "chrome")
BRANDED = ("google-chrome", "google-chrome-stable", "chrome")
BRANDED_LAST = 136
"""Google Chrome ignores ``--load-extension`` from 137 on; Chrome for Testing does not."""

MAC_APPS = ("Chromium", "Google Chrome for Testing")
WINDOWS_FILES = (r"Chromium\Application\chrome.exe", r"Google\Chrome for Testing\chrome.exe")

QUIET = (
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-domain-reliability",
    "--disable-sync",
    "--disable-features=OptimizationHints,MediaRouter,DialMediaRouteProvider",
    "--metrics-recording-only",
    "--password-store=basic",
)
"""No questions, and no traffic of the browser's own."""


def common_arguments() -> list[str]:
    """What every start of the browser needs here."""
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    return [*QUIET, "--no-sandbox"] if is_root else list(QUIET)


def arguments(extension: Path, profile: Path) -> list[str]:
    """The command line that starts the browser with this extension and no other."""
    return [
        *common_arguments(),
        f"--user-data-dir={profile}",
        f"--disable-extensions-except={extension}",
        f"--load-extension={extension}",
    ]


def find() -> Path:
    """The browser's executable: named by `SIDESTREAM_CHROMIUM`, there already, or installed now."""
    override = os.environ.get(OVERRIDE)
    if override:
        named = shutil.which(override)
        if not named:
            raise ProblemError(f"{OVERRIDE} names {override!r}, which is no program.")
        return Path(named)
    found = next(installed(), None) or install()
    if found:
        return found
    branded = next(filter(None, map(shutil.which, BRANDED)), None)
    hint = (
        f" ({branded} is there, but Google Chrome ignores --load-extension since version "
        f"{BRANDED_LAST + 1}.)"
        if branded
        else ""
    )
    raise ProblemError(
        f"No Chromium was found{hint}. Install Chromium with your system's package manager, or "
        "Chrome for Testing (npx @puppeteer/browsers install chrome), and name it in the "
        f"environment variable {OVERRIDE} if it is not on the PATH."
    )


def installed() -> Iterator[Path]:
    """Browsers that are there: Playwright's own first, since its version is known to fit."""
    yield from playwright_downloads()
    for name in NAMES:
        path = shutil.which(name)
        if path and loads_extensions(path):
            yield Path(path)
    candidates: list[Path] = []
    if sys.platform == "darwin":
        folders = (Path("/Applications"), Path.home() / "Applications")
        candidates = [f / f"{app}.app/Contents/MacOS/{app}" for f in folders for app in MAC_APPS]
    elif sys.platform == "win32":
        variables = ("LOCALAPPDATA", "PROGRAMFILES", "PROGRAMFILES(X86)")
        roots = [Path(value) for name in variables if (value := os.environ.get(name))]
        candidates = [root / file for root in roots for file in WINDOWS_FILES]
    yield from filter(Path.is_file, candidates)


def playwright_downloads() -> Iterator[Path]:
    """What ``playwright install chromium`` has downloaded, newest first."""
    named = os.environ.get("PLAYWRIGHT_BROWSERS_PATH")
    if named:
        root = Path(named)
    elif sys.platform == "darwin":
        root = Path.home() / "Library/Caches/ms-playwright"
    elif sys.platform == "win32":
        root = Path(os.environ.get("LOCALAPPDATA", "")) / "ms-playwright"
    else:
        root = Path.home() / ".cache/ms-playwright"
    patterns = ("chrome-*/chrome", "chrome-*/chrome.exe", "chrome-*/*.app/Contents/MacOS/*")
    for build in sorted(root.glob("chromium-*"), key=build_number, reverse=True):
        for pattern in patterns:
            yield from filter(Path.is_file, build.glob(pattern))


def build_number(folder: Path) -> int:
    """The number at the end of a download's name."""
    digits = re.search(r"\d+$", folder.name)
    return int(digits[0]) if digits else 0


def loads_extensions(path: str) -> bool:
    """Whether the browser heeds ``--load-extension``."""
    if sys.platform == "win32":
        return True  # `--version` opens a window there.
    try:
        answer = subprocess.run(
            [path, "--version"], capture_output=True, text=True, check=False, timeout=30
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    branded = re.match(r"Google Chrome (\d+)", answer.stdout.strip())
    return answer.returncode == 0 and (not branded or int(branded[1]) <= BRANDED_LAST)


def playwright_environment() -> dict[str, str]:
    """Let Playwright use our Node.js: its own wants libraries that a small system lacks."""
    return {"PLAYWRIGHT_NODEJS_PATH": node()}


def install() -> Path | None:
    """Get Playwright's Chromium, or Debian's."""
    ensure_tools()
    say("No Chromium found. Trying: playwright install chromium ...")
    command = [str(tool("python")), "-m", "playwright", "install", "chromium", "--no-shell"]
    env = {**os.environ, **playwright_environment()}
    answer = subprocess.run(command, capture_output=True, text=True, check=False, env=env)
    if answer.returncode:
        last = (answer.stdout + answer.stderr).strip().splitlines()[-1:]
        say(f"  That failed: {last[0].strip() if last else 'no reason given'}")
        apt_install("chromium")
    return next(installed(), None)
