"""A draft belongs to its conversation and its window, and is never lost."""

from __future__ import annotations

import json
from pathlib import Path

from playwright.sync_api import Locator, Playwright, expect

from e2e.app import App, Panel
from e2e.attached import file, png
from e2e.cdp import wait_until
from e2e.patience import PATIENCE, slowness
from e2e.server import Gate, ScriptedServer

NEW_CHAT = ""
"""What a draft is stored under as long as its conversation has no message."""


def tray(panel: Panel) -> Locator:
    """The attachments of the next message."""
    return panel.page.locator("#tray > li")


def begin(panel: Panel, name: str) -> None:
    """A new conversation with one answered message."""
    panel.new_chat.click()
    panel.ask(name)
    expect(panel.answer).to_have_text(f"You said: {name}")
    panel.expect_idle()


def open_conversation(panel: Panel, name: str) -> None:
    """Choose it in the list."""
    panel.page.get_by_role("button", name="Conversations", exact=True).click()
    panel.page.get_by_role("dialog").locator("li.entry", has_text=name).locator(".open").click()
    expect(panel.questions.first).to_contain_text(name)


def attach_image(panel: Panel, name: str) -> None:
    panel.page.locator("#pick-image").set_input_files(file(name, png(20, 20)))
    expect(tray(panel).filter(has_text=name)).to_have_count(1)


def test_a_draft_stays_in_its_conversation(panel: Panel) -> None:
    """A draft is neither lost nor taken along when another conversation is opened.

    Sources: danny-avila/LibreChat#12384 (a draft of A appeared in B, which had none),
    screenpipe/screenpipe#3739 (text and images alike), deltachat/deltachat-desktop#582 (nearly sent
    to somebody else), mikedilger/gossip#840 (lost by switching).
    """
    begin(panel, "First")
    panel.message.fill("For the first")
    attach_image(panel, "first.png")
    panel.new_chat.click()
    expect(panel.message).to_have_value("")
    expect(tray(panel)).to_have_count(0)
    begin(panel, "Second")
    expect(panel.message).to_have_value("")
    panel.message.fill("For the second")
    open_conversation(panel, "First")
    expect(panel.message).to_have_value("For the first")
    expect(tray(panel)).to_contain_text("first.png")
    panel.page.get_by_role("button", name="Conversations", exact=True).click()
    rows = panel.page.get_by_role("dialog").locator("li.entry")
    expect(rows.filter(has_text="Second")).to_contain_text("Draft")
    panel.page.keyboard.press("Escape")
    panel.message.press("Enter")
    expect(panel.questions).to_have_count(2)
    panel.expect_idle()
    open_conversation(panel, "Second")
    expect(panel.message).to_have_value("For the second")
    open_conversation(panel, "First")
    expect(panel.message).to_have_value("")
    expect(tray(panel)).to_have_count(0)


def test_the_draft_of_a_new_chat_waits_there_and_goes_along_when_the_chat_begins(
    panel: Panel, server: ScriptedServer
) -> None:
    """Sources: nearai/ironclaw#4724, open-webui/open-webui#29760, #29762 (in the first answer)."""
    begin(panel, "Fjord")
    panel.new_chat.click()
    panel.message.fill("Of the new chat")
    open_conversation(panel, "Fjord")
    expect(panel.message).to_have_value("")
    panel.new_chat.click()
    expect(panel.message).to_have_value("Of the new chat")
    gate = Gate("One ", after=["two"])
    server.on("Of the new chat", gate)
    panel.message.press("Enter")
    expect(panel.answer).to_have_text("One")
    panel.message.fill("Typed meanwhile")
    attach_image(panel, "meanwhile.png")
    panel.page.reload()
    expect(panel.message).to_have_value("Typed meanwhile")
    expect(tray(panel)).to_contain_text("meanwhile.png")
    gate.open.set()
    panel.expect_idle()
    panel.new_chat.click()
    expect(panel.message).to_have_value("")
    open_conversation(panel, "Of the new chat")
    expect(panel.message).to_have_value("Typed meanwhile")
    expect(tray(panel)).to_have_count(1)


