"""What a conversation may do: its permissions, its limits, and approvals of calls."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, expect

from e2e.app import App, Panel, choose
from e2e.server import ScriptedServer, answer, python_calls


def may(panel: Panel) -> Locator:
    """The summary of the permissions."""
    return panel.page.locator("#permission-summary")


def section(panel: Panel) -> Locator:
    """The list of permissions, which the summary opens."""
    may(panel).click()
    return panel.page.get_by_role("region", name="What this conversation may do")


def save(panel: Panel) -> None:
    panel.page.get_by_role("button", name="Save", exact=True).click()


def test_the_list_is_kept_and_holds_for_one_conversation(
    app: App, panel: Panel, server: ScriptedServer
) -> None:
    expect(may(panel)).to_have_text("Tools: off")
    listed = section(panel)
    expect(listed).to_be_in_viewport()
    python = listed.get_by_role("combobox", name="Python", exact=True)
    expect(python).to_be_focused()
    panel.page.keyboard.type("Ask")
    expect(python).to_have_value("ask")
    listed.get_by_role("textbox", name="Hosts that Python may reach").fill(
        "https://api.example.com/\nlocalhost:8000"
    )
    search = listed.get_by_role("switch", name="Web search", exact=True)
    search.focus()
    panel.page.keyboard.press("Space")
    listed.get_by_role("spinbutton", name="Tool calls", exact=True).fill("7")
    save(panel)
    expect(may(panel)).to_have_text("Tools: Python (asks, 2 hosts), Web search")

    # It outlives the worker, and every panel with the conversation shows it.
    panel.ask("Hello")
    expect(panel.answer).to_have_text("You said: Hello")
    panel.expect_idle()
    app.stop_worker(panel.page)
    other = app.open_panel()
    expect(may(other)).to_have_text("Tools: Python (asks, 2 hosts), Web search")
    listed = section(other)
    expect(listed.get_by_role("combobox", name="Python", exact=True)).to_have_value("ask")
    expect(listed.get_by_role("switch", name="Web search", exact=True)).to_be_checked()
    expect(listed.get_by_role("textbox", name="Hosts that Python may reach")).to_have_value(
        "api.example.com\nlocalhost:8000"
    )
    expect(listed.get_by_role("spinbutton", name="Tool calls")).to_have_value("7")
    other.page.get_by_role("button", name="Use defaults").click()
    save(other)
    expect(may(other)).to_have_text("Tools: off")
    panel.message.fill("The panel calls the worker again")
    expect(may(panel)).to_have_text("Tools: off")
    choose(panel, python="Without asking")
    expect(may(other)).to_have_text("Tools: Python")
    panel.new_chat.click()
    expect(may(panel)).to_have_text("Tools: off")


def test_a_permission_that_cannot_work_is_explained_beside_it(panel: Panel) -> None:
    listed = section(panel)
    hosts = listed.get_by_role("textbox", name="Hosts that Python may reach")
    status = panel.page.get_by_role("dialog").get_by_role("status")
    hosts.fill("*.example.com")
    save(panel)
    expect(status).to_contain_text("asterisk")
    expect(hosts).to_be_focused()
    hosts.fill("")
    stores = listed.get_by_role("textbox", name="Vector stores")
    expect(stores).to_be_hidden()
    listed.get_by_role("switch", name="File search", exact=True).check()
    save(panel)
    expect(status).to_contain_text("vector store")
    expect(stores).to_be_focused()
    stores.fill("vs_1, vs_2")
    for wrong in ("0", "-3", "1.5"):
        listed.get_by_role("spinbutton", name="Tokens", exact=True).fill(wrong)
        save(panel)
        expect(status).to_contain_text("whole number")
    listed.get_by_role("spinbutton", name="Tokens", exact=True).fill("")
    save(panel)
    expect(may(panel)).to_have_text("Tools: File search")
    expect(section(panel).get_by_role("textbox", name="Vector stores")).to_have_value("vs_1, vs_2")


def test_only_what_the_provider_has_can_be_switched_on(
    app: App, panel: Panel, server: ScriptedServer
) -> None:
    choose(panel, web_search="On")
    app.configure(server.base_url, wire_api="chat")
    expect(may(panel)).to_contain_text("Tools: off. Not available from Scripted: ")
    listed = section(panel)
    # What is on is listed, so that it can be switched off.
    expect(listed.get_by_role("switch")).to_have_count(1)
    expect(listed).to_contain_text("Not available from Scripted.")
    listed.get_by_role("switch", name="Web search", exact=True).uncheck()
    save(panel)
    expect(section(panel).get_by_role("switch")).to_have_count(0)


def test_the_user_approves_or_refuses_a_call(panel: Panel, server: ScriptedServer) -> None:
    choose(panel, python="Ask each time")
    server.on("Go", python_calls("'first'", "import math"), python_calls("3"), answer("Done."))
    panel.ask("Go")
    asking = panel.answer.get_by_role("group", name="Allow Python?", exact=True)
    expect(asking).to_have_count(2)
    expect(panel.answer.locator("pre .hl-keyword")).to_have_text("import")
    # By keyboard: after one answer, the next question has the focus, and none of its buttons.
    keyboard = panel.page.keyboard
    asking.first.get_by_role("button", name="Allow once", exact=True).focus()
    keyboard.press("Enter")
    expect(asking).to_have_count(1)
    expect(asking).to_be_focused()
    keyboard.press("Enter")
    keyboard.press("Tab")
    expect(asking.get_by_role("button", name="Allow once", exact=True)).to_be_focused()
    keyboard.press("Tab")
    keyboard.press("Enter")
    expect(panel.message).to_be_focused()
    expect(panel.answer.locator(".call").nth(1)).to_contain_text("refused")
    expect(asking).to_have_count(1)
    asking.get_by_role("button", name="Never in this conversation", exact=True).click()
    expect(panel.answer).to_contain_text("Done.")
    panel.expect_idle()
    expect(may(panel)).to_have_text("Tools: off")
    expect(section(panel).get_by_role("combobox", name="Python", exact=True)).to_have_value("")


def test_an_approval_names_the_hosts_that_code_may_reach(
    panel: Panel, server: ScriptedServer
) -> None:
    listed = section(panel)
    listed.get_by_role("combobox", name="Python", exact=True).select_option("Ask each time")
    listed.get_by_role("textbox", name="Hosts that Python may reach").fill("api.example.com")
    save(panel)
    server.on("Go", python_calls("1"))
    panel.ask("Go")
    expect(panel.answer.get_by_role("alert")).to_contain_text("It can reach api.example.com.")
    panel.stop.click()
    panel.expect_idle()
    expect(panel.answer.locator(".call")).to_contain_text("not carried out")


@pytest.mark.parametrize(
    ("limit", "value", "says"),
    [("Tool calls", "1", "once"), ("Tokens", "20", "30 tokens"), ("Seconds", "3", "3 s")],
)
def test_at_a_limit_the_answer_ends_and_can_be_continued(
    panel: Panel, server: ScriptedServer, limit: str, value: str, says: str
) -> None:
    listed = section(panel)
    listed.get_by_role("combobox", name="Python", exact=True).select_option("Without asking")
    listed.get_by_role("spinbutton", name=limit, exact=True).fill(value)
    save(panel)
    # Python may take all of the time to start; the call does not end by itself.
    first, count = ("while True: pass", 1) if limit == "Seconds" else ("print('first')", 2)
    server.on("Go", python_calls(first), python_calls("'second'"), answer("never"))
    panel.ask("Go")
    panel.expect_alert(says, "this conversation allows")
    expect(panel.answer.locator(".call")).to_have_count(count)
    ended = "ended early" if limit == "Seconds" else "not carried out"
    expect(panel.answer.locator(".call").last).to_contain_text(ended)
    panel.page.get_by_role("button", name="Change the limits", exact=True).click()
    expect(listed).to_be_in_viewport()
    listed.get_by_role("spinbutton", name=limit, exact=True).fill("")
    save(panel)
    server.on("Continue.", answer("And the rest."))
    panel.page.get_by_role("button", name="Continue", exact=True).click()
    expect(panel.answer).to_have_text("And the rest.")
    panel.expect_idle()
    told = [item["output"] for item in server.turns[-1].json["input"] if "output" in item]
    assert len(told) == count
    assert "The answer came to a limit before this call" in told[-1]


def test_the_keyboard_focus_stays_in_the_panel_when_an_approval_closes(
    panel: Panel, server: ScriptedServer
) -> None:
    choose(panel, python="Ask each time")
    server.on("Stop it", python_calls("1 + 1"), answer("never"))
    panel.ask("Stop it")
    allow = panel.page.get_by_role("button", name="Allow once", exact=True)
    allow.focus()
    panel.page.keyboard.press("Escape")
    expect(allow).to_have_count(0)
    expect(panel.message).to_be_focused()


def test_a_call_must_be_read_to_its_end_before_it_is_approved(
    panel: Panel, server: ScriptedServer
) -> None:
    """A call cannot be allowed before the end of what it would do was in view.

    anomalyco/opencode#38526: blank lines before a dangerous command.
    NousResearch/hermes-agent#38582: no way to the hidden lines for the keyboard and screen readers.
    """
    codes = {
        "padded": f"x = 1{chr(0xA0) * 4000}; print('hidden')",
        "dashes": f"# {'-' * 4000}\nprint('at once')",
        "blank lines": f"x = 1{chr(10) * 70}print('by buttons')",
    }
    choose(panel, python="Ask each time")
    server.on("Go", python_calls(*codes.values()), answer("Done."))
    panel.ask("Go")
    asking = panel.answer.get_by_role("group", name="Allow Python?", exact=True)
    expect(asking).to_have_count(3)
    call = panel.answer.locator(".call", has=panel.page.locator(".ask"))
    code = call.first.locator("pre.arguments")
    allow = asking.first.get_by_role("button", name="Allow once", exact=True)
    always = asking.first.get_by_role("button", name="Allow in this conversation", exact=True)
    below = asking.first.get_by_role("status")

    expect(allow).to_be_enabled()
    expect(code).to_have_text(f"x = 1⟨U+00A0 {chr(0xD7)} 4,000⟩; print('hidden')")
    asking.first.get_by_role("button", name="Don't allow", exact=True).click()
    expect(asking).to_have_count(2)

    expect(below).to_contain_text("lines are below")
    expect(allow).to_be_disabled()
    expect(always).to_be_disabled()
    assert code.evaluate("pre => pre.scrollTop") == 0
    # It can be reached, shows what it waits for, and does nothing.
    allow.focus()
    expect(allow).to_have_accessible_description(re.compile("lines are below"))
    panel.page.keyboard.press("Enter")
    allow.click(force=True)
    expect(asking).to_have_count(2)
    asking.first.get_by_role("button", name="To the end", exact=True).click()
    expect(below).to_have_text("The end is in view.")
    expect(allow).to_be_enabled()
    expect(code).to_be_in_viewport()
    asking.first.get_by_role("button", name="Don't allow", exact=True).click()
    expect(asking).to_have_count(1)

    further = asking.first.get_by_role("button", name="Next lines", exact=True)
    expect(allow).to_be_disabled()
    further.focus()
    presses = 0
    while allow.get_attribute("aria-disabled") == "true":
        before = code.evaluate("pre => pre.scrollTop")
        panel.page.keyboard.press("Enter")
        presses += 1
        if code.evaluate("pre => pre.scrollTop") == before:
            expect(allow).to_be_enabled()
    assert presses > 1
    expect(further).to_be_focused()
    always.click()
    expect(panel.answer).to_contain_text("Done.")


def test_a_line_without_end_is_seen_by_keyboard(panel: Panel, server: ScriptedServer) -> None:
    """automic-vault/automic-vault#157: the end of a long line was not in view."""
    choose(panel, python="Ask each time")
    server.on("Go", python_calls(f"x = '{'y' * 1_000_000}'; print('by keys')"), answer("Done."))
    panel.ask("Go")
    allow = panel.page.get_by_role("button", name="Allow once", exact=True)
    expect(panel.answer.get_by_role("group").get_by_role("status")).to_contain_text("are below")
    expect(allow).to_be_disabled()
    panel.answer.locator("pre.arguments").focus()
    panel.page.keyboard.press("End")
    expect(allow).to_be_enabled()
    allow.focus()
    panel.page.keyboard.press("Enter")
    expect(panel.answer).to_contain_text("Done.")
