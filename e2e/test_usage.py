"""Usage and limits: only what the provider reported is shown, added up and over restarts."""

from __future__ import annotations

import re
import time
from typing import Any

from playwright.sync_api import Locator, Page, expect

from e2e.app import App, Panel
from e2e.server import Exchange, Script, ScriptedServer, response_events

HOUR_S = 3600
KNOWN_MODEL = "gpt-5.2"
"""Its context window is 272,000 tokens."""
UNTOLD = "\N{EN DASH}"


def told(usage: dict[str, Any] | None, headers: dict[str, str] | None = None) -> Script:
    """An answer with that usage, or without any."""

    def script(exchange: Exchange) -> None:
        *events, last = response_events("Fine.")
        last["response"]["usage"] = usage
        exchange.head(headers=headers)
        exchange.events([*events, last])

    return script


def usage(used: int, cached: int, written: int, thought: int) -> dict[str, Any]:
    return {
        "input_tokens": used,
        "input_tokens_details": {"cached_tokens": cached},
        "output_tokens": written,
        "output_tokens_details": {"reasoning_tokens": thought},
        "total_tokens": used + written,
    }


def plan(used_percent: int) -> dict[str, str]:
    """The headers of a plan, and of the public API."""
    now = int(time.time())
    return {
        "x-codex-primary-used-percent": str(used_percent),
        "x-codex-primary-window-minutes": "300",
        # In the middle of an hour: the test must not see it change.
        "x-codex-primary-reset-at": str(now + 2 * HOUR_S + 1830),
        "x-codex-secondary-used-percent": "31",
        "x-codex-secondary-window-minutes": "10080",
        "x-codex-secondary-reset-at": str(now + 76 * HOUR_S + 1800),
        "x-codex-plan-type": "plus",
        "x-ratelimit-limit-requests": "500",
        "x-ratelimit-remaining-requests": "487",
        "x-ratelimit-reset-requests": "6h0m0s",
    }


def meters(page: Page) -> dict[str, str | None]:
    """The accessible description of every bar in view."""
    bars = page.get_by_role("meter").all()
    return {
        str(bar.get_attribute("aria-label")): bar.get_attribute("aria-valuetext") for bar in bars
    }


def show(panel: Panel) -> Locator:
    panel.page.get_by_role("button", name="Usage", exact=True).click()
    return panel.page.get_by_role("dialog", name="Usage")


def rows(part: Locator) -> list[list[str]]:
    return [row.locator("th, td").all_inner_texts() for row in part.get_by_role("row").all()]


def test_what_was_reported_is_in_view_and_stays_there(
    fresh_app: App, server: ScriptedServer
) -> None:
    fresh_app.configure(server.base_url, model=KNOWN_MODEL)
    server.on(
        "first",
        told(usage(1200, 1000, 300, 100), plan(used_percent=82)),
    )
    server.on("second", told(usage(1800, 0, 200, 0), plan(used_percent=40)))
    panel = fresh_app.open_panel()
    page = panel.page
    expect(panel.message).to_be_focused()
    expect(page.get_by_role("button", name="Usage", exact=True)).to_be_hidden()

    panel.ask("The first")
    expect(panel.answer).to_have_text("Fine.")
    panel.expect_idle()
    expect(page.get_by_text("5-hour limit 82%")).to_be_visible()
    seen = meters(page)
    assert seen.keys() == {"5-hour limit", "Context window"}
    # A busy machine may reach this point minutes later.
    assert re.fullmatch(r"82% used, resets in 2h [1-3]\dm", seen["5-hour limit"] or "")
    assert seen["Context window"] == "1,500 of 272,000 tokens"
    expect(panel.answer.locator(".usage")).to_have_attribute(
        "title",
        "Input: 1,200 tokens\nof which cached: 1,000\n"
        "Output: 300 tokens\nof which reasoning: 100\nModel: gpt-5.2",
    )
    dialog = show(panel)
    conversation = dialog.get_by_role("region", name="This conversation")
    limits = dialog.get_by_role("region", name="Limits")
    days = dialog.get_by_role("region", name="By day")
    expect(days).to_contain_text(KNOWN_MODEL)
    assert rows(conversation) == [
        ["Tokens", "Last answer", "Total"],
        ["Input", "1,200", "1,200"],
        ["cached", "1,000", "1,000"],
        ["Output", "300", "300"],
        ["reasoning", "100", "100"],
    ]
    for text in ("82% used", "31% used", "487 of 500 left", "resets in 3d 4h", "Plan: plus"):
        expect(limits).to_contain_text(text)
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()

    fresh_app.stop_worker(page)
    page.reload()
    expect(page.get_by_text("5-hour limit 82%")).to_be_visible()
    # The size of the window is known as soon as the worker knows the provider.
    window = page.get_by_role("meter", name="Context window")
    expect(window).to_have_attribute("aria-valuetext", "1,500 of 272,000 tokens")

    panel.ask("The second")
    expect(panel.answers).to_have_text(["Fine.", "Fine."])
    panel.expect_idle()
    expect(page.get_by_text("5-hour limit")).to_be_hidden()
    assert meters(page) == {"Context window": "2,000 of 272,000 tokens"}
    show(panel)
    expect(limits).to_contain_text("40% used")
    assert rows(conversation)[1:] == [
        ["Input", "1,800", "3,000"],
        ["cached", UNTOLD, "1,000"],
        ["Output", "200", "500"],
        ["reasoning", UNTOLD, "100"],
    ]
    # The window is that of the provider of the next answer.
    larger = fresh_app.settings(server.base_url, model="gpt-4.1")
    fresh_app.save(larger)
    expect(conversation).to_contain_text("2,000 of 1,047,576")
    # Usage of another conversation counts for the day only.
    page.keyboard.press("Escape")
    panel.new_chat.click()
    expect(page.get_by_role("meter")).to_have_count(0)
    show(panel)
    expect(conversation).to_be_hidden()
    day = days.get_by_role("table").first
    expect(day).to_contain_text("3K")
    assert rows(day)[-1] == ["2", "3K\n1K cached", "500\n100 reasoning"]


def test_where_nothing_is_reported_nothing_is_shown(
    app: App, panel: Panel, server: ScriptedServer
) -> None:
    app.configure(server.base_url, model=KNOWN_MODEL)
    server.on("", told(None))
    panel.ask("Hello")
    expect(panel.answer).to_have_text("Fine.")
    panel.expect_idle()
    panel.page.reload()
    expect(panel.answer).to_have_text("Fine.")
    expect(panel.page.get_by_role("button", name="Usage", exact=True)).to_be_hidden()
    expect(panel.page.get_by_role("meter")).to_have_count(0)


def test_a_limit_that_is_reached_is_waited_for_also_after_a_restart(
    app: App, panel: Panel, server: ScriptedServer
) -> None:
    headers = {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "10m0s"}
    server.on("first", told(None, headers))
    panel.ask("The first")
    expect(panel.answer).to_have_text("Fine.")
    panel.expect_idle()
    app.stop_worker(panel.page)
    panel.page.reload()
    expect(panel.answer).to_have_text("Fine.")
    panel.ask("The second")
    expect(panel.page.get_by_text("Rate limited. Sending in")).to_be_visible()
    assert len(server.turns) == 1
    expect(show(panel)).to_contain_text("Messages are sent in 10m")
    panel.page.keyboard.press("Escape")
    panel.page.get_by_role("button", name="Send now", exact=True).click()
    expect(panel.answer).to_have_text("You said: The second")
