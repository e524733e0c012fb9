"""What the client asks of HTTP: one function that sends a request and returns a response.

`Fetch` is the whole transport. `sidestream.native.httpx_fetch` is one over httpx, and the extension
has one over the browser's ``fetch``.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True, repr=False)
class HttpRequest:
    """A request. Its headers and query may hold secrets, so its ``repr`` leaves them out."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None

    @property
    def address(self) -> str:
        """The URL without its query."""
        return re.split(r"[?#]", self.url, maxsplit=1)[0]

    def __repr__(self) -> str:
        return f"HttpRequest({self.method} {self.address})"


class HttpResponse(Protocol):
    """A response whose body is still arriving."""

    @property
    def status(self) -> int:
        """The HTTP status code."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers, with names in lower case."""
        ...

    def chunks(self) -> AsyncIterator[bytes]:
        """The body as it arrives, in batches of any size.

        Raises `SidestreamError` of kind ``network`` when the connection breaks.
        """
        ...

    async def aclose(self) -> None:
        """Abort the response if it is still arriving. May be called twice."""
        ...


Fetch = Callable[[HttpRequest], Awaitable[HttpResponse]]
"""Sends one request. Returns as soon as the headers have arrived, whatever the status.

Raises `SidestreamError` of kind ``network`` when there is no response. Cancelling the awaiting task
aborts the request.
"""
