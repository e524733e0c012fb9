from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from sidestream.errors import ErrorKind, SidestreamError
from sidestream.testing import run
from sidestream.transport import HttpRequest

pytest.importorskip("pyodide.ffi", reason="JavaScript is at hand inside Pyodide only")

from pyodide.ffi import JsException

from sidestream.browser.fetch import browser_fetch

URL = "https://a.test/v1/models"


class Bytes:
    """The part of a ``Uint8Array`` that is used."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def to_bytes(self) -> bytes:
        return self._data


class ScriptedPump:
    """Stands in for ``python/bridge.js``: the entries of ``arrivals`` arrive a second apart."""

    def __init__(self, head: dict[str, Any], *arrivals: bytes, failure: str = "") -> None:
        self._head = head
        self._arrivals = list(arrivals)
        self._there: list[bytes] = []
        self._failure = failure
        self.failure = ""
        self.ended = False
        self.aborted = False
        self.listener: Any = None

    async def head(self) -> str:
        await asyncio.sleep(1)
        return json.dumps(self._head)

    def take(self) -> Bytes | None:
        data, self._there = b"".join(self._there), []
        return Bytes(data) if data else None

    def listen(self, listener: Any) -> None:
        self.listener = listener
        if listener is not None:
            self._arrive_later()

    def _arrive_later(self) -> None:
        asyncio.get_running_loop().call_later(1, self._arrive)

    def _arrive(self) -> None:
        if self.listener is None:
            return
        if self._arrivals:
            self._there.append(self._arrivals.pop(0))
            self._arrive_later()
        else:
            self.ended = True
            self.failure = self._failure
        self.listener()

    def abort(self) -> None:
        self.aborted = True


class Host:
    def __init__(self, pump: ScriptedPump) -> None:
        self.pump = pump
        self.sent: tuple[Any, ...] = ()

    def fetch(self, *sent: Any) -> ScriptedPump:
        self.sent = sent
        return self.pump


async def request(host: Host, body: bytes | None = None, url: str = URL) -> Any:
    fetch = browser_fetch(host)  # type: ignore[arg-type]
    return await fetch(HttpRequest("POST", url, {"X-A": "1"}, body))


def failing(reason: str, detail: str = "") -> ScriptedPump:
    return ScriptedPump({"failure": {"reason": reason, "detail": detail}})


def test_an_answer_in_pieces() -> None:
    async def scene() -> None:
        host = Host(ScriptedPump({"status": 503, "headers": {"a": "b"}}, b"one", b"two"))
        response = await request(host, b"{}")
        assert (response.status, response.headers) == (503, {"a": "b"})
        assert [chunk async for chunk in response.chunks()] == [b"one", b"two"]
        method, url, headers, body = host.sent
        assert (method, url, json.loads(headers)) == ("POST", URL, {"X-A": "1"})
        assert body.to_bytes() == b"{}"
        assert host.pump.listener is None
        await response.aclose()
        assert host.pump.aborted

    run(scene())


def test_a_body_that_breaks_gives_what_arrived_and_then_the_error() -> None:
    async def scene() -> None:
        failure = '{"reason": "broken", "detail": ""}'
        host = Host(ScriptedPump({"status": 200, "headers": {}}, b"one", failure=failure))
        chunks = (await request(host)).chunks()
        assert await anext(chunks) == b"one"
        with pytest.raises(SidestreamError) as caught:
            await anext(chunks)
        assert (caught.value.kind, caught.value.retryable) == (ErrorKind.NETWORK, True)

    run(scene())


def test_a_reader_that_stops_receives_nothing_more() -> None:
    async def scene() -> None:
        host = Host(ScriptedPump({"status": 200, "headers": {}}, b"one", b"two"))
        chunks = (await request(host)).chunks()
        waiting = asyncio.ensure_future(anext(chunks))
        await asyncio.sleep(0.5)
        listener = host.pump.listener
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert host.pump.listener is None
        with pytest.raises(JsException, match="destroyed"):
            listener()

    run(scene())


def test_cancelling_aborts() -> None:
    async def scene() -> None:
        host = Host(ScriptedPump({}))
        task = asyncio.ensure_future(request(host))
        await asyncio.sleep(0.5)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert host.pump.aborted

    run(scene())


@pytest.mark.parametrize(
    ("reason", "kind", "retryable", "words"),
    [
        ("offline", ErrorKind.NETWORK, True, "no network"),
        ("unreachable", ErrorKind.NETWORK, True, "a.test cannot be reached"),
        ("permission", ErrorKind.NETWORK, False, "no permission to reach a.test"),
        ("redirect", ErrorKind.CONFIGURATION, False, "redirects to X-Bad"),
        ("header", ErrorKind.CONFIGURATION, False, "The header X-Bad cannot be sent"),
        ("anything else", ErrorKind.NETWORK, True, "cannot be reached"),
    ],
)
def test_no_answer(reason: str, kind: ErrorKind, retryable: bool, words: str) -> None:
    with pytest.raises(SidestreamError, match=words) as caught:
        run(request(Host(failing(reason, "X-Bad"))))
    assert (caught.value.kind, caught.value.retryable) == (kind, retryable)
    assert caught.value.hint


@pytest.mark.parametrize("host", ["localhost:11434", "127.0.0.1:8080", "[::1]:1234"])
def test_nothing_on_this_computer_is_not_asked_again(host: str) -> None:
    with pytest.raises(SidestreamError, match=r"Nothing answers at .*\d") as caught:
        run(request(Host(failing("unreachable")), url=f"http://{host}/v1/models"))
    assert (caught.value.kind, caught.value.retryable) == (ErrorKind.NETWORK, False)
    assert "port" in caught.value.hint


def test_a_redirect_whose_target_is_unknown() -> None:
    with pytest.raises(SidestreamError, match="redirects to another address, which"):
        run(request(Host(failing("redirect"))))
