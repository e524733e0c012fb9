"""Every failure ends in an alert with what happened and what to do, and nothing is lost."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import expect

from e2e.app import API_KEY, App, Panel
from e2e.server import (
    Exchange,
    ScriptedServer,
    answer,
    body,
    fail,
    response_events,
    sse,
    stream,
    until_open,
)

HTML = "<!doctype html><title>Sign in</title><h1>Welcome to the hotel network</h1>"


def failed(message: str, code: str) -> dict[str, object]:
    error = {"code": code, "message": message}
    return {
        "type": "response.failed",
        "response": {"id": "resp_1", "status": "failed", "error": error, "output": []},
    }


def test_an_error_and_retry(panel: Panel, server: ScriptedServer) -> None:
    server.on("", fail(400, "The input is too odd."), answer("Now it works"))
    panel.ask("Something odd")
    panel.expect_alert("The input is too odd.")
    expect(panel.questions).to_have_text("Something odd")
    panel.retry.click()
    expect(panel.answer).to_have_text("Now it works")
    panel.expect_idle()
    expect(panel.alert).to_be_hidden()
    expect(panel.questions).to_have_count(1)
    assert [turn.user_text for turn in server.turns] == ["Something odd"] * 2
    assert json.dumps(server.turns[1].json).count("Something odd") == 1


def test_a_wrong_key(app: App, panel: Panel, server: ScriptedServer) -> None:
    server.api_key = "sk-another"
    panel.ask("Hello")
    panel.expect_alert("key")
    expect(panel.questions).to_have_text("Hello")
    assert len(server.turns) == 1, "a refused key must not be tried again"
    with app.context.expect_page() as opened:
        panel.alert.get_by_role("button", name="Open settings").click()
    expect(opened.value.get_by_label("API key", exact=True)).to_be_visible()
    server.api_key = API_KEY
    panel.retry.click()
    expect(panel.answer).to_have_text("You said: Hello")


def test_a_server_that_echoes_the_key(panel: Panel, server: ScriptedServer) -> None:
    server.on("", fail(401, f"Incorrect API key provided: {API_KEY}. Find yours elsewhere."))
    panel.ask("Hello")
    panel.expect_alert("Incorrect API key provided")
    assert API_KEY not in panel.page.content()


def test_too_many_requests_and_then_success(panel: Panel, server: ScriptedServer) -> None:
    server.on("", fail(429, "Slow down.", headers={"retry-after": "3"}), answer("Thank you"))
    panel.ask("Hello")
    expect(panel.status).to_contain_text("Slow down.")
    expect(panel.status).to_contain_text(re.compile(r"\bin 3(\.0)? s"))
    expect(panel.stop).to_be_visible()
    expect(panel.answer).to_have_text("Thank you")
    panel.expect_idle()
    expect(panel.alert).to_be_hidden()
    first, second = server.turns
    assert second.received_at - first.received_at >= 3


def test_a_wait_that_is_too_long_for_a_request_is_spent_in_the_queue(
    app: App, panel: Panel, server: ScriptedServer
) -> None:
    # The wait is this model's, and no other test's.
    app.configure(server.base_url, model="a-busy-model")
    server.on("", fail(429, "Come back later.", headers={"retry-after": "3600"}), answer("Here"))
    panel.ask("Hello")
    expect(panel.page.get_by_text("Rate limited. Sending in")).to_be_visible()
    expect(panel.alert).to_be_hidden()
    assert len(server.turns) == 1
    panel.ask("Are you there?")
    expect(panel.page.get_by_text("Queued", exact=True)).to_be_visible()
    assert len(server.turns) == 1
    panel.page.get_by_role("button", name="Send now", exact=True).first.click()
    expect(panel.answers.first).to_have_text("Here")
    # The messages after it still wait for the limit.
    expect(panel.page.get_by_text("Rate limited. Sending in")).to_be_visible()
    panel.page.get_by_role("button", name="Cancel", exact=True).click()
    expect(panel.questions).to_have_text(["Hello"])


def test_no_quota(panel: Panel, server: ScriptedServer) -> None:
    server.on("", fail(429, "You exceeded your current quota.", code="insufficient_quota"))
    panel.ask("Hello")
    panel.expect_alert("quota")
    assert len(server.turns) == 1


def test_a_path_that_does_not_exist(app: App, panel: Panel, server: ScriptedServer) -> None:
    app.configure(f"{server.origin}/v1/oops")
    server.on("", body(HTML, status=404, content_type="text/html"))
    panel.ask("Hello")
    panel.expect_alert("404")
    expect(panel.alert.get_by_role("button", name="Open settings")).to_be_visible()
    expect(panel.questions).to_have_text("Hello")


def test_a_malformed_base_url_is_refused_when_it_is_saved(app: App, panel: Panel) -> None:
    for bad in ("not a url", "ftp://127.0.0.1/v1", "", "http://"):
        reply = app.save(
            {
                "preset": "custom",
                "name": "Bad",
                "base_url": bad,
                "wire_api": "responses",
                "model": "m",
            }
        )
        assert reply["ok"] is False, f"{bad!r} was taken"
        assert reply["error"]["message"]


def test_html_instead_of_a_stream(panel: Panel, server: ScriptedServer) -> None:
    server.on("", body(HTML, content_type="text/html; charset=utf-8"))
    panel.ask("Hello")
    panel.expect_alert("web page")
    expect(panel.questions).to_have_text("Hello")
    expect(panel.alert.get_by_role("heading")).to_have_count(0)


def test_json_instead_of_a_stream(panel: Panel, server: ScriptedServer) -> None:
    server.on("", body('{"status": "fine"}', content_type="application/json"))
    panel.ask("Hello")
    panel.expect_alert("JSON")
    expect(panel.questions).to_have_text("Hello")


def test_an_error_in_json_with_status_200(panel: Panel, server: ScriptedServer) -> None:
    document = {"error": {"message": "This endpoint has moved.", "code": "moved"}}
    server.on("", body(json.dumps(document), content_type="application/json"))
    panel.ask("Hello")
    panel.expect_alert("This endpoint has moved.")


def test_an_empty_stream(panel: Panel, server: ScriptedServer) -> None:
    server.on("", stream())
    panel.ask("Hello")
    panel.expect_alert("empty")
    expect(panel.questions).to_have_text("Hello")
    expect(panel.retry).to_be_visible()


def test_an_unknown_model(app: App, panel: Panel, server: ScriptedServer) -> None:
    app.configure(server.base_url, model="gpt-0")
    panel.ask("Hello")
    panel.expect_alert("gpt-0")
    expect(panel.alert.get_by_role("button", name="Open settings")).to_be_visible()
    expect(panel.questions).to_have_text("Hello")
    assert len(server.turns) == 1


def test_a_failed_response_keeps_the_partial_answer(panel: Panel, server: ScriptedServer) -> None:
    events = [*until_open("Half ", "of it"), failed("The model is confused.", "invalid_prompt")]
    server.on("", stream(*map(sse, events)))
    panel.ask("Hello")
    panel.expect_alert("The model is confused.")
    expect(panel.answer).to_contain_text("Half of it")
    assert len(server.turns) == 1


def test_a_stream_that_breaks_each_time(panel: Panel, server: ScriptedServer) -> None:
    """The server itself sets the pace of the retries here, so that six attempts take no time."""
    limit = failed("Rate limit reached. Please try again in 20ms.", "rate_limit_exceeded")
    events = [*until_open("Half ", "of it"), limit]
    server.on("", stream(*map(sse, events)))
    panel.ask("Hello")
    panel.expect_alert("Rate limit reached")
    expect(panel.answer).to_contain_text("Half of it")
    expect(panel.questions).to_have_text("Hello")
    assert len(server.turns) == 6


def test_500_each_time(panel: Panel, server: ScriptedServer) -> None:
    server.on("", fail(500, "Something broke here.", headers={"retry-after-ms": "20"}))
    panel.ask("Hello")
    panel.expect_alert("Something broke here.")
    assert len(server.turns) == 5
    expect(panel.retry).to_be_visible()


def test_a_host_that_refuses(app: App, panel: Panel, closed_port: int) -> None:
    """On this computer that is final: no server starts between two attempts."""
    app.configure(f"http://127.0.0.1:{closed_port}/v1")
    panel.ask("Hello")
    panel.expect_alert("Nothing answers", f"127.0.0.1:{closed_port}")
    expect(panel.retry).to_be_visible()
    expect(panel.alert.get_by_role("button", name="Open settings")).to_be_visible()
    expect(panel.questions).to_have_text("Hello")


def test_the_network_comes_back(app: App, panel: Panel, server: ScriptedServer) -> None:
    """Of a server on this computer; `test_offline.py` has one that a network is needed for."""
    app.context.set_offline(True)
    try:
        panel.ask("Hello")
        panel.expect_alert("Nothing answers")
    finally:
        app.context.set_offline(False)
    panel.retry.click()
    expect(panel.answer).to_have_text("You said: Hello")
    expect(panel.alert).to_be_hidden()


def test_no_network(app: App, panel: Panel) -> None:
    """It waits; sent all the same, to the end of the retries. Local servers need no network."""
    app.configure("https://api.openai.com/v1")
    app.context.set_offline(True)
    try:
        panel.ask("Hello")
        expect(panel.page.get_by_text("Waiting for the network")).to_be_visible()
        panel.page.get_by_role("button", name="Send now", exact=True).click()
        expect(panel.status).to_contain_text("no network connection")
        expect(panel.alert).to_contain_text("no network connection")
    finally:
        app.context.set_offline(False)
    panel.expect_idle()
    expect(panel.questions).to_have_text("Hello")
    expect(panel.retry).to_be_visible()


def test_a_host_that_the_browser_was_not_asked_for(app: App, panel: Panel) -> None:
    app.configure("https://sidestream.invalid/v1")
    panel.ask("Hello")
    panel.expect_alert("sidestream.invalid", "settings")
    expect(panel.alert.get_by_role("button", name="Open settings")).to_be_visible()
    expect(panel.questions).to_have_text("Hello")


def test_a_redirect_to_another_origin(app: App, panel: Panel, server: ScriptedServer) -> None:
    with ScriptedServer() as stranger:

        def redirect(exchange: Exchange) -> None:
            location = {"location": f"{stranger.base_url}/responses"}
            exchange.reply(307, "", location)

        server.on("", redirect)
        panel.ask("Hello")
        panel.expect_alert()
        assert stranger.requests == [], "key or message were carried to another origin"


def test_an_oversized_frame(panel: Panel, server: ScriptedServer) -> None:
    def flood(exchange: Exchange) -> None:
        exchange.head()
        exchange.events(until_open("Some text"))
        exchange.send(b"data: ")
        for _ in range(128):
            exchange.send(b"x" * (1 << 20))

    server.on("", flood)
    panel.ask("Hello")
    panel.expect_alert()
    expect(panel.answer).to_contain_text("Some text")


@pytest.mark.parametrize("status", [403, 413, 422])
def test_other_refusals_show_the_servers_message(
    panel: Panel, server: ScriptedServer, status: int
) -> None:
    server.on("", fail(status, f"Reason number {status}."))
    panel.ask("Hello")
    panel.expect_alert(f"Reason number {status}.")
    assert len(server.turns) == 1


def test_an_error_event_in_the_stream(panel: Panel, server: ScriptedServer) -> None:
    error = {"type": "error", "code": "invalid_prompt", "message": "Not this.", "param": None}
    server.on("", stream(*map(sse, [*list(response_events("x"))[:1], error])))
    panel.ask("Hello")
    panel.expect_alert("Not this.")
