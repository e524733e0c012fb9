"""The commands of one conversation."""

from __future__ import annotations

import asyncio

from sidestream.testing import (
    Reply,
)
from tests.session.harness import Harness, reply, with_harness


@with_harness(reply("Hi"))
async def test_the_same_send_twice_starts_one_turn(harness: Harness) -> None:
    panel = harness.open_panel()
    harness.chat.send("1", "Hi")
    harness.chat.send("1", "Hi")
    await harness.until_idle()
    harness.chat.send("1", "Hi")
    await harness.until_idle()
    assert len(harness.fetch.requests) == 1
    assert list(panel.turns) == ["1"]
    assert panel.rejected == []


@with_harness(reply("a", "b", pace_s=1))
async def test_a_rejection_goes_only_to_the_panel_that_sent_the_command(harness: Harness) -> None:
    asker, other = harness.open_panel(), harness.open_panel()
    harness.chat.send("0", "  \n", 1)
    harness.chat.retry("unknown", 1)
    harness.chat.send("1", "Hi", 1)
    harness.chat.retry("1", 1)
    harness.chat.cancel("1", 1)
    harness.chat.send_now("unknown", 1)
    assert [r.get("id") for r in asker.rejected] == ["0", None, None, None, None]
    assert other.rejected == []
    await harness.until_idle()
    assert list(asker.turns) == ["1"]


@with_harness(reply("a", "b", "c", pace_s=1), reply("again"))
async def test_stop_aborts_the_request_and_keeps_the_partial_answer(harness: Harness) -> None:
    panel = harness.open_panel()
    harness.chat.send("1", "Hi")
    while panel.texts().get("1") != "ab":
        await asyncio.sleep(0.1)
    harness.chat.stop()
    assert panel.turns["1"].status == "stopped"
    # This happens at once, without waiting for the network.
    harness.chat.send("2", "go on")
    await harness.until_idle()
    assert harness.fetch.all_closed
    assert panel.texts() == {"1": "ab", "2": "again"}
    assert harness.store.last("1")["status"] == "stopped"
    sent = harness.fetch.json()["input"]
    assert [item["content"][0]["text"] for item in sent] == ["Hi", "ab", "go on"]


@with_harness(reply("a", "b", pace_s=1), reply("new"))
async def test_stop_and_an_immediate_retry(harness: Harness) -> None:
    panel = harness.open_panel()
    harness.chat.send("1", "Hi")
    await asyncio.sleep(1.5)
    harness.chat.stop()
    harness.chat.retry("1")
    await harness.until_idle()
    assert panel.texts() == {"1": "new"}
    assert panel.turns["1"].status == "completed"
    assert harness.store.last("1")["blocks"][0]["text"] == "new"


@with_harness(reply("Hi"))
async def test_stop_without_a_turn_does_nothing(harness: Harness) -> None:
    harness.chat.stop()
    harness.chat.send("1", "Hi")
    await harness.until_idle()
    harness.chat.stop()
    assert harness.chat.conversation.turns[0].status == "completed"


@with_harness(then=Reply(status=503))
async def test_stop_while_reconnecting(harness: Harness) -> None:
    panel = harness.open_panel()
    harness.chat.send("1", "Hi")
    await asyncio.sleep(0.5)
    assert panel.turns["1"].status == "reconnecting"
    assert "Reconnecting 1/4" in (panel.turns["1"].notice or "")
    harness.chat.stop()
    await harness.until_idle()
    assert panel.turns["1"].status == "stopped"
    assert panel.turns["1"].notice is None
    assert len(harness.fetch.requests) == 1
