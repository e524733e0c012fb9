"""The first day: an empty panel, the options page, the first answer."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from e2e.app import API_KEY, App, Options
from e2e.server import MODEL, ScriptedServer


def test_from_nothing_to_the_first_answer(fresh_app: App, server: ScriptedServer) -> None:
    server.api_key = API_KEY
    panel = fresh_app.open_panel()
    with fresh_app.context.expect_page() as opened:
        panel.page.get_by_role("button", name="Open settings").first.click()
    options = Options(opened.value)
    options.fill(base_url=server.base_url, api_key=API_KEY)
    options.test_connection.click()
    # An ellipsis means that the test is still running.
    expect(options.status).to_have_text(re.compile(r"^[^…]*\w[^…]*$"))
    expect(options.alert).to_be_hidden()
    expect(options.status).to_contain_text("answered")
    assert [(request.method, request.path) for request in server.requests] == [
        ("GET", "/v1/models"),
        ("POST", "/v1/responses"),
    ]
    options.save.click()
    expect(options.status).to_contain_text("Saved", ignore_case=True)
    options.page.close()
    # The panel was open all the time and has been informed.
    panel.page.bring_to_front()
    panel.ask("Hello")
    expect(panel.answer).to_have_text("You said: Hello")
    expect(panel.page.get_by_text(MODEL).first).to_be_visible()


def test_a_message_before_any_settings_is_not_lost(fresh_app: App, server: ScriptedServer) -> None:
    panel = fresh_app.open_panel()
    expect(panel.page.get_by_role("button", name="Open settings").first).to_be_visible()
    panel.ask("An early question")
    expect(panel.message).to_have_value("An early question")
    assert server.requests == []
    fresh_app.configure(server.base_url)
    expect(panel.page.get_by_text(MODEL).first).to_be_visible()
    panel.message.press("Enter")
    expect(panel.answer).to_have_text("You said: An early question")


@pytest.fixture
def options(app: App, server: ScriptedServer) -> Iterator[Options]:
    """An open options page."""
    yield app.open_options()
    app.close_pages()


def test_settings_are_there_again_and_the_key_is_not(
    options: Options, app: App, server: ScriptedServer
) -> None:
    options.fill(base_url=server.base_url, api_key=API_KEY, wire_api="Chat Completions")
    options.save.click()
    expect(options.status).to_contain_text("Saved", ignore_case=True)
    again = app.open_options()
    expect(again.base_url).to_have_value(server.base_url)
    expect(again.model).to_have_value(MODEL)
    expect(again.wire_api.locator("option:checked")).to_have_text("Chat Completions")
    expect(again.api_key).to_have_value("")
    expect(again.api_key).to_have_attribute("type", "password")
    assert API_KEY not in again.page.content()
    # Saved again without the key being typed again: it is kept.
    again.model.fill("another-model")
    again.save.click()
    expect(again.status).to_contain_text("Saved", ignore_case=True)
    server.api_key = API_KEY
    server.models = ["another-model"]
    panel = app.open_panel()
    panel.new_chat.click()
    panel.ask("Still there?")
    expect(panel.answer).to_have_text("You said: Still there?")


def test_the_models_are_offered(options: Options, server: ScriptedServer) -> None:
    server.models = ["small-model", "large-model"]
    options.fill(base_url=server.base_url, api_key=API_KEY, model="")
    options.page.get_by_role("button", name="Load models").click()
    expect(options.page.locator("datalist option[value='small-model']")).to_be_attached()
    options.model.fill("large-model")
    options.save.click()
    expect(options.status).to_contain_text("Saved", ignore_case=True)
    expect(options.model).to_have_value("large-model")


def test_a_failed_connection_explains_why(options: Options, server: ScriptedServer) -> None:
    server.api_key = "sk-another"
    options.fill(base_url=server.base_url, api_key=API_KEY)
    options.test_connection.click()
    expect(options.alert).to_contain_text("key", ignore_case=True)
    assert API_KEY not in options.alert.inner_text()


def test_a_malformed_address_is_not_saved(options: Options) -> None:
    options.fill(base_url="not an address", api_key=API_KEY)
    options.save.click()
    expect(options.status.get_by_text("Saved")).to_have_count(0)
    invalid = options.page.locator("#base-url:invalid, [aria-invalid=true]")
    expect(options.alert.or_(invalid).first).to_be_visible()


def test_providers_bring_their_addresses(options: Options) -> None:
    for provider in ("OpenAI", "Azure OpenAI", "OpenRouter", "Ollama", "LM Studio", "Custom"):
        options.provider.select_option(label=provider)
        if provider == "OpenAI":
            expect(options.base_url).to_have_value("https://api.openai.com/v1")
        if provider == "Ollama":
            expect(options.base_url).to_have_value(
                re.compile(r"^http://(127\.0\.0\.1|localhost):11434/v1")
            )


def test_the_panel_shows_that_python_is_starting(fresh_app: App) -> None:
    panel = fresh_app.open_panel()
    expect(panel.status).to_contain_text("Starting Python")
    expect(panel.message).to_be_focused()
    expect(panel.status).to_be_empty()
