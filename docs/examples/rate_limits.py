"""Rate limits: reported before the answer begins, kept by a manager that knows whether to wait."""

from __future__ import annotations

import asyncio
import os
import time

from sidestream import PRESETS, ApiKeyAuth, Client, Fetch, Prompt
from sidestream.native import httpx_fetch
from sidestream.session.rate_limits import RateLimitManager


async def main(fetch: Fetch) -> None:
    client = Client(
        provider=PRESETS["openai"].provider(),
        auth=ApiKeyAuth(os.environ["OPENAI_API_KEY"]),
        fetch=fetch,
        model="gpt-5.2",
    )
    limits = RateLimitManager()
    for question in ("What is a monad?", "And a comonad?"):
        await asyncio.sleep(limits.wait_ms(time.time()) / 1000)
        result = await client.complete(Prompt.from_text(question))
        limits.update(result.rate_limits, time.time())
        if result.error and result.error.retry_after_ms:
            limits.note_retry_after(result.error.retry_after_ms, time.time())
        for limit in limits.restrictions(time.time()):
            print(f"{limit.limit_id} {limit.kind}: {limit.used_percent:.0f} % used")


if __name__ == "__main__":
    asyncio.run(main(httpx_fetch))
