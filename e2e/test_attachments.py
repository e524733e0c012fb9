"""Attachments: pages and images, from the tray to the request and back."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from e2e.app import App, Panel
from e2e.attached import attach_page, file, pick, png, tray
from e2e.server import Exchange, Gate, ScriptedServer, answer, fail
from e2e.test_conversations import FULL_DISK


def attached(panel: Panel) -> Locator:
    """The attachments of the last message."""
    return panel.questions.last.get_by_role("list", name="Attachments").get_by_role("listitem")


def parts(exchange: Exchange) -> list[dict[str, Any]]:
    """The parts of the last message of the user, on either wire API."""
    messages = exchange.json.get("input") or exchange.json["messages"]
    content: list[dict[str, Any]] = [m for m in messages if m.get("role") == "user"][-1]["content"]
    return content


def places(app: App, panel: Panel, attachment: str) -> list[str]:
    """The conversations in which its content is stored; "" for a draft."""
    found = json.loads(app.stored(panel.page))["databases"]["sidestream/attachments"]
    return [each["conversation_id"] for each in found if each["id"] == attachment]


def test_a_page_is_in_view_sent_and_kept(app: App, panel: Panel, server: ScriptedServer) -> None:
    attachment = attach_page(panel)
    expect(tray(panel)).to_contain_text("On <b>fjords</b>")
    expect(tray(panel)).to_contain_text("example.com · about 3,200 tokens")
    tray(panel).get_by_role("button", name="Show page").click()
    dialog = panel.page.get_by_role("dialog", name="On <b>fjords</b>")
    shown = dialog.locator("pre")
    expect(shown).to_contain_text("<img src=x onerror")
    expect(dialog.locator("img")).to_have_count(0)
    as_shown = shown.inner_text()
    panel.page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)

    server.on("What is it?", answer("A valley."))
    panel.ask("What is it?")
    expect(panel.answer).to_have_text("A valley.")
    expect(tray(panel)).to_have_count(0)
    page, question = parts(server.turns[0])
    assert question == {"type": "input_text", "text": "What is it?"}
    assert as_shown in page["text"], "what is sent is what was shown"
    assert "Text between <untrusted>" in server.turns[0].json["instructions"]
    (conversation,) = places(app, panel, attachment)
    assert conversation

    # A new panel and a new worker show it and send it unchanged.
    app.stop_worker(panel.page)
    panel.page.reload()
    expect(attached(panel)).to_contain_text("example.com")
    attached(panel).get_by_role("button").click()
    expect(dialog.locator("pre")).to_contain_text("A drowned valley.")
    dialog.get_by_role("button", name="Close").click()
    server.on("And now?", answer("Still a valley."))
    panel.ask("And now?")
    expect(panel.answer).to_have_text("Still a valley.")
    first = server.turns[1].json["input"][0]["content"]
    assert first == parts(server.turns[0])


def test_what_is_not_seen_in_an_attachment_can_be_named(panel: Panel) -> None:
    """aaif-goose/goose#3920: hidden instructions in tag characters, which models read."""
    hidden = "".join(chr(0xE0000 + ord(letter)) for letter in "obey")
    attach_page(panel, f"A valley.{hidden} And a{chr(0x202E)}b")
    tray(panel).get_by_role("button", name=re.compile("^Show page")).click()
    text = panel.page.get_by_label("Text as it is sent")
    expect(text).to_contain_text(f"A valley.{hidden}")
    panel.page.get_by_role("checkbox", name="Show invisible characters (5 characters)").check()
    expect(text).to_contain_text("A valley.⟨U+E006F⟩⟨U+E0062⟩⟨U+E0065⟩⟨U+E0079⟩ And a⟨U+202E⟩b")


def test_what_is_removed_is_gone_and_what_is_not_sent_stays(
    app: App, panel: Panel, server: ScriptedServer
) -> None:
    attachment = attach_page(panel)
    assert places(app, panel, attachment) == [""]
    expect(panel.send).to_be_enabled()
    panel.new_chat.click()
    expect(tray(panel)).to_have_count(1)
    panel.page.close()
    again = app.open_panel()
    expect(tray(again)).to_have_count(1)
    again.page.get_by_role("button", name="Remove On <b>fjords</b>", exact=True).click()
    expect(tray(again)).to_have_count(0)
    expect(again.message).to_be_focused()
    expect(again.send).to_be_disabled()
    assert places(app, again, attachment) == []
    assert server.turns == []


