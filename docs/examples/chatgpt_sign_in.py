"""Use the ChatGPT sign-in of a Codex ``auth.json``; renewed tokens are written back."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any

from sidestream import PRESETS, ChatGptAuth, Client, Fetch, Prompt
from sidestream.native import httpx_fetch

AUTH_FILE = Path.home() / ".codex" / "auth.json"


def store(auth_json: dict[str, Any]) -> None:
    AUTH_FILE.write_text(json.dumps(auth_json, indent=2))


async def main(fetch: Fetch) -> None:
    auth = ChatGptAuth(AUTH_FILE.read_text(), now=time.time, on_refresh=store)
    client = Client(provider=PRESETS["chatgpt"].provider(), auth=auth, fetch=fetch, model="gpt-5.2")
    result = await client.complete(Prompt.from_text("Hello"))
    print(f"{auth.plan_type} plan: {result.text or result.error}")


if __name__ == "__main__":
    asyncio.run(main(httpx_fetch))
