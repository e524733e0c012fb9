"""A server that speaks Chat Completions, here Ollama: same client, same events."""

from __future__ import annotations

import asyncio

from sidestream import PRESETS, CallOptions, Client, Fetch, NoAuth, Prompt
from sidestream.native import httpx_fetch
from sidestream.types.events import Completed, OutputTextDelta, ReasoningContentDelta


async def main(fetch: Fetch) -> None:
    client = Client(
        provider=PRESETS["ollama"].provider(stream_idle_timeout_ms=600_000),  # slow at first
        auth=NoAuth(),
        fetch=fetch,
        model="gpt-oss:20b",
        defaults=CallOptions(temperature=0.2),
    )
    async for event in client.stream(Prompt.from_text("What is 17 x 23?")):
        match event:
            case ReasoningContentDelta(delta=text):
                print(f"({text})", end="", flush=True)
            case OutputTextDelta(delta=text):
                print(text, end="", flush=True)
            case Completed(token_usage=usage) if usage:
                print(f"\n{usage.output_tokens} tokens written")


if __name__ == "__main__":
    asyncio.run(main(httpx_fetch))
