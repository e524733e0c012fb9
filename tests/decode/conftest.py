"""Plays frames through a decoder and checks what must hold for every answer."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sidestream.decode import Decoder, decoder_for
from sidestream.sse import SSEDecoder
from sidestream.types import events as ev
from sidestream.types import items as it

STREAMS = Path(__file__).parent.parent / "fixtures" / "streams"


@dataclass
class Outcome:
    """The events, the items and the error of an answer."""

    decoder: Decoder
    events: list[ev.ResponseEvent]
    fed: int
    """The number of events before `close`."""

    def of(self, *types: type) -> list[Any]:
        return [event for event in self.events if isinstance(event, types)]

    @property
    def types(self) -> list[str]:
        return [event.type for event in self.events]

    @property
    def text(self) -> str:
        return "".join(event.delta for event in self.of(ev.OutputTextDelta))

    @property
    def refusal(self) -> str:
        return "".join(event.delta for event in self.of(ev.RefusalDelta))

    @property
    def reasoning(self) -> str:
        return "".join(event.delta for event in self.of(ev.ReasoningContentDelta))

    @property
    def summary(self) -> str:
        return "".join(event.delta for event in self.of(ev.ReasoningSummaryDelta))

    @property
    def items(self) -> list[Any]:
        """The finished items. Reasoning may be finished twice, the second time with more."""
        items: list[Any] = []
        for event in self.of(ev.OutputItemDone):
            item = event.item
            ids = [known.id if known.type == "reasoning" else None for known in items]
            if item.type == "reasoning" and item.id and item.id in ids:
                items[ids.index(item.id)] = item
            else:
                items.append(item)
        return items

    @property
    def messages(self) -> list[it.MessageItem]:
        return [item for item in self.items if isinstance(item, it.MessageItem)]

    @property
    def calls(self) -> list[tuple[str, str, str]]:
        return [
            (item.name, item.call_id, item.arguments)
            for item in self.items
            if isinstance(item, it.FunctionCallItem)
        ]

    @property
    def completed(self) -> ev.Completed:
        return self.of(ev.Completed)[0]

    @property
    def usage(self) -> Any:
        return self.completed.token_usage

    @property
    def error(self) -> Any:
        return self.decoder.error


def check(outcome: Outcome, *, exact: bool = True) -> None:
    """Check what holds for every answer. Nonsense is not ``exact``: its order may differ."""
    assert outcome.types.count("Completed") == 1
    assert outcome.types[-1] == "Completed"
    assert outcome.decoder.done
    assert not outcome.decoder.has_open
    assert outcome.decoder.finished_items == outcome.items
    for event in outcome.events:
        assert ev.response_event.validate_json(event.to_json()).type == event.type
    assert all(event.delta for event in outcome.events if hasattr(event, "delta"))

    added = Counter(event.item.type for event in outcome.of(ev.OutputItemAdded))
    done = Counter(item.type for item in outcome.items)
    assert not done - added

    def parts(kind: type, name: str) -> dict[str | None, str]:
        joined: dict[str | None, str] = defaultdict(str)
        for message in outcome.messages:
            if message.role == "assistant":
                texts = (getattr(p, name) for p in message.content if isinstance(p, kind))
                joined[message.id] += "".join(texts)
        return {key: text for key, text in joined.items() if text}

    def deltas(kind: type) -> dict[str | None, str]:
        joined: dict[str | None, str] = defaultdict(str)
        for event in outcome.of(kind):
            joined[event.item_id] += event.delta
        return dict(joined)

    def text_deltas() -> dict[str | None, str]:
        joined: dict[str | None, str] = defaultdict(str)
        for event in outcome.of(ev.OutputTextDelta, ev.OutputTextReplaced):
            if event.type == "OutputTextReplaced":
                joined[event.item_id] = event.text
            else:
                joined[event.item_id] += event.delta
        return {key: text for key, text in joined.items() if text}

    texts = parts((it.OutputText, it.InputText), "text")
    if exact and (None not in texts or len(outcome.messages) == 1):
        assert text_deltas() == texts
        assert deltas(ev.RefusalDelta) == parts(it.Refusal, "refusal")
    if not outcome.of(ev.OutputTextReplaced):
        assert Counter(outcome.text) == Counter("".join(texts.values()))
    thoughts = [item for item in outcome.items if isinstance(item, it.ReasoningItem)]
    content = "".join(part.text for item in thoughts for part in item.content or ())
    summary = "".join(part.text for item in thoughts for part in item.summary)
    assert Counter(outcome.reasoning) == Counter(content)
    assert Counter(outcome.summary) == Counter(summary)
    finished = "".join(event.text for event in outcome.of(ev.ReasoningSummaryDone))
    assert Counter(finished) == Counter(summary)

    if exact:
        arguments = deltas(ev.FunctionCallArgumentsDelta)
        for item in outcome.items:
            if isinstance(item, it.FunctionCallItem) and item.arguments:
                assert arguments[item.id or item.call_id] == item.arguments
            if isinstance(item, it.CustomToolCallItem) and item.input:
                assert deltas(ev.ToolCallInputDelta)[item.id or item.call_id] == item.input


def _play(wire_api: str, frames: Iterable[Any], *, exact: bool = True) -> Outcome:
    decoder = decoder_for(wire_api, now=lambda: 0.0)
    events: list[ev.ResponseEvent] = []
    for frame in frames:
        events += decoder.feed(frame if isinstance(frame, str) else json.dumps(frame))
    fed = len(events)
    events += decoder.close()
    assert decoder.close() == []
    assert decoder.feed('{"type":"response.created"}') == []
    outcome = Outcome(decoder, events, fed)
    check(outcome, exact=exact)
    return outcome


Play = Callable[..., Outcome]


@pytest.fixture(scope="session")
def play() -> Play:
    """Feeds frames (JSON data or text) to a new decoder, closes it and checks the outcome."""
    return _play


def frames_of(name: str) -> tuple[str, list[str]]:
    """Return the wire API and the frames of a recorded stream."""
    decoder = SSEDecoder()
    data = (STREAMS / f"{name}.sse").read_bytes()
    return "chat" if "_chat" in name else "responses", [e.data for e in decoder.feed(data)]


@pytest.fixture(scope="session")
def recorded() -> Callable[[str], tuple[str, list[str]]]:
    """Return a function from the name of a recorded stream to its wire API and frames."""
    return frames_of


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run tests with an argument ``stream`` for every recording."""
    if "stream" in metafunc.fixturenames:
        metafunc.parametrize("stream", sorted(path.stem for path in STREAMS.glob("*.sse")))
