"""Roles in an order that the receiver's chat template takes."""

from __future__ import annotations

from collections.abc import Sequence

from sidestream.payload.history._kinds import is_output, role_of
from sidestream.payload.history._notes import BRIDGE, CONTINUE, IMAGES_FOLLOW, START
from sidestream.receivers import Receiver
from sidestream.types.items import (
    ContentItem,
    FunctionCallOutputItem,
    InputText,
    MessageItem,
    OutputText,
    ResponseItem,
)
from sidestream.types.wire_api import WireApi


def order_roles(items: Sequence[ResponseItem], receiver: Receiver) -> list[ResponseItem]:
    """Move, merge or add messages until the receiver's rules on the order of roles are met.

    System messages come first, the first other message is the user's, two of the user's become
    one, and a message of the assistant stands between a tool's output and the user, each only
    where the receiver asks for it.
    """
    if receiver.wire_api is WireApi.CHAT:
        items = _move_tool_images_to_user(items)
    turns: list[ResponseItem] = []
    begun = False
    for item in items:
        if isinstance(item, MessageItem) and item.role in ("system", "developer"):
            if not begun or not receiver.system_first:
                turns.append(item)
                continue
            item = item.model_copy(update={"role": "user", "id": None})
        if not begun and receiver.starts_with_user and role_of(item) != "user":
            turns.append(_message("user", START))
        begun = True
        before = turns[-1] if turns else None
        if isinstance(item, MessageItem) and item.role == "user" and before is not None:
            if receiver.bridges_tools and is_output(before):
                turns.append(_message("assistant", BRIDGE))
            elif receiver.merges_users and isinstance(before, MessageItem) and _is_user(before):
                turns[-1] = _merged(before, item)
                continue
        turns.append(item)
    if begun and receiver.ends_with_user and role_of(turns[-1]) == "assistant":
        turns.append(_message("user", CONTINUE))
    return turns


def _is_user(item: MessageItem) -> bool:
    return item.role == "user"


def _message(role: str, text: str) -> MessageItem:
    part: ContentItem = OutputText(text=text) if role == "assistant" else InputText(text=text)
    return MessageItem(role=role, content=[part])


def _merged(first: MessageItem, second: MessageItem) -> MessageItem:
    parts = list(first.content)
    more = list(second.content)
    if parts and more and isinstance(parts[-1], InputText) and isinstance(more[0], InputText):
        parts[-1:] = [InputText(text=f"{parts[-1].text}\n\n{more[0].text}")]
        del more[0]
    return first.model_copy(update={"content": [*parts, *more], "id": None})


def _move_tool_images_to_user(items: Sequence[ResponseItem]) -> list[ResponseItem]:
    """Move the images of tool outputs into a user message.

    In Chat Completions, the message of a tool holds text alone.
    """
    aside: list[ResponseItem] = []
    images: list[ContentItem] = []
    for item in items:
        if images and not is_output(item):
            aside.append(_images_message(images))
            images = []
        if isinstance(item, FunctionCallOutputItem) and not isinstance(item.output, str):
            text = "".join(part.text for part in item.output if isinstance(part, InputText))
            shown = [part for part in item.output if not isinstance(part, InputText)]
            if shown and not text.strip():
                text = IMAGES_FOLLOW
            item = item.model_copy(update={"output": text})
            images += shown
        aside.append(item)
    return [*aside, _images_message(images)] if images else aside


def _images_message(images: Sequence[ContentItem]) -> MessageItem:
    return MessageItem(role="user", content=[InputText(text=IMAGES_FOLLOW), *images])
