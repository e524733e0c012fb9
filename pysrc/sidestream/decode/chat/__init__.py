"""The Chat Completions stream, as OpenAI and the many servers that imitate it send it.

The answer becomes the items that the Responses API would give: reasoning, one message, then the
calls in the order in which they began. Only the first choice is read, because a request never asks
for more.

`ChatDecoder` reads chunks and knows how the answer ends. What the chunks hold is collected by three
objects: `Reasoning`, `Message` and `ToolCalls`.
"""

from __future__ import annotations

from sidestream.decode.chat._decoder import ChatDecoder

__all__ = ["ChatDecoder"]
