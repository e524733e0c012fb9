"""One request with its retries, over whatever `Fetch` the host provides."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """What is sent. The headers hold secrets, so they never show in a ``repr``."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)


class HttpResponse(Protocol):
    """An answer whose body is still under way."""

    @property
    def status(self) -> int:
        """The HTTP status code."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """Names in lower case."""
        ...

    def chunks(self) -> AsyncIterator[bytes]:
        """The body as it arrives, in batches of any size.

        Raises `SidestreamError` of kind ``network`` when the connection breaks.
        """
        ...

    async def aclose(self) -> None:
        """Abort what is still under way and release everything. May be called twice."""
        ...


Fetch = Callable[[HttpRequest], Awaitable[HttpResponse]]
"""Sends one request. Returns as soon as the headers are there, whatever the status.

Raises `SidestreamError` of kind ``network`` when there is no answer. Cancelling the awaiting task
aborts the request.
"""
