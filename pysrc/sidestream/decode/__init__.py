"""From one server-sent event's data to `ResponseEvent`s: a state machine per wire API, no I/O.

Both decoders keep one promise: the item in an `OutputItemDone` agrees with the deltas before it.
What a server sends only in a ``.done`` event, in the finished item or in the finished response is
given out as a delta first; what it omits there is taken from the deltas.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Protocol

from sidestream.decode._events import Events
from sidestream.errors import SidestreamError
from sidestream.types.events import ResponseEvent
from sidestream.types.items import ResponseItem


class Decoder(Protocol):
    """Turns the frames of one answer into events. A repeated request needs a new decoder."""

    done: bool
    """The answer has ended, well or with `error`: stop reading. Later frames are ignored."""
    error: SidestreamError | None
    """Why the answer ended badly; set by `feed` (failed, incomplete, ``error``) or `close`."""
    finished_items: list[ResponseItem]
    """The items of every `OutputItemDone` so far."""

    @property
    def skipped(self) -> int:
        """Frames that were not JSON objects or of an unknown type."""
        ...

    @property
    def response_id(self) -> str:
        """The provider's id of the answer; empty until a frame has it."""
        ...

    @property
    def sequence_number(self) -> int | None:
        """The number of the last frame that was read, ``None`` if the server does not count them.

        The frames after it are the rest of the answer.
        """
        ...

    @property
    def complete(self) -> bool:
        """Whether nothing is lost if the stream ends or falls silent now.

        True from ``response.completed`` on; in Chat Completions already from the finish reason on,
        because not every server sends ``[DONE]`` or closes the connection after it. If that reason
        says that the answer was cut short, `error` is set as well, while the usage is waited for.
        """
        ...

    @property
    def foreign(self) -> bool:
        """Whether frames arrived, but none of this wire API, so that repeating does not help."""
        ...

    @property
    def has_open(self) -> bool:
        """Whether an item has begun and is not finished."""
        ...

    @property
    def holds_call(self) -> bool:
        """Whether a whole call waits for what began before it: `close` gives it out."""
        ...

    def feed(self, data: str | bytes) -> list[ResponseEvent]:
        """Events of one frame's data. Never raises.

        A good end finishes every open item and gives `Completed` last. A bad end sets `error` and
        finishes nothing, so that the request can be repeated; `close` does the rest.
        """
        ...

    def feed_all(self, frames: Iterable[str | bytes], events: Events) -> None:
        """Add the events of several frames, up to the end of the answer. Never raises."""
        ...

    def feed_body(self, body: bytes) -> list[ResponseEvent]:
        """Events of a whole JSON body, from a server that does not stream. Never raises.

        Sets `done`, and `error` of kind ``bad_response`` if the body is not an answer.
        """
        ...

    def close(self) -> list[ResponseEvent]:
        """Call once when no further frame will come: what is left, with `Completed` last.

        Open messages and reasoning are finished as they are, half-written calls are dropped. Gives
        `Completed` only if `feed` did not, and sets `error` of kind ``stream_closed`` if the answer
        was not `complete`.
        """
        ...


def decoder_for(
    wire_api: str,
    *,
    now: Callable[[], float] = time.time,
    faster_model: str | None = None,
) -> Decoder:
    """A new decoder for ``"responses"`` or ``"chat"`` (the values of `WireApi`).

    ``faster_model`` is the header ``x-codex-safety-buffering-faster-model``, for `SafetyBuffering`
    events that name none. ``now`` gives Unix time in seconds, for waits that a server states.
    """
    from sidestream.decode.chat import ChatDecoder
    from sidestream.decode.responses import ResponsesDecoder

    if wire_api == "chat":
        return ChatDecoder(now=now)
    return ResponsesDecoder(now=now, faster_model=faster_model)


def decoder_for_the_rest(
    response_id: str,
    finished_items: Iterable[ResponseItem] = (),
    *,
    now: Callable[[], float] = time.time,
) -> Decoder:
    """A decoder for the rest of a response whose beginning another decoder has read.

    ``finished_items`` are those that the other decoder has finished. Of an item that it has begun,
    this one gives the further deltas, and in the end the whole item as the server sends it. If the
    server does not send it again, there is no `OutputItemDone` for it.
    """
    from sidestream.decode.responses import ResponsesDecoder

    return ResponsesDecoder.from_the_middle(response_id, finished_items, now=now)
