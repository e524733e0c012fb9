"""The chat that runs in the worker: commands in, turns run and stored, news out to the panels.

Knows neither JavaScript nor storage nor the network: all of them are passed in. Messages are those
of ``extension/protocol.js``.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from sidestream.client import Client
from sidestream.errors import ErrorKind, SidestreamError
from sidestream.prompt import CallOptions, Prompt
from sidestream.session.batch import EVERY_PANEL, Batch
from sidestream.session.conversation import Conversation, Turn, TurnStatus, Waiting
from sidestream.session.rate_limits import RateLimitManager
from sidestream.session.writer import Store, Writer
from sidestream.types.events import OutputItemDone, RateLimits, ResponseEvent

MAX_WAITING = 100
"""Messages that may stand in line at once."""
OFFLINE_RETRY_S = 60.0
"""How often to look for the network when nothing tells that it is back."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Connection:
    """Who answers a turn."""

    client: Client
    model: str
    origin: str
    """Scheme, host and port of the provider."""
    instructions: str | None = None


class Chat:
    """One conversation at a time, at most one turn of it running, any others in line behind it.

    Args:
        store: Where turns are written.
        post: Sends a message, as JSON, to the panel of that number or to `EVERY_PANEL`.
        connect: Says who answers the next turn. Raises `SidestreamError` when nobody does.
        busy: Told whether there is work that must not be cut off.
        alarm: Told when to call `wake` (Unix time in milliseconds), even if the process has ended
            by then; 0 for never.
        online: Whether there is a network.
        now: Unix time in seconds.

    """

    def __init__(
        self,
        *,
        store: Store,
        post: Callable[[str, int], None],
        connect: Callable[[], Awaitable[Connection]],
        busy: Callable[[bool], None] = lambda _: None,
        alarm: Callable[[int], None] = lambda _: None,
        online: Callable[[], bool] = lambda: True,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._post = post
        self._connect = connect
        self._busy = busy
        self._alarm = alarm
        self._online = online
        self._now = now
        self._store = store
        self._writer = Writer(store, self._unstored, self._tell_busy)
        self._batch = Batch(post)
        self._tasks: set[asyncio.Task[None]] = set()
        self._running: asyncio.Task[None] | None = None
        self._opening: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._limits: dict[tuple[str, str], RateLimitManager] = {}
        self._begun = ""
        self.conversation = self._new_conversation()

    async def load(self) -> None:
        """Bring the stored conversation back.

        A turn whose request was under way is marked interrupted; the line goes on where it stood.
        """
        data = await self._store.load()
        if data is not None:
            self._take_up(data)
            self._advance()

    def _take_up(self, data: dict[str, Any]) -> None:
        self.conversation, interrupted = Conversation.restore(data)
        self._begun = self.conversation.id
        for turn in interrupted:
            self._writer.write(self.conversation, turn)

    # --- commands -----------------------------------------------------------------------------

    def join(self, panel: int) -> None:
        """Give a panel the whole conversation; the batches after it follow by themselves."""
        self._batch.flush()
        self._send_conversation(panel)

    def send(self, turn_id: str, text: str, panel: int = EVERY_PANEL) -> None:
        """Answer a message, after those that wait already. The same id again changes nothing."""
        known = self.conversation.find(turn_id)
        if known is not None:
            self._send_turn(known)
        elif not text.strip():
            self._reject(panel, "The message is empty.", "Write something first.", turn_id)
        elif self._opening is not None:
            self._reject(panel, *_OPENING, turn_id)
        elif len(self.conversation.queued) >= MAX_WAITING:
            message = f"{MAX_WAITING} messages are waiting already."
            self._reject(panel, message, "Wait until some were sent, or cancel one.", turn_id)
        else:
            last = next(iter(self.conversation.turns[-1:]), None)
            turn = self.conversation.add(turn_id, text, self._now_ms())
            turn.sent = False
            if last is not None and last.status.active:
                turn.wait(Waiting(reason="turn"))
                self._send_turn(turn)
                self._writer.write(self.conversation, turn)
                # What holds the others up may hold this one up too.
                self._advance()
            else:
                # A message after a turn that went wrong is the user's word to go on.
                self._start(turn)

    def cancel(self, turn_id: str, panel: int = EVERY_PANEL) -> None:
        """Take a waiting message out of the line; the asking panel gets its text back."""
        turn = self._waiting(turn_id, panel)
        if turn is None:
            return
        conversation = self.conversation
        conversation.remove(turn)
        self._writer.forget(turn)
        self._spawn(self._remove(conversation.id, turn.id))
        self._post_message(EVERY_PANEL, {"type": "Cancelled", "id": turn.id})
        if panel != EVERY_PANEL:
            self._post_message(panel, {"type": "Cancelled", "id": turn.id, "text": turn.user})
        self._advance()

    def send_now(self, turn_id: str, panel: int = EVERY_PANEL) -> None:
        """Let a waiting message go first, whatever it waits for; an answer under way is stopped."""
        turn = self._waiting(turn_id, panel)
        if turn is None:
            return
        turn.urgent = True
        for moved in self.conversation.put_first(turn):
            self._writer.write(self.conversation, moved)
        self._send_conversation(EVERY_PANEL)
        if self.conversation.running:
            self.stop()
        else:
            self._advance()

    def wake(self) -> None:
        """Look again whether the first message in line may go: time has passed, or it is online."""
        self._advance()

    def retry(self, turn_id: str, panel: int = EVERY_PANEL) -> None:
        """Run a turn again. Its new answer takes the place of the old one."""
        turn = self.conversation.find(turn_id)
        if turn is None:
            self._reject(panel, "That message is not in this conversation.", "Send it again.")
        elif turn.status is TurnStatus.QUEUED:
            self.send_now(turn_id, panel)
        elif self._opening is not None:
            self._reject(panel, *_OPENING)
        elif self.conversation.running is not None:
            hint = "Wait until it is done, or stop it."
            self._reject(panel, "An answer is still being written.", hint)
        else:
            turn.sent = False
            # Who says "again" does not want to wait in line.
            turn.urgent = True
            self._start(turn)

    def stop(self) -> None:
        """Abort the turn under way, if there is one, and keep what has come."""
        turn = self.conversation.running
        task = self._running
        if turn is None:
            return
        self._end(turn, TurnStatus.STOPPED)
        if task is not None:
            task.cancel()

    def new_chat(self) -> None:
        """Begin an empty conversation; a turn under way is stopped, the old one stays stored."""
        self._stop_opening()
        self._leave()
        if self.conversation.turns:
            self._show_new()
        self._send_conversation(EVERY_PANEL)

    def open(self, conversation_id: str, panel: int = EVERY_PANEL) -> None:
        """Show a stored conversation; a turn under way is stopped, the old one stays stored."""
        self._stop_opening()
        if conversation_id == self.conversation.id:
            self._send_conversation(EVERY_PANEL)
            return
        self._leave()
        self._opening = self._spawn(self._open(conversation_id, panel))

    def forget(self, conversation_id: str) -> None:
        """Show an empty conversation in the place of this one, which was deleted."""
        if conversation_id != self.conversation.id:
            return
        self._leave()
        self._show_new()
        self._send_conversation(EVERY_PANEL)

    def _leave(self) -> None:
        """Stop what is under way, and the line: nothing is sent behind the user's back."""
        self._stop_line()
        self.stop()
        self._set_alarm(None)

    def _stop_line(self) -> None:
        for turn in self.conversation.queued:
            turn.finish(TurnStatus.STOPPED)
            self._writer.write(self.conversation, turn)

    async def _open(self, conversation_id: str, panel: int) -> None:
        try:
            # Else a turn that has just been stopped could be read as it was before.
            await self._writer.drain()
            data = await self._store.open(conversation_id)
        except SidestreamError as error:
            self._post_message(panel, {"type": "Rejected", "error": error.to_dict()})
            return
        finally:
            if self._opening is asyncio.current_task():
                self._opening = None
        if data is None:
            self._reject(panel, "That conversation is not there any more.", "Choose another one.")
            return
        self._take_up(data)
        # A line in it, from a file perhaps, is not what the user has just asked for.
        self._stop_line()
        self._send_conversation(EVERY_PANEL)

    def _stop_opening(self) -> None:
        if self._opening is not None:
            self._opening.cancel()
            self._opening = None

    def _show_new(self) -> None:
        self.conversation = self._new_conversation()
        self._spawn(self._begin_new(self.conversation))

    async def _begin_new(self, conversation: Conversation) -> None:
        try:
            await self._begin(conversation)
        except SidestreamError as error:
            self._unstored(error)

    async def _begin(self, conversation: Conversation) -> None:
        if self._begun != conversation.id:
            await self._store.begin(conversation)
            self._begun = conversation.id

    async def _remove(self, conversation_id: str, turn_id: str) -> None:
        try:
            await self._writer.drain()
            await self._store.remove(conversation_id, turn_id)
        except SidestreamError as error:
            self._unstored(error)

    # --- the line -----------------------------------------------------------------------------

    def _waiting(self, turn_id: str, panel: int) -> Turn | None:
        turn = self.conversation.find(turn_id)
        if turn is not None and turn.status is TurnStatus.QUEUED:
            return turn
        hint = "It was sent, or cancelled in another panel."
        self._reject(panel, "That message does not wait any more.", hint)
        return None

    def _advance(self) -> None:
        """Start the first turn in line if nothing holds it up, and say of each what it waits for.

        After a turn that failed the line stands until the user says what is to become of it: what
        made one fail would most likely make them all fail.
        """
        self._set_alarm(None)
        if self._running is not None:
            return
        for turn in self.conversation.queued[:1]:
            before = self._before(turn)
            went_wrong = before is not None and before.status in _GONE_WRONG
            until = turn.waiting.until if turn.waiting else None
            offline = turn.waiting is not None and turn.waiting.reason == "offline"
            if turn.urgent:
                self._start(turn)
            elif went_wrong:
                self._hold(turn, Waiting(reason="pause"))
            elif offline and not self._online():
                self._set_alarm(self._next_look())
            elif until is not None and until > self._now_ms():
                self._set_alarm(until)
            else:
                self._start(turn)

    def _before(self, turn: Turn) -> Turn | None:
        at = self.conversation.turns.index(turn)
        return self.conversation.turns[at - 1] if at else None

    def _hold(self, turn: Turn, waiting: Waiting) -> None:
        if turn.status is not TurnStatus.QUEUED or turn.waiting != waiting:
            turn.wait(waiting)
            self._send_turn(turn)
            self._writer.write(self.conversation, turn)

    def _next_look(self) -> int:
        return self._now_ms() + int(OFFLINE_RETRY_S * 1000)

    def _set_alarm(self, at_ms: int | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            self._alarm(0)
        if at_ms is not None:
            wait = max(at_ms / 1000 - self._now(), 0.0)
            self._timer = asyncio.get_running_loop().call_later(wait, self._advance)
            self._alarm(at_ms)

    def _obstacle(self, turn: Turn, connection: Connection) -> Waiting | None:
        """What keeps the request from leaving now."""
        if turn.urgent:
            return None
        if not (self._online() or _is_local(connection.origin)):
            return Waiting(reason="offline")
        wait_ms = self._limits_of(connection).wait_ms(self._now())
        if wait_ms:
            return Waiting(reason="rate_limit", until=self._now_ms() + wait_ms)
        return None

    def _limits_of(self, connection: Connection) -> RateLimitManager:
        """What a provider tells counts for the model that was asked."""
        return self._limits.setdefault((connection.origin, connection.model), RateLimitManager())

    # --- a turn -------------------------------------------------------------------------------

    def _start(self, turn: Turn) -> None:
        turn.start()
        self._batch.begin(turn.id)
        self._send_turn(turn)
        self._running = self._spawn(self._run(self.conversation, turn))

    async def _run(self, conversation: Conversation, turn: Turn) -> None:
        """One turn from the written-down message to the written-down answer."""
        status, error = TurnStatus.COMPLETED, None
        limits: RateLimitManager | None = None
        try:
            await self._begin(conversation)
            await self._store.save(conversation.id, turn.record())
            connection = await self._connect()
            if obstacle := self._obstacle(turn, connection):
                self._put_back(turn, obstacle)
                return
            limits = self._limits_of(connection)
            turn.model, turn.origin = connection.model or None, connection.origin
            self._send_turn(turn)
            turn.sent = True
            await self._store.save(conversation.id, turn.record())
            prompt = Prompt(
                input=conversation.history(turn, connection.origin),
                instructions=connection.instructions,
            )
            options = CallOptions(
                conversation_id=conversation.id, idempotency_key=turn.idempotency_key
            )
            async with aclosing(connection.client.stream_batches(prompt, options)) as batches:
                async for batch in batches:
                    for event in batch:
                        if isinstance(event, RateLimits):
                            limits.update(event.snapshot, self._now())
                        self._take(conversation, turn, event)
                    if self._batch.overdue:
                        # So much has come that it keeps the loop from turning: let commands in.
                        self._batch.flush()
                        await asyncio.sleep(0)
        except asyncio.CancelledError:
            status = TurnStatus.STOPPED
        except SidestreamError as failure:
            incomplete = failure.kind is ErrorKind.INCOMPLETE
            status = TurnStatus.INCOMPLETE if incomplete else TurnStatus.FAILED
            error = failure.to_dict()
            if failure.retry_after_ms and limits is not None:
                limits.note_retry_after(failure.retry_after_ms, self._now())
        except Exception as failure:
            _log.exception("A turn failed")
            status, error = TurnStatus.FAILED, _internal(failure).to_dict()
        if self._running is asyncio.current_task():
            self._end(turn, status, error)

    def _take(self, conversation: Conversation, turn: Turn, event: ResponseEvent) -> None:
        if self._running is not asyncio.current_task():
            return
        status_changed = turn.apply(event)
        self._batch.add(event)
        if status_changed:
            self._send_turn(turn)
        if isinstance(event, OutputItemDone):
            self._writer.write(conversation, turn)
        else:
            self._writer.write_soon(conversation, turn)

    def _end(self, turn: Turn, status: TurnStatus, error: dict[str, Any] | None = None) -> None:
        self._running = None
        turn.finish(status, error)
        self._send_turn(turn)
        self._writer.write(self.conversation, turn)
        self._advance()

    def _put_back(self, turn: Turn, obstacle: Waiting) -> None:
        """Back into the line: nothing has been sent yet."""
        if self._running is not asyncio.current_task():
            return
        self._running = None
        self._hold(turn, obstacle)
        self._set_alarm(obstacle.until or self._next_look())

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._task_done)
        self._tell_busy()
        return task

    def _task_done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._tell_busy()

    def _tell_busy(self) -> None:
        self._busy(bool(self._tasks) or self._writer.busy)

    def _unstored(self, error: SidestreamError) -> None:
        self._post_message(EVERY_PANEL, {"type": "Rejected", "error": error.to_dict()})

    # --- messages -----------------------------------------------------------------------------

    def _send_turn(self, turn: Turn) -> None:
        self._batch.flush()
        self._post_message(EVERY_PANEL, {"type": "Turn", "turn": turn.view()})

    def _send_conversation(self, panel: int) -> None:
        seq = self._batch.seq if self.conversation.running else 0
        message = {"type": "Conversation", "conversation": self.conversation.view(), "seq": seq}
        self._post_message(panel, message)

    def _reject(self, panel: int, message: str, hint: str, turn_id: str | None = None) -> None:
        error = SidestreamError(ErrorKind.INVALID_REQUEST, message, hint=hint)
        rejected: dict[str, Any] = {"type": "Rejected", "error": error.to_dict()}
        if turn_id is not None:
            rejected["id"] = turn_id
        self._post_message(panel, rejected)

    def _post_message(self, panel: int, message: dict[str, Any]) -> None:
        self._post(json.dumps(message, ensure_ascii=False), panel)

    def _new_conversation(self) -> Conversation:
        return Conversation(id=str(uuid4()), created_at=self._now_ms())

    def _now_ms(self) -> int:
        return int(self._now() * 1000)


_OPENING = ("Another conversation is being opened.", "Send it again when it is there.")
_GONE_WRONG = (TurnStatus.FAILED, TurnStatus.INTERRUPTED)


def _is_local(origin: str) -> bool:
    host = urlsplit(origin).hostname or ""
    return host in ("localhost", "::1") or host.startswith("127.")


def _internal(failure: Exception) -> SidestreamError:
    return SidestreamError(
        ErrorKind.INTERNAL,
        f"Something in Sidestream failed ({type(failure).__name__}).",
        hint="Try again. The extension's console holds the details.",
        retryable=True,
    )
