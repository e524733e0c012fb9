"""Faults at points that a seed decides, and what must be true after each of them.

The same seed makes the same answer, cut into the same pieces at the same pace, and picks the same
point in it. What happens between two bytes is still up to the machine.
"""

from __future__ import annotations

import random
import re
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Page, expect

from e2e.app import App, Panel
from e2e.cdp import wait_until
from e2e.patience import PATIENCE, slowness
from e2e.server import (
    Exchange,
    Script,
    ScriptedServer,
    response_events,
    sse,
    stream,
    until_open,
    user_messages,
)

KEPT_AFTER_S = 1.0
"""What was sent longer ago than this has been stored,"""
SLACK_S = 2.0
"""give or take what lies between the server's socket and the disk; more on a busy machine."""

WORDS = "fjord ", "naïve ", "東京 ", "🧭 ", "lantern, ", "Übermut ", "seven; ", "\n\nNext: ", "é"
"""Of one to four bytes a character, so that chunks end within characters too."""

HOLD_A_SAVE = """([number, inside]) => {
  const { put } = IDBObjectStore.prototype;
  let left = number;
  globalThis.reached = false;
  const reach = () => { globalThis.reached = true; };
  IDBObjectStore.prototype.put = function (...given) {
    const request = put.apply(this, given);
    if (this.name !== "turns" || --left !== 0) return request;
    if (!inside) {
      this.transaction.addEventListener("complete", reach);
      return request;
    }
    // A transaction does not end as long as something is asked of it.
    const ask = () => { this.count().onsuccess = ask; };
    ask();
    request.addEventListener("success", reach);
    return request;
  };
}"""
"""`reached`: the save of that number is written but not committed and never will be, or is."""


class Answer:
    """An answer of the Responses API in seeded pieces. A script; use it for one request."""

    def __init__(self, chance: random.Random, size: int = 60, pace: float = 0.02) -> None:
        self.text = "".join(chance.choice(WORDS) for _ in range(size)) + "end."
        deltas = re.findall(r".{1,9}", self.text, re.DOTALL)
        body = b"".join(map(sse, response_events(*deltas)))
        self.pieces: list[bytes] = []
        while body:
            at = chance.choice((1, 7, 40, 200, 600, 2000))
            self.pieces.append(body[:at])
            body = body[at:]
        self._pauses = [chance.uniform(0, 2 * pace) for _ in self.pieces]
        self.hold_at: int | None = None
        """How many pieces are sent before the server falls silent: all where it is None, and with
        -1 not even the head."""
        self.held = threading.Event()
        """Set when the server falls silent or has sent everything."""
        self.go_on = threading.Event()
        """Ends the silence."""

    def __call__(self, exchange: Exchange) -> None:
        if self.hold_at == -1:
            self._hold(exchange)
        exchange.head()
        for number, (piece, pause) in enumerate(zip(self.pieces, self._pauses, strict=True)):
            if number == self.hold_at:
                self._hold(exchange)
            exchange.send(piece)
            if number == len(self.pieces) - 1:
                # The client may leave as soon as it has the last event.
                self.held.set()
            exchange.pause(pause)

    def _hold(self, exchange: Exchange) -> None:
        self.held.set()
        exchange.wait(self.go_on)


def broken(text: str, *, wait_s: float) -> Script:
    """The beginning of an answer, and an error that says when to ask again."""
    message = f"Rate limit reached. Please try again in {wait_s}s."
    error = {"code": "rate_limit_exceeded", "message": message}
    response = {"id": "resp_1", "status": "failed", "output": [], "error": error}
    failure = {"type": "response.failed", "response": response}
    return stream(*map(sse, [*until_open(text), failure]))


@dataclass
class Kept:
    """What is stored of a turn in the end."""

    user: str
    status: str
    text: str


@dataclass
class Ledger:
    """All messages of a browser, and what must be stored of them at any later time."""

    kept: dict[str, Kept] = field(default_factory=dict)
    behind: list[float] = field(default_factory=list)
    """Of each answer that was cut: for how many seconds what was sent had not been stored."""


