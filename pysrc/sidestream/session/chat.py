"""One open conversation: its turns are run and stored, and its panels are told.

Knows neither JavaScript nor storage nor the network: all of them are passed in. Messages are those
of ``extension/protocol.js``.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from sidestream.client import Client
from sidestream.errors import ErrorKind, SidestreamError
from sidestream.models import model_info
from sidestream.prompt import CallOptions, Prompt
from sidestream.session.attachments import (
    MAX_ATTACHMENTS,
    MAX_SIZE,
    Attachment,
    check_seen,
    check_there,
)
from sidestream.session.batch import Batch
from sidestream.session.compaction import Compaction
from sidestream.session.conversation import Conversation, ConversationSettings
from sidestream.session.limits import LimitKey, Limits
from sidestream.session.meter import Meter, has_usage, measure
from sidestream.session.provider_tools import Support
from sidestream.session.tool_calls import LimitReachedError, ToolCalls
from sidestream.session.tools import Tool
from sidestream.session.turn import INTERRUPTED, Turn, TurnStatus, Waiting
from sidestream.session.untrusted import instructions_for
from sidestream.session.writer import Store, Writer
from sidestream.types import events
from sidestream.types.events import Completed, OutputItemDone, RateLimits, ResponseEvent
from sidestream.types.tools import ToolSpec

MAX_WAITING = 100
"""Messages that may stand in line at once, in all conversations."""
CONTINUE = "Continue."
"""The message that asks for the rest of an answer."""
OFFLINE_RETRY_S = 60.0
"""How often to look for the network when nothing tells that it is back."""

PICK_UP_FOR_S = 600.0
"""How long to go on looking for an answer that the provider keeps and that cannot be reached,"""
PICK_UP_EVERY_S = 30.0
"""and how often, beyond what the client does."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Connection:
    """Who answers a turn, and how."""

    client: Client
    model: str
    origin: str
    """Scheme, host and port of the provider."""
    options: CallOptions = field(default_factory=CallOptions)
    """What the conversation or the profile wants of each call."""
    instructions: str | None = None
    compaction: Compaction = field(default_factory=Compaction)
    provider_tools: Mapping[str, Support] = field(default_factory=dict)
    """The provider's own tools, as far as it has any."""

    @property
    def limit_key(self) -> LimitKey:
        """What the provider's limits are about."""
        return self.origin, self.model


@dataclass(frozen=True)
class _Answer:
    """An answer that is being read."""

    connection: Connection
    batches: AsyncGenerator[events.Batch, None]


@dataclass(frozen=True)
class Services:
    """What the chats of a process share."""

    store: Store
    writer: Writer
    limits: Limits
    connect: Callable[[ConversationSettings], Awaitable[Connection]]
    """Says who answers the next turn. Raises `SidestreamError` when nobody does."""
    online: Callable[[], bool]
    """Whether there is a network."""
    now: Callable[[], float]
    """Unix time in seconds."""
    spawn: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]]
    """Runs work that must not be cut off."""
    waiting: Callable[[], int]
    """How many messages wait in line, in all chats."""
    changed: Callable[[], None]
    """Told when what a chat waits for has changed, or it has nothing to do any more."""
    advance: Callable[[], None]
    """Lets all chats look again whether their first message may go."""
    tools: Sequence[Tool] = ()
    """What the model may call where the user allows it."""


