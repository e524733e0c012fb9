"""Server-sent events: bytes in, events out (HTML standard, 9.2.5 and 9.2.6, "event stream")."""

from __future__ import annotations

import re
from typing import NamedTuple

from sidestream.errors import ErrorKind, SidestreamError
from sidestream.texts import text

__all__ = ["MAX_FRAME_BYTES", "ErrorData", "SSEDecoder", "ServerSentEvent"]

MAX_FRAME_BYTES = 32 * 1024 * 1024
"""The default limit. An image in base64 fits; a stream without end does not."""

_BOM = b"\xef\xbb\xbf"
# An event as model servers send it. The pattern matches at the beginnings of lines only, and
# without backtracking, so that the search is linear. Events of other names are read line by line.
_PLAIN = re.compile(
    rb"^(?:event: (?:response\.|message)[^\n]*+\n)?data: ([^\n]*+)\n\n", re.MULTILINE
)
_KEEP_ALIVE = frozenset({b"ping", b"keepalive", b"keep-alive", b"keep_alive", b"heartbeat"})
# Stands for data outside of events. No event can have this name.
_OUTSIDE = b"\n"
_TELLS_ERROR = re.compile(rb"error|message|detail", re.IGNORECASE)


class ErrorData(bytes):
    """Data that is an error by its place.

    It is the data of an event ``error``, a field ``error``, or JSON that belongs to no event.
    """


class ServerSentEvent(NamedTuple):
    """One dispatched event."""

    event: str = "message"
    data: str = ""
    id: str = ""
    """The last event id that the stream has set, by this event or an earlier one."""
    retry: int | None = None
    """Reconnection time in milliseconds, if it was set since the event before."""


# Event type, data, last event id, reconnection time.
_Frame = tuple[bytes, bytes, str, int | None]


