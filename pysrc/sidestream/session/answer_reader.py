"""Reads an answer into its turn: each event is applied, shown to the panels and stored."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing

from sidestream.errors import SidestreamError
from sidestream.session.conversation import Conversation
from sidestream.session.failure_reports import FailureReports
from sidestream.session.limits import LimitKey
from sidestream.session.panel_messages import PanelMessages
from sidestream.session.requests import Answer, Requests
from sidestream.session.services import Services
from sidestream.session.turn import Turn
from sidestream.types import events
from sidestream.types.events import (
    Completed,
    Notice,
    OutputItemDone,
    RateLimits,
    Reconnecting,
    ResponseEvent,
)

EVENTS_AT_ONCE = 100
"""After this many events commands are handled, so Stop works however much arrives at once."""
PICK_UP_FOR_S = 600.0
"""How long to try to reach an answer that the provider keeps."""
PICK_UP_EVERY_S = 30.0
"""How often to try that, in addition to the client's own retries."""
_NOTED = (RateLimits, Completed, Reconnecting, Notice)
"""Events that report something besides the answer."""


class AnswerReader:
    """Reads the answers of one conversation.

    Args:
        conversation: The conversation that the turns belong to.
        services: What all chats share.
        panels: Receive the events.
        requests: Resumes an answer whose connection broke.
        reports: Counts the requests of a turn.
        is_current: Whether the current task still runs the turn. An event that arrives after the
            turn was stopped changes nothing.

    """

    def __init__(
        self,
        conversation: Conversation,
        services: Services,
        panels: PanelMessages,
        requests: Requests,
        reports: FailureReports,
        is_current: Callable[[], bool],
    ) -> None:
        self._conversation = conversation
        self._services = services
        self._panels = panels
        self._requests = requests
        self._reports = reports
        self._is_current = is_current

    async def read(self, turn: Turn, answer: Answer) -> None:
        """Read an answer to its end.

        If the provider keeps the answer and the connection breaks, this waits until the answer can
        be resumed, at most `PICK_UP_FOR_S`.
        """
        reached: int | None = None
        give_up_at = 0.0
        while True:
            unfinished = None
            key = answer.connection.limit_key
            try:
                async with aclosing(answer.batches) as batches:
                    async for batch in batches:
                        if isinstance(batch[-1], Completed) and not batch[-1].response_id:
                            # The client ends an answer so that the provider has not ended.
                            unfinished = batch
                        else:
                            await self._take_batch(turn, key, batch)
            except SidestreamError as failure:
                if reached != turn.sequence_number:
                    reached = turn.sequence_number
                    give_up_at = self._services.now() + PICK_UP_FOR_S
                can_resume = unfinished is not None and failure.retryable and reached is not None
                if not can_resume or self._services.now() >= give_up_at:
                    if unfinished is not None:
                        await self._take_batch(turn, key, unfinished)
                    raise
            else:
                if unfinished is not None:
                    await self._take_batch(turn, key, unfinished)
                return
            turn.reconnect("The provider keeps the answer until it can be reached again")
            self._panels.send_turn(turn)
            await self._until_worth_a_try()
            answer = await self._requests.resume(turn)

    async def _until_worth_a_try(self) -> None:
        """Wait until the network is back, or until some time has passed."""
        was_online = self._services.online()
        for _ in range(int(PICK_UP_EVERY_S)):
            await asyncio.sleep(1)
            if self._services.online() and not was_online:
                return

    async def _take_batch(self, turn: Turn, key: LimitKey, batch: events.Batch) -> None:
        limits = self._services.limits
        for count, event in enumerate(batch, 1):
            if isinstance(event, _NOTED):
                self._note(key, event)
            self._take(turn, event)
            if count % EVENTS_AT_ONCE == 0:
                self._panels.events.flush()
                await asyncio.sleep(0)
        if batch.sequence_number is not None and turn.status.running:
            turn.reached(batch.response_id, batch.sequence_number)
        if limits.has_tried(key, turn.id):
            self._services.advance()
        if self._panels.events.overdue:
            # So much arrives that the event loop does not turn: give way to commands.
            self._panels.events.flush()
            await asyncio.sleep(0)

    def _take(self, turn: Turn, event: ResponseEvent) -> None:
        if not self._is_current():
            return
        status_changed = turn.apply(event)
        self._panels.events.add(event)
        if status_changed:
            self._panels.send_turn_soon(turn)
        if isinstance(event, OutputItemDone):
            self._services.writer.write_item(self._conversation, turn)
        else:
            self._services.writer.write_soon(self._conversation, turn)

    def _note(self, key: LimitKey, event: ResponseEvent) -> None:
        """Remember what an event reports besides the answer."""
        services = self._services
        match event:
            case RateLimits():
                services.limits.update(key, event.snapshot)
            case Completed() if event.token_usage is not None:
                self._requests.learn_density(event.token_usage.input_tokens)
                services.windows.held(key, event.token_usage.total_tokens)
            case Reconnecting():
                self._reports.attempts += 1
                what = f"Reconnecting {event.attempt}/{event.max_attempts}: {event.reason}"
                services.log.add(services.now(), what, origin=key[0], model=key[1])
            case Notice():
                services.log.add(services.now(), event.message, origin=key[0], model=key[1])
