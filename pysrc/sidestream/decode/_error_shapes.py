"""The shapes in which servers report an error in a frame or a body."""

from __future__ import annotations

import json
import re
from typing import Any

from sidestream._json import MAX_VALUES, parse
from sidestream.decode._frames import frame_text
from sidestream.server_errors.shapes import failure_in_base_resp

_MESSAGES = ("message", "msg", "detail")
_ERROR_MESSAGES = ("error_message", "errorMessage", "error_msg", "errmsg", "err_msg")
_CODES = ("code", "error_code", "status_code", "statusCode", "status", "err_code", "errcode")
_FINE = frozenset({"", "0", "200", "ok", "success", "succeeded", "none", "null"})
_ERROR_TYPE = re.compile(r"error|exception|fail", re.IGNORECASE)


def reported_error(raw: dict[str, Any]) -> Any:
    """The error in an object, for `error_from_server_error`; ``None`` if there is none.

    Seen: ``error`` with an object, a text or ``true``; ``object`` or ``type`` of ``error``;
    MiniMax's ``base_resp``; Groq's ``x_groq``; Baidu's ``error_msg``; and where there are no
    ``choices``, FastAPI's ``detail`` and a bare ``code`` with a ``message``.
    """
    error = raw.get("error")
    if error:
        message = raw.get("message")
        if isinstance(error, str) and isinstance(message, str) and message:
            words = message if error in message else f"{error}: {message}"
            return {**raw, "error": None, "message": words}
        return error if isinstance(error, (dict, list)) else raw
    if failure := failure_in_base_resp(raw):
        return failure
    groq = raw.get("x_groq")
    if isinstance(groq, dict) and groq.get("error"):
        return groq["error"]
    kind = raw.get("type")
    if raw.get("object") == "error" or kind == "error":
        return raw
    for name in _ERROR_MESSAGES:
        if isinstance(raw.get(name), str) and raw[name]:
            code = next((raw[code] for code in _CODES if raw.get(code)), None)
            return {"code": code, "type": raw.get("error_type"), "message": raw[name]}
    if raw.get("choices") or raw.get("output"):
        return None
    if kind is not None or raw.get("event") is not None:
        speaks = any(isinstance(raw.get(name), str) and raw[name] for name in _MESSAGES)
        return raw if isinstance(kind, str) and _ERROR_TYPE.search(kind) and speaks else None
    if raw.get("detail") or raw.get("errors") or raw.get("success") is False:
        return raw
    words = next((raw[name] for name in _MESSAGES if isinstance(raw.get(name), str)), "")
    if words.lower() in _FINE:
        return None
    for name in _CODES:
        code = raw.get(name)
        if isinstance(code, bool) or not isinstance(code, (int, str)):
            continue
        if isinstance(code, int) and 100 <= code < 400:
            continue
        if str(code).lower() not in _FINE:
            return raw
    return None


def error_in(data: str | bytes, *, certain: bool) -> Any:
    """The error in a frame that is not an event of the wire API; ``None`` if there is none.

    ``certain``: the server has marked the frame as an error, so any content is one. Otherwise the
    error is searched for in each line and in objects that follow each other, because gateways write
    their error into an event that they had begun.
    """
    text = frame_text(data).strip()
    objects, rest = objects_in(text)
    if rest:
        for mark in _GLUED.finditer(text, max(0, len(text) - _MAX_GLUED)):
            value, _ = _object_at(text, mark.start())
            if value is not None:
                objects.append(value)
                break
    for value in reversed(objects):
        error = reported_error(value)
        if error is not None:
            return error
    if not certain:
        return None
    return objects[-1] if objects and not rest else text or "The server reports an error."


def objects_in(text: str) -> tuple[list[dict[str, Any]], bool]:
    """The JSON objects of a text, and whether the text holds anything else.

    The objects have lines of their own or follow each other directly.
    """
    found: list[dict[str, Any]] = []
    rest = False
    try:
        whole = parse(text)
        values = whole if isinstance(whole, list) else [whole]
        return [value for value in values if isinstance(value, dict)], False
    except ValueError:
        pass
    for line in text.split("\n"):
        place = 0
        line = line.strip()
        while place < len(line):
            value, end = _object_at(line, place)
            if value is None:
                rest = True
                break
            found.append(value)
            place = end
            while place < len(line) and line[place] in " \t\r,":
                place += 1
    return found, rest


# An error object after the beginning of a frame that was never finished.
_GLUED = re.compile(r'\{\s{0,4}"(?:error|type"\s{0,4}:\s{0,4}"error)"')
_MAX_GLUED = 20_000
_DECODER = json.JSONDecoder(strict=False)
_MAX_BRACKETS = 200


def _object_at(text: str, place: int) -> tuple[dict[str, Any] | None, int]:
    # The standard library's parser must not be given what is nested deeply (see `parse`).
    brackets = text.count("{", place) + text.count("[", place)
    if text[place] != "{" or brackets > _MAX_BRACKETS or text.count(",", place) > MAX_VALUES:
        return None, place
    try:
        value, end = _DECODER.raw_decode(text, place)
    except ValueError:
        return None, place
    return value if isinstance(value, dict) else None, end
