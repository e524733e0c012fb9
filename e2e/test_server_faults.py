"""A server that fails in every phase of an answer: the message, what is kept, and the way out.

All cases of a test run at once, each in a conversation of its own.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from functools import partial

import pytest
from playwright.sync_api import expect

from e2e.app import App, Panel
from e2e.cdp import wait_until
from e2e.patience import PATIENCE
from e2e.server import (
    Exchange,
    Script,
    ScriptedServer,
    answer,
    error_body,
    fail,
    response_events,
    sse,
    until_open,
)

IDLE_MS = 2500
"""How long a server may be silent here."""
HALF = "Half of it"
WHOLE = "All of it, from the beginning"

Phase = Callable[[Exchange], None]


# How far an answer gets before it breaks.


def before_the_head(_: Exchange) -> None:
    pass


def after_the_head(exchange: Exchange) -> None:
    exchange.head()


def between_frames(exchange: Exchange) -> None:
    exchange.head()
    exchange.events(until_open(*HALF))


def in_mid_frame(exchange: Exchange) -> None:
    between_frames(exchange)
    exchange.send(sse({"type": "response.output_text.delta", "delta": "never whole"})[:-20])


PHASES: tuple[Phase, ...] = (before_the_head, after_the_head, between_frames, in_mid_frame)


# How it breaks.


def cut(exchange: Exchange) -> None:
    if not exchange.sent:
        exchange.raw(b"")
    exchange.cut()


def reset(exchange: Exchange) -> None:
    cut(exchange)
    exchange.cut(reset=True)


def stall(exchange: Exchange) -> None:
    exchange.wait(threading.Event())


class Break:
    """Answers up to a phase, and breaks there: once the test has seen what was sent."""

    def __init__(self, how: Phase, phase: Phase) -> None:
        self.shows_text = phase in (between_frames, in_mid_frame)
        self.seen = threading.Event()
        self._how = how
        self._phase = phase

    def __call__(self, exchange: Exchange) -> None:
        self._phase(exchange)
        if self._how is not stall:
            # Chromium drops what it has not handed over when a connection breaks.
            exchange.wait(self.seen)
        self._how(exchange)


def end_early(exchange: Exchange) -> None:
    """In good order, but without "completed"."""
    between_frames(exchange)


def fail_in_the_stream(code: str) -> Script:
    def script(exchange: Exchange) -> None:
        between_frames(exchange)
        error = {"code": code, "message": f"It is {code}."}
        response = {"id": "resp_1", "status": "failed", "output": [], "error": error}
        exchange.event({"type": "response.failed", "response": response})

    return script


def no_http(exchange: Exchange) -> None:
    exchange.raw(b"\x00\xff\x13SSH-2.0-nothing\r\n\r\n")
    exchange.cut()


def all_breaks() -> dict[str, Script]:
    """Every way to break, by its name."""
    breaks: dict[str, Script] = {
        f"{how.__name__} {phase.__name__}": Break(how, phase)
        for how in (cut, reset, stall)
        for phase in PHASES
    }
    breaks |= {f"{status} before the head": fail(status, "Oh.") for status in (500, 502, 503)}
    return breaks | {
        "end without completed": end_early,
        "no HTTP at all": no_http,
        "overloaded in the stream": fail_in_the_stream("server_is_overloaded"),
        "server_error in the stream": fail_in_the_stream("server_error"),
    }


def is_stalled(name: str) -> bool:
    """Whether this case is of a server that falls silent."""
    return name.startswith(stall.__name__)


class Cases:
    """One panel and one conversation for each case."""

    def __init__(self, app: App, server: ScriptedServer, names: list[str]) -> None:
        self._app = app
        self._server = server
        self.panels: dict[str, Panel] = {}
        for name in names:
            panel = self.panels[name] = app.open_panel()
            panel.new_chat.click()
            expect(panel.questions).to_have_count(0)

    def ask(self, scripts: Callable[[str], list[Script]]) -> None:
        """All questions, whose answers and retries overlap. A case's name is its question."""
        # Patience is short only where the server falls silent: a busy machine is silent, too.
        self._app.configure(self._server.base_url)
        for name in sorted(self.panels, key=is_stalled):
            if is_stalled(name):
                self._app.configure(self._server.base_url, stream_idle_timeout_ms=IDLE_MS)
            first, *others = scripts(name)
            self._server.on(f"{name}.", first, *others)
            self.panels[name].ask(f"{name}.")
            wait_until(partial(self.requests, name), PATIENCE, f"the request of {name}")
            if isinstance(first, Break) and not is_stalled(name):
                # One after the other: Chromium opens no more than six connections to a server.
                if first.shows_text:
                    expect(self.panels[name].answer).to_contain_text(HALF)
                first.seen.set()
        self._app.configure(self._server.base_url)

    def heal(self, name: str) -> None:
        """From now on the server answers this question well."""
        self._server.on(f"{name}.", answer(WHOLE))

    def requests(self, name: str) -> list[Exchange]:
        """What has reached the server."""
        return self._server.turns_of(f"{name}.")


