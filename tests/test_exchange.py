from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from sidestream.exchange import Exchange, read_body
from sidestream.testing import FakeResponse, MockSSEStream, Reply, run


def send(response: FakeResponse) -> Any:
    async def sending() -> FakeResponse:
        return response

    return sending


def test_reading_pauses_while_no_chunk_is_taken() -> None:
    response = FakeResponse(Reply(MockSSEStream(b"x" * 3_000_000).chunked(400_000)))

    async def main() -> None:
        exchange = Exchange(send(response), 5000)
        await exchange.wait()
        await asyncio.sleep(3600)  # the reader is slow, not the server
        assert not exchange.ended
        assert len(exchange.take()) == 800_000
        await exchange.wait()
        assert len(await read_body(exchange, 10_000_000)) == 2_200_000
        await exchange.aclose()
        await exchange.aclose()

    run(main())
    assert response.read_to_end


def test_a_bug_in_fetch_comes_through() -> None:
    async def sending() -> FakeResponse:
        raise ZeroDivisionError

    async def main() -> None:
        exchange = Exchange(sending, 5000)
        with pytest.raises(ZeroDivisionError):
            await exchange.wait()
        await exchange.aclose()

    run(main())


def test_closing_at_once_and_in_every_state() -> None:
    async def main() -> None:
        for delay in (0, 1, 2, 5):
            response = FakeResponse(Reply(MockSSEStream(b"a").pause(1).raw(b"").stall()))
            exchange = Exchange(send(response), 50_000)
            if delay:
                await asyncio.sleep(delay)
            await exchange.aclose()
            assert exchange.ended is bool(delay)
            assert response.closed is bool(delay)

    run(main())


def test_iterators_without_aclose_and_empty_chunks() -> None:
    class Chunks:
        def __init__(self) -> None:
            self.left = [b"", b"a", b"", b"b"]

        def __aiter__(self) -> AsyncIterator[bytes]:
            return self

        async def __anext__(self) -> bytes:
            if not self.left:
                raise StopAsyncIteration
            return self.left.pop(0)

    class Plain(FakeResponse):
        def chunks(self) -> AsyncIterator[bytes]:
            return Chunks()

    async def main() -> bytes:
        exchange = Exchange(send(Plain(Reply())), 5000)
        await exchange.wait()
        body = await read_body(exchange, 100)
        await exchange.aclose()
        return body

    assert run(main()) == b"ab"


def test_bytes_reset_the_silence() -> None:
    stream = MockSSEStream()
    for pause in (29, 31, 29, 61):
        stream.pause(pause).comment()

    async def main() -> list[float]:
        loop = asyncio.get_running_loop()
        exchange = Exchange(send(FakeResponse(Reply(stream))), 300_000)
        reported = []
        while not exchange.ended:
            exchange.take()
            if not await exchange.wait():
                reported.append(loop.time())
        await exchange.aclose()
        return reported

    assert run(main()) == pytest.approx([59, 119])
