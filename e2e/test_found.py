"""Search: in all conversations, in the one that is shown, and in exported files."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from e2e.app import App, Panel
from e2e.server import Gate, ScriptedServer
from e2e.test_conversations import ConversationList
from e2e.test_look import SCREENSHOTS

FUTURE = 10**13

MARKED = """name => [...CSS.highlights.get(name)].map(range => {
  const {top, bottom, left, right} = range.getBoundingClientRect();
  const stage = document.getElementById("stage").getBoundingClientRect();
  const isInView = top >= stage.top && bottom <= stage.bottom && left >= 0 && right <= innerWidth;
  return {text: range.toString(), isInView, isEmpty: bottom === top};
})"""


class FindBar:
    """The bar that finds text in the conversation that is shown."""

    def __init__(self, panel: Panel) -> None:
        self.page = panel.page
        self.button = panel.page.get_by_role("button", name="Find in conversation", exact=True)
        self.bar = panel.page.get_by_role("search", name="Find in conversation", exact=True)
        self.box = self.bar.get_by_role("textbox", name="Find", exact=True)
        self.status = self.bar.get_by_role("status")
        self.count = self.bar.locator(".find-count")

    def marked(self) -> list[str]:
        """The texts of all marked places."""
        return [place["text"] for place in self.page.evaluate(MARKED, "found")]

    def expect_current(self, text: str, status: str | re.Pattern[str]) -> None:
        """One hit is the current one: it has this text, is announced, and is in view."""
        expect(self.status).to_have_text(status)
        # It comes into view with the next frames.
        expect(self.page.locator("#stage")).to_be_visible()
        for _ in range(100):
            places = self.page.evaluate(MARKED, "found-current")
            if [(place["text"], place["isInView"]) for place in places] == [(text, True)]:
                return
            self.page.evaluate("() => new Promise(requestAnimationFrame)")
        pytest.fail(f"{text!r} is not in view: {places}")


def turn(name: str, position: int, user: str, text: str, **more: Any) -> dict[str, Any]:
    """A turn of an exported file."""
    block = {"kind": "text", "text": text, "open": False}
    output = [{"type": "output_text", "text": text}]
    return {
        "id": name,
        "user": user,
        "created_at": 1000 + position,
        "status": "completed",
        "model": "m",
        "blocks": [block],
        "version": 2,
        "position": position,
        "items": [{"type": "message", "role": "assistant", "content": output}],
        **more,
    }


def conversation(name: str, *turns: dict[str, Any], at: int = 1, **more: Any) -> dict[str, Any]:
    """A conversation of an exported file, its turns in one line unless they name their parents."""
    for number, each in enumerate(turns):
        if number and "parent" not in each:
            each["parent"] = turns[number - 1]["id"]
    times = {"created_at": at, "updated_at": at}
    return {"id": name, **times, "leaf": turns[-1]["id"], "turns": list(turns), **more}


def bring(app: App, *conversations: dict[str, Any]) -> None:
    """Import them in the place of all that there is."""
    app.send({"type": "FreeStorage", "older_than": FUTURE})
    file = {"format": "sidestream.conversations", "version": 3, "conversations": conversations}
    reply = app.send({"type": "ImportConversations", "text": json.dumps(file)})
    assert reply == {"ok": True, "imported": len(conversations), "skipped": 0}


def search(panel: Panel, query: str) -> ConversationList:
    """Open the list and search."""
    conversations = ConversationList(panel).show()
    conversations.search.fill(query)
    expect(conversations.rows.locator("mark").first).to_be_visible()
    return conversations


def long_conversation() -> dict[str, Any]:
    """A hundred turns, of which a panel is shown the last ones."""
    turns = []
    for number in range(100):
        text = f"Answer {number}.\n\n" + "Some more text that takes its place. " * 12
        if number == 4:
            text += (
                "\n\n```python\ndef load(user_profile_id):\n    return "
                + "1 + " * 60
                + "needle\n```"
                "\n\nA drowned **val**ley, a [li](https://example.com)nk, `fjo`rd.\n\n"
                "<details><summary>More</summary>\n\nBehind it: a skerry.\n\n</details>"
            )
        if number == 70:
            text += "\n\nAnother fjord."
        turns.append(turn(f"t{number}", number, f"Question {number}", text))
    turns[5]["user"] = "A long message\n" * 60 + "with a lagoon\n" + "and more\n" * 5
    turns[6]["blocks"].insert(
        0, {"kind": "reasoning", "text": "Think of an archipelago.", "open": False}
    )
    other = turn(
        "other", 100, "Question 3 anew", "On another branch: a **lock** of water.", parent="t2"
    )
    result = conversation("long", *turns, at=5)
    result["turns"].append(other)
    return result


@pytest.fixture
def long(app: App, panel: Panel) -> Panel:
    """A panel beside which there is a long conversation, and a short one that is shown."""
    short = conversation("short", turn("s", 0, "Shown", "Nothing of note."), at=9)
    bring(app, long_conversation(), short)
    return panel


def open_hit(panel: Panel, query: str) -> FindBar:
    """Search, and open the first row by keyboard."""
    conversations = search(panel, query)
    conversations.search.press("ArrowDown")
    panel.page.keyboard.press("Enter")
    expect(conversations.dialog).to_be_hidden()
    return FindBar(panel)


def test_a_hit_opens_at_its_place_however_far_back_and_the_next_is_a_key_away(
    long: Panel, app: App
) -> None:
    """chatwoot/chatwoot#1979 and status-im/status-app#20829.

    A hit opened its conversation at the end, and one had to look for it again.
    """
    find = open_hit(long, "fjord")
    find.expect_current("fjord", re.compile(r"^1 of 2: .*nk, fjord\.$"))
    expect(find.box).to_be_focused()
    expect(find.count).to_have_text("1/2")
    assert find.marked() == ["fjord", "fjord"]
    long.page.screenshot(path=SCREENSHOTS / "found-hit.png")
    long.page.keyboard.press("Enter")
    find.expect_current("fjord", "2 of 2: Another fjord.")
    long.page.keyboard.press("Shift+Enter")
    find.expect_current("fjord", re.compile("^1 of 2"))
    long.page.keyboard.press("Shift+F3")
    find.expect_current("fjord", re.compile("^2 of 2"))
    long.page.keyboard.press("Escape")
    expect(find.bar).to_be_hidden()
    expect(long.message).to_be_focused()
    assert find.marked() == []


@pytest.mark.parametrize(
    ("query", "marked"),
    [
        ("valley", "valley"),
        ("link", "link"),
        ("example.com", "li"),
        ("profile", "profile"),
        ("skerry", "skerry"),
        ("lagoon", "lagoon"),
        ("needle", "needle"),
        ("lock of water", "lock"),
    ],
)
def test_the_place_is_marked_in_whatever_it_is(long: Panel, query: str, marked: str) -> None:
    """theopenco/llmchat#46 marks in messages what was searched for.

    Bold, links, code with long lines, what is folded, another branch.
    """
    find = open_hit(long, query)
    find.expect_current(marked, re.compile(r"^[\d,]+ of [\d,]+: "))


def test_find_looks_through_what_is_not_loaded_and_in_reasoning(long: Panel) -> None:
    """ChatGPTNextWeb/NextChat#3283, eltmon/overdeck#1461: Ctrl+F found only what was drawn."""
    conversations = ConversationList(long).show()
    conversations.titles.filter(has_text="Question 0").click()
    expect(long.questions.last).to_contain_text("Question 99")
    find = FindBar(long)
    long.message.focus()
    long.page.keyboard.press("Control+f")
    expect(find.box).to_be_focused()
    long.page.keyboard.type("archipelago")
    find.expect_current("archipelago", "1 of 1: Think of an archipelago.")
    find.box.fill("Question 1")
    expect(find.count).to_have_text(re.compile(r"/11$"))
    find.box.fill("nowhere")
    expect(find.status).to_have_text("Not found")
    # An input method's keys are its own.
    composing = "new KeyboardEvent('keydown', {key: 'Escape', isComposing: true, bubbles: true})"
    find.box.evaluate(f"box => {{ box.dispatchEvent({composing}) }}")
    expect(find.bar).to_be_visible()
    long.page.keyboard.press("Escape")
    expect(find.bar).to_be_hidden()
    expect(long.message).to_be_focused()
    find.button.click()
    expect(find.box).to_be_focused()
    expect(find.box).to_have_value("nowhere")
    find.bar.get_by_role("button", name="Close find").click()
    expect(find.button).to_be_focused()


