"""Which reasoning goes back to the receiver."""

from __future__ import annotations

from collections.abc import Sequence

from sidestream.payload.history._kinds import is_call, is_reasoning, model_runs, role_of
from sidestream.receivers import Receiver
from sidestream.types.items import ResponseItem
from sidestream.types.wire_api import WireApi


def keep_returned_reasoning(
    items: Sequence[ResponseItem], receiver: Receiver
) -> list[ResponseItem]:
    """Keep the reasoning that the receiver takes back, and none at the end of a run.

    Servers refuse reasoning that nothing follows:

    "Item 'rs_…' of type 'reasoning' was provided without its required following item."
    """
    chat = receiver.wire_api is WireApi.CHAT
    users = [place for place, item in enumerate(items) if role_of(item) == "user"]
    kept: list[ResponseItem] = []
    for begin, end in model_runs(items):
        run = items[begin:end]
        told = not chat or receiver.reasoning_back == "always"
        if chat and receiver.reasoning_back in ("turn", "tools"):
            calls = receiver.reasoning_back == "tools" and any(map(is_call, run))
            told = calls or not users or begin > users[-1]
        last = max((at for at, item in enumerate(run) if not is_reasoning(item)), default=-1)
        kept += [i for at, i in enumerate(run) if not is_reasoning(i) or (told and at < last)]
    return kept
