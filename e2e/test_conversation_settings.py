"""Settings of a single conversation."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from e2e.app import API_KEY, App, Panel
from e2e.server import MODEL, Exchange, ScriptedServer

# A model that is known to take efforts and verbosity.
OTHER = "gpt-5.1"


def asked(turn: Exchange) -> tuple[str, str | None, str | None, str | None]:
    """Model, instructions, effort and verbosity of a request."""
    data = turn.json
    effort = (data.get("reasoning") or {}).get("effort")
    return data["model"], data.get("instructions"), effort, data.get("text", {}).get("verbosity")


def test_the_defaults_come_back(panel: Panel, server: ScriptedServer) -> None:
    settings = panel.settings()
    settings.instructions.fill("Be brief.")
    settings.save()
    settings = panel.settings()
    expect(settings.instructions).to_have_value("Be brief.")
    settings.dialog.get_by_role("button", name="Use defaults").click()
    expect(settings.instructions).to_have_value("")
    settings.save()
    panel.ask("As ever")
    expect(panel.answer).to_have_text("You said: As ever")
    panel.expect_idle()
    assert asked(server.turns[-1])[:3] == (MODEL, None, None)


def test_a_conversation_has_a_profile_of_its_own(
    app: App, panel: Panel, server: ScriptedServer
) -> None:
    second = app.settings(server.base_url, wire_api="chat", name="Second")
    reply = app.send({"type": "SaveProfile", "profile": {"settings": second}, "api_key": API_KEY})
    assert reply["ok"], reply
    settings = panel.settings()
    settings.profile.select_option(label=f"Second · {MODEL}")
    settings.save()
    choice = panel.page.get_by_role("combobox", name="Provider profile", exact=True)
    expect(choice).to_have_value(reply["profile_id"])
    panel.ask("First")
    expect(panel.answer).to_have_text("You said: First")
    panel.expect_idle()
    panel.new_chat.click()
    panel.ask("Second")
    expect(panel.answer).to_have_text("You said: Second")
    panel.expect_idle()
    paths = [turn.path.removeprefix("/v1") for turn in server.turns]
    assert paths == ["/chat/completions", "/responses"]
    app.send({"type": "RemoveProfile", "id": reply["profile_id"]})


def test_a_conversation_is_summarised_when_the_user_wishes(
    panel: Panel, server: ScriptedServer
) -> None:
    panel.ask("First")
    expect(panel.answer).to_have_text("You said: First")
    panel.expect_idle()
    panel.settings().compact.click()
    note = panel.conversation.get_by_role("article", name="Summary", exact=True)
    expect(note.get_by_text("Earlier messages were summarised")).to_be_visible()
    panel.expect_idle()
    expect(panel.questions).to_have_text(["First"])
    panel.ask("Second")
    # A server whose template wants the roles to alternate gets summary and message as one.
    expect(panel.answer).to_have_text(re.compile("Second$"))
    panel.expect_idle()
    expect(panel.questions).to_have_text(["First", "Second"])


def test_model_instructions_and_effort_hold_for_one_conversation(
    app: App, panel: Panel, server: ScriptedServer
) -> None:
    server.models = [MODEL, OTHER]
    settings = panel.settings()
    settings.model.fill(OTHER)
    settings.instructions.fill("Be brief.")
    settings.effort.select_option("low")
    settings.verbosity.select_option("high")
    settings.save()
    expect(panel.page.locator("#model")).to_have_text(OTHER)
    panel.ask("Mine")
    expect(panel.answer).to_have_text("You said: Mine")
    panel.expect_idle()
    assert asked(server.turns[-1]) == (OTHER, "Be brief.", "low", "high")

    # They stay when the worker ends, and every panel with the conversation has them.
    app.stop_worker(panel.page)
    other = app.open_panel()
    expect(other.page.locator("#model")).to_have_text(OTHER)
    opened = other.settings()
    expect(opened.model).to_have_value(OTHER)
    expect(opened.instructions).to_have_value("Be brief.")
    expect(opened.effort).to_have_value("low")
    opened.effort.select_option("high")
    opened.save()
    panel.ask("Still mine")
    expect(panel.answer).to_have_text("You said: Still mine")
    panel.expect_idle()
    assert asked(server.turns[-1]) == (OTHER, "Be brief.", "high", "high")

    panel.new_chat.click()
    expect(panel.page.locator("#model")).to_have_text(MODEL)
    panel.ask("Another")
    expect(panel.answer).to_have_text("You said: Another")
    panel.expect_idle()
    assert asked(server.turns[-1])[:3] == (MODEL, None, None)
