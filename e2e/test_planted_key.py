"""A server puts the key into everything that it sends. The browser must not show or store it."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

from playwright.sync_api import Playwright, expect

from e2e.app import App
from e2e.server import Exchange, ScriptedServer
from e2e.test_secrets import files_with

KEY = "sk-proj-Ab3dEfGh1jKlMnOpQrStUvWxYz0123456789_-Zz"
FORMS = {
    "plain": KEY,
    "capitals": KEY.upper(),
    "part": KEY[15:29],
    "base64": base64.b64encode(f"u:{KEY}".encode()).decode(),
    "hexadecimal": KEY.encode().hex(),
    "percent": "".join(f"%{ord(c):02X}" for c in KEY),
}
# What is looked for: the forms, without the ends that belong to their neighbours.
NEEDLES = [form[4:-4] for form in FORMS.values()]


def planted(form: str) -> list[dict[str, Any]]:
    """An answer with it in each of its parts."""
    source = {"type": "url_citation", "url": f"https://a.test/?key={form}", "title": form}
    content = {"type": "output_text", "text": f"It is {form}.", "annotations": [source]}
    items: list[dict[str, Any]] = [
        {"type": "reasoning", "id": "rs", "summary": [{"type": "summary_text", "text": form}]},
        {"type": "web_search_call", "id": form, "action": {"query": form, "sources": [source]}},
        {"type": "mcp_call", "id": "mcp", "name": form, "arguments": form, "output": form},
        {"type": "message", "id": "m", "role": "assistant", "content": [content]},
    ]
    return [
        {"type": "response.created", "response": {"id": form, "headers": {"openai-model": form}}},
        *(
            {"type": "response.output_text.delta", "item_id": "m", "delta": character}
            for character in f"It is {form}."
        ),
        *({"type": "response.output_item.done", "item": item} for item in items),
        {"type": "response.completed", "response": {"id": form, "status": "completed"}},
    ]


def test_a_key_that_a_server_repeats_is_neither_shown_nor_stored(
    playwright: Playwright, chromium: str, extension: Path, tmp_path: Path, server: ScriptedServer
) -> None:
    """unstructured-api#578 and litellm#31342: keys come back in errors, and stay in logs."""

    def headers(form: str) -> dict[str, str]:
        names = ("openai-model", "x-request-id", "x-codex-plan-type", "x-codex-limit-name")
        return {
            **dict.fromkeys(names, form),
            "x-codex-primary-used-percent": "50",
            "access-control-expose-headers": "*",
        }

    def answer(form: str) -> Any:
        def script(exchange: Exchange) -> None:
            exchange.head(headers=headers(form))
            exchange.events(planted(form))

        return script

    def refuse(exchange: Exchange) -> None:
        said = dict.fromkeys(("code", "type", "param", "request_id"), KEY)
        error = {"message": f"Incorrect API key provided: {' '.join(KEY)}, {KEY}", **said}
        exchange.reply(400, {"error": error}, headers(KEY))

    profile = tmp_path / "profile"
    app = App(playwright, chromium, extension, profile)
    try:
        app.configure(server.base_url, api_key=KEY)
        panel = app.open_panel()
        for name, form in FORMS.items():
            server.on(f"Plant {name}", answer(form))
            panel.ask(f"Plant {name}")
            expect(panel.answer).to_contain_text("It is ")
            expect(panel.answer).to_contain_text("***")
            panel.expect_idle()
        server.on("Refuse", refuse)
        panel.ask("Refuse")
        panel.expect_alert()

        exported = [
            app.send({"type": "ExportConversations", "format": form})
            for form in ("json", "markdown")
        ]
        assert "It is" in json.dumps(exported)
        seen = [
            panel.page.content(),
            app.stored(panel.page),
            json.dumps(exported),
            json.dumps(app.send({"type": "LoadLog"})),
            "\n".join(app.logs),
        ]
        assert "It is sk-***" in seen[1]
        for needle in NEEDLES:
            for place, text in enumerate(seen):
                assert needle not in text, place
    finally:
        app.close()
    assert files_with(profile, [needle.encode() for needle in NEEDLES]) == []
