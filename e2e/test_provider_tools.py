"""The provider's tools: what is sent, what is shown while they run, and their results."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import Locator, expect

from e2e.app import App, Panel, choose
from e2e.provider_calls import Calls, code, file_search, image, picture, web_search
from e2e.server import ScriptedServer, answer, fail

PLOT = "import matplotlib.pyplot as plt\nplt.plot([1, 4, 9])\nplt.show()\nprint('drawn')"


def call(panel: Panel, at: int = 0) -> Locator:
    return panel.answer.locator(".call").nth(at)


def summary(panel: Panel, at: int = 0) -> Locator:
    return call(panel, at).locator("summary")


# --- what they do, and what they give ----------------------------------------------------------


def test_a_web_search_shows_its_query_and_its_sources(panel: Panel, server: ScriptedServer) -> None:
    page = "https://developer.chrome.com/docs/extensions/reference/api/sidePanel"
    cited = {"type": "url_citation", "start_index": 0, "end_index": 9, "url": page}
    script = Calls(
        web_search("chromium side panel", page, "https://blog.example/panel"),
        text="It came with 114.",
        annotations=[{**cited, "title": "chrome.sidePanel"}],
        hold=True,
    )
    server.on("Since when?", script)
    panel.ask("Since when?")
    expect(summary(panel)).to_have_text("Searching the web")
    expect(panel.status).to_have_text("Searching the web…")
    script.open.set()
    expect(panel.answer).to_contain_text("It came with 114.")
    panel.expect_idle()
    expect(summary(panel)).to_have_text("Searched the web: chromium side panel")
    sources = panel.answer.get_by_role("list", name="Sources")
    link = sources.get_by_role("link", name="chrome.sidePanel")
    expect(link).to_have_attribute("href", page)
    found = panel.answer.get_by_role("list", name="Found")
    expect(found).to_be_hidden()
    summary(panel).press("Enter")
    expect(found.get_by_role("link")).to_have_text(["developer.chrome.com", "blog.example"])


def test_code_streams_runs_and_shows_its_output(
    app: App, panel: Panel, server: ScriptedServer
) -> None:
    outputs = (
        {"type": "logs", "logs": "drawn"},
        {"type": "image", "url": f"data:image/png;base64,{picture(60, 40)}"},
        {"type": "image", "url": f"{server.origin}/plot.png"},
    )
    cited = {
        "type": "container_file_citation",
        "container_id": "cntr_1",
        "file_id": "cfile_1",
        "filename": "plot.csv",
        "start_index": 0,
        "end_index": 4,
    }
    script = Calls(code(PLOT, *outputs), text="See it.", annotations=[cited], hold=True)
    server.on("Plot", script)
    panel.ask("Plot")
    expect(call(panel).locator("pre").first).to_have_text(PLOT)
    expect(summary(panel)).to_have_text("Running code")
    script.open.set()
    expect(panel.answer).to_contain_text("See it.")
    panel.expect_idle()
    expect(summary(panel)).to_have_text("Ran code")
    expect(call(panel).locator("pre").first).to_be_hidden()
    expect(call(panel).get_by_role("img")).to_have_count(1)
    expect(call(panel).get_by_role("img", name="Figure 1")).to_be_visible()
    summary(panel).click()
    expect(call(panel).locator("pre.output")).to_have_text("drawn")
    # Images of other hosts are not loaded before the user asks for them.
    expect(call(panel).get_by_role("link", name="Image 2")).to_be_visible()
    assert not [url for url in app.requests if url.endswith("/plot.png")]
    named = panel.answer.get_by_role("list", name="Sources").get_by_role("listitem")
    expect(named).to_have_text(["plot.csv"])
    expect(named.get_by_role("link")).to_have_count(0)
    # The next request holds it in a form that every server knows.
    panel.ask("And?")
    expect(panel.answer).to_have_text("You said: And?")
    sent = server.turns[-1].json["input"]
    assert json.loads(sent[1]["arguments"]) == {"code": PLOT}
    assert sent[2]["output"].startswith("drawn\n")


def test_an_image_is_shown_saved_and_still_there_after_the_worker_was_lost(
    app: App, panel: Panel, server: ScriptedServer
) -> None:
    base64 = picture(120, 80, noise=1_500_000)
    script = Calls(image(base64, "A sun over the sea"), text="Here it is.", hold=True)
    server.on("Paint", script)
    panel.ask("Paint")
    expect(summary(panel)).to_have_text("Creating an image")
    script.open.set()
    expect(panel.answer).to_contain_text("Here it is.")
    shown = panel.answer.get_by_role("img", name="A sun over the sea")
    expect(shown).to_be_visible()
    assert shown.evaluate("image => [image.naturalWidth, image.naturalHeight]") == [120, 80]
    with panel.page.expect_download() as download:
        panel.answer.get_by_role("button", name="Save image").click()
    assert download.value.suggested_filename == "figure-1.png"
    assert base64.startswith("iVBORw0KGgo")
    assert len(download.value.path().read_bytes()) == len(base64) * 3 // 4 - base64.count("=")
    turn = next(turn for turn in app.stored_turns(panel.page) if turn["user"] == "Paint")
    assert json.dumps(turn).count(base64[:2000]) == 1, "it is kept once"
    app.stop_worker(panel.page)
    later = app.open_panel()
    expect(later.answer.get_by_role("img", name="A sun over the sea")).to_be_visible()
    later.ask("And?")
    expect(later.answer).to_have_text("You said: And?")
    expect(later.page.get_by_role("img", name="A sun over the sea")).to_be_visible()


def test_older_images_than_a_message_can_hold_are_shown_on_request(
    app: App, panel: Panel, server: ScriptedServer
) -> None:
    base64 = picture(60, 40, noise=3_500_000)
    for number in range(1, 4):
        server.on(f"Draw {number}", Calls(image(base64, f"Drawing {number}"), text="Drawn."))
        panel.ask(f"Draw {number}")
        expect(panel.answer.get_by_role("img", name=f"Drawing {number}")).to_be_visible()
        panel.expect_idle()
    for kill in (False, True):
        if kill:
            app.stop_worker(panel.page)
        later = app.open_panel()
        expect(later.page.get_by_role("img")).to_have_count(2)
        button = later.answers.first.get_by_role("button", name="Show the image")
        button.click()
        expect(later.answers.first.get_by_role("img", name="Drawing 1")).to_be_visible()
        expect(button).to_have_count(0)


def test_a_file_search_names_the_files(panel: Panel, server: ScriptedServer) -> None:
    cited = {"type": "file_citation", "index": 5, "file_id": "file-1", "filename": "handbook.pdf"}
    script = Calls(
        file_search("holidays", "handbook.pdf", "rules.md"),
        text="Thirty days.",
        annotations=[cited, cited],
        hold=True,
    )
    server.on("How many?", script)
    panel.ask("How many?")
    expect(summary(panel)).to_have_text("Searching files")
    script.open.set()
    expect(panel.answer).to_contain_text("Thirty days.")
    expect(summary(panel)).to_have_text("Searched files: holidays")
    expect(panel.answer.get_by_role("list", name="Sources")).to_have_text("handbook.pdf")
    summary(panel).click()
    expect(panel.answer.get_by_role("list", name="Found").get_by_role("listitem")).to_have_text(
        ["handbook.pdf", "rules.md"]
    )


def test_stop_ends_a_call_and_marks_it_as_unfinished(panel: Panel, server: ScriptedServer) -> None:
    script = Calls(code("while True: pass"), text="never", hold=True)
    server.on("Loop", script)
    panel.ask("Loop")
    expect(summary(panel)).to_have_text("Running code")
    panel.stop.click()
    panel.expect_idle()
    expect(summary(panel)).to_contain_text("not finished")
    server.on("And now?", answer("Fine."))
    panel.ask("And now?")
    expect(panel.answer).to_have_text("Fine.")
    assert {item["type"] for item in server.turns[-1].json["input"]} == {"message"}


# --- switches ----------------------------------------------------------------------------------

ALL = ["Web search", "Code interpreter", "Image generation", "File search"]


def switches(panel: Panel) -> Locator:
    """Those of the provider's tools, in the list of what the conversation may do."""
    panel.page.locator("#permission-summary").click()
    listed = panel.page.get_by_role("region", name="What this conversation may do")
    expect(listed).to_be_visible()
    return listed.get_by_role("switch")


