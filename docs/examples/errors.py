"""One family of errors: a kind for programs, a message and a hint for people."""

from __future__ import annotations

import asyncio
import os

from sidestream import PRESETS, ApiKeyAuth, Client, ErrorKind, Fetch, Prompt, SidestreamError
from sidestream.native import httpx_fetch
from sidestream.types.events import OutputTextDelta


async def main(fetch: Fetch) -> None:
    client = Client(
        provider=PRESETS["openai"].provider(),
        auth=ApiKeyAuth(os.environ["OPENAI_API_KEY"]),
        fetch=fetch,
        model="gpt-5.2",
    )
    try:
        async for event in client.stream(Prompt.from_text("Hello")):
            if isinstance(event, OutputTextDelta):
                print(event.delta, end="")
    except SidestreamError as error:
        print(error.message)
        if error.hint:
            print(error.hint)
        if error.kind is ErrorKind.AUTHENTICATION:
            print("Set another OPENAI_API_KEY.")
        elif error.retryable and error.retry_after_ms:
            print(f"The server asks for a pause of {error.retry_after_ms / 1000:.0f} s.")
        print(error.to_dict())  # all that is known: status, request id, the server's message


if __name__ == "__main__":
    asyncio.run(main(httpx_fetch))
