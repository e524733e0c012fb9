"""A conversation: a tree of turns, what a panel is shown of it, and what a request holds of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import takewhile
from typing import Any, Literal

from pydantic import Field, PrivateAttr, ValidationError

from sidestream.errors import ErrorKind
from sidestream.session.attachments import Attachment, parts_of, tokens_of, with_images
from sidestream.session.blocks import Stored
from sidestream.session.tool_results import MAX_SHOWN, hold_back
from sidestream.session.tools import Permission, ToolLimits
from sidestream.session.turn import INTERRUPTED, RECORD_VERSION, Turn, TurnStatus, Waiting
from sidestream.session.usage import estimate_tokens
from sidestream.types.items import (
    ContentItem,
    InputText,
    ItemOrigin,
    MessageItem,
    ReasoningItem,
    ResponseItem,
)

VIEW_TURNS = 40
"""So many turns of a long conversation a panel is shown at once."""

CompactionMode = Literal["summarise", "trim", "off"]


class ConversationSettings(Stored):
    """What a conversation has of its own. What is None is as the provider profile says."""

    profile: str | None = None
    """The id of the profile that answers. None: the active one."""
    model: str | None = None
    instructions: str | None = None
    effort: str | None = None
    verbosity: Literal["low", "medium", "high"] | None = None
    summary: Literal["off", "auto", "concise", "detailed"] | None = None
    """Of the reasoning."""
    temperature: float | None = Field(default=None, ge=0, le=2, allow_inf_nan=False)
    top_p: float | None = Field(default=None, ge=0, le=1, allow_inf_nan=False)
    max_output_tokens: int | None = Field(default=None, gt=0)
    compaction: CompactionMode | None = None
    tools: dict[str, Permission] | None = None
    """What the model may use, by name; a tool without an entry is not offered."""
    network: list[str] | None = None
    """The hosts that the sandbox's Python may reach, as ``api.example.com`` or
    ``localhost:8000``."""
    vector_stores: list[str] | None = None
    """The ids of those in which the provider's file search looks."""
    limits: ToolLimits | None = None
    """How far a turn may go by itself."""


