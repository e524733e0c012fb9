"""A conversation's items made fit to be sent: what servers refuse is mended or left out.

Servers answer 400 to a whole request for one call without an output, one output without a call, one
image to a model without eyes, or one reasoning item that they cannot open; and since a conversation
keeps its items, each later request would fail as well.
"""

from __future__ import annotations

import json
from collections import defaultdict, deque
from collections.abc import Iterable, Sequence

from sidestream._json import parse
from sidestream.payload.tools import flat_name
from sidestream.receivers import Receiver
from sidestream.types.items import (
    IN_BAND,
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
from sidestream.types.wire_api import WireApi

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

IMAGES_FOLLOW = "[The images that the tool gave back:]"
BRIDGE = "[The tool's output was received.]"
"""What the assistant says between a tool's output and the user, for those who insist on that."""
START = "[The conversation begins with an answer.]"
"""The user's first words, where an answer may not come first."""
CONTINUE = "Please continue."
"""The user's last words, where an answer may not come last."""

_Call = FunctionCallItem | CustomToolCallItem | LocalShellCallItem | ToolSearchCallItem
_Output = FunctionCallOutputItem | CustomToolCallOutputItem | ToolSearchOutputItem


def valid_history(
    items: Iterable[ResponseItem],
    receiver: Receiver | None = None,
    *,
    origin: str = "",
    model: str = "",
) -> list[ResponseItem]:
    """The items that can be sent, in an order that the receiver takes.

    Every call has exactly one output, after the call and before anything but the model's own items;
    a missing one is made up. Outputs without a call, repeated items, unknown items and content, and
    what the receiver cannot read are gone. What only the maker of an item understands (its id,
    encrypted reasoning, unknown fields) stays if ``origin`` and ``model`` say that it is asked
    again. Applying it twice changes nothing more.
    """
    receiver = receiver or Receiver()
    own = (_own(item, receiver, origin, model) for item in items)
    known = _without_repetitions(item for item in own if item is not None)
    parts = (part for item in known for part in _in_known_terms(item, receiver))
    mended = (_mend(part, receiver) for part in parts)
    paired = _pair(_with_latest_images([item for item in mended if item is not None]))
    ordered = _with_ids(_with_reasoning(_in_order(*paired), receiver), receiver)
    return _fitting(_in_turns(ordered, receiver), receiver)


# --- what is for the maker of an item alone ----------------------------------------------------


def _own(item: ResponseItem, receiver: Receiver, origin: str, model: str) -> ResponseItem | None:
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


# --- what the provider's own tools did ---------------------------------------------------------


def _in_known_terms(item: ResponseItem, receiver: Receiver) -> Iterable[ResponseItem]:
    """Code that ran at the provider as a call and its output, where it is not known any more.

    Its container is gone after some minutes, and its id where nothing is stored: what it did and
    gave is then said in terms that every server understands.
    """
    if not isinstance(item, CodeInterpreterCallItem) or _is_stored(item, receiver):
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


def _is_stored(item: ResponseItem, receiver: Receiver) -> bool:
    return receiver.provider_items and receiver.stored_items and has_own_id(item)


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


def _mend(item: ResponseItem, receiver: Receiver) -> ResponseItem | None:
    """The item as the receiver can read it, or None when there is nothing for it in there."""
    if isinstance(item, MessageItem):
        parts: Sequence[ContentItem] = item.content
        if item.role in ("system", "developer") and receiver.wire_api is WireApi.CHAT:
            # Images and recordings are for the user's messages there.
            parts = [part for part in parts if not isinstance(part, (InputImage, InputAudio))]
        content = _mend_content(parts, receiver, assistant=item.role == "assistant")
        return item.model_copy(update={"content": content}) if _says_something(content) else None
    if isinstance(item, ReasoningItem):
        return _mend_reasoning(item, receiver)
    if isinstance(item, FunctionCallItem):
        if not item.name:
            return None
        return item.model_copy(update={"arguments": _json_object(item.arguments)})
    if isinstance(item, CustomToolCallItem):
        if not item.name:
            return None
        return item if receiver.custom_calls else as_function_call(item)
    if isinstance(item, (FunctionCallOutputItem, CustomToolCallOutputItem)):
        return item.model_copy(update={"output": _mend_output(item.output, receiver)})
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
        return item if _is_stored(item, receiver) else None
    if isinstance(item, ContextCompactionItem):
        return item if item.encrypted_content else None
    return item


def _mend_content(
    content: Sequence[ContentItem], receiver: Receiver, *, assistant: bool
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
        elif isinstance(part, InputImage) and not receiver.images:
            part = InputText(text=IMAGE_OMITTED)
        elif isinstance(part, InputAudio) and not receiver.audio:
            part = InputText(text=AUDIO_OMITTED)
        if _text(part) != "":
            parts.append(part)
    return parts


def _text(part: ContentItem) -> str | None:
    """A part's text; ``None`` where it is something else."""
    if isinstance(part, Refusal):
        return part.refusal
    return part.text if isinstance(part, (InputText, OutputText)) else None


def _says_something(content: Sequence[ContentItem]) -> bool:
    """Whether there is more than blanks, which several servers refuse as a message."""
    texts = (_text(part) for part in content)
    return any(text is None or text.strip() for text in texts)


def _mend_output(output: ToolOutput, receiver: Receiver) -> ToolOutput:
    mended = output
    if not isinstance(output, str):
        mended = _mend_content(output, receiver, assistant=False) or ""
    says = mended.strip() if isinstance(mended, str) else _says_something(mended)
    return mended if says or receiver.blank_outputs else NO_OUTPUT


def _mend_reasoning(item: ReasoningItem, receiver: Receiver) -> ReasoningItem | None:
    encrypted = item.encrypted_content if receiver.encrypted_reasoning else None
    content = [part for part in item.content or [] if part.text] if receiver.raw_reasoning else []
    stored = receiver.stored_items and has_own_id(item)
    # Chat Completions have reasoning that is nothing but unknown fields, such as OpenRouter's.
    fields = bool(item.extra) and receiver.wire_api is WireApi.CHAT
    if not (encrypted or content or stored or fields):
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
    seen: dict[tuple[str, str], set[str]] = defaultdict(set)
    kept: list[ResponseItem] = []
    for item in items:
        if item.id:
            same_id, written = seen[item.type, item.id], item.model_dump_json()
            if written in same_id and not _is_call(item):
                continue
            again = bool(same_id)
            same_id.add(written)
            if again:
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
    waiting: dict[tuple[bool, str], deque[int]] = defaultdict(deque)
    said: dict[tuple[bool, str], set[str]] = defaultdict(set)
    outputs: dict[int, _Output] = {}
    used: dict[str, int] = {}
    for place, item in enumerate(items):
        key = _search(item), _call_id(item)
        if _is_call(item):
            if _said(item) in said[key]:
                placed[place] = None
                continue
            waiting[key].append(place)
            said[key].add(_said(item))
            call_id = _unused(_call_id(item), used)
            placed[place] = item.model_copy(update={"call_id": call_id})
        elif _is_output(item) and waiting[key]:
            call = waiting[key].popleft()
            said[key].discard(_said(items[call]))
            outputs[call] = _output_of(placed[call], item)
    for places in waiting.values():
        for place in places:
            outputs[place] = _output_of(placed[place], None)
    return placed, outputs


def _said(call: ResponseItem) -> str:
    """What a call says, by which it is the same as another one."""
    return call.model_dump_json(exclude={"id", "status"})


def _unused(call_id: str, used: dict[str, int]) -> str:
    """An id that no other call has; ``used`` has how often each was wanted."""
    base = call_id or "call"
    candidate, number = base, used.get(base, 0)
    while candidate in used:
        number += 1
        candidate = f"{base}_{number}"
    used[base] = max(number, 1)
    used.setdefault(candidate, 1)
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


# --- reasoning, and the ids that hang on it ----------------------------------------------------


def _with_reasoning(items: Sequence[ResponseItem], receiver: Receiver) -> list[ResponseItem]:
    """With the reasoning that is sent: none that nothing follows, as servers refuse that.

    "Item 'rs_…' of type 'reasoning' was provided without its required following item."
    """
    chat = receiver.wire_api is WireApi.CHAT
    users = [place for place, item in enumerate(items) if _role(item) == "user"]
    kept: list[ResponseItem] = []
    for begin, end in _runs(items):
        run = items[begin:end]
        told = not chat or receiver.reasoning_back == "always"
        if chat and receiver.reasoning_back in ("turn", "tools"):
            calls = receiver.reasoning_back == "tools" and any(map(_is_call, run))
            told = calls or not users or begin > users[-1]
        last = max((at for at, item in enumerate(run) if not _is_reasoning(item)), default=-1)
        kept += [i for at, i in enumerate(run) if not _is_reasoning(i) or (told and at < last)]
    return kept


def _runs(items: Sequence[ResponseItem]) -> list[tuple[int, int]]:
    """Where each run of the model's own items begins and ends; every other item stands alone."""
    runs: list[tuple[int, int]] = []
    begin = 0
    for place, item in enumerate(items):
        if _is_output(item) or not _is_from_model(item):
            runs += [(begin, place), (place, place + 1)] if begin < place else [(place, place + 1)]
            begin = place + 1
    return [*runs, (begin, len(items))] if begin < len(items) else runs


def _is_reasoning(item: ResponseItem) -> bool:
    return isinstance(item, ReasoningItem)


def _role(item: ResponseItem) -> str:
    return item.role if isinstance(item, MessageItem) else ""


def _with_ids(items: Sequence[ResponseItem], receiver: Receiver) -> list[ResponseItem]:
    """With the ids that the receiver knows, and wants.

    They are for what it stored. A message or call that was stored after some reasoning is refused
    without it, and the reasoning without what was stored after it: each keeps its id for the other,
    and goes by its content alone otherwise.
    """
    kept: list[ResponseItem] = []
    named = _followed_by_name(items)
    for begin, end in _runs(items):
        known = False
        for place in range(begin, end):
            item = items[place]
            if isinstance(item, ReasoningItem):
                known = receiver.stored_items and named[place] and has_own_id(item)
                keeps = known or (receiver.reasoning_ids and bool(item.id))
                fields = item.extra if receiver.wire_api is WireApi.CHAT else None
                if not (keeps or item.encrypted_content or item.content or fields):
                    continue
            elif isinstance(item, _NAMED_BY_ID):
                keeps = True
            else:
                keeps = known and has_own_id(item)
            kept.append(item if keeps or item.id is None else item.model_copy(update={"id": None}))
    return kept


def _followed_by_name(items: Sequence[ResponseItem]) -> list[bool]:
    """Whether the next item that is no reasoning has an id that OpenAI made."""
    named: list[bool] = []
    following = False
    for item in reversed(items):
        named.append(following)
        if not _is_reasoning(item):
            following = has_own_id(item)
    return named[::-1]


# Items that say nothing without their ids.
_NAMED_BY_ID = (ImageGenerationCallItem, CodeInterpreterCallItem, FileSearchCallItem)


# --- whose turn it is --------------------------------------------------------------------------


def _in_turns(items: Sequence[ResponseItem], receiver: Receiver) -> list[ResponseItem]:
    """User and assistant in an order that the receiver's chat template takes."""
    if receiver.wire_api is WireApi.CHAT:
        items = _images_aside(items)
    turns: list[ResponseItem] = []
    begun = False
    for item in items:
        if isinstance(item, MessageItem) and item.role in ("system", "developer"):
            if not begun or not receiver.system_first:
                turns.append(item)
                continue
            item = item.model_copy(update={"role": "user", "id": None})
        if not begun and receiver.starts_with_user and _role(item) != "user":
            turns.append(_message("user", START))
        begun = True
        before = turns[-1] if turns else None
        if isinstance(item, MessageItem) and item.role == "user" and before is not None:
            if receiver.bridges_tools and _is_output(before):
                turns.append(_message("assistant", BRIDGE))
            elif receiver.merges_users and isinstance(before, MessageItem) and _user(before):
                turns[-1] = _joined(before, item)
                continue
        turns.append(item)
    if begun and receiver.ends_with_user and _role(turns[-1]) == "assistant":
        turns.append(_message("user", CONTINUE))
    return turns


def _user(item: MessageItem) -> bool:
    return item.role == "user"


def _message(role: str, text: str) -> MessageItem:
    part: ContentItem = OutputText(text=text) if role == "assistant" else InputText(text=text)
    return MessageItem(role=role, content=[part])


def _joined(first: MessageItem, second: MessageItem) -> MessageItem:
    parts = list(first.content)
    more = list(second.content)
    if parts and more and isinstance(parts[-1], InputText) and isinstance(more[0], InputText):
        parts[-1:] = [InputText(text=f"{parts[-1].text}\n\n{more[0].text}")]
        del more[0]
    return first.model_copy(update={"content": [*parts, *more], "id": None})


def _images_aside(items: Sequence[ResponseItem]) -> list[ResponseItem]:
    """A tool's message holds text alone in Chat Completions: its images follow as the user's."""
    aside: list[ResponseItem] = []
    images: list[ContentItem] = []
    for item in items:
        if images and not _is_output(item):
            aside.append(_shown(images))
            images = []
        if isinstance(item, FunctionCallOutputItem) and not isinstance(item.output, str):
            text = "".join(part.text for part in item.output if isinstance(part, InputText))
            shown = [part for part in item.output if not isinstance(part, InputText)]
            if shown and not text.strip():
                text = IMAGES_FOLLOW
            item = item.model_copy(update={"output": text})
            images += shown
        aside.append(item)
    return [*aside, _shown(images)] if images else aside


def _shown(images: Sequence[ContentItem]) -> MessageItem:
    return MessageItem(role="user", content=[InputText(text=IMAGES_FOLLOW), *images])


# --- names and ids of calls --------------------------------------------------------------------


def _fitting(items: Sequence[ResponseItem], receiver: Receiver) -> list[ResponseItem]:
    """With names and ids of calls that the receiver takes, the same ones in each request."""
    sent: dict[str, str] = {}
    used: set[str] = set()
    fitting: list[ResponseItem] = []
    for item in items:
        changes: dict[str, object] = {}
        call_id = _call_id(item)
        if call_id:
            if call_id not in sent:
                sent[call_id] = _unused_fit(call_id, receiver, used)
            if sent[call_id] != call_id:
                changes["call_id"] = sent[call_id]
        if isinstance(item, (FunctionCallItem, CustomToolCallItem)):
            changes |= _fitting_name(item, receiver)
        fitting.append(item.model_copy(update=changes) if changes else item)
    return fitting


def _fitting_name(
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
    fit, number = receiver.fit_call_id(call_id), 1
    while fit in used:
        number += 1
        fit = receiver.fit_call_id(f"{call_id}#{number}" + "#" * receiver.call_id_length)
    used.add(fit)
    return fit
