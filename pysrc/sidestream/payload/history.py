"""A conversation's items made fit to be sent: what servers refuse is mended or left out.

Servers answer 400 to a whole request for one call without an output, one output without a call, one
image to a model without eyes, or one reasoning item that they cannot open; and since a conversation
keeps its items, each later request would fail as well.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sidestream._json import parse
from sidestream.types.items import (
    CodeInterpreterCallItem,
    CompactionItem,
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
    WebSearchCallItem,
)

ABORTED = "aborted"
"""The output of a call that never got one (Codex)."""
IMAGE_OMITTED = "[An image was left out: this model cannot see images.]"
AUDIO_OMITTED = "[A recording was left out: this model cannot hear.]"
NO_OUTPUT = "(no output)"
"""The output of code that printed nothing."""
IMAGE_SHOWN = "[An image was shown to the user.]"
MAX_IMAGES = 24_000_000
"""Characters of images that the provider made and is sent again. A request has its limit (50 MB at
OpenAI), and a conversation that has grown beyond it could not go on."""

_Call = FunctionCallItem | CustomToolCallItem | LocalShellCallItem | ToolSearchCallItem
_Output = FunctionCallOutputItem | CustomToolCallOutputItem | ToolSearchOutputItem


@dataclass(frozen=True, slots=True)
class Accepts:
    """What the receiver of a history can read."""

    images: bool = True
    audio: bool = True
    encrypted_reasoning: bool = True
    raw_reasoning: bool = True
    stored_reasoning: bool = False
    """Reasoning that holds nothing but the id under which the provider stored it."""
    custom_calls: bool = True
    provider_items: bool = True
    """What OpenAI's own tools and compaction leave behind."""
    stored_calls: bool = True
    """Calls of OpenAI's tools that mean something only where they were stored, by their ids."""


def valid_history(
    items: Iterable[ResponseItem], accepts: Accepts | None = None
) -> list[ResponseItem]:
    """The items that can be sent, in an order that every server takes.

    Every call has exactly one output, after the call and before anything but the model's own items;
    a missing one is made up. Outputs without a call, repeated items, unknown items and content, and
    what the receiver cannot read are gone. Applying it twice changes nothing more.
    """
    accepts = accepts or Accepts()
    known = _without_repetitions(items)
    parts = (part for item in known for part in _in_known_terms(item, accepts))
    mended = (_mend(part, accepts) for part in parts)
    return _in_order(*_pair(_with_latest_images([item for item in mended if item is not None])))


# --- what the provider's own tools did ---------------------------------------------------------


def _in_known_terms(item: ResponseItem, accepts: Accepts) -> Iterable[ResponseItem]:
    """Code that ran at the provider as a call and its output, where it is not known any more.

    Its container is gone after some minutes, and its id where nothing is stored: what it did and
    gave is then said in terms that every server understands.
    """
    if not isinstance(item, CodeInterpreterCallItem) or _is_stored(item, accepts):
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


def _is_stored(item: ResponseItem, accepts: Accepts) -> bool:
    return accepts.provider_items and accepts.stored_calls and has_own_id(item)


def _with_latest_images(items: Sequence[ResponseItem]) -> list[ResponseItem]:
    """Without those of the provider's images, oldest first, that a request has no room for."""
    room = MAX_IMAGES
    kept: list[ResponseItem] = []
    for item in reversed(items):
        if isinstance(item, ImageGenerationCallItem):
            room -= len(item.result or "")
            if room < 0:
                continue
        kept.append(item)
    return kept[::-1]


# --- one item at a time ------------------------------------------------------------------------