class Conversation(Stored):
    """A tree of turns. The path from its root to ``leaf`` is the branch that is shown and goes on.

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
        """Know the turns that it was made with."""
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
        """The last turn of the path that does not wait in line."""
        return next((t for t in reversed(self._path) if t.status is not TurnStatus.QUEUED), None)

    @property
    def running(self) -> Turn | None:
        """The turn that runs."""
        last = self.last
        return last if last is not None and last.status.running else None

    @property
    def queued(self) -> list[Turn]:
        """The turns that wait in line, in the order in which they will run."""
        waits = takewhile(lambda turn: turn.status is TurnStatus.QUEUED, reversed(self._path))
        return [*waits][::-1]

    def find(self, turn_id: str | None) -> Turn | None:
        """The turn of that id, in whatever branch."""
        return self._by_id.get(turn_id) if turn_id else None

    def before(self, turn: Turn) -> Turn | None:
        """The turn that a turn follows."""
        return self.find(turn.parent)

    def siblings(self, turn: Turn) -> list[Turn]:
        """The turns at the same place, itself included, in the order in which they were made."""
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
        """Turns as the panel sees them, with as much of what they show as a message can hold."""
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
        """What helps on after a turn ended badly, beside running it again."""
        error_kind = turn.error.get("kind") if turn.error else None
        if turn.is_cut:
            yield "continue"
        # Without anything to summarise, the message alone is too long.
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
        """A new turn at the place of another one, in a branch of its own, which becomes the path.

        Turns that wait in line follow it there.
        """
        line = self.queued
        turn = self._add(turn_id, text, created_at, other.kind, other.parent, attachments)
        if line:
            line[0].parent = turn.id
        else:
            self.leaf = turn.id
        self._index()
        return turn

    def follow(self, other: Turn, turn_id: str, text: str, created_at: int) -> Turn:
        """A new turn right after one that only turns in line follow, which then follow it."""
        line = self.queued
        turn = self._add(turn_id, text, created_at, None, other.id)
        if line:
            line[0].parent = turn.id
        self._index()
        return turn

    def insert(self, turn_id: str, created_at: int, before: Turn) -> Turn:
        """A compaction right before a turn of the path."""
        turn = self._add(turn_id, "", created_at, "compaction", before.parent)
        before.parent = turn.id
        self._index()
        return turn

    def insert_done(self, compaction: Turn, before: Turn) -> None:
        """Insert a compaction that is done already."""
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
        """Move a queued turn before all others in line. Returns those that stand elsewhere now."""
        line = self.queued
        parent = line[0].parent
        line.remove(turn)
        line.insert(0, turn)
        for other in line:
            other.parent, parent = parent, other.id
        self.leaf = parent
        self._index()
        return line

    def remove(self, turn: Turn) -> list[Turn]:
        """Take a turn out, as if it had never been. Returns those that follow another one now."""
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
        """The turns that a turn builds on: those before it, from the last compaction on."""
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
        """The turns that a turn's request holds, itself included, oldest first.

        With ``max_tokens`` the oldest ones are left out that would not fit (estimated).
        """
        found = [turn]
        room = None if max_tokens is None else max_tokens - _tokens(turn, [_own_message(turn)])
        for earlier in reversed(self.context(turn)):
            if room is not None:
                room -= _tokens(earlier, _said(earlier, origin))
                if room < 0:
                    break
            found.append(earlier)
        return found[::-1]

    def history(
        self,
        turn: Turn,
        origin: str | None = None,
        *,
        max_tokens: int | None = None,
        contents: Mapping[str, str | None] | None = None,
    ) -> list[ResponseItem]:
        """The input of a turn's request: all that was said before it, then its own message.

        Of each turn that is what is `Turn.sendable`; no call is without its output there.
        ``origin`` says who will answer; reasoning of others is left out. With ``max_tokens`` the
        oldest turns are left out that would not fit (estimated). ``contents`` are those of the
        attachments, by id; without them attachments are left out. What one wire API or model cannot
        take is `sidestream.payload`'s matter.
        """
        parts = self.parts(turn, origin, max_tokens=max_tokens, contents=contents)
        return [item for part in parts for item in part]

    def parts(
        self,
        turn: Turn,
        origin: str | None = None,
        *,
        max_tokens: int | None = None,
        contents: Mapping[str, str | None] | None = None,
    ) -> list[list[ResponseItem]]:
        """`history`, by turns. The last part is the turn's own message."""
        *before, _ = self.in_request(turn, origin, max_tokens=max_tokens)
        said = [_said(earlier, origin, contents) for earlier in before]
        return [*(part for part in said if part), [_own_message(turn, contents)]]

    def images_before(self, turn: Turn) -> list[Turn]:
        """The turns before a turn whose images its request holds, oldest first."""
        return [
            earlier
            for earlier in self.context(turn)
            if with_images(earlier.attachments) and not earlier.without_images
        ]

    @classmethod
    def restore(
        cls, data: dict[str, Any], *, going_on: bool = False
    ) -> tuple[Conversation, list[Turn]]:
        """A conversation from what is stored of it, and the turns that have ended because of that.

        A turn whose request was under way is interrupted and keeps what had arrived. With
        ``going_on`` it is still `running` if its answer can be picked up. One whose request had not
        left is back in line. Of a record that cannot be read as it is, what
        can be read is taken, and the turn says so. One of a later version, or without an id, is
        left out (and stays in the store), and what followed it follows the one before.
        """
        turns = list(_readable(data.get("turns", [])))
        _mend(turns)
        known = {turn.id for turn in turns}
        last = turns[-1].id if turns else None
        leaf = data.get("leaf")
        created_at = data.get("created_at")
        conversation = cls(
            id=data["id"],
            created_at=created_at if isinstance(created_at, int) else 0,
            leaf=leaf if isinstance(leaf, str) and leaf in known else last,
            settings=_readable_settings(data.get("settings")),
            turns=turns,
        )
        path = {turn.id for turn in conversation.path}
        ended: list[Turn] = []
        for turn in turns:
            if not turn.status.active:
                continue
            if going_on and turn.id in path and turn.sequence_number is not None:
                turn.reconnect("Picking the answer up where it broke off")
            elif turn.sent:
                turn.finish(TurnStatus.INTERRUPTED, INTERRUPTED)
                ended.append(turn)
            elif turn.id in path:
                turn.wait(turn.waiting or Waiting(reason="turn"))
            else:
                turn.finish(TurnStatus.STOPPED)
                ended.append(turn)
        return conversation, ended


COMPACTION_PROMPT = (
    "Summarise our conversation up to here, so that it can go on from your summary alone; what "
    "was said so far will not be shown to you again. Keep what I want and have decided, facts, "
    "names, figures, code and sources word for word where they matter, what is done, and what is "
    "still open. Write in the language of the conversation, briefly and in order. Write only the "
    "summary."
)
"""The message of a compaction's request."""

_REFUSED_MESSAGE = "[A message was here. The provider's policy refused it, so it was left out.]"
_SUMMARY = "This is a summary of our conversation so far; go on from it.\n\n"


_PARTLY_READ = "A part of this could not be read, and is left out."
_LISTS = ("blocks", "items")
"""Fields of a turn whose elements are left out one by one."""


def _readable(records: list[Any]) -> Iterator[Turn]:
    """The turns of stored records, each id once. One that is damaged never loses the others."""
    seen: set[str] = set()
    for record in records:
        turn = _read(record)
        if turn is not None and turn.id not in seen:
            seen.add(turn.id)
            yield turn


def _read(record: Any) -> Turn | None:
    if not isinstance(record, dict):
        return None
    version = record.get("version")
    if isinstance(version, int | float) and version > RECORD_VERSION:
        return None
    try:
        return Turn.model_validate(record)
    except ValidationError as error:
        readable = _without(record, error)
    try:
        turn = Turn.model_validate(readable)
    except ValidationError:
        return None
    if not (turn.user or turn.blocks or turn.attachments):
        # Nothing of it is left.
        return None
    turn.note(_PARTLY_READ)
    return turn


