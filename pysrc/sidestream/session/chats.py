"""All open conversations, and which panel shows which. Receives all commands, in order."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, Protocol

from sidestream.adjust import Adjustments
from sidestream.errors import ErrorKind, SidestreamError
from sidestream.session.attachments import Attachment
from sidestream.session.chat import Chat
from sidestream.session.connection import Connection
from sidestream.session.conversation import Conversation, ConversationSettings
from sidestream.session.error_log import LOG, ErrorLog
from sidestream.session.limits import Limits
from sidestream.session.panel_messages import rejection
from sidestream.session.services import Services
from sidestream.session.tools import Tool
from sidestream.session.windows import WINDOWS, Windows
from sidestream.session.writer import Store, Writer

LIMITS = "limits"
"""The name under which the limits are stored."""
ADJUSTMENTS = "adjustments"
"""The name under which the refusals of servers are stored."""

_log = logging.getLogger(__name__)


class _Kept(Protocol):
    """Something that is stored and belongs to no conversation."""

    def to_json(self) -> str: ...

    def restore(self, text: str) -> None: ...


class Chats:
    """Opens a conversation when a panel shows it or a turn of it runs or is queued.

    Args:
        store: Where conversations are stored.
        post: Sends a message, as JSON, to the panel of that number.
        connect: Makes the connection for the next turn of a conversation with these settings.
            Raises `SidestreamError` when that is impossible.
        busy: Receives whether there is work that must not be cut off.
        alarm: Receives when to send ``Wake`` (Unix time in milliseconds), even if the process has
            ended by then; 0 for never.
        online: Whether there is a network.
        now: Unix time in seconds.
        tools: What the model may call where the user allows it.
        abandoned: Receives the id of a conversation in which a call of the last process may still
            run.

    """

    def __init__(
        self,
        *,
        store: Store,
        post: Callable[[str, int], None],
        connect: Callable[[ConversationSettings], Awaitable[Connection]],
        busy: Callable[[bool], None] = lambda _: None,
        alarm: Callable[[int], None] = lambda _: None,
        online: Callable[[], bool] = lambda: True,
        now: Callable[[], float] = time.time,
        tools: Sequence[Tool] = (),
        abandoned: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._store = store
        self._abandoned = abandoned
        self._post = post
        self._busy = busy
        self._alarm = alarm
        self._alarm_at = 0
        self._writer = Writer(store, self._report_unstored, self._settle)
        self._limits = Limits(now, self._limits_changed)
        self.adjustments = Adjustments(lambda: self._keep(ADJUSTMENTS))
        """What servers have refused; connections use it."""
        self.log = ErrorLog(lambda: self._keep(LOG))
        """The failures, which the user can read and clear."""
        self._windows = Windows(now, lambda: self._keep(WINDOWS))
        self._kept: dict[str, _Kept] = {
            LIMITS: self._limits,
            ADJUSTMENTS: self.adjustments,
            LOG: self.log,
            WINDOWS: self._windows,
        }
        self._keeping: dict[str, asyncio.Handle] = {}
        self._sending_limits: asyncio.Handle | None = None
        self._services = Services(
            store=store,
            writer=self._writer,
            limits=self._limits,
            windows=self._windows,
            log=self.log,
            connect=connect,
            online=online,
            now=now,
            spawn=self._spawn,
            waiting=lambda: sum(len(chat.conversation.queued) for chat in self.opened.values()),
            changed=self._settle,
            advance=self._advance,
            tools=tools,
        )
        self.opened: dict[str, Chat] = {}
        """The open chats, by the id of their conversation."""
        self._shown: dict[int, str] = {}
        self._commands: deque[dict[str, Any]] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._working: asyncio.Task[None] | None = None

    async def load(self) -> None:
        """Continue what the last process had not finished.

        A turn that was running is marked interrupted, unless its answer can be resumed. Queued
        turns stay queued.
        """
        recalled = asyncio.gather(*(self._recall(name) for name in self._kept))
        unfinished, _ = await asyncio.gather(self._store.unfinished(), recalled)
        for conversation_id in unfinished:
            try:
                await self._open(conversation_id, resuming=True)
            except Exception:
                # A conversation that cannot be read must not keep the others from continuing.
                _log.exception("A conversation could not be taken up")
        self._advance()

    async def _recall(self, name: str) -> None:
        try:
            self._kept[name].restore(await self._store.recall(name))
        except SidestreamError:
            # The providers will report it again.
            _log.exception("The %s could not be read", name)

    # --- commands -----------------------------------------------------------------------------

    def receive(self, command: dict[str, Any]) -> None:
        """Carry out a ``PanelCommand``, with the number of its ``panel``, after those before it.

        Each names its ``conversation``; `Join` shows it in the panel. Others come from the worker:
        ``Left`` (the panel is gone), ``Wake`` (time has passed, or there is a network again),
        ``NewProvider`` (the settings have changed), ``NewAccount`` (the known limits are those of
        another account), ``Forget`` (the conversation was deleted).
        """
        self._commands.append(command)
        if self._working is None:
            self._working = self._spawn(self._work())

    @property
    def working(self) -> bool:
        """Whether a command is being carried out."""
        return self._working is not None

    def show(self, panel: int, chat: Chat) -> None:
        """Have a panel show a conversation from now on."""
        # The conversation that the panel receives contains the events that are collected now.
        chat.flush()
        self._shown[panel] = chat.conversation.id
        self._post(self._limits_message(), panel)
        chat.join(panel)

    async def _work(self) -> None:
        try:
            while self._commands:
                command = self._commands.popleft()
                try:
                    await self._carry_out(command)
                except SidestreamError as error:
                    self._reject(command, error)
                except Exception as error:
                    _log.exception("A command failed")
                    message = f"Something in Sidestream failed ({type(error).__name__})."
                    self._reject(command, SidestreamError(ErrorKind.INTERNAL, message))
        finally:
            self._working = None

    async def _carry_out(self, command: dict[str, Any]) -> None:
        panel, conversation_id = command.get("panel", 0), command.get("conversation", "")
        match command["type"]:
            case "Wake":
                self._advance()
                return
            case "NewProvider":
                for chat in self.opened.values():
                    chat.look_at_window()
                return
            case "NewAccount":
                self._services.limits.reset()
                for chat in self.opened.values():
                    chat.forget_limit()
                self._advance()
                return
            case "Left":
                self._shown.pop(panel, None)
                self._settle()
                return
            case "Forget":
                self._forget(conversation_id)
                return
        chat = self.opened.get(conversation_id) or await self._open(conversation_id)
        match command["type"]:
            case "Join":
                self.show(panel, chat)
            case "Send":
                attached = command.get("attachments") or ()
                attachments = [Attachment.model_validate(each) for each in attached]
                replaces = command.get("replaces")
                chat.send(command["id"], command["text"], panel, replaces, attachments)
            case "Regenerate":
                chat.branches.regenerate(command["id"], command["turn"], panel)
            case "Continue":
                chat.branches.continue_answer(command["id"], command["turn"], panel)
            case "Retry":
                chat.retry(command["id"], panel)
            case "ShowBranch":
                chat.branches.show(command["turn"], panel)
            case "Stop":
                chat.stop()
            case "Cancel":
                chat.cancel(command["id"], panel)
            case "SendNow":
                chat.send_now(command["id"], panel)
            case "Compact":
                chat.branches.compact(panel, command.get("retry"))
            case "Decide":
                chat.tool_calls.decide(
                    command["call"],
                    allow=command["allow"],
                    always=command.get("always", False),
                    never=command.get("never", False),
                    page=command.get("page"),
                )
            case "Configure":
                chat.configure(ConversationSettings.model_validate(command["settings"]))
            case "Earlier":
                chat.send_earlier_turns(command["before"], panel)
        self._settle()

    def _reject(self, command: dict[str, Any], error: SidestreamError) -> None:
        turn_id = command["id"] if command["type"] == "Send" else None
        rejected = json.dumps(rejection(error, turn_id), ensure_ascii=False)
        self._post(rejected, command.get("panel", 0))

    # --- open conversations -------------------------------------------------------------------

    async def _open(self, conversation_id: str, *, resuming: bool = False) -> Chat:
        # The record must not be read before its latest state is written.
        await self._writer.drain()
        data = await self._store.load(conversation_id)
        if data is None:
            created_at = int(self._services.now() * 1000)
            data = {"id": conversation_id, "created_at": created_at}
        conversation, ended = Conversation.restore(data, resuming=resuming)
        for turn in ended:
            self._writer.write(conversation, turn)
        if any(turn.broke_off_calls for turn in ended):
            self._abandoned(conversation_id)
        chat = Chat(
            conversation,
            self._services,
            lambda message: self._post_to_panels(conversation_id, message),
            self._post,
        )
        self.opened[conversation_id] = chat
        if not resuming:
            # Queued turns that no process knew of, perhaps of an imported file, are not sent.
            chat.stop_all()
        chat.pick_up()
        return chat

    def _forget(self, conversation_id: str) -> None:
        chat = self.opened.pop(conversation_id, None)
        if chat is not None:
            chat.stop_all()

    def _advance(self) -> None:
        """Have all queues check whether a message can be sent, the longest waiting one first."""
        waiting = [chat for chat in self.opened.values() if chat.conversation.queued]
        for chat in sorted(waiting, key=lambda chat: chat.conversation.queued[0].created_at):
            chat.advance()

    def _settle(self) -> None:
        """After a change, set the alarm, close unused chats and report whether there is work."""
        shown = set(self._shown.values())
        for conversation_id, chat in list(self.opened.items()):
            if chat.idle and conversation_id not in shown:
                del self.opened[conversation_id]
        at = min((chat.alarm_at for chat in self.opened.values() if chat.alarm_at), default=0)
        if at != self._alarm_at:
            self._alarm_at = at
            self._alarm(at)
        self._busy(bool(self._tasks) or self._writer.busy)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._task_done)
        self._busy(True)
        return task

    def _task_done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._settle()

    def _limits_changed(self) -> None:
        # One answer reports several limits.
        if self._sending_limits is None:
            loop = asyncio.get_running_loop()
            self._sending_limits = loop.call_soon(self._send_limits)

    def _send_limits(self) -> None:
        self._sending_limits = None
        message = self._limits_message()
        for panel in self._shown:
            self._post(message, panel)
        self._spawn(self._remember(LIMITS))

    def _limits_message(self) -> str:
        limits = {"type": "Limits", "limits": self._limits.view()}
        return json.dumps(limits, ensure_ascii=False)

    def _keep(self, name: str) -> None:
        # Several changes at once are stored once.
        if name not in self._keeping:
            loop = asyncio.get_running_loop()
            self._keeping[name] = loop.call_soon(self._begin_to_keep, name)

    def _begin_to_keep(self, name: str) -> None:
        del self._keeping[name]
        self._spawn(self._remember(name))

    async def _remember(self, name: str) -> None:
        try:
            await self._store.remember(name, self._kept[name].to_json())
        except SidestreamError:
            # It is known as long as this process lives, and the providers report it again.
            _log.exception("The %s could not be stored", name)

    def _report_unstored(self, error: SidestreamError) -> None:
        message = json.dumps(rejection(error), ensure_ascii=False)
        for panel in self._shown:
            self._post(message, panel)

    def _post_to_panels(self, conversation_id: str, message: str) -> None:
        for panel, shown in self._shown.items():
            if shown == conversation_id:
                self._post(message, panel)
