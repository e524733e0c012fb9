"""Show retries and silence, so that the user knows why nothing arrives."""

from __future__ import annotations

import asyncio
import os

from sidestream import PRESETS, ApiKeyAuth, Client, Fetch, Prompt, SidestreamError
from sidestream.native import httpx_fetch
from sidestream.types.events import (
    Completed,
    OutputItemDone,
    OutputTextDelta,
    Reconnecting,
    StreamIdle,
)


async def main(fetch: Fetch) -> None:
    client = Client(
        provider=PRESETS["openai"].provider(request_max_retries=3, stream_max_retries=2),
        auth=ApiKeyAuth(os.environ["OPENAI_API_KEY"]),
        fetch=fetch,
        model="gpt-5.2",
    )
    unfinished = ""
    try:
        async for event in client.stream(Prompt.from_text("Tell me a story.")):
            match event:
                case OutputTextDelta(delta=text):
                    unfinished += text
                case OutputItemDone(item=item):
                    print(f"finished: {item.to_json()}")
                    unfinished = ""
                case Reconnecting(attempt=n, max_attempts=of, delay_ms=wait, reason=reason):
                    # The new answer starts after the last finished item.
                    print(f"taken back: {unfinished!r}")
                    print(f"reconnecting {n}/{of} in {wait / 1000:.1f} s: {reason}")
                    unfinished = ""
                case StreamIdle(idle_ms=idle, timeout_ms=limit):
                    print(f"silent for {idle // 1000} s, giving up after {limit // 1000} s")
                case Completed():
                    print("completed")
    except SidestreamError as error:  # comes after Completed, when all retries are used up
        print(f"{error.kind}: {error.message}")


if __name__ == "__main__":
    asyncio.run(main(httpx_fetch))
