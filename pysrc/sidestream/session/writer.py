"""Writes turns to the store: in order, and no more often than necessary."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from typing import Any, Protocol

from sidestream.errors import SidestreamError
from sidestream.session.conversation import Conversation
from sidestream.session.turn import Turn

SAVE_INTERVAL_S = 1.0
"""A growing answer is stored at least this often, and with each finished item."""
SAVED_PER_S = 200_000
"""A long answer is stored less often, so that at most this many characters are written per second.

It is written as a whole each time, so a fixed interval would cost the more, the longer it is.
"""


class Store(Protocol):
    """Where conversations are stored. Its methods raise `SidestreamError`."""

    async def load(self, conversation_id: str) -> dict[str, Any] | None:
        """What `Conversation.head` returned, with the records of the ``turns``; None if unknown."""
        ...

    async def unfinished(self) -> list[str]:
        """The conversations with a turn that has not ended, the longest waiting one first."""
        ...

    async def save(self, head: str, turn: str) -> None:
        """Replace `Conversation.head` and a turn's record, both or none.

        Without a turn (""), only the head is written. Returns when it is stored.
        """
        ...

    async def remove(self, head: str, turn_id: str) -> None:
        """Write the head and remove a turn's record, both or none."""
        ...

    async def attachment(self, conversation_id: str, attachment_id: str) -> str | None:
        """The content of an attachment; None if it is not stored."""
        ...

    async def recall(self, name: str) -> str:
        """The text that was last given to `remember` under that name; "" if there is none."""
        ...

    async def remember(self, name: str, text: str) -> None:
        """Store a text that belongs to no conversation."""
        ...


class Writer:
    """Writes turns one after the other, always their latest state."""

    def __init__(
        self,
        store: Store,
        on_error: Callable[[SidestreamError], None],
        on_idle: Callable[[], None],
    ) -> None:
        self._store = store
        self._on_error = on_error
        self._on_idle = on_idle
        self._due: dict[str, tuple[Conversation, Turn]] = {}
        self._then: dict[str, Callable[[], None]] = {}
        self._later: dict[str, tuple[float, asyncio.Handle]] = {}
        """The planned writes, with their times: the handles of the browser's loop have none."""
        self._next: dict[str, float] = {}
        """When a growing turn may be written again."""
        self._next_item: dict[str, float] = {}
        """When a growing turn may be written again after one of its items is finished."""
        self._task: asyncio.Task[None] | None = None
        self._failing = False

    @property
    def busy(self) -> bool:
        """Whether anything remains to be written."""
        return self._task is not None or bool(self._later)

    def write(
        self, conversation: Conversation, turn: Turn, then: Callable[[], None] | None = None
    ) -> None:
        """Write a turn as soon as possible; ``then`` is called when that is done or has failed."""
        self._unschedule(turn)
        self._due[turn.id] = (conversation, turn)
        if then is not None:
            self._then[turn.id] = then
        if self._task is None:
            self._task = asyncio.ensure_future(self._write_due())

    def write_soon(self, conversation: Conversation, turn: Turn) -> None:
        """Write a turn within `SAVE_INTERVAL_S`, or later if it is long."""
        if turn.id in self._due or turn.id in self._later:
            return
        loop = asyncio.get_running_loop()
        self._schedule(conversation, turn, max(loop.time(), self._next.get(turn.id, 0.0)))

    def write_item(self, conversation: Conversation, turn: Turn) -> None:
        """Write a turn of which an item is finished: at once, or later if it is long."""
        loop = asyncio.get_running_loop()
        due = self._next_item.get(turn.id, 0.0)
        if due <= loop.time():
            self.write(conversation, turn)
        elif turn.id not in self._due:
            planned, _ = self._later.get(turn.id, (math.inf, None))
            if planned > due:
                self._unschedule(turn)
                self._schedule(conversation, turn, due)

    def forget(self, turn: Turn) -> None:
        """Cancel all planned writes of a turn."""
        self._due.pop(turn.id, None)
        self._then.pop(turn.id, None)
        self._unschedule(turn)

    async def drain(self) -> None:
        """Wait until everything that is due has been written or has failed."""
        while self._task is not None:
            await asyncio.shield(self._task)

    def _schedule(self, conversation: Conversation, turn: Turn, due: float) -> None:
        loop = asyncio.get_running_loop()
        # The browser's loop does not accept a negative delay, not even of a microsecond.
        wait = max(0.0, due - loop.time())
        self._later[turn.id] = (due, loop.call_later(wait, self.write, conversation, turn))

    def _unschedule(self, turn: Turn) -> None:
        _, timer = self._later.pop(turn.id, (0.0, None))
        if timer is not None:
            timer.cancel()

    async def _write_due(self) -> None:
        try:
            while self._due:
                conversation, turn = self._due.pop(next(iter(self._due)))
                then = self._then.pop(turn.id, None)
                try:
                    await self._save(conversation, turn)
                    self._failing = False
                except SidestreamError as error:
                    # The error is reported once, not with each write.
                    if not self._failing:
                        self._on_error(error)
                    self._failing = True
                if then is not None:
                    then()
        finally:
            self._task = None
            self._on_idle()

    async def _save(self, conversation: Conversation, turn: Turn) -> None:
        record = turn.record()
        if turn.status.running:
            now, pause = asyncio.get_running_loop().time(), len(record) / SAVED_PER_S
            self._next[turn.id] = now + max(SAVE_INTERVAL_S, pause)
            self._next_item[turn.id] = now + pause
        else:
            self._next.pop(turn.id, None)
            self._next_item.pop(turn.id, None)
        await self._store.save(conversation.head(), record)
