"""The sizes of context windows that errors have revealed. Servers report them nowhere else."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from pydantic import TypeAdapter, ValidationError

from sidestream.session.limits import LimitKey

WINDOWS = "windows"
"""The name under which they are stored."""
MAX_KEPT = 200
LEAST = 256
"""A smaller number is not believed to be a context window."""
KEPT_FOR_S = 7 * 86_400
"""For how long a size is believed: a server may be restarted with another window."""


class Windows:
    """The upper bounds of context windows, in tokens, by provider and model.

    Args:
        now: Unix time in seconds.
        changed: Called after each change.

    """

    def __init__(self, now: Callable[[], float], changed: Callable[[], None]) -> None:
        self._now = now
        self._changed = changed
        self._known: dict[LimitKey, tuple[int, float]] = {}

    def get(self, key: LimitKey) -> int | None:
        """The size as far as errors have revealed it."""
        tokens, at = self._known.get(key, (0, 0.0))
        return tokens if tokens and self._now() - at < KEPT_FOR_S else None

    def exceeded(self, key: LimitKey, tokens: int) -> None:
        """Note that a request of this size was refused, so the window is at most as large."""
        known = self.get(key)
        if tokens >= LEAST and (known is None or tokens < known):
            self._set(key, tokens)

    def reported(self, key: LimitKey, tokens: int) -> None:
        """Note the size that an error contains; it may be larger than what was known."""
        if tokens >= LEAST:
            self._set(key, tokens)

    def held(self, key: LimitKey, tokens: int) -> None:
        """Note that a request of this size was answered, so the window is at least as large."""
        known = self.get(key)
        if known is not None and tokens > known:
            del self._known[key]
            self._changed()

    def _set(self, key: LimitKey, tokens: int) -> None:
        self._known.pop(key, None)
        self._known[key] = (tokens, self._now())
        while len(self._known) > MAX_KEPT:
            del self._known[next(iter(self._known))]
        self._changed()

    def to_json(self) -> str:
        """All sizes, to be stored."""
        kept = [(*key, *size) for key, size in self._known.items()]
        return _KEPT.dump_json(kept).decode()

    def restore(self, text: str) -> None:
        """Continue from `to_json`; what cannot be read is left out."""
        with contextlib.suppress(ValidationError):
            for origin, model, tokens, at in _KEPT.validate_json(text):
                self._known[origin, model] = (tokens, at)


_KEPT: TypeAdapter[list[tuple[str, str, int, float]]] = TypeAdapter(
    list[tuple[str, str, int, float]]
)
