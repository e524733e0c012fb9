"""Behaviour of real servers, one case of each kind, as a user of the panel sees it.

The servers are real ones on loopback. What they send and refuse is rebuilt from the public reports
that the docstrings name.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Iterable
from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from e2e.app import API_KEY, App, Panel, choose
from e2e.patience import slowness
from e2e.server import (
    MODEL,
    Exchange,
    Gate,
    Script,
    ScriptedServer,
    answer,
    fail,
    python_calls,
    response_events,
    sse,
    stream,
    until_open,
)

KEPT_COPY = """navigator.clipboard.writeText = async (text) => { window.copied = text; }"""
"""No page may read the clipboard without asking; what is written there is kept beside it."""


@pytest.fixture
def chat(app: App, panel: Panel, server: ScriptedServer) -> Panel:
    """A panel whose provider speaks Chat Completions."""
    app.configure(server.base_url, wire_api="chat")
    return panel


def copied(panel: Panel, button: Locator) -> str:
    """What a button copies."""
    panel.page.evaluate(KEPT_COPY)
    button.click()
    panel.page.wait_for_function("window.copied !== undefined")
    text: str = panel.page.evaluate("window.copied")
    return text


def chunk(delta: dict[str, Any] | None = None, reason: str | None = None, **fields: Any) -> bytes:
    """One frame of Chat Completions."""
    choice = {"index": 0, "delta": delta or {}, "finish_reason": reason}
    frame = {"id": "chatcmpl_1", "object": "chat.completion.chunk", "created": 1, "model": MODEL}
    return b"data: " + json.dumps({**frame, "choices": [choice], **fields}).encode() + b"\n\n"


DONE = b"data: [DONE]\n\n"


def texts(*parts: str) -> Iterable[bytes]:
    """Frames with text."""
    yield from (chunk({"content": part}) for part in parts)


def call(name: str, *arguments: str, **fields: Any) -> Script:
    """A call in Chat Completions whose arguments come in these pieces."""
    function = {"name": name, "arguments": ""}
    begin = {"index": 0, "id": "call_1", "type": "function", "function": function, **fields}
    pieces = ({"index": 0, "function": {"arguments": piece}} for piece in arguments)
    frames = [chunk({"tool_calls": [part]}) for part in (begin, *pieces)]
    return stream(chunk({"role": "assistant"}), *frames, chunk(reason="tool_calls"), DONE)


def messages(exchange: Exchange, role: str) -> list[dict[str, Any]]:
    """The messages of that role in a request."""
    items = exchange.json.get("messages") or exchange.json["input"]
    return [item for item in items if item.get("role") == role]


def calls_of(exchange: Exchange) -> list[dict[str, Any]]:
    """The calls that a request of Chat Completions repeats."""
    return [one for message in messages(exchange, "assistant") for one in message["tool_calls"]]


# --- receivers' rules --------------------------------------------------------------------------


def test_a_call_of_a_tool_with_an_impossible_name_continues_the_turn(
    chat: Panel, server: ScriptedServer
) -> None:
    """vercel/ai#9173: once a made-up name was in the history, every later request was refused."""

    def strict(exchange: Exchange) -> None:
        names = [one["function"]["name"] for one in calls_of(exchange)]
        if all(re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", name) for name in names):
            answer("Without it, then.")(exchange)
        else:
            fail(400, f"Invalid name: {names}. Expected ^[a-zA-Z0-9_-]+$.")(exchange)

    choose(chat, python="Without asking")
    server.on("", call("default_api.search <web>", "{}"), strict)
    chat.ask("Look it up")
    expect(chat.answer).to_contain_text("Without it, then.")
    chat.expect_idle()
    expect(chat.alert).to_be_hidden()


def test_fields_of_a_call_go_back_with_it(chat: Panel, server: ScriptedServer) -> None:
    """Gemini's compatible endpoint refuses a call without its thought signature."""
    signature = {"google": {"thought_signature": "c2lnbmF0dXJl"}}

    def strict(exchange: Exchange) -> None:
        (made,) = calls_of(exchange)
        if made.get("extra_content") == signature:
            answer("Four.")(exchange)
        else:
            fail(400, "Function call is missing a thought_signature.")(exchange)

    choose(chat, python="Without asking")
    code = json.dumps({"code": "print(2 + 2)"})
    server.on("", call("python", code, extra_content=signature), strict)
    chat.ask("Two and two?")
    expect(chat.answer).to_contain_text("Four.")
    chat.expect_idle()
    expect(chat.alert).to_be_hidden()


# --- failed answers ----------------------------------------------------------------------------

FAILURES = {
    "an event named error with plain text": (
        b"event: error\ndata: The backend worker died. Please try again in 20ms.\n\n",
        "The backend worker died.",
    ),
    "an error that is a string": (
        b'data: {"error": "The GPU fell over. Please try again in 20ms."}\n\n',
        "The GPU fell over.",
    ),
    "a field named error": (
        b'error: {"code": 500, "message": "Slot is gone. Please try again in 20ms."}\n\n',
        "Slot is gone.",
    ),
    "no frame at all": (
        b'{"error": {"code": 400, "message": "Too many slots. Please try again in 20ms."}}',
        "Too many slots.",
    ),
    "a flat message": (
        b'data: {"error": true, "message": "Out of memory. Please try again in 20ms."}\n\n',
        "Out of memory.",
    ),
}


@pytest.mark.parametrize("shape", FAILURES)
def test_an_error_in_any_shape_ends_the_answer(
    chat: Panel, server: ScriptedServer, shape: str
) -> None:
    """ggml-org/llama.cpp#16109, lemonade-sdk/lemonade#2826: it was an empty answer to clients."""
    frame, words = FAILURES[shape]
    server.on(
        "", stream(*texts("Half ", "of it"), frame, *([DONE] if frame.endswith(b"\n\n") else []))
    )
    chat.ask("Hello")
    chat.expect_alert(words)
    expect(chat.answer).to_contain_text("Half of it")
    expect(chat.retry).to_be_visible()


def test_an_unknown_finish_reason_is_no_success(chat: Panel, server: ScriptedServer) -> None:
    """A reason that no specification knows may be a failure."""
    server.on("", stream(*texts("I will look"), chunk(reason="aborted_by_operator"), DONE))
    chat.ask("Hello")
    chat.expect_alert("aborted_by_operator")
    expect(chat.answer).to_contain_text("I will look")


def test_an_answer_of_nothing_is_no_success(chat: Panel, server: ScriptedServer) -> None:
    """`[DONE]` alone."""
    server.on("", stream(DONE))
    chat.ask("Hello")
    chat.expect_alert("empty")


def test_reasoning_between_tags_is_no_text(app: App, chat: Panel, server: ScriptedServer) -> None:
    """infiniflow/ragflow#18371: it was copied with the answer. The tags come in pieces."""
    parts = ("<th", "ink>", "Two and ", "two, so", "</thi", "nk>\n\n", "Four.")
    server.on("", stream(*texts(*parts), chunk(reason="stop"), DONE))
    chat.ask("Two and two?")
    expect(chat.answer.locator(".text")).to_have_text("Four.")
    chat.expect_idle()
    expect(chat.answer).not_to_contain_text("think>")
    reasoning = chat.answer.locator("details.reasoning")
    expect(reasoning.locator(".markdown")).to_have_text("Two and two, so")
    button = chat.answer.get_by_role("button", name="Copy answer", exact=True)
    assert copied(chat, button).strip() == "Four."
    found = app.send({"type": "ListConversations", "query": "two so"})
    assert found["conversations"] == [], "reasoning is not searched"
    chat.ask("And again?")
    expect(chat.questions).to_have_count(2)
    chat.expect_idle()
    assert "Two and" not in json.dumps(
        [one["content"] for one in messages(server.turns[-1], "assistant")]
    )


def test_reasoning_whose_tag_was_swallowed_is_no_text(chat: Panel, server: ScriptedServer) -> None:
    """Chat templates that open the tag themselves: the answer has the closing one alone."""
    parts = ("Two and ", "two, so\n", "</think>", "\n\nFour.")
    server.on("", stream(*texts(*parts), chunk(reason="stop"), DONE))
    chat.ask("Two and two?")
    expect(chat.answer.locator(".text")).to_have_text("Four.")
    chat.expect_idle()
    expect(chat.answer.locator("details.reasoning .markdown")).to_have_text("Two and two, so")


def test_an_answer_of_reasoning_alone_is_reported(chat: Panel, server: ScriptedServer) -> None:
    """chatboxai/chatbox#3821: everything was in `delta.reasoning`, and the answer was blank."""
    thought = chunk({"reasoning_content": "Two and two, so…"})
    server.on("", stream(thought, chunk(reason="stop"), DONE))
    chat.ask("Two and two?")
    expect(chat.answer.get_by_role("note")).to_be_visible()
    chat.expect_idle()
    expect(chat.answer.get_by_role("button", name="Copy answer")).to_have_count(0)


# --- calls -------------------------------------------------------------------------------------


def test_an_empty_object_before_the_arguments_is_none(chat: Panel, server: ScriptedServer) -> None:
    """Some gateways open each call with `{}` and send the arguments after it."""
    choose(chat, python="Ask each time")
    server.on("", call("python", "{}", '{"code": ', '"print(6 * 7)"}'), answer("It is 42."))
    chat.ask("Six times seven?")
    expect(chat.answer.locator("pre.arguments")).to_have_text("print(6 * 7)")
    chat.page.get_by_role("button", name="Allow once", exact=True).click()
    expect(chat.answer).to_contain_text("It is 42.")
    assert server.turns[1].outputs == ["42"]


def test_a_call_without_a_tool_is_not_completed(panel: Panel, server: ScriptedServer) -> None:
    """A call of a provider's tool, which the extension cannot run."""
    item = {
        "type": "computer_call",
        "id": "cu_1",
        "call_id": "call_1",
        "status": "completed",
        "action": {"type": "click", "x": 1, "y": 2},
        "pending_safety_checks": [],
    }
    events = [*response_events("I will click.")]
    end = events.pop()
    events.append({"type": "response.output_item.added", "output_index": 1, "item": item})
    events.append({"type": "response.output_item.done", "output_index": 1, "item": item})
    server.on("", stream(*map(sse, [*events, end])))
    panel.ask("Click it")
    expect(panel.answer).to_contain_text("I will click.")
    panel.expect_idle()
    call_line = panel.answer.locator(".call")
    expect(call_line).to_contain_text("not run")
    expect(call_line).not_to_contain_text("completed")


def test_a_call_is_carried_out_though_the_stream_broke_after_it(
    panel: Panel, server: ScriptedServer
) -> None:
    """helixnow/deep-student#157: "Stream ended with error before tool execution"."""
    choose(panel, python="Without asking")
    seen = threading.Event()

    def broken(exchange: Exchange) -> None:
        item = {
            "type": "function_call",
            "id": "fc_1",
            "call_id": "call_1",
            "name": "python",
            "arguments": json.dumps({"code": "print(6 * 7)"}),
        }
        response = {"id": "resp_1", "status": "in_progress", "output": []}
        place = {"output_index": 0, "item": item}
        exchange.head()
        exchange.event({"type": "response.created", "response": response})
        exchange.event({"type": "response.output_item.added", **place})
        exchange.event({"type": "response.output_item.done", **place})
        exchange.wait(seen)
        exchange.cut()

    server.on("", broken, answer("It is 42."))
    panel.ask("Six times seven?")
    expect(panel.answer.locator(".call")).to_be_visible()
    seen.set()
    expect(panel.answer).to_contain_text("It is 42.")
    panel.expect_idle()
    expect(panel.alert).to_be_hidden()
    assert [turn.outputs for turn in server.turns] == [[], ["42"]]


# --- causes ------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [429, 500])
def test_no_quota_is_reported_and_not_retried(
    chat: Panel, server: ScriptedServer, status: int
) -> None:
    """Gateways report an empty account with any status."""
    server.on("", fail(status, "Insufficient balance. Please recharge your account."))
    chat.ask("Hello")
    chat.expect_alert("Insufficient balance", "credits")
    assert len(server.turns) == 1


def test_a_404_with_a_reason_is_not_blamed_on_the_base_url(
    chat: Panel, server: ScriptedServer
) -> None:
    """OpenRouter: no endpoint of the model does what was asked."""
    message = "No endpoints found that support tool use."
    server.on("", fail(404, message))
    chat.ask("Hello")
    chat.expect_alert("No endpoints found")
    expect(chat.alert).not_to_contain_text("base URL")
    assert len(server.turns) == 1


def test_a_missing_local_server_is_reported_at_once(
    app: App, panel: Panel, server: ScriptedServer, closed_port: int
) -> None:
    """The server was not started: nothing is gained by trying five times."""
    app.configure(f"http://127.0.0.1:{closed_port}/v1")
    begin = time.monotonic()
    panel.ask("Hello")
    panel.expect_alert()
    assert time.monotonic() - begin < 8 * slowness(), "it was tried again and again"
    expect(panel.retry).to_be_visible()
    app.configure(server.base_url)
    panel.retry.click()
    expect(panel.answer).to_have_text("You said: Hello")


# --- a second try ------------------------------------------------------------------------------


def test_what_a_server_refuses_is_left_out_and_reported_once(
    app: App, chat: Panel, server: ScriptedServer
) -> None:
    """Older gateways know no `stream_options`."""
    app.configure(server.base_url, wire_api="chat", model="an-old-model")

    def old(exchange: Exchange) -> None:
        if "stream_options" in exchange.json:
            fail(400, "Unrecognized request argument supplied: stream_options")(exchange)
        else:
            answer(f"You said: {exchange.user_text}")(exchange)

    server.on("", old)
    chat.ask("Hello")
    expect(chat.answer.locator(".text")).to_have_text("You said: Hello")
    chat.expect_idle()
    note = chat.answer.get_by_role("note")
    expect(note).to_have_count(1)
    expect(note).to_contain_text("stream_options")
    expect(chat.alert).to_be_hidden()
    chat.ask("Again")
    expect(chat.answer).to_have_text("You said: Again")
    chat.expect_idle()
    expect(chat.conversation.get_by_role("note")).to_have_count(1)
    refused = ["stream_options" in turn.json for turn in server.turns]
    assert refused == [True, False, False]
    chat.page.reload()
    expect(chat.answer).to_have_text("You said: Again")
    expect(chat.conversation.get_by_role("note")).to_have_count(1)


# --- compaction --------------------------------------------------------------------------------

WINDOW = 4096
QUESTION = "What follows from that?"
LONG = "The quick brown fox jumps over the lazy dog. " * 90


class SmallServer:
    """A llama-server with a window of 4,096 tokens, which it reports only when it is full."""

    def __init__(self, *summaries: str) -> None:
        self.summaries = [*summaries]

    def __call__(self, exchange: Exchange) -> None:
        tokens = sum(len(str(message.get("content"))) for message in exchange.json["messages"]) // 4
        if tokens > WINDOW:
            message = "the request exceeds the available context size, try increasing it"
            error = {
                "code": 400,
                "message": message,
                "type": "exceed_context_size_error",
                "n_prompt_tokens": tokens,
                "n_ctx": WINDOW,
            }
            exchange.reply(400, {"error": error})
        elif QUESTION in exchange.user_text[-len(QUESTION) :]:
            answer("Here is the answer.")(exchange)
        else:
            answer(self.summaries.pop(0) if self.summaries else "A summary of it all.")(exchange)


def test_summarise_and_retry_helps_where_the_window_is_small(
    app: App, chat: Panel, server: ScriptedServer
) -> None:
    """4,096 tokens are the default of llama-server."""
    app.configure(server.base_url, wire_api="chat", model="small-1", compaction="off")
    server.on("", SmallServer())
    for number in range(5):
        chat.ask(f"{number}. {LONG}{QUESTION}")
        chat.expect_idle()
        if chat.alert.is_visible():
            break
        expect(chat.answer).to_contain_text("Here is the answer.")
    chat.expect_alert("context window")
    chat.alert.get_by_role("button", name="Summarise and retry", exact=True).click()
    expect(chat.answer).to_contain_text("Here is the answer.")
    chat.expect_idle()
    expect(chat.alert).to_be_hidden()
    expect(chat.conversation.get_by_role("article", name="Summary")).to_be_visible()
    assert "A summary of it all." in json.dumps(server.turns[-1].json)


def test_an_empty_summary_replaces_nothing(app: App, chat: Panel, server: ScriptedServer) -> None:
    """A model that answers the request for a summary with nothing must not empty the history."""
    app.configure(server.base_url, wire_api="chat", model="small-2")
    server.on("", SmallServer(*[""] * 20))
    chat.ask(f"A fjord is a drowned valley. {QUESTION}")
    expect(chat.answer).to_contain_text("Here is the answer.")
    chat.settings().compact.click()
    expect(chat.alert).to_be_visible(timeout=60_000)
    chat.expect_idle()
    expect(chat.page.get_by_text("Earlier messages were not summarised")).to_be_visible()
    chat.ask(f"A skerry is a rock. {QUESTION}")
    expect(chat.answer).to_contain_text("Here is the answer.")
    chat.expect_idle()
    assert "A fjord is a drowned valley." in json.dumps(server.turns[-1].json), "still sent"


# --- what helps a report -----------------------------------------------------------------------


def test_the_details_of_an_error_can_be_copied(panel: Panel, server: ScriptedServer) -> None:
    """dyad-sh/dyad#1870: an error whose text could not be had for a report."""
    words = f"No such parameter for {API_KEY}, sorry."
    server.on("", fail(400, words, code="odd_parameter", headers={"x-request-id": "req_42"}))
    panel.ask("A question of mine")
    panel.expect_alert("No such parameter")
    button = panel.alert.get_by_role("button", name="Copy details", exact=True)
    text = copied(panel, button)
    expect(panel.alert.get_by_role("button", name="Copied", exact=True)).to_be_visible()
    expect(button).to_be_visible()
    assert API_KEY not in text
    for part in (
        "What happened: The provider refused the request.",
        "The server said: No such parameter",
        "Status: 400",
        "Request id: req_42",
        "Provider: Custom (" + server.origin,
        f"Model: {MODEL}",
        "Wire API: responses",
        "Sidestream: ",
        "Browser: ",
        "POST " + server.base_url + "/responses",
        "HTTP 400",
        "odd_parameter",
    ):
        assert part in text, f"{part!r} is missing in:\n{text}"
    assert "A question of mine" not in text


def test_what_a_command_was_rejected_for_can_be_copied(
    app: App, panel: Panel, server: ScriptedServer
) -> None:
    """An alert outside of the conversation has the same button."""
    app.configure(server.base_url, max_waiting=1)
    server.on("First", Gate("One", after=[" two"]))
    for text in ("First", "Second", "Third"):
        panel.ask(text)
    alert = panel.page.locator("#problem")
    expect(alert).to_be_visible()
    text = copied(panel, alert.get_by_role("button", name="Copy details", exact=True))
    assert text.startswith("What happened: ")
    alert.get_by_role("button", name="Dismiss", exact=True).click()
    expect(alert).to_be_hidden()
    expect(panel.message).to_have_value("Third")


def test_a_key_reaches_the_details_by_keyboard_alone(panel: Panel, server: ScriptedServer) -> None:
    """From the message box back to the alert, and Enter."""
    server.on("", fail(400, "Not like this."))
    panel.ask("Hello")
    panel.expect_alert("Not like this.")
    expect(panel.message).to_be_focused()
    panel.page.evaluate(KEPT_COPY)
    for _ in range(30):
        panel.page.keyboard.press("Shift+Tab")
        if panel.page.evaluate("document.activeElement.textContent") == "Copy details":
            break
    panel.page.keyboard.press("Enter")
    panel.page.wait_for_function("window.copied?.includes('Not like this.')")


# --- limits ------------------------------------------------------------------------------------


def test_a_limit_with_a_known_end_waits_in_the_queue(
    app: App, panel: Panel, server: ScriptedServer
) -> None:
    """A limit of some minutes fails no answer: it is sent by itself when the limit is over."""
    app.configure(server.base_url, model="a-limited-model")
    server.on("", fail(429, "Come back later.", headers={"retry-after": "90"}), answer("Here"))
    panel.ask("Hello")
    expect(panel.page.get_by_text(re.compile(r"Rate limited\. Sending in 1:\d\d"))).to_be_visible()
    expect(panel.alert).to_be_hidden()
    panel.page.get_by_role("button", name="Send now", exact=True).click()
    expect(panel.answer).to_have_text("Here")
    panel.expect_idle()


def test_a_limit_between_the_calls_of_an_answer_waits_as_well(
    app: App, panel: Panel, server: ScriptedServer
) -> None:
    """A call that was run is not run again."""
    app.configure(server.base_url, model="another-limited-model")
    choose(panel, python="Without asking")
    limit = fail(429, "Come back later.", headers={"retry-after": "90"})
    server.on("", python_calls("print('once')"), limit, answer("Here"))
    panel.ask("Hello")
    waiting = panel.page.get_by_text(re.compile(r"Rate limited\. (Sending|Continuing) in 1:\d\d"))
    expect(waiting).to_be_visible()
    expect(panel.alert).to_be_hidden()
    panel.page.get_by_role("button", name="Send now", exact=True).click()
    expect(panel.answer).to_contain_text("Here")
    panel.expect_idle()
    assert server.turns[-1].outputs == ["once"]
    assert sum("tools" in turn.json for turn in server.turns) == len(server.turns)


def test_a_partial_answer_stays_when_the_rest_fails(panel: Panel, server: ScriptedServer) -> None:
    """nocodb/nocodb#10698: errors that were gone before they could be read. This one stays."""
    error = {"type": "error", "message": "The model is confused.", "code": "invalid_prompt"}
    server.on("", stream(*map(sse, [*until_open("Half ", "of it"), error])))
    panel.ask("Hello")
    panel.expect_alert("The model is confused.")
    panel.page.reload()
    panel.expect_alert("The model is confused.")
    expect(panel.answer).to_contain_text("Half of it")
    assert len(server.turns) == 1
