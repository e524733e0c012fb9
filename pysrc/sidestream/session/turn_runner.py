"""Runs one turn at a time, from the stored message to the stored answer."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

from sidestream.errors import ErrorKind, SidestreamError
from sidestream.models import model_info
from sidestream.session.answer_reader import AnswerReader
from sidestream.session.attachments import check_seen
from sidestream.session.compaction import MAX_SHORTER
from sidestream.session.connection import Connection
from sidestream.session.conversation import Conversation
from sidestream.session.endings import (
    calls_are_whole,
    ended_without_a_word,
    is_put_off,
    only_thought,
    pause_ms,
)
from sidestream.session.failure_reports import FailureReports
from sidestream.session.limits import LimitKey
from sidestream.session.panel_messages import PanelMessages
from sidestream.session.refused_requests import RefusedRequests
from sidestream.session.requests import Answer, Requests
from sidestream.session.send_queue import SendQueue
from sidestream.session.services import Services
from sidestream.session.summariser import Summariser
from sidestream.session.tool_calls import LimitReachedError, ToolCalls
from sidestream.session.turn import INTERRUPTED, Turn, TurnStatus, Waiting

MAX_WITHOUT_IMAGES = 6
"""How often a request is repeated without some of the images of earlier messages."""
# The answer cannot be picked up; these errors say nothing about the answer itself.
_NO_REST = (
    *(ErrorKind.NOT_FOUND, ErrorKind.CONFIGURATION, ErrorKind.SIGN_IN_REQUIRED),
    *(ErrorKind.AUTHENTICATION, ErrorKind.PERMISSION),
)

_log = logging.getLogger(__name__)


class TurnRunner:
    """Runs the turns of one conversation.

    Args:
        conversation: The conversation that the turns belong to.
        services: What all chats share.
        panels: Receive what happens.
        requests: Sends the requests.
        tool_calls: Carries out the calls of the model.

    """

    def __init__(
        self,
        conversation: Conversation,
        services: Services,
        panels: PanelMessages,
        requests: Requests,
        tool_calls: ToolCalls,
    ) -> None:
        self._conversation = conversation
        self._services = services
        self._panels = panels
        self._requests = requests
        self._tool_calls = tool_calls
        self._task: asyncio.Task[None] | None = None
        """Runs the turn. A task that finds another one here, or none, must change nothing more."""
        self.queue = SendQueue(
            conversation, services, panels, is_running=lambda: self.is_running, start=self.start
        )
        """The turns that wait to be run."""
        self._reports = FailureReports(conversation, services, requests)
        self._reader = AnswerReader(
            conversation, services, panels, requests, self._reports, self._is_current
        )
        self._summariser = Summariser(conversation, services, panels, requests, self._reports)
        self._refused = RefusedRequests(
            conversation, services, panels, requests, self._reports, self._summariser
        )

    @property
    def is_running(self) -> bool:
        """Whether a turn runs."""
        return self._task is not None

    def start(self, turn: Turn) -> None:
        """Run a turn, or run it again."""
        turn.start()
        self._panels.events.begin(turn.id)
        self._panels.send_turn(turn)
        self._task = self._services.spawn(self._run(turn, self._ask))

    def summarise_before(self, turn: Turn) -> None:
        """Run a compaction of the conversation before a queued turn, which waits for it."""
        compaction = self._conversation.insert(str(uuid4()), self._services.now_ms(), turn)
        compaction.sent = False
        self._services.writer.write(self._conversation, turn)
        self._panels.send_conversation()
        self.start(compaction)

    def pick_up(self, turn: Turn) -> None:
        """Read the rest of an answer that the provider keeps and the last process began to read."""
        self._panels.events.begin(turn.id)
        self._task = self._services.spawn(self._run(turn, self._requests.resume, picks_up=True))

    def stop(self, turn: Turn | None) -> None:
        """Stop the running turn, if there is one. The partial answer is kept."""
        task = self._task
        if turn is None:
            return
        self._end(turn, TurnStatus.STOPPED, for_good=True)
        if task is not None:
            task.cancel()

    def _is_current(self) -> bool:
        return self._task is asyncio.current_task()

    async def _run(
        self,
        turn: Turn,
        ask: Callable[[Turn], Awaitable[Answer | None]],
        *,
        picks_up: bool = False,
    ) -> None:
        status, error, ended_by_us = TurnStatus.COMPLETED, None, False
        connection: Connection | None = None
        key: LimitKey | None = None
        until: int | None = None
        limits = self._services.limits
        self._reports.attempts = 1
        try:
            answer = await ask(turn)
            if answer is None:
                return
            connection = answer.connection
            key = connection.limit_key
            if turn.kind == "compaction":
                await self._summariser.read(turn, answer, self._reader.read)
            else:
                async with self._tool_calls.within_time(turn):
                    await self._converse(turn, answer)
        except asyncio.CancelledError:
            status = TurnStatus.STOPPED
        except SidestreamError as failure:
            incomplete = failure.kind is ErrorKind.INCOMPLETE
            status = TurnStatus.INCOMPLETE if incomplete else TurnStatus.FAILED
            error = self._reports.error_of(turn, connection, failure)
            ended_by_us = isinstance(failure, LimitReachedError)
            if picks_up and failure.kind in _NO_REST:
                status, error = TurnStatus.INTERRUPTED, INTERRUPTED
            if key is not None and (wait_ms := pause_ms(failure, self._services.now_ms())):
                limits.note_retry_after(key, wait_ms)
                if is_put_off(turn, failure, wait_ms):
                    until = self._services.now_ms() + wait_ms
        except Exception as failure:
            _log.exception("A turn failed")
            status = TurnStatus.FAILED
            error = self._reports.error_of(turn, connection, _internal(failure))
        if self._is_current():
            if until is not None:
                self._task = None
                self.queue.put_off(turn, until)
            else:
                self._end(turn, status, error, for_good=ended_by_us)
        if key is not None and limits.has_tried(key, turn.id):
            self._services.advance()

    async def _ask(self, turn: Turn) -> Answer | None:
        """Store a turn and send its request. None: the turn is queued again."""
        await self._services.store.save(self._conversation.head(), turn.record())
        connection = await self._requests.connect()
        if obstacle := self.queue.obstacle(turn, connection):
            self._put_back(turn, obstacle)
            return None
        check_seen(
            turn.attachments or (),
            connection.options.model_info or model_info(connection.model),
        )
        if not turn.items and self._requests.is_due(turn, connection):
            self._put_back(turn, Waiting(reason="turn"))
            self.summarise_before(turn)
            return None
        turn.model, turn.origin = connection.model or None, connection.origin
        self._panels.send_turn(turn)
        turn.sent = True
        if turn.kind == "compaction":
            return await self._summariser.ask(turn, connection)
        return await self._next_answer(turn, connection)

    async def _next_answer(self, turn: Turn, connection: Connection) -> Answer:
        """Call the model for a turn, which may have called tools already."""
        if turn.items and self._requests.is_due(turn, connection):
            await self._summariser.summarise_within(turn, connection)
        return await self._requests.ask(turn, connection)

    async def _converse(self, turn: Turn, answer: Answer) -> None:
        """Read an answer, carry out its calls and ask again, until the model calls nothing more."""
        connection, refused = answer.connection, self._refused
        parallel = connection.options.parallel_tool_calls is not False
        breaks_left = connection.client.provider.stream_max_retries
        shorter_left, images_left = MAX_SHORTER, MAX_WITHOUT_IMAGES
        while True:
            broke: SidestreamError | None = None
            try:
                await self._reader.read(turn, answer)
            except SidestreamError as failure:
                if ended_without_a_word(turn, failure):
                    turn.note("The model ended its answer without a text.")
                    return
                if shorter_left and refused.may_be_shorter(turn, connection, failure):
                    shorter_left -= 1
                    connection = await refused.make_shorter(turn, connection, failure)
                    answer = await self._requests.ask(turn, connection)
                    continue
                if images_left and refused.leave_images_out(turn, failure):
                    images_left -= 1
                    refused.ask_again(turn)
                    answer = await self._requests.ask(turn, connection)
                    continue
                if failure.kind is ErrorKind.CONTENT_POLICY and refused.leave_flagged_out(turn):
                    refused.ask_again(turn)
                    answer = await self._requests.ask(turn, connection)
                    continue
                if not (breaks_left and failure.retryable and calls_are_whole(turn, failure)):
                    raise
                breaks_left -= 1
                broke = failure
            if not await self._tool_calls.carry_out(turn, parallel=parallel):
                if broke is not None:
                    raise broke
                if only_thought(turn):
                    turn.note("The model thought, and then ended without an answer.")
                return
            if broke is not None:
                self._reports.log(turn, connection, broke)
            await self._until_admitted(turn, connection)
            answer = await self._next_answer(turn, connection)

    async def _until_admitted(self, turn: Turn, connection: Connection) -> None:
        """Wait between two calls of the model, as the user's limit of requests demands."""
        per_minute = connection.requests_per_minute
        if per_minute is None:
            return
        limits, key = self._services.limits, connection.limit_key
        while True:
            wait_ms = limits.admit(key, f"{turn.id} {turn.calls}", per_minute=per_minute)
            if not wait_ms:
                return
            turn.notice = f"Waiting {-(-wait_ms // 1000)} s: {per_minute} requests a minute"
            self._panels.send_turn(turn)
            await asyncio.sleep(wait_ms / 1000)

    def _put_back(self, turn: Turn, obstacle: Waiting) -> None:
        """Queue the turn again: nothing of it has been sent yet."""
        if not self._is_current():
            return
        self._task = None
        self.queue.put_back(turn, obstacle)

    def _end(
        self,
        turn: Turn,
        status: TurnStatus,
        error: dict[str, Any] | None = None,
        *,
        for_good: bool = False,
    ) -> None:
        """End a turn; with ``for_good`` also at a provider that would continue to write."""
        if for_good and turn.response_id is not None:
            self._services.spawn(self._end_at_provider(turn.response_id, turn.origin))
        self._task = None
        turn.finish(status, error)

        def show() -> None:
            self._panels.send_turn(turn)
            self._panels.send_meter()

        writer = self._services.writer
        if status is TurnStatus.STOPPED:
            show()
            writer.write(self._conversation, turn)
        else:
            # An answer is shown as whole only after it is stored as whole.
            writer.write(self._conversation, turn, show)
        self.queue.advance()

    async def _end_at_provider(self, response_id: str, origin: str | None) -> None:
        """Cancel an answer that the provider keeps, if that is possible."""
        try:
            connection = await self._services.connect(self._conversation.settings)
            if connection.origin == origin:
                await connection.client.cancel(response_id)
        except SidestreamError as error:
            _log.info("An answer could not be cancelled: %r", error)


def _internal(failure: Exception) -> SidestreamError:
    return SidestreamError(
        ErrorKind.INTERNAL,
        f"Something in Sidestream failed ({type(failure).__name__}).",
        hint="Try again. The extension's console holds the details.",
        retryable=True,
    )
