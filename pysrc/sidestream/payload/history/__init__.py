"""Makes the items of a conversation acceptable to a receiver.

Servers refuse a whole request because of one call without an output, one output without a call, one
image for a model that cannot see, or one reasoning item that they cannot decrypt. A conversation
keeps its items, so each later request would fail as well. `valid_history` repairs or removes what
would be refused; each step is a module of this package.
"""

from __future__ import annotations

from collections.abc import Iterable

from sidestream.payload.history._calls import pair_calls_with_outputs, place_outputs_after_calls
from sidestream.payload.history._ids import has_own_id, keep_known_ids, remove_repetitions
from sidestream.payload.history._items import as_function_call, make_readable
from sidestream.payload.history._names import fit_names_and_call_ids
from sidestream.payload.history._notes import (
    ABORTED,
    AUDIO_OMITTED,
    BRIDGE,
    CONTINUE,
    IMAGE_OMITTED,
    IMAGE_SHOWN,
    IMAGES_FOLLOW,
    NO_OUTPUT,
    START,
)
from sidestream.payload.history._origin import remove_what_others_made
from sidestream.payload.history._provider_tools import (
    MAX_IMAGES,
    keep_latest_generated_images,
    spell_out_code_runs,
)
from sidestream.payload.history._reasoning import keep_returned_reasoning
from sidestream.payload.history._roles import order_roles
from sidestream.receivers import Receiver
from sidestream.types.items import ResponseItem


def valid_history(
    items: Iterable[ResponseItem],
    receiver: Receiver | None = None,
    *,
    origin: str = "",
    model: str = "",
) -> list[ResponseItem]:
    """The items that can be sent, in an order that the receiver takes.

    Every call gets exactly one output, which follows the model's items around the call; a missing
    output is made up. Outputs without a call, repeated items, unknown items and content, and
    everything that the receiver cannot read are removed. What only the maker of an item understands
    (its id, encrypted reasoning, unknown fields) is kept if ``origin`` and ``model`` are those of
    the maker. Applying the function to its own result changes nothing.
    """
    receiver = receiver or Receiver()
    own = [remove_what_others_made(item, receiver, origin, model) for item in items]
    unique = remove_repetitions(item for item in own if item is not None)
    spelled_out = [part for item in unique for part in spell_out_code_runs(item, receiver)]
    readable = [make_readable(item, receiver) for item in spelled_out]
    affordable = keep_latest_generated_images([item for item in readable if item is not None])
    calls, outputs = pair_calls_with_outputs(affordable)
    ordered = place_outputs_after_calls(calls, outputs)
    reasoned = keep_returned_reasoning(ordered, receiver)
    identified = keep_known_ids(reasoned, receiver)
    in_turns = order_roles(identified, receiver)
    return fit_names_and_call_ids(in_turns, receiver)


__all__ = [
    "ABORTED",
    "AUDIO_OMITTED",
    "BRIDGE",
    "CONTINUE",
    "IMAGES_FOLLOW",
    "IMAGE_OMITTED",
    "IMAGE_SHOWN",
    "MAX_IMAGES",
    "NO_OUTPUT",
    "START",
    "as_function_call",
    "has_own_id",
    "valid_history",
]
