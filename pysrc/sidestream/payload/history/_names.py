"""Names and ids of calls in the form that the receiver takes."""

from __future__ import annotations

from collections.abc import Sequence

from sidestream.payload.history._kinds import call_id_of
from sidestream.payload.tools import flat_name
from sidestream.receivers import Receiver
from sidestream.types.items import CustomToolCallItem, FunctionCallItem, ResponseItem


def fit_names_and_call_ids(items: Sequence[ResponseItem], receiver: Receiver) -> list[ResponseItem]:
    """Give calls names and ids that the receiver takes, the same ones in each request."""
    sent: dict[str, str] = {}
    used: set[str] = set()
    fitting: list[ResponseItem] = []
    for item in items:
        changes: dict[str, object] = {}
        call_id = call_id_of(item)
        if call_id:
            if call_id not in sent:
                sent[call_id] = _unused_fit(call_id, receiver, used)
            if sent[call_id] != call_id:
                changes["call_id"] = sent[call_id]
        if isinstance(item, (FunctionCallItem, CustomToolCallItem)):
            changes |= _changes_of_name(item, receiver)
        fitting.append(item.model_copy(update=changes) if changes else item)
    return fitting


def _changes_of_name(
    item: FunctionCallItem | CustomToolCallItem, receiver: Receiver
) -> dict[str, object]:
    name, namespace = item.name, item.namespace
    if namespace and not receiver.namespaces:
        name, namespace = flat_name(namespace, name), None
    fits = receiver.fit_name(name)
    space = receiver.fit_name(namespace) if namespace else None
    if (fits, space) == (item.name, item.namespace):
        return {}
    return {"name": fits, "namespace": space}


def _unused_fit(call_id: str, receiver: Receiver, used: set[str]) -> str:
    """An id that the receiver takes and that no other call has."""
    fit, number = receiver.fit_call_id(call_id), 1
    while fit in used:
        number += 1
        fit = receiver.fit_call_id(f"{call_id}#{number}" + "#" * receiver.call_id_length)
    used.add(fit)
    return fit