def test_a_draft_survives_the_panel_the_worker_and_the_browser(
    playwright: Playwright, chromium: str, extension: Path, tmp_path: Path, server: ScriptedServer
) -> None:
    """A crash 300 ms after the last stroke loses nothing.

    Sources: open-webui/open-webui#21718 (a crashed tab, a browser that is started again),
    iNPUTmice/Conversations#2066, NeuroAIHub/BrainPilot#482 (attachments were lost, their contents
    stayed).
    """
    profile = tmp_path / "profile"
    app = App(playwright, chromium, extension, profile)
    app.configure(server.base_url)
    panel = app.open_panel()
    begin(panel, "Harbour")
    panel.message.press_sequentially("For the first")
    attach_image(panel, "first.png")
    panel.page.close()
    app.stop_worker(app.lasting_page)
    panel = app.open_panel()
    expect(panel.message).to_have_value("For the first")
    expect(tray(panel)).to_contain_text("first.png")
    panel.questions.first.hover()
    panel.questions.first.get_by_role("button", name="Edit", exact=True).click()
    panel.edited.fill("Edited first")
    other = app.open_panel(new_window=True)
    other.new_chat.click()
    other.message.press_sequentially("Of the other window")
    panel.message.press("End")
    panel.message.press_sequentially(", and more")
    panel.page.wait_for_timeout(300 * slowness())
    app.kill()

    app = App(playwright, chromium, extension, profile)
    try:
        panel = app.open_panel()
        # What was shown last may be the new chat of the other window, or this one.
        open_conversation(panel, "Harbour")
        expect(panel.message).to_have_value("For the first, and more")
        expect(tray(panel)).to_contain_text("first.png")
        expect(panel.edited).to_have_value("Edited first")
        picture = tray(panel).locator("img")
        expect(picture).to_be_visible()
        # Restored once.
        app.send({"type": "LoadSettings"})
        other = app.open_panel(new_window=True)
        expect(other.questions.first).to_contain_text("Harbour")
        expect(other.message).to_have_value("")
        panel.new_chat.click()
        expect(panel.message).to_have_value("Of the other window")
        other.new_chat.click()
        expect(other.message).to_have_value("")
        open_conversation(panel, "Harbour")
        panel.message.press("Enter")
        expect(panel.questions).to_have_count(2)
        panel.expect_idle()
        panel.page.reload()
        expect(panel.questions).to_have_count(2)
        expect(panel.message).to_have_value("")
    finally:
        app.close()


def test_two_panels_have_drafts_of_their_own(app: App, panel: Panel) -> None:
    """What one sends, clears or deletes takes nothing from the other.

    Sources: Expensify/App#440 (the same chat in two tabs), open-webui/open-webui#23296 (a draft was
    stored under another key than it was cleared under).
    """
    begin(panel, "Juniper")
    other = app.open_panel(new_window=True)
    expect(other.questions).to_have_count(1)
    panel.message.fill("Here")
    other.message.fill("There")
    other.page.reload()
    expect(other.message).to_have_value("There")
    expect(panel.message).to_have_value("Here")
    other.message.press("Enter")
    expect(panel.questions).to_have_count(2)
    expect(panel.message).to_have_value("Here")
    panel.expect_idle()
    panel.page.reload()
    expect(panel.message).to_have_value("Here")
    expect(other.message).to_have_value("")
    # The other panel deletes it while the user types here.
    other.page.get_by_role("button", name="Conversations", exact=True).click()
    row = other.page.get_by_role("dialog").locator("li.entry", has_text="Juniper")
    row.hover()
    row.get_by_role("button", name="Delete", exact=True).click()
    expect(panel.questions).to_have_count(0)
    expect(panel.message).to_have_value("Here")
    # It has moved to the new chat; until that is written it is a draft of the deleted one.
    wait_until(lambda: "Here" in new_chat_drafts(app), PATIENCE, "the draft in storage")
    panel.page.reload()
    expect(panel.message).to_have_value("Here")


def new_chat_drafts(app: App) -> list[str]:
    """The texts of the stored drafts that belong to no conversation yet."""
    drafts = json.loads(app.stored(app.lasting_page))["databases"]["sidestream/drafts"]
    return [each["text"] for each in drafts if each["conversation_id"] == NEW_CHAT]


