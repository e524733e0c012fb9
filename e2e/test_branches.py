"""Branches: edited messages, regenerated answers, long conversations."""

from __future__ import annotations

import json
from typing import Any

from playwright.sync_api import expect

from e2e.app import App, Panel
from e2e.server import Exchange, Gate, ScriptedServer, answer

LAST = 100
SHOWN = 40
"""The number of turns that the panel receives at once."""


def history(turn: Exchange) -> list[str]:
    """What a request holds of the conversation, without instructions."""
    return [
        "".join(part["text"] for part in item["content"])
        for item in turn.json["input"]
        if item.get("role") in ("user", "assistant")
    ]


def test_an_edited_message_begins_a_branch_and_both_can_be_read(
    panel: Panel, server: ScriptedServer
) -> None:
    panel.ask("First")
    panel.expect_idle()
    panel.ask("Secnod")
    panel.expect_idle()
    panel.ask("Third")
    expect(panel.answer).to_have_text("You said: Third")
    panel.expect_idle()
    panel.edit("Secnod", "Second")
    expect(panel.questions).to_have_text(["First", "Second"])
    expect(panel.answers).to_have_text(["You said: First", "You said: Second"])
    panel.expect_idle()
    expect(panel.message).to_be_focused()
    panel.version(2, 2).get_by_role("button", name="Previous version").click()
    expect(panel.questions).to_have_text(["First", "Secnod", "Third"])
    expect(panel.version(1, 2).get_by_role("button", name="Previous version")).to_be_disabled()
    next_version = panel.version(1, 2).get_by_role("button", name="Next version")
    expect(next_version).to_be_focused()
    next_version.press("Enter")
    expect(panel.questions).to_have_text(["First", "Second"])
    # The next message continues the branch that is shown, and holds nothing of the other one.
    panel.ask("Fourth")
    expect(panel.answer).to_have_text("You said: Fourth")
    panel.expect_idle()
    assert history(server.turns[-1]) == [
        "First",
        "You said: First",
        "Second",
        "You said: Second",
        "Fourth",
    ]


def test_an_answer_is_regenerated_beside_the_first_one(
    panel: Panel, server: ScriptedServer
) -> None:
    server.on("Dice", answer("One"), answer("Two"), answer("Three"))
    panel.ask("Dice?")
    for text in ("One", "Two"):
        expect(panel.answer).to_have_text(text)
        panel.expect_idle()
        panel.regenerate()
    expect(panel.answers).to_have_text(["Three"])
    panel.expect_idle()
    panel.version(3, 3).get_by_role("button", name="Previous version").click()
    expect(panel.answers).to_have_text(["Two"])
    assert [history(turn) for turn in server.turns] == [["Dice?"]] * 3


def test_the_branch_that_is_shown_survives_reload_and_the_workers_end(
    app: App, panel: Panel
) -> None:
    panel.ask("One")
    panel.expect_idle()
    panel.edit("One", "Two")
    expect(panel.answers).to_have_text(["You said: Two"])
    panel.expect_idle()
    panel.version(2, 2).get_by_role("button", name="Previous version").click()
    expect(panel.answers).to_have_text(["You said: One"])
    panel.page.reload()
    expect(panel.answers).to_have_text(["You said: One"])
    expect(panel.version(1, 2)).to_be_visible()
    app.stop_worker(panel.page)
    panel.page.reload()
    expect(panel.answers).to_have_text(["You said: One"])
    panel.version(1, 2).get_by_role("button", name="Next version").click()
    expect(panel.answers).to_have_text(["You said: Two"])


def test_two_panels_show_the_same_branch(app: App, panel: Panel, server: ScriptedServer) -> None:
    panel.ask("One")
    panel.expect_idle()
    other = app.open_panel()
    expect(other.answers).to_have_text(["You said: One"])
    gate = Gate("More ", after=["and more"])
    server.on("Two", gate)
    other.edit("One", "Two")
    for each in (panel, other):
        expect(each.answers).to_have_text(["More"])
        # While an answer is written, the branches stay as they are.
        expect(each.version(2, 2).get_by_role("button", name="Previous version")).to_be_disabled()
        expect(each.questions.get_by_role("button", name="Edit", exact=True)).to_be_hidden()
    gate.open.set()
    for each in (panel, other):
        expect(each.answers).to_have_text(["More and more"])
        each.expect_idle()
    panel.version(2, 2).get_by_role("button", name="Previous version").click()
    for each in (panel, other):
        expect(each.answers).to_have_text(["You said: One"])


