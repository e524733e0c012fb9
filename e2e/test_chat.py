"""A turn, from the message to the end of its answer."""

from __future__ import annotations

import json
import threading

import pytest
from playwright.sync_api import expect

from e2e.app import API_KEY, App, Panel
from e2e.patience import PATIENCE
from e2e.server import (
    Exchange,
    Gate,
    ScriptedServer,
    after_open,
    answer,
    fail,
    response_events,
    sse,
    stream,
    until_open,
)


def test_an_answer_grows_before_it_ends(panel: Panel, server: ScriptedServer) -> None:
    gate = Gate("Once ", "upon ", after=["a ", "time"])
    server.on("story", gate)
    panel.ask("Tell me a story")
    expect(panel.questions).to_have_text("Tell me a story")
    expect(panel.answer).to_have_text("Once upon")
    expect(panel.stop).to_be_visible()
    gate.open.set()
    expect(panel.answer).to_have_text("Once upon a time")
    panel.expect_idle()
    expect(panel.alert).to_be_hidden()


def test_the_request_follows_the_settings(panel: Panel, server: ScriptedServer) -> None:
    panel.ask("Hello")
    expect(panel.answer).to_have_text("You said: Hello")
    (turn,) = server.turns
    assert turn.path == "/v1/responses"
    assert turn.headers["authorization"] == f"Bearer {API_KEY}"
    assert turn.headers["accept"] == "text/event-stream"
    assert turn.headers["content-type"] == "application/json"
    assert turn.json["model"] == "scripted-model"
    assert turn.json["stream"] is True
    assert turn.user_text == "Hello"


def test_the_history_is_sent_along(panel: Panel, server: ScriptedServer) -> None:
    panel.ask("First")
    expect(panel.answer).to_have_text("You said: First")
    panel.ask("Second")
    expect(panel.answer).to_have_text("You said: Second")
    expect(panel.answers).to_have_count(2)
    sent = json.dumps(server.turns[1].json["input"])
    assert sent.index("First") < sent.index("You said: First") < sent.index("Second")


def test_new_chat_forgets(panel: Panel, server: ScriptedServer) -> None:
    panel.ask("First")
    expect(panel.answer).to_have_text("You said: First")
    panel.new_chat.click()
    expect(panel.conversation.get_by_role("article")).to_have_count(0)
    panel.ask("Second")
    expect(panel.answer).to_have_text("You said: Second")
    assert "First" not in server.turns[1].body.decode()


def test_markdown_is_drawn_and_nothing_else(panel: Panel, server: ScriptedServer) -> None:
    text = (
        "# Title\n\nSome **bold** and `code`.\n\n- one\n- two\n\n"
        "| a | b |\n| --- | --- |\n| 1 | 2 |\n\n"
        "```python\nprint('hi')\n```\n\n"
        "[good](https://example.com/) [bad](javascript:alert(1)) "
        "![pixel](http://127.0.0.1:9/pixel.png)\n\n"
        "<script>document.title = 'owned'</script><img src=x onerror=\"document.title='owned'\">\n"
    )
    server.on("", answer(*(text[i : i + 3] for i in range(0, len(text), 3))))
    panel.ask("Show me")
    expect(panel.answer.get_by_role("heading", name="Title")).to_be_visible()
    expect(panel.answer.get_by_role("listitem")).to_have_count(2)
    expect(panel.answer.get_by_role("cell", name="2")).to_be_visible()
    expect(panel.answer.locator("pre code")).to_contain_text("print('hi')")
    link = panel.answer.get_by_role("link", name="good")
    expect(link).to_have_attribute("target", "_blank")
    assert "noopener" in (link.get_attribute("rel") or "")
    expect(panel.answer.get_by_role("link", name="bad")).to_have_count(0)
    expect(panel.answer).to_contain_text("<script>")
    panel.expect_idle()
    assert "owned" not in panel.page.title()
    assert not [r for r in panel.page.evaluate(RESOURCES) if not r.startswith("chrome-extension:")]


RESOURCES = "performance.getEntriesByType('resource').map((entry) => entry.name)"