def test_a_deleted_conversation_takes_its_draft_along_and_brings_it_back(
    app: App, panel: Panel
) -> None:
    """Source: coi-dev/ox-coi#463 (the draft is deleted with its conversation)."""
    begin(panel, "Larch")
    panel.message.fill("For the first")
    panel.page.get_by_role("button", name="Conversations", exact=True).click()
    dialog = panel.page.get_by_role("dialog")
    row = dialog.locator("li.entry", has_text="Larch").first
    row.hover()
    row.get_by_role("button", name="Delete", exact=True).click()
    expect(panel.questions).to_have_count(0)
    expect(panel.message).to_have_value("")
    dialog.get_by_role("button", name="Undo", exact=True).click()
    panel.page.keyboard.press("Escape")
    expect(panel.questions.first).to_contain_text("Larch")
    expect(panel.message).to_have_value("For the first")


COMPOSITION = """(box, [key, keyCode, isComposing, isLate]) => {
  if (isLate) box.dispatchEvent(new CompositionEvent("compositionend", {bubbles: true}));
  const stroke = {key, keyCode, isComposing, bubbles: true, cancelable: true};
  box.dispatchEvent(new KeyboardEvent("keydown", stroke));
}"""
STROKES = [
    # The browser reports a composition.
    ["Enter", 13, True, False],
    ["Escape", 27, True, False],
    # macOS, at its end.
    ["Enter", 229, False, False],
    ["Escape", 229, False, False],
    # The composition ends before the stroke that ended it.
    ["Enter", 13, False, True],
    ["Escape", 27, False, True],
]


def compose(panel: Panel, box: Locator, text: str) -> None:
    """Strokes of an input method in a box: none of them may do anything to the page.

    Half a word is left in it, as by an input method, and then taken.
    """
    box.focus()
    session = panel.page.context.new_cdp_session(panel.page)
    composing = {"text": text, "selectionStart": len(text), "selectionEnd": len(text)}
    session.send("Input.imeSetComposition", composing)
    for key in ("Enter", "Escape"):
        panel.page.keyboard.press(key)
    for stroke in STROKES:
        box.evaluate(COMPOSITION, stroke)
    expect(box).to_be_visible()
    session.send("Input.insertText", {"text": text})
    session.detach()


def test_no_key_of_an_input_method_sends_or_cancels(panel: Panel, server: ScriptedServer) -> None:
    """In every box of the panel; the same strokes without an input method act as ever.

    Sources: mckaywrigley/chatbot-ui#718 and NousResearch/hermes-agent#41026 (Enter with 229 after
    the composition), andrewyng/openworker#423 (rename, search and settings as well),
    SillyTavern/SillyTavern#4738 (Escape closed the message's editor), misskey-dev/misskey#10866 and
    facebook/astryx#5322 (Escape closed the dialog with all that was typed),
    Porabuild/Poracode#778.
    """
    begin(panel, "Nutmeg")
    sent = len(server.turns)
    compose(panel, panel.message, "日本語")
    expect(panel.message).to_have_value("日本語")
    assert len(server.turns) == sent

    panel.questions.first.hover()
    panel.questions.first.get_by_role("button", name="Edit", exact=True).click()
    compose(panel, panel.edited, "日本語")
    expect(panel.edited).to_have_value("Nutmeg日本語")
    panel.page.wait_for_timeout(10)
    panel.edited.press("Escape")
    expect(panel.edited).to_have_count(0)

    settings = panel.settings()
    compose(panel, settings.model, "日本語")
    compose(panel, settings.instructions, "日本語")
    expect(settings.dialog).to_be_visible()
    settings.instructions.press("Escape")
    expect(settings.dialog).to_be_hidden()

    panel.page.get_by_role("button", name="Conversations", exact=True).click()
    dialog = panel.page.get_by_role("dialog", name="Conversations")
    search = dialog.get_by_role("searchbox")
    compose(panel, search, "日本語")
    expect(dialog).to_be_visible()
    expect(search).to_have_value("日本語")
    search.fill("Nutmeg")
    row = dialog.locator("li.entry", has_text="Nutmeg").first
    row.hover()
    row.get_by_role("button", name="Rename", exact=True).click()
    title = dialog.get_by_role("textbox", name="Title")
    compose(panel, title, "日本語")
    expect(title).to_be_visible()
    title.press("End")
    title.press("Enter")
    expect(title).to_have_count(0)
    expect(dialog.locator("li.entry").first).to_contain_text("日本語")
    panel.page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()

    # An answer under way is not stopped, and Enter sends again when nothing is composed.
    gate = Gate("One ", after=["two"])
    server.on("日本語", gate)
    panel.message.press("Enter")
    expect(panel.answer).to_have_text("One")
    compose(panel, panel.message, "日本語")
    gate.open.set()
    expect(panel.answer).to_have_text("One two")
    panel.expect_idle()
    expect(panel.message).to_have_value("日本語")


