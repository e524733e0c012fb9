"""What kind of item something is, and which items the model made in one go."""

from __future__ import annotations

from collections.abc import Sequence

from sidestream.types.items import (
    CompactionItem,
    ContextCompactionItem,
    CustomToolCallItem,
    CustomToolCallOutputItem,
    FunctionCallItem,
    FunctionCallOutputItem,
    LocalShellCallItem,
    MessageItem,
    ReasoningItem,
    ResponseItem,
    ToolSearchCallItem,
    ToolSearchOutputItem,
)

Call = FunctionCallItem | CustomToolCallItem | LocalShellCallItem | ToolSearchCallItem
Output = FunctionCallOutputItem | CustomToolCallOutputItem | ToolSearchOutputItem


def _is_search(item: ResponseItem) -> bool:
    return isinstance(item, (ToolSearchCallItem, ToolSearchOutputItem))


def is_call(item: ResponseItem) -> bool:
    """Whether the item is a call that wants an output from us.

    A search without a call id was run by the provider itself.
    """
    return isinstance(item, Call) and not (_is_search(item) and not call_id_of(item))


def is_output(item: ResponseItem) -> bool:
    """Whether the item is the output of a call that we carried out."""
    return isinstance(item, Output) and not (_is_search(item) and not call_id_of(item))


def call_id_of(item: ResponseItem) -> str:
    """The id of a call or of its output's call; empty if there is none."""
    return getattr(item, "call_id", None) or ""


def is_from_model(item: ResponseItem) -> bool:
    """Whether the model made the item."""
    if isinstance(item, MessageItem):
        return item.role == "assistant"
    return not isinstance(item, (CompactionItem, ContextCompactionItem))


def is_reasoning(item: ResponseItem) -> bool:
    """Whether the item is reasoning."""
    return isinstance(item, ReasoningItem)


def role_of(item: ResponseItem) -> str:
    """The role of a message; empty for any other item."""
    return item.role if isinstance(item, MessageItem) else ""


def model_runs(items: Sequence[ResponseItem]) -> list[tuple[int, int]]:
    """Where each run of the model's items begins and ends; every other item is a run of its own."""
    runs: list[tuple[int, int]] = []
    begin = 0
    for place, item in enumerate(items):
        if is_output(item) or not is_from_model(item):
            runs += [(begin, place), (place, place + 1)] if begin < place else [(place, place + 1)]
            begin = place + 1
    return [*runs, (begin, len(items))] if begin < len(items) else runs
