"""A third-party server, ``@copilotkit/aimock``, in a process of its own."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

AIMOCK = Path(__file__).parents[2] / "node_modules" / "@copilotkit" / "aimock" / "dist" / "cli.js"


@contextmanager
def aimock(script: Path) -> Iterator[str]:
    """Start one on a free port, which answers by the script only. Yields its base URL."""
    assert AIMOCK.exists(), "run `npm ci` first, or `python build.py test`"
    arguments = ["--port", "0", "--fixtures", str(script), "--validate-on-load", "--strict"]
    server = subprocess.Popen(
        ["node", str(AIMOCK), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert server.stdout is not None
    try:
        for line in server.stdout:
            if address := re.search(r"http://127\.0\.0\.1:\d+", line):
                yield f"{address[0]}/v1"
                break
        else:
            pytest.fail(f"the server ended with code {server.wait()}")
    finally:
        server.terminate()
        server.wait()
        server.stdout.close()