def named(those: Locator) -> list[str]:
    labels: list[str] = those.evaluate_all("all => all.map(({labels}) => labels[0].textContent)")
    return labels


@pytest.mark.parametrize(
    ("preset", "wire_api", "names"),
    [
        ("openai", "responses", ALL),
        ("openai", "chat", []),
        ("openrouter", "responses", ["Web search"]),
        ("vllm", "responses", ["Code interpreter"]),
        ("ollama", "responses", []),
        ("custom", "responses", ALL),
    ],
)
def test_there_is_a_switch_for_what_the_provider_has(
    app: App, server: ScriptedServer, preset: str, wire_api: str, names: list[str]
) -> None:
    app.configure(server.base_url, preset=preset, wire_api=wire_api)
    panel = app.open_panel()
    assert named(switches(panel)) == names
    hint = panel.page.get_by_text("Not every server supports all of these")
    expect(hint).to_be_visible(visible=preset in ("vllm", "custom"))


def test_enabled_tools_are_sent_and_their_results_requested(
    app: App, server: ScriptedServer
) -> None:
    app.configure(server.base_url, preset="openai")
    panel = app.open_panel()
    panel.ask("Before")
    expect(panel.answer).to_have_text("You said: Before")
    those = switches(panel)
    for at in range(4):
        those.nth(at).check()
    panel.page.get_by_role("textbox", name="Vector stores", exact=True).fill("vs_1, vs_2")
    panel.page.get_by_role("button", name="Save", exact=True).click()
    panel.ask("After")
    expect(panel.answer).to_have_text("You said: After")
    before, after = (turn.json for turn in server.turns)
    assert "tools" not in before, "nothing is sent that nobody has chosen"
    assert "include" not in before
    assert after["tools"] == [
        {"type": "web_search"},
        {"type": "code_interpreter", "container": {"type": "auto"}},
        {"type": "image_generation"},
        {"type": "file_search", "vector_store_ids": ["vs_1", "vs_2"]},
    ]
    assert after["include"] == [
        "web_search_call.action.sources",
        "code_interpreter_call.outputs",
        "file_search_call.results",
    ]
    panel.new_chat.click()
    panel.ask("Elsewhere")
    expect(panel.answer).to_have_text("You said: Elsewhere")
    assert "tools" not in server.turns[-1].json, "a switch counts in its conversation alone"


