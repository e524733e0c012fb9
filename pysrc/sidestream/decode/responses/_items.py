"""The items of a response: which one an event belongs to, and when one begins."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from sidestream.decode._events import Events
from sidestream.decode._tool_calls import call_id_for
from sidestream.decode.responses._frames import Frame
from sidestream.decode.responses._item import Item
from sidestream.decode.responses._order import ItemOrder
from sidestream.decode.responses._raw_items import CALLS
from sidestream.types.events import OutputItemAdded, WebSearchCallBegin
from sidestream.types.items import ResponseItem


class Items:
    """Finds, begins, announces and finishes the items of one response."""

    __slots__ = (
        *("_by_index", "_last_of", "_nameless", "_open_items", "_finished_nameless"),
        *("all", "by_id", "order", "response_id"),
    )

    def __init__(self) -> None:
        self.response_id = ""
        """The provider's id of the response, from which ids of calls are made."""
        self.order = ItemOrder()
        self.all: list[Item] = []
        """All items in the order in which they began."""
        self.by_id: dict[str, Item] = {}
        """The items by their ids and call ids."""
        self._by_index: dict[int, Item] = {}
        self._last_of: dict[str, Item] = {}
        """The last item of each type."""
        self._open_items: list[Item] = []
        """The open items; a closed one stays in the list while an open one is behind it."""
        self._nameless: dict[tuple[str, int | None], list[Item]] = defaultdict(list)
        """Items that deltas without an id have begun, by type and index."""
        self._finished_nameless: set[tuple[int | None, str]] = set()
        """Finished items without any id, by index and JSON, to recognise repetitions of them."""

    def resume(self, finished_items: Iterable[ResponseItem]) -> None:
        """Continue after items that another decoder has finished."""
        finished = list(finished_items)
        for final in finished:
            item = self.begin(final.type, getattr(final, "id", None) or "", None)
            item.call_id = getattr(final, "call_id", None) or ""
            if item.call_id:
                self.by_id.setdefault(item.call_id, item)
            item.closed, item.final = True, final
        self.order.resume(finished)

    # --- finding --------------------------------------------------------------------------------

    def find(self, kind: str | None, frame: Frame, *, begins: bool) -> Item | None:
        """The item that a frame belongs to. ``begins``: the frame may be the first of a new item.

        A closed item is found as well; its late events are to be ignored.
        """
        item_id, call_id = frame.get("item_id") or "", frame.get("call_id") or ""
        index = frame.get("output_index")
        known = self.by_id.get(item_id) or self.by_id.get(call_id)
        if known is not None and kind in (None, known.kind):
            return known
        new_id = known is None and bool(item_id or call_id)
        item = self._by_index.get(index) if index is not None else None
        if item is not None and kind in (None, item.kind):
            if item.closed and begins and new_id:
                return None  # The indexes of two items collide.
            self.bind(item, item_id if new_id else "")
            return item
        if kind is None:
            if new_id or index is not None:
                return None
            while self._open_items and self._open_items[-1].closed:
                self._open_items.pop()
            return self._open_items[-1] if self._open_items else None
        item = self._last_of.get(kind)
        if item is None:
            return None
        if new_id:
            if item.closed or item.key:
                return None
            self.bind(item, item_id)
            return item
        if index is not None and item.index not in (None, index):
            return None
        return None if item.closed and begins else item

    def find_nameless(self, kind: str, index: int | None) -> Item | None:
        """The item that deltas have begun before it was announced, and that has no id yet."""
        for place in dict.fromkeys((index, None)):
            items = self._nameless.get((kind, place), [])
            while items:
                if items[0].implicit and not items[0].key and items[0] in self.order.pending:
                    return items[0]
                del items[0]
        return None

    def bind(self, item: Item, item_id: str) -> None:
        """Note another id of an item: the one that it lacked, or one of many.

        Events that are given out keep the id with which the item was announced.
        """
        if item_id:
            self.by_id[item_id] = item
            item.key = item.key or item_id

    def is_repetition(self, index: int | None, raw: dict[str, Any]) -> bool:
        """Whether an item without any id was finished with the same content before."""
        return (index, _as_json(raw)) in self._finished_nameless

    # --- beginning ------------------------------------------------------------------------------

    def open(self, kind: str, frame: Frame, events: Events, *, begins: bool = True) -> Item | None:
        """The open item that a frame belongs to, begun now if need be; None for a late frame."""
        item = self.find(kind, frame, begins=begins)
        if item is None:
            item = self.begin(kind, frame.get("item_id") or "", frame.get("output_index"))
            if not item.key:
                self._nameless[kind, item.index].append(item)
            item.call_id = frame.get("call_id") or ""
            item.name = frame.get("name") or ""
            if item.call_id:
                self.by_id.setdefault(item.call_id, item)
            self.announce_implicit(item, events)
        elif item.again is not None:
            if not begins:
                return None
            self.revive(item, events)
        return None if item.closed else item

    def begin(self, kind: str, item_id: str, index: int | None) -> Item:
        """Begin an item, without announcing it."""
        item = Item(kind, item_id, index)
        self._add(item)
        self._register(item, item_id)
        return item

    def begin_from(
        self,
        raw: dict[str, Any],
        kind: str,
        item_id: str,
        index: int | None,
        events: Events,
    ) -> Item:
        """Begin an item of which nothing arrived before it was finished."""
        item = self.begin(kind, item_id, index)
        item.take(raw)
        self.announce_implicit(item, events)
        return item

    def begin_again(self, item: Item, raw: dict[str, Any], item_id: str, index: int | None) -> None:
        """Note that a finished item is announced once more.

        It may be the same item (transformers serve), or another one with the id of the first: what
        follows decides.
        """
        again = Item(item.kind, item_id, index)
        again.again = item
        again.take(raw)
        again.implicit = False
        self._register(again, item_id)

    def revive(self, item: Item, events: Events) -> None:
        """Treat what seemed to be announced again as another item."""
        item.again = None
        self._add(item)
        self.announce(item, events)

    def announce(self, item: Item, events: Events) -> None:
        """Give out `OutputItemAdded`."""
        if item.kind in CALLS and not (item.id or item.call_id):
            # The deltas of parallel calls are told apart by it.
            item.id = call_id_for(self.response_id, len(self.all))
        if item.kind == "web_search_call":
            events.append(WebSearchCallBegin(call_id=item.id))
        events.append(OutputItemAdded(item=item.announced()))

    def announce_implicit(self, item: Item, events: Events) -> None:
        """Announce an item that the server has not announced, or not to this decoder."""
        if self.order.joined_late:
            item.join_late()
        else:
            self.announce(item, events)

    def _add(self, item: Item) -> None:
        self.all.append(item)
        self.order.add(item)
        self._last_of[item.kind] = item
        self._open_items.append(item)

    def _register(self, item: Item, item_id: str) -> None:
        if item_id:
            self.by_id[item_id] = item
        if item.index is not None:
            self._by_index[item.index] = item

    # --- finishing ------------------------------------------------------------------------------

    def finish(self, item: Item, raw: dict[str, Any] | None, events: Events) -> None:
        """Finish an item as the server finished it, and give out what is finished by now."""
        item.finish(raw, events)
        if raw is not None and not (raw.get("id") or raw.get("call_id")):
            self._finished_nameless.add((item.index, _as_json(raw)))
        self.order.release(events)


def _as_json(raw: dict[str, Any]) -> str:
    return json.dumps(raw, sort_keys=True)
