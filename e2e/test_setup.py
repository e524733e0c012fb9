"""Setting up with servers that deviate from the standard."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from e2e.app import API_KEY, App, Options, Panel
from e2e.server import MODEL, Exchange, ScriptedServer, fail


@pytest.fixture
def options(app: App, server: ScriptedServer) -> Iterator[Options]:
    """An open options page."""
    yield app.open_options()
    app.close_pages()


def tried(options: Options) -> Locator:
    """The result of "Test connection"."""
    options.test_connection.click()
    expect(options.test_connection).to_be_enabled()
    return options.status.first.or_(options.alert)


def advanced(options: Options) -> Locator:
    """The folded part of the form, unfolded."""
    section = options.page.locator("#advanced")
    if section.get_attribute("open") is None:
        section.locator("summary").click()
    return section


def by_path(server: ScriptedServer, **answers: Any) -> None:
    """Answer by the end of the path; other paths get the default answer."""

    def script(exchange: Exchange) -> None:
        name = exchange.path.rpartition("/")[2]
        answers.get(name, server._answer)(exchange)

    server.on("", script)


def listing(*models: str) -> Any:
    """A public list of models."""
    data = [{"id": model} for model in models]
    return lambda exchange: exchange.reply(200, {"object": "list", "data": data})


def test_a_public_list_proves_nothing(options: Options, server: ScriptedServer) -> None:
    server.api_key = "sk-another"
    by_path(server, models=listing(MODEL))
    options.fill(base_url=server.base_url, api_key=API_KEY)
    tried(options)
    expect(options.alert).to_contain_text("refused the API key")
    assert API_KEY not in options.page.content()


def test_a_closed_list_is_no_broken_connection(options: Options, server: ScriptedServer) -> None:
    by_path(server, models=fail(403, "Missing scopes: api.model.read."))
    options.fill(base_url=server.base_url, api_key=API_KEY)
    tried(options)
    expect(options.status.first).to_have_text(
        re.compile(rf"Connected to 127\.0\.0\.1:\d+\. Model {MODEL} answered in [\d.]+ s\.")
    )
    expect(options.alert).to_be_hidden()


def test_the_wrong_wire_api_is_named_at_its_field(options: Options, server: ScriptedServer) -> None:
    by_path(server, responses=fail(404, "Not Found"))
    options.fill(base_url=server.base_url, api_key=API_KEY, wire_api="Responses")
    tried(options)
    expect(options.alert).to_contain_text("no Responses API; choose Chat Completions")
    expect(options.wire_api).to_be_focused()
    expect(options.wire_api).to_have_attribute("aria-invalid", "true")
    options.wire_api.select_option(label="Chat Completions")
    tried(options)
    expect(options.status.first).to_contain_text(f"Model {MODEL} answered")


def test_lists_of_plain_strings_and_of_nothing(options: Options, server: ScriptedServer) -> None:
    by_path(
        server,
        models=lambda exchange: exchange.reply(200, b'{"data": ["one model", "lab/two"]}'),
    )
    options.fill(base_url=server.base_url, api_key=API_KEY, model="")
    load = options.page.get_by_role("button", name="Load models")
    load.click()
    expect(options.page.locator("datalist option[value='one model']")).to_be_attached()
    expect(options.page.locator("datalist option[value='lab/two']")).to_be_attached()
    by_path(server, models=lambda exchange: exchange.reply(200, '{"data": null}'))
    load.click()
    expect(options.page.locator("#model-error")).to_contain_text("Type the model's name")


def test_a_server_without_a_list_asks_for_the_name(
    options: Options, server: ScriptedServer
) -> None:
    by_path(server, models=fail(404, "Not Found"))
    options.fill(base_url=server.base_url, api_key=API_KEY, model="")
    options.page.get_by_role("button", name="Load models").click()
    expect(options.page.locator("#model-error")).to_have_text(
        "This server has no list of models. Type the model's name. "
        "Test connection then tells whether it answers."
    )
    expect(options.model).to_be_focused()
    server.models = ["Meta Llama 3.1 8B/Instruct"]
    options.model.fill("  Meta Llama 3.1 8B/Instruct ")
    tried(options)
    expect(options.status.first).to_contain_text("Model Meta Llama 3.1 8B/Instruct answered")
    assert server.turns[-1].json["model"] == "Meta Llama 3.1 8B/Instruct"


def test_a_redirect_is_reported_with_its_target(options: Options, server: ScriptedServer) -> None:
    with ScriptedServer() as stranger:
        target = f"{stranger.origin}/moved/v1/chat/completions"

        def redirect(exchange: Exchange) -> None:
            exchange.reply(307, "", {"location": f"{target}?token=not-for-display"})

        by_path(server, models=fail(404, "Not Found"), completions=redirect)
        options.fill(base_url=server.base_url, api_key=API_KEY, wire_api="Chat Completions")
        tried(options)
        expect(options.alert).to_contain_text("redirect")
        expect(options.alert).to_contain_text(f"{stranger.origin}/moved/v1")
        expect(options.alert).not_to_contain_text("not-for-display")
        assert stranger.requests == [], "key or message were carried to another origin"


@pytest.mark.parametrize("pasted", ["Bearer {}", '  "{}"\u200b', 'export MY_API_KEY="{}"'])
def test_a_key_arrives_as_a_key_however_it_was_pasted(
    app: App, options: Options, server: ScriptedServer, pasted: str
) -> None:
    server.api_key = API_KEY
    options.fill(base_url=server.base_url, api_key=pasted.format(API_KEY))
    tried(options)
    expect(options.status.first).to_contain_text("answered")
    options.save.click()
    expect(options.status.first).to_contain_text("Saved")
    panel = app.open_panel()
    panel.new_chat.click()
    panel.ask("Hello")
    expect(panel.answer).to_have_text("You said: Hello")
    assert server.turns[-1].headers["authorization"] == f"Bearer {API_KEY}"


def test_what_is_no_key_is_refused_at_the_field(options: Options, server: ScriptedServer) -> None:
    options.fill(base_url=server.base_url, api_key='{"OPENAI_API_KEY": null, "tokens": {}}')
    options.save.click()
    expect(options.page.locator("#api-key-error")).to_contain_text("JSON text, not a key")
    expect(options.api_key).to_be_focused()
    assert server.requests == []


def test_numbers_out_of_range_are_refused_at_their_fields(
    options: Options, server: ScriptedServer
) -> None:
    options.fill(base_url=server.base_url, api_key=API_KEY)
    section = advanced(options)
    section.get_by_label("Temperature").fill("9")
    section.get_by_label("Request retries").fill("many")
    options.save.click()
    expect(options.page.locator("#temperature-error")).to_have_text(
        "Enter a number from 0 to 2, or leave it empty."
    )
    expect(options.page.locator("#request-retries-error")).to_be_visible()
    expect(section.get_by_label("Temperature")).to_be_focused()
    section.get_by_label("Temperature").fill("0,5")
    section.get_by_label("Request retries").fill("")
    options.save.click()
    expect(options.status.first).to_contain_text("Saved")
    expect(section.get_by_label("Temperature")).to_have_value("0.5")


def test_everything_that_is_set_arrives(app: App, options: Options, server: ScriptedServer) -> None:
    server.models = ["gpt-5.6"]
    options.fill(base_url=server.base_url, api_key=API_KEY, model="gpt-5.6")
    section = advanced(options)
    effort = section.get_by_label("Reasoning effort")
    expect(effort.locator("option[value=ultra]")).to_be_attached()
    expect(effort.locator("option").first).to_have_text("Default of the model (Medium)")
    effort.select_option(label="Max")
    section.get_by_label("Reasoning summary").select_option(label="Concise")
    section.get_by_label("Maximum output tokens").fill("2 000")
    section.get_by_label("Organization").fill("org-1")
    section.get_by_label("Project").fill("proj_1")
    options.save.click()
    expect(options.status.first).to_contain_text("Saved")
    panel = app.open_panel()
    panel.new_chat.click()
    panel.ask("One")
    expect(panel.answer).to_have_text("You said: One")
    turn = server.turns[-1]
    assert turn.json["reasoning"] == {"effort": "max", "summary": "concise"}
    assert turn.json["max_output_tokens"] == 2000
    assert (turn.headers["openai-organization"], turn.headers["openai-project"]) == (
        "org-1",
        "proj_1",
    )
    # A conversation may have it otherwise, and what is empty follows the profile.
    settings = panel.settings()
    settings.dialog.get_by_label("Reasoning summary").select_option(label="Off")
    settings.dialog.locator("#own-advanced summary").click()
    settings.dialog.get_by_label("Maximum output tokens").fill("0")
    settings.dialog.get_by_role("button", name="Save", exact=True).click()
    expect(settings.dialog.get_by_text("whole number from 1")).to_be_visible()
    settings.dialog.get_by_label("Maximum output tokens").fill("500")
    settings.save()
    panel.ask("Two")
    expect(panel.answer).to_have_text("You said: Two")
    assert server.turns[-1].json["reasoning"] == {"effort": "max"}
    assert server.turns[-1].json["max_output_tokens"] == 500


def test_the_log_shows_what_failed_and_can_be_cleared(
    app: App, panel: Panel, server: ScriptedServer
) -> None:
    server.on("Fail", fail(400, "Reason number 17."))
    panel.ask("Fail, please")
    panel.expect_alert("Reason number 17.")
    options = app.open_options()
    summary = options.page.locator("#log > summary")
    summary.focus()
    summary.press("Enter")
    log = options.page.get_by_role("textbox", name="Error log")
    expect(log).to_have_value(re.compile(r"^Sidestream \d+\.\d+\.\d+, \w*Chrom\w+ \d+"))
    expect(log).to_have_value(re.compile("Reason number 17"))
    text = log.input_value()
    assert API_KEY not in text
    assert "Fail, please" not in text
    options.page.evaluate("navigator.clipboard.writeText = async text => { window.copied = text }")
    options.page.get_by_role("button", name="Copy", exact=True).click()
    expect(options.page.get_by_text("Copied.")).to_be_visible()
    assert options.page.evaluate("window.copied") == text
    options.page.get_by_role("button", name="Clear", exact=True).click()
    expect(log).to_have_value(re.compile("Nothing has been logged"))


def test_a_key_goes_to_an_unusual_address_only_when_it_is_meant(
    app: App, options: Options, server: ScriptedServer
) -> None:
    before = app.send({"type": "LoadSettings"})["profiles"]
    options.page.evaluate(
        "chrome.permissions.request = async (asked) => { globalThis.asked = asked; return false }"
    )
    question = options.page.get_by_role("dialog", name=re.compile("^Use "))
    for address, reason in {
        "http://models.test:9/v1": "not encrypted",
        "https://api.openai.com.models.test/v1": "looks like an address of “openai”",
        "https://api.0penai.test/v1": "looks like an address of “openai”",
        "https://xn--penai-nye.test/v1": "letters beyond a to z",
    }.items():
        options.fill(base_url=address, api_key=API_KEY)
        for button in (options.save, options.test_connection):
            button.click()
            expect(question).to_contain_text(reason)
            question.get_by_role("button", name="Cancel").click()
            expect(question).to_be_hidden()
            expect(options.base_url).to_be_focused()
    assert options.page.evaluate("globalThis.asked") is None
    # The user has to confirm it once.
    options.save.click()
    question.get_by_role("button", name="Use this address").click()
    expect(options.alert).to_contain_text("was denied")
    options.save.click()
    expect(options.alert).to_contain_text("was denied")
    expect(question).to_be_hidden()
    assert app.send({"type": "LoadSettings"})["profiles"] == before
    assert server.turns == []


def test_the_policy_of_the_pages_is_in_force(options: Options) -> None:
    violated = """() => new Promise((resolve) => {
      const told = (event) => resolve(event.violatedDirective);
      addEventListener("securitypolicyviolation", told, {once: true});
      MAKE
    })"""
    makes = {
        "form-action": """const form = document.createElement("form");
            form.action = "https://example.test/"; form.method = "post";
            document.body.append(form); form.submit();""",
        "base-uri": """const base = document.createElement("base");
            base.href = "https://example.test/"; document.head.append(base);""",
        "frame-src": """const frame = document.createElement("iframe");
            frame.src = "https://example.test/"; document.body.append(frame);""",
    }
    for directive, make in makes.items():
        assert options.page.evaluate(violated.replace("MAKE", make)) == directive
    framed = """() => new Promise((resolve) => {
      const frame = document.createElement("iframe");
      frame.onload = () => resolve(frame.contentDocument === null);
      frame.src = "/sidepanel/index.html";
      document.body.append(frame);
    })"""
    assert options.page.evaluate(framed), "a page of the extension is shown in a frame"
