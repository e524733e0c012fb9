"""The facts of providers' model lists. They are stored, since a chat does not load the list."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from sidestream._json import parse
from sidestream.errors import SidestreamError
from sidestream.models import ModelInfo, model_info

MODELS = "models"
"""The name under which they are stored."""
MAX_MODELS = 2_000
MAX_CHARACTERS = 200_000
"""The limit of the stored text. Beyond either limit, the models listed longest ago are dropped."""

_ALREADY_KNOWN = {"slug", "display_name"}


class KnownModels:
    """Facts by provider and model, as far as they differ from the table of `sidestream.models`."""

    def __init__(self) -> None:
        self._facts: dict[tuple[str, str], dict[str, Any]] = {}

    def learn(self, origin: str, listed: Iterable[ModelInfo]) -> bool:
        """Store what a provider's list says of its models. Returns whether anything has changed."""
        before = list(self._facts.items())
        for info in listed:
            key = origin, info.slug
            self._facts.pop(key, None)
            if facts := _facts_of(info):
                self._facts[key] = facts
        while len(self._facts) > MAX_MODELS:
            del self._facts[next(iter(self._facts))]
        return list(self._facts.items()) != before

    def info(self, origin: str, model: str) -> ModelInfo:
        """What is known of a provider's model, from its list or else from the table."""
        try:
            return model_info(model, self._facts.get((origin, model)))
        except SidestreamError:
            # Another version stored something else in one of these fields.
            del self._facts[origin, model]
            return model_info(model)

    def has(self, origin: str, model: str) -> bool:
        """Whether a list has a fact of the model that the table does not have."""
        return (origin, model) in self._facts

    def to_json(self) -> str:
        """All facts as text, for `restore`."""
        entries = [
            json.dumps([*key, facts], ensure_ascii=False, separators=(",", ":"))
            for key, facts in self._facts.items()
        ]
        room, kept = MAX_CHARACTERS, 0
        for entry in reversed(entries):
            room -= len(entry) + 1
            if room < 0:
                break
            kept += 1
        return f"[{','.join(entries[len(entries) - kept :])}]"

    def restore(self, text: str) -> None:
        """Continue from `to_json`. What cannot be read is left out; the lists contain it again."""
        try:
            entries = parse(text) if text else []
        except ValueError:
            return
        for entry in entries if isinstance(entries, list) else []:
            match entry:
                case [str(origin), str(model), dict(facts)]:
                    # There may be thousands, so they are validated only when they are used.
                    self._facts[origin, model] = facts


def _facts_of(info: ModelInfo) -> dict[str, Any]:
    known = model_info(info.slug).model_dump()
    listed = info.model_dump(exclude=_ALREADY_KNOWN, exclude_none=True)
    return {name: value for name, value in listed.items() if value != known[name]}