def _mend(item: ResponseItem, accepts: Accepts) -> ResponseItem | None:
    """The item as the receiver can read it, or None when there is nothing for it in there."""
    if isinstance(item, MessageItem):
        content = _mend_content(item.content, accepts, assistant=item.role == "assistant")
        return item.model_copy(update={"content": content}) if _says_something(content) else None
    if isinstance(item, ReasoningItem):
        return _mend_reasoning(item, accepts)
    if isinstance(item, FunctionCallItem):
        if not item.name:
            return None
        return item.model_copy(update={"arguments": _json_object(item.arguments)})
    if isinstance(item, CustomToolCallItem):
        if not item.name:
            return None
        return item if accepts.custom_calls else as_function_call(item)
    if isinstance(item, (FunctionCallOutputItem, CustomToolCallOutputItem)):
        return item.model_copy(update={"output": _mend_output(item.output, accepts)})
    if isinstance(item, LocalShellCallItem):
        call_id = item.call_id or item.id
        if not call_id:
            return None
        item = item.model_copy(update={"call_id": call_id})
        return item if accepts.provider_items else as_function_call(item)
    if isinstance(item, ToolSearchCallItem) and item.call_id and not accepts.provider_items:
        return as_function_call(item)
    if isinstance(item, ToolSearchOutputItem) and item.call_id and not accepts.provider_items:
        return FunctionCallOutputItem(call_id=item.call_id, output=json.dumps(item.tools))
    if isinstance(item, OtherItem) or not accepts.provider_items:
        return None
    if isinstance(item, ImageGenerationCallItem):
        return item if item.result and accepts.images else None
    if isinstance(item, FileSearchCallItem):
        return item if _is_stored(item, accepts) else None
    if isinstance(item, ContextCompactionItem):
        return item if item.encrypted_content else None
    return item


def _mend_content(
    content: Sequence[ContentItem], accepts: Accepts, *, assistant: bool
) -> list[ContentItem]:
    """Known parts only, each of the type that belongs to the role."""
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
        elif isinstance(part, InputImage) and not accepts.images:
            part = InputText(text=IMAGE_OMITTED)
        elif isinstance(part, InputAudio) and not accepts.audio:
            part = InputText(text=AUDIO_OMITTED)
        if not isinstance(part, (InputText, OutputText)) or part.text:
            parts.append(part)
    return parts


def _says_something(content: Sequence[ContentItem]) -> bool:
    """Whether there is more than blanks, which several servers refuse as a message."""
    return any(
        part.text.strip() if isinstance(part, (InputText, OutputText)) else True for part in content
    )


def _mend_output(output: ToolOutput, accepts: Accepts) -> ToolOutput:
    if isinstance(output, str):
        return output
    return _mend_content(output, accepts, assistant=False) or ""


def _mend_reasoning(item: ReasoningItem, accepts: Accepts) -> ReasoningItem | None:
    encrypted = item.encrypted_content if accepts.encrypted_reasoning else None
    content = [part for part in item.content or [] if part.text] if accepts.raw_reasoning else []
    stored = accepts.stored_reasoning and has_own_id(item)
    if not (encrypted or content or stored):
        return None
    changes = {"encrypted_content": encrypted or None, "content": content or None}
    return item.model_copy(update=changes)


def _json_object(arguments: str) -> str:
    """Arguments that are a JSON object, since several servers parse them before the model."""
    if not arguments.strip():
        return "{}"
    try:
        if isinstance(parse(arguments, strict=True), dict):
            return arguments
    except ValueError:
        pass
    return json.dumps({"input": arguments})


def as_function_call(item: _Call) -> FunctionCallItem:
    """Any call as a function call, for servers that know no other."""
    if isinstance(item, FunctionCallItem):
        return item
    namespace = None
    if isinstance(item, CustomToolCallItem):
        name, arguments, namespace = item.name, json.dumps({"input": item.input}), item.namespace
    elif isinstance(item, LocalShellCallItem):
        name, arguments = "local_shell", json.dumps(item.action)
    else:
        name, arguments = "tool_search", _json_object(json.dumps(item.arguments))
    return FunctionCallItem(
        name=name, namespace=namespace, arguments=arguments, call_id=item.call_id or ""
    )


# --- ids ---------------------------------------------------------------------------------------

# How each item's own ids begin, at OpenAI; an id of another make is refused.
_ID_PREFIX: dict[type[ResponseItem], str] = {
    MessageItem: "msg_",
    ReasoningItem: "rs_",
    FunctionCallItem: "fc_",
    FunctionCallOutputItem: "fco_",
    CustomToolCallItem: "ctc_",
    CustomToolCallOutputItem: "ctco_",
    LocalShellCallItem: "lsh_",
    WebSearchCallItem: "ws_",
    ImageGenerationCallItem: "ig_",
    CodeInterpreterCallItem: "ci_",
    FileSearchCallItem: "fs_",
    ToolSearchCallItem: "tsc_",
    ToolSearchOutputItem: "tso_",
    CompactionItem: "cmp_",
    ContextCompactionItem: "cmp_",
}


