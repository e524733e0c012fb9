"""Azure OpenAI: the model is the name of your deployment."""

from __future__ import annotations

import asyncio
import os

from sidestream import PRESETS, ApiKeyAuth, Client, Fetch, Prompt
from sidestream.native import httpx_fetch


async def main(fetch: Fetch) -> None:
    client = Client(
        provider=PRESETS["azure"].provider(
            base_url="https://my-resource.openai.azure.com/openai",
            query_params={"api-version": "2025-04-01-preview"},  # not needed with /openai/v1
        ),
        auth=ApiKeyAuth(os.environ["AZURE_OPENAI_API_KEY"]),  # sent as "api-key"
        fetch=fetch,
        model="my-gpt-5-deployment",
    )
    result = await client.complete(Prompt.from_text("Hello"))
    print(result.text or result.error)


if __name__ == "__main__":
    asyncio.run(main(httpx_fetch))
