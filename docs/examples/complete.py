"""Await a whole answer. What arrived before an error is never lost."""

from __future__ import annotations

import asyncio
import os

from sidestream import PRESETS, ApiKeyAuth, CallOptions, Client, Fetch, Prompt
from sidestream.native import httpx_fetch


async def main(fetch: Fetch) -> None:
    client = Client(
        provider=PRESETS["openai"].provider(),
        auth=ApiKeyAuth(os.environ["OPENAI_API_KEY"]),
        fetch=fetch,
        model="gpt-5.2",
        defaults=CallOptions(verbosity="low"),
    )
    prompt = Prompt.from_text("Why is the sky blue?", instructions="Answer in one sentence.")
    # Options of one call win over the client's defaults.
    result = await client.complete(prompt, CallOptions(effort="low", max_output_tokens=200))

    print(result.text)
    if result.error:
        print(f"[{result.error.kind}] {result.error.message} {result.error.hint}")
    if result.usage:
        print(f"{result.usage.total_tokens} tokens, response {result.response_id}")


if __name__ == "__main__":
    asyncio.run(main(httpx_fetch))
