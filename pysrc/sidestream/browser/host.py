"""What ``extension/worker/python/host.js`` and ``bridge.js`` offer to Python."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, Protocol


class FetchPump(Protocol):
    """One HTTP request, pumped by JavaScript."""

    ended: bool
    """Nothing more will arrive. What has arrived can still be taken."""
    failure: str
    """Why the body broke off, as JSON, or empty."""

    def head(self) -> Awaitable[str]:
        """``{"status", "headers"}`` or ``{"failure": {"reason", "detail"}}``, as JSON."""
        ...

    def take(self) -> Any | None:
        """All bytes that have arrived since the last call, as a ``Uint8Array``."""
        ...

    def listen(self, listener: Any | None) -> None:
        """Call ``listener`` when bytes arrive while none were waiting, and at the end.

        ``None`` removes the listener. An aborted pump makes no more calls.
        """
        ...

    def abort(self) -> None:
        """Abort the request now."""
        ...


class Host(Protocol):
    """The worker in which Python runs. None of its promises is ever rejected."""

    def post(self, message: str, panel: int) -> None:
        """Send a ``PanelMessage`` to a panel."""
        ...

    def reply(self, request: int, reply: str) -> None:
        """Answer a request of the options page with a ``Reply``."""
        ...

    def busy(self, busy: bool) -> None:
        """Keep the worker awake while ``busy``, and let it sleep otherwise."""
        ...

    def fetch(self, method: str, url: str, headers: str, body: Any | None) -> FetchPump:
        """Begin a request. ``headers`` is a JSON object."""
        ...

    def connection(self, profile_id: str) -> Awaitable[str]:
        """``{"connection": {"settings", ...}}`` or ``{"error": TurnError}``, as JSON.

        It is that of a profile, or of the active one if the id is "".
        """
        ...

    def load(self, conversation_id: str) -> Awaitable[str]:
        """``{"conversation": ...}``, null if none, or ``{"error": TurnError}``, as JSON."""
        ...

    def unfinished(self) -> Awaitable[str]:
        """``{"conversations": [id, ...]}`` or ``{"error": TurnError}``, as JSON.

        These are the conversations with an unfinished turn; the oldest is first.
        """
        ...

    def save(self, head: str, turn: str) -> Awaitable[str]:
        """Write a conversation's head and a turn's record, both or none.

        No turn is written if ``turn`` is "". Returns "", or a ``TurnError`` as JSON.
        """
        ...

    def remove(self, head: str, turn_id: str) -> Awaitable[str]:
        """Write a conversation's head and remove a turn's record. Returns the same as `save`."""
        ...

    def load_attachment(self, conversation_id: str, attachment_id: str) -> Awaitable[str]:
        """``{"content": text}``, null if there is none, or ``{"error": TurnError}``, as JSON."""
        ...

    def recall(self, name: str) -> Awaitable[str]:
        """The text that was last stored by `remember`, or ""."""
        ...

    def remember(self, name: str, text: str) -> Awaitable[str]:
        """Store a text under a name. Returns "", or a ``TurnError`` as JSON."""
        ...

    def run_python(self, conversation_id: str, code: str) -> Awaitable[str]:
        """Run code in the sandbox: a ``PythonRun`` or ``{"error": TurnError}``, as JSON."""
        ...

    def stop_python(self, conversation_id: str) -> Awaitable[str]:
        """End the code of a conversation. Returns "", or a ``TurnError`` as JSON."""
        ...

    def read_page(self, conversation_id: str, agreed: str) -> Awaitable[str]:
        """``{"page": PageText}`` or ``{"error": TurnError}``, as JSON.

        The page is the one in the window whose panel shows the conversation. ``agreed`` is the page
        that the user approved, and no other is read; "" stands for any.
        """
        ...

    def read_selection(self, conversation_id: str, agreed: str) -> Awaitable[str]:
        """The selection in that page. Returns the same as `read_page`."""
        ...

    def alarm(self, at_ms: int) -> None:
        """Request a ``Wake`` message at a Unix time in milliseconds; 0 requests none."""
        ...

    def online(self) -> bool:
        """Whether there is a network, as far as the browser knows."""
        ...

    def save_tokens(self, profile_id: str, before: str, after: str) -> Awaitable[str]:
        """Store a profile's renewed ``auth.json``. Returns "", or a ``TurnError`` as JSON."""
        ...
