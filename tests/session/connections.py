"""Settings and replies for the tests of connections."""

from __future__ import annotations

from typing import Any

from sidestream.testing import Reply

KEY = "sk-test-1234567890abcdef"

SETTINGS = {
    "preset": "custom",
    "name": "Mine",
    "base_url": "https://a.test:8443/v1",
    "wire_api": "responses",
    "model": "m-1",
}


def data(api_key: str | None = None, **settings: Any) -> dict[str, Any]:
    return {"settings": {**SETTINGS, **settings}, "api_key": api_key}


def models(*names: str) -> Reply:
    return Reply({"data": [{"id": name} for name in names]})