@pytest.fixture
def open_cases(app: App, server: ScriptedServer) -> Iterator[Callable[[list[str]], Cases]]:
    app.configure(server.base_url)
    yield lambda names: Cases(app, server, names)
    app.close_pages()


OpenCases = Callable[[list[str]], Cases]


def test_what_breaks_once_is_asked_for_again(open_cases: OpenCases) -> None:
    breaks = all_breaks()
    cases = open_cases(list(breaks))
    cases.ask(lambda name: [breaks[name], answer(WHOLE)])
    for name, panel in cases.panels.items():
        expect(panel.answer, name).to_have_text(WHOLE)
        panel.expect_idle()
        expect(panel.alert).to_be_hidden()
        expect(panel.questions).to_have_text(f"{name}.")
        first, second = cases.requests(name)
        assert first.idempotency_key == second.idempotency_key != ""


def test_a_partial_answer_before_a_refusal_is_kept_and_retry_works(
    open_cases: OpenCases, request: pytest.FixtureRequest
) -> None:
    """A sample of the breaks, or with `--all-faults` each of them."""
    step = 1 if request.config.getoption("--all-faults") else 3
    breaks = all_breaks()
    cases = open_cases(list(breaks)[::step])
    refusal = fail(400, "No more of this.")
    cases.ask(lambda name: [breaks[name], refusal])
    for name, panel in cases.panels.items():
        panel.expect_alert("No more of this.")
        expect(panel.questions).to_have_text(f"{name}.")
        has_text = any(exchange.sent_text() for exchange in cases.requests(name))
        text = panel.answer.locator(".blocks").text_content()
        assert text == (HALF if has_text else ""), name
    for name, panel in cases.panels.items():
        cases.heal(name)
        panel.retry.click()
        expect(panel.answer, name).to_have_text(WHOLE)
        panel.expect_idle()
        first, second, last = cases.requests(name)
        assert first.idempotency_key == second.idempotency_key != last.idempotency_key
        assert last.json["input"][-1]["role"] == "user"
        assert str(last.json["input"]).count(f"{name}.") == 1
        expect(panel.questions).to_have_text(f"{name}.")


def test_slow_and_odd_answers_come_whole(open_cases: OpenCases) -> None:
    whole = b"".join(map(sse, response_events(*WHOLE)))

    def byte_by_byte(exchange: Exchange) -> None:
        exchange.head()
        for at in range(len(whole)):
            exchange.send(whole[at : at + 1])

    def in_junk(exchange: Exchange) -> None:
        exchange.head()
        for event in response_events(*WHOLE):
            exchange.send(b"data: {oops\n\n:\xff\xfe\n\nevent: x\ndata: []\n\n")
            exchange.event(event)

    scripts: dict[str, Script] = {"byte by byte": byte_by_byte, "in junk": in_junk}
    cases = open_cases(list(scripts))
    cases.ask(lambda name: [scripts[name]])
    for name, panel in cases.panels.items():
        expect(panel.answer).to_have_text(WHOLE)
        panel.expect_idle()
        assert len(cases.requests(name)) == 1


def test_a_short_limit_is_waited_for_in_every_phase(open_cases: OpenCases) -> None:
    """The wait is the server's: 429 before the head, the same in the stream."""

    def in_the_stream(exchange: Exchange) -> None:
        between_frames(exchange)
        error = {"code": "rate_limit_exceeded", "message": "Please try again in 1.2s."}
        response = {"id": "resp_1", "status": "failed", "output": [], "error": error}
        exchange.event({"type": "response.failed", "response": response})

    def before(exchange: Exchange) -> None:
        body = error_body("Slow down.", code="rate_limit_exceeded")
        exchange.reply(429, body, {"retry-after": "1"})

    scripts: dict[str, Script] = {"before the head": before, "in the stream": in_the_stream}
    cases = open_cases(list(scripts))
    cases.ask(lambda name: [scripts[name], answer(WHOLE)])
    for name, panel in cases.panels.items():
        expect(panel.answer).to_have_text(WHOLE)
        first, second = cases.requests(name)
        assert second.received_at - first.received_at >= 1
        expect(panel.alert).to_be_hidden()
