"""What the chats of a process share: storage, limits, the network and the clock."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

from sidestream.session.connection import Connection
from sidestream.session.conversation import ConversationSettings
from sidestream.session.error_log import ErrorLog
from sidestream.session.limits import Limits
from sidestream.session.tools import Tool
from sidestream.session.windows import Windows
from sidestream.session.writer import Store, Writer


@dataclass(frozen=True)
class Services:
    """What `Chats` gives to each `Chat`."""

    store: Store
    writer: Writer
    limits: Limits
    windows: Windows
    log: ErrorLog
    connect: Callable[[ConversationSettings], Awaitable[Connection]]
    """Makes the connection for the next turn. Raises `SidestreamError` when that is impossible."""
    online: Callable[[], bool]
    """Whether there is a network."""
    now: Callable[[], float]
    """Unix time in seconds."""
    spawn: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]]
    """Runs work that must not be cut off."""
    waiting: Callable[[], int]
    """How many messages are queued, in all chats."""
    changed: Callable[[], None]
    """Called when what a chat waits for has changed, or when it has nothing to do any more."""
    advance: Callable[[], None]
    """Has all chats check whether their first queued message can be sent."""
    tools: Sequence[Tool] = ()
    """What the model may call where the user allows it."""

    def now_ms(self) -> int:
        """Unix time in milliseconds."""
        return int(self.now() * 1000)
