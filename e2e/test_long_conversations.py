"""Conversations of many turns, which the panel shows from their end."""

from __future__ import annotations

import json
from typing import Any

from playwright.sync_api import expect

from e2e.app import App, Panel

LAST = 100
SHOWN = 40
"""So many turns the panel gets at once."""


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
    """Show a conversation whose second turn has another version that goes on for long, too."""
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
