"""One open conversation: its turns are run and stored, and its panels are told.

Knows neither JavaScript nor storage nor the network: all of them are passed in. Messages are those
of ``extension/shared/protocol.js``.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from sidestream.errors import ErrorKind, SidestreamError
from sidestream.hosts import is_loopback
from sidestream.models import model_info
from sidestream.prompt import CallOptions
from sidestream.session.attachments import (
    MAX_ATTACHMENTS,
    MAX_SIZE,
    Attachment,
    check_seen,
    with_images,
)
from sidestream.session.batch import Batch
from sidestream.session.compaction import (
    MAX_CUT_SUMMARIES,
    MAX_SHORTER,
    MAX_SUMMARY_TRIES,
    Compaction,
)
from sidestream.session.conversation import (
    Conversation,
    ConversationSettings,
    is_about_images,
    is_too_large,
)
from sidestream.session.endings import (
    calls_are_whole,
    ended_without_a_word,
    is_put_off,
    may_be_the_images,
    only_thought,
    pause_ms,
)
from sidestream.session.error_log import ErrorLog, error_details
from sidestream.session.limits import LimitKey, Limits
from sidestream.session.meter import Meter, has_usage, measure
from sidestream.session.requests import MAX_WAITING, Answer, Requests
from sidestream.session.requests import Connection as Connection
from sidestream.session.summaries import (
    CUT_SUMMARY,
    check_summary,
    is_cut_short,
    is_too_much,
    not_summarised,
)
from sidestream.session.tool_calls import LimitReachedError, ToolCalls
from sidestream.session.tools import Tool
from sidestream.session.turn import INTERRUPTED, Turn, TurnStatus, Waiting
from sidestream.session.windows import Windows
from sidestream.session.writer import Store, Writer
from sidestream.types import events
from sidestream.types.events import (
    Completed,
    Notice,
    OutputItemDone,
    RateLimits,
    Reconnecting,
    ResponseEvent,
)
from sidestream.types.tools import ToolSpec

MAX_WITHOUT_IMAGES = 6
"""How often a request is repeated without some of the images of earlier messages."""
CONTINUE = "Continue."
"""The message that asks for the rest of an answer."""
OFFLINE_RETRY_S = 60.0
"""How often to look for the network when nothing tells that it is back."""

EVENTS_AT_ONCE = 100
"""After so many events commands are let in, so that Stop is heard however much comes at once."""
SENT_PER_S = 1_000_000
"""While an answer is written, its whole state is sent so often that this many characters go out per
second: a server that changes it with each event would have it sent each time."""

PICK_UP_FOR_S = 600.0
"""How long to go on looking for an answer that the provider keeps and that cannot be reached,"""
PICK_UP_EVERY_S = 30.0
"""and how often, beyond what the client does."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Services:
    """What the chats of a process share."""

    store: Store
    writer: Writer
    limits: Limits
    windows: Windows
    log: ErrorLog
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
        self._requests = Requests(conversation, services.store, services.windows, self._offered)
        self._timer: asyncio.TimerHandle | None = None
        self._state_due = 0.0
        """When the state of the turn under way may be sent again."""
        self._state_timer: asyncio.TimerHandle | None = None
        self._compaction: Compaction | None = None
        """As of whoever answered last; tells the size of the context window."""
        self._max_waiting = MAX_WAITING
        """As of whoever answered last."""
        self._attempts = 0
        """The requests of the turn under way."""
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
        elif self._services.waiting() >= self._max_waiting:
            count = self._max_waiting
            waiting = "A message is" if count == 1 else f"{count} messages are"
            message = f"{waiting} waiting already."
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
        if turn.begun:
            # What its calls have done stays to be seen.
            self._end_waiting(turn)
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

    def _end_waiting(self, turn: Turn) -> None:
        turn.finish(TurnStatus.STOPPED)
        self._send_turn(turn)
        self._write(turn)
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
            limits.admit(key, turn.id, urgent=True)
            return None
        if not (self._services.online() or is_loopback(urlsplit(connection.origin).hostname)):
            return Waiting(reason="offline")
        if wait_ms := limits.wait_ms(key):
            limits.has_tried(key, turn.id)
            return Waiting(reason="rate_limit", until=self._now_ms() + wait_ms)
        if not limits.may_go(key, turn.id, waited=turn.limited):
            return Waiting(reason="rate_limit")
        if wait_ms := limits.admit(key, turn.id, per_minute=connection.requests_per_minute):
            limits.has_tried(key, turn.id)
            return Waiting(reason="rate_limit", until=self._now_ms() + wait_ms)
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
        told = self._services.windows.get(connection.limit_key)
        compaction = connection.compaction.within(told)
        compaction = compaction.with_answer(connection.options.max_output_tokens)
        connection = replace(connection, compaction=compaction)
        self._compaction = connection.compaction
        self._max_waiting = connection.max_waiting
        return connection

    async def _ask(self, turn: Turn) -> Answer | None:
        """Send a turn's request, written down before. None: it is back in the queue."""
        conversation, store = self.conversation, self._services.store
        await store.save(conversation.head(), turn.record())
        connection = await self._connect()
        if obstacle := self._obstacle(turn, connection):
            self._put_back(turn, obstacle)
            return None
        check_seen(
            turn.attachments or (),
            connection.options.model_info or model_info(connection.model),
        )
        if not turn.items and self._requests.is_due(turn, connection):
            self._put_back(turn, Waiting(reason="turn"))
            self._summarise_before(turn)
            return None
        turn.model, turn.origin = connection.model or None, connection.origin
        self._send_turn(turn)
        turn.sent = True
        if turn.kind == "compaction":
            return await self._requests.ask_summary(
                turn, connection, self._requests.summary_room(connection)
            )
        return await self._next_answer(turn, connection)

    async def _next_answer(self, turn: Turn, connection: Connection) -> Answer:
        """Call the model for a turn, which may have called tools already."""
        if turn.items and self._requests.is_due(turn, connection):
            await self._summarise_within(turn, connection)
        return await self._requests.ask(turn, connection)

    # --- summaries ----------------------------------------------------------------------------

    async def _read_summary(
        self, compaction: Turn, answer: Answer, read: Callable[[Turn, Answer], Awaitable[None]]
    ) -> None:
        """Take a summary in. As long as its request is too long, ask again for one of less.

        A model that does not come to an end each time is taken at its word in the end: what it has
        written is more than nothing, and without it the conversation could not continue.
        """
        connection, images = answer.connection, True
        cut_short = 0
        words: int | None = None
        for tries_left in reversed(range(MAX_SUMMARY_TRIES)):
            try:
                await read(compaction, answer)
                check_summary(compaction)
                return
            except SidestreamError as failure:
                sent = self._requests.estimated
                is_cut = is_cut_short(failure, compaction)
                cut_short += is_cut
                if is_cut and cut_short >= MAX_CUT_SUMMARIES:
                    compaction.note(CUT_SUMMARY)
                    return
                if not tries_left or not is_too_much(failure, compaction) or sent < _LEAST:
                    raise not_summarised(failure) from None
                if failure.kind is ErrorKind.CONTEXT_WINDOW_EXCEEDED:
                    self._requests.learn_window(connection, failure)
                images = images and not (is_too_large(error := failure.to_dict()))
                images = images and not is_about_images(error)
                if failure.kind is ErrorKind.INCOMPLETE:
                    # Some servers allow few tokens by themselves.
                    words = max(len(compaction.text.split()) * 2 // 3, _FEW_WORDS)
                fits = self._requests.summary_room(connection)
                knows = failure.context_window is not None and fits is not None
                room = sent * 7 // 10 if knows else sent // 2
                room = room if fits is None else min(room, fits)
            compaction.ask_again()
            if compaction is self.conversation.running:
                self._send_turn(compaction)
            answer = await self._requests.ask_summary(
                compaction, connection, room, images=images, words=words
            )

    async def _summarise_within(self, turn: Turn, connection: Connection) -> None:
        """Summarise what comes before a turn in the middle of it, whose own calls stay as they are.

        When that fails, the oldest messages are left out of the turn's requests instead.
        """
        compaction = Turn(
            id=str(uuid4()),
            user="",
            created_at=self._now_ms(),
            kind="compaction",
            parent=turn.parent,
            model=turn.model,
            origin=turn.origin,
        )
        compaction.start()
        turn.notice = "Summarising the conversation before this message"
        self._send_turn(turn)
        try:
            room = self._requests.summary_room(connection)
            answer = await self._requests.ask_summary(compaction, connection, room)
            await self._read_summary(compaction, answer, self._read_unseen)
        except SidestreamError as failure:
            self._log(compaction, connection, failure)
            self._requests.trimmed = turn.id
            turn.note(
                "The conversation could not be summarised, so its oldest messages were left out."
            )
        else:
            compaction.finish(TurnStatus.COMPLETED)
            compaction.sent = True
            self.conversation.insert_done(compaction, turn)
            # What was counted before holds no longer.
            turn.context_tokens = None
            self._write(compaction)
            self._write(turn)
        turn.notice = None
        self._send_conversation()

    async def _read_unseen(self, turn: Turn, answer: Answer) -> None:
        async with aclosing(answer.batches) as batches:
            async for batch in batches:
                for event in batch:
                    turn.apply(event)

    async def _rest(self, turn: Turn) -> Answer:
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
        return Answer(connection, batches)

    def _offered(self, turn: Turn, connection: Connection) -> list[ToolSpec]:
        if turn.kind is not None:
            return []
        return self.tool_calls.offered(connection.provider_tools)

    async def _run(self, turn: Turn, ask: Callable[[Turn], Awaitable[Answer | None]]) -> None:
        """One turn from the written-down message to the written-down answer."""
        status, error, ended_by_us = TurnStatus.COMPLETED, None, False
        connection: Connection | None = None
        key: LimitKey | None = None
        until: int | None = None
        limits = self._services.limits
        self._attempts = 1
        try:
            answer = await ask(turn)
            if answer is None:
                return
            connection = answer.connection
            key = connection.limit_key
            if turn.kind == "compaction":
                await self._read_summary(turn, answer, self._read)
            else:
                async with self.tool_calls.within_time(turn):
                    await self._converse(turn, answer)
        except asyncio.CancelledError:
            status = TurnStatus.STOPPED
        except SidestreamError as failure:
            incomplete = failure.kind is ErrorKind.INCOMPLETE
            status = TurnStatus.INCOMPLETE if incomplete else TurnStatus.FAILED
            error = self._told(turn, connection, failure)
            ended_by_us = isinstance(failure, LimitReachedError)
            if ask == self._rest and failure.kind in _NO_REST:
                status, error = TurnStatus.INTERRUPTED, INTERRUPTED
            if key is not None and (wait_ms := pause_ms(failure, self._now_ms())):
                limits.note_retry_after(key, wait_ms)
                if is_put_off(turn, failure, wait_ms):
                    until = self._now_ms() + wait_ms
        except Exception as failure:
            _log.exception("A turn failed")
            status, error = TurnStatus.FAILED, self._told(turn, connection, _internal(failure))
        if self._running is asyncio.current_task():
            if until is not None:
                self._put_off(turn, until)
            else:
                self._end(turn, status, error, for_good=ended_by_us)
        if key is not None and limits.has_tried(key, turn.id):
            self._services.advance()

    async def _converse(self, turn: Turn, answer: Answer) -> None:
        """Read an answer, carry out its calls, and ask again, until the model has no more calls."""
        connection = answer.connection
        parallel = connection.options.parallel_tool_calls is not False
        breaks_left = connection.client.provider.stream_max_retries
        shorter_left, images_left = MAX_SHORTER, MAX_WITHOUT_IMAGES
        while True:
            broke: SidestreamError | None = None
            try:
                await self._read(turn, answer)
            except SidestreamError as failure:
                if ended_without_a_word(turn, failure):
                    turn.note("The model ended its answer without a text.")
                    return
                if shorter_left and self._may_be_shorter(turn, connection, failure):
                    shorter_left -= 1
                    connection = await self._make_shorter(turn, connection, failure)
                    answer = await self._requests.ask(turn, connection)
                    continue
                if images_left and self._leave_images_out(turn, failure):
                    images_left -= 1
                    self._ask_again(turn)
                    answer = await self._requests.ask(turn, connection)
                    continue
                if failure.kind is ErrorKind.CONTENT_POLICY and self._leave_flagged_out(turn):
                    self._ask_again(turn)
                    answer = await self._requests.ask(turn, connection)
                    continue
                if not (breaks_left and failure.retryable and calls_are_whole(turn, failure)):
                    raise
                breaks_left -= 1
                broke = failure
            if not await self.tool_calls.carry_out(turn, parallel=parallel):
                if broke is not None:
                    raise broke
                if only_thought(turn):
                    turn.note("The model thought, and then ended without an answer.")
                return
            if broke is not None:
                self._log(turn, connection, broke)
            await self._until_admitted(turn, connection)
            answer = await self._next_answer(turn, connection)

    def _ask_again(self, turn: Turn) -> None:
        turn.ask_again()
        self._send_turn(turn)

    async def _until_admitted(self, turn: Turn, connection: Connection) -> None:
        """Between two calls of the model: wait for the user's own limit of requests."""
        per_minute = connection.requests_per_minute
        if per_minute is None:
            return
        limits, key = self._services.limits, connection.limit_key
        while True:
            wait_ms = limits.admit(key, f"{turn.id} {turn.calls}", per_minute=per_minute)
            if not wait_ms:
                return
            turn.notice = f"Waiting {-(-wait_ms // 1000)} s: {per_minute} requests a minute"
            self._send_turn(turn)
            await asyncio.sleep(wait_ms / 1000)

    def _may_be_shorter(self, turn: Turn, connection: Connection, failure: SidestreamError) -> bool:
        """Whether a request that was too long is repeated with less by itself."""
        mode, earlier = connection.compaction.mode, self.conversation.context(turn)
        too_long = failure.kind is ErrorKind.CONTEXT_WINDOW_EXCEEDED or (
            is_too_large(failure.to_dict()) and not self.conversation.images_before(turn)
        )
        if mode == "trim":
            return too_long and bool(earlier or turn.calls)
        return too_long and mode == "summarise" and bool(turn.calls)

    async def _make_shorter(
        self, turn: Turn, connection: Connection, failure: SidestreamError
    ) -> Connection:
        sent = int(self._requests.estimated * self._requests.density)
        if failure.kind is ErrorKind.CONTEXT_WINDOW_EXCEEDED:
            self._requests.learn_window(connection, failure)
        self._log(turn, connection, failure)
        self._ask_again(turn)
        window = min(filter(None, (self._requests.window(connection), sent)))
        narrower = replace(connection.compaction, by_user=False).within(window)
        # It did not fit, whatever was thought of its size.
        compact_at = min(narrower.compact_at or sent, sent * 3 // 4)
        narrower = replace(narrower, compact_at=compact_at)
        connection = replace(connection, compaction=narrower)
        self._compaction = narrower
        before = self.conversation.before(turn)
        summarises = narrower.mode == "summarise" and self._requests.trimmed != turn.id
        if summarises and before is not None and before.kind is None:
            await self._summarise_within(turn, connection)
        return connection

    def _leave_images_out(self, turn: Turn, failure: SidestreamError) -> bool:
        """Have the images of the older half of the earlier messages left out from here on.

        False when there are none, or when they are not what the provider refuses.
        """
        error = failure.to_dict()
        about_size, about_images = is_too_large(error), is_about_images(error)
        if not (about_size or about_images) or turn.answer:
            return False
        earlier = self.conversation.images_before(turn)
        for each in earlier[: (len(earlier) + 1) // 2 if about_size else len(earlier)]:
            each.without_images = True
            self._write(each)
        if earlier:
            turn.note("Images of earlier messages were left out, since the provider refused them.")
        elif with_images(turn.attachments):
            # Another try of this message has them again; later messages only name them.
            turn.without_images = True
        return bool(earlier)

    def _leave_flagged_out(self, turn: Turn) -> bool:
        """Have messages left out from here on that the provider's filter has stopped answers to.

        False when there are none: then it is this message that is refused.
        """
        flagged = [
            earlier
            for earlier in self.conversation.context(turn)
            if earlier.finish_reason == "content_filter" and not earlier.left_out
        ]
        for earlier in flagged:
            earlier.left_out = True
            self._write(earlier)
        if flagged:
            turn.note("An earlier message was left out, since the provider's policy refused it.")
        return bool(flagged)

    # --- limits that are waited for -----------------------------------------------------------

    def _put_off(self, turn: Turn, until: int) -> None:
        self._running = None
        waiting = Waiting(reason="rate_limit", until=until)
        turn.put_back(waiting)
        self._send_turn(turn)
        self._write(turn)
        self._set_alarm(until)

    # --- what is told of a failure ------------------------------------------------------------

    def _told(
        self, turn: Turn, connection: Connection | None, failure: SidestreamError
    ) -> dict[str, Any]:
        """The turn's error, with what helps a report."""
        error = failure.to_dict()
        if failure.kind is ErrorKind.CONTEXT_WINDOW_EXCEEDED and connection is not None:
            self._requests.learn_window(connection, failure)
            before = self.conversation.before(turn)
            if turn.kind is None and not turn.items and (before is None or before.is_summary):
                error["hint"] = _TOO_LONG_ALONE
        if turn.kind is None and with_images(turn.attachments) and may_be_the_images(failure):
            turn.without_images = True
        if turn.kind is None and not turn.items and failure.kind is ErrorKind.CONTENT_POLICY:
            turn.left_out = True
        if isinstance(failure, LimitReachedError):
            # The user's own limit is no failure that anybody would report.
            return error
        if details := self._details(turn, connection, error):
            error["details"] = details
        self._log(turn, connection, failure, details=details)
        return error

    def _details(
        self, turn: Turn, connection: Connection | None, error: Mapping[str, Any]
    ) -> dict[str, Any]:
        if connection is None and turn.origin is None:
            # Nobody was asked.
            return {}
        if connection is None:
            return error_details(error, origin=turn.origin, model=turn.model)
        client = connection.client
        return error_details(
            error,
            provider=client.provider.name,
            origin=connection.origin,
            model=connection.model,
            wire_api=client.provider.wire_api.value,
            finish_reason=turn.finish_reason,
            attempts=self._attempts,
            notices=turn.notices or (),
            exchange=client.last_failed_exchange,
        )

    def _log(
        self,
        turn: Turn,
        connection: Connection | None,
        failure: SidestreamError,
        *,
        details: dict[str, Any] | None = None,
    ) -> None:
        if details is None:
            details = self._details(turn, connection, failure.to_dict())
        self._services.log.add(
            self._services.now(),
            str(failure),
            kind=failure.kind.value,
            turn=turn.kind or "message",
            details=details,
        )

    async def _read(self, turn: Turn, answer: Answer) -> None:
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
        for count, event in enumerate(batch, 1):
            if isinstance(event, _NOTED):
                self._note(turn, key, event)
            self._take(turn, event)
            if count % EVENTS_AT_ONCE == 0:
                self._batch.flush()
                await asyncio.sleep(0)
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
            self._send_state(turn)
        if isinstance(event, OutputItemDone):
            self._services.writer.write_item(self.conversation, turn)
        else:
            self._services.writer.write_soon(self.conversation, turn)

    def _note(self, turn: Turn, key: LimitKey, event: ResponseEvent) -> None:
        """Remember what an event tells beside the answer."""
        services = self._services
        match event:
            case RateLimits():
                services.limits.update(key, event.snapshot)
            case Completed() if event.token_usage is not None:
                self._requests.learn_density(event.token_usage.input_tokens)
                services.windows.held(key, event.token_usage.total_tokens)
            case Reconnecting():
                self._attempts += 1
                what = f"Reconnecting {event.attempt}/{event.max_attempts}: {event.reason}"
                services.log.add(services.now(), what, origin=key[0], model=key[1])
            case Notice():
                services.log.add(services.now(), event.message, origin=key[0], model=key[1])

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
        message = {"type": "Turn", "turn": self.conversation.view_of(turn, whole=False)}
        text = json.dumps(message, ensure_ascii=False)
        pause = max(len(text) - _SMALL_STATE, 0) / SENT_PER_S
        self._state_due = asyncio.get_running_loop().time() + pause
        self._post(text)

    def _send_state(self, turn: Turn) -> None:
        """Send a turn that is being answered, at once or as soon as `SENT_PER_S` allows."""
        loop = asyncio.get_running_loop()
        if loop.time() >= self._state_due:
            self._send_turn(turn)
        elif self._state_timer is None:
            self._state_timer = loop.call_at(self._state_due, self._send_late, turn)

    def _send_late(self, turn: Turn) -> None:
        self._state_timer = None
        # Whoever has ended it meanwhile has sent it.
        if turn.status.running:
            self._send_turn(turn)

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


_NOTED = (RateLimits, Completed, Reconnecting, Notice)
"""What says something beside the answer."""
_FEW_WORDS = 60
"""The least that a summary is asked for in."""
_SMALL_STATE = 4_000
"""The state of a turn that is sent at any time, in characters."""
_LEAST = 200
"""A request of fewer tokens is not refused for its length."""
_TOO_LONG_ALONE = (
    "This message alone is too long for the model. Edit it to make it shorter, or choose a model "
    "with a larger context window."
)


def _internal(failure: Exception) -> SidestreamError:
    return SidestreamError(
        ErrorKind.INTERNAL,
        f"Something in Sidestream failed ({type(failure).__name__}).",
        hint="Try again. The extension's console holds the details.",
        retryable=True,
    )