def _without(record: dict[str, Any], error: ValidationError) -> dict[str, Any]:
    """A turn's record without what an error names: elements of its lists, else whole fields."""
    bad: dict[str, set[int]] = {}
    whole: set[str] = set()
    for mistake in error.errors(include_url=False, include_context=False, include_input=False):
        field, *place = mistake["loc"]
        if field in _LISTS and place and isinstance(place[0], int):
            bad.setdefault(str(field), set()).add(place[0])
        else:
            whole.add(str(field))
    readable = {name: value for name, value in record.items() if name not in whole}
    for name, places in bad.items():
        readable[name] = [each for at, each in enumerate(record[name]) if at not in places]
    # Without these there is no turn.
    if "status" in whole:
        readable["status"] = TurnStatus.INTERRUPTED
    return {"user": "", "created_at": 0, **readable}


def _mend(turns: list[Turn]) -> None:
    """Let what followed a lost turn follow the one made before it, and cut circles."""
    known = {turn.id: turn for turn in turns}
    last: str | None = None
    for turn in turns:
        if turn.parent is not None and turn.parent not in known:
            turn.parent = last
        last = turn.id
    rooted: set[str] = set()
    for turn in turns:
        way: dict[str, Turn] = {}
        here: Turn | None = turn
        while here is not None and here.id not in rooted:
            way[here.id] = here
            if here.parent in way:
                here.parent = None
            here = known.get(here.parent) if here.parent else None
        rooted.update(way)


def _readable_settings(data: Any) -> ConversationSettings:
    """The stored settings, without those that cannot be read."""
    readable = dict(data) if isinstance(data, dict) else {}
    try:
        return ConversationSettings.model_validate(readable)
    except ValidationError as error:
        for mistake in error.errors(include_url=False, include_context=False):
            readable.pop(mistake["loc"][0], None)
    try:
        return ConversationSettings.model_validate(readable)
    except ValidationError:
        return ConversationSettings()


def is_too_large(error: Mapping[str, Any] | None) -> bool:
    """Whether a request was larger, in bytes, than the provider takes."""
    error = error or {}
    return error.get("status") == 413 or error.get("param") == "body"


def is_about_images(error: Mapping[str, Any] | None) -> bool:
    """Whether the provider names an image as what it does not take."""
    param = (error or {}).get("param")
    return isinstance(param, str) and "image" in param


def _tokens(turn: Turn, items: list[ResponseItem]) -> int:
    """What a turn takes of a request, estimated; ``items`` are without its attachments."""
    attached = tokens_of(turn.attachments, without_images=turn.without_images)
    return attached + sum(estimate_tokens(item) for item in items)


def _said(
    turn: Turn, origin: str | None, contents: Mapping[str, str | None] | None = None
) -> list[ResponseItem]:
    """What a later request holds of a turn."""
    if turn.kind == "compaction":
        return [_user_message(_SUMMARY + turn.text)] if turn.is_summary else []
    if turn.left_out:
        # It would be refused again, and so would everything that is said after it.
        return [_user_message(_REFUSED_MESSAGE)]
    return [_question(turn, contents), *_sendable(turn, origin)]


def _own_message(
    turn: Turn, contents: Mapping[str, str | None] | None = None, *, without_images: bool = False
) -> MessageItem:
    """A turn's message. The user's own words come last, after all that they are about."""
    if turn.kind == "compaction":
        return _user_message(COMPACTION_PROMPT)
    attached: list[ContentItem] = []
    if contents is not None:
        attached = parts_of(turn.attachments or (), contents, without_images=without_images)
    return _user_message(turn.user, attached)


def _question(turn: Turn, contents: Mapping[str, str | None] | None = None) -> MessageItem:
    """What later requests hold of a turn's message."""
    return _own_message(turn, contents, without_images=turn.without_images)


def _user_message(text: str, attached: Sequence[ContentItem] = ()) -> MessageItem:
    own = [InputText(text=text)] if text or not attached else []
    return MessageItem(role="user", content=[*attached, *own])


def _sendable(turn: Turn, origin: str | None) -> list[ResponseItem]:
    """What was made for a turn, each item with its maker, so that others can read it.

    ``sidestream.payload`` leaves out what is for the maker alone; the reasoning of somebody else is
    left out here already, since it would be counted otherwise.
    """
    made = ItemOrigin(provider=turn.origin, model=turn.model or "") if turn.origin else None
    return [
        item.model_copy(update={"origin": made}) if made and _wants_maker(item) else item
        for item in turn.sendable
        if not isinstance(item, ReasoningItem) or _maker(item, turn) == origin
    ]


def _wants_maker(item: ResponseItem) -> bool:
    """Whether it is of a time when items did not say who made what is for their maker alone."""
    bound = isinstance(item, ReasoningItem) or bool(item.id or item.extra)
    return bound and item.origin is None


def _maker(item: ResponseItem, turn: Turn) -> str | None:
    return item.origin.provider if item.origin else turn.origin
