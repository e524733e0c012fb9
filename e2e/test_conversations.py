"""The list of conversations: search, open, rename, delete, export and import."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Literal

import pytest
from playwright.sync_api import Page, expect

from e2e.app import App, Panel
from e2e.patience import PATIENCE
from e2e.server import Gate, ScriptedServer, answer
from e2e.test_look import SCREENSHOTS, unnamed

FUTURE = 10**13


class ConversationList:
    """The list, as it is shown over the panel."""

    def __init__(self, panel: Panel) -> None:
        self.page = panel.page
        self.button = self.page.get_by_role("button", name="Conversations", exact=True)
        self.dialog = self.page.get_by_role("dialog", name="Conversations")
        self.search = self.dialog.get_by_role("searchbox", name="Search conversations")
        self.rows = self.dialog.get_by_role("listitem")
        self.titles = self.dialog.locator(".title")
        self.undo = self.dialog.get_by_role("button", name="Undo")
        self.notice = self.dialog.locator("#notice")

    def show(self) -> ConversationList:
        """Open it, with the focus in the search box."""
        self.button.click()
        expect(self.search).to_be_focused()
        return self

    def act(self, title: str, action: str) -> None:
        """Press a button of a row."""
        row = self.rows.filter(has_text=title)
        row.hover()
        row.get_by_role("button", name=action, exact=True).click()

    def choose(self, name: str) -> None:
        """Press a button above the footer."""
        self.notice.get_by_role("button", name=name, exact=True).click()

    def export(self, press: Callable[[], None], *, markdown: bool = False) -> tuple[str, str]:
        """The name and the text of the file that is downloaded."""
        press()
        with self.page.expect_download() as download:
            self.choose("Markdown" if markdown else "JSON")
        return download.value.suggested_filename, download.value.path().read_text("utf-8")

    def export_all(self) -> str:
        """Everything, as JSON."""
        button = self.dialog.get_by_role("button", name="Export all")
        return self.export(button.click)[1]

    def import_text(self, text: str) -> None:
        """Choose a file with this text."""
        file: Any = {
            "name": "a.json",
            "mimeType": "application/json",
            "buffer": text.encode(),
        }
        self.page.locator("#import-file").set_input_files(file)


def converse(panel: Panel, question: str) -> None:
    """Have a short conversation of its own."""
    panel.new_chat.click()
    expect(panel.questions).to_have_count(0)
    panel.ask(question)
    expect(panel.answer).to_be_visible()
    panel.expect_idle()


@pytest.fixture
def chat(app: App, panel: Panel, server: ScriptedServer) -> Panel:
    """A panel with two conversations; the later one is shown."""
    app.send({"type": "FreeStorage", "older_than": FUTURE})
    server.on("fjord", answer("A drowned *valley* in the north."))
    converse(panel, "What is a fjord?\nShortly.")
    converse(panel, "Hello there")
    return panel


def test_a_conversation_is_found_by_a_word_of_its_answer_and_opened(
    chat: Panel, app: App, server: ScriptedServer
) -> None:
    conversations = ConversationList(chat).show()
    expect(conversations.titles).to_have_text(["Hello there", "What is a fjord?"])
    conversations.search.fill("drown")
    expect(conversations.titles).to_have_text(["What is a fjord?"])
    expect(conversations.rows.locator("mark")).to_have_text("drown")
    conversations.search.press("ArrowDown")
    chat.page.keyboard.press("Enter")
    expect(conversations.dialog).to_be_hidden()
    expect(chat.questions).to_have_text("What is a fjord?\nShortly.")
    expect(chat.answer).to_have_text("A drowned valley in the north.")
    # It continues where it was, with another worker too.
    app.stop_worker(chat.page)
    chat.ask("And a skerry?")
    expect(chat.answer).to_have_text("You said: And a skerry?")
    assert "What is a fjord" in json.dumps(server.turns[-1].json)
    conversations.show()
    expect(conversations.titles).to_have_text(["What is a fjord?", "Hello there"])
    conversations.search.fill("nowhere")
    expect(conversations.dialog).to_contain_text("No matching conversations.")


def test_by_keyboard(chat: Panel) -> None:
    conversations = ConversationList(chat)
    keyboard = chat.page.keyboard
    conversations.button.focus()
    keyboard.press("Enter")
    expect(conversations.titles).to_have_count(2)
    keyboard.press("ArrowDown")
    keyboard.press("ArrowDown")
    keyboard.press("Tab")
    expect(conversations.rows.nth(1).get_by_role("button", name="Rename")).to_be_focused()
    keyboard.press("Enter")
    keyboard.type("Water")
    keyboard.press("Enter")
    expect(conversations.titles).to_have_text(["Hello there", "Water"])
    expect(conversations.rows.nth(1).locator(".open")).to_be_focused()
    keyboard.press("Tab")
    keyboard.press("Enter")
    keyboard.type("Never mind")
    keyboard.press("Escape")
    expect(conversations.titles).to_have_text(["Hello there", "Water"])
    for _ in range(3):
        keyboard.press("Tab")
    keyboard.press("Enter")
    expect(conversations.titles).to_have_text(["Hello there"])
    expect(conversations.notice.get_by_role("status")).to_have_text("Deleted “Water”.")
    for _ in range(4):
        keyboard.press("Tab")
    expect(conversations.undo).to_be_focused()
    keyboard.press("Enter")
    expect(conversations.titles).to_have_text(["Hello there", "Water"])
    keyboard.press("Escape")
    expect(conversations.dialog).to_be_hidden()
    expect(conversations.button).to_be_focused()


def test_results_that_come_late_leave_a_title_that_is_being_written(
    panel: Panel, server: ScriptedServer
) -> None:
    for title in ("Harbour lights", "Hill walks"):
        panel.ask(title)
        panel.expect_idle()
        panel.new_chat.click()
    conversations = ConversationList(panel).show()
    expect(conversations.rows.filter(has_text="Hill walks")).to_be_visible()
    panel.page.evaluate(
        """() => {
          const send = chrome.runtime.sendMessage.bind(chrome.runtime);
          chrome.runtime.sendMessage = async (request) => {
            const reply = await send(request);
            if (request.type === "ListConversations" && request.query)
              await new Promise((release) => { window.release = release; });
            return reply;
          };
        }"""
    )
    conversations.search.fill("Harbour")
    panel.page.wait_for_function("() => window.release")
    conversations.act("Harbour lights", "Rename")
    box = conversations.dialog.get_by_role("textbox", name="Title")
    box.fill("Port")
    panel.page.evaluate("() => { window.release(); delete window.release; }")
    box.press_sequentially(" lights")
    expect(box).to_have_value("Port lights")
    expect(box).to_be_focused()
    box.press("Enter")
    expect(conversations.rows.filter(has_text="Port lights")).to_be_visible()
    panel.page.wait_for_function("() => window.release")
    panel.page.evaluate("() => window.release()")
    expect(conversations.rows).to_have_count(1)
    expect(conversations.rows.first).to_contain_text("Port lights")
    expect(conversations.rows.first.locator(".open")).to_be_focused()


def test_the_shown_conversation_is_deleted_and_brought_back(
    chat: Panel, app: App, server: ScriptedServer
) -> None:
    server.on("Long", Gate("Half"))
    other = app.open_panel()
    chat.ask("Long")
    expect(chat.answer).to_have_text("Half")
    conversations = ConversationList(chat).show()
    expect(conversations.rows.filter(has_text="In progress")).to_have_count(1)
    expect(conversations.rows.filter(has_text="In progress")).to_contain_text("Hello there")
    conversations.act("Hello there", "Delete")
    for panel in (chat, other):
        expect(panel.page.locator("article")).to_have_count(0)
    assert server.turns[-1].client_closed.wait(PATIENCE)
    # It can be undone as long as it was promised, also from a list that is opened anew.
    chat.page.keyboard.press("Escape")
    expect(conversations.dialog).to_be_hidden()
    conversations.show()
    conversations.undo.click()
    expect(chat.answer).to_contain_text("Half")
    chat.expect_idle()
    # While the worker sleeps as well.
    app.stop_worker(chat.page)
    conversations.act("Hello there", "Delete")
    expect(conversations.titles).to_have_text(["What is a fjord?"])
    chat.page.reload()
    expect(chat.message).to_be_focused()
    chat.ask("Anew")
    expect(chat.questions).to_have_text("Anew")
    expect(chat.answer).to_have_text("You said: Anew")


def test_exported_deleted_and_imported_the_same_bytes(chat: Panel) -> None:
    conversations = ConversationList(chat).show()
    before = conversations.export_all()
    for title in ("Hello there", "fjord"):
        conversations.act(title, "Delete")
        expect(conversations.titles.filter(has_text=title)).to_have_count(0)
    expect(conversations.dialog).to_contain_text("No conversations yet.")
    conversations.import_text(before[:-20])
    expect(conversations.notice).to_contain_text("This file can't be imported.")
    expect(conversations.titles).to_have_count(0)
    conversations.import_text(before)
    expect(conversations.notice).to_contain_text("Imported 2 conversations.")
    expect(conversations.titles).to_have_count(2)
    assert conversations.export_all() == before
    conversations.import_text(before)
    expect(conversations.notice).to_contain_text("2 conversations were already here.")

    name, text = conversations.export(lambda: conversations.act("fjord", "Export"), markdown=True)
    assert name == "sidestream-What-is-a-fjord.md"
    assert "# What is a fjord?" in text
    assert "A drowned *valley* in the north." in text
    assert "Hello there" not in text


OLD_DATABASE = """async (turns) => {
  // The worker has made a new one already, and gives it up when it is asked to.
  const deleting = indexedDB.deleteDatabase("sidestream");
  await new Promise((resolve, reject) => {
    deleting.onsuccess = resolve;
    deleting.onerror = () => reject(deleting.error);
  });
  const opening = indexedDB.open("sidestream", 1);
  const database = await new Promise((resolve, reject) => {
    opening.onupgradeneeded = () => {
      const database = opening.result;
      database.createObjectStore("conversations", {keyPath: "id"});
      const turns = database.createObjectStore("turns", {keyPath: "id"});
      turns.createIndex("by_conversation", ["conversation_id", "position"]);
      database.createObjectStore("meta");
      database.createObjectStore("keys");
    };
    opening.onsuccess = () => resolve(opening.result);
    opening.onerror = () => reject(opening.error);
  });
  const transaction = database.transaction(["conversations", "turns", "meta"], "readwrite");
  for (const turn of turns) {
    const id = turn.conversation_id;
    const conversation = {id, created_at: turn.created_at, updated_at: turn.created_at};
    transaction.objectStore("conversations").put(conversation);
    transaction.objectStore("turns").put(turn);
    transaction.objectStore("meta").put(id, "current");
  }
  await new Promise((resolve) => { transaction.oncomplete = resolve; });
  database.close();
}"""


def old_turn(conversation: str, user: str, created_at: int, text: str = "Yes.") -> dict[str, Any]:
    return {
        "id": f"turn-{conversation}",
        "conversation_id": conversation,
        "position": 0,
        "user": user,
        "created_at": created_at,
        "status": "completed",
        "model": "m",
        "blocks": [{"kind": "text", "text": text, "open": False}],
        "version": 1,
        "items": [
            {
                "type": "message",
                "role": "assistant",
                "content": [{"type": "output_text", "text": text}],
            }
        ],
    }


def test_what_version_1_had_stored_is_all_there(fresh_app: App) -> None:
    page = fresh_app.lasting_page
    page.goto(f"{fresh_app.origin}/manifest.json")
    turns = [
        old_turn("a", "The unreachable one", 1, "Lost and found."),
        old_turn("b", "The last one", 2),
    ]
    page.evaluate(OLD_DATABASE, turns)
    panel = fresh_app.open_panel()
    expect(panel.questions).to_have_text("The last one")
    conversations = ConversationList(panel).show()
    conversations.search.fill("found")
    expect(conversations.titles).to_have_text(["The unreachable one"])
    conversations.titles.click()
    expect(panel.answer).to_have_text("Lost and found.")


FULL_DISK = """() => {
  const { put } = IDBObjectStore.prototype;
  globalThis.freeTheDisk = () => { IDBObjectStore.prototype.put = put; };
  IDBObjectStore.prototype.put = () => {
    throw new DOMException("The disk is full", "QuotaExceededError");
  };
}"""
"""The extension may use all of the disk, so that no quota can be set for it."""


def test_a_full_disk_is_reported_and_the_message_is_kept(chat: Panel, app: App) -> None:
    worker = app.context.service_workers[-1]
    worker.evaluate(FULL_DISK)
    chat.ask("A long thought")
    failure = chat.conversation.get_by_role("alert")
    expect(failure).to_contain_text("The disk is full")
    expect(failure).to_contain_text("Free space")
    expect(chat.questions.last).to_have_text("A long thought")
    worker.evaluate("() => globalThis.freeTheDisk()")
    chat.retry.click()
    expect(chat.answer).to_have_text("You said: A long thought")
    chat.expect_idle()
    expect(failure).to_be_hidden()


MANY = 1000


def import_many(app: App) -> None:
    """A thousand conversations of some age."""
    words = ["river", "stone", "cloud", "lantern", "harbour", "meadow", "thunder", "copper"]
    words += ["violet", "ember"]
    conversations = []
    for number in range(MANY):
        said = " ".join(words[(number * 7 + i * i) % 10] for i in range(120))
        turn = old_turn(str(number), f"Question {number} about {words[number % 10]}", number, said)
        del turn["conversation_id"]
        times = {"created_at": number, "updated_at": number}
        conversations.append({"id": str(number), **times, "turns": [turn]})
    file = {"format": "sidestream.conversations", "version": 1, "conversations": conversations}
    reply = app.send({"type": "ImportConversations", "text": json.dumps(file)})
    assert reply == {"ok": True, "imported": MANY, "skipped": 0}


def test_many_conversations_are_drawn_as_they_are_scrolled_to_and_room_is_made(
    chat: Panel, app: App
) -> None:
    import_many(app)
    conversations = ConversationList(chat).show()
    expect(conversations.titles).to_have_count(50)
    conversations.dialog.locator("#list-scroller").evaluate("(e) => { e.scrollTop = 1e6 }")
    expect(conversations.titles).to_have_count(100)
    conversations.search.fill("question 77 lantern")
    expect(conversations.titles.first).to_contain_text("Question 77")
    conversations.search.fill("")
    expect(conversations.titles.first).to_have_text("Hello there")
    conversations.dialog.get_by_role("button", name="Free space").click()
    conversations.choose("30 days")
    conversations.choose("Delete")
    expect(conversations.notice).to_contain_text(f"Deleted {MANY:,} conversations.")
    expect(conversations.titles).to_have_count(2)
    expect(conversations.dialog.locator("#storage")).to_contain_text("2 conversations · ")


def test_the_list_can_be_read_at_any_width_in_any_light(chat: Panel, app: App) -> None:
    import_many(app)
    conversations = ConversationList(chat).show()
    SCREENSHOTS.mkdir(exist_ok=True)
    schemes: tuple[Literal["light", "dark"], ...] = ("light", "dark")

    def look(name: str) -> None:
        page: Page = chat.page
        for scheme in schemes:
            page.emulate_media(color_scheme=scheme)
            for width in (320, 900):
                page.set_viewport_size({"width": width, "height": 720})
                page.screenshot(path=SCREENSHOTS / f"list-{name}-{width}-{scheme}.png")
                wide = conversations.dialog.evaluate("(e) => e.scrollWidth - e.clientWidth")
                assert wide <= 0, f"{wide} px too wide at {width} px"
        assert unnamed(app, page) == []

    expect(conversations.titles).to_have_count(50)
    conversations.rows.nth(1).hover()
    look("all")
    conversations.search.fill("violet thunder")
    expect(conversations.rows.locator("mark").first).to_be_visible()
    conversations.act("Question 998 ", "Delete")
    expect(conversations.undo).to_be_visible()
    look("search")
    conversations.dialog.get_by_role("button", name="Free space").click()
    conversations.choose("90 days")
    look("confirm")
