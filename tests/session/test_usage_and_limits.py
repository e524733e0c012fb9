"""What a conversation has used, and the limits that providers report."""

from __future__ import annotations

import asyncio
from typing import Any

from sidestream.errors import ErrorKind, SidestreamError
from sidestream.testing import (
    Reply,
    ResponsesStream,
    now,
)
from tests.session.harness import (
    Harness,
    MemoryStore,
    Panel,
    limited,
    reasons,
    reply,
    with_harness,
)


def spending(*deltas: str, **usage: Any) -> Reply:
    return Reply(ResponsesStream().created().text(*deltas).completed(**usage))


def last_of(panel: Panel, kind: str) -> dict[str, Any]:
    return next(message for message in reversed(panel.messages) if message["type"] == kind)


def shown_meter(panel: Panel) -> dict[str, Any]:
    """Return the meter that the panel shows."""
    for message in reversed(panel.messages):
        if message["type"] == "Meter":
            return dict(message["meter"])
        if message["type"] == "Conversation":
            return dict(message["conversation"].get("meter") or {})
    raise AssertionError("no conversation was sent")


@with_harness(
    spending("one", input_tokens=100, output_tokens=20),
    spending("two", input_tokens=150, output_tokens=30),
    spending("anew", input_tokens=90, output_tokens=10),
)
async def test_the_usage_of_a_conversation_is_sent_after_each_turn_and_with_each_branch(
    harness: Harness,
) -> None:
    harness.settings["context_window"] = 1000
    panel = harness.open_panel()
    assert shown_meter(panel) == {}
    await harness.do("Send", id="1", text="q1")
    await harness.until_idle()
    assert shown_meter(panel)["context_used"] == 120
    await harness.do("Send", id="2", text="q2")
    await harness.until_idle()
    meter = shown_meter(panel)
    assert meter["usage"]["total_tokens"] == 300
    assert meter["last"]["total_tokens"] == 180
    figures = {name: meter[name] for name in ("context_used", "context_window", "compact_at")}
    assert figures == {"context_used": 180, "context_window": 1000, "compact_at": 900}
    await harness.do("Regenerate", id="3", turn="1")
    await harness.until_idle()
    assert shown_meter(panel)["context_used"] == 100
    assert shown_meter(panel)["usage"]["total_tokens"] == 400
    await harness.do("ShowBranch", turn="2")
    assert shown_meter(panel)["context_used"] == 180
    assert shown_meter(panel)["usage"]["total_tokens"] == 400
    again = await harness.restart()
    late = again.open_panel()
    await again.until_idle()
    assert shown_meter(late) == shown_meter(panel)


@with_harness(spending("one"))
async def test_the_meter_follows_the_settings_of_the_conversation(harness: Harness) -> None:
    panel = harness.open_panel()
    harness.chat.send("1", "q1")
    await harness.until_idle()
    assert "context_window" not in shown_meter(panel)
    own = {"model": "gpt-5.2", "compaction": "off"}
    await harness.do("Configure", settings=own)
    await harness.until_idle()
    assert shown_meter(panel)["context_window"] == 272_000
    assert "compact_at" not in shown_meter(panel)
    # Another profile becomes the active one.
    await harness.do("Configure", settings={})
    harness.settings["context_window"] = 500
    await harness.do("NewProvider")
    await harness.until_idle()
    assert shown_meter(panel)["context_window"] == 500
    # Without a provider, the known window stays.
    harness.connection_error = SidestreamError(ErrorKind.CONFIGURATION, "There is no key.")
    await harness.do("NewProvider")
    await harness.until_idle()
    assert shown_meter(panel)["context_window"] == 500


@with_harness(limited("one", requests_left=3, reset="90s"), reply("two"))
async def test_limits_are_sent_to_all_panels_once_per_answer_and_on_join(
    harness: Harness,
) -> None:
    await harness.do("Join", "b")
    panels = [harness.open_panel(), harness.open_panel("b")]
    assert [last_of(panel, "Limits")["limits"] for panel in panels] == [[], []]
    harness.chat.send("1", "q1")
    await harness.until_idle()
    for panel in (*panels, harness.open_panel()):
        (limits,) = last_of(panel, "Limits")["limits"]
        (quota,) = limits["quotas"]
        assert (limits["name"], limits["model"]) == ("https://a.test", "m")
        assert (quota["label"], quota["limit"], quota["remaining"]) == ("Requests", 10, 3)
    assert [message["type"] for message in panels[0].messages].count("Limits") == 2


@with_harness(limited("one", requests_left=0, reset="90s"))
async def test_a_limit_holds_in_the_next_process(harness: Harness) -> None:
    harness.chat.send("1", "q1")
    await harness.until_idle()
    again = await harness.restart(reply("two"))
    panel = again.open_panel()
    (limits,) = last_of(panel, "Limits")["limits"]
    assert limits["wait_until"] > now() * 1000
    await again.do("Send", id="2", text="q2")
    await asyncio.sleep(1)
    assert reasons(again) == {"1": None, "2": "rate_limit"}
    await asyncio.sleep(90)
    assert panel.texts()["2"] == "two"


def test_limits_that_cannot_be_read_or_stored_do_not_stop_a_chat() -> None:
    class Forgetful(MemoryStore):
        async def recall(self, name: str) -> str:
            raise SidestreamError(ErrorKind.INTERNAL, "No.")

        async def remember(self, name: str, text: str) -> None:
            raise SidestreamError(ErrorKind.INTERNAL, "No.")

    @with_harness(limited("one", requests_left=3, reset="90s"), store=Forgetful())
    async def scene(harness: Harness) -> None:
        panel = harness.open_panel()
        harness.chat.send("1", "q1")
        await harness.until_idle()
        assert panel.texts() == {"1": "one"}
        assert panel.rejected == []
        assert len(last_of(panel, "Limits")["limits"]) == 1

    scene()
