"""Show an image to the model."""

from __future__ import annotations

import asyncio
import base64
import os
import sys
from pathlib import Path

from sidestream import PRESETS, ApiKeyAuth, Client, Fetch, Prompt
from sidestream.native import httpx_fetch
from sidestream.types.items import InputImage, InputText, MessageItem


async def main(fetch: Fetch, image: Path) -> None:
    client = Client(
        provider=PRESETS["openai"].provider(),
        auth=ApiKeyAuth(os.environ["OPENAI_API_KEY"]),
        fetch=fetch,
        model="gpt-5.2",
    )
    url = f"data:image/png;base64,{base64.b64encode(image.read_bytes()).decode()}"
    question = [InputText(text="What is in this image?"), InputImage(image_url=url)]
    result = await client.complete(Prompt(input=[MessageItem(role="user", content=question)]))
    print(result.text or result.error)


if __name__ == "__main__":
    asyncio.run(main(httpx_fetch, Path(sys.argv[1])))
