"""The Responses API's stream (``docs/events.md`` says what becomes of every event type).

Only the JSON ``type`` counts, never the SSE event name. Events find their item by ``item_id``, then
by ``output_index``, then by being of the kind that is open: servers in use omit any of them, let
indexes collide, or give every event of an item another id.

`ResponsesDecoder` reads frames and knows how the response ends. `ItemReader` reads the events of
items, `Items` finds the item that an event belongs to, `ItemOrder` gives finished items out in
order, and `Item` collects what arrives of one.
"""

from __future__ import annotations

from sidestream.decode.responses._decoder import ResponsesDecoder

__all__ = ["ResponsesDecoder"]
