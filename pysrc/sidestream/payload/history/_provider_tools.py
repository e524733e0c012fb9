"""What the provider's own tools left behind: code that ran, and images."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from sidestream.payload.history._ids import is_stored
from sidestream.payload.history._notes import IMAGE_SHOWN, NO_OUTPUT
from sidestream.receivers import Receiver
from sidestream.types.items import (
    CodeInterpreterCallItem,
    FunctionCallItem,
    FunctionCallOutputItem,
    ImageGenerationCallItem,
    ResponseItem,
)

MAX_IMAGES = 24_000_000
"""The limit for the images that the provider made and is sent again, in characters.

A request has a limit (50 MB at OpenAI), and a conversation beyond it could not be continued."""


def spell_out_code_runs(item: ResponseItem, receiver: Receiver) -> Iterable[ResponseItem]:
    """Code that ran at the provider, as a call and its output that every server understands.

    The code's container is gone after some minutes, and its id is unknown where nothing is stored.
    """
    if not isinstance(item, CodeInterpreterCallItem) or is_stored(item, receiver):
        return [item]
    if not item.code and not item.outputs:
        return []
    call_id = item.id or "code"
    call = FunctionCallItem(
        name="code_interpreter", arguments=json.dumps({"code": item.code or ""}), call_id=call_id
    )
    shown = [IMAGE_SHOWN for part in item.outputs or () if part.get("type") == "image"]
    said = [item.logs, *shown, "The code failed." if item.status == "failed" else ""]
    output = "\n".join(filter(None, said)) or NO_OUTPUT
    return [call, FunctionCallOutputItem(call_id=call_id, output=output)]


def keep_latest_generated_images(items: Sequence[ResponseItem]) -> list[ResponseItem]:
    """The items without the oldest images of the provider that a request has no room for."""
    room = MAX_IMAGES
    kept: list[ResponseItem] = []
    for item in reversed(items):
        if isinstance(item, ImageGenerationCallItem):
            room -= len(item.result or "")
            if room < 0:
                continue
        kept.append(item)
    return kept[::-1]
