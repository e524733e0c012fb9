"""From an error to the changes after which the request may be accepted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from sidestream.adjust._apply import apply
from sidestream.adjust._change import Change, Request
from sidestream.adjust._read_fields import read_field, read_schema
from sidestream.adjust._read_history import (
    read_images,
    read_messages,
    read_reasoning,
    read_system_message,
)
from sidestream.adjust._read_values import read_effort, read_token_limit
from sidestream.errors import SidestreamError


def changes_for(
    error: SidestreamError, request: Request, made: Sequence[Change] = ()
) -> list[Change]:
    """The changes to make before the request is sent once more; none if no change would help.

    ``request`` is the refused request, which has the changes ``made`` so far. The readings are
    tried in order, and the first one that finds something decides. A change that would not alter
    the request is never returned.
    """
    for reading in _READINGS:
        found = [
            change
            for change in reading(error, request)
            if change not in made and _has_effect(change, request)
        ]
        if not found:
            continue
        if found[0].action == "rename" and any(change.action == "rename" for change in made):
            # The server has refused the field under both of its names.
            return [Change("drop", found[0].path, scope=found[0].scope)]
        return found
    return []


def _has_effect(change: Change, request: Request) -> bool:
    return apply(request, [change]) != request


_READINGS: tuple[Callable[[SidestreamError, Request], Iterator[Change]], ...] = (
    read_reasoning,
    read_images,
    read_token_limit,
    read_effort,
    read_system_message,
    read_messages,
    read_field,
    read_schema,
)
