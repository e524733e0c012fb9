"""The commands of a conversation that make a branch, show another one or summarise one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from uuid import uuid4

from sidestream.session.attachments import Attachment
from sidestream.session.conversation import Conversation
from sidestream.session.panel_messages import PanelMessages
from sidestream.session.services import Services
from sidestream.session.turn import Turn, TurnStatus, Waiting
from sidestream.session.turn_runner import TurnRunner

CONTINUE = "Continue."
"""The message that asks for the rest of an answer."""
_NOT_HERE = ("That message is not in this conversation.", "Send it again.")


class Branches:
    """Carries out the commands that change which turns follow each other.

    None of them can be carried out while a turn runs. Queued turns follow the branch that is shown.

    Args:
        conversation: The tree of turns.
        services: What all chats share.
        panels: Receive the conversation when its branch changes, and rejections.
        runner: Runs the new turns.
        save: Stores which branch is shown.

    """

    def __init__(
        self,
        conversation: Conversation,
        services: Services,
        panels: PanelMessages,
        runner: TurnRunner,
        save: Callable[[], None],
    ) -> None:
        self._conversation = conversation
        self._services = services
        self._panels = panels
        self._runner = runner
        self._save = save

    def replace(
        self,
        turn_id: str,
        new_id: str,
        text: str,
        attachments: Sequence[Attachment],
        panel: int,
    ) -> None:
        """Answer another message in the place of a turn's, in a branch of its own."""
        turn = self._conversation.find(turn_id)
        if turn is None:
            self._panels.reject(panel, *_NOT_HERE, new_id)
        elif self._may_branch(panel, turn, new_id):
            self._branch(turn, new_id, text, attachments)

    def regenerate(self, new_id: str, turn_id: str, panel: int) -> None:
        """Answer a message anew, in a branch of its own."""
        turn = self._conversation.find(turn_id)
        if self._conversation.find(new_id) is not None:
            return
        if turn is None:
            self._panels.reject(panel, *_NOT_HERE)
        elif self._may_branch(panel, turn):
            self._branch(turn, new_id, turn.user, turn.attachments)

    def retry(self, turn_id: str, panel: int) -> None:
        """Run a turn again. A partial answer, and what follows it, stay in another branch."""
        turn = self._conversation.find(turn_id)
        if turn is None:
            self._panels.reject(panel, *_NOT_HERE)
        elif not self._may_branch(panel):
            return
        # Who retries does not want to wait in the queue.
        elif turn.blocks or turn is not self._conversation.last:
            self._branch(turn, str(uuid4()), turn.user, turn.attachments, urgent=True)
        else:
            turn.sent = False
            turn.urgent = True
            self._runner.start(turn)

    def continue_answer(self, new_id: str, turn_id: str, panel: int) -> None:
        """Have the rest of an answer written that was cut off, in a turn of its own."""
        conversation = self._conversation
        turn = conversation.find(turn_id)
        if conversation.find(new_id) is not None:
            return
        if turn is None or turn not in conversation.path:
            self._panels.reject(panel, *_NOT_HERE)
        elif not turn.is_cut or any(
            later.status is not TurnStatus.QUEUED for later in self._after(turn)
        ):
            message = "That answer is not the last, or not cut off."
            self._panels.reject(panel, message, "Write a message.")
        elif self._may_branch(panel):
            queued = conversation.queued
            following = conversation.follow(turn, new_id, CONTINUE, self._services.now_ms())
            following.sent = False
            following.urgent = True
            self._write_first(queued)
            self._runner.start(following)
            self._panels.send_conversation()

    def show(self, turn_id: str, panel: int) -> None:
        """Show the branch that a turn belongs to."""
        turn = self._conversation.find(turn_id)
        if turn is None:
            self._panels.reject(panel, *_NOT_HERE)
        elif self._conversation.queued:
            self._panels.reject(panel, "Messages are waiting here.", "Cancel them, or wait.")
        elif self._may_branch(panel):
            self._conversation.show(turn)
            self._panels.send_conversation()
            self._save()

    def compact(self, panel: int, retry: str | None = None) -> None:
        """Have the conversation summarised; with ``retry`` before that turn, which is run again."""
        conversation = self._conversation
        turn = conversation.find(retry)
        if retry is not None and (turn is None or turn not in conversation.path):
            self._panels.reject(panel, *_NOT_HERE)
        elif not self._may_branch(panel):
            return
        elif turn is not None:
            if turn.blocks:
                turn = conversation.branch(
                    turn, str(uuid4()), turn.user, self._services.now_ms(), turn.attachments
                )
            turn.wait(Waiting(reason="turn"))
            self._runner.summarise_before(turn)
        elif queued := conversation.queued[:1]:
            self._runner.summarise_before(queued[0])
        elif any(earlier.kind is None for earlier in conversation.path[-1:]):
            now = self._services.now_ms()
            turn = conversation.add(str(uuid4()), "", now, kind="compaction")
            turn.sent = False
            self._runner.start(turn)
        else:
            self._panels.reject(panel, "There is nothing to summarise.", "Write something first.")

    def _may_branch(self, panel: int, other: Turn | None = None, new_id: str | None = None) -> bool:
        """Whether there may be a branch now, beside ``other``; if not, the panel receives why."""
        if self._conversation.running is not None:
            hint = "Wait until it is done, or stop it."
            self._panels.reject(panel, "An answer is still being written.", hint, new_id)
            return False
        if other is not None and other.status is TurnStatus.QUEUED:
            hint = "Cancel it; its text comes back."
            self._panels.reject(panel, "That message has not been sent yet.", hint, new_id)
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
        queued = self._conversation.queued
        now = self._services.now_ms()
        turn = self._conversation.branch(other, new_id, text, now, attachments)
        turn.sent = False
        turn.urgent = urgent
        self._write_first(queued)
        self._panels.send_conversation()
        self._runner.start(turn)

    def _write_first(self, queued: list[Turn]) -> None:
        """Store the first queued turn, which follows another one now."""
        for moved in queued[:1]:
            self._services.writer.write(self._conversation, moved)

    def _after(self, turn: Turn) -> list[Turn]:
        path = self._conversation.path
        return path[path.index(turn) + 1 :]
