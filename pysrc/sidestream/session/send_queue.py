"""The send queue: the messages of a conversation that wait to be sent, and what they wait for.

The messages themselves are the conversation's queued turns. `request_queue` counts requests for all
conversations instead.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from urllib.parse import urlsplit

from sidestream.hosts import is_loopback
from sidestream.session.connection import Connection
from sidestream.session.conversation import Conversation
from sidestream.session.panel_messages import PanelMessages
from sidestream.session.services import Services
from sidestream.session.turn import Turn, TurnStatus, Waiting

OFFLINE_RETRY_S = 60.0
"""How often to check for a network when no event says that it is back."""


class SendQueue:
    """Decides when the first queued turn of a conversation is started.

    Args:
        conversation: The conversation whose turns are queued.
        services: What all chats share.
        panels: Are sent the turns whose state changes.
        is_running: Whether a turn of the conversation runs.
        start: Runs a turn.

    """

    def __init__(
        self,
        conversation: Conversation,
        services: Services,
        panels: PanelMessages,
        *,
        is_running: Callable[[], bool],
        start: Callable[[Turn], None],
    ) -> None:
        self._conversation = conversation
        self._services = services
        self._panels = panels
        self._is_running = is_running
        self._start = start
        self._timer: asyncio.TimerHandle | None = None
        self.alarm_at: int | None = None
        """When to check again, even if the process has ended by then; Unix time in milliseconds."""

    def find(self, turn_id: str, panel: int) -> Turn | None:
        """The queued turn of that id. If it is not queued, the panel receives a rejection."""
        turn = self._conversation.find(turn_id)
        if turn is not None and turn.status is TurnStatus.QUEUED:
            return turn
        hint = "It was sent, or cancelled in another panel."
        self._panels.reject(panel, "That message does not wait any more.", hint)
        return None

    def advance(self) -> None:
        """Start the first queued turn unless something keeps it from being sent.

        After a turn that failed, the queue is on hold until the user decides: what made one turn
        fail would most likely make the others fail as well.
        """
        if self._is_running():
            self._set_alarm(None)
            return
        check_at: int | None = None
        for turn in self._conversation.queued[:1]:
            before = self._conversation.before(turn)
            until = turn.waiting.until if turn.waiting else None
            offline = turn.waiting is not None and turn.waiting.reason == "offline"
            if turn.urgent:
                self._start(turn)
            elif before is not None and before.status.went_wrong:
                self._hold(turn, Waiting(reason="pause"))
            elif offline and not self._services.online():
                check_at = self._next_check()
            elif until is not None and until > self._services.now_ms():
                check_at = until
            else:
                self._start(turn)
        self._set_alarm(check_at)
        self._services.changed()

    def forget_limit(self) -> None:
        """Have the first queued turn check its rate limit anew at the next `advance`."""
        for turn in self._conversation.queued[:1]:
            if turn.waiting is not None and turn.waiting.reason == "rate_limit":
                turn.waiting = Waiting(reason="rate_limit")

    def obstacle(self, turn: Turn, connection: Connection) -> Waiting | None:
        """What keeps the request of a turn from being sent now; None when it can be sent."""
        limits, key = self._services.limits, connection.limit_key
        if turn.urgent:
            limits.admit(key, turn.id, urgent=True)
            return None
        if not (self._services.online() or is_loopback(urlsplit(connection.origin).hostname)):
            return Waiting(reason="offline")
        if wait_ms := limits.wait_ms(key):
            limits.has_tried(key, turn.id)
            return Waiting(reason="rate_limit", until=self._services.now_ms() + wait_ms)
        if not limits.may_go(key, turn.id, waited=turn.limited):
            return Waiting(reason="rate_limit")
        if wait_ms := limits.admit(key, turn.id, per_minute=connection.requests_per_minute):
            limits.has_tried(key, turn.id)
            return Waiting(reason="rate_limit", until=self._services.now_ms() + wait_ms)
        return None

    def put_back(self, turn: Turn, obstacle: Waiting) -> None:
        """Queue a started turn again, of which nothing has been sent yet."""
        turn.limited = obstacle.reason == "rate_limit"
        self._hold(turn, obstacle)
        if obstacle.reason != "turn":
            self._set_alarm(obstacle.until or self._next_check())

    def put_off(self, turn: Turn, until: int) -> None:
        """Queue a turn again that the provider has refused for a limit, until that ends."""
        waiting = Waiting(reason="rate_limit", until=until)
        turn.put_back(waiting)
        self._panels.send_turn(turn)
        self._services.writer.write(self._conversation, turn)
        self._set_alarm(until)

    def clear_alarm(self) -> None:
        """Wait for nothing any more."""
        self._set_alarm(None)

    def _hold(self, turn: Turn, waiting: Waiting) -> None:
        if turn.status is not TurnStatus.QUEUED or turn.waiting != waiting:
            turn.wait(waiting)
            self._panels.send_turn(turn)
            self._services.writer.write(self._conversation, turn)

    def _next_check(self) -> int:
        return self._services.now_ms() + int(OFFLINE_RETRY_S * 1000)

    def _set_alarm(self, at_ms: int | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if at_ms is not None:
            wait = max(at_ms / 1000 - self._services.now(), 0.0)
            self._timer = asyncio.get_running_loop().call_later(wait, self.advance)
        if self.alarm_at != at_ms:
            self.alarm_at = at_ms
            self._services.changed()