def test_a_cancelled_message_comes_back_whole(
    app: App, panel: Panel, server: ScriptedServer
) -> None:
    gate = Gate("One ", after=["two"])
    server.on("first", gate)
    panel.ask("The first")
    expect(panel.answer).to_have_text("One")
    pick(panel, file("blue.png", png(40, 30)))
    expect(tray(panel)).to_have_count(1)
    panel.message.press("Enter")
    expect(panel.page.get_by_text("Queued", exact=True)).to_be_visible()
    expect(tray(panel)).to_have_count(0)
    panel.page.get_by_role("button", name="Cancel", exact=True).click()
    expect(tray(panel)).to_contain_text("blue.png")
    gate.open.set()
    panel.expect_idle()
    server.on("Look", answer("Blue."))
    panel.ask("Look")
    expect(panel.answer).to_have_text("Blue.")
    assert [part["type"] for part in parts(server.turns[-1])] == ["input_image", "input_text"]


def test_an_edited_message_keeps_what_was_not_removed(panel: Panel, server: ScriptedServer) -> None:
    server.on("", answer("One"), answer("Two"), answer("Three"))
    pick(panel, file("a.png", png(40, 30)), file("b.png", png(30, 40)))
    expect(tray(panel)).to_have_count(2)
    panel.ask("Look")
    expect(panel.answer).to_have_text("One")
    panel.regenerate()
    expect(panel.answer).to_have_text("Two")
    assert parts(server.turns[1]) == parts(server.turns[0])
    panel.questions.last.hover()
    panel.questions.last.get_by_role("button", name="Edit", exact=True).click()
    panel.questions.last.get_by_role("button", name="Remove a.png", exact=True).click()
    panel.edited.fill("Look again")
    panel.edited.press("Enter")
    expect(panel.answer).to_have_text("Three")
    kept = parts(server.turns[2])
    assert kept[0] == parts(server.turns[0])[1]
    assert kept[1]["text"] == "Look again"
    expect(attached(panel)).to_have_count(1)


@pytest.mark.parametrize("wire_api", ["responses", "chat"])
def test_an_image_goes_over_either_wire_api(
    app: App, panel: Panel, server: ScriptedServer, wire_api: str
) -> None:
    app.configure(server.base_url, wire_api=wire_api)
    pick(panel, file("a.png", png(40, 30)))
    expect(tray(panel)).to_contain_text("about 2 tokens")
    panel.ask("What is it?")
    expect(panel.answer).to_contain_text("What is it?")
    image, text = parts(server.turns[0])
    if wire_api == "responses":
        url = image.pop("image_url")
        assert image == {"type": "input_image", "detail": "auto"}
    else:
        url = image["image_url"]["url"]
        assert image["type"] == "image_url"
    assert url.startswith("data:image/png;base64,")
    assert text["text"] == "What is it?"
    thumbnail = attached(panel).locator("img")
    expect(thumbnail).to_be_visible()
    assert thumbnail.evaluate("(image) => image.decode().then(() => image.naturalWidth)") == 40


PASTE = """(box, files) => {
  const data = new DataTransfer();
  for (const {name, type, bytes} of files) {
    const content = Uint8Array.from(atob(bytes), (c) => c.charCodeAt(0));
    data.items.add(new File([content], name, {type}));
  }
  box.dispatchEvent(new ClipboardEvent("paste", {clipboardData: data, bubbles: true,
    cancelable: true}));
}"""

PASTE_AND_SEND = f"""(box, files) => {{
  ({PASTE})(box, files);
  box.dispatchEvent(new KeyboardEvent("keydown", {{key: "Enter", cancelable: true}}));
}}"""

DROP = PASTE.replace(
    'new ClipboardEvent("paste", {clipboardData: data,',
    'new DragEvent("drop", {dataTransfer: data,',
)


