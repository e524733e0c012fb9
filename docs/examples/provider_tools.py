"""Let the provider search the web and run code, and see what it does."""

from __future__ import annotations

import asyncio
import os

from sidestream import PRESETS, ApiKeyAuth, Client, Fetch, Prompt
from sidestream.native import httpx_fetch
from sidestream.types.events import OutputItemDone, OutputTextDelta, ToolCallProgress
from sidestream.types.items import CodeInterpreterCallItem, WebSearchCallItem
from sidestream.types.tools import CodeInterpreterTool, WebSearchTool


async def main(fetch: Fetch) -> None:
    client = Client(
        provider=PRESETS["openai"].provider(),
        auth=ApiKeyAuth(os.environ["OPENAI_API_KEY"]),
        fetch=fetch,
        model="gpt-5.2",
    )
    prompt = Prompt.from_text("How long is the longest day in Bern? Compute it from a source.")
    prompt = prompt.model_copy(update={"tools": [WebSearchTool(), CodeInterpreterTool()]})
    async for event in client.stream(prompt):
        match event:
            case ToolCallProgress(status="searching" | "interpreting"):
                print(f"[{event.tool}: {event.status}]")
            case OutputItemDone(item=WebSearchCallItem(action={"query": query})):
                print(f"searched for: {query}")
            case OutputItemDone(item=CodeInterpreterCallItem() as item):
                print(f"ran: {item.code}\n{item.logs}")
            case OutputTextDelta():
                print(event.delta, end="", flush=True)
    print()


if __name__ == "__main__":
    asyncio.run(main(httpx_fetch))
