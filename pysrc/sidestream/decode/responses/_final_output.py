"""The list of items in the finished response: it completes what streamed."""

from __future__ import annotations

from collections import defaultdict, deque
from typing import Any

from sidestream.decode._bounds import MAX_ITEMS
from sidestream.decode._events import Events
from sidestream.decode._frames import mended
from sidestream.decode.responses._frames import identity_of
from sidestream.decode.responses._item import Item
from sidestream.decode.responses._items import Items
from sidestream.decode.responses._raw_items import extra_of, says_something, without_ours
from sidestream.types.items import ReasoningItem


def finish_from_output(items: Items, output: Any, events: Events, *, whole: bool) -> None:
    """Finish from the response's own list what no ``output_item.done`` finished.

    ``whole``: the response ended well, so everything in the list is finished.
    """
    listed = {
        index: mended(raw)
        for index, raw in enumerate(output[:MAX_ITEMS] if isinstance(output, list) else ())
        if isinstance(raw, dict) and identity_of(raw, {})[0] and says_something(raw)
    }
    matches = _match_streamed_items(items, listed)
    for index, raw in listed.items():
        kind, item_id, _ = identity_of(raw, {})
        finished = whole or raw.get("status") == "completed"
        if index not in matches and (finished or kind in ("message", "reasoning")):
            matches[index] = items.begin_from(raw, kind, item_id, None, events)
    items.order.sort({item: index for index, item in matches.items()})
    for index, raw in listed.items():
        finished = whole or raw.get("status") == "completed"
        match = matches.get(index)
        if match is None:
            continue
        if match.closed:
            _complete_reasoning(items, match, raw, events)
        elif finished or match.kind in ("message", "reasoning"):
            items.finish(match, raw, events)


def _match_streamed_items(items: Items, listed: dict[int, dict[str, Any]]) -> dict[int, Item]:
    """The item that streamed, for each one in the list that did.

    Two items are the same if their ids or call ids are, or else their indexes, or else their rank
    among the items of their type.
    """
    unmatched = set(items.all)
    at_index: dict[tuple[str, int | None], deque[Item]] = defaultdict(deque)
    of_kind: dict[str, deque[Item]] = defaultdict(deque)
    for item in items.all:
        at_index[item.kind, item.index].append(item)
        of_kind[item.kind].append(item)
    matches: dict[int, Item] = {}
    for means in ("ids", "index", "rank"):
        for index, raw in listed.items():
            if index in matches:
                continue
            kind = raw["type"]
            candidates: deque[Item] = deque()
            if means == "ids":
                named = [items.by_id.get(str(raw.get(name))) for name in ("id", "call_id")]
                candidates.extend(item.again or item for item in named if item is not None)
            else:
                candidates = at_index[kind, index] if means == "index" else of_kind[kind]
            while candidates:
                item = candidates.popleft()
                if item.kind == kind and item in unmatched:
                    matches[index] = item
                    unmatched.remove(item)
                    break
    return matches


def _complete_reasoning(items: Items, item: Item, raw: dict[str, Any], events: Events) -> None:
    """Add to finished reasoning what only the end of the response has: it is finished again.

    Azure and others omit ``encrypted_content`` from ``output_item.done``.
    """
    final = item.final
    if not isinstance(final, ReasoningItem) or not final.id or raw.get("id") != final.id:
        return
    updates: dict[str, Any] = {}
    encrypted = raw.get("encrypted_content")
    if isinstance(encrypted, str) and encrypted and not final.encrypted_content:
        updates["encrypted_content"] = encrypted
    extra = {**(extra_of(without_ours(raw)) or {}), **(final.extra or {})}
    if extra and extra != final.extra:
        updates["extra"] = extra
    if not updates:
        return
    item.final = final.model_copy(update=updates)
    items.order.replace(final, item.final, events)