class Chat:
    """At most one turn of the conversation runs, any others stand in line behind it.

    Args:
        conversation: What was stored of it, or an empty one.
        services: Shared with the other chats.
        post: Sends a message, as JSON, to all panels that show the conversation.
        post_to: Sends one to the panel of that number.

    """

    def __init__(
        self,
        conversation: Conversation,
        services: Services,
        post: Callable[[str], None],
        post_to: Callable[[str, int], None],
    ) -> None:
        self.conversation = conversation
        self._services = services
        self._post = post
        self._post_to = post_to
        self._batch = Batch(post)
        self._running: asyncio.Task[None] | None = None
        self._storing = 0
        self.tool_calls = ToolCalls(
            conversation,
            services.tools,
            tell=self._send_turn,
            write=self._write,
            safe=services.writer.drain,
            configure=self.configure,
        )
        """What the model calls."""
        self._timer: asyncio.TimerHandle | None = None
        self._compaction: Compaction | None = None
        """As of whoever answered last; tells the size of the context window."""
        self.alarm_at: int | None = None
        """When to look again, even if the process has ended by then; Unix time in milliseconds."""

    @property
    def idle(self) -> bool:
        """Whether nothing runs or waits, and all is stored: who opens it anew finds the same."""
        return self._running is None and not self._storing and not self.conversation.queued

    # --- commands -----------------------------------------------------------------------------

    def join(self, panel: int) -> None:
        """Give a panel the conversation; the batches after it follow by themselves."""
        self.flush()
        self._post_message(self._whole(), panel)
        if self._compaction is None:
            self.look_at_window()

    def flush(self) -> None:
        """Send the events that wait for the next batch."""
        self._batch.flush()

    def earlier(self, turn_id: str, panel: int) -> None:
        """Give a panel the turns before one that it has."""
        turns, before = self.conversation.earlier(turn_id)
        views = self.conversation.views_of(turns)
        self._post_message({"type": "Earlier", "turns": views, "earlier": before}, panel)

    def configure(self, settings: ConversationSettings) -> None:
        """Give the conversation settings of its own."""
        self.conversation.settings = settings
        told = settings.model_dump(exclude_none=True)
        self._post_all({"type": "Configured", "settings": told})
        self._keep(self._save_head())
        self.look_at_window()

    def send(
        self,
        turn_id: str,
        text: str,
        panel: int,
        replaces: str | None = None,
        attachments: Sequence[Attachment] = (),
    ) -> None:
        """Answer a message, after those that wait already. The same id again changes nothing.

        With ``replaces`` it stands in the place of another one, in a branch of its own. The
        contents of ``attachments`` are in the store.
        """
        conversation = self.conversation
        known = conversation.find(turn_id)
        replaced = conversation.find(replaces)
        if known is not None:
            self._send_turn(known)
        elif not text.strip() and not attachments:
            self._reject(panel, "The message is empty.", "Write something first.", turn_id)
        elif refusal := self._too_much(attachments):
            self._reject(panel, *refusal, turn_id)
        elif replaces is not None and replaced is None:
            self._reject(panel, *_NOT_HERE, turn_id)
        elif replaced is not None:
            if self._may_branch(panel, replaced, turn_id):
                self._branch(replaced, turn_id, text, attachments)
        elif self._services.waiting() >= MAX_WAITING:
            message = f"{MAX_WAITING} messages are waiting already."
            self._reject(panel, message, "Wait until some were sent, or cancel one.", turn_id)
        else:
            last = conversation.find(conversation.leaf)
            turn = conversation.add(turn_id, text, self._now_ms(), attachments=attachments)
            turn.sent = False
            if last is not None and last.status.active:
                turn.wait(Waiting(reason="turn"))
                self._send_turn(turn)
                self._write(turn)
                # What holds the others up may hold this one up too.
                self.advance()
            else:
                # A message after a turn that went wrong is the user's word to go on.
                self._start(turn)

    def _too_much(self, attachments: Sequence[Attachment]) -> tuple[str, str] | None:
        """Why so many, or so large ones, do not go with a message; and what to do."""
        if len(attachments) > MAX_ATTACHMENTS:
            message = f"A message can have {MAX_ATTACHMENTS} attachments at most."
            return message, "Remove some, or send them with another message."
        sizes = {
            each.id: each.size
            for each in (
                *attachments,
                *(known for turn in self.conversation.turns for known in turn.attachments or ()),
            )
        }
        if attachments and sum(sizes.values()) > MAX_SIZE:
            message = "The attachments of this conversation are too large together."
            return message, "Remove some, or begin a new chat: they come along."
        return None

    def regenerate(self, new_id: str, turn_id: str, panel: int) -> None:
        """Answer a message anew, in a branch of its own."""
        turn = self.conversation.find(turn_id)
        if self.conversation.find(new_id) is not None:
            return
        if turn is None:
            self._reject(panel, *_NOT_HERE)
        elif self._may_branch(panel, turn):
            self._branch(turn, new_id, turn.user, turn.attachments)

    def retry(self, turn_id: str, panel: int) -> None:
        """Run a turn again. What has come of its answer, or after it, stays in another branch."""
        turn = self.conversation.find(turn_id)
        if turn is None:
            self._reject(panel, *_NOT_HERE)
        elif turn.status is TurnStatus.QUEUED:
            self.send_now(turn_id, panel)
        elif not self._may_branch(panel):
            return
        else:
            # Who says "again" does not want to wait in line.
            if turn.blocks or turn is not self.conversation.last:
                self._branch(turn, str(uuid4()), turn.user, turn.attachments, urgent=True)
            else:
                turn.sent = False
                turn.urgent = True
                self._start(turn)

    def go_on(self, new_id: str, turn_id: str, panel: int) -> None:
        """Have the rest of an answer written that was cut off, in a turn of its own."""
        conversation = self.conversation
        turn = conversation.find(turn_id)
        if conversation.find(new_id) is not None:
            return
        if turn is None or turn not in conversation.path:
            self._reject(panel, *_NOT_HERE)
        elif not turn.is_cut or any(
            later.status is not TurnStatus.QUEUED for later in self._after(turn)
        ):
            self._reject(panel, "That answer is not the last, or not cut off.", "Write a message.")
        elif self._may_branch(panel):
            line = conversation.queued
            following = conversation.follow(turn, new_id, CONTINUE, self._now_ms())
            following.sent = False
            following.urgent = True
            for moved in line[:1]:
                self._write(moved)
            self._start(following)
            self._send_conversation()

    def _after(self, turn: Turn) -> list[Turn]:
        path = self.conversation.path
        return path[path.index(turn) + 1 :]

    def pick_up(self) -> None:
        """Go on with the answer that the last process had begun, if the provider keeps it."""
        turn = self.conversation.running
        if turn is not None:
            self._batch.begin(turn.id)
            self._running = self._services.spawn(self._run(turn, self._rest))

    def show_branch(self, turn_id: str, panel: int) -> None:
        """Show the branch that a turn belongs to."""
        turn = self.conversation.find(turn_id)
        if turn is None:
            self._reject(panel, *_NOT_HERE)
        elif self.conversation.queued:
            self._reject(panel, "Messages are waiting here.", "Cancel them, or wait.")
        elif self._may_branch(panel):
            self.conversation.show(turn)
            self._send_conversation()
            self._keep(self._save_head())

    def compact(self, panel: int, retry: str | None = None) -> None:
        """Have the conversation summarised: before a turn, which is then run again, or now."""
        conversation = self.conversation
        turn = conversation.find(retry)
        if retry is not None and (turn is None or turn not in conversation.path):
            self._reject(panel, *_NOT_HERE)
        elif not self._may_branch(panel):
            return
        elif turn is not None:
            if turn.blocks:
                new_id, attachments = str(uuid4()), turn.attachments
                turn = conversation.branch(turn, new_id, turn.user, self._now_ms(), attachments)
            turn.wait(Waiting(reason="turn"))
            self._summarise_before(turn)
        elif queued := conversation.queued[:1]:
            self._summarise_before(queued[0])
        elif any(earlier.kind is None for earlier in conversation.path[-1:]):
            turn = conversation.add(str(uuid4()), "", self._now_ms(), kind="compaction")
            turn.sent = False
            self._start(turn)
        else:
            self._reject(panel, "There is nothing to summarise.", "Write something first.")

    def cancel(self, turn_id: str, panel: int) -> None:
        """Take a waiting message out of the line; the asking panel gets it back."""
        turn = self._waiting(turn_id, panel)
        if turn is None:
            return
        for moved in self.conversation.remove(turn):
            self._write(moved)
        self._services.writer.forget(turn)
        self._keep(self._remove(turn))
        self._post_all({"type": "Cancelled", "id": turn.id})
        back: dict[str, Any] = {"type": "Cancelled", "id": turn.id, "text": turn.user}
        if turn.attachments:
            back["attachments"] = turn.view()["attachments"]
        self._post_message(back, panel)
        self.advance()

    def send_now(self, turn_id: str, panel: int) -> None:
        """Let a waiting message go first, whatever it waits for; an answer under way is stopped."""
        turn = self._waiting(turn_id, panel)
        if turn is None:
            return
        turn.urgent = True
        for moved in self.conversation.put_first(turn):
            self._write(moved)
        self._send_conversation()
        if self.conversation.running:
            self.stop()
        else:
            self.advance()

    def stop(self) -> None:
        """Abort the turn under way, if there is one, and keep what has come."""
        self._stop(self.conversation.running)

    def stop_all(self) -> None:
        """Abort the turn under way, and the line."""
        running = self.conversation.running
        for turn in self.conversation.queued:
            turn.finish(TurnStatus.STOPPED)
            self._write(turn)
        self._stop(running)
        self._set_alarm(None)

    def _stop(self, turn: Turn | None) -> None:
        task = self._running
        if turn is None:
            return
        self._end(turn, TurnStatus.STOPPED, for_good=True)
        if task is not None:
            task.cancel()

    # --- the line -----------------------------------------------------------------------------

    def forget_limit(self) -> None:
        """Let what waits for a limit look again when the line advances."""
        for turn in self.conversation.queued[:1]:
            if turn.waiting is not None and turn.waiting.reason == "rate_limit":
                turn.waiting = Waiting(reason="rate_limit")

    def advance(self) -> None:
        """Start the first turn in line if nothing holds it up, and say of each what it waits for.

        After a turn that failed the line stands until the user says what is to become of it: what
        made one fail would most likely make them all fail.
        """
        if self._running is not None:
            self._set_alarm(None)
            return
        look_at: int | None = None
        for turn in self.conversation.queued[:1]:
            before = self.conversation.before(turn)
            went_wrong = before is not None and before.status in _GONE_WRONG
            until = turn.waiting.until if turn.waiting else None
            offline = turn.waiting is not None and turn.waiting.reason == "offline"
            if turn.urgent:
                self._start(turn)
            elif went_wrong:
                self._hold(turn, Waiting(reason="pause"))
            elif offline and not self._services.online():
                look_at = self._next_look()
            elif until is not None and until > self._now_ms():
                look_at = until
            else:
                self._start(turn)
        self._set_alarm(look_at)
        self._services.changed()

    def _waiting(self, turn_id: str, panel: int) -> Turn | None:
        turn = self.conversation.find(turn_id)
        if turn is not None and turn.status is TurnStatus.QUEUED:
            return turn
        hint = "It was sent, or cancelled in another panel."
        self._reject(panel, "That message does not wait any more.", hint)
        return None

    def _hold(self, turn: Turn, waiting: Waiting) -> None:
        if turn.status is not TurnStatus.QUEUED or turn.waiting != waiting:
            turn.wait(waiting)
            self._send_turn(turn)
            self._write(turn)

    def _next_look(self) -> int:
        return self._now_ms() + int(OFFLINE_RETRY_S * 1000)

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

    def _obstacle(self, turn: Turn, connection: Connection) -> Waiting | None:
        """What keeps the request from leaving now."""
        limits, key = self._services.limits, connection.limit_key
        if turn.urgent:
            return None
        if not (self._services.online() or _is_local(connection.origin)):
            return Waiting(reason="offline")
        if wait_ms := limits.wait_ms(key):
            limits.has_tried(key, turn.id)
            return Waiting(reason="rate_limit", until=self._now_ms() + wait_ms)
        if not limits.may_go(key, turn.id, waited=turn.limited):
            return Waiting(reason="rate_limit")
        return None

    # --- branches -----------------------------------------------------------------------------

    def _may_branch(
        self, panel: int, other: Turn | None = None, turn_id: str | None = None
    ) -> bool:
        if self.conversation.running is not None:
            hint = "Wait until it is done, or stop it."
            self._reject(panel, "An answer is still being written.", hint, turn_id)
            return False
        if other is not None and other.status is TurnStatus.QUEUED:
            hint = "Cancel it; its text comes back."
            self._reject(panel, "That message has not been sent yet.", hint, turn_id)
            return False
        return True

    def _branch(
        self,
        other: Turn,
        new_id: str,
        text: str,
        attachments: Sequence[Attachment] | None,
        *,
        urgent: bool = False,
    ) -> None:
        line = self.conversation.queued
        turn = self.conversation.branch(other, new_id, text, self._now_ms(), attachments)
        turn.sent = False
        turn.urgent = urgent
        for moved in line[:1]:
            self._write(moved)
        self._send_conversation()
        self._start(turn)

    def _summarise_before(self, turn: Turn) -> None:
        compaction = self.conversation.insert(str(uuid4()), self._now_ms(), turn)
        compaction.sent = False
        self._write(turn)
        self._send_conversation()
        self._start(compaction)

    # --- a turn -------------------------------------------------------------------------------

    def _start(self, turn: Turn) -> None:
        turn.start()
        self._batch.begin(turn.id)
        self._send_turn(turn)
        self._running = self._services.spawn(self._run(turn, self._ask))

    async def _connect(self) -> Connection:
        """Who answers next."""
        connection = await self._services.connect(self.conversation.settings)
        self._compaction = connection.compaction
        return connection

    async def _ask(self, turn: Turn) -> _Answer | None:
        """Send a turn's request, written down before. None: it is back in line."""
        conversation, store = self.conversation, self._services.store
        await store.save(conversation.head(), turn.record())
        connection = await self._connect()
        if obstacle := self._obstacle(turn, connection):
            self._put_back(turn, obstacle)
            return None
        check_seen(turn.attachments or (), model_info(connection.model))
        if connection.compaction.is_due(conversation, turn):
            self._put_back(turn, Waiting(reason="turn"))
            self._summarise_before(turn)
            return None
        turn.model, turn.origin = connection.model or None, connection.origin
        self._send_turn(turn)
        turn.sent = True
        return await self._call_model(turn, connection)

    async def _call_model(self, turn: Turn, connection: Connection) -> _Answer:
        conversation = self.conversation
        await self._services.store.save(conversation.head(), turn.record())
        room = connection.compaction.room(turn)
        origin = connection.origin
        contents = await self._contents(
            turn, conversation.in_request(turn, origin, max_tokens=room)
        )
        history = conversation.history(turn, origin, max_tokens=room, contents=contents)
        items = [*history, *turn.items]
        prompt = Prompt(
            input=items,
            instructions=instructions_for(connection.instructions, items),
            tools=self._offered(turn, connection),
        )
        own = CallOptions(conversation_id=conversation.id, idempotency_key=turn.idempotency_key)
        batches = connection.client.stream_batches(prompt, own.over(connection.options))
        return _Answer(connection, batches)

    async def _contents(self, turn: Turn, turns: Sequence[Turn]) -> dict[str, str | None]:
        """What is attached to the messages of a request, by id. The turn's own must be there."""
        contents: dict[str, str | None] = {}
        for each in turns:
            for attached in each.attachments or ():
                if attached.id not in contents:
                    content = await self._services.store.attachment(
                        self.conversation.id, attached.id
                    )
                    contents[attached.id] = content
        check_there(turn.attachments or (), contents)
        return contents

    async def _rest(self, turn: Turn) -> _Answer:
        """The rest of an answer that another process has begun to read."""
        connection = await self._connect()
        if connection.origin != turn.origin or None in (turn.response_id, turn.sequence_number):
            raise SidestreamError(ErrorKind.NOT_FOUND, "Another provider answers now.")
        own = CallOptions(conversation_id=self.conversation.id)
        batches = connection.client.resume(
            turn.response_id or "",
            turn.sequence_number or 0,
            own.over(connection.options),
            finished_items=turn.items,
            tools=self._offered(turn, connection),
        )
        return _Answer(connection, batches)

    def _offered(self, turn: Turn, connection: Connection) -> list[ToolSpec]:
        if turn.kind is not None:
            return []
        return self.tool_calls.offered(connection.provider_tools)

    async def _run(self, turn: Turn, ask: Callable[[Turn], Awaitable[_Answer | None]]) -> None:
        """One turn from the written-down message to the written-down answer."""
        status, error, ended_by_us = TurnStatus.COMPLETED, None, False
        key: LimitKey | None = None
        limits = self._services.limits
        try:
            answer = await ask(turn)
            if answer is None:
                return
            key = answer.connection.limit_key
            parallel = answer.connection.options.parallel_tool_calls is not False
            async with self.tool_calls.within_time(turn):
                await self._read(turn, answer)
                while await self.tool_calls.carry_out(turn, parallel=parallel):
                    await self._read(turn, await self._call_model(turn, answer.connection))
        except asyncio.CancelledError:
            status = TurnStatus.STOPPED
        except SidestreamError as failure:
            incomplete = failure.kind is ErrorKind.INCOMPLETE
            status = TurnStatus.INCOMPLETE if incomplete else TurnStatus.FAILED
            error = failure.to_dict()
            ended_by_us = isinstance(failure, LimitReachedError)
            if ask == self._rest and failure.kind in _NO_REST:
                status, error = TurnStatus.INTERRUPTED, INTERRUPTED
            if failure.retry_after_ms and key is not None:
                limits.note_retry_after(key, failure.retry_after_ms)
        except Exception as failure:
            _log.exception("A turn failed")
            status, error = TurnStatus.FAILED, _internal(failure).to_dict()
        if self._running is asyncio.current_task():
            self._end(turn, status, error, for_good=ended_by_us)
        if key is not None and limits.has_tried(key, turn.id):
            self._services.advance()

    async def _read(self, turn: Turn, answer: _Answer) -> None:
        """Take an answer in. If the provider keeps it, a way to it that is broken is waited for."""
        reached: int | None = None
        give_up_at = 0.0
        while True:
            unfinished = None
            try:
                async with aclosing(answer.batches) as batches:
                    async for batch in batches:
                        if isinstance(batch[-1], Completed) and not batch[-1].response_id:
                            # The client's end of what the provider has not ended.
                            unfinished = batch
                        else:
                            await self._take_batch(turn, answer.connection.limit_key, batch)
            except SidestreamError as failure:
                if reached != turn.sequence_number:
                    reached = turn.sequence_number
                    give_up_at = self._services.now() + PICK_UP_FOR_S
                goes_on = unfinished is not None and failure.retryable and reached is not None
                if not goes_on or self._services.now() >= give_up_at:
                    if unfinished is not None:
                        await self._take_batch(turn, answer.connection.limit_key, unfinished)
                    raise
            else:
                if unfinished is not None:
                    await self._take_batch(turn, answer.connection.limit_key, unfinished)
                return
            turn.reconnect("The provider keeps the answer until it can be reached again")
            self._send_turn(turn)
            await self._until_worth_a_try()
            answer = await self._rest(turn)

    async def _until_worth_a_try(self) -> None:
        """Until the network is back, or some time has passed."""
        was_online = self._services.online()
        for _ in range(int(PICK_UP_EVERY_S)):
            await asyncio.sleep(1)
            if self._services.online() and not was_online:
                return

    async def _take_batch(self, turn: Turn, key: LimitKey, batch: events.Batch) -> None:
        limits = self._services.limits
        for event in batch:
            if isinstance(event, RateLimits):
                limits.update(key, event.snapshot)
            self._take(turn, event)
        if batch.sequence_number is not None and turn.status.running:
            turn.reached(batch.response_id, batch.sequence_number)
        if limits.has_tried(key, turn.id):
            self._services.advance()
        if self._batch.overdue:
            # So much has come that it keeps the loop from turning: let commands in.
            self._batch.flush()
            await asyncio.sleep(0)

    def _take(self, turn: Turn, event: ResponseEvent) -> None:
        if self._running is not asyncio.current_task():
            return
        status_changed = turn.apply(event)
        self._batch.add(event)
        if status_changed:
            self._send_turn(turn)
        if isinstance(event, OutputItemDone):
            self._write(turn)
        else:
            self._services.writer.write_soon(self.conversation, turn)

    def _end(
        self,
        turn: Turn,
        status: TurnStatus,
        error: dict[str, Any] | None = None,
        *,
        for_good: bool = False,
    ) -> None:
        """End it here; ``for_good`` also where the provider would go on writing."""
        if for_good and turn.response_id is not None:
            self._services.spawn(self._end_at_provider(turn.response_id, turn.origin))
        self._running = None
        turn.finish(status, error)

        def tell() -> None:
            self._send_turn(turn)
            self._send_meter()

        if status is TurnStatus.STOPPED:
            tell()
            self._write(turn)
        else:
            # Whoever was told that an answer is whole must find it so.
            self._services.writer.write(self.conversation, turn, tell)
        self.advance()

    def _put_back(self, turn: Turn, obstacle: Waiting) -> None:
        """Back into the line: nothing has been sent yet."""
        if self._running is not asyncio.current_task():
            return
        self._running = None
        turn.limited = obstacle.reason == "rate_limit"
        self._hold(turn, obstacle)
        if obstacle.reason != "turn":
            self._set_alarm(obstacle.until or self._next_look())

    # --- storage ------------------------------------------------------------------------------

    def _write(self, turn: Turn) -> None:
        self._services.writer.write(self.conversation, turn)

    async def _end_at_provider(self, response_id: str, origin: str | None) -> None:
        """Have an answer ended that would be written to its end otherwise, if that can be done."""
        try:
            connection = await self._services.connect(self.conversation.settings)
            if connection.origin == origin:
                await connection.client.cancel(response_id)
        except SidestreamError as error:
            _log.info("An answer could not be cancelled: %r", error)

    def _keep(self, work: Coroutine[Any, Any, None]) -> None:
        self._storing += 1
        self._services.spawn(self._stored(work))

    async def _stored(self, work: Awaitable[None]) -> None:
        try:
            await work
        except SidestreamError as error:
            self._post_all(rejection(error))
        finally:
            self._storing -= 1

    async def _save_head(self) -> None:
        await self._services.store.save(self.conversation.head(), "")

    async def _remove(self, turn: Turn) -> None:
        await self._services.writer.drain()
        await self._services.store.remove(self.conversation.head(), turn.id)

    # --- messages -----------------------------------------------------------------------------

    def _send_turn(self, turn: Turn) -> None:
        self._batch.flush()
        self._post_all({"type": "Turn", "turn": self.conversation.view_of(turn, whole=False)})

    def _send_conversation(self) -> None:
        self._batch.flush()
        self._post_all(self._whole())

    def _whole(self) -> dict[str, Any]:
        seq = self._batch.seq if self.conversation.running else 0
        view = self.conversation.view()
        if meter := self._meter():
            view["meter"] = meter.view()
        return {"type": "Conversation", "conversation": view, "seq": seq}

    def _meter(self) -> Meter | None:
        compaction = self._compaction or Compaction()
        return measure(
            self.conversation.turns,
            self.conversation.path,
            context_window=compaction.context_window,
            compact_at=None if compaction.mode == "off" else compaction.compact_at,
        )

    def _send_meter(self) -> None:
        if meter := self._meter():
            self._post_all({"type": "Meter", "meter": meter.view()})

    def look_at_window(self) -> None:
        """Tell the panels how large the context window is of whoever answers next."""
        if has_usage(self.conversation.turns):
            self._services.spawn(self._look_at_window())

    async def _look_at_window(self) -> None:
        try:
            await self._connect()
        except SidestreamError:
            # Nobody could answer now; the next turn says why.
            return
        self._send_meter()

    def _reject(self, panel: int, message: str, hint: str, turn_id: str | None = None) -> None:
        error = SidestreamError(ErrorKind.INVALID_REQUEST, message, hint=hint)
        self._post_message(rejection(error, turn_id), panel)

    def _post_all(self, message: dict[str, Any]) -> None:
        self._post(json.dumps(message, ensure_ascii=False))

    def _post_message(self, message: dict[str, Any], panel: int) -> None:
        self._post_to(json.dumps(message, ensure_ascii=False), panel)

    def _now_ms(self) -> int:
        return int(self._services.now() * 1000)


def rejection(error: SidestreamError, turn_id: str | None = None) -> dict[str, Any]:
    """The message that something could not be carried out; with the turn's id, of a `Send`."""
    about = {} if turn_id is None else {"id": turn_id}
    return {"type": "Rejected", "error": error.to_dict(), **about}


_NOT_HERE = ("That message is not in this conversation.", "Send it again.")
# Errors that say that the rest of an answer cannot be had, and nothing of the answer itself.
_NO_REST = (
    *(ErrorKind.NOT_FOUND, ErrorKind.CONFIGURATION, ErrorKind.SIGN_IN_REQUIRED),
    *(ErrorKind.AUTHENTICATION, ErrorKind.PERMISSION),
)
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
