"""What a request contains of a conversation's turns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sidestream.session.attachments import parts_of, tokens_of
from sidestream.session.turn import Turn
from sidestream.session.usage import estimate_tokens
from sidestream.types.items import (
    ContentItem,
    InputText,
    ItemOrigin,
    MessageItem,
    ReasoningItem,
    ResponseItem,
)

Contents = Mapping[str, str | None]
"""The contents of attachments, by id; None for one that is lost."""

COMPACTION_PROMPT = (
    "Summarise our conversation up to here, so that it can go on from your summary alone; what "
    "was said so far will not be shown to you again. Keep what I want and have decided, facts, "
    "names, figures, code and sources word for word where they matter, what is done, and what is "
    "still open. Write in the language of the conversation, briefly and in order. Write only the "
    "summary."
)
"""The message that asks for a summary."""

_REFUSED_MESSAGE = "[A message was here. The provider's policy refused it, so it was left out.]"
_SUMMARY = "This is a summary of our conversation so far; go on from it.\n\n"


def turns_that_fit(
    context: Sequence[Turn], turn: Turn, origin: str | None, max_tokens: int | None
) -> list[Turn]:
    """The turn and those of its ``context`` that a request can contain, oldest first.

    With ``max_tokens``, the oldest turns are left out that would not fit (estimated).
    """
    found = [turn]
    room = None if max_tokens is None else max_tokens - _tokens(turn, [own_message(turn)])
    for earlier in reversed(context):
        if room is not None:
            room -= _tokens(earlier, items_of(earlier, origin))
            if room < 0:
                break
        found.append(earlier)
    return found[::-1]


def _tokens(turn: Turn, items: list[ResponseItem]) -> int:
    """The estimated size of a turn in a request; ``items`` do not contain its attachments."""
    attached = tokens_of(turn.attachments, without_images=turn.without_images)
    return attached + sum(estimate_tokens(item) for item in items)


def items_of(
    turn: Turn, origin: str | None, contents: Contents | None = None
) -> list[ResponseItem]:
    """What later requests contain of a turn."""
    if turn.kind == "compaction":
        return [_user_message(_SUMMARY + turn.text)] if turn.is_summary else []
    if turn.left_out:
        # The provider would refuse it again, and with it everything that is said after it.
        return [_user_message(_REFUSED_MESSAGE)]
    return [_question(turn, contents), *_sendable(turn, origin)]


def own_message(
    turn: Turn, contents: Contents | None = None, *, without_images: bool = False
) -> MessageItem:
    """A turn's message. The user's own text comes last, after the attachments that it is about."""
    if turn.kind == "compaction":
        return _user_message(COMPACTION_PROMPT)
    attached: list[ContentItem] = []
    if contents is not None:
        attached = parts_of(turn.attachments or (), contents, without_images=without_images)
    return _user_message(turn.user, attached)


def _question(turn: Turn, contents: Contents | None = None) -> MessageItem:
    """A turn's message as later requests contain it."""
    return own_message(turn, contents, without_images=turn.without_images)


def _user_message(text: str, attached: Sequence[ContentItem] = ()) -> MessageItem:
    own = [InputText(text=text)] if text or not attached else []
    return MessageItem(role="user", content=[*attached, *own])


def _sendable(turn: Turn, origin: str | None) -> list[ResponseItem]:
    """The answer of a turn, each item with its origin, so that other providers can read it.

    ``sidestream.payload`` leaves out what only the origin can read. The reasoning of others is
    left out here already, since it would be counted otherwise.
    """
    made = ItemOrigin(provider=turn.origin, model=turn.model or "") if turn.origin else None
    return [
        item.model_copy(update={"origin": made}) if made and _lacks_origin(item) else item
        for item in turn.sendable
        if not isinstance(item, ReasoningItem) or _origin_of(item, turn) == origin
    ]


def _lacks_origin(item: ResponseItem) -> bool:
    """Whether an item that only its origin can read was stored without its origin."""
    bound = isinstance(item, ReasoningItem) or bool(item.id or item.extra)
    return bound and item.origin is None


def _origin_of(item: ResponseItem, turn: Turn) -> str | None:
    return item.origin.provider if item.origin else turn.origin
