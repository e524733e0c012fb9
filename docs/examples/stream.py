"""Stream an answer: its text as it arrives, then its token usage."""

from __future__ import annotations

import asyncio
import os

from sidestream import PRESETS, ApiKeyAuth, Client, Fetch, Prompt
from sidestream.native import httpx_fetch
from sidestream.types.events import Completed, OutputTextDelta


async def main(fetch: Fetch) -> None:
    client = Client(
        provider=PRESETS["openai"].provider(),
        auth=ApiKeyAuth(os.environ["OPENAI_API_KEY"]),
        fetch=fetch,
        model="gpt-5.2",
    )
    async for event in client.stream(Prompt.from_text("Say hello in three languages.")):
        match event:
            case OutputTextDelta(delta=text):
                print(text, end="", flush=True)
            case Completed(token_usage=usage) if usage:  # always the last event
                print(f"\n{usage}")


if __name__ == "__main__":
    asyncio.run(main(httpx_fetch))
