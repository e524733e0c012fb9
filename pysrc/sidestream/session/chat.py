"""One open conversation and the commands that its panels send.

Nothing here knows JavaScript, storage or the network: all of them are passed in. The messages are
those of ``extension/shared/protocol.js``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any

from sidestream.errors import SidestreamError
from sidestream.session.attachments import Attachment, check_room
from sidestream.session.branches import Branches
from sidestream.session.compaction import Compaction
from sidestream.session.connection import Connection as Connection
from sidestream.session.conversation import Conversation, ConversationSettings
from sidestream.session.meter import Meter, has_usage, measure
from sidestream.session.panel_messages import PanelMessages, rejection
from sidestream.session.requests import Requests
from sidestream.session.services import Services
from sidestream.session.tool_calls import ToolCalls
from sidestream.session.turn import Turn, TurnStatus, Waiting
from sidestream.session.turn_runner import TurnRunner


class Chat:
    """Carries out the commands of one conversation. At most one turn runs, the others are queued.

    Args:
        conversation: What was stored of it, or an empty one.
        services: Shared with the other chats.
        post: Sends a message, as JSON, to all panels that show the conversation.
        post_to: Sends a message to the panel of that number.

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
        self._panels = PanelMessages(conversation, post, post_to, self._meter)
        self.tool_calls = ToolCalls(
            conversation,
            services.tools,
            show=self._panels.send_turn,
            write=self._write,
            drain=services.writer.drain,
            configure=self.configure,
        )
        """The calls of the model."""
        self._requests = Requests(
            conversation,
            services.store,
            services.windows,
            services.connect,
            self.tool_calls.offered,
        )
        self._runner = TurnRunner(
            conversation, services, self._panels, self._requests, self.tool_calls
        )
        self.branches = Branches(conversation, services, self._panels, self._runner, self._save)
        """The commands that change which turns follow each other."""
        self._storing = 0
        """How many writes are under way that are no turns."""

    @property
    def idle(self) -> bool:
        """Whether nothing runs or is queued, and all is stored, so the chat can be closed."""
        return not (self._runner.is_running or self._storing or self.conversation.queued)

    @property
    def alarm_at(self) -> int | None:
        """When to check the queue again, if the process ends; Unix time in milliseconds."""
        return self._runner.queue.alarm_at

    # --- panels -------------------------------------------------------------------------------

    def join(self, panel: int) -> None:
        """Send a panel the conversation; it receives the batches of events after it."""
        self._panels.send_conversation_to(panel)
        if self._requests.compaction is None:
            self.look_at_window()

    def flush(self) -> None:
        """Send the events that wait for the next batch."""
        self._panels.events.flush()

    def send_earlier_turns(self, turn_id: str, panel: int) -> None:
        """Send a panel the turns before one that it has."""
        self._panels.send_earlier_turns(turn_id, panel)

    def look_at_window(self) -> None:
        """Send the panels how large the context window is for the next request."""
        if has_usage(self.conversation.turns):
            self._services.spawn(self._look_at_window())

    async def _look_at_window(self) -> None:
        try:
            await self._requests.connect()
        except SidestreamError:
            # There is no connection now; the next turn reports why.
            return
        self._panels.send_meter()

    def _meter(self) -> Meter | None:
        compaction = self._requests.compaction or Compaction()
        return measure(
            self.conversation.turns,
            self.conversation.path,
            context_window=compaction.context_window,
            compact_at=None if compaction.mode == "off" else compaction.compact_at,
        )

    # --- commands -----------------------------------------------------------------------------

    def configure(self, settings: ConversationSettings) -> None:
        """Give the conversation settings of its own."""
        self.conversation.settings = settings
        shown = settings.model_dump(exclude_none=True)
        self._panels.send({"type": "Configured", "settings": shown})
        self._save()
        self.look_at_window()

    def send(
        self,
        turn_id: str,
        text: str,
        panel: int,
        replaces: str | None = None,
        attachments: Sequence[Attachment] = (),
    ) -> None:
        """Answer a message, after those that are queued already. A repeated id changes nothing.

        With ``replaces`` it takes the place of another message, in a branch of its own. The
        contents of ``attachments`` are in the store.
        """
        conversation = self.conversation
        known = conversation.find(turn_id)
        if known is not None:
            self._panels.send_turn(known)
        elif not text.strip() and not attachments:
            self._panels.reject(panel, "The message is empty.", "Write something first.", turn_id)
        elif refusal := self._check_room(attachments):
            self._panels.send_to(rejection(refusal, turn_id), panel)
        elif replaces is not None:
            self.branches.replace(replaces, turn_id, text, attachments, panel)
        elif self._services.waiting() >= self._requests.max_waiting:
            count = self._requests.max_waiting
            waiting = "A message is" if count == 1 else f"{count} messages are"
            message = f"{waiting} waiting already."
            hint = "Wait until some were sent, or cancel one."
            self._panels.reject(panel, message, hint, turn_id)
        else:
            last = conversation.find(conversation.leaf)
            now = self._services.now_ms()
            turn = conversation.add(turn_id, text, now, attachments=attachments)
            turn.sent = False
            if last is not None and last.status.active:
                turn.wait(Waiting(reason="turn"))
                self._panels.send_turn(turn)
                self._write(turn)
                # What keeps the others from being sent may keep this one, too.
                self.advance()
            else:
                # By writing after a turn that went wrong, the user decides to continue.
                self._runner.start(turn)

    def _check_room(self, attachments: Sequence[Attachment]) -> SidestreamError | None:
        known = (each for turn in self.conversation.turns for each in turn.attachments or ())
        try:
            check_room(attachments, known)
        except SidestreamError as refusal:
            return refusal
        return None

    def retry(self, turn_id: str, panel: int) -> None:
        """Run a turn again, or send it now if it is queued."""
        turn = self.conversation.find(turn_id)
        if turn is not None and turn.status is TurnStatus.QUEUED:
            self.send_now(turn_id, panel)
        else:
            self.branches.retry(turn_id, panel)

    def cancel(self, turn_id: str, panel: int) -> None:
        """Take a message out of the queue; the panel that asks receives it back."""
        turn = self._runner.queue.find(turn_id, panel)
        if turn is None:
            return
        if turn.begun:
            # The calls that were carried out stay visible.
            turn.finish(TurnStatus.STOPPED)
            self._panels.send_turn(turn)
            self._write(turn)
            self.advance()
            return
        for moved in self.conversation.remove(turn):
            self._write(moved)
        self._services.writer.forget(turn)
        self._keep(self._remove(turn))
        self._panels.send({"type": "Cancelled", "id": turn.id})
        back: dict[str, Any] = {"type": "Cancelled", "id": turn.id, "text": turn.user}
        if turn.attachments:
            back["attachments"] = turn.view()["attachments"]
        self._panels.send_to(back, panel)
        self.advance()

    def send_now(self, turn_id: str, panel: int) -> None:
        """Send a queued message first, whatever it waits for. A running turn is stopped."""
        turn = self._runner.queue.find(turn_id, panel)
        if turn is None:
            return
        turn.urgent = True
        for moved in self.conversation.put_first(turn):
            self._write(moved)
        self._panels.send_conversation()
        if self.conversation.running:
            self.stop()
        else:
            self.advance()

    def stop(self) -> None:
        """Stop the running turn, if there is one. The partial answer is kept."""
        self._runner.stop(self.conversation.running)

    def stop_all(self) -> None:
        """Stop the running turn and the queued ones."""
        running = self.conversation.running
        for turn in self.conversation.queued:
            turn.finish(TurnStatus.STOPPED)
            self._write(turn)
        self._runner.stop(running)
        self._runner.queue.clear_alarm()

    # --- what others report -------------------------------------------------------------------

    def pick_up(self) -> None:
        """Continue the answer that the last process had begun, if the provider keeps it."""
        turn = self.conversation.running
        if turn is not None:
            self._runner.pick_up(turn)

    def forget_limit(self) -> None:
        """Have a message that waits for a rate limit check it anew when the queue advances."""
        self._runner.queue.forget_limit()

    def advance(self) -> None:
        """Start the first queued turn unless something keeps it from being sent."""
        self._runner.queue.advance()

    # --- storage ------------------------------------------------------------------------------

    def _write(self, turn: Turn) -> None:
        self._services.writer.write(self.conversation, turn)

    def _save(self) -> None:
        """Store what belongs to the conversation and to no turn."""
        self._keep(self._save_head())

    async def _save_head(self) -> None:
        await self._services.store.save(self.conversation.head(), "")

    async def _remove(self, turn: Turn) -> None:
        await self._services.writer.drain()
        await self._services.store.remove(self.conversation.head(), turn.id)

    def _keep(self, work: Coroutine[Any, Any, None]) -> None:
        self._storing += 1
        self._services.spawn(self._stored(work))

    async def _stored(self, work: Awaitable[None]) -> None:
        try:
            await work
        except SidestreamError as error:
            self._panels.send(rejection(error))
        finally:
            self._storing -= 1
