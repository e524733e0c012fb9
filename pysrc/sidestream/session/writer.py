"""The way of turns to where they are kept: in order, and no more often than is worth it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Protocol

from sidestream.errors import SidestreamError
from sidestream.session.conversation import Conversation, Turn

SAVE_INTERVAL_S = 1.0
"""A growing answer is stored at least this often,"""
SAVED_PER_S = 200_000
"""or, when it is long, so often that this many characters are written per second.

Each time it is written as a whole: at a fixed interval, storing would cost the more the longer an
answer has become.
"""


class Store(Protocol):
    """Where conversations outlive the process. Its methods raise `SidestreamError`."""

    async def load(self) -> dict[str, Any] | None:
        """The current conversation's id, ``created_at`` and the records of its turns."""
        ...

    async def open(self, conversation_id: str) -> dict[str, Any] | None:
        """Make a stored conversation the current one; as `load`, None when it is not there."""
        ...

    async def begin(self, conversation: Conversation) -> None:
        """Make a new conversation the current one."""
        ...

    async def save(self, conversation_id: str, turn: str) -> None:
        """Write a turn's record over its earlier state; returns when it is safe."""
        ...

    async def remove(self, conversation_id: str, turn_id: str) -> None:
        """Remove a turn's record."""
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
        self._later: dict[str, tuple[Conversation, Turn]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self._failing = False
        self._next = float("-inf")
        """When a growing turn may be written again."""

    @property
    def busy(self) -> bool:
        """Whether something is yet to be written."""
        return self._task is not None or bool(self._later)

    def write(self, conversation: Conversation, turn: Turn) -> None:
        """Write it as soon as may be."""
        self._later.pop(turn.id, None)
        self._due[turn.id] = (conversation, turn)
        if self._task is None:
            self._task = asyncio.ensure_future(self._write_due())

    def forget(self, turn: Turn) -> None:
        """Write it no more."""
        self._due.pop(turn.id, None)
        self._later.pop(turn.id, None)

    def write_soon(self, conversation: Conversation, turn: Turn) -> None:
        """Write it within `SAVE_INTERVAL_S`, later when it is long, and no more often than that."""
        if turn.id in self._due:
            return
        self._later[turn.id] = (conversation, turn)
        if self._timer is None:
            loop = asyncio.get_running_loop()
            wait = max(0.0, self._next - loop.time())
            self._timer = loop.call_later(wait, self._write_later)

    async def drain(self) -> None:
        """Until all that is due has been written, or could not be."""
        while self._task is not None:
            await asyncio.shield(self._task)

    def _write_later(self) -> None:
        self._timer = None
        later, self._later = self._later, {}
        for conversation, turn in later.values():
            self.write(conversation, turn)

    async def _write_due(self) -> None:
        try:
            while self._due:
                _, (conversation, turn) = self._due.popitem()
                try:
                    record = turn.record()
                    pause = max(SAVE_INTERVAL_S, len(record) / SAVED_PER_S)
                    self._next = asyncio.get_running_loop().time() + pause
                    await self._store.save(conversation.id, record)
                    self._failing = False
                except SidestreamError as error:
                    # Said once, not each second.
                    if not self._failing:
                        self._on_error(error)
                    self._failing = True
        finally:
            self._task = None
            self._on_idle()