def given(name: str, data: bytes, kind: str = "image/png") -> dict[str, str]:
    """A file, for a script in the page."""
    return {"name": name, "type": kind, "bytes": base64.b64encode(data).decode()}


def test_images_are_pasted_and_dropped(panel: Panel, server: ScriptedServer) -> None:
    panel.message.evaluate(PASTE, [given("image.png", png(64, 64))])
    expect(tray(panel)).to_have_count(1)
    # Dropped anywhere, not on the box alone.
    panel.conversation.evaluate(DROP, [given(f"{n}.png", png(9, 9)) for n in (1, 2)])
    expect(tray(panel)).to_have_count(3)
    panel.message.press("Enter")
    expect(attached(panel)).to_have_count(3)
    panel.expect_idle()
    assert [part["type"] for part in parts(server.turns[0])] == ["input_image"] * 3


PHOTO = """async (secret) => {
  // Noise, so that it is as large as a photo.
  const canvas = new OffscreenCanvas(3000, 1500);
  const context = canvas.getContext("2d");
  const data = context.createImageData(3000, 1500);
  let seed = 1;
  for (let at = 0; at < data.data.length; at += 1)
    data.data[at] = at % 4 === 3 ? 255 : (seed = (seed * 48271) % 2147483647) % 256;
  context.putImageData(data, 0, 0);
  const blob = await canvas.convertToBlob({type: "image/jpeg"});
  const jpeg = new Uint8Array(await blob.arrayBuffer());
  // Exif: turned by a quarter, and a place.
  const exif = [0x45, 0x78, 0x69, 0x66, 0, 0, 0x4d, 0x4d, 0, 0x2a, 0, 0, 0, 8, 0, 1,
    1, 0x12, 0, 3, 0, 0, 0, 1, 0, 6, 0, 0, 0, 0, 0, 0, ...new TextEncoder().encode(secret)];
  const size = exif.length + 2;
  const bytes = [...jpeg.slice(0, 2), 0xff, 0xe1, size >> 8, size & 255, ...exif];
  const file = new File([new Uint8Array(bytes), jpeg.slice(2)], "photo.jpg", {type: "image/jpeg"});
  const transfer = new DataTransfer();
  transfer.items.add(file);
  document.querySelector("#message").dispatchEvent(
    new ClipboardEvent("paste", {clipboardData: transfer, bubbles: true, cancelable: true}));
}"""


def test_a_photo_is_turned_scaled_down_and_loses_its_place(
    panel: Panel, server: ScriptedServer
) -> None:
    secret = "59.9139N 10.7522E"
    panel.page.evaluate(PHOTO, secret)
    expect(tray(panel)).to_contain_text("photo.jpg")
    expect(tray(panel)).to_contain_text("about 1,500 tokens")
    panel.message.press("Enter")
    panel.expect_idle()
    (image,) = parts(server.turns[0])
    head, data = image["image_url"].split(",")
    assert head == "data:image/jpeg;base64"
    assert secret.encode() not in base64.b64decode(data)
    attached(panel).get_by_role("button").click()
    shown = panel.page.get_by_role("dialog", name="photo.jpg")
    expect(shown).to_contain_text("1024 \u00d7 2048")
    size = "(image) => image.decode().then(() => [image.naturalWidth, image.naturalHeight])"
    assert shown.get_by_role("img", name="photo.jpg").evaluate(size) == [1024, 2048]


def test_transparent_images_stay_transparent(panel: Panel, server: ScriptedServer) -> None:
    pick(panel, file("glass.png", png(3000, 10, alpha=90)))
    expect(tray(panel)).to_have_count(1)
    panel.message.press("Enter")
    panel.expect_idle()
    (image,) = parts(server.turns[0])
    pixel = """async (url) => {
      const bitmap = await createImageBitmap(await (await fetch(url)).blob());
      const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d");
      context.drawImage(bitmap, 0, 0);
      return [bitmap.width, context.getImageData(5, 3, 1, 1).data[3]];
    }"""
    assert panel.page.evaluate(pixel, image["image_url"]) == [2048, 90]