def test_tools_that_another_provider_lacks_are_named_and_not_sent(
    app: App, panel: Panel, server: ScriptedServer
) -> None:
    choose(panel, web_search="On", code_interpreter="On")
    panel.ask("First")
    expect(panel.answer).to_have_text("You said: First")
    assert len(server.turns[0].json["tools"]) == 2
    app.configure(server.base_url, preset="openrouter")
    may = panel.page.locator("#permission-summary")
    expect(may).to_have_text("Tools: Web search. Not available from Scripted: Code interpreter.")
    panel.ask("Second")
    expect(panel.answer).to_have_text("You said: Second")
    assert server.turns[1].json["tools"] == [{"type": "web_search"}]
    app.configure(server.base_url, preset="ollama", wire_api="chat")
    expect(may).to_have_text(
        "Tools: off. Not available from Scripted: Web search, Code interpreter."
    )
    panel.ask("Third")
    expect(panel.answer).to_have_text("You said: Third")
    assert "tools" not in server.turns[2].json
    assert named(switches(panel)) == ["Web search", "Code interpreter"], "they can be switched off"


def test_a_providers_refusal_of_a_tool_is_explained(panel: Panel, server: ScriptedServer) -> None:
    choose(panel, web_search="On")
    refusal = "Hosted tool 'web_search' is not supported with scripted-model."
    server.on("Search", fail(400, refusal, type="invalid_request_error"), answer("Without it."))
    panel.ask("Search")
    panel.expect_alert("no web search for this model", "Turn it off", refusal)
    choose(panel, web_search="Off")
    panel.retry.click()
    expect(panel.answer).to_have_text("Without it.")
    assert not server.turns[-1].json.get("tools")