def test_reasoning_is_shown_apart(panel: Panel, server: ScriptedServer) -> None:
    server.on("", answer("Forty-two.", reasoning="**Counting**\n\nSix by seven."))
    panel.ask("How many?")
    expect(panel.answer).to_contain_text("Forty-two.")
    reasoning = panel.answer.get_by_text("Six by seven.")
    expect(reasoning).to_have_count(1)
    if not reasoning.is_visible():
        panel.answer.locator("summary").click()
    expect(reasoning).to_be_visible()


def test_chat_completions(app: App, panel: Panel, server: ScriptedServer) -> None:
    app.configure(server.base_url, wire_api="chat")
    server.on("", answer("Hello ", "from ", "chat"))
    panel.ask("Hello")
    expect(panel.answer).to_have_text("Hello from chat")
    panel.expect_idle()
    (turn,) = server.turns
    assert turn.path == "/v1/chat/completions"
    assert turn.json["messages"][-1] == {"role": "user", "content": "Hello"}
    assert turn.json["stream_options"] == {"include_usage": True}


@pytest.mark.parametrize("way", ["button", "Escape"])
def test_stop(panel: Panel, server: ScriptedServer, way: str) -> None:
    server.on("story", Gate("Once ", "upon "))
    panel.ask("Tell me a story")
    expect(panel.answer).to_have_text("Once upon")
    if way == "button":
        panel.stop.click()
    else:
        panel.page.keyboard.press("Escape")
    panel.expect_idle()
    assert server.turns[0].client_closed.wait(PATIENCE), "the request was not aborted"
    expect(panel.answer).to_contain_text("Once upon")
    expect(panel.alert).to_be_hidden()
    panel.ask("Something else")
    expect(panel.answer).to_have_text("You said: Something else")
    assert len(server.turns) == 2


def test_stop_before_the_headers(panel: Panel, server: ScriptedServer) -> None:
    never = threading.Event()
    server.on("slow", lambda exchange: exchange.wait(never))
    panel.ask("A slow one")
    turn = server.wait_for_turn()
    panel.stop.click()
    panel.expect_idle()
    assert turn.client_closed.wait(PATIENCE), "the request was not aborted"
    panel.ask("Another")
    expect(panel.answer).to_have_text("You said: Another")


def test_stop_while_waiting_to_try_again(panel: Panel, server: ScriptedServer) -> None:
    server.on("busy", fail(429, "Too many requests.", headers={"retry-after": "50"}))
    panel.ask("Are you busy?")
    expect(panel.status).to_contain_text("Too many requests.")
    expect(panel.status).to_contain_text("50 s")
    panel.stop.click()
    panel.expect_idle()
    panel.ask("Hello")
    expect(panel.answer).to_have_text("You said: Hello")
    assert [turn.user_text for turn in server.turns] == ["Are you busy?", "Hello"]


def test_slow_headers(panel: Panel, server: ScriptedServer) -> None:
    released = threading.Event()

    def script(exchange: Exchange) -> None:
        exchange.wait(released)
        answer("Better late")(exchange)

    server.on("", script)
    panel.ask("Hello")
    server.wait_for_turn()
    expect(panel.stop).to_be_visible()
    released.set()
    expect(panel.answer).to_have_text("Better late")


TEXT = "Zwölf Boxkämpfer, 漢字, 👩‍🚀 and done"


def crlf(exchange: Exchange) -> None:
    exchange.head()
    for event in response_events(*TEXT):
        exchange.send(b": a comment\r\n" + sse(event, newline="\r\n"))


def carriage_returns(exchange: Exchange) -> None:
    exchange.head()
    for event in response_events(TEXT):
        exchange.send(sse(event, newline="\r"))


def single_bytes(exchange: Exchange) -> None:
    exchange.head()
    whole = b"\xef\xbb\xbf" + b"".join(
        sse(event, newline="\r\n") for event in response_events(TEXT)
    )
    for byte in whole:
        exchange.send(bytes([byte]))


