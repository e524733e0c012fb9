"""The version is the same wherever it is written."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

from sidestream._version import VERSION

ROOT = Path(__file__).parent.parent.parent


def test_there_is_one_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    manifest = json.loads((ROOT / "manifest.json").read_text(encoding="utf-8"))
    assert project["project"]["version"] == manifest["version"] == VERSION