def has_own_id(item: ResponseItem) -> bool:
    """Whether the item's id is one that OpenAI made for an item of this type."""
    prefix = _ID_PREFIX.get(type(item))
    return bool(prefix and item.id and item.id.startswith(prefix) and len(item.id) > len(prefix))


def _without_repetitions(items: Iterable[ResponseItem]) -> list[ResponseItem]:
    """No item twice. Where two different items share an id, the later one loses it.

    A call may well be made twice, by a server that counts its ids anew in each answer: `_pair`
    tells that from one that is there twice.
    """
    seen: dict[tuple[str, str], list[ResponseItem]] = defaultdict(list)
    kept: list[ResponseItem] = []
    for item in items:
        if item.id:
            same_id = seen[item.type, item.id]
            if item in same_id and not _is_call(item):
                continue
            same_id.append(item)
            if len(same_id) > 1:
                item = item.model_copy(update={"id": None})
        kept.append(item)
    return kept


# --- calls and outputs -------------------------------------------------------------------------


def _search(item: ResponseItem) -> bool:
    return isinstance(item, (ToolSearchCallItem, ToolSearchOutputItem))


def _is_call(item: ResponseItem) -> bool:
    """Whether the item is a call that wants an output from us.

    A search without a call id was run by the provider itself.
    """
    return isinstance(item, _Call) and not (_search(item) and not _call_id(item))


def _is_output(item: ResponseItem) -> bool:
    return isinstance(item, _Output) and not (_search(item) and not _call_id(item))


def _call_id(item: ResponseItem) -> str:
    return getattr(item, "call_id", None) or ""


def _pair(items: Sequence[ResponseItem]) -> tuple[list[ResponseItem | None], dict[int, _Output]]:
    """Gives every call an id of its own and finds its output.

    Returns the items, with None for calls that are there twice, and the outputs by the place of
    their call. An output belongs to the first call before it that has its id and no output yet:
    servers that number their calls anew in each turn use the same ids again and again.
    """
    placed: list[ResponseItem | None] = list(items)
    waiting: dict[tuple[bool, str], list[int]] = defaultdict(list)
    outputs: dict[int, _Output] = {}
    used: set[str] = set()
    for place, item in enumerate(items):
        key = _search(item), _call_id(item)
        if _is_call(item):
            if any(_same_call(item, items[other]) for other in waiting[key]):
                placed[place] = None
                continue
            waiting[key].append(place)
            call_id = _unused(_call_id(item), used)
            used.add(call_id)
            placed[place] = item.model_copy(update={"call_id": call_id})
        elif _is_output(item) and waiting[key]:
            call = waiting[key].pop(0)
            outputs[call] = _output_of(placed[call], item)
    for places in waiting.values():
        for place in places:
            outputs[place] = _output_of(placed[place], None)
    return placed, outputs


def _same_call(a: ResponseItem, b: ResponseItem) -> bool:
    said = {"id", "status"}
    return type(a) is type(b) and a.model_dump(exclude=said) == b.model_dump(exclude=said)


def _unused(call_id: str, used: set[str]) -> str:
    base = call_id or "call"
    candidate, number = base, 1
    while candidate in used:
        number += 1
        candidate = f"{base}_{number}"
    return candidate


def _output_of(call: ResponseItem | None, output: ResponseItem | None) -> _Output:
    """The output in the form that belongs to its call; made up when there is none."""
    assert call is not None  # noqa: S101 - only calls that are kept wait for an output
    call_id = _call_id(call)
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


def _is_from_model(item: ResponseItem) -> bool:
    if isinstance(item, MessageItem):
        return item.role == "assistant"
    return not isinstance(item, (CompactionItem, ContextCompactionItem))


def _in_order(
    placed: Sequence[ResponseItem | None], outputs: dict[int, _Output]
) -> list[ResponseItem]:
    """Puts each call's output behind the run of model's items that the call stands in."""
    ordered: list[ResponseItem] = []
    due: list[_Output] = []
    for place, item in enumerate(placed):
        if item is None:
            continue
        if _is_output(item) or not _is_from_model(item):
            ordered += due
            due.clear()
        if not _is_output(item):
            ordered.append(item)
        if place in outputs:
            due.append(outputs[place])
    return ordered + due
