from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import aclosing
from typing import Any

import pytest

from sidestream.auth import ApiKeyAuth, NoAuth
from sidestream.errors import ErrorKind, SidestreamError
from sidestream.exchange import Exchange, read_body
from sidestream.failed_exchange import FailedExchange
from sidestream.http import Retries, Sender
from sidestream.testing import FakeFetch, MockSSEStream, Refuse, Reply, now, run
from sidestream.transport import Fetch, HttpRequest
from sidestream.types.events import Reconnecting, StreamIdle

KEY = "sk-test-1234567890abcdef"
URL = "https://a.test/v1/responses?api-key=query-secret"


def build(headers: Mapping[str, str]) -> HttpRequest:
    return HttpRequest("POST", URL, {"Accept": "text/event-stream", **headers}, b'{"model":"m"}')


class Run:
    """One `Sender.open`, driven to its end."""

    def __init__(self, *script: Any, auth: Any = None, timeout_ms: int = 300_000, **retries: int):
        self.fetch = FakeFetch(*script)
        self.notices: list[Reconnecting | StreamIdle] = []
        self.failed: list[FailedExchange] = []
        self.body: bytes | None = None
        self.error: SidestreamError | None = None
        self.elapsed = 0.0
        self._auth = auth or ApiKeyAuth(KEY)
        self._timeout_ms = timeout_ms
        self._retries = Retries(retries.get("request_max", 4), 5, lambda: 0.0)
        run(self._main())

    async def _main(self) -> None:
        self.sender = Sender(
            fetch=self.fetch,
            auth=self._auth,
            build=build,
            retries=self._retries,
            timeout_ms=self._timeout_ms,
            now=now,
            on_failure=self.failed.append,
        )
        try:
            async with aclosing(self.sender.open()) as steps:
                async for step in steps:
                    if isinstance(step, Exchange):
                        self.body = await read_body(step, 1000)
                        await step.aclose()
                    else:
                        self.notices.append(step)
        except SidestreamError as error:
            self.error = error
        self.elapsed = asyncio.get_running_loop().time()


def test_an_answer_at_once() -> None:
    call = Run(Reply("yes", status=201))
    assert (call.body, call.notices, call.failed) == (b"yes", [], [])
    assert call.fetch.requests[0].headers["Authorization"] == f"Bearer {KEY}"
    assert call.fetch.all_closed


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 529])
def test_retries_with_backoff_and_reports_it(status: int) -> None:
    call = Run(Reply("no", status=status), Refuse("refused"), Reply("yes"))
    assert call.body == b"yes"
    first, second = call.notices
    assert isinstance(first, Reconnecting)
    assert (first.attempt, first.max_attempts, first.delay_ms) == (1, 4, 1000)
    assert "no" in first.reason
    assert isinstance(second, Reconnecting)
    assert (second.attempt, second.delay_ms) == (2, 2000)
    assert second.reason == "The server cannot be reached: refused."
    assert call.fetch.times == pytest.approx([0, 1, 3])
    assert call.fetch.all_closed


def test_a_long_reason_is_cut() -> None:
    call = Run(Reply("no " * 200, status=500), Reply("yes"))
    assert len(call.notices[0].reason) == 303  # type: ignore[union-attr]


@pytest.mark.parametrize("status", [400, 402, 403, 404, 405, 409, 413, 418, 422])
def test_other_refusals_are_final(status: int) -> None:
    call = Run(Reply({"error": {"message": "no"}}, status=status))
    assert call.error is not None
    assert call.error.status == status
    assert call.notices == []
    assert call.fetch.all_closed


def test_gives_up_after_the_budget() -> None:
    call = Run(*[Reply("no", status=500)] * 5)
    assert call.error is not None
    assert call.error.kind is ErrorKind.SERVER_ERROR
    assert [notice.delay_ms for notice in call.notices] == [1000, 2000, 4000, 8000]  # type: ignore[union-attr]
    assert len(call.fetch.requests) == 5
    assert Run(Reply(status=500), request_max=0).notices == []


@pytest.mark.parametrize(
    ("headers", "body", "delay_ms"),
    [
        ({"retry-after": "7"}, "", 7000),
        ({"retry-after-ms": "70"}, "", 70),
        ({"Retry-After": "Tue, 14 Nov 2023 22:14:20 GMT"}, "", 60_000),
        ({}, "Please try again in 1.5s.", 1500),
        ({"retry-after": "0"}, "", 1000),
    ],
)
def test_waits_as_long_as_the_server_asks(
    headers: dict[str, str], body: str, delay_ms: int
) -> None:
    call = Run(Reply(body, status=429, headers=headers), Reply("yes"))
    assert call.body == b"yes"
    assert [notice.delay_ms for notice in call.notices] == [delay_ms]  # type: ignore[union-attr]
    assert call.elapsed == pytest.approx(delay_ms / 1000)


def test_stops_and_reports_the_end_if_the_wait_is_longer_than_a_minute() -> None:
    call = Run(Reply("", status=503, headers={"retry-after": "3600"}))
    assert call.error is not None
    assert call.error.retryable
    assert call.error.retry_after_ms == 3_600_000
    assert "Try again in 60 min, at " in call.error.hint
    assert call.elapsed == 0


