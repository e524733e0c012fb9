"""Token usage of a session: totals, the last call, and how full the context window is."""

from __future__ import annotations

import asyncio
import os
import time

from sidestream import PRESETS, ApiKeyAuth, Client, Fetch, Prompt
from sidestream.models import get_auto_compact_token_limit, model_info
from sidestream.native import httpx_fetch
from sidestream.session.usage import TokenUsageTracker


async def main(fetch: Fetch) -> None:
    model = model_info("gpt-5.2")
    client = Client(
        provider=PRESETS["openai"].provider(),
        auth=ApiKeyAuth(os.environ["OPENAI_API_KEY"]),
        fetch=fetch,
        model=model.slug,
    )
    tracker = TokenUsageTracker(
        context_window=model.effective_context_window,
        auto_compact_token_limit=get_auto_compact_token_limit(model),
    )
    for turn, question in enumerate(("What is a monad?", "And a comonad?")):
        result = await client.complete(Prompt.from_text(question))
        tracker.update(result.usage, f"turn-{turn}", at=time.time())
    print(tracker.total_usage)
    print(f"{tracker.context_percent_remaining()} % of the window is free")
    print(f"{len(tracker.last_minutes(5, now=time.time()))} calls in the last five minutes")
    print("compact now" if tracker.compaction_due() else "no need to compact")


if __name__ == "__main__":
    asyncio.run(main(httpx_fetch))
