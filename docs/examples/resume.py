"""An answer that outlives the process: when this ends before the answer does, run it again."""

from __future__ import annotations

import asyncio
import json
import os
from contextlib import aclosing
from pathlib import Path

from sidestream import PRESETS, ApiKeyAuth, CallOptions, Client, Fetch, Prompt, SidestreamError
from sidestream.native import httpx_fetch
from sidestream.types.events import OutputTextDelta

STATE = Path.home() / "sidestream-answer.json"


async def main(fetch: Fetch) -> None:
    client = Client(
        provider=PRESETS["openai"].provider(),
        auth=ApiKeyAuth(os.environ["OPENAI_API_KEY"]),
        fetch=fetch,
        model="gpt-5.2",
        # OpenAI writes the answer by itself, and keeps it for a while.
        defaults=CallOptions(background=True),
    )
    text = ""
    if STATE.exists():
        state = json.loads(STATE.read_text())
        text = state["text"]
        answer = client.resume(state["response_id"], state["after"])
    else:
        answer = client.stream_batches(Prompt.from_text("Tell me a long story."))
    try:
        async with aclosing(answer) as batches:
            async for batch in batches:
                text += "".join(e.delta for e in batch if isinstance(e, OutputTextDelta))
                if batch.sequence_number is not None:
                    # The text and how far it goes, always together.
                    at = {"response_id": batch.response_id, "after": batch.sequence_number}
                    STATE.write_text(json.dumps({"text": text, **at}))
    except SidestreamError as error:
        print(f"{text!r}, and then: {error.message}")
    else:
        STATE.unlink(missing_ok=True)
        print(text)


if __name__ == "__main__":
    asyncio.run(main(httpx_fetch))
