"""The memory of what servers have refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress

from pydantic import TypeAdapter, ValidationError

from sidestream.adjust._apply import HISTORY_CHANGES
from sidestream.adjust._change import MAX_CHANGES, Action, Change, Scope

MAX_KEPT = 500
"""The number of entries that `Adjustments` keeps; the oldest are forgotten first."""


class Adjustments:
    """Remembers what servers have refused, so that it is not sent to them again.

    ``changed`` is called after each addition, so that the result of `to_json` can be stored.
    """

    def __init__(self, changed: Callable[[], None] = lambda: None) -> None:
        self._changed = changed
        self._kept: dict[str, list[Change]] = {}

    def known(self, provider: str, model: str, wire_api: str, conversation: str) -> list[Change]:
        """The changes for a request to this model, in the order in which they were learnt."""
        place = _key(provider, model, wire_api)
        found = list(self._kept.get(place, ()))
        return found + self._kept.get(f"{place} {conversation}", []) if conversation else found

    def add(
        self, provider: str, model: str, wire_api: str, conversation: str, change: Change
    ) -> None:
        """Remember a change, unless it is for one request only."""
        place = _key(provider, model, wire_api)
        if change.scope == "conversation":
            place = f"{place} {conversation}" if conversation else ""
        if change.scope == "once" or not place:
            return
        # The place that was used last is forgotten last.
        changes = self._kept.pop(place, [])
        self._kept[place] = changes if change in changes else [*changes, change]
        while len(self._kept) > MAX_KEPT:
            del self._kept[next(iter(self._kept))]
        self._changed()

    def to_json(self) -> str:
        """All changes as JSON text."""
        return json.dumps(
            {
                place: [[c.action, c.path, c.value, c.scope] for c in changes]
                for place, changes in self._kept.items()
            }
        )

    def restore(self, text: str) -> None:
        """Restore what `to_json` gave; entries that cannot be read are omitted."""
        with suppress(ValidationError):
            for place, changes in _STORED_CHANGES.validate_json(text or "{}").items():
                known = [Change(*change) for change in changes if _is_known(change[0], change[1])]
                self._kept[place] = known[:MAX_CHANGES]


_STORED_CHANGES: TypeAdapter[dict[str, list[tuple[Action, str, str | int | None, Scope]]]] = (
    TypeAdapter(dict[str, list[tuple[Action, str, str | int | None, Scope]]])
)


def _is_known(action: str, path: str) -> bool:
    return action != "history" or path in HISTORY_CHANGES


def _key(provider: str, model: str, wire_api: str) -> str:
    return f"{wire_api} {provider} {model}"
