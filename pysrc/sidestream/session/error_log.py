"""Material for bug reports: the details of an error, and a log of failures on this device.

Neither contains a secret or a text of the user: of a request only its form is kept
(`FailedExchange`).
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sidestream._json import parse
from sidestream._version import VERSION
from sidestream.failed_exchange import FailedExchange
from sidestream.redaction import redact

LOG = "log"
"""The name under which the log is stored."""
MAX_ENTRIES = 100
MAX_SIZE = 256_000
"""Bytes of the stored log."""
MAX_DETAILS = 8_000
"""Bytes of the details that are kept with a turn."""
_MAX_TEXT = 300


def error_details(
    error: Mapping[str, Any],
    *,
    provider: str = "",
    origin: str | None = None,
    model: str | None = None,
    wire_api: str = "",
    finish_reason: str | None = None,
    attempts: int = 0,
    notices: Sequence[str] = (),
    exchange: FailedExchange | None = None,
) -> dict[str, Any]:
    """The ``ErrorDetails`` of ``extension/shared/protocol.js``; what is unknown is left out."""
    details: dict[str, Any] = {
        "provider": provider[:_MAX_TEXT],
        "origin": (origin or "")[:_MAX_TEXT],
        "model": (model or "")[:_MAX_TEXT],
        "wire_api": wire_api,
        "request_id": error.get("request_id"),
        "status": error.get("status"),
        "finish_reason": finish_reason,
        "attempts": attempts or None,
        "notices": [notice[:_MAX_TEXT] for notice in notices[:5]],
        "version": VERSION,
    }
    details = {name: value for name, value in details.items() if value not in (None, "", [])}
    if exchange is not None:
        details["exchange"] = _bounded(exchange, MAX_DETAILS - _size(details) - 20)
    return details


def _bounded(exchange: FailedExchange, room: int) -> dict[str, Any]:
    """An exchange in at most ``room`` bytes; the response has precedence over the request."""
    kept: dict[str, Any] = {
        "method": exchange.method,
        "url": exchange.url[:_MAX_TEXT],
        "status": exchange.status,
    }
    kept = {name: value for name, value in kept.items() if value not in (None, "")}
    more: dict[str, Any] = {
        "response_body": redact(exchange.response_body),
        "response_headers": dict(exchange.response_headers),
        "request_body": redact(exchange.request_body),
        "request_headers": dict(exchange.request_headers),
    }
    for name, value in more.items():
        left = room - _size(kept) - len(name) - 10
        if not value:
            continue
        if _size(value) <= left:
            kept[name] = value
        elif isinstance(value, str) and left > 0:
            kept[name] = _cut(value, left // 2 if name == "response_body" else left)
    return kept


def _cut(text: str, size: int) -> str:
    text = text[:size]
    while text and _size(text) > size - 3:
        text = text[: len(text) * 3 // 4]
    return f"{text}..."


def _size(value: Any) -> int:
    """The size as JSON, in bytes."""
    return _bytes(json.dumps(value, ensure_ascii=False))


def _bytes(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))


class ErrorLog:
    """The last failures and notices, oldest first.

    ``changed`` is called after each change, so that `to_json` can be stored.
    """

    def __init__(self, changed: Callable[[], None] = lambda: None) -> None:
        self._changed = changed
        self._entries: deque[str] = deque()
        """The entries as JSON: they are stored often and read seldom."""
        self._size = 0

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, at: float, what: str, **fields: Any) -> None:
        """Add what happened at a Unix time in seconds."""
        known = {name: value for name, value in fields.items() if value not in (None, "", [], {})}
        entry = {"at": round(at, 3), "what": redact(what)[:_MAX_TEXT], **known}
        if _size(entry) > 2 * MAX_DETAILS:
            entry = {"at": entry["at"], "what": entry["what"]}
        self._append(entry)
        self._changed()

    def _append(self, entry: dict[str, Any]) -> None:
        text = json.dumps(entry, ensure_ascii=False, separators=(",", ":"))
        self._entries.append(text)
        self._size += _bytes(text) + 1
        while len(self._entries) > MAX_ENTRIES or self._size > MAX_SIZE:
            self._size -= _bytes(self._entries.popleft()) + 1

    def clear(self) -> None:
        """Remove all entries."""
        self._entries.clear()
        self._size = 0
        self._changed()

    def text(self) -> str:
        """The log for a reader, the latest first; "" when nothing went wrong."""
        return "\n\n".join(_as_text(json.loads(entry)) for entry in reversed(self._entries))

    def to_json(self) -> str:
        """All entries, to be stored."""
        return f"[{','.join(self._entries)}]"

    def restore(self, text: str) -> None:
        """Continue from `to_json`; what cannot be read is left out."""
        try:
            entries = parse(text) if text else []
        except ValueError:
            return
        for entry in entries if isinstance(entries, list) else ():
            if (
                isinstance(entry, dict)
                and isinstance(entry.get("at"), (int, float))
                and isinstance(entry.get("what"), str)
            ):
                self._append(entry)


def _as_text(entry: Mapping[str, Any]) -> str:
    from datetime import UTC, datetime  # slow to import, and seldom needed

    try:
        at = datetime.fromtimestamp(entry["at"], UTC).isoformat(timespec="seconds")
    except (ValueError, OverflowError, OSError):
        at = "unknown time"
    lines = [f"{at} {entry['what']}"]
    for name, value in entry.items():
        if name not in ("at", "what"):
            shown = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            lines.append(f"  {name}: {shown}")
    return "\n".join(lines)
