"""A conversation of several turns: the history is a list of items, and it is yours."""

from __future__ import annotations

import asyncio
import os

from sidestream import PRESETS, ApiKeyAuth, CallOptions, Client, Fetch, Prompt
from sidestream.native import httpx_fetch
from sidestream.types.items import InputText, MessageItem, ResponseItem


async def main(fetch: Fetch) -> None:
    client = Client(
        provider=PRESETS["openai"].provider(),
        auth=ApiKeyAuth(os.environ["OPENAI_API_KEY"]),
        fetch=fetch,
        model="gpt-5.2",
        # Also the key under which OpenAI caches the common beginning of the requests.
        defaults=CallOptions(conversation_id="0199a213-81c0-7800-8aa1-bbab2a035a53"),
    )
    history: list[ResponseItem] = []
    for question in ("What is the capital of France?", "And how many people live there?"):
        history.append(MessageItem(role="user", content=[InputText(text=question)]))
        result = await client.complete(Prompt(input=history))
        history += result.items  # messages, reasoning and calls, as the model gave them
        print(f"> {question}\n{result.text}")


if __name__ == "__main__":
    asyncio.run(main(httpx_fetch))
