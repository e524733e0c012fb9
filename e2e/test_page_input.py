"""The page as an attachment, from every entry point: it is read, shown and sent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from e2e import cdp
from e2e.app import API_KEY, QUIET, App, Panel, extension_id, load_extensions
from e2e.pages import RESOLVER_RULES, Pages
from e2e.patience import PATIENCE
from e2e.server import Exchange, ScriptedServer

PAGE = "<title>Rain over the hills</title><p id=rain>It rained for <b>three</b> days.<p>Then not."
TEXT = "It rained for three days.\n\nThen not."


@pytest.fixture(scope="module")
def browser_arguments() -> list[str]:
    """The browser finds every `.test` site here."""
    return [RESOLVER_RULES]


def tray(panel: Panel) -> Locator:
    """The attachments of the next message."""
    return panel.page.locator("#tray > li")


def attach(panel: Panel, what: str) -> None:
    """Choose it in the menu at the composer."""
    panel.page.get_by_role("button", name="Attach", exact=True).click()
    panel.page.get_by_role("menuitem", name=what, exact=True).click()


def note(panel: Panel) -> Locator:
    return panel.page.locator("#page-note")


def parts(exchange: Exchange) -> list[dict[str, Any]]:
    """The parts of the last message of the user."""
    messages = exchange.json["input"]
    content: list[dict[str, Any]] = [m for m in messages if m.get("role") == "user"][-1]["content"]
    return content


def dispatch(app: App, event: str, *arguments: str) -> None:
    """The events that Chrome sends to the worker for a user's action, in the tab `TAB`.

    Headless, there is no menu, no keyboard of the browser's own and no address bar to act on.
    """
    (worker,) = app.context.service_workers
    worker.evaluate(
        f"""async () => {{
          const [TAB] = await chrome.tabs.query({{active: true, lastFocusedWindow: true}});
          chrome.{event}.dispatch({", ".join(arguments)});
        }}"""
    )


def select(page: Any) -> None:
    page.evaluate("getSelection().selectAllChildren(rain)")


def test_the_page_is_attached_looked_at_removed_and_sent(
    app: App, panel: Panel, server: ScriptedServer, pages: Pages
) -> None:
    url = pages.put("/rain", PAGE)
    app.context.new_page().goto(url)
    attach(panel, "This page")
    expect(tray(panel)).to_have_count(1)
    expect(tray(panel)).to_contain_text("Rain over the hills")
    expect(tray(panel)).to_contain_text("about 9 tokens")
    expect(panel.message).to_be_focused()
    assert server.turns == []

    tray(panel).get_by_role("button", name="Rain over the hills").first.click()
    dialog = panel.page.get_by_role("dialog", name="Rain over the hills")
    expect(dialog).to_contain_text("It rained for three days.")
    panel.page.keyboard.press("Escape")
    tray(panel).get_by_role("button", name="Remove").click()
    expect(tray(panel)).to_have_count(0)
    panel.ask("Without")
    expect(panel.answer).to_have_text("You said: Without")
    assert "rained" not in server.turns[0].body.decode()

    attach(panel, "This page")
    expect(tray(panel)).to_have_count(1)
    panel.ask("With it")
    expect(panel.answer).to_contain_text("With it")
    attached, asked = parts(server.turns[1])
    assert attached["text"].startswith('<untrusted source="web page" id="')
    assert f"\nRain over the hills\n{url}\n\n{TEXT}\n</untrusted id=" in attached["text"]
    assert asked["text"] == "With it"
    assert "<untrusted>" in server.turns[1].json["instructions"]
    assert "instructions" not in server.turns[0].json or (
        "<untrusted>" not in server.turns[0].json["instructions"]
    )


def test_the_selection_is_attached(app: App, panel: Panel, pages: Pages) -> None:
    page = app.context.new_page()
    page.goto(pages.put("/rain", PAGE))
    attach(panel, "Selection")
    expect(panel.page.locator("#tray-note")).to_have_text(
        "Nothing is selected on this page. Select some text, then try again."
    )
    select(page)
    attach(panel, "Selection")
    expect(tray(panel)).to_have_count(1)
    expect(panel.page.locator("#tray-note")).to_be_hidden()
    tray(panel).get_by_role("button", name="Rain over the hills").first.click()
    dialog = panel.page.get_by_role("dialog", name="Rain over the hills")
    expect(dialog).to_contain_text("It rained for three days.")
    expect(dialog).not_to_contain_text("Then not.")


def test_without_permission_a_hint_is_shown(app: App, panel: Panel, pages: Pages) -> None:
    app.context.new_page().goto(pages.put("/rain", PAGE, host="site.test"))
    attach(panel, "This page")
    expect(note(panel)).to_contain_text("Sidestream may not read this page yet.")
    expect(note(panel)).to_contain_text(
        "Click Sidestream's icon in the toolbar, or press Alt+Shift+D, while the page is shown."
    )
    allow = note(panel).get_by_role("button", name="Allow on all sites", exact=True)
    expect(allow).to_be_visible()
    # The browser's prompt cannot be answered in headless mode.
    panel.page.evaluate(
        "chrome.permissions.request = async (asked) => { globalThis.asked = asked }"
    )
    allow.click()
    expect(note(panel)).to_be_visible()
    assert panel.page.evaluate("globalThis.asked") == {"origins": ["https://*/*", "http://*/*"]}
    note(panel).get_by_role("button", name="Dismiss", exact=True).click()
    expect(note(panel)).to_be_hidden()
    expect(panel.message).to_be_focused()
    # No permission for sites is enough for a screenshot.
    attach(panel, "Screenshot")
    expect(note(panel)).to_be_visible()
    expect(allow).to_be_hidden()


def test_the_menu_of_a_page_asks_about_the_selection(
    app: App, panel: Panel, server: ScriptedServer, pages: Pages
) -> None:
    page = app.context.new_page()
    page.goto(pages.put("/rain", PAGE))
    select(page)
    chosen = '{menuItemId: "selection", selectionText: "It rained for three days."}'
    dispatch(app, "contextMenus.onClicked", chosen, "TAB")
    expect(tray(panel)).to_have_count(1)
    expect(tray(panel)).to_contain_text("Rain over the hills")
    expect(panel.message).to_be_focused()
    panel.ask("Why?")
    expect(panel.answer).to_contain_text("Why?")
    attached, _ = parts(server.turns[0])
    assert 'source="selection on a web page"' in attached["text"]
    assert "\n\nIt rained for three days.\n" in attached["text"]

    # Where Sidestream may not read, the browser's word is there still; what it may read is not
    # what was pointed at.
    elsewhere = '{menuItemId: "selection", selectionText: "Words of a frame"}'
    dispatch(app, "contextMenus.onClicked", elsewhere, "TAB")
    expect(tray(panel)).to_have_count(1)
    panel.ask("And this?")
    expect(panel.answer).to_contain_text("And this?")
    attached, _ = parts(server.turns[1])
    assert "Words of a frame" in attached["text"]
    assert "three days" not in attached["text"]


def test_a_key_and_the_menu_attach_the_page_once(
    app: App, panel: Panel, pages: Pages, server: ScriptedServer
) -> None:
    app.context.new_page().goto(pages.put("/rain", PAGE))
    other = app.open_panel()
    app.context.new_page().goto(pages.put("/rain", PAGE))
    dispatch(app, "commands.onCommand", '"attach-page"', "TAB")
    # Two panels in one window, and either may take it.
    panel.page.wait_for_function(
        """() => new Promise((resolve) => {
          indexedDB.open("sidestream").onsuccess = ({target: {result: database}}) => {
            const drafts = database.transaction("drafts").objectStore("drafts").getAll();
            drafts.onsuccess = () => resolve(drafts.result.some((each) => each.attachments.length));
            database.close();
          };
        })""",
        polling=100,
    )
    other.page.wait_for_timeout(300)
    assert tray(panel).count() + tray(other).count() == 1
    dispatch(app, "commands.onCommand", '"another"', "TAB")
    # A panel that only opens afterwards takes what was brought before.
    other.page.close()
    panel.page.goto("about:blank")
    app.context.new_page().goto(pages.put("/later", "<title>Later</title><p>Words"))
    dispatch(app, "contextMenus.onClicked", '{menuItemId: "page"}', "TAB")
    late = app.open_panel()
    expect(tray(late).filter(has_text="Later")).to_have_count(1)
    late.page.reload()
    expect(tray(late).filter(has_text="Later")).to_have_count(1)


def test_a_page_that_was_not_read_is_reported_in_the_panel_that_opens(
    app: App, panel: Panel, pages: Pages
) -> None:
    # Events of a test grant nothing. A user's file without permission has the same result.
    app.context.new_page().goto(pages.put("/rain", PAGE, host="site.test"))
    dispatch(app, "commands.onCommand", '"attach-page"', "TAB")
    expect(panel.page.locator("#tray-note")).to_contain_text("Extensions can't read this page.")
    expect(panel.page.locator("#tray-note")).to_contain_text("chrome://extensions")


def test_the_address_bar_asks_in_a_new_conversation(
    app: App, panel: Panel, server: ScriptedServer
) -> None:
    panel.ask("Before")
    expect(panel.answer).to_have_text("You said: Before")
    panel.expect_idle()
    panel.message.fill("A draft")
    dispatch(app, "omnibox.onInputStarted")
    dispatch(app, "omnibox.onInputEntered", '" How deep is a fjord? "', '"currentTab"')
    expect(panel.answer).to_have_text("You said: How deep is a fjord?")
    expect(panel.questions).to_have_count(1)
    # What was being written belongs to the conversation before.
    expect(panel.message).to_have_value("")
    turns = server.turns_of("How deep is a fjord?")
    assert len(turns) == 1
    assert "Before" not in turns[0].body.decode()


def test_a_question_from_the_address_bar_stays_in_the_box_without_a_provider(
    fresh_app: App,
) -> None:
    panel = fresh_app.open_panel()
    dispatch(fresh_app, "omnibox.onInputEntered", '"How deep?"', '"currentTab"')
    expect(panel.message).to_have_value("How deep?")
    expect(panel.questions).to_have_count(0)


# --- the real side panel, opened by the real icon ----------------------------------------------


class SidePanel:
    """Chromium with its side panel, which Playwright does not see."""

    def __init__(self, browser: cdp.PipeBrowser, extension: Path) -> None:
        self._browser = browser
        self._id = extension_id(extension)

    def expect_started(self) -> None:
        """The worker listens."""
        cdp.wait_until(lambda: self._browser.targets("service_worker"), PATIENCE, "the worker")
        page = self._browser.open(f"chrome-extension://{self._id}/options/index.html")
        page.wait_until("document.readyState === 'complete' && !!chrome.runtime?.id", 60)
        page.evaluate("chrome.runtime.sendMessage({type: 'LoadSettings'})")
        page.close()

    def open(self, url: str) -> cdp.Page:
        """A tab with the page."""
        page = self._browser.open(url)
        # A new tab begins with an empty document, which is complete as well.
        there = f"location.href === {json.dumps(url)} && document.readyState === 'complete'"
        page.wait_until(there, 60)
        return page

    def click_icon(self, url: str) -> None:
        """As the user does, while the tab with this address is shown."""
        tabs = self._browser.send("Target.getTargets", filter=[{"type": "tab", "exclude": False}])
        (tab,) = (tab["targetId"] for tab in tabs["targetInfos"] if tab["url"] == url)
        self._browser.send("Extensions.triggerAction", id=self._id, targetId=tab)

    @property
    def targets(self) -> list[str]:
        found = self._browser.targets("page")
        return [each["targetId"] for each in found if "/sidepanel/" in each["url"]]

    def panel(self) -> cdp.Page:
        """The panel, as soon as it is there."""
        (target,) = cdp.wait_until(lambda: self.targets, PATIENCE, "the side panel")
        page = cdp.Page(self._browser, target)
        page.wait_until("document.querySelector('#attach:not([hidden])') !== null", 60)
        return page

    def expect_closed(self) -> None:
        cdp.wait_until(lambda: not self.targets, PATIENCE, "no side panel")


CHOOSE = """what => {
  document.getElementById("attach").click();
  const items = [...document.querySelectorAll("#attach-menu > button")];
  items.find(({textContent}) => textContent === what).click();
}"""


def expect_attached(panel: cdp.Page, count: int) -> None:
    """So many attachments are in the tray."""
    words = "document.getElementById('composer').innerText"
    there = "document.querySelectorAll('#tray > li').length"
    try:
        cdp.wait_until(lambda: panel.evaluate(there) == count, PATIENCE, f"{count} attachments")
    except AssertionError as error:
        raise AssertionError(panel.evaluate(words)) from error


def test_a_click_on_the_icon_lets_the_page_be_read_and_toggles_the_panel(
    chromium: str, extension: Path, tmp_path: Path, pages: Pages
) -> None:
    arguments = [*QUIET, *load_extensions(extension), RESOLVER_RULES]
    debugging = "--enable-unsafe-extension-debugging"
    with cdp.PipeBrowser(chromium, tmp_path / "profile", *arguments, debugging) as browser:
        side = SidePanel(browser, extension)
        first = pages.put("/rain", PAGE, host="site.test")
        second = pages.put("/other", "<title>Other</title><p>Other words", host="other.test")
        side.expect_started()
        tab = side.open(first)
        side.click_icon(first)
        panel = side.panel()
        panel.evaluate(f"({CHOOSE})('This page')")
        expect_attached(panel, 1)
        assert "Rain over the hills" in panel.evaluate("document.getElementById('tray').innerText")
        panel.evaluate(f"({CHOOSE})('Screenshot')")
        panel.wait_until("document.querySelectorAll('#tray > li.image').length === 1", 60)

        side.click_icon(first)
        side.expect_closed()
        side.click_icon(first)
        panel = side.panel()
        expect_attached(panel, 2)

        # On another site the permission ends, and the click that renews it closes nothing.
        tab.send("Page.navigate", url=second)
        tab.wait_until("document.title === 'Other'", 60)
        panel.evaluate(f"({CHOOSE})('This page')")
        panel.wait_until("!document.getElementById('page-note').hidden", 60)
        side.click_icon(second)
        expect_attached(panel, 3)
        assert panel.evaluate("document.getElementById('page-note').hidden")
        assert "Other" in panel.evaluate("document.getElementById('tray').innerText")
        side.click_icon(second)
        side.expect_closed()


def test_the_browser_takes_the_suggested_keys(app: App, panel: Panel) -> None:
    # Without a word, it leaves a command without a key when it has that key itself.
    commands = panel.page.evaluate("chrome.commands.getAll()")
    keys = {command["name"]: command["shortcut"] for command in commands}
    assert keys == {"_execute_action": "Alt+Shift+S", "attach-page": "Alt+Shift+D"}


def test_what_is_kept_and_sent_of_a_page_holds_no_key(
    app: App, panel: Panel, server: ScriptedServer, pages: Pages
) -> None:
    app.context.new_page().goto(pages.put("/rain", PAGE))
    attach(panel, "This page")
    expect(tray(panel)).to_have_count(1)
    panel.ask("With it")
    expect(panel.answer).to_contain_text("With it")
    assert API_KEY.encode() not in server.turns[0].body
