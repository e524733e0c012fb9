"""The API key is sent to the provider only, and nothing else is sent anywhere."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Playwright, expect

from e2e.app import API_KEY, App
from e2e.server import ScriptedServer, fail


def forms_of(secret: str) -> list[bytes]:
    """The forms in which a file might hold the secret: plain, or in a reversible encoding."""
    plain = secret.encode()
    reversed_ = plain[::-1]
    # Base64 depends on the position: the middle of each of the three alignments.
    encoded = [base64.b64encode(b"x" * shift + plain)[4:-4] for shift in range(3)]
    encoded += [base64.b64encode(b"x" * shift + reversed_)[4:-4] for shift in range(3)]
    return [plain, reversed_, secret.encode("utf-16-le"), plain.hex().encode(), *encoded]


def files_with(folder: Path, needles: list[bytes]) -> list[str]:
    """The files below `folder` that hold any of `needles`."""
    return [
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and any(needle in path.read_bytes() for needle in needles)
    ]


def test_the_search_finds_what_it_should(tmp_path: Path) -> None:
    (tmp_path / "plain").write_text(f"key={API_KEY}")
    (tmp_path / "wide").write_bytes(b"\0" + API_KEY.encode("utf-16-le"))
    (tmp_path / "base64").write_bytes(base64.b64encode(b"{'key': '" + API_KEY.encode() + b"'}"))
    (tmp_path / "reversed").write_bytes(base64.b64encode(API_KEY[::-1].encode()))
    (tmp_path / "nothing").write_text("sk-something-else")
    assert sorted(files_with(tmp_path, forms_of(API_KEY))) == [
        "base64",
        "plain",
        "reversed",
        "wide",
    ]


@pytest.mark.parametrize("end", ["answer", "error"])
def test_the_key_is_nowhere_in_clear(
    playwright: Playwright,
    chromium: str,
    extension: Path,
    tmp_path: Path,
    server: ScriptedServer,
    end: str,
) -> None:
    profile, net_log = tmp_path / "profile", tmp_path / "net.json"
    app = App(playwright, chromium, extension, profile, f"--log-net-log={net_log}")
    try:
        if end == "error":
            server.on("", fail(401, f"Incorrect API key provided: {API_KEY}."))
        options = app.open_options()
        options.fill(base_url=server.base_url, api_key=API_KEY)
        options.test_connection.click()
        expect(options.status.or_(options.alert).filter(has_text="e")).not_to_have_count(0)
        options.save.click()
        expect(options.status).to_contain_text("Saved", ignore_case=True)
        panel = app.open_panel()
        panel.ask("Hello")
        if end == "error":
            panel.expect_alert()
        else:
            expect(panel.answer).to_have_text("You said: Hello")
        assert server.turns[0].headers["authorization"] == f"Bearer {API_KEY}"

        stored = app.stored(panel.page)
        assert "areas" in stored
        assert "127.0.0.1" in stored, "the dump does not even show the settings"
        assert '"extractable": true' not in stored
        for form in forms_of(API_KEY):
            text = form.decode("latin-1")
            assert text not in stored
            assert text not in panel.page.content()
            assert text not in "\n".join(app.logs)
    finally:
        app.close()
    assert files_with(profile, forms_of(API_KEY)) == []

    allowed = {server.origin}
    assert origins(app.requests) <= allowed
    assert origins(urls_of(net_log, app.origin)) == allowed


def origins(urls: list[str]) -> set[str]:
    """The origins on the network among these addresses."""
    parts = [urlsplit(url) for url in urls]
    return {f"{p.scheme}://{p.netloc}" for p in parts if p.scheme in ("http", "https", "ws", "wss")}


def urls_of(net_log: Path, initiator: str) -> list[str]:
    """Every address that was asked for on behalf of `initiator`, by Chromium's own network log."""
    log = json.loads(net_log.read_text())
    start = log["constants"]["logEventTypes"]["URL_REQUEST_START_JOB"]
    jobs = [event.get("params", {}) for event in log["events"] if event["type"] == start]
    return [job["url"] for job in jobs if job.get("initiator") == initiator]
