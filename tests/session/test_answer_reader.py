"""Answers that the provider stores are read to their end."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from sidestream.connection_errors import network_error
from sidestream.sse import SSEDecoder
from sidestream.testing import (
    ResponsesStream,
    StoredResponses,
    run,
)
from sidestream.transport import HttpRequest
from tests.session.harness import Harness, MemoryStore, reply, with_harness


async def background_harness(server: StoredResponses, store: MemoryStore | None = None) -> Harness:
    """A process whose provider stores its answers."""
    harness = Harness(store=store)
    harness.fetch = server
    harness.settings["background"] = True
    await harness.begin()
    return harness


def killed(server: StoredResponses, at_s: float, *, then: str | None = None) -> MemoryStore:
    """Return what is stored when the process ends in mid-answer. ``then`` is a queued message."""

    async def process() -> MemoryStore:
        harness = await background_harness(server)
        harness.chat.send("1", "Hi")
        if then is not None:
            harness.chat.send("2", then)
        await asyncio.sleep(at_s)
        return MemoryStore(harness.store.state())

    return run(process())


def stored_stream() -> ResponsesStream:
    stream = ResponsesStream().created().reasoning("Well, ", "well.")
    return stream.text(*(f"word {n} " for n in range(40))).completed()


def stored_answer() -> StoredResponses:
    server = StoredResponses(stored_stream(), hello())
    server.pace_s = 0.3
    return server


def hello() -> ResponsesStream:
    return ResponsesStream(response_id="resp_2").created().text("Hel", "lo").completed()


LONG_STORY = "".join(f"word {n} " for n in range(40))


@pytest.mark.parametrize("at_s", [1.0, 2.2, 3.5, 4.0, 4.7, 8.05, 15.0, 16.1])
def test_an_answer_that_the_provider_stores_is_resumed_by_the_next_process(at_s: float) -> None:
    server = stored_answer()
    store = killed(server, at_s)
    had = store.last("1")
    assert had["status"] == "running"
    assert had["sequence_number"] >= 0

    async def second_process() -> None:
        harness = await background_harness(server, store)
        panel = harness.open_panel()
        turn = panel.turns["1"]
        assert (turn.status, turn.notice) == (
            "reconnecting",
            "Picking the answer up where it broke off",
        )
        assert turn.response_id is None  # the panel does not need it
        await harness.until_idle()
        assert panel.turns["1"].text == LONG_STORY
        assert [block.text for block in panel.turns["1"].blocks] == ["Well, well.", LONG_STORY]
        assert panel.turns["1"].status == "completed"
        assert "running" in {
            message["turn"]["status"] for message in panel.messages if message["type"] == "Turn"
        }
        assert server.asked == 1
        record = store.last("1")
        assert (record["status"], record.get("response_id")) == ("completed", None)
        assert [item["type"] for item in record["items"]] == ["reasoning", "message"]

    run(second_process())


def test_text_and_position_are_written_together() -> None:
    """In every record, the rest after the position is exactly what the text lacks."""
    server = stored_answer()

    async def process() -> MemoryStore:
        harness = await background_harness(server)
        harness.chat.send("1", "Hi")
        await harness.until_idle()
        return harness.store

    read = SSEDecoder().feed_data
    frames = [json.loads(frame) for frame in read(stored_stream().body)]
    for record in run(process()).saved:
        if "sequence_number" not in record:
            continue
        seen = [f for f in frames if f["sequence_number"] <= record["sequence_number"]]
        text = "".join(f["delta"] for f in seen if f["type"] == "response.output_text.delta")
        texts = [block["text"] for block in record["blocks"] if block["kind"] == "text"]
        assert "".join(texts) == text


def test_queued_messages_are_sent_after_the_resumed_answer() -> None:
    server = stored_answer()
    store = killed(server, 5, then="And now?")
    server.answer_next(hello())  # requests at the end of the process do not count
    asked = server.asked

    async def second_process() -> None:
        harness = await background_harness(server, store)
        await harness.until_idle()
        texts = {turn.id: turn.text for turn in harness.chat.conversation.turns}
        assert texts == {"1": LONG_STORY, "2": "Hello"}
        assert server.asked == asked + 1

    run(second_process())


def test_an_answer_that_the_provider_has_deleted_is_interrupted() -> None:
    server = stored_answer()
    store = killed(server, 8)
    server.forget()

    async def second_process() -> None:
        harness = await background_harness(server, store)
        panel = harness.open_panel()
        await harness.until_idle()
        turn = panel.turns["1"]
        assert turn.status == "interrupted"
        assert turn.error is not None
        assert turn.text
        assert LONG_STORY.startswith(turn.text)
        assert server.asked == 1
        assert "sequence_number" not in store.last("1")
        harness.chat.retry("1")
        await harness.until_idle()
        assert "Hello" in panel.texts().values()

    run(second_process())


def test_an_answer_of_another_provider_is_not_asked_for() -> None:
    server = stored_answer()
    store = killed(server, 8)
    count = len(server.requests)

    async def second_process() -> None:
        harness = Harness(store=store)
        harness.fetch = server
        harness.settings |= {"base_url": "https://b.test/v1", "background": True}
        await harness.begin()
        await harness.until_idle()
        assert harness.chat.conversation.turns[0].status == "interrupted"
        assert len(server.requests) == count

    run(second_process())


def test_an_answer_in_a_conversation_that_is_merely_opened_is_not_resumed() -> None:
    """The conversation may come from a file."""
    server = stored_answer()
    state = killed(server, 8).state()
    count = len(server.requests)

    async def second_process() -> None:
        harness = await background_harness(server)
        harness.store.put({**state, "id": "b"})
        await harness.do("Join", "b", panel=1)
        await harness.until_idle()
        assert harness.store.last("1")["status"] == "interrupted"
        assert len(server.requests) == count

    run(second_process())


def test_a_broken_stream_continues_in_the_panel() -> None:
    server = stored_answer()
    server.cuts = [2500, 1500]

    async def process() -> None:
        harness = await background_harness(server)
        panel = harness.open_panel()
        harness.chat.send("1", "Hi")
        await harness.until_idle()
        assert panel.turns["1"].text == LONG_STORY
        assert panel.turns["1"].view() == harness.chat.conversation.turns[0].view()
        assert server.asked == 1
        assert len(server.requests) == 3

    run(process())


def test_an_answer_that_is_asked_for_again_has_a_new_position() -> None:
    server = StoredResponses(ResponsesStream().created().text("Hel", "lo").completed(), hello())
    server.cuts = [700]

    async def process() -> None:
        harness = await background_harness(server)
        harness.chat.send("1", "Hi")
        turn = harness.chat.conversation.turns[0]
        while turn.response_id is None:
            await asyncio.sleep(0.01)
        server.forget()
        ids = set()
        while turn.status.active:
            ids.add(turn.response_id)
            await asyncio.sleep(0.01)
        assert ids == {"resp_1", None, "resp_2"}
        assert turn.text == "Hello"

    server.pace_s = 0.1
    run(process())


class Outage:
    """A provider that cannot be reached for a while."""

    def __init__(self, server: StoredResponses, begin_s: float, end_s: float) -> None:
        self.server = server
        self.requests = server.requests
        self.begin_s, self.end_s = begin_s, end_s
        server.pace_s = 0.3

    async def __call__(self, request: HttpRequest) -> Any:
        if self.begin_s <= asyncio.get_running_loop().time() < self.end_s:
            raise network_error("no network")
        return await self.server(request)


async def outage_harness(server: StoredResponses, end_s: float) -> Harness:
    """A process whose answer breaks off, and which has no network from second 1 to ``end_s``."""
    server.cuts = [3000]
    harness = await background_harness(server)
    # The harness needs nothing of the scripted provider but that it answers requests.
    harness.fetch = Outage(server, 1, end_s)  # type: ignore[assignment]
    return harness


@pytest.mark.parametrize("end_s", [20.0, 100.0, 400.0])
@pytest.mark.parametrize("online", [True, False])
def test_a_long_outage_is_waited_for_if_the_provider_keeps_the_answer(
    end_s: float, online: bool
) -> None:
    server = stored_answer()

    async def process() -> None:
        harness = await outage_harness(server, end_s)
        panel = harness.open_panel()
        harness.chat.send("1", "Hi")
        await asyncio.sleep(15)
        assert panel.turns["1"].status == "reconnecting"
        half = panel.turns["1"].text
        assert half
        assert LONG_STORY.startswith(half)
        harness.is_online = online
        await asyncio.sleep(end_s - 15)
        harness.is_online = True
        back = asyncio.get_running_loop().time()
        await harness.until_idle()
        assert panel.turns["1"].status == "completed"
        assert panel.turns["1"].text == LONG_STORY
        assert server.asked == 1
        # At most a pause, the wait between two requests, and the rest of the answer.
        assert asyncio.get_running_loop().time() - back < 30 + 32 + 20

    run(process())


def test_an_outage_without_end_ends_the_turn() -> None:
    server = stored_answer()

    async def process() -> None:
        harness = await outage_harness(server, 1e9)
        harness.chat.send("1", "Hi")
        await harness.until_idle()
        turn = harness.chat.conversation.turns[0]
        assert (turn.status, turn.error and turn.error["kind"]) == ("failed", "network")
        assert turn.text
        assert LONG_STORY.startswith(turn.text)
        assert 600 < asyncio.get_running_loop().time() < 800
        assert harness.store.last("1")["status"] == "failed"

    run(process())


def test_an_outage_can_be_stopped() -> None:
    server = stored_answer()

    async def process() -> None:
        harness = await outage_harness(server, 200)
        harness.chat.send("1", "Hi")
        await asyncio.sleep(100)
        harness.chat.stop()
        await harness.until_idle()
        assert harness.store.last("1")["status"] == "stopped"
        assert asyncio.get_running_loop().time() < 150

    run(process())


def test_an_answer_that_was_deleted_during_the_outage() -> None:
    server = stored_answer()

    async def process() -> None:
        harness = await outage_harness(server, 100)
        harness.chat.send("1", "Hi")
        await asyncio.sleep(90)
        server.forget()
        await harness.until_idle()
        turn = harness.chat.conversation.turns[0]
        assert (turn.status, turn.error and turn.error["kind"]) == ("failed", "not_found")
        assert turn.is_cut
        assert server.asked == 1

    run(process())


def test_stop_ends_the_answer_at_the_provider() -> None:
    server = stored_answer()

    async def process() -> None:
        harness = await background_harness(server)
        harness.chat.send("1", "Hi")
        await asyncio.sleep(6)
        harness.chat.stop()
        await harness.until_idle()
        assert server.cancelled_ids == ["resp_1"]
        assert harness.store.last("1")["status"] == "stopped"
        assert "response_id" not in harness.store.last("1")

    run(process())


def test_stop_stops_although_the_provider_does_not() -> None:
    server = stored_answer()

    async def process() -> None:
        harness = await background_harness(server)
        harness.chat.send("1", "Hi")
        await asyncio.sleep(6)
        server.forget()
        harness.chat.stop()
        await harness.until_idle()
        assert harness.store.last("1")["status"] == "stopped"

    run(process())


@with_harness(reply("a", "b", "c", pace_s=1))
async def test_a_plain_answer_is_neither_kept_nor_cancelled(harness: Harness) -> None:
    harness.chat.send("1", "Hi")
    await asyncio.sleep(5.5)
    harness.chat.stop()
    await harness.until_idle()
    assert len(harness.fetch.requests) == 1
    assert "background" not in harness.fetch.json()
    assert not any("response_id" in record for record in harness.store.saved)
