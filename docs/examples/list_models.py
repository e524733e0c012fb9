"""The models that a provider offers, with what the provider and Sidestream know of them."""

from __future__ import annotations

import asyncio
import os

from sidestream import PRESETS, ApiKeyAuth, Client, Fetch
from sidestream.native import httpx_fetch


async def main(fetch: Fetch) -> None:
    client = Client(
        provider=PRESETS["openrouter"].provider(),
        auth=ApiKeyAuth(os.environ["OPENROUTER_API_KEY"]),
        fetch=fetch,
    )
    for model in await client.list_models():
        window = f"{model.context_window} tokens" if model.context_window else "window unknown"
        images = {True: "images", False: "text only", None: ""}[model.supports_images]
        print(f"{model.slug:40} {window:>16}  {images}".rstrip())


if __name__ == "__main__":
    asyncio.run(main(httpx_fetch))
