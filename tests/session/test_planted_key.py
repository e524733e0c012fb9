"""The key is put wherever a server can write, and searched for in all that is shown or stored."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from sidestream.errors import SidestreamError
from sidestream.session.connection import Connection, connect
from sidestream.session.connection_check import list_models, try_connection
from sidestream.session.conversation import ConversationSettings
from sidestream.session.error_log import error_details
from sidestream.session.turn import Turn
from sidestream.testing import FakeFetch, MockSSEStream, Reply, run
from tests.session.harness import SETTINGS, Harness

KEY = "sk-proj-Ab3dEfGh1jKlMnOpQrStUvWxYz0123456789_-Zz"
PARTS = {KEY[at : at + 12].lower() for at in range(len(KEY) - 11)}

FORMS: dict[str, str] = {
    "plain": KEY,
    "in capitals": KEY.upper(),
    "a part": KEY[20:32],
    "base64": base64.b64encode(KEY.encode()).decode(),
    "basic": base64.b64encode(f"u:{KEY}".encode()).decode(),
    "hexadecimal": KEY.encode().hex(),
    "percent": "".join(f"%{ord(c):02x}" for c in KEY),
    "blanks": " ".join(KEY),
    "with more": f"Bearer {KEY}, they said",
}


def check(form: str, *kept: Any) -> None:
    """Check that ``kept`` holds no form of the key, and no useful part of it."""
    text = json.dumps(kept, ensure_ascii=False, default=str)
    assert form not in text
    folded = text.lower()
    assert not [part for part in PARTS if part in folded]


class KeyedHarness(Harness):
    """A harness whose requests carry the key."""

    async def _connect(self, own: ConversationSettings) -> Connection:
        data = {"settings": self.settings, "api_key": KEY}
        connection = connect(data, self.fetch, own=own)
        return replace(connection, options=self.options.over(connection.options))


def everything_of(harness: Harness) -> list[Any]:
    panel = harness.panels[1]
    return [
        panel.messages,
        harness.store.saved,
        harness.store.heads,
        harness.store.texts,
        harness.chats.log.text(),
        harness.chats._limits.view(),
    ]


def play(
    reply: Callable[[], Reply], settings: dict[str, Any] | None = None
) -> tuple[Turn, list[Any]]:
    """Send a message. Returns its turn, and everything that was shown or stored."""
    kept: list[Any] = []

    async def scene() -> None:
        harness = KeyedHarness(then=lambda _: reply())
        harness.settings |= {"request_max_retries": 1, "stream_max_retries": 1, **(settings or {})}
        await harness.begin()
        harness.open_panel()
        harness.chat.conversation.settings.tools = {"add": "always"}
        harness.chat.send("1", "Hello")
        await harness.until_idle()
        # The answer can be sent again.
        harness.chat.send("2", "And now?")
        await harness.until_idle()
        assert (harness.chat.conversation.turns[1].error or {}).get("kind") != "internal"
        kept.extend([harness.chat.conversation.turns[0], *everything_of(harness)])

    run(scene())
    return kept[0], kept[1:]


def headers(form: str) -> dict[str, str]:
    form = "".join(c for c in form if c > "\x1f")
    return {
        "content-type": "text/event-stream",
        **dict.fromkeys(
            (
                *("openai-model", "x-request-id", "cf-ray", "x-models-etag", "server", "via"),
                *("x-codex-plan-type", "x-codex-primary-limit-name", "x-codex-limit-name"),
                *("x-codex-credits-balance", "x-codex-promo-message", "openai-organization"),
                *("x-codex-safety-buffering-faster-model", "x-codex-rate-limit-reached-type"),
                *("retry-after", "location", "date", "x-custom"),
            ),
            form,
        ),
        "x-codex-primary-used-percent": "50",
        "x-codex-credits-has-credits": "true",
        "x-codex-credits-unlimited": "false",
        f"x-{KEY.lower()}-primary-used-percent": "5",
    }


def responses(form: str) -> list[dict[str, Any]]:
    note = {"type": "url_citation", "url": f"https://a.test/?key={form}", "title": form}
    message = {
        "type": "message",
        "id": f"m{form}",
        "role": "assistant",
        "content": [
            {"type": "output_text", "text": f"Look: {form}", "annotations": [note]},
            {"type": "refusal", "refusal": form},
        ],
        "unknown": {form: [form]},
    }
    calls: list[dict[str, Any]] = [
        {"type": "function_call", "id": form, "call_id": form, "name": form, "arguments": form},
        {"type": "function_call", "id": "f", "call_id": "f", "name": "add", "arguments": form},
        {"type": "custom_tool_call", "id": "c", "call_id": "c", "name": "x", "input": form},
        {"type": "web_search_call", "id": "w", "action": {"query": form, "sources": [note]}},
        {
            "type": "code_interpreter_call",
            "id": "ci",
            "code": form,
            "outputs": [{"type": "logs", "logs": form}, {"type": "image", "url": form}],
        },
        {"type": "file_search_call", "id": "fs", "results": [{"filename": form, "text": form}]},
        {"type": "image_generation_call", "id": "ig", "result": form, "revised_prompt": form},
        {"type": "mcp_call", "id": "mcp", "name": form, "arguments": form, "output": form},
        {"type": form, "id": "other", "text": form},
    ]
    thought = {
        "type": "reasoning",
        "id": "rs",
        "summary": [{"type": "summary_text", "text": form}],
        "content": [{"type": "reasoning_text", "text": form}],
        "encrypted_content": form,
    }
    buffering = {"use_cases": [form], "reasons": [form], "retry_model": form}
    halves = [form[: len(form) // 2], form[len(form) // 2 :]]
    response = {"id": f"resp_{form}", "headers": {"openai-model": form}, "model": form}
    return [
        {"type": "response.created", "response": response, "safety_buffering": buffering},
        {"type": "response.metadata", "metadata": {"openai_chatgpt_moderation_metadata": form}},
        *(
            {"type": "response.reasoning_summary_text.delta", "item_id": "rs", "delta": half}
            for half in halves
        ),
        *({"type": "response.output_text.delta", "item_id": "m", "delta": c} for c in form),
        {"type": "response.output_text.annotation.added", "item_id": "m", "annotation": note},
        *(
            {"type": "response.mcp_call_arguments.delta", "item_id": "mcp", "delta": half}
            for half in halves
        ),
        {"type": "response.web_search_call.in_progress", "item_id": form},
        {"type": f"response.x_call.{form}", "item_id": form},
        *({"type": "response.output_item.done", "item": item} for item in (thought, *calls)),
        *(
            {"type": "response.function_call_arguments.delta", "item_id": "g", "delta": half}
            for half in halves
        ),
        {"type": "response.output_item.done", "item": message},
    ]


def chat(form: str) -> list[dict[str, Any]]:
    def chunk(**delta: Any) -> dict[str, Any]:
        return {"id": form, "choices": [{"index": 0, "delta": delta}], "model": form}

    call = {"index": 0, "id": form, "function": {"name": form, "arguments": form}, form: form}
    return [
        chunk(reasoning=form),
        chunk(reasoning_details=[{"type": "reasoning.text", "text": form, "id": form}]),
        *(chunk(content=character) for character in f"Look: {form} there"),
        chunk(refusal=form),
        chunk(annotations=[{"type": "url_citation", "url_citation": {"url": form, "title": form}}]),
        chunk(extra_content={"google": {"x": form}}, provider_specific_fields={"thought": form}),
        chunk(tool_calls=[call, {"index": 1, "id": "b", "function": {"name": "add"}, "x": form}]),
    ]


def stream(*frames: Any) -> MockSSEStream:
    body = MockSSEStream()
    for frame in frames:
        body.event(frame)
    return body


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_an_answer_that_repeats_the_key_everywhere(form: str) -> None:
    end = {"type": "response.completed", "response": {"id": form, "status": "completed"}}
    frames = responses(form)
    replies = iter([stream(*frames, end), stream(*responses("x"), end)])
    last = stream({"type": "response.output_text.delta", "item_id": "z", "delta": "Bye"}, end)
    turn, kept = play(lambda: Reply(next(replies, last), headers=headers(form)))
    assert len(turn.blocks) > 8
    check(form, *kept)


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_an_answer_of_chat_completions_that_repeats_the_key_everywhere(form: str) -> None:
    end = {"id": form, "choices": [{"index": 0, "delta": {}, "finish_reason": form}]}
    body = stream(*chat(form), end, "[DONE]")
    turn, kept = play(lambda: Reply(body, headers=headers(form)), {"wire_api": "chat"})
    assert turn.blocks
    check(form, *kept)


def failures(form: str) -> dict[str, Reply]:
    error = {
        "message": f"Incorrect API key provided: {form}",
        "type": form,
        "code": form,
        "param": form,
        "plan_type": form,
        "request_id": form,
        "metadata": {"raw": form, "provider_name": form, "headers": {form: form}},
        "details": [{"reason": form}],
        form: form,
    }
    limit = {"type": "usage_limit_reached", "plan_type": form, "resets_at": 10**10}

    def json_reply(status: int, body: Any) -> Reply:
        return Reply(json.dumps(body).encode(), status=status, headers=headers(form))

    created = {"type": "response.created", "response": {"id": form}}
    return {
        "refused key": json_reply(401, {"error": error}),
        "text": Reply(f"No: {form}".encode(), status=403, headers=headers(form)),
        "page": Reply(f"<html><title>{form}</title>".encode(), status=502, headers=headers(form)),
        "refusal": json_reply(400, {"error": {**error, "message": f"Unknown parameter: '{form}'"}}),
        "not found": json_reply(404, {"detail": form}),
        "limit": json_reply(429, {"error": limit}),
        "redirect": Reply(b"", status=307, headers=headers(form)),
        "page with 200": Reply(f"<html><title>{form}".encode(), headers={"content-type": form}),
        "json with 200": json_reply(200, {form: form}),
        "failed": Reply(
            stream(created, {"type": "response.failed", "response": {"error": error}}),
            headers=headers(form),
        ),
        "incomplete": Reply(
            stream(
                created,
                {
                    "type": "response.incomplete",
                    "response": {"incomplete_details": {"reason": form}},
                },
            ),
            headers=headers(form),
        ),
        "error event": Reply(stream({"type": "error", **error}), headers=headers(form)),
        "broken": Reply(stream(created).fail(f"reset by {form}"), headers=headers(form)),
    }


@pytest.mark.parametrize("form", [*FORMS.values()][::3], ids=[*FORMS][::3])
@pytest.mark.parametrize("name", failures("x"))
def test_a_failure_that_repeats_the_key_everywhere(name: str, form: str) -> None:
    """unstructured-api#578: a refused key is a key, and may be right elsewhere."""
    turn, kept = play(lambda: failures(form)[name])
    assert turn.error or turn.waiting
    check(form, *kept)


@pytest.mark.parametrize("form", [*FORMS.values()][::3], ids=[*FORMS][::3])
def test_lists_of_models_and_trials(form: str) -> None:
    data = {"settings": {**SETTINGS, "request_max_retries": 0}, "api_key": KEY}
    listed = {"data": [{"id": f"model-{form}", "display_name": form, "owned_by": form}]}

    async def scene() -> None:
        kept: list[Any] = []

        def report(connection: Connection, error: SidestreamError) -> None:
            exchange = connection.client.last_failed_exchange
            kept.append(error_details(error.to_dict(), exchange=exchange))

        fetch = FakeFetch(then=lambda _: Reply(json.dumps(listed).encode()))
        kept.append(await list_models(data, fetch))
        for reply in failures(form).values():
            for ask in (list_models, try_connection):
                try:
                    kept.append(
                        await ask(data, FakeFetch(then=lambda _, r=reply: r), report=report)
                    )
                except SidestreamError as error:
                    kept += [str(error), repr(error), error.to_dict()]
        assert len(kept) > 20
        check(form, *kept)

    run(scene())