def test_silence_before_the_headers_is_reported_and_then_ends_the_attempt() -> None:
    call = Run(Reply(delay_s=1e6), Reply("yes", delay_s=40))
    assert [notice.type for notice in call.notices] == ["StreamIdle", "Reconnecting", "StreamIdle"]
    assert call.notices[0] == StreamIdle(idle_ms=30_000, timeout_ms=300_000)
    assert "sent nothing for 5 min" in call.notices[1].reason  # type: ignore[union-attr]
    assert call.fetch.times == pytest.approx([0, 301])
    assert call.fetch.cancelled == 1
    assert call.body == b"yes"


def test_a_short_timeout_comes_without_notice() -> None:
    call = Run(Reply(delay_s=1e6), timeout_ms=5000, request_max=0)
    assert call.notices == []
    assert call.error is not None
    assert call.error.kind is ErrorKind.TIMEOUT
    assert call.elapsed == pytest.approx(5)


def test_the_body_of_an_error_may_break_or_hang() -> None:
    call = Run(Reply(MockSSEStream(b'{"error": "odd').stall(), status=400))
    assert call.error is not None
    assert call.error.kind is ErrorKind.INVALID_REQUEST
    assert call.error.server_message == '{"error": "odd'
    assert call.elapsed == pytest.approx(10)
    call = Run(Reply(MockSSEStream(b"too odd").fail(), status=400))
    assert call.error is not None
    assert call.error.server_message == "too odd"
    call = Run(Reply(MockSSEStream(b"x" * 2_000_000).chunked(100_000), status=400))
    assert call.fetch.responses[0].aborted


# --- 401 ---------------------------------------------------------------------------------------


class Refreshing:
    """Tokens of which only the second is accepted."""

    mode = "chatgpt"

    def __init__(self, *outcomes: bool | SidestreamError | float) -> None:
        self.token = "first-token-12345"
        self.outcomes = list(outcomes)

    async def headers(self, fetch: Fetch) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    async def refresh(self, fetch: Fetch) -> bool:
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, SidestreamError):
            raise outcome
        if not isinstance(outcome, bool):
            await asyncio.sleep(outcome)
        self.token = "second-token-1234"
        return bool(outcome)


def test_a_401_is_repeated_once_after_a_refresh() -> None:
    call = Run(Reply(status=401), Reply("yes"), auth=Refreshing(True))
    assert (call.body, call.notices) == (b"yes", [])
    tokens = [request.headers["Authorization"] for request in call.fetch.requests]
    assert tokens == ["Bearer first-token-12345", "Bearer second-token-1234"]


def test_a_second_401_is_final() -> None:
    call = Run(Reply(status=401), Reply(status=401), auth=Refreshing(True))
    assert call.error is not None
    assert call.error.kind is ErrorKind.SIGN_IN_REQUIRED
    assert len(call.fetch.requests) == 2


def test_a_401_without_a_refresh_is_final() -> None:
    call = Run(Reply({"error": {"message": f"Bad key {KEY}"}}, status=401))
    assert call.error is not None
    assert call.error.kind is ErrorKind.AUTHENTICATION
    assert call.error.server_message == "Bad key ***"
    assert KEY not in repr(vars(call.error))
    call = Run(Reply(status=401), auth=NoAuth())
    assert call.error is not None
    assert call.error.message == "The provider requires an API key."


def test_a_refresh_that_fails_for_good_is_final() -> None:
    failure = SidestreamError(ErrorKind.SIGN_IN_REQUIRED, "Sign in.")
    call = Run(Reply(status=401), auth=Refreshing(failure))
    assert call.error is failure


def test_a_refresh_that_fails_for_now_is_retried() -> None:
    failure = SidestreamError(ErrorKind.SERVER_ERROR, "Not now.", retryable=True)
    auth = Refreshing(failure, 100.0, True)
    call = Run(Reply(status=401), Reply(status=401), Reply(status=401), Reply("yes"), auth=auth)
    assert call.body == b"yes"
    reasons = [notice.reason for notice in call.notices]  # type: ignore[union-attr]
    assert reasons == ["Not now.", "The server has sent nothing for 60 s."]


def test_auth_that_fails_before_the_request() -> None:
    class Failing(NoAuth):
        async def headers(self, fetch: Fetch) -> dict[str, str]:
            raise SidestreamError(ErrorKind.SIGN_IN_REQUIRED, "Sign in.")

    call = Run(auth=Failing())
    assert call.error is not None
    assert call.error.kind is ErrorKind.SIGN_IN_REQUIRED
    assert call.failed == []
    assert call.sender.secrets() == []


# --- diagnosis ---------------------------------------------------------------------------------


def test_a_failed_exchange_is_kept_without_its_secrets() -> None:
    body = {"error": {"message": f"You sent {KEY} and Bearer abcdefgh"}}
    headers = {"x-request-id": "req_1", "set-cookie": "session=1", "x-echo": KEY}
    call = Run(Reply(body, status=403, headers=headers))
    (failed,) = call.failed
    assert (failed.method, failed.url) == ("POST", "https://a.test/v1/responses")
    assert failed.request_headers == {"Accept": "text/event-stream", "Authorization": "***"}
    assert failed.request_body == '{"model": "m"}'
    assert failed.status == 403
    assert failed.response_headers["x-request-id"] == "req_1"
    assert failed.response_headers["set-cookie"] == "***"
    assert failed.error["kind"] == "permission"
    assert failed.at == 1_700_000_000
    for secret in (KEY, "query-secret", "session=1", "abcdefgh"):
        assert secret not in repr(failed)


def test_network_failures_are_kept_too() -> None:
    call = Run(Refuse("no route"), request_max=0)
    (failed,) = call.failed
    assert (failed.status, failed.response_body) == (None, "")
    assert failed.error["message"] == "The server cannot be reached: no route."
