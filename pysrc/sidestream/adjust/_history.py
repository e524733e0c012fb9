"""The history of a request without what a server refuses in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sidestream.adjust._change import Request
from sidestream.adjust._items import is_user_message, items_of


def remove_encrypted_reasoning(request: Request, _: Any) -> Request:
    """The request without encrypted reasoning, and without the ids that depend on it."""
    name, items = items_of(request)
    opened = [_without_keys(item, ("encrypted_content",)) for item in items]
    return remove_item_ids({**request, name: opened}, None)


def remove_reasoning(request: Request, _: Any) -> Request:
    """The request without reasoning, and without the ids that depend on it."""
    name, items = items_of(request)
    fields = ("reasoning", "reasoning_content", "reasoning_details", "thinking_blocks")
    kept = [item for item in items if not _is_reasoning(item)]
    if name == "messages":
        kept = [_without_keys(item, fields) for item in kept]
    return remove_item_ids({**request, name: kept}, None)


def remove_item_ids(request: Request, _: Any) -> Request:
    """The request without ids of items, and without items that consist of an id alone."""
    name, items = items_of(request)
    if name != "input":
        return request
    kept = []
    for item in items:
        if isinstance(item, dict) and item.get("type") != "image_generation_call":
            item = _without_keys(item, ("id",))
        if _is_reasoning(item) and not (item.get("encrypted_content") or item.get("content")):
            continue
        if isinstance(item, dict) and item.get("type") == "item_reference":
            continue
        kept.append(item)
    return {**request, name: kept}


def _is_reasoning(item: Any) -> bool:
    return isinstance(item, dict) and item.get("type") == "reasoning"


def _without_keys(item: Any, keys: Sequence[str]) -> Any:
    if not isinstance(item, dict) or not any(key in item for key in keys):
        return item
    return {name: value for name, value in item.items() if name not in keys}


def remove_signatures(request: Request, _: Any) -> Request:
    """The request without the signatures of reasoning and calls."""
    name, items = items_of(request)
    bare = []
    for item in items:
        item = _without_keys(item, ("reasoning_details", "thinking_blocks", "extra_content"))
        calls = item.get("tool_calls") if isinstance(item, dict) else None
        if isinstance(calls, list):
            unsigned = [_without_keys(call, ("extra_content",)) for call in calls]
            item = {**item, "tool_calls": unsigned}
        bare.append(item)
    return {**request, name: bare}


def separate_parallel_calls(request: Request, _: Any) -> Request:
    """The request with each call in a message of its own, followed by its output."""
    name, items = items_of(request)
    if name != "messages":
        return request
    outputs = {item["tool_call_id"]: item for item in items if _is_output(item)}
    apart: list[Any] = []
    moved: set[str] = set()
    for item in items:
        calls = item.get("tool_calls") if isinstance(item, dict) else None
        if isinstance(calls, list) and len(calls) > 1:
            for place, call in enumerate(calls):
                own = item if place == 0 else {"role": "assistant", "content": None}
                apart.append({**own, "tool_calls": [call]})
                if (output := outputs.get(call.get("id"))) is not None:
                    apart.append(output)
                    moved.add(output["tool_call_id"])
        elif not (_is_output(item) and item["tool_call_id"] in moved):
            apart.append(item)
    return {**request, name: apart}


def _is_output(item: Any) -> bool:
    return isinstance(item, dict) and item.get("role") == "tool" and "tool_call_id" in item


def shorten_long_texts(request: Request, longest: Any) -> Request:
    """The request with every text cut to the length that the server takes.

    The user's last message stays whole.
    """
    name, items = items_of(request)
    if not isinstance(longest, int) or longest < len(_CUT_MARK):
        return request
    last = max((place for place, item in enumerate(items) if is_user_message(item)), default=0)
    cut = [_shortened(item, longest) for item in items]
    return {**request, name: [*cut[:last], *items[last : last + 1], *cut[last + 1 :]]}


_CUT_MARK = " [… cut]"


def _shortened(value: Any, longest: int, name: str = "") -> Any:
    if isinstance(value, dict):
        return {key: _shortened(part, longest, key) for key, part in value.items()}
    if isinstance(value, list):
        return [_shortened(part, longest, name) for part in value]
    if not isinstance(value, str) or len(value) <= longest:
        return value
    if name == "arguments":
        return "{}"  # Cut arguments would not be JSON.
    cut = name in ("output", "content", "text")
    return value[: longest - len(_CUT_MARK)] + _CUT_MARK if cut else value


def fill_empty_content(request: Request, _: Any) -> Request:
    """The request with an empty text in each message that has none."""
    name, items = items_of(request)
    if name != "messages":
        return request
    filled = [
        {**item, "content": ""} if isinstance(item, dict) and item.get("content") is None else item
        for item in items
    ]
    return {**request, name: filled}


def move_system_into_user_message(request: Request, _: Any) -> Request:
    """The request with the system message at the beginning of the first user message."""
    name, items = items_of(request)
    said = [request["instructions"]] if isinstance(request.get("instructions"), str) else []
    rest = []
    for item in items:
        if isinstance(item, dict) and item.get("role") in ("system", "developer"):
            said.append(_text_of(item.get("content")))
        else:
            rest.append(item)
    text = "\n\n".join(filter(None, said))
    place = next((at for at, item in enumerate(rest) if is_user_message(item)), None)
    if not text or place is None:
        return request
    first = rest[place]
    content = first.get("content")
    if isinstance(content, list):
        kind = "text" if name == "messages" else "input_text"
        content = [{"type": kind, "text": text}, *content]
    else:
        content = f"{text}\n\n{content}"
    rest[place] = {**first, "content": content}
    return {**_without_keys(request, ("instructions",)), name: rest}


def _text_of(content: Any) -> str:
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else ()
    return "".join(str(part.get("text", "")) for part in parts if isinstance(part, dict))
