"""What only the maker of an item understands, and no other receiver."""

from __future__ import annotations

from sidestream.receivers import Receiver
from sidestream.types.items import (
    IN_BAND,
    CompactionItem,
    ContextCompactionItem,
    ReasoningItem,
    ResponseItem,
)


def remove_what_others_made(
    item: ResponseItem, receiver: Receiver, origin: str, model: str
) -> ResponseItem | None:
    """The item without what this receiver did not make; None if nothing remains."""
    made = item.origin
    same_server = made is None or made.provider == origin
    same_model = made is None or not made.model or made.model == model
    extra = item.extra if same_server and same_model and receiver.unknown_fields else None
    changes: dict[str, object] = {} if extra == item.extra else {"extra": extra}
    if not same_server and item.id:
        changes["id"] = None
    if isinstance(item, ReasoningItem):
        if not same_server or item.field == IN_BAND:
            return None
        if receiver.signed_by_model and not same_model:
            return None
        if not (same_model or receiver.first_party):
            changes["encrypted_content"] = None
    elif isinstance(item, (CompactionItem, ContextCompactionItem)) and not same_server:
        return None
    return item.model_copy(update=changes) if changes else item
