"""What ``extension/worker/python/host.js`` and ``bridge.js`` offer to Python."""

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
        """Call this proxy when something has arrived and nothing was waiting, and at the end.

        ``None``: no longer. An exchange that is aborted calls nobody.
        """
        ...

    def abort(self) -> None:
        """End it now."""
        ...


class Host(Protocol):
    """The worker around us. None of its promises is ever rejected."""

    def post(self, message: str, panel: int) -> None:
        """Send a ``PanelMessage`` to a panel."""
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

    def connection(self, profile_id: str) -> Awaitable[str]:
        """``{"connection": {"settings", ...}}`` or ``{"error": TurnError}``, as JSON.

        Of a profile; with "" of the active one.
        """
        ...

    def load(self, conversation_id: str) -> Awaitable[str]:
        """``{"conversation": ...}``, null when not there, or ``{"error": TurnError}``, as JSON."""
        ...

    def unfinished(self) -> Awaitable[str]:
        """``{"conversations": [id, ...]}`` or ``{"error": TurnError}``, as JSON.

        Those with a turn that has yet to end, the one that waits longest first.
        """
        ...

    def save(self, head: str, turn: str) -> Awaitable[str]:
        """Write a conversation's head and, unless it is "", a turn's record, both or none.

        Empty, or a ``TurnError`` as JSON.
        """
        ...

    def remove(self, head: str, turn_id: str) -> Awaitable[str]:
        """Write a conversation's head and remove a turn's record. Answers as `save`."""
        ...

    def load_attachment(self, conversation_id: str, attachment_id: str) -> Awaitable[str]:
        """``{"content": text}``, null when not there, or ``{"error": TurnError}``, as JSON."""
        ...

    def recall(self, name: str) -> Awaitable[str]:
        """The text that was last given to `remember`; "" when there is none."""
        ...

    def remember(self, name: str, text: str) -> Awaitable[str]:
        """Keep a text under a name. Empty, or a ``TurnError`` as JSON."""
        ...

    def run_python(self, conversation_id: str, code: str) -> Awaitable[str]:
        """Run code in the sandbox: a ``PythonRun`` or ``{"error": TurnError}``, as JSON."""
        ...

    def stop_python(self, conversation_id: str) -> Awaitable[str]:
        """End what runs there for a conversation. Empty, or a ``TurnError`` as JSON."""
        ...

    def read_page(self, conversation_id: str, agreed: str) -> Awaitable[str]:
        """``{"page": PageText}`` or ``{"error": TurnError}``, as JSON.

        The page is the one that the window shows whose panel shows the conversation. If the user
        has ``agreed`` to one ("": to any), another one is not read.
        """
        ...

    def read_selection(self, conversation_id: str, agreed: str) -> Awaitable[str]:
        """What is selected there. Answers as `read_page`."""
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