class Stage:
    """A browser in which faults happen, and a panel that shows the effect."""

    def __init__(self, app: App, server: ScriptedServer, ledger: Ledger) -> None:
        self.app = app
        self.server = server
        self.ledger = ledger
        app.configure(server.base_url)
        self._session = app.context.new_cdp_session(self.page)
        self._session.send("ServiceWorker.enable")
        self.killed_at = 0.0
        self._left_over: set[str] = set()
        self.panel = self.open_panel()

    @property
    def page(self) -> Page:
        """A page of the extension that does nothing by itself."""
        return self.app.lasting_page

    def open_panel(self) -> Panel:
        """A panel that has the conversation from Python."""
        panel = self.app.open_panel()
        expect(panel.status).to_be_empty(timeout=PATIENCE * 1000)
        return panel

    def reopen(self) -> None:
        """Close the panel and open it again."""
        self.panel.page.close()
        self.panel = self.app.open_panel()

    def new_chat(self) -> None:
        """Begin an empty conversation. What a failed test left unfinished does not count."""
        self._left_over = {turn["id"] for turn in self.active()}
        self.panel.new_chat.click()
        expect(self.panel.questions).to_have_count(0)
        expect(self.panel.status).to_be_empty()

    def kill(self) -> None:
        """End the worker, whatever it does."""
        self._session.send("ServiceWorker.stopAllWorkers")
        self.killed_at = time.monotonic()

    def kill_the_browser(self) -> None:
        """End all of its processes."""
        self.app.kill()
        self.killed_at = time.monotonic()

    def hold_a_save(self, number: int, *, inside: bool) -> None:
        """Let the save of that number from now on be one that `wait_for_save` waits for."""
        self.app.context.service_workers[-1].evaluate(HOLD_A_SAVE, [number, inside])

    def wait_for_save(self) -> None:
        """Until that save is under way, or is over."""
        worker = self.app.context.service_workers[-1]
        wait_until(lambda: worker.evaluate("globalThis.reached"), PATIENCE, "the save")

    def wait_for_request(self, text: str, number: int = 1) -> Exchange:
        """The request of that number with this message."""
        wait_until(lambda: len(self.server.turns_of(text)) >= number, PATIENCE, f"{text} at server")
        return self.server.turns_of(text)[number - 1]

    # --- what must be true --------------------------------------------------------------------

    def is_settled(self) -> bool:
        """Whether nothing is under way any more, and the panel knows it."""
        if self.panel.stop.is_visible() or "…" in (self.panel.status.text_content() or ""):
            return False
        if not self.active():
            return True
        # An idle panel learns of it when the user returns to it.
        self.panel.page.evaluate("() => void window.dispatchEvent(new Event('focus'))")
        return False

    def settle(self) -> None:
        """Wait until nothing is under way any more and the panel knows it."""
        try:
            wait_until(self.is_settled, PATIENCE, "the turn's end")
        except AssertionError as error:
            active = [
                {name: turn.get(name) for name in ("user", "status", "sent", "waiting", "notice")}
                for turn in self.active()
            ]
            status = self.panel.status.text_content()
            raise AssertionError(f"{error}; status: {status!r}; active: {active}") from None

    def active(self) -> list[dict[str, Any]]:
        """The turns that have yet to end."""
        return [
            turn
            for turn in self.records()
            if turn["status"] in _ACTIVE and turn["id"] not in self._left_over
        ]

    def records(self) -> list[dict[str, Any]]:
        """All turns, as stored."""
        return self.app.stored_turns(self.page)

    def is_stored(self, user: str, status: str | None = None) -> bool:
        """Whether there is a turn with this message, and of this status."""
        found = [turn["status"] for turn in self.records() if turn["user"] == user]
        return bool(found) and status in (None, *found)

    def is_on_hold(self, user: str) -> bool:
        """Whether the message is on hold."""
        turns = [turn for turn in self.records() if turn["user"] == user]
        return any((turn.get("waiting") or {}).get("reason") == "pause" for turn in turns)

    def kept(self, user: str) -> Kept:
        """What is stored of the one turn with this message."""
        found = self.all_kept(user)
        assert len(found) == 1, f"{user} is stored {len(found)} times"
        return found[0]

    def all_kept(self, user: str) -> list[Kept]:
        """What is stored of the turns with this message, oldest first."""
        turns = [turn for turn in self.records() if turn["user"] == user]
        turns.sort(key=lambda turn: turn["position"])
        return [Kept(user, turn["status"], text_of(turn)) for turn in turns]

    def shown(self, user: str) -> str:
        """The answer to this message on the screen, without notices."""
        answer = self.panel.answers.nth(self.questions().index(user))
        return answer.locator(".blocks").text_content() or ""

    def check(self, user: str, answer: Answer | None = None, *, requests: int = 1) -> Kept:
        """Nothing of this message is lost, and nothing doubled. It was sent so often at most."""
        # A panel that has lost its worker may be silent for a moment before it starts the next.
        wait_until(lambda: self.is_stored(user), PATIENCE, f"{user} in storage")
        self.settle()
        expect(self.panel.questions.filter(has_text=user)).to_have_count(1)
        kept = self.kept(user)
        turns = self.server.turns_of(user)
        assert len(turns) <= requests, f"sent {len(turns)} times"
        sent = turns[-1].sent_text() if turns else ""
        assert sent.startswith(kept.text), f"{kept.text!r} was not sent"
        assert squeeze(self.shown(user)) == squeeze(kept.text), "shown is not kept"
        if kept.status == "completed":
            assert turns, "completed without having been sent"
            assert answer is None or kept.text == answer.text
        else:
            assert kept.status == "interrupted"
            if self.questions()[-1] == user:
                expect(self.panel.retry).to_be_visible()
            if turns:
                self._check_age(turns[-1], kept)
        self.ledger.kept[user] = kept
        return kept

    def _check_age(self, turn: Exchange, kept: Kept) -> None:
        """What is missing was sent just before the end."""
        sent_at = [at for at, _ in turn.sent if at < self.killed_at]
        missing = (at for at in sent_at if len(turn.sent_text(at)) > len(kept.text))
        first = next(missing, None)
        behind = 0.0 if first is None else self.killed_at - first
        self.ledger.behind.append(behind)
        allowed = KEPT_AFTER_S + SLACK_S * slowness()
        assert behind < allowed, f"{behind:.1f} s of text are lost"

    def questions(self) -> list[str]:
        """The messages in the panel, oldest first."""
        return self.panel.questions.all_text_contents()

    def go_on(self, user: str) -> None:
        """The next message is answered, and its request holds each earlier message once."""
        earlier = self.questions()
        self.panel.ask(user)
        expect(self.panel.answer).to_have_text(f"You said: {user}")
        self.settle()
        (request,) = self.server.turns_of(user)
        sent = user_texts(request)
        for text in earlier:
            assert sent.count(text) <= 1, f"{text} is {sent.count(text)} times in the history"
        self.ledger.kept[user] = self.kept(user)
        assert self.ledger.kept[user].text == f"You said: {user}"

    def retry(self, user: str) -> None:
        """The user's Retry sends it once more, and now it is answered."""
        before = len(self.server.turns_of(user))
        self.server.on(user, Answer(random.Random(user), size=5, pace=0))
        self.panel.retry.click()
        # The whole text may have arrived, so the end alone proves nothing.
        expect(self.panel.retry).to_be_hidden()
        expect(self.panel.answer).to_contain_text("end.")
        self.settle()
        assert len(self.server.turns_of(user)) == before + 1
        expect(self.panel.questions.filter(has_text=user)).to_have_count(1)
        # The new answer may be a version beside the old one.
        del self.ledger.kept[user]

    def audit(self) -> None:
        """Everything that was kept once is still there."""
        records = self.records()
        for user, kept in self.ledger.kept.items():
            found = [(turn["status"], text_of(turn)) for turn in records if turn["user"] == user]
            assert found == [(kept.status, kept.text)], f"{user}: {found}"


_ACTIVE = ("queued", "running", "reconnecting")


def text_of(turn: dict[str, Any]) -> str:
    """An answer's text, of a stored turn."""
    return "".join(block["text"] for block in turn["blocks"] if block["kind"] == "text")


def squeeze(text: str) -> str:
    """The text without its white space, which Markdown changes."""
    return re.sub(r"\s+", "", text)


def user_texts(exchange: Exchange) -> list[str]:
    """The user's messages in a request."""
    items = exchange.json["input"]
    return [text for item in items if item.get("role") == "user" for text in user_messages(item)]
