"""One item at a time, in a form that the receiver can read."""

from __future__ import annotations

import json
from collections.abc import Sequence

from sidestream._json import parse
from sidestream.payload.history._ids import has_own_id, is_stored
from sidestream.payload.history._kinds import Call
from sidestream.payload.history._notes import AUDIO_OMITTED, IMAGE_OMITTED, NO_OUTPUT
from sidestream.receivers import Receiver
from sidestream.types.items import (
    ContentItem,
    ContextCompactionItem,
    CustomToolCallItem,
    CustomToolCallOutputItem,
    FileSearchCallItem,
    FunctionCallItem,
    FunctionCallOutputItem,
    ImageGenerationCallItem,
    InputAudio,
    InputImage,
    InputText,
    LocalShellCallItem,
    MessageItem,
    OtherContent,
    OtherItem,
    OutputText,
    ReasoningItem,
    Refusal,
    ResponseItem,
    ToolOutput,
    ToolSearchCallItem,
    ToolSearchOutputItem,
)
from sidestream.types.wire_api import WireApi


def make_readable(item: ResponseItem, receiver: Receiver) -> ResponseItem | None:
    """The item as the receiver can read it; None if the receiver can read nothing of it."""
    if isinstance(item, MessageItem):
        parts: Sequence[ContentItem] = item.content
        if item.role in ("system", "developer") and receiver.wire_api is WireApi.CHAT:
            # Chat Completions take images and recordings in the user's messages only.
            parts = [part for part in parts if not isinstance(part, (InputImage, InputAudio))]
        content = _readable_content(parts, receiver, assistant=item.role == "assistant")
        return item.model_copy(update={"content": content}) if _has_content(content) else None
    if isinstance(item, ReasoningItem):
        return _readable_reasoning(item, receiver)
    if isinstance(item, FunctionCallItem):
        if not item.name:
            return None
        return item.model_copy(update={"arguments": _as_json_object(item.arguments)})
    if isinstance(item, CustomToolCallItem):
        if not item.name:
            return None
        return item if receiver.custom_calls else as_function_call(item)
    if isinstance(item, (FunctionCallOutputItem, CustomToolCallOutputItem)):
        return item.model_copy(update={"output": _readable_output(item.output, receiver)})
    if isinstance(item, LocalShellCallItem):
        call_id = item.call_id or item.id
        if not call_id:
            return None
        item = item.model_copy(update={"call_id": call_id})
        return item if receiver.provider_items else as_function_call(item)
    if isinstance(item, ToolSearchCallItem) and item.call_id and not receiver.provider_items:
        return as_function_call(item)
    if isinstance(item, ToolSearchOutputItem) and item.call_id and not receiver.provider_items:
        return FunctionCallOutputItem(call_id=item.call_id, output=json.dumps(item.tools))
    if isinstance(item, OtherItem) or not receiver.provider_items:
        return None
    if isinstance(item, ImageGenerationCallItem):
        # An image is always named by its id.
        return item if item.result and receiver.images and has_own_id(item) else None
    if isinstance(item, FileSearchCallItem):
        return item if is_stored(item, receiver) else None
    if isinstance(item, ContextCompactionItem):
        return item if item.encrypted_content else None
    return item


def _readable_content(
    content: Sequence[ContentItem], receiver: Receiver, *, assistant: bool
) -> list[ContentItem]:
    """The known parts, each in the type that belongs to the role."""
    parts: list[ContentItem] = []
    for part in content:
        if isinstance(part, OtherContent):
            continue
        if assistant:
            if isinstance(part, InputText):
                part = OutputText(text=part.text)
            elif isinstance(part, (InputImage, InputAudio)):
                continue
        elif isinstance(part, OutputText):
            part = InputText(text=part.text)
        elif isinstance(part, Refusal):
            part = InputText(text=part.refusal)
        elif isinstance(part, InputImage) and not receiver.images:
            part = InputText(text=IMAGE_OMITTED)
        elif isinstance(part, InputAudio) and not receiver.audio:
            part = InputText(text=AUDIO_OMITTED)
        if _text_of(part) != "":
            parts.append(part)
    return parts


def _text_of(part: ContentItem) -> str | None:
    """A part's text; ``None`` if it is something else."""
    if isinstance(part, Refusal):
        return part.refusal
    return part.text if isinstance(part, (InputText, OutputText)) else None


def _has_content(content: Sequence[ContentItem]) -> bool:
    """Whether there is more than blanks; several servers refuse a blank message."""
    texts = (_text_of(part) for part in content)
    return any(text is None or text.strip() for text in texts)


def _readable_output(output: ToolOutput, receiver: Receiver) -> ToolOutput:
    mended = output
    if not isinstance(output, str):
        mended = _readable_content(output, receiver, assistant=False) or ""
    says = mended.strip() if isinstance(mended, str) else _has_content(mended)
    return mended if says or receiver.blank_outputs else NO_OUTPUT


def _readable_reasoning(item: ReasoningItem, receiver: Receiver) -> ReasoningItem | None:
    encrypted = item.encrypted_content if receiver.encrypted_reasoning else None
    content = [part for part in item.content or [] if part.text] if receiver.raw_reasoning else []
    stored = receiver.stored_items and has_own_id(item)
    # In Chat Completions, reasoning may consist of unknown fields alone, such as OpenRouter's.
    fields = bool(item.extra) and receiver.wire_api is WireApi.CHAT
    if not (encrypted or content or stored or fields):
        return None
    changes = {"encrypted_content": encrypted or None, "content": content or None}
    return item.model_copy(update=changes)


def _as_json_object(arguments: str) -> str:
    """The arguments as a JSON object, because several servers parse them before the model does."""
    if not arguments.strip():
        return "{}"
    try:
        if isinstance(parse(arguments, strict=True), dict):
            return arguments
    except ValueError:
        pass
    return json.dumps({"input": arguments})


def as_function_call(item: Call) -> FunctionCallItem:
    """Any call as a function call, for servers that know no other kind."""
    if isinstance(item, FunctionCallItem):
        return item
    namespace = None
    if isinstance(item, CustomToolCallItem):
        name, arguments, namespace = item.name, json.dumps({"input": item.input}), item.namespace
    elif isinstance(item, LocalShellCallItem):
        name, arguments = "local_shell", json.dumps(item.action)
    else:
        name, arguments = "tool_search", _as_json_object(json.dumps(item.arguments))
    return FunctionCallItem(
        name=name, namespace=namespace, arguments=arguments, call_id=item.call_id or ""
    )
