"""The names that carry secrets, as ``tests/js/worker-settings-file.test.js`` checks them as well.

An export of settings may leave out more than a log does, and never less.
"""

import json
from pathlib import Path

import pytest

from sidestream.redaction import is_secret_name

NAMES: dict[str, list[str]] = json.loads(
    (Path(__file__).parent / "fixtures" / "secret_names.json").read_text(encoding="utf-8")
)


@pytest.mark.parametrize("name", NAMES["secret"])
def test_a_name_that_carries_a_secret(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize("name", [*NAMES["left_out_of_exports_only"], *NAMES["harmless"]])
def test_a_name_that_carries_none(name: str) -> None:
    assert not is_secret_name(name)
