"""The options page in a pseudo-locale: nothing is hard-wired, and nothing overflows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from e2e.app import API_KEY, App
from e2e.pseudo_locale import check, copy_in_pseudo_locale
from e2e.server import MODEL, ScriptedServer

PROVIDERS = [
    "OpenAI",
    "Azure",
    "Azure OpenAI",
    "ChatGPT",
    "OpenRouter",
    "Ollama",
    "LM Studio",
    "llama.cpp",
    "vLLM",
]
EXAMPLES = [
    "gpt-5.2",
    "openai/gpt-5.2",
    "llama3.2",
    "org-…",
    "proj_…",
    "api-version=2025-04-01-preview",
]
NAMES = [*PROVIDERS, *EXAMPLES, MODEL, "Scripted", "Brought", "example.com"]


@pytest.fixture(scope="module")
def extension(built_extension: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The extension in the pseudo-locale."""
    return copy_in_pseudo_locale(built_extension, tmp_path_factory.mktemp("pseudo") / "extension")


@pytest.fixture
def page(app: App, server: ScriptedServer) -> Iterator[Page]:
    """The options page, with one profile."""
    app.configure(server.base_url)
    page = app.open_options().page
    expect(page.locator("#profile-list li")).to_have_count(1)
    yield page
    app.close_pages()


def profile(**settings: Any) -> str:
    """An exported file with one profile."""
    given = {
        "preset": "custom",
        "name": "Brought",
        "base_url": "http://localhost:9/v1",
        "wire_api": "chat",
        "model": MODEL,
        **settings,
    }
    return json.dumps({"format": "sidestream-settings", "version": 1, "profiles": [given]})


def test_the_form(page: Page) -> None:
    page.locator("#advanced summary").click()
    page.locator("#log summary").click()
    check(page, *NAMES)


def test_every_provider(page: Page) -> None:
    page.locator("#add-profile").click()
    for key in page.locator("#preset option").evaluate_all("all => all.map(({value}) => value)"):
        page.locator("#preset").select_option(key)
        check(page, *NAMES)


def test_an_unencrypted_address(page: Page) -> None:
    page.locator("#base-url").fill("http://example.com/v1")
    page.locator("#api-key").fill(API_KEY)
    expect(page.locator("#base-url-hint")).to_be_visible()
    page.locator("#save").click()
    expect(page.locator("#question")).to_be_visible()
    check(page, *NAMES)


def test_problems_at_the_fields(page: Page) -> None:
    page.locator("#advanced summary").click()
    wrong = {
        "#base-url": "ftp://example.com",
        "#model": "",
        "#temperature": "9",
        "#top-p": "0",
        "#max-output": "none",
        "#context-window": "1",
        "#patience": "0",
        "#passphrase": "short",
        "#project": "a b",
        "#headers": "no colon",
        "#query": "no sign",
    }
    for field, value in wrong.items():
        page.locator(field).fill(value)
    page.locator("#save").click()
    expect(page.locator(".field-error:visible")).to_have_count(len(wrong))
    check(page, *NAMES)


def test_the_results_of_the_buttons(page: Page) -> None:
    status = page.locator("#status")
    for button in ("#save", "#load-models", "#remove-key", "#export-settings"):
        page.locator(button).click()
        expect(status).not_to_be_empty()
        expect(page.locator("#save")).to_be_enabled()
        check(page, *NAMES)


def test_questions(page: Page) -> None:
    for button in ("#remove-profile", "#reset"):
        page.locator(button).click()
        expect(page.locator("#question")).to_be_visible()
        check(page, *NAMES)
        page.keyboard.press("Escape")


def test_imports(page: Page) -> None:
    page.locator("#import-auth").click()
    check(page, *NAMES)
    page.keyboard.press("Escape")
    page.locator("#import-settings").click()
    submit = page.locator("#import-form button[type=submit]")
    submit.click()
    expect(page.locator("#import-error")).to_be_visible()
    check(page, *NAMES)
    page.locator("#import-text").fill(profile(instructions="Be brief."))
    submit.click()
    expect(page.locator("#import-review")).to_be_visible()
    check(page, *NAMES, "http://localhost:9/v1")
