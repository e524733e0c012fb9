"""Ways on after an answer that ended badly, beside asking again."""

from __future__ import annotations

from playwright.sync_api import expect

from e2e.app import Panel
from e2e.server import ScriptedServer, answer, fail, sse, stream, until_open


def test_the_rest_of_a_cut_answer_is_asked_for(panel: Panel, server: ScriptedServer) -> None:
    response = {
        "id": "resp_1",
        "status": "incomplete",
        "incomplete_details": {"reason": "max_output_tokens"},
        "output": [],
    }
    cut = [*until_open("Half ", "an "), {"type": "response.incomplete", "response": response}]
    server.on("Hello", stream(*map(sse, cut)))
    server.on("Continue", answer("answer."))
    panel.ask("Hello")
    panel.expect_alert()
    panel.alert.get_by_role("button", name="Continue", exact=True).click()
    expect(panel.answer).to_have_text("answer.")
    panel.expect_idle()
    expect(panel.answers.first).to_contain_text("Half an")
    assert "Half an" in server.turns[-1].body.decode()
    assert len(server.turns) == 2


def test_a_conversation_that_got_too_long_is_summarised_and_goes_on(
    panel: Panel, server: ScriptedServer
) -> None:
    too_long = fail(400, "Too many tokens.", code="context_length_exceeded")
    server.on("Second", too_long, answer("It fits."))
    server.on("Summarise our conversation", answer("There was a first message."))
    panel.ask("First")
    panel.expect_idle()
    panel.ask("Second")
    panel.expect_alert("context window")
    panel.alert.get_by_role("button", name="Summarise and retry", exact=True).click()
    expect(panel.answer).to_have_text("It fits.")
    panel.expect_idle()
    expect(panel.questions).to_have_text(["First", "Second"])
    note = panel.conversation.get_by_role("article", name="Summary", exact=True)
    summary = note.get_by_text("There was a first message.")
    expect(summary).to_be_hidden()
    note.get_by_text("Earlier messages were summarised").click()
    expect(summary).to_be_visible()
    sent = server.turns[-1].body.decode()
    assert "There was a first message." in sent
    assert "You said: First" not in sent