def test_what_was_typed_in_a_form_is_there_after_escape(app: App, panel: Panel) -> None:
    """Escape closes, and takes nothing away: it is there when the form is opened again."""
    begin(panel, "Orchard")
    settings = panel.settings()
    settings.instructions.fill("Answer in rhymes")
    settings.model.fill("another-model")
    settings.dialog.get_by_role("textbox", name="Hosts that Python may reach").fill(
        "api.example.com"
    )
    settings.instructions.press("Escape")
    expect(settings.dialog).to_be_hidden()
    panel.page.reload()
    settings = panel.settings()
    expect(settings.instructions).to_have_value("Answer in rhymes")
    expect(settings.model).to_have_value("another-model")
    expect(settings.dialog).to_contain_text("unsaved changes")
    settings.dialog.get_by_role("button", name="Close", exact=True).click()
    # It is this conversation's.
    panel.new_chat.click()
    settings = panel.settings()
    expect(settings.instructions).to_have_value("")
    settings.instructions.press("Escape")
    open_conversation(panel, "Orchard")
    settings = panel.settings()
    expect(settings.instructions).to_have_value("Answer in rhymes")
    settings.save()
    settings = panel.settings()
    expect(settings.instructions).to_have_value("Answer in rhymes")
    expect(panel.page.locator("#own-kept")).to_be_hidden()
    settings.instructions.fill("In prose")
    settings.dialog.get_by_role("button", name="Cancel", exact=True).click()
    settings = panel.settings()
    expect(settings.instructions).to_have_value("Answer in rhymes")
    settings.instructions.press("Escape")

    panel.questions.first.hover()
    panel.questions.first.get_by_role("button", name="Edit", exact=True).click()
    panel.edited.fill("Another orchard")
    panel.edited.press("Escape")
    expect(panel.questions.first).to_contain_text("Orchard")
    panel.page.reload()
    panel.questions.first.hover()
    panel.questions.first.get_by_role("button", name="Edit", exact=True).click()
    expect(panel.edited).to_have_value("Another orchard")
    panel.questions.first.get_by_role("button", name="Cancel", exact=True).click()

    panel.page.get_by_role("button", name="Conversations", exact=True).click()
    dialog = panel.page.get_by_role("dialog", name="Conversations")
    row = dialog.locator("li.entry", has_text="Orchard").first
    title = dialog.get_by_role("textbox", name="Title")
    for text in ("A new title", None):
        row.hover()
        row.get_by_role("button", name="Rename", exact=True).click()
        if text:
            title.fill(text)
            title.press("Escape")
            expect(dialog).to_be_visible()
        else:
            expect(title).to_have_value("A new title")


