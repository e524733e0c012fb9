"""The messages that the panels of a conversation receive, and when they are sent.

They are those of ``extension/shared/protocol.js``, as JSON.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

from sidestream.errors import ErrorKind, SidestreamError
from sidestream.session.conversation import Conversation
from sidestream.session.meter import Meter
from sidestream.session.turn import Turn
from sidestream.types.events import ResponseEvent

BATCH_INTERVAL_S = 0.004
"""At most one batch of events is sent in this time.

The worker's JavaScript combines batches to one message per frame. An event that is still held here
when that message leaves misses the frame, so this is only a small part of a frame.
"""
STATE_CHARACTERS_PER_S = 1_000_000
"""While an answer is written, its whole state is sent at most so often that this many characters
are sent per second. Some servers change the state with each event."""
_SMALL_STATE = 4_000
"""A state of fewer characters is sent at any time."""


class EventBatcher:
    """Collects a turn's events and posts them, at most once per `BATCH_INTERVAL_S`."""

    def __init__(self, post: Callable[[str], None]) -> None:
        self._post = post
        self._turn_id = ""
        self._events: list[str] = []
        self._timer: asyncio.Handle | None = None
        self._last = float("-inf")
        self._begun = 0.0
        self.seq = 0
        """The number of the last batch of this turn."""

    def begin(self, turn_id: str) -> None:
        """Collect events of another turn from now on."""
        self.flush()
        self._turn_id = turn_id
        self.seq = 0

    def add(self, event: ResponseEvent) -> None:
        """Add an event to the next batch."""
        self._events.append(event.to_json())
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._begun = loop.time()
            # After a pause, the batch is sent as soon as the bytes at hand are decoded.
            wait = max(0.0, self._last + BATCH_INTERVAL_S - loop.time())
            self._timer = loop.call_later(wait, self.flush) if wait else loop.call_soon(self.flush)

    @property
    def overdue(self) -> bool:
        """Whether events have waited for longer than they should."""
        if self._timer is None:
            return False
        return asyncio.get_running_loop().time() - self._begun > BATCH_INTERVAL_S

    def flush(self) -> None:
        """Send the collected events now."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._events:
            return
        self._last = asyncio.get_running_loop().time()
        self.seq += 1
        events = ",".join(self._events)
        self._events.clear()
        self._post(
            f'{{"type":"Events","turn_id":{json.dumps(self._turn_id)},'
            f'"seq":{self.seq},"events":[{events}]}}'
        )


class PanelMessages:
    """Sends the state of one conversation, and the events of the running turn, to its panels.

    A message about a turn or the conversation is sent after the events before it, so panels
    receive everything in the order in which it happened.

    Args:
        conversation: The conversation that the panels show.
        post: Sends a message, as JSON, to all panels that show the conversation.
        post_to: Sends a message to the panel of that number.
        meter: Measures the conversation.

    """

    def __init__(
        self,
        conversation: Conversation,
        post: Callable[[str], None],
        post_to: Callable[[str, int], None],
        meter: Callable[[], Meter | None],
    ) -> None:
        self._conversation = conversation
        self._post = post
        self._post_to = post_to
        self._meter = meter
        self.events = EventBatcher(post)
        """The events of the running turn."""
        self._state_due = 0.0
        """When the state of the running turn may be sent again, in the loop's time."""
        self._state_timer: asyncio.TimerHandle | None = None

    def send_turn(self, turn: Turn) -> None:
        """Send the state of a turn."""
        self.events.flush()
        message = {"type": "Turn", "turn": self._conversation.view_of(turn, whole=False)}
        text = json.dumps(message, ensure_ascii=False)
        pause = max(len(text) - _SMALL_STATE, 0) / STATE_CHARACTERS_PER_S
        self._state_due = asyncio.get_running_loop().time() + pause
        self._post(text)

    def send_turn_soon(self, turn: Turn) -> None:
        """Send the running turn now, or as soon as `STATE_CHARACTERS_PER_S` allows."""
        loop = asyncio.get_running_loop()
        if loop.time() >= self._state_due:
            self.send_turn(turn)
        elif self._state_timer is None:
            self._state_timer = loop.call_at(self._state_due, self._send_delayed_turn, turn)

    def _send_delayed_turn(self, turn: Turn) -> None:
        self._state_timer = None
        # If the turn has ended meanwhile, its last state has been sent.
        if turn.status.running:
            self.send_turn(turn)

    def send_conversation(self) -> None:
        """Send the whole conversation to all its panels."""
        self.events.flush()
        self.send(self._whole())

    def send_conversation_to(self, panel: int) -> None:
        """Send the whole conversation to a panel, which then receives the batches after it."""
        self.events.flush()
        self.send_to(self._whole(), panel)

    def send_earlier_turns(self, turn_id: str, panel: int) -> None:
        """Send a panel the turns before one that it has."""
        turns, before = self._conversation.earlier(turn_id)
        views = self._conversation.views_of(turns)
        self.send_to({"type": "Earlier", "turns": views, "earlier": before}, panel)

    def send_meter(self) -> None:
        """Send what the conversation has used, and how full the context window is."""
        if meter := self._meter():
            self.send({"type": "Meter", "meter": meter.view()})

    def reject(self, panel: int, message: str, hint: str, turn_id: str | None = None) -> None:
        """Report to a panel that its command cannot be carried out."""
        error = SidestreamError(ErrorKind.INVALID_REQUEST, message, hint=hint)
        self.send_to(rejection(error, turn_id), panel)

    def send(self, message: dict[str, Any]) -> None:
        """Send a message to all panels of the conversation."""
        self._post(json.dumps(message, ensure_ascii=False))

    def send_to(self, message: dict[str, Any], panel: int) -> None:
        """Send a message to one panel."""
        self._post_to(json.dumps(message, ensure_ascii=False), panel)

    def _whole(self) -> dict[str, Any]:
        seq = self.events.seq if self._conversation.running else 0
        view = self._conversation.view()
        if meter := self._meter():
            view["meter"] = meter.view()
        return {"type": "Conversation", "conversation": view, "seq": seq}


def rejection(error: SidestreamError, turn_id: str | None = None) -> dict[str, Any]:
    """The message that a command could not be carried out; of a `Send` with the turn's id."""
    about = {} if turn_id is None else {"id": turn_id}
    return {"type": "Rejected", "error": error.to_dict(), **about}
