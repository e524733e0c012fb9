"""Makes a request fit into a context window: shortens and leaves out parts of it.

Sizes are estimates in tokens (`estimate_tokens`). Everything is linear in the size of the request.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from sidestream.session.usage import estimate_tokens
from sidestream.types.items import (
    ContentItem,
    FunctionCallItem,
    FunctionCallOutputItem,
    ImageGenerationCallItem,
    InputImage,
    InputText,
    MessageItem,
    OutputText,
    ReasoningItem,
    ResponseItem,
)

IMAGE_LEFT_OUT = "[An image was here. It was left out.]"
"""The text that replaces an image that is not sent."""
_LENGTHS = (16_000, 8_000, 4_000, 2_000, 1_000, 500)
"""The lengths, in characters, to which the texts of a summary's request are shortened in turn."""
_OUTPUT_LENGTHS = (4_000, 1_000, 200)
"""The lengths to which the outputs of calls within a turn are shortened in turn."""


def tokens_in(items: Iterable[ResponseItem]) -> int:
    """The estimated size of items, in tokens."""
    return sum(estimate_tokens(item) for item in items)


def shortened(text: str, length: int) -> str:
    """The text, without its middle where it is longer than ``length`` characters."""
    if len(text) <= length:
        return text
    half = length // 2
    return f"{text[:half]}\n[... {len(text) - 2 * half} characters left out ...]\n{text[-half:]}"


def fit_outputs(items: Sequence[ResponseItem], room: int) -> list[ResponseItem]:
    """Shorten the outputs of a turn's calls, the oldest first, until all items fit into ``room``.

    If they do not fit even then, the shortest version is returned.
    """
    fitted = list(items)
    total = tokens_in(fitted)
    for length in _OUTPUT_LENGTHS:
        for at, item in enumerate(fitted):
            if total <= room:
                return fitted
            if isinstance(item, FunctionCallOutputItem):
                fitted[at] = _short(item, length)
                total += estimate_tokens(fitted[at]) - estimate_tokens(item)
    return fitted


def fit_summary(
    turns: Sequence[Sequence[ResponseItem]],
    room: int | None,
    *,
    images: bool = True,
    summarised: bool = False,
) -> list[ResponseItem]:
    """The items that are summarised: all turns, oldest first, or as much as fits into ``room``.

    Images are left out first, then the middles of long texts, then the oldest turns. The newest
    turn is always kept, and so is the first one if it is ``summarised``: the summary of all before
    it. ``room`` is None if everything fits. Without ``images``, none are kept in any case.
    """
    if not images:
        turns = [[_without_images(item) for item in turn] for turn in turns]
    if room is None or sum(map(tokens_in, turns)) <= room:
        return [item for turn in turns for item in turn]
    short = [[_without_images(item) for item in turn] for turn in turns]
    for length in _LENGTHS:
        if sum(map(tokens_in, short)) <= room:
            break
        short = [[_short(item, length) for item in turn] for turn in short]
    kept, short = (short[:1], short[1:]) if summarised and len(short) > 1 else ([], short)
    room -= sum(map(tokens_in, kept))
    sizes = [tokens_in(turn) for turn in short]
    first, left = 0, sum(sizes)
    while left > room and first < len(short) - 1:
        left -= sizes[first]
        first += 1
    newest = short[-1] if short else []
    if left > room and len(newest) > 1:
        # Keep the turn's message and the end of its answer.
        short[-1] = [newest[0], *_end_of(newest[1:], room - estimate_tokens(newest[0]))]
    return [item for turn in (*kept, *short[first:]) for item in turn]


def _end_of(items: Sequence[ResponseItem], room: int) -> list[ResponseItem]:
    """The last items that fit. The request is built without outputs that have no call."""
    kept: list[ResponseItem] = []
    for item in reversed(items):
        room -= estimate_tokens(item)
        if room < 0 and kept:
            break
        kept.append(item)
    return kept[::-1]


def _without_images(item: ResponseItem) -> ResponseItem:
    if isinstance(item, ImageGenerationCallItem) and item.result:
        return MessageItem(role="assistant", content=[OutputText(text=IMAGE_LEFT_OUT)])
    if isinstance(item, MessageItem):
        parts: Sequence[ContentItem] = item.content
    elif isinstance(item, FunctionCallOutputItem) and not isinstance(item.output, str):
        parts = item.output
    else:
        return item
    if not any(isinstance(part, InputImage) for part in parts):
        return item
    marked = [
        InputText(text=IMAGE_LEFT_OUT) if isinstance(part, InputImage) else part for part in parts
    ]
    name = "content" if isinstance(item, MessageItem) else "output"
    return item.model_copy(update={name: marked})


def _short(item: ResponseItem, length: int) -> ResponseItem:
    """The item with its long texts shortened. Signed or encrypted reasoning is not changed."""
    if isinstance(item, MessageItem):
        return item.model_copy(update={"content": _short_parts(item.content, length)})
    if isinstance(item, FunctionCallOutputItem):
        output = item.output
        if isinstance(output, str):
            return item.model_copy(update={"output": shortened(output, length)})
        return item.model_copy(update={"output": _short_parts(output, length)})
    if isinstance(item, FunctionCallItem) and len(item.arguments) > length:
        # Many receivers require arguments that are an object.
        return item.model_copy(
            update={"arguments": json.dumps({"shortened": shortened(item.arguments, length)})}
        )
    if isinstance(item, ReasoningItem) and not (item.encrypted_content or item.extra):
        parts = [*(item.content or ()), *item.summary]
        if sum(len(part.text) for part in parts) > length:
            return item.model_copy(
                update={
                    "summary": _short_parts(item.summary, length),
                    "content": item.content and _short_parts(item.content, length),
                }
            )
    return item


def _short_parts(parts: Sequence[object], length: int) -> list[object]:
    # Several kinds of parts have a text. The check for it is not understood by the type checker.
    return [
        part.model_copy(update={"text": shortened(text, length)})  # type: ignore[attr-defined]
        if isinstance(text := getattr(part, "text", None), str) and len(text) > length
        else part
        for part in parts
    ]
