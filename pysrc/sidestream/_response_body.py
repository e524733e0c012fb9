"""`ResponseBody`: tells a stream from a whole body, and limits the size of both."""

from __future__ import annotations

import re

from sidestream.decode._errors import bad_response
from sidestream.sse import MAX_FRAME_BYTES
from sidestream.texts import text

MAX_BODY_BYTES = MAX_FRAME_BYTES
MAX_ANSWER_BYTES = 256 * 1024 * 1024
"""No answer is longer than this, so a longer stream is an error."""
_HEAD_BYTES = 4 * 1024
_BLANK = b" \t\r\n\xef\xbb\xbf"
_SSE_LINE = re.compile(rb"(?:^|[\r\n])(?:\xef\xbb\xbf)?(?:data|event|id|retry)?:")


class ResponseBody:
    """The body of a response of 2xx.

    Servers mislabel both streams and whole bodies, so the first bytes decide which it is.
    """

    def __init__(self) -> None:
        self.is_stream = True
        self.head = bytearray()
        """The first bytes, for diagnosis."""
        self._pieces: list[bytes] = []
        self._size = 0
        self._decided = False

    @property
    def whole(self) -> bytes:
        """The body, if it is not a stream."""
        return b"".join(self._pieces)

    @property
    def has_frames(self) -> bool:
        """Whether it is a stream that begins like server-sent events."""
        return self.is_stream and _SSE_LINE.search(self.head) is not None

    def add(self, data: bytes) -> bytes:
        """Take the next bytes and return those that belong to a stream."""
        if len(self.head) < _HEAD_BYTES:
            self.head += data[: _HEAD_BYTES - len(self.head)]
        self._size += len(data)
        if self._decided and self.is_stream:
            if self._size > MAX_ANSWER_BYTES:
                raise bad_response(text("error_answer_too_long", count=MAX_ANSWER_BYTES))
            return data
        if self._size > MAX_BODY_BYTES:
            raise bad_response(text("error_body_too_large", count=MAX_BODY_BYTES))
        if not self._decided:
            data = data.lstrip(_BLANK)
            if not data:
                return b""
            self._decided = True
            self.is_stream = data[:1] not in b'{[<"'
            if self.is_stream:
                return data
        self._pieces.append(data)
        return b""
