"""A conversation: a tree of turns, what a panel sees of it, and what a request contains of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import takewhile
from typing import Any, Literal

from pydantic import Field, PrivateAttr

from sidestream.errors import ErrorKind
from sidestream.session.attachments import Attachment, with_images
from sidestream.session.blocks import Stored
from sidestream.session.conversation_settings import ConversationSettings, readable_settings
from sidestream.session.endings import is_too_large
from sidestream.session.history import Contents, items_of, own_message, turns_that_fit
from sidestream.session.stored_turns import end_unfinished, mend_parents, readable_turns
from sidestream.session.tool_results import MAX_SHOWN, hold_back
from sidestream.session.turn import Turn, TurnStatus
from sidestream.types.items import ResponseItem

__all__ = ["Conversation", "ConversationSettings"]

VIEW_TURNS = 40
"""The number of turns of a long conversation that a panel receives at once."""


class Conversation(Stored):
    """A tree of turns. The path from its root to ``leaf`` is the branch that is shown.

    At most one turn runs; the queued ones are the last of the path.
    """

    id: str
    created_at: int = 0
    leaf: str | None = None
    """The last turn of the path."""
    settings: ConversationSettings = Field(default_factory=ConversationSettings)
    turns: list[Turn] = Field(default_factory=list)
    """All of them, in the order in which they were made."""
    _by_id: dict[str, Turn] = PrivateAttr(default_factory=dict)
    _children: dict[str | None, list[Turn]] = PrivateAttr(default_factory=dict)
    _path: list[Turn] = PrivateAttr(default_factory=list)

    def model_post_init(self, _context: Any) -> None:
        """Index the turns that it was made with."""
        self._index()

    def _index(self) -> None:
        self._by_id = {turn.id: turn for turn in self.turns}
        self._children = {}
        for turn in self.turns:
            self._children.setdefault(turn.parent, []).append(turn)
        path: list[Turn] = []
        at = self.find(self.leaf)
        while at is not None:
            path.append(at)
            at = self.before(at)
        self._path = path[::-1]

    # --- looking ------------------------------------------------------------------------------

    @property
    def path(self) -> list[Turn]:
        """The turns of the branch that is shown, oldest first."""
        return self._path

    @property
    def last(self) -> Turn | None:
        """The last turn of the path that is not queued."""
        return next((t for t in reversed(self._path) if t.status is not TurnStatus.QUEUED), None)

    @property
    def running(self) -> Turn | None:
        """The turn that runs."""
        last = self.last
        return last if last is not None and last.status.running else None

    @property
    def queued(self) -> list[Turn]:
        """The queued turns, in the order in which they will run."""
        waits = takewhile(lambda turn: turn.status is TurnStatus.QUEUED, reversed(self._path))
        return [*waits][::-1]

    def find(self, turn_id: str | None) -> Turn | None:
        """The turn of that id, in whatever branch."""
        return self._by_id.get(turn_id) if turn_id else None

    def before(self, turn: Turn) -> Turn | None:
        """The turn that a turn follows."""
        return self.find(turn.parent)

    def siblings(self, turn: Turn) -> list[Turn]:
        """The turns with the same parent, itself included, in the order in which they were made."""
        return self._children.get(turn.parent, [])

    def head(self) -> str:
        """What is stored of the conversation beside its turns, as JSON."""
        return self.model_dump_json(exclude={"turns"}, exclude_none=True)

    def view(self) -> dict[str, Any]:
        """The end of the path as the panel sees it, with all turns that have yet to end."""
        count = max(VIEW_TURNS, 1 + len(self.queued))
        earlier = max(0, len(self._path) - count)
        return {
            "id": self.id,
            "turns": self.views_of(self._path[earlier:]),
            "earlier": earlier,
            "settings": self.settings.model_dump(exclude_none=True),
        }

    def earlier(self, turn_id: str) -> tuple[list[Turn], int]:
        """The turns of the path right before one, and how many come before those."""
        end = next((at for at, turn in enumerate(self._path) if turn.id == turn_id), 0)
        start = max(0, end - VIEW_TURNS)
        return self._path[start:end], start

    def views_of(self, turns: list[Turn]) -> list[dict[str, Any]]:
        """Turns as the panel sees them, with as many of their artifacts as fit into a message."""
        views = [self.view_of(turn) for turn in turns]
        room = MAX_SHOWN
        for view in reversed(views):
            room = hold_back(view["blocks"], room)
        return views

    def view_of(self, turn: Turn, *, whole: bool = True) -> dict[str, Any]:
        """A turn as the panel sees it; see `Turn.view`."""
        view = turn.view(whole=whole)
        siblings = self.siblings(turn)
        if len(siblings) > 1:
            view["siblings"] = [sibling.id for sibling in siblings]
        if actions := [*self._ways_on(turn)]:
            view["actions"] = actions
        return view

    def _ways_on(self, turn: Turn) -> Iterator[str]:
        """What the user can do after a turn that did not end well, besides retrying it."""
        error_kind = turn.error.get("kind") if turn.error else None
        if turn.is_cut:
            yield "continue"
        # Where there is nothing to summarise, the message alone is too long.
        too_long = error_kind == ErrorKind.CONTEXT_WINDOW_EXCEEDED or is_too_large(turn.error)
        if too_long and turn.kind is None and any(t.kind is None for t in self.context(turn)):
            yield "compact"

    # --- changing -----------------------------------------------------------------------------

    def add(
        self,
        turn_id: str,
        text: str,
        created_at: int,
        *,
        kind: Literal["compaction"] | None = None,
        attachments: Sequence[Attachment] | None = None,
    ) -> Turn:
        """A new turn at the end of the path, not yet started."""
        return self._add(turn_id, text, created_at, kind, self.leaf, attachments)

    def _add(
        self,
        turn_id: str,
        text: str,
        created_at: int,
        kind: Literal["compaction"] | None,
        parent: str | None,
        attachments: Sequence[Attachment] | None = None,
    ) -> Turn:
        turn = Turn(
            id=turn_id,
            user=text,
            attachments=[*attachments] if attachments else None,
            created_at=created_at,
            position=self.turns[-1].position + 1 if self.turns else 0,
            parent=parent,
            kind=kind,
        )
        self.turns.append(turn)
        if parent == self.leaf:
            self.leaf = turn.id
        self._index()
        return turn

    def branch(
        self,
        other: Turn,
        turn_id: str,
        text: str,
        created_at: int,
        attachments: Sequence[Attachment] | None = None,
    ) -> Turn:
        """A new turn beside another one, in a branch of its own, which becomes the path.

        The queued turns follow it there.
        """
        queued = self.queued
        turn = self._add(turn_id, text, created_at, other.kind, other.parent, attachments)
        if queued:
            queued[0].parent = turn.id
        else:
            self.leaf = turn.id
        self._index()
        return turn

    def follow(self, other: Turn, turn_id: str, text: str, created_at: int) -> Turn:
        """A new turn between one that only queued turns follow and the first of these."""
        queued = self.queued
        turn = self._add(turn_id, text, created_at, None, other.id)
        if queued:
            queued[0].parent = turn.id
        self._index()
        return turn

    def insert(self, turn_id: str, created_at: int, before: Turn) -> Turn:
        """A compaction right before a turn of the path."""
        turn = self._add(turn_id, "", created_at, "compaction", before.parent)
        before.parent = turn.id
        self._index()
        return turn

    def insert_done(self, compaction: Turn, before: Turn) -> None:
        """Insert a compaction that is finished already right before a turn."""
        compaction.position = self.turns[-1].position + 1
        compaction.parent, before.parent = before.parent, compaction.id
        self.turns.append(compaction)
        self._index()

    def show(self, turn: Turn) -> None:
        """Make the branch of a turn the path, down to its newest end."""
        while children := self._children.get(turn.id):
            turn = children[-1]
        self.leaf = turn.id
        self._index()

    def put_first(self, turn: Turn) -> list[Turn]:
        """Move a queued turn before all other queued ones. Returns the turns that moved."""
        queued = self.queued
        parent = queued[0].parent
        queued.remove(turn)
        queued.insert(0, turn)
        for other in queued:
            other.parent, parent = parent, other.id
        self.leaf = parent
        self._index()
        return queued

    def remove(self, turn: Turn) -> list[Turn]:
        """Remove a turn. Returns the turns that followed it, which follow another one now."""
        moved = self._children.get(turn.id, [])
        for child in moved:
            child.parent = turn.parent
        if self.leaf == turn.id:
            self.leaf = turn.parent
        self.turns.remove(turn)
        self._index()
        return moved

    # --- the next request ---------------------------------------------------------------------

    def context(self, turn: Turn) -> list[Turn]:
        """The turns before a turn that its request is based on: from the last compaction on."""
        found: list[Turn] = []
        earlier = self.before(turn)
        while earlier is not None:
            found.append(earlier)
            if earlier.is_summary:
                break
            earlier = self.before(earlier)
        return found[::-1]

    def in_request(
        self, turn: Turn, origin: str | None = None, *, max_tokens: int | None = None
    ) -> list[Turn]:
        """The turns that a turn's request contains, itself included, oldest first.

        With ``max_tokens`` the oldest ones are left out that would not fit (estimated).
        """
        return turns_that_fit(self.context(turn), turn, origin, max_tokens)

    def history(
        self,
        turn: Turn,
        origin: str | None = None,
        *,
        max_tokens: int | None = None,
        contents: Contents | None = None,
    ) -> list[ResponseItem]:
        """The input of a turn's request: all that was said before it, then its own message.

        Of each earlier turn it contains what is `sendable`, where every call has its output. The
        reasoning of other providers than ``origin`` is left out, and with ``max_tokens`` the oldest
        turns that would not fit (estimated). Without ``contents``, attachments are left out.
        `sidestream.payload` removes what a wire API or model does not accept.
        """
        parts = self.parts(turn, origin, max_tokens=max_tokens, contents=contents)
        return [item for part in parts for item in part]

    def parts(
        self,
        turn: Turn,
        origin: str | None = None,
        *,
        max_tokens: int | None = None,
        contents: Contents | None = None,
    ) -> list[list[ResponseItem]]:
        """The same as `history`, one list for each turn. The last one is the turn's own message."""
        *before, _ = self.in_request(turn, origin, max_tokens=max_tokens)
        said = [items_of(earlier, origin, contents) for earlier in before]
        return [*(part for part in said if part), [own_message(turn, contents)]]

    def images_before(self, turn: Turn) -> list[Turn]:
        """The turns before a turn whose images its request contains, oldest first."""
        return [
            earlier
            for earlier in self.context(turn)
            if with_images(earlier.attachments) and not earlier.without_images
        ]

    @classmethod
    def restore(
        cls, data: dict[str, Any], *, resuming: bool = False
    ) -> tuple[Conversation, list[Turn]]:
        """A stored conversation, and the turns that ended because the last process did.

        A turn that was running is interrupted and keeps its partial answer; with ``resuming`` it is
        still `running` if the provider keeps its answer. A turn that had not been sent is queued
        again. Of a damaged record, what can be read is kept, with a notice. A record of a later
        version or without an id is left out (and stays in the store); turns that followed it follow
        the turn before it.
        """
        turns = list(readable_turns(data.get("turns", [])))
        mend_parents(turns)
        known = {turn.id for turn in turns}
        last = turns[-1].id if turns else None
        leaf = data.get("leaf")
        created_at = data.get("created_at")
        conversation = cls(
            id=data["id"],
            created_at=created_at if isinstance(created_at, int) else 0,
            leaf=leaf if isinstance(leaf, str) and leaf in known else last,
            settings=readable_settings(data.get("settings")),
            turns=turns,
        )
        on_path = {turn.id for turn in conversation.path}
        return conversation, end_unfinished(turns, on_path, resuming=resuming)
