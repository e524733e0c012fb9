"""The network fails and returns: before a message, and in the middle of an answer.

Servers on loopback need no network, so the provider has a name here that only this browser knows.
"""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from e2e.app import App, Panel
from e2e.server import Exchange, ScriptedServer, answer, response_events, until_open

HOST = "provider.test"


@pytest.fixture(scope="module")
def extension(extension: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One to which the user has allowed that host: the browser's prompt cannot be clicked here."""
    copy = tmp_path_factory.mktemp("allowed") / "sidestream"
    shutil.copytree(extension, copy)
    manifest = json.loads((copy / "manifest.json").read_text())
    manifest["host_permissions"].append(f"http://{HOST}/*")
    (copy / "manifest.json").write_text(json.dumps(manifest))
    return copy


@pytest.fixture(scope="module")
def browser_arguments() -> list[str]:
    """The host is here."""
    return [f"--host-resolver-rules=MAP {HOST} 127.0.0.1"]


@pytest.fixture
def remote(app: App, panel: Panel, server: ScriptedServer) -> Iterator[Panel]:
    """The panel, and a provider that a network is needed for."""
    app.configure(server.base_url.replace("127.0.0.1", HOST))
    yield panel
    app.context.set_offline(False)


def test_a_message_waits_for_the_network_and_is_sent_once(
    app: App, remote: Panel, server: ScriptedServer
) -> None:
    app.context.set_offline(True)
    remote.ask("The first.")
    remote.ask("The second.")
    expect(remote.page.get_by_text("Waiting for the network")).to_be_visible()
    remote.page.reload()
    expect(remote.questions).to_have_text(["The first.", "The second."])
    assert server.turns == []
    app.context.set_offline(False)
    expect(remote.answers).to_have_text(["You said: The first.", "You said: The second."])
    assert len(server.turns) == 2


def test_an_answer_survives_the_networks_absence(
    app: App, remote: Panel, server: ScriptedServer
) -> None:
    offline = threading.Event()

    def half(exchange: Exchange) -> None:
        exchange.head()
        exchange.events(until_open("Half ", "of it"))
        exchange.wait(offline)
        exchange.cut(reset=True)

    server.on("Tell me.", half, answer("All of it"))
    remote.ask("Tell me.")
    expect(remote.answer).to_have_text("Half of it")
    app.context.set_offline(True)
    offline.set()
    # The second attempt has found no network.
    expect(remote.status).to_contain_text("no network connection")
    app.context.set_offline(False)
    expect(remote.answer).to_have_text("All of it")
    expect(remote.alert).to_be_hidden()
    first, second = server.turns
    assert first.idempotency_key == second.idempotency_key


def test_an_answer_that_the_provider_stores_continues_where_it_was(
    app: App, remote: Panel, server: ScriptedServer
) -> None:
    app.configure(server.base_url.replace("127.0.0.1", HOST), background=True)
    offline = threading.Event()

    events = list(response_events("Half ", "of it, ", "and the rest"))
    half = len(until_open("Half ", "of it, "))

    def script(exchange: Exchange) -> None:
        exchange.events(events[:half])
        exchange.wait(offline)
        exchange.drop()
        exchange.events(events[half:])

    server.on("Tell me.", script)
    remote.ask("Tell me.")
    expect(remote.answer).to_have_text("Half of it,")
    app.context.set_offline(True)
    offline.set()
    expect(remote.status).to_contain_text("no network connection")
    expect(remote.answer).to_have_text("Half of it,")
    app.context.set_offline(False)
    remote.expect_idle()
    expect(remote.answer).to_have_text("Half of it, and the rest")
    assert len(server.turns) == 1
    assert server.requests[-1].query.startswith("stream=true&starting_after=")
