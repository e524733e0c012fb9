from __future__ import annotations

import pytest

from sidestream.hosts import is_loopback


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        *[("localhost", True), ("LOCALHOST.", True), ("app.localhost", True), ("127.0.0.1", True)],
        *[("127.1.2.3", True), ("::1", True), ("[::1]", True), ("0.0.0.0", True)],
        *[("192.168.0.2", False), ("127.example.com", False), ("localhost.evil.test", False)],
        *[("mybox", False), ("", False), (None, False)],
    ],
)
def test_loopback(host: str | None, loopback: bool) -> None:
    assert is_loopback(host) is loopback
