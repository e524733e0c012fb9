"""Unknown fields that must go back to the server, put together from their deltas."""

from __future__ import annotations

from typing import Any

Extra = dict[str, Any]

MAX_PARTS = 1_000
"""The limit of entries that are kept of one list."""

OURS = frozenset({"origin", "extra", "field"})
"""Attributes of our items that no server may set."""

ON_REASONING = frozenset(
    {
        "reasoning_details",  # OpenRouter
        "thinking_blocks",  # LiteLLM
        "reasoning_opaque",  # GitHub Copilot
        *("reasoning_signature", "reasoning_encrypted_content", "encrypted_content", "signature"),
    }
)
"""Fields of a Chat Completions message that belong to its reasoning."""

ON_MESSAGE = frozenset({"extra_content", "provider_specific_fields"})
"""Fields of a Chat Completions message that belong to the message: Gemini's and LiteLLM's."""


def says_nothing(value: Any) -> bool:
    """Whether a field means the same as a missing one."""
    return value is None or value in ("", [], {})


def merge(extra: Extra, fields: Extra) -> None:
    """Add the fields of a delta to those of the deltas before it.

    Objects are merged, lists of reasoning are joined piece by piece, and other lists are extended
    by what is new. Of anything else, the last value counts.
    """
    for name, value in fields.items():
        if says_nothing(value):
            continue
        known = extra.get(name)
        if name == "reasoning_details" and isinstance(value, list):
            extra[name] = known if isinstance(known, Details) else Details()
            for detail in value:
                _add_detail(extra[name], detail)
        elif name == "thinking_blocks" and isinstance(value, list):
            extra[name] = known if isinstance(known, list) else []
            for block in value:
                _add_block(extra[name], block)
        elif isinstance(value, dict) and isinstance(known, dict):
            merge(known, value)
        elif isinstance(value, list) and isinstance(known, list):
            new = value[: MAX_PARTS - len(known)]
            known += [part for part in new if part not in known]
        else:
            extra[name] = _own(value)


def _own(value: Any) -> Any:
    """A copy of what `merge` may change."""
    if isinstance(value, dict):
        return {name: _own(part) for name, part in value.items()}
    return list(value) if isinstance(value, list) else value


class Pieces:
    """A text that grows with each delta and is joined once, by `settled`."""

    __slots__ = ("_pieces", "size")

    def __init__(self, text: str) -> None:
        self._pieces = [text]
        self.size = len(text)

    def add(self, text: str) -> None:
        """Append."""
        self._pieces.append(text)
        self.size += len(text)

    def __str__(self) -> str:
        if len(self._pieces) > 1:
            self._pieces = ["".join(self._pieces)]
        return self._pieces[0]


class Details(list[Any]):
    """OpenRouter's ``reasoning_details``, with an index of entries by type and index."""

    def __init__(self) -> None:
        super().__init__()
        self.alike: dict[tuple[Any, Any], list[Extra]] = {}


def settled(extra: Extra) -> Extra:
    """The result of `merge`, with its growing texts as strings."""
    if isinstance(details := extra.get("reasoning_details"), Details):
        extra["reasoning_details"] = list(details)
    for name in ("reasoning_details", "thinking_blocks"):
        for part in extra.get(name) or ():
            if isinstance(part, dict):
                part.update({k: str(v) for k, v in part.items() if isinstance(v, Pieces)})
    return extra


_PIECES = ("text", "summary", "data")


_MAX_ALIKE = 20
"""The limit of entries with the same index that are distinguished by their ids."""


def _add_detail(details: Details, new: Any) -> None:
    """Join a piece of OpenRouter's ``reasoning_details`` to the entry that it continues.

    Pieces of an entry have the same type, index and id. Without an index, only text that follows
    text directly is continued.
    """
    if not isinstance(new, dict):
        return
    index = new.get("index")
    known_by = (str(new.get("type")), index if isinstance(index, (int, str)) else str(index))
    alike = details[-1:] if index is None else details.alike.get(known_by, [])[-_MAX_ALIKE:]
    last = next((detail for detail in reversed(alike) if _continues(detail, new)), None)
    if last is None:
        if len(details) < MAX_PARTS:
            details.append(dict(new))
            details.alike.setdefault(known_by, []).append(details[-1])
        return
    for name, value in new.items():
        if says_nothing(value):
            continue
        known = last.get(name)
        if name in _PIECES and isinstance(value, str) and isinstance(known, (str, Pieces)):
            grown = known if isinstance(known, Pieces) else Pieces(known)
            if name != "data" or len(value) != grown.size or value != str(grown):
                grown.add(value)
            last[name] = grown
        else:
            last[name] = value


def _continues(detail: Extra, new: Extra) -> bool:
    if detail.get("type") != new.get("type") or detail.get("index") != new.get("index"):
        return False
    ids = (detail.get("id"), new.get("id"))
    if ids[0] != ids[1] and None not in ids:
        return False
    if new.get("type") == "reasoning.encrypted":
        return ids[0] == ids[1] and (new.get("index"), ids[0]) != (None, None)
    # A signature closes a text, unless the piece brings nothing but the signature.
    return not detail.get("signature") or not new.get("text")


def _add_block(blocks: list[Any], new: Any) -> None:
    """Join a piece of LiteLLM's ``thinking_blocks``: text, until a signature closes the block.

    The piece with the signature may be empty or hold the whole text once more.
    """
    if not isinstance(new, dict):
        return
    last = blocks[-1] if blocks else None
    if last is None or last.get("signature") or not last.get("type") == new.get("type") == _TEXT:
        if len(blocks) < MAX_PARTS:
            blocks.append(dict(new))
        return
    known, text = last.get("thinking") or "", str(new.get("thinking") or "")
    grown = known if isinstance(known, Pieces) else Pieces(str(known))
    again = len(text) >= grown.size > 0 and bool(new.get("signature"))
    whole = again and text.startswith(str(grown))
    if whole:
        grown = Pieces(text)
    else:
        grown.add(text)
    last |= {name: value for name, value in new.items() if not says_nothing(value)}
    last["thinking"] = grown


_TEXT = "thinking"
