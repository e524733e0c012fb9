"""Calls and outputs: exactly one output for each call, directly after it."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Sequence

from sidestream.payload.history._kinds import (
    Output,
    _is_search,
    call_id_of,
    is_call,
    is_from_model,
    is_output,
)
from sidestream.payload.history._notes import ABORTED
from sidestream.types.items import (
    CustomToolCallItem,
    CustomToolCallOutputItem,
    FunctionCallOutputItem,
    ResponseItem,
    ToolSearchCallItem,
    ToolSearchOutputItem,
)


def pair_calls_with_outputs(
    items: Sequence[ResponseItem],
) -> tuple[list[ResponseItem | None], dict[int, Output]]:
    """Give every call an id of its own, and find its output.

    Returns the items, with None for calls that are listed twice, and the outputs by the place of
    their call. An output belongs to the first call before it that has its id and no output yet,
    because servers that number their calls anew in each turn use the same ids again.
    """
    placed: list[ResponseItem | None] = list(items)
    waiting: dict[tuple[bool, str], deque[int]] = defaultdict(deque)
    said: dict[tuple[bool, str], set[str]] = defaultdict(set)
    outputs: dict[int, Output] = {}
    used: dict[str, int] = {}
    for place, item in enumerate(items):
        key = _is_search(item), call_id_of(item)
        if is_call(item):
            if _content_of(item) in said[key]:
                placed[place] = None
                continue
            waiting[key].append(place)
            said[key].add(_content_of(item))
            call_id = _unused_call_id(call_id_of(item), used)
            placed[place] = item.model_copy(update={"call_id": call_id})
        elif is_output(item) and waiting[key]:
            call = waiting[key].popleft()
            said[key].discard(_content_of(items[call]))
            outputs[call] = _output_for(placed[call], item)
    for places in waiting.values():
        for place in places:
            outputs[place] = _output_for(placed[place], None)
    return placed, outputs


def _content_of(call: ResponseItem) -> str:
    """The content of a call, by which a repetition is recognised."""
    return call.model_dump_json(exclude={"id", "status"})


def _unused_call_id(call_id: str, used: dict[str, int]) -> str:
    """An id that no other call has. ``used`` counts how often each id was asked for."""
    base = call_id or "call"
    candidate, number = base, used.get(base, 0)
    while candidate in used:
        number += 1
        candidate = f"{base}_{number}"
    used[base] = max(number, 1)
    used.setdefault(candidate, 1)
    return candidate


def _output_for(call: ResponseItem | None, output: ResponseItem | None) -> Output:
    """The output in the form that belongs to its call; made up if there is none."""
    assert call is not None  # noqa: S101 - only calls that are kept wait for an output
    call_id = call_id_of(call)
    if isinstance(call, ToolSearchCallItem):
        if isinstance(output, ToolSearchOutputItem):
            return output.model_copy(update={"call_id": call_id})
        return ToolSearchOutputItem(call_id=call_id, status="completed", execution=call.execution)
    if isinstance(output, (FunctionCallOutputItem, CustomToolCallOutputItem)):
        text = output.output
        if isinstance(call, CustomToolCallItem) is isinstance(output, CustomToolCallOutputItem):
            return output.model_copy(update={"call_id": call_id})
    else:
        text = ABORTED
    if isinstance(call, CustomToolCallItem):
        return CustomToolCallOutputItem(call_id=call_id, output=text)
    return FunctionCallOutputItem(call_id=call_id, output=text)


def place_outputs_after_calls(
    placed: Sequence[ResponseItem | None], outputs: dict[int, Output]
) -> list[ResponseItem]:
    """Put each call's output after the run of the model's items that the call belongs to."""
    ordered: list[ResponseItem] = []
    due: list[Output] = []
    for place, item in enumerate(placed):
        if item is None:
            continue
        if is_output(item) or not is_from_model(item):
            ordered += due
            due.clear()
        if not is_output(item):
            ordered.append(item)
        if place in outputs:
            due.append(outputs[place])
    return ordered + due