def test_find_follows_a_growing_answer_and_does_not_change_the_page(
    panel: Panel, server: ScriptedServer
) -> None:
    gate = Gate("One fjord. Two: fjo", after=["rd. Three: fjord.\n\nFour fjord"])
    server.on("More", gate)
    panel.ask("More")
    expect(panel.answer).to_have_text("One fjord. Two: fjo")
    nodes = "() => [...document.querySelectorAll('.blocks *')].length"
    find = FindBar(panel)
    panel.page.keyboard.press("Control+f")
    panel.page.keyboard.type("fjord")
    expect(find.count).to_have_text("1/1")
    before = panel.page.evaluate(nodes)
    panel.page.keyboard.press("Enter")
    assert panel.page.evaluate(nodes) == before
    # Esc closes the bar, and the answer continues.
    panel.page.keyboard.press("Escape")
    expect(find.bar).to_be_hidden()
    expect(panel.stop).to_be_visible()
    panel.page.keyboard.press("Control+f")
    expect(find.count).to_have_text("1/1")
    gate.open.set()
    expect(panel.answer).to_contain_text("Four fjord")
    expect(find.count).to_have_text("1/4")
    assert find.marked() == ["fjord"] * 4
    panel.page.keyboard.press("F3")
    find.expect_current("fjord", "2 of 4: One fjord. Two: fjord. Three: fjord.")
    panel.expect_idle()


