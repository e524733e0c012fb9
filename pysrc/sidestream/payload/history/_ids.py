"""Ids of items: whose they are, which are sent, and no item twice."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from sidestream.payload.history._kinds import is_call, is_reasoning, model_runs
from sidestream.receivers import Receiver
from sidestream.types.items import (
    CodeInterpreterCallItem,
    CompactionItem,
    ContextCompactionItem,
    CustomToolCallItem,
    CustomToolCallOutputItem,
    FileSearchCallItem,
    FunctionCallItem,
    FunctionCallOutputItem,
    ImageGenerationCallItem,
    LocalShellCallItem,
    MessageItem,
    ReasoningItem,
    ResponseItem,
    ToolSearchCallItem,
    ToolSearchOutputItem,
    WebSearchCallItem,
)
from sidestream.types.wire_api import WireApi

# OpenAI's ids begin with a prefix for each type of item, and it refuses any other id.
_ID_PREFIX: dict[type[ResponseItem], str] = {
    MessageItem: "msg_",
    ReasoningItem: "rs_",
    FunctionCallItem: "fc_",
    FunctionCallOutputItem: "fco_",
    CustomToolCallItem: "ctc_",
    CustomToolCallOutputItem: "ctco_",
    LocalShellCallItem: "lsh_",
    WebSearchCallItem: "ws_",
    ImageGenerationCallItem: "ig_",
    CodeInterpreterCallItem: "ci_",
    FileSearchCallItem: "fs_",
    ToolSearchCallItem: "tsc_",
    ToolSearchOutputItem: "tso_",
    CompactionItem: "cmp_",
    ContextCompactionItem: "cmp_",
}


def has_own_id(item: ResponseItem) -> bool:
    """Whether the item's id is one that OpenAI made for an item of this type."""
    prefix = _ID_PREFIX.get(type(item))
    return bool(prefix and item.id and item.id.startswith(prefix) and len(item.id) > len(prefix))


def is_stored(item: ResponseItem, receiver: Receiver) -> bool:
    """Whether the receiver has stored the item and knows it by its id."""
    return receiver.provider_items and receiver.stored_items and has_own_id(item)


def remove_repetitions(items: Iterable[ResponseItem]) -> list[ResponseItem]:
    """Remove repeated items. Where two different items share an id, the later one loses it.

    A server that numbers its calls anew in each answer may well make the same call twice:
    `pair_calls_with_outputs` tells that from one call that is listed twice.
    """
    seen: dict[tuple[str, str], set[str]] = defaultdict(set)
    kept: list[ResponseItem] = []
    for item in items:
        if item.id:
            same_id, written = seen[item.type, item.id], item.model_dump_json()
            if written in same_id and not is_call(item):
                continue
            again = bool(same_id)
            same_id.add(written)
            if again:
                item = item.model_copy(update={"id": None})
        kept.append(item)
    return kept


def keep_known_ids(items: Sequence[ResponseItem], receiver: Receiver) -> list[ResponseItem]:
    """Keep the ids that the receiver knows and wants, and remove all others.

    The receiver knows the ids of items that it stored. It refuses a message or call that was stored
    after reasoning if it is sent without that reasoning, and the other way round. So each of them
    keeps its id only together with the other.
    """
    kept: list[ResponseItem] = []
    named = _is_followed_by_own_id(items)
    for begin, end in model_runs(items):
        known = False
        for place in range(begin, end):
            item = items[place]
            if isinstance(item, ReasoningItem):
                known = receiver.stored_items and named[place] and has_own_id(item)
                keeps = known or (receiver.reasoning_ids and bool(item.id))
                fields = item.extra if receiver.wire_api is WireApi.CHAT else None
                if not (keeps or item.encrypted_content or item.content or fields):
                    continue
            elif isinstance(item, _NAMED_BY_ID):
                keeps = True
            else:
                keeps = known and has_own_id(item)
            kept.append(item if keeps or item.id is None else item.model_copy(update={"id": None}))
    return kept


def _is_followed_by_own_id(items: Sequence[ResponseItem]) -> list[bool]:
    """For each item, whether the next item that is not reasoning has an id that OpenAI made."""
    named: list[bool] = []
    following = False
    for item in reversed(items):
        named.append(following)
        if not is_reasoning(item):
            following = has_own_id(item)
    return named[::-1]


# Items that mean nothing without their ids.
_NAMED_BY_ID = (ImageGenerationCallItem, CodeInterpreterCallItem, FileSearchCallItem)
