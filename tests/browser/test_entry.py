from __future__ import annotations

import gc
import importlib.metadata
import sys
import zipfile
from pathlib import Path

import pytest

pytest.importorskip("pyodide.ffi", reason="JavaScript is at hand inside Pyodide only")

from sidestream.browser import entry


def test_no_archive_is_open_when_the_snapshot_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that is open in the snapshot is gone after a restored start."""
    archive = tmp_path / "library.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("some_module.py", "")
    monkeypatch.setattr(sys, "path", [*sys.path, str(archive)])
    list(importlib.metadata.distributions())
    # Outside the built extension there are modules that only CPython can import.
    monkeypatch.setattr(entry.pkgutil, "walk_packages", lambda *_: [])

    entry.import_all()

    found = [each for each in gc.get_objects() if isinstance(each, zipfile.ZipFile) and each.fp]
    assert [each.filename for each in found] == []
