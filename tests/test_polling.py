"""A stored answer is requested until it is finished."""

from __future__ import annotations

from typing import Any

from sidestream import (
    CallOptions,
    ErrorKind,
)
from sidestream.testing import (
    FakeFetch,
    Reply,
    ResponsesStream,
    run,
)
from tests.client_calls import PROMPT, client


def test_an_answer_that_stays_queued_is_given_up_after_an_hour() -> None:
    """agno-agi/agno#7444: it was requested for ever, without a message to the user."""
    queued = {"id": "resp_1", "object": "response", "status": "queued", "output": []}

    def answer(request: Any) -> Reply:
        if request.method == "POST":
            return Reply(ResponsesStream().created().fail())
        return Reply({"error": {}}, status=400) if "stream=true" in request.url else Reply(queued)

    fetch = FakeFetch(then=answer)
    result = run(client(fetch).complete(PROMPT, CallOptions(background=True)), limit_s=10_000)
    assert result.error is not None
    assert result.error.kind is ErrorKind.TIMEOUT
    assert len(fetch.requests) < 100
