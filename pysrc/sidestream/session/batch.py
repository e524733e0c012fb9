"""The way of a turn's events to the panels: in batches, each sent once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

from sidestream.types.events import ResponseEvent

BATCH_INTERVAL_S = 0.004
"""At most one batch of events leaves in this time.

A panel gets one message per frame, which the worker's JavaScript sees to. What is here does not
reach it any more when that leaves, so this is a small part of a frame.
"""


class Batch:
    """Gathers a turn's events and posts them, at most once per `BATCH_INTERVAL_S`."""

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
        """Gather for another turn from here on."""
        self.flush()
        self._turn_id = turn_id
        self.seq = 0

    def add(self, event: ResponseEvent) -> None:
        """Let an event go with the next batch."""
        self._events.append(event.to_json())
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._begun = loop.time()
            # What follows a pause goes out as soon as this batch of bytes is through.
            wait = max(0.0, self._last + BATCH_INTERVAL_S - loop.time())
            self._timer = loop.call_later(wait, self.flush) if wait else loop.call_soon(self.flush)

    @property
    def overdue(self) -> bool:
        """Whether events have waited for longer than they should."""
        if self._timer is None:
            return False
        return asyncio.get_running_loop().time() - self._begun > BATCH_INTERVAL_S

    def flush(self) -> None:
        """Send what is there, now."""
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