class SSEDecoder:
    """Decodes an event stream incrementally; how it is cut into chunks makes no difference.

    Lines end in LF, CR or CRLF. One leading BOM is dropped, invalid UTF-8 becomes U+FFFD, an event
    without data is not dispatched, and one that the stream's end cuts off is dropped.

    A frame larger than ``max_frame_bytes`` raises `SidestreamError` of kind ``bad_response``, after
    the events before it were given.
    """

    def __init__(self, max_frame_bytes: int = MAX_FRAME_BYTES) -> None:
        self._max = max_frame_bytes
        self._overflown = False
        self._at_start = True
        self._skip_lf = False
        # The unfinished line, in pieces: joined once, when its end has come.
        self._tail: list[bytes] = []
        self._tail_size = 0
        # Data lines stay bytes until dispatch. UTF-8 has no LF or CR inside a character, so
        # decoding line by line equals decoding the stream.
        self._data: list[bytes] = []
        self._data_size = 0
        self._event = b""
        self._id = ""
        self._retry: int | None = None
        # Lines of a field ``error``, or of JSON outside of events.
        self._outside: list[bytes] = []

    def feed(self, chunk: bytes) -> list[ServerSentEvent]:
        """Take the next bytes and return the events that they complete."""
        return [
            ServerSentEvent(_text(event) or "message", _text(data), event_id, retry)
            for event, data, event_id, retry in self._feed(chunk)
            if event is not _OUTSIDE
        ]

    def feed_data(self, chunk: bytes) -> list[bytes]:
        """Take the next bytes and return only the data of the events, undecoded.

        A JSON API needs no more. Errors are `ErrorData`, also those outside of events. Keep-alive
        events that are not JSON are left out.
        """
        begun = (
            self._at_start
            or self._skip_lf
            or self._tail
            or self._data
            or self._outside
            or self._overflown
        )
        begin = chunk.find(b"\n\n") + 2 if begun else 0
        end = chunk.rfind(b"\n\n") + 2
        if end - begin < 2 or len(chunk) > self._max or b"\r" in chunk:
            return _data_of(self._feed(chunk))
        # After two line feeds no event is open, so events that the regular expression matches whole
        # need no look at each line.
        parts = _PLAIN.split(chunk[begin:end])
        if any(parts[::2]):
            return _data_of(self._feed(chunk))
        before = _data_of(self._feed(chunk[:begin])) if begin else []
        if self._overflown:
            return before
        self._event = b""
        self._retry = None
        rest = _data_of(self._feed(chunk[end:])) if end < len(chunk) else []
        return before + parts[1::2] + rest

    def end_data(self) -> list[bytes]:
        """The stream has ended: the data that no blank line has finished, as `feed_data` gives it.

        The standard drops it, but some servers end without the blank line. It may be cut off.
        """
        if self._overflown:
            raise self._too_large()
        frames: list[_Frame] = []
        tail = b"".join(self._tail)
        self._read([tail.removeprefix(_BOM) if self._at_start else tail, b""], frames)
        self.close()
        return _data_of(frames)

    def _feed(self, chunk: bytes) -> list[_Frame]:
        if self._overflown:
            raise self._too_large()
        if not chunk:
            return []
        if self._skip_lf:
            self._skip_lf = False
            if chunk.startswith(b"\n"):
                chunk = chunk[1:]
        if b"\r" in chunk:
            self._skip_lf = chunk.endswith(b"\r")
            chunk = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        lines = chunk.split(b"\n")
        rest = lines.pop()
        frames: list[_Frame] = []
        if lines:
            if self._tail:
                self._tail.append(lines[0])
                lines[0] = b"".join(self._tail)
                self._tail.clear()
                self._tail_size = 0
            if self._at_start:
                self._at_start = False
                lines[0] = lines[0].removeprefix(_BOM)
            self._read(lines, frames)
        if rest:
            self._tail.append(rest)
            self._tail_size += len(rest)
            if self._data_size + self._tail_size > self._max:
                self._overflown = True
        if self._overflown:
            self._tail.clear()
            self._data.clear()
            if not frames:
                raise self._too_large()
        return frames

    def close(self) -> list[ServerSentEvent]:
        """The stream has ended. Always empty: what no blank line has finished is dropped."""
        if self._overflown:
            raise self._too_large()
        self._tail.clear()
        self._data.clear()
        self._outside.clear()
        return []

    def _read(self, lines: list[bytes], frames: list[_Frame]) -> None:
        data = self._data
        for line in lines:
            if not line:
                if data:
                    whole = data[0] if len(data) == 1 else b"\n".join(data)
                    frames.append((self._event, whole, self._id, self._retry))
                    data.clear()
                    self._data_size = 0
                    self._retry = None
                if self._outside:
                    self._end_outside(frames)
                self._event = b""
                continue
            size = self._data_size + len(line)
            if size > self._max:
                self._overflown = True
                return
            if line.startswith(b"data: "):
                if self._outside and not data:
                    self._end_outside(frames)
                data.append(line[6:])
                self._data_size = size
            elif line.startswith(b"event:"):
                self._event = line[7:] if line.startswith(b" ", 6) else line[6:]
            elif not line.startswith(b":"):
                self._read_field(line, size)

    def _read_field(self, line: bytes, size: int) -> None:
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"event":
            self._event = value
        elif name == b"data":
            self._data.append(value)
            self._data_size = size
        elif name == b"id":
            if b"\0" not in value:
                self._id = _text(value)
        elif name == b"retry" and value.isdigit() and len(value) < 16:
            self._retry = int(value)
        elif name == b"error" or self._outside or line.startswith(b"{"):
            self._outside.append(line)
            self._data_size = size

    def _end_outside(self, frames: list[_Frame]) -> None:
        outside = b"\n".join(self._outside)
        if _TELLS_ERROR.search(outside):
            frames.append((_OUTSIDE, outside, self._id, None))
        self._outside.clear()

    def _too_large(self) -> SidestreamError:
        return SidestreamError(
            ErrorKind.BAD_RESPONSE,
            text("error_event_too_large", count=self._max),
            hint=text("hint_no_model_server"),
        )


def _data_of(frames: list[_Frame]) -> list[bytes]:
    found: list[bytes] = []
    for event, data, _, _ in frames:
        if event is _OUTSIDE or event == b"error":
            found.append(ErrorData(data.removeprefix(b"error:").strip()))
        elif event not in _KEEP_ALIVE or data.startswith(b"{"):
            found.append(data)
    return found


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace")