PASTE = """async ([text, html, isPlain]) => {
  const box = document.activeElement;
  const data = new DataTransfer();
  data.setData("text/plain", text);
  if (html) {
    data.setData("text/html", html);
    data.items.add(new File([new Uint8Array(8)], "image.png", {type: "image/png"}));
  }
  if (isPlain) {
    const stroke = {key: "V", ctrlKey: true, shiftKey: true, bubbles: true};
    box.dispatchEvent(new KeyboardEvent("keydown", stroke));
  }
  const paste = {clipboardData: data, bubbles: true, cancelable: true};
  return !box.dispatchEvent(new ClipboardEvent("paste", paste));
}"""
LINE = "The quick brown fox jumps over the lazy dog, and so on and on.\n"
BOOK = "\n  Chapter one\n" + LINE * (1_400_000 // len(LINE))
HALF = BOOK[:500_000]


def test_a_long_text_that_is_pasted_becomes_an_attachment(
    app: App, panel: Panel, server: ScriptedServer
) -> None:
    """With its first line as its title, its size, a look inside, and a way back.

    Sources: danny-avila/LibreChat#14400 and #2335, open-webui/open-webui#26228 (froze),
    coder/coder#23379, openchamber/openchamber#2602. What is longer than the context window is said.
    """
    app.configure(server.base_url, context_window=100_000)
    begin(panel, "Sorrel")
    panel.message.fill("Summarise this")
    panel.page.evaluate(PASTE, [BOOK, "", False])
    too_long = panel.page.locator("#draft-length")
    expect(too_long).to_contain_text("about 350,000 tokens, but the model's context window")
    expect(too_long).to_contain_text("100,000")
    chip = tray(panel)
    expect(chip).to_contain_text("Chapter one")
    expect(chip).to_contain_text("Pasted")
    expect(chip).to_contain_text("about 350,000 tokens")
    expect(panel.message).to_have_value("Summarise this")
    chip.get_by_role("button", name="Show pasted text").click()
    dialog = panel.page.get_by_role("dialog", name="Chapter one")
    expect(dialog.locator("pre")).to_contain_text("The quick brown fox")
    assert dialog.locator("pre").evaluate("(pre) => pre.textContent") == BOOK
    panel.page.keyboard.press("Escape")
    panel.page.reload()
    expect(chip).to_contain_text("Chapter one")
    app.configure(server.base_url, context_window=1_000_000)
    panel.message.press("Enter")
    expect(panel.questions.last).to_contain_text("Chapter one")
    panel.expect_idle()
    text, question = server.turns[-1].json["input"][-1]["content"]
    assert text["text"].rstrip("\n") == BOOK.rstrip("\n")
    assert question["text"] == "Summarise this"
    assert "untrusted" not in text["text"]


def test_a_pasted_text_can_be_put_into_the_message(panel: Panel) -> None:
    """And taken back by Ctrl+Z, or not become an attachment at all.

    Sources: nimbalyst/nimbalyst#189 (Ctrl+Shift+V, back into the prompt, Ctrl+Z),
    microsoft/vscode#331852, Trae-AI/TRAE#2051, RocketChat/Rocket.Chat#13002 (the text of office
    programs, not its picture).
    """
    long = "Chapter one\n" + LINE * 300
    panel.message.fill("Before  after")
    panel.page.evaluate(PASTE, [long, "", False])
    expect(tray(panel)).to_have_count(1)
    panel.page.keyboard.press("Control+z")
    expect(tray(panel)).to_have_count(0)
    expect(panel.message).to_have_value("Before  after")

    panel.page.evaluate(PASTE, [long, "<table><tr><td>Chapter one</table>", False])
    expect(tray(panel)).to_contain_text("Pasted")
    panel.message.evaluate("(box) => box.setSelectionRange(7, 7)")
    tray(panel).get_by_role("button", name="Put Chapter one into the message").click()
    expect(tray(panel)).to_have_count(0)
    expect(panel.message).to_have_value(f"Before {long} after")
    expect(panel.message).to_be_focused()
    panel.page.reload()
    expect(panel.message).to_have_value(f"Before {long} after")

    panel.message.fill("")
    assert panel.page.evaluate(PASTE, [long, "", True])
    expect(panel.message).to_have_value(long)
    expect(tray(panel)).to_have_count(0)
    # What is short is left to the browser.
    assert not panel.page.evaluate(PASTE, ["Short", "", False])


def test_a_very_long_text_in_the_box_stays_usable(panel: Panel) -> None:
    """Sources: element-hq/element-web#15161 (not even removable), stoatchat/for-legacy-web#81."""
    panel.message.focus()
    panel.page.evaluate(PASTE, [HALF, "", False])
    tray(panel).get_by_role("button", name="into the message").click()
    expect(panel.message).to_have_js_property("textLength", len(HALF))
    panel.message.press("x")
    expect(panel.message).to_have_js_property("textLength", len(HALF) + 1)
    panel.page.reload()
    expect(panel.message).to_have_js_property("textLength", len(HALF) + 1)
    panel.message.press("Control+a")
    panel.message.press("Delete")
    expect(panel.message).to_have_value("")
    panel.page.reload()
    expect(panel.conversation).to_be_visible()
    expect(panel.message).to_have_value("")


FULL_PANEL = """() => {
  const put = IDBObjectStore.prototype.put;
  IDBObjectStore.prototype.put = () => { throw new DOMException("", "QuotaExceededError"); };
  window.freeTheDisk = () => { IDBObjectStore.prototype.put = put; };
}"""


def test_a_full_disk_is_reported_and_nothing_disappears(panel: Panel) -> None:
    begin(panel, "Pebble")
    panel.page.evaluate(FULL_PANEL)
    panel.message.fill("Still here")
    full = panel.page.locator("#draft-trouble[role=alert]")
    expect(full).to_contain_text("your draft is lost when the panel closes")
    panel.page.evaluate(PASTE, [BOOK[:30_000], "", False])
    expect(panel.page.locator("#tray-note")).to_contain_text("The disk is full")
    expect(panel.message).to_have_value("Still here")
    panel.page.evaluate("window.freeTheDisk()")
    panel.message.press("!")
    expect(full).to_be_hidden()
    panel.page.reload()
    expect(panel.message).to_have_value("Still here!")


def test_a_message_that_could_not_be_sent_returns_to_its_draft(
    app: App, panel: Panel, server: ScriptedServer
) -> None:
    """Before what was typed since, in its own conversation.

    Sources: open-webui/computer#267 (gone when sending failed), codse/chat#15 (put into what chat
    is shown, over newer words), movim/movim#1165, danny-avila/LibreChat#6491, agegr/pi-web#226.
    """
    begin(panel, "Quarry")
    gate = Gate("One ", after=["two"])
    server.on("The first", gate)
    panel.ask("The first")
    expect(panel.answer).to_have_text("One")
    panel.message.fill("The second")
    attach_image(panel, "second.png")
    panel.message.press("Enter")
    expect(panel.page.get_by_text("Queued", exact=True)).to_be_visible()
    panel.message.fill("typed since")
    panel.page.get_by_role("button", name="Cancel", exact=True).click()
    panel.new_chat.click()
    expect(panel.message).to_have_value("")
    expect(tray(panel)).to_have_count(0)
    open_conversation(panel, "Quarry")
    expect(panel.message).to_have_value("The second\ntyped since")
    expect(tray(panel)).to_contain_text("second.png")
    gate.open.set()
    panel.expect_idle()
    panel.message.fill("To a worker that is not there")
    app.stop_worker(panel.page)
    panel.message.press("Enter")
    expect(panel.answer).to_have_text("You said: To a worker that is not there")
    expect(panel.message).to_have_value("")
    expect(tray(panel)).to_have_count(0)


def contents(panel: Panel) -> int:
    """How many contents of attachments are stored that were not sent."""
    count: int = panel.page.evaluate(
        """() => new Promise((resolve) => {
          indexedDB.open("sidestream").onsuccess = ({target: {result: database}}) => {
            const all = database.transaction("attachments").objectStore("attachments").getAll();
            all.onsuccess = () => {
              resolve(all.result.filter((each) => each.conversation_id === "").length);
              database.close();
            };
          };
        })"""
    )
    return count


def test_a_draft_of_a_window_that_is_used_elsewhere_is_offered(app: App, panel: Panel) -> None:
    """And what is dropped is gone from the disk."""
    begin(panel, "Rowan")
    before = contents(panel)
    other = app.open_panel(new_window=True)
    other.message.fill("Left in the other window")
    attach_image(other, "left.png")
    note = panel.page.locator("#draft-other")
    # The window stays, its panel is closed.
    other.page.goto("about:blank")
    panel.page.reload()
    expect(panel.message).to_have_value("")
    expect(note).to_contain_text("Left in the other window")
    panel.message.fill("Own words")
    note.get_by_role("button", name="Add to message").click()
    expect(panel.message).to_have_value("Left in the other window\nOwn words")
    expect(tray(panel)).to_contain_text("left.png")
    expect(note).to_be_hidden()
    assert contents(panel) == before + 1
    panel.page.get_by_role("button", name="Remove left.png").click()
    expect(tray(panel)).to_have_count(0)
    assert contents(panel) == before