def test_what_was_typed_in_an_edit_survives_the_closing_of_the_panel(
    app: App, panel: Panel, server: ScriptedServer
) -> None:
    panel.ask("One")
    panel.expect_idle()
    panel.questions.get_by_role("button", name="Edit", exact=True).click()
    panel.edited.fill("Half a message")
    panel.page.close()
    again = app.open_panel()
    expect(again.edited).to_have_value("Half a message")
    again.edited.press("Escape")
    expect(again.questions).to_have_text(["One"])
    assert len(server.turns) == 1


def test_an_edit_reaches_a_worker_that_had_ended(
    app: App, panel: Panel, server: ScriptedServer
) -> None:
    panel.ask("One")
    panel.expect_idle()
    app.stop_worker(panel.page)
    panel.edit("One", "Two")
    expect(panel.answers).to_have_text(["You said: Two"])
    panel.expect_idle()
    assert [history(turn) for turn in server.turns] == [["One"], ["Two"]]


def turn(number: int, branch: str, parent: str | None, position: int) -> dict[str, Any]:
    answer = f"Answer {branch}{number}. " * (1 + number % 7)
    return {
        "id": f"{branch}{number}",
        "user": f"Question {branch}{number}",
        "created_at": position,
        "status": "completed",
        "blocks": [{"kind": "text", "text": answer, "open": False}],
        "version": 2,
        "position": position,
        "items": [],
        **({"parent": parent} if parent else {}),
    }


def open_long(app: App, panel: Panel) -> None:
    """Show a conversation whose second turn has another version that is long as well."""
    turns = [turn(1, "a", None, 0)]
    for branch in ("a", "b"):
        for number in range(2, LAST + 1):
            parent = "a1" if number == 2 else f"{branch}{number - 1}"
            turns.append(turn(number, branch, parent, len(turns)))
    conversation = {"id": "long", "created_at": 1, "updated_at": 1, "turns": turns}
    file = {
        "format": "sidestream.conversations",
        "version": 2,
        "conversations": [{**conversation, "leaf": f"b{LAST}"}],
    }
    reply = app.send({"type": "ImportConversations", "text": json.dumps(file)})
    assert reply.get("ok"), reply
    panel.page.get_by_role("button", name="Conversations", exact=True).click()
    panel.page.get_by_role("button", name="Question a1").click()
    expect(panel.questions).to_have_count(SHOWN)


def numbers(panel: Panel) -> list[str]:
    return [text.removeprefix("Question ") for text in panel.questions.all_text_contents()]


def top_of(panel: Panel, question: str) -> float:
    box = panel.questions.filter(has_text=question).bounding_box()
    assert box
    return box["y"]


def test_earlier_messages_come_when_the_reader_goes_up_and_move_nothing(
    app: App, panel: Panel
) -> None:
    open_long(app, panel)
    first = LAST - SHOWN + 1
    stage = panel.page.get_by_role("main")
    earlier = panel.page.get_by_role("button", name="Show earlier messages", exact=False)
    expect(earlier).to_have_text(f"Show earlier messages ({first - 1})")
    expect(panel.questions.last).to_be_in_viewport()
    stage.evaluate("(stage) => { stage.scrollTop = 0 }")
    before = top_of(panel, f"Question b{first}")
    expect(panel.questions).to_have_count(2 * SHOWN)
    assert abs(top_of(panel, f"Question b{first}") - before) < 60
    # The whole way by keyboard: the button stays in reach until there is nothing more.
    earlier.focus()
    expect(panel.questions).to_have_count(LAST)
    expect(earlier).to_be_hidden()
    expect(stage).to_be_focused()
    assert numbers(panel) == ["a1", *(f"b{number}" for number in range(2, LAST + 1))]

    # Another version of a turn far from the end of its branch is shown where the reader is.
    panel.version(2, 2).get_by_role("button", name="Previous version").click()
    shown = panel.version(1, 2).get_by_role("button", name="Next version")
    expect(shown).to_be_focused()
    expect(shown).to_be_in_viewport()
    assert numbers(panel) == [f"a{number}" for number in range(1, LAST + 1)]