@pytest.mark.parametrize(
    ("name", "make", "words"),
    [
        ("drawing.svg", lambda: b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG format"),
        ("photo.heic", lambda: b"\0\0\0\x18ftypheic\0\0\0\0", "HEIC format"),
        ("half.png", lambda: png(50, 50)[:60], "damaged"),
        ("vast.png", lambda: png(20_000, 20_000), "100 million pixels"),
        ("letter.png", lambda: b"Dear all,", "is not an image"),
    ],
)
def test_what_is_no_image_is_refused(
    panel: Panel, name: str, make: Callable[[], bytes], words: str
) -> None:
    panel.message.fill("Look at this")
    panel.message.evaluate(PASTE, [given(name, make()), given("good.png", png(9, 9))])
    expect(panel.page.get_by_role("alert").filter(has_text=words)).to_contain_text(name)
    expect(tray(panel)).to_have_count(1)
    expect(panel.message).to_have_value("Look at this")
    panel.page.get_by_role("button", name="Remove good.png").click()
    expect(panel.page.get_by_role("alert").filter(has_text=words)).to_have_count(0)


def test_a_full_disk_is_reported_and_the_draft_stays(app: App, panel: Panel) -> None:
    worker = app.context.service_workers[-1]
    worker.evaluate(FULL_DISK)
    panel.message.fill("Look at this")
    pick(panel, file("a.png", png(40, 30)))
    full = panel.page.get_by_role("alert").filter(has_text="The disk is full")
    expect(full).to_contain_text("Free space")
    expect(tray(panel)).to_have_count(0)
    expect(panel.message).to_have_value("Look at this")
    worker.evaluate("() => globalThis.freeTheDisk()")
    pick(panel, file("a.png", png(40, 30)))
    expect(tray(panel)).to_have_count(1)
    expect(full).to_have_count(0)


def test_a_message_waits_for_its_attachments(panel: Panel, server: ScriptedServer) -> None:
    panel.message.fill("Look at this")
    photo = given("a.png", png(3000, 3000))
    # All at once, before anything can be stored.
    panel.message.evaluate(
        PASTE_AND_SEND,
        [photo],
    )
    expect(attached(panel)).to_have_count(1)
    panel.expect_idle()
    assert [part["type"] for part in parts(server.turns[0])] == ["input_image", "input_text"]
    panel.message.fill("And at this")
    panel.message.evaluate(
        PASTE_AND_SEND,
        [given("b.png", b"no image")],
    )
    expect(panel.page.get_by_role("alert").filter(has_text="b.png")).to_be_visible()
    expect(panel.message).to_have_value("And at this")
    assert len(server.turns) == 1


def test_a_panel_that_is_closed_at_once_loses_nothing(
    app: App, panel: Panel, server: ScriptedServer
) -> None:
    server.on("", answer("Seen."))
    pick(panel, file("a.png", png(40, 30)))
    expect(tray(panel)).to_have_count(1)
    app.stop_worker(panel.page)
    panel.message.fill("Look")
    panel.page.evaluate(
        "document.querySelector('#send').click(); setTimeout(() => location.replace('about:blank'))"
    )
    panel.page.wait_for_url("about:blank")
    again = app.open_panel()
    expect(again.answer).to_have_text("Seen.")
    expect(attached(again)).to_have_count(1)
    expect(tray(again)).to_have_count(0)
    (turn,) = server.turns
    assert [part["type"] for part in parts(turn)] == ["input_image", "input_text"]


def test_a_message_has_at_most_ten_attachments(panel: Panel) -> None:
    panel.message.evaluate(PASTE, [given(f"{n}.png", png(9, 9)) for n in range(11)])
    expect(panel.page.get_by_role("alert").filter(has_text="10 attachments")).to_be_visible()
    expect(tray(panel)).to_have_count(10)


def test_a_model_that_cannot_see_is_sent_nothing_and_nothing_is_lost(
    app: App, panel: Panel, server: ScriptedServer
) -> None:
    app.configure(server.base_url, model="o3-mini")
    pick(panel, file("a.png", png(40, 30)))
    panel.ask("What is it?")
    panel.expect_alert("o3-mini cannot see images", "another model", "remove the image")
    assert server.turns == []
    app.configure(server.base_url, model="gpt-5")
    server.on("What", answer("Green."))
    panel.retry.click()
    expect(panel.answer).to_have_text("Green.")
    assert parts(server.turns[0])[0]["type"] == "input_image"


REFUSAL = "This model does not support image inputs."


def test_a_request_is_repeated_without_refused_images_and_the_answer_has_a_notice(
    app: App, panel: Panel, server: ScriptedServer
) -> None:
    # What a model refuses is remembered, so other tests use another model.
    app.configure(server.base_url, model="a-model-without-eyes")
    server.on("", fail(400, REFUSAL), answer("I cannot see it."))
    pick(panel, file("a.png", png(40, 30)))
    panel.ask("What is it?")
    expect(panel.answer.get_by_role("note")).to_contain_text("images")
    expect(panel.answer).to_contain_text("I cannot see it.")
    panel.expect_idle()
    assert {part["type"] for part in parts(server.turns[1])} == {"input_text"}


def test_a_providers_refusal_is_shown_and_the_image_can_be_removed(
    app: App, panel: Panel, server: ScriptedServer
) -> None:
    app.configure(server.base_url, model="a-model-that-refuses-anyway")
    server.on("", fail(400, REFUSAL), fail(400, REFUSAL), answer("Fine."))
    pick(panel, file("a.png", png(40, 30)))
    panel.ask("What is it?")
    panel.expect_alert("cannot see images", "remove the image", "does not support image inputs")
    panel.questions.last.get_by_role("button", name="Edit", exact=True).click()
    panel.questions.last.get_by_role("button", name="Remove a.png", exact=True).click()
    panel.edited.press("Enter")
    expect(panel.answer.locator(".text")).to_have_text("Fine.")
    assert [part["type"] for part in parts(server.turns[-1])] == ["input_text"]


def test_the_menu_by_keyboard_alone(panel: Panel, server: ScriptedServer) -> None:
    gate = Gate("Half", after=["way"])
    server.on("", gate)
    panel.ask("Hi")
    expect(panel.answer).to_have_text("Half")
    keyboard = panel.page.keyboard
    button = panel.page.get_by_role("button", name="Attach", exact=True)
    keyboard.press("Shift+Tab")
    expect(button).to_be_focused()
    keyboard.press("Enter")
    items = panel.page.get_by_role("menuitem")
    expect(items).to_have_text(["This page", "Selection", "Screenshot", "Image…"])
    item = items.first
    expect(item).to_be_focused()
    moves = (("ArrowDown", 1), ("ArrowUp", 0), ("ArrowUp", 3), ("ArrowDown", 0), ("End", 3))
    for key, at in (*moves, ("Home", 0)):
        keyboard.press(key)
        expect(items.nth(at)).to_be_focused()
    keyboard.press("Escape")
    expect(item).to_be_hidden()
    expect(button).to_be_focused()
    expect(panel.stop).to_be_visible()
    button.press("ArrowDown")
    expect(item).to_be_visible()
    keyboard.press("Tab")
    expect(item).to_be_hidden()
    gate.open.set()
    panel.expect_idle()


def test_an_export_brings_attachments_back(app: App, panel: Panel, server: ScriptedServer) -> None:
    server.on("", answer("Seen."))
    pick(panel, file("a.png", png(40, 30)))
    panel.ask("Look")
    expect(panel.answer).to_have_text("Seen.")
    panel.expect_idle()
    reply = app.send({"type": "ExportConversations", "format": "json"})
    text = reply["files"][0]["text"]
    renamed = text.replace(json.loads(text)["conversations"][-1]["id"], "imported")
    assert app.send({"type": "ImportConversations", "text": renamed})["imported"] == 1
    (attachment,) = json.loads(text)["conversations"][-1]["turns"][0]["attachments"]
    found = app.send({"type": "LoadAttachment", "conversation": "imported", "id": attachment["id"]})
    assert found["content"] == parts(server.turns[0])[0]["image_url"]
