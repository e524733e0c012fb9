"""Snapshots: requests are kept as JSON files, so that their changes can be reviewed.

``UPDATE_SNAPSHOTS=1 pytest tests/payload`` writes them anew.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SNAPSHOTS = Path(__file__).parent / "snapshots"


@pytest.fixture
def matches_snapshot() -> Callable[[str, Any], None]:
    """Compares data with the snapshot of a name."""

    def compare(name: str, data: Any) -> None:
        path = SNAPSHOTS / f"{name}.json"
        if os.environ.get("UPDATE_SNAPSHOTS"):
            text = json.dumps(data, indent=2, ensure_ascii=False)
            path.write_text(text + "\n", encoding="utf-8")
        assert data == json.loads(path.read_text(encoding="utf-8"))

    return compare
