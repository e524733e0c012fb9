"""Reads stored turns, damaged ones too, and ends those that a process has left unfinished."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError

from sidestream.session.turn import INTERRUPTED, RECORD_VERSION, Turn, TurnStatus, Waiting

_PARTLY_READ = "A part of this could not be read, and is left out."
_LISTS = ("blocks", "items")
"""Fields of a turn whose elements are left out one by one."""


def readable_turns(records: list[Any]) -> Iterator[Turn]:
    """The turns of stored records, each id once. A damaged record affects no other."""
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
        # Nothing of it could be read.
        return None
    turn.note(_PARTLY_READ)
    return turn


def _without(record: dict[str, Any], error: ValidationError) -> dict[str, Any]:
    """A turn's record without what an error names: elements of its lists, or else whole fields."""
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
    # A turn must have these fields.
    if "status" in whole:
        readable["status"] = TurnStatus.INTERRUPTED
    return {"user": "", "created_at": 0, **readable}


def mend_parents(turns: list[Turn]) -> None:
    """Have turns whose parent is lost follow the turn made before them, and break circles."""
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


def end_unfinished(turns: list[Turn], on_path: set[str], *, resuming: bool) -> list[Turn]:
    """Bring turns that have not ended into the state that the end of the process left them in.

    Args:
        turns: All turns of a conversation.
        on_path: The ids of those of the branch that is shown.
        resuming: Whether an answer that the provider keeps will be picked up.

    Returns:
        The turns that have ended by this.

    """
    ended: list[Turn] = []
    for turn in turns:
        if not turn.status.active:
            continue
        if resuming and turn.id in on_path and turn.sequence_number is not None:
            turn.reconnect("Picking the answer up where it broke off")
        elif turn.sent:
            turn.finish(TurnStatus.INTERRUPTED, INTERRUPTED)
            ended.append(turn)
        elif turn.id in on_path:
            turn.wait(turn.waiting or Waiting(reason="turn"))
        else:
            turn.finish(TurnStatus.STOPPED)
            ended.append(turn)
    return ended
