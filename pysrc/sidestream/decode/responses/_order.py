"""The order in which the items of a response are given out."""

from __future__ import annotations

from collections import OrderedDict

from sidestream.decode._events import Events
from sidestream.decode.responses._item import Item
from sidestream.decode.responses._raw_items import CALLS
from sidestream.types.events import OutputItemDone
from sidestream.types.items import ResponseItem


class ItemOrder:
    """Gives finished items out in the order in which they began.

    An unfinished item delays those after it: histories would come out reordered, and reasoning
    after the call that it led to makes the next request invalid.
    """

    __slots__ = ("_next_index", "_places", "ended", "finished_items", "joined_late", "pending")

    def __init__(self) -> None:
        self.pending: OrderedDict[Item, None] = OrderedDict()
        """The items that are not given out yet, in order."""
        self.finished_items: list[ResponseItem] = []
        self._places: dict[int, int] = {}
        """Where among `finished_items` an item is, by its identity."""
        self.joined_late = False
        """Whether the decoder began in the middle of the response, and has not seen items begin."""
        self._next_index = 0
        """The index of the item that comes next, for such a decoder."""
        self.ended = False
        """Whether the response has ended, so that no index is waited for any more."""

    @property
    def has_open(self) -> bool:
        """Whether an item has begun and is not finished."""
        return any(not item.closed for item in self.pending)

    @property
    def holds_call(self) -> bool:
        """Whether a whole call waits for what began before it."""
        return any(item.final is not None and item.kind in CALLS for item in self.pending)

    @property
    def has_content(self) -> bool:
        """Whether there is any item but reasoning."""
        kinds = [item.kind for item in self.pending]
        return any(kind != "reasoning" for kind in kinds + [i.type for i in self.finished_items])

    def add(self, item: Item) -> None:
        """Append an item that begins."""
        self.pending[item] = None

    def resume(self, finished: list[ResponseItem]) -> None:
        """Continue after items that another decoder has finished."""
        self.joined_late = True
        for item in finished:
            self._places[id(item)] = len(self.finished_items)
            self.finished_items.append(item)
        self._next_index = len(self.finished_items)
        self.pending.clear()

    def release(self, events: Events) -> None:
        """Give out the finished items up to the first unfinished one."""
        waits_for_index = self.joined_late and not self.ended
        if waits_for_index:
            in_order = sorted(self.pending, key=lambda item: (item.index is None, item.index or 0))
            self.pending = OrderedDict.fromkeys(in_order)
        while self.pending:
            item = next(iter(self.pending))
            if waits_for_index and (item.index or 0) > self._next_index:
                return
            for thought in item.thoughts:
                self._give_out(thought, events)
            item.thoughts.clear()
            if not item.closed:
                return
            if item.final is not None:
                self._give_out(item.final, events)
            if item.index is not None:
                self._next_index = item.index + 1
            del self.pending[item]

    def sort(self, places: dict[Item, int]) -> None:
        """Put the pending items into the order that the response itself has."""
        last = -1
        order: dict[Item, int] = {}
        for item in self.pending:
            last = order[item] = places.get(item, last)
        self.pending = OrderedDict.fromkeys(sorted(self.pending, key=lambda item: order[item]))

    def replace(self, old: ResponseItem, new: ResponseItem, events: Events) -> None:
        """Put a more complete item into the place of one that was given out."""
        place = self._places.pop(id(old), None)
        if place is not None:
            self.finished_items[place] = new
            self._places[id(new)] = place
            events.append(OutputItemDone(item=new))

    def _give_out(self, item: ResponseItem, events: Events) -> None:
        self._places[id(item)] = len(self.finished_items)
        self.finished_items.append(item)
        events.append(OutputItemDone(item=item))