SAID = {
    "compounds": "Die Krankenversicherungskarte liegt im Briefkasten.",
    "korean": "크롬브라우저에서 확장프로그램을 설치했습니다.",
    "chinese": "這是一句中文沒有空格。",
    "names": "Set `user_profile_id` in getUserProfileById on 192.168.17.4 for C++ and #123.",
    "accents": "un café, STRASSE, İstanbul, كَتَبَ, שָׁלוֹם, \uff46\uff55\uff4c\uff4c",
    "mail": "write to ada.lovelace@example.com 👩‍💻",
}
SEARCHES = {
    "versicherung": "compounds",
    "프로그램": "korean",
    "中": "chinese",
    "句中文": "chinese",
    "profile": "names",
    "17.4": "names",
    "c++": "names",
    "#123": "names",
    "profilebyid": "names",
    "CAFE": "accents",
    "straße": "accents",
    "istanbul": "accents",
    "كتب": "accents",
    "שלום": "accents",
    "full": "accents",
    "lovelace@": "mail",
    "👩‍💻": "mail",
    '"to ada"': "mail",
}


def test_words_are_found_by_their_parts_in_any_script_and_marked(app: App, panel: Panel) -> None:
    """element-hq/element-meta#1479, telegramdesktop/tdesktop#564, huggingface/chat-ui#1844."""
    bring(app, *(conversation(name, turn("1", 0, name, text)) for name, text in SAID.items()))
    conversations = ConversationList(panel).show()
    for query, name in SEARCHES.items():
        conversations.search.fill(query)
        expect(conversations.titles).to_have_text([name])
        expect(conversations.rows.locator("mark")).to_have_count(1)
    conversations.search.fill("nowhere")
    expect(conversations.dialog).to_contain_text("No matching conversations.")
    conversations.dialog.get_by_role("button", name="Export all").focus()
    panel.page.keyboard.press("Control+f")
    expect(conversations.search).to_be_focused()


def headings(text: str) -> list[str]:
    """The file's own headings."""
    return re.findall(r"^##? .*$", text, re.MULTILINE)


def test_an_export_closes_what_was_left_open_and_titles_mean_something(
    app: App, panel: Panel
) -> None:
    """intersystems-community/developer-community#72 (one `~~~` without its pair).

    epam/ai-dial-chat#8849 (backticks in titles), CherryHQ/cherry-studio#15760 (levels of headings).
    """
    turns = [
        turn("1", 0, "```python\ndef fetch_pages(urls):", "# Result\n\n```js\nlet x = 1;"),
        turn("2", 1, "---\n<details>", "<!-- never closed"),
        turn("3", 2, "Last", "The end"),
    ]
    bring(app, conversation("a", *turns))
    conversations = ConversationList(panel).show()
    expect(conversations.titles).to_have_text(["Code: def fetch_pages(urls)"])
    name, text = conversations.export(
        lambda: conversations.act("fetch_pages", "Export"), markdown=True
    )
    assert name == "sidestream-Code-def-fetch-pages-urls.md"
    assert headings(text) == ["# Code: def fetch_pages(urls)", *["## You", "## Assistant (m)"] * 3]
    assert "### Result" in text
    assert text.count("```") == 4
    assert "-->" in text
    assert "</details>" in text


@pytest.mark.parametrize("width", [320, 480])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_looks(long: Panel, width: int, scheme: Any) -> None:
    long.page.set_viewport_size({"width": width, "height": 640})
    long.page.emulate_media(color_scheme=scheme)
    search(long, "fjord some")
    long.page.screenshot(path=SCREENSHOTS / f"found-list-{width}-{scheme}.png")
    long.page.keyboard.press("ArrowDown")
    long.page.keyboard.press("Enter")
    find = FindBar(long)
    expect(find.status).to_have_text(re.compile(r"^[\d,]+ of [\d,]+: "))
    assert is_inside(long.page, find.bar)
    long.page.screenshot(path=SCREENSHOTS / f"found-place-{width}-{scheme}.png")


def is_inside(page: Page, part: Locator) -> bool:
    """Whether nothing of it is beyond the panel's sides."""
    box = part.bounding_box()
    size = page.viewport_size
    return (
        box is not None
        and size is not None
        and box["x"] >= 0
        and box["x"] + box["width"] <= size["width"]
    )
