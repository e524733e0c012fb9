"""Ask for more or less reasoning, and show its summary beside the answer."""

from __future__ import annotations

import asyncio
import os

from sidestream import PRESETS, ApiKeyAuth, CallOptions, Client, Fetch, Prompt
from sidestream.native import httpx_fetch
from sidestream.types.events import OutputTextDelta, ReasoningSummaryDelta


async def main(fetch: Fetch) -> None:
    client = Client(
        provider=PRESETS["openai"].provider(),
        auth=ApiKeyAuth(os.environ["OPENAI_API_KEY"]),
        fetch=fetch,
        model="gpt-5.2",
    )
    options = CallOptions(effort="high", summary="auto")
    thoughts, answer = "", ""
    async for event in client.stream(Prompt.from_text("Is 2^61 - 1 a prime?"), options):
        match event:
            case ReasoningSummaryDelta(delta=text):
                thoughts += text
            case OutputTextDelta(delta=text):
                answer += text
    print(f"Thought: {thoughts}\nAnswer: {answer}")


if __name__ == "__main__":
    asyncio.run(main(httpx_fetch))
