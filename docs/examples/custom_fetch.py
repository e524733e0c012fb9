"""A `Fetch` of your own: what the client needs of HTTP, here over urllib and nothing else.

The client never opens a connection itself. In the extension it is given the browser's ``fetch``, on
CPython httpx; a proxy, a cache or a test double fits in the same place.
"""

from __future__ import annotations

import asyncio
import os
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Mapping
from http.client import HTTPException
from typing import Any

from sidestream import ApiKeyAuth, Client, ErrorKind, HttpRequest, Prompt, Provider, SidestreamError


class UrllibResponse:
    def __init__(self, response: Any) -> None:
        self._response = response
        self.status: int = response.status
        self.headers: Mapping[str, str] = {k.lower(): v for k, v in response.headers.items()}

    async def chunks(self) -> AsyncIterator[bytes]:
        while True:
            try:  # read1 returns what is there, however little
                chunk = await asyncio.to_thread(self._response.read1, 65_536)
            except (OSError, HTTPException) as error:
                raise _network_error(error) from None
            if not chunk:
                return
            yield chunk

    async def aclose(self) -> None:
        self._response.close()


async def urllib_fetch(request: HttpRequest) -> UrllibResponse:
    outgoing = urllib.request.Request(
        request.url, request.body, dict(request.headers), method=request.method
    )
    try:
        response = await asyncio.to_thread(urllib.request.urlopen, outgoing)
    except urllib.error.HTTPError as error:
        return UrllibResponse(error)  # any status is an answer
    except (OSError, HTTPException) as error:
        raise _network_error(error) from None
    return UrllibResponse(response)


def _network_error(error: Exception) -> SidestreamError:
    message = f"The server cannot be reached: {error}."
    return SidestreamError(ErrorKind.NETWORK, message, retryable=True)


async def main(base_url: str) -> None:
    client = Client(
        provider=Provider(name="OpenAI", base_url=base_url),
        auth=ApiKeyAuth(os.environ["OPENAI_API_KEY"]),
        fetch=urllib_fetch,
        model="gpt-5.2",
    )
    result = await client.complete(Prompt.from_text("Hello"))
    print(result.text or result.error)


if __name__ == "__main__":
    asyncio.run(main(os.environ.get("OPENAI_BASE_URL", "https://api.openai.com/v1")))
