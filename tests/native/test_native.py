"""`sidestream.native` against a real socket on loopback."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager

import httpx
import pytest

from sidestream import Client, ErrorKind, Fetch, HttpRequest, Prompt, Provider, SidestreamError
from sidestream.native import HttpxFetch, httpx_fetch
from sidestream.testing import ResponsesStream
from sidestream.types.events import OutputTextDelta

Handler = Callable[[bytes, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def server(handler: Handler) -> AsyncIterator[str]:
    """A server that reads one request after the other and leaves the answers to ``handler``."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = 0
                for line in head.lower().split(b"\r\n"):
                    if line.startswith(b"content-length:"):
                        length = int(line.split(b":")[1])
                await handler(head + await reader.readexactly(length), reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}/v1"
    finally:
        listener.close()


def answer(body: bytes, *headers: bytes) -> bytes:
    lines = [b"HTTP/1.1 200 OK", b"Content-Length: %d" % len(body), *headers, b"", b""]
    return b"\r\n".join(lines) + body


async def text_of(fetch: Fetch, request: HttpRequest) -> bytes:
    response = await fetch(request)
    try:
        return b"".join([chunk async for chunk in response.chunks()])
    finally:
        await response.aclose()
        await response.aclose()


def test_a_whole_turn() -> None:
    seen: list[bytes] = []
    body = ResponsesStream().created().text("Hel", "lo").completed().body

    async def handle(
        request: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        seen.append(request)
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for start in range(0, len(body), 100):
            piece = body[start : start + 100]
            writer.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            await writer.drain()
        writer.write(b"0\r\n\r\n")

    async def main() -> str:
        async with server(handle) as url:
            client = Client(
                provider=Provider(name="Test", base_url=url), fetch=httpx_fetch, model="m"
            )
            return (await client.complete(Prompt.from_text("Hi"))).text

    assert asyncio.run(main()) == "Hello"
    assert seen[0].startswith(b"POST /v1/responses HTTP/1.1\r\n")
    assert b'"stream":true' in seen[0]


def test_connections_are_kept_where_asked_for() -> None:
    ports: list[int] = []

    async def handle(
        request: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        ports.append(writer.get_extra_info("peername")[1])
        packed = gzip.compress(b"zipped")
        writer.write(answer(packed, b"Content-Encoding: gzip", b"X-Name: \xe9", b"X-Name: b"))

    async def main() -> None:
        async with server(handle) as url:
            request = HttpRequest("GET", url, {"X-Latin": "\u00e9"})
            async with HttpxFetch() as fetch:
                assert await text_of(fetch, request) == b"zipped"
                assert await text_of(fetch, request) == b"zipped"
                response = await fetch(request)
                assert response.headers["x-name"].endswith("b")
                await response.aclose()
            assert await text_of(httpx_fetch, request) == b"zipped"
            async with httpx.AsyncClient() as own:
                async with HttpxFetch(own) as fetch:
                    await text_of(fetch, request)
                assert not own.is_closed

    asyncio.run(main())
    assert ports[0] == ports[1]
    assert len(set(ports)) >= 3


def test_nothing_on_this_computer_is_not_asked_again() -> None:
    async def main() -> None:
        async with server(None) as url:  # type: ignore[arg-type]
            pass
        for address in (url, url.replace("127.0.0.1", "localhost")):
            for fetch in (httpx_fetch, HttpxFetch()):
                with pytest.raises(SidestreamError, match=r"Nothing answers at .*:\d+") as caught:
                    await fetch(HttpRequest("GET", address))
                assert caught.value.kind is ErrorKind.NETWORK
                assert not caught.value.retryable
                assert caught.value.hint

    asyncio.run(main())


def test_an_unknown_host_may_be_reached_later() -> None:
    with pytest.raises(SidestreamError, match="cannot be reached") as caught:
        asyncio.run(httpx_fetch(HttpRequest("GET", "http://nobody.invalid/v1")))
    assert (caught.value.kind, caught.value.retryable) == (ErrorKind.NETWORK, True)


def test_a_local_server_without_tls_is_not_reported_as_missing() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async def main() -> None:
        listener = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = listener.sockets[0].getsockname()[1]
        with pytest.raises(SidestreamError) as caught:
            await httpx_fetch(HttpRequest("GET", f"https://127.0.0.1:{port}/v1"))
        assert "Nothing answers" not in str(caught.value)
        listener.close()

    asyncio.run(asyncio.wait_for(main(), 20))


@pytest.mark.parametrize(
    ("url", "headers"),
    [("http://[::", {}), ("http://127.0.0.1:1", {"x": "\u20ac"})],
)
def test_what_cannot_be_sent(url: str, headers: dict[str, str]) -> None:
    with pytest.raises(SidestreamError) as caught:
        asyncio.run(httpx_fetch(HttpRequest("GET", url, headers)))  # type: ignore[arg-type]
    assert caught.value.kind is ErrorKind.CONFIGURATION


def test_a_connection_that_breaks() -> None:
    async def handle(
        request: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        writer.write(answer(b"only this").replace(b": 9", b": 99"))
        await writer.drain()
        writer.close()

    async def main() -> None:
        async with server(handle) as url:
            response = await httpx_fetch(HttpRequest("GET", url))
            chunks = response.chunks()
            assert await anext(chunks) == b"only this"
            with pytest.raises(SidestreamError, match="The connection broke") as caught:
                await anext(chunks)
            assert caught.value.kind is ErrorKind.NETWORK
            await response.aclose()

    asyncio.run(main())


def test_stopping_closes_the_connection() -> None:
    gone = asyncio.Event()
    body = ResponsesStream().created().text("Hello", done=False).body

    async def handle(
        request: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n" + body)
        await writer.drain()
        assert await reader.read() == b""
        gone.set()

    async def main() -> None:
        async with server(handle) as url:
            provider = Provider(name="Test", base_url=url)
            client = Client(provider=provider, fetch=httpx_fetch, model="m")
            async with aclosing(client.stream(Prompt.from_text("Hi"))) as events:
                async for event in events:
                    if isinstance(event, OutputTextDelta):
                        break
            await asyncio.wait_for(gone.wait(), 10)

    asyncio.run(main())


def test_stopping_before_the_headers_closes_the_connection() -> None:
    asked, gone = asyncio.Event(), asyncio.Event()

    async def handle(
        request: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        asked.set()
        assert await reader.read() == b""
        gone.set()

    async def main() -> None:
        async with server(handle) as url:
            task = asyncio.create_task(httpx_fetch(HttpRequest("GET", url)))
            await asyncio.wait_for(asked.wait(), 10)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await asyncio.wait_for(gone.wait(), 10)

    asyncio.run(main())
