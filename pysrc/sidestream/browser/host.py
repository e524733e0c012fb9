"""What ``extension/runtime/host.js`` and ``bridge.js`` offer to Python."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, Protocol


class Exchange(Protocol):
    """One HTTP request, pumped by JavaScript."""

    ended: bool
    """Nothing more will arrive; what has can still be taken."""
    failure: str
    """Why the body broke off, as JSON; empty when it did not."""

    def head(self) -> Awaitable[str]:
        """``{"status", "headers"}`` or ``{"failure": {"reason", "detail"}}``, as JSON."""
        ...

    def take(self) -> Any | None:
        """All bytes that have arrived since the last call, as a ``Uint8Array``."""
        ...

    def listen(self, listener: Any | None) -> None:
        """Call this proxy each time that something arrives or the end comes; ``None``: no longer.

        An exchange that is aborted calls nobody.
        """
        ...

    def abort(self) -> None:
        """End it now."""
        ...


class Host(Protocol):
    """The worker around us. Of its promises only those of `load` and `open` can be rejected."""

    def post(self, message: str, panel: int) -> None:
        """Send a ``PanelMessage`` to one panel, or to all (0)."""
        ...

    def reply(self, request: int, reply: str) -> None:
        """Answer a request of the options page with a ``Reply``."""
        ...

    def busy(self, busy: bool) -> None:
        """Keep the worker awake, or no longer."""
        ...

    def fetch(self, method: str, url: str, headers: str, body: Any | None) -> Exchange:
        """Begin a request. ``headers`` is a JSON object."""
        ...

    def connection(self) -> Awaitable[str]:
        """``{"connection": {"settings", ...}}`` or ``{"error": TurnError}``, as JSON."""
        ...

    def load(self) -> Awaitable[str]:
        """The current conversation's record as JSON; empty when there is none."""
        ...

    def open(self, conversation_id: str) -> Awaitable[str]:
        """Make a stored conversation the current one; as `load`."""
        ...

    def begin(self, conversation_id: str, created_at: int) -> Awaitable[str]:
        """Make a new conversation the current one. Empty, or a ``TurnError`` as JSON."""
        ...

    def save(self, conversation_id: str, turn: str) -> Awaitable[str]:
        """Write a turn's record. Empty, or a ``TurnError`` as JSON."""
        ...

    def remove(self, conversation_id: str, turn_id: str) -> Awaitable[str]:
        """Remove a turn's record. Empty, or a ``TurnError`` as JSON."""
        ...

    def alarm(self, at_ms: int) -> None:
        """Have a ``Wake`` message sent at that Unix time in milliseconds; 0 for none."""
        ...

    def online(self) -> bool:
        """Whether there is a network, as far as the browser knows."""
        ...

    def save_tokens(self, profile_id: str, before: str, after: str) -> Awaitable[str]:
        """Keep a profile's renewed ``auth.json``. Empty, or a ``TurnError`` as JSON."""
        ...