def one_chunk(exchange: Exchange) -> None:
    exchange.head()
    exchange.send(b"".join(map(sse, response_events(*TEXT))))


def data_over_lines(exchange: Exchange) -> None:
    exchange.head()
    for event in response_events(TEXT):
        lines = json.dumps(event, ensure_ascii=False, indent=1).split("\n")
        exchange.send("".join(f"data:{line}\n" for line in lines).encode() + b"id: 7\nretry: 5\n\n")


def bad_type(exchange: Exchange) -> None:
    exchange.head(content_type="TEXT/Event-Stream")
    exchange.events(response_events(TEXT))


@pytest.mark.parametrize(
    "script", [crlf, carriage_returns, single_bytes, one_chunk, data_over_lines, bad_type]
)
def test_the_bytes_may_come_in_any_form(
    panel: Panel, server: ScriptedServer, script: object
) -> None:
    server.on("", script)  # type: ignore[arg-type]
    panel.ask("Hello")
    expect(panel.answer).to_have_text(TEXT)
    panel.expect_idle()
    expect(panel.alert).to_be_hidden()


def test_junk_in_frames_is_skipped(panel: Panel, server: ScriptedServer) -> None:
    events = [sse(event) for event in response_events("One ", "two ", "three")]
    junk = [
        b"data: {not json\n\n",
        b"data: [1, 2, 3]\n\n",
        b"event: nonsense\n\n",
        b'data: {"type": "response.unheard_of", "delta": 7}\n\n',
        b'data: {"type": "response.output_text.delta", "delta": {"no": "string"}}\n\n',
        b"data: \xff\xfe\n\n",
        b"just a line\n\n",
    ]
    mixed = [chunk for event in events[:-1] for chunk in (*junk, event)] + events[-1:]
    server.on("", stream(*mixed))
    panel.ask("Hello")
    expect(panel.answer).to_have_text("One two three")
    panel.expect_idle()
    expect(panel.alert).to_be_hidden()


def test_a_broken_stream_is_requested_again_and_not_doubled(
    panel: Panel, server: ScriptedServer
) -> None:
    beginning = b"".join(map(sse, until_open("Once ", "upon ")))
    server.on("", stream(beginning, cut=True), answer("Once ", "more ", "in full"))
    panel.ask("Hello")
    expect(panel.answer).to_have_text("Once more in full")
    panel.expect_idle()
    expect(panel.alert).to_be_hidden()
    assert len(server.turns) == 2


def test_an_overloaded_server_is_asked_again(panel: Panel, server: ScriptedServer) -> None:
    server.on("", fail(503, "Overloaded.", headers={"retry-after-ms": "50"}), answer("Here I am"))
    panel.ask("Hello")
    expect(panel.answer).to_have_text("Here I am")
    assert len(server.turns) == 2


def test_an_incomplete_answer_is_kept_and_explained(panel: Panel, server: ScriptedServer) -> None:
    response = {
        "id": "resp_1",
        "status": "incomplete",
        "incomplete_details": {"reason": "max_output_tokens"},
        "output": [],
        "usage": {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3},
    }
    events = [
        *until_open("Half ", "an ", "answer"),
        {"type": "response.incomplete", "response": response},
    ]
    server.on("", stream(*map(sse, events)))
    panel.ask("Hello")
    panel.expect_alert()
    expect(panel.answer).to_contain_text("Half an answer")
    expect(panel.alert).to_contain_text("token", ignore_case=True)
    assert len(server.turns) == 1


def test_a_truncated_answer_is_continued(panel: Panel, server: ScriptedServer) -> None:
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


def test_a_conversation_that_is_too_long_is_summarised_and_continues(
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


def test_the_end_of_the_stream_without_its_completion(panel: Panel, server: ScriptedServer) -> None:
    """The message was finished, so asking again would double it: it stays, with an error."""
    events = [*until_open("All ", "there"), *after_open("All ", "there")[:-1]]
    server.on("", stream(*map(sse, events)))
    panel.ask("Hello")
    panel.expect_alert()
    expect(panel.answer).to_contain_text("All there")
    assert len(server.turns) == 1
