"""Chats with a scripted provider, an in-memory store and panels, for tests."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from sidestream.errors import SidestreamError
from sidestream.prompt import CallOptions
from sidestream.session.chat import Chat, Connection
from sidestream.session.chats import Chats
from sidestream.session.connection import connect
from sidestream.session.conversation import Conversation, ConversationSettings, Turn
from sidestream.session.tools import Arguments, ToolOutput
from sidestream.testing import FakeFetch, Reply, ResponsesStream, now, run
from sidestream.types.events import response_event

SETTINGS = {"name": "Test", "base_url": "https://a.test/v1", "wire_api": "responses", "model": "m"}


ID = "c"
"""The conversation of the tests that need only one."""


class MemoryStore:
    """Keeps every record that was ever written, in order; can be told to fail or to be slow."""

    def __init__(self, data: dict[str, Any] | None = None) -> None:
        self.heads: dict[str, dict[str, Any]] = {}
        self.saved: list[dict[str, Any]] = []
        self.texts: dict[str, str] = {}
        self.attachments: dict[tuple[str, str], str] = {}
        self.error: SidestreamError | None = None
        self.delay_s = 0.0
        if data is not None:
            self.put(data)

    def put(self, data: dict[str, Any]) -> None:
        """Have a conversation from before."""
        self.heads[data["id"]] = {name: data[name] for name in data if name != "turns"}
        self.saved += [{**turn, "conversation": data["id"]} for turn in data["turns"]]

    async def load(self, conversation_id: str) -> dict[str, Any] | None:
        await self._work()
        return self.state(conversation_id) if conversation_id in self.heads else None

    async def unfinished(self) -> list[str]:
        await self._work()
        return [
            name
            for name in self.heads
            if any(Turn.model_validate(turn).status.active for turn in self.state(name)["turns"])
        ]

    async def save(self, head: str, turn: str) -> None:
        await self._work()
        known = json.loads(head)
        self.heads[known["id"]] = known
        if turn:
            self.saved.append({**json.loads(turn), "conversation": known["id"]})

    async def remove(self, head: str, turn_id: str) -> None:
        await self.save(head, "")
        self.saved = [record for record in self.saved if record["id"] != turn_id]

    async def attachment(self, conversation_id: str, attachment_id: str) -> str | None:
        await self._work()
        return self.attachments.get((conversation_id, attachment_id))

    async def recall(self, name: str) -> str:
        await self._work()
        return self.texts.get(name, "")

    async def remember(self, name: str, text: str) -> None:
        await self._work()
        self.texts[name] = text

    async def _work(self) -> None:
        if self.delay_s:
            await asyncio.sleep(self.delay_s)
        if self.error:
            raise self.error

    def state(self, conversation_id: str = ID) -> dict[str, Any]:
        """What the next process finds."""
        own = [record for record in self.saved if record["conversation"] == conversation_id]
        last = {record["id"]: record for record in own}
        turns = sorted(last.values(), key=lambda record: record["position"])
        return {**self.heads[conversation_id], "turns": turns}

    def last(self, turn_id: str) -> dict[str, Any]:
        return next(record for record in reversed(self.saved) if record["id"] == turn_id)


class Panel:
    """What a panel makes of the messages; it insists on whole sequences."""

    def __init__(self) -> None:
        self.turns: dict[str, Turn] = {}
        self.seq: dict[str, int] = {}
        self.rejected: list[dict[str, Any]] = []
        self.messages: list[dict[str, Any]] = []
        self.joined = False

    def receive(self, text: str) -> None:
        message = json.loads(text)
        self.messages.append(message)
        match message["type"]:
            case "Conversation":
                self.joined = True
                turns = message["conversation"]["turns"]
                self.turns = {turn["id"]: Turn.model_validate(turn) for turn in turns}
                self.seq = dict.fromkeys(self.turns, message["seq"])
            case "Turn":
                turn = Turn.model_validate(message["turn"])
                old = self.turns.get(turn.id)
                if old is None or (turn.status.running and not old.status.running):
                    self.seq[turn.id] = 0
                self.turns[turn.id] = turn
            case "Events":
                turn_id = message["turn_id"]
                assert message["seq"] == self.seq[turn_id] + 1
                self.seq[turn_id] += 1
                for event in message["events"]:
                    self.turns[turn_id].apply(response_event.validate_python(event))
            case "Cancelled":
                self.turns.pop(message["id"], None)
            case "Rejected":
                self.rejected.append(message)

    def siblings(self, turn_id: str) -> list[str] | None:
        return self._told(turn_id, "siblings")

    def actions(self, turn_id: str) -> list[str] | None:
        return self._told(turn_id, "actions")

    def _told(self, turn_id: str, field: str) -> list[str] | None:
        for message in reversed(self.messages):
            views = message.get("conversation", {}).get("turns", [])
            for view in [*views, message.get("turn", {})]:
                if view.get("id") == turn_id:
                    found: list[str] | None = view.get(field)
                    return found
        return None

    def texts(self) -> dict[str, str]:
        return {turn.id: turn.text for turn in self.turns.values()}


class Add(Arguments):
    first: int
    second: int


class Adder:
    """A tool that takes a while, and says what it is called with."""

    name = "add"
    description = "Adds two numbers."
    arguments = Add
    time_limit_s = 30.0
    delay_s = 1.0

    def __init__(self) -> None:
        self.running = 0
        self.at_once = 0
        self.calls: list[tuple[int, int]] = []

    async def run(self, arguments: Add, conversation_id: str) -> ToolOutput:
        self.running += 1
        self.at_once = max(self.at_once, self.running)
        self.calls.append((arguments.first, arguments.second))
        try:
            await asyncio.sleep(self.delay_s)
        finally:
            self.running -= 1
        return ToolOutput(str(arguments.first + arguments.second), shown={"figure": "x"})


class World:
    """Chats with a scripted provider, an in-memory store and panels."""

    def __init__(self, *exchanges: Any, store: MemoryStore | None = None, then: Any = None) -> None:
        self.fetch = FakeFetch(*exchanges, then=then)
        self.store = store or MemoryStore()
        self.panels: dict[int, Panel] = {}
        self.busy: list[bool] = []
        self.connection_error: Exception | None = None
        self.settings: dict[str, Any] = dict(SETTINGS)
        self.alarms: list[int] = []
        self.is_online = True
        self.options = CallOptions()
        self.abandoned: list[str] = []
        self.adder = Adder()
        self.chats = Chats(
            store=self.store,
            post=self._post,
            connect=self._connect,
            busy=self.busy.append,
            alarm=self.alarms.append,
            online=lambda: self.is_online,
            now=now,
            tools=[self.adder],
            abandoned=self.abandoned.append,
        )
        self.chat = Talk(self)

    async def begin(self) -> None:
        """What the worker does first; and somebody has the conversation open."""
        await self.chats.load()
        await self.do("Join", panel=99)

    async def do(self, command: str, conversation: str = ID, panel: int = 0, **fields: Any) -> None:
        """A command, until it is carried out."""
        message = {"type": command, "conversation": conversation, "panel": panel, **fields}
        self.chats.receive(message)
        while self.chats.working:
            await asyncio.sleep(0.001)

    def open_panel(self, conversation: str = ID) -> Panel:
        panel = Panel()
        number = len(self.panels) + 1
        self.panels[number] = panel
        self.chats.show(number, self.chats.opened[conversation])
        return panel

    def _post(self, message: str, panel: int) -> None:
        if panel in self.panels:
            self.panels[panel].receive(message)

    async def _connect(self, own: ConversationSettings) -> Connection:
        if self.connection_error:
            raise self.connection_error
        connection = connect({"settings": self.settings}, self.fetch, own=own)
        return replace(connection, options=self.options.over(connection.options))

    async def quiet(self) -> None:
        """Until nothing is under way any more."""
        while not self.busy or self.busy[-1]:
            await asyncio.sleep(0.05)


class Talk:
    """Commands for the conversation that is open from the beginning, carried out at once."""

    def __init__(self, world: World) -> None:
        self._world = world

    @property
    def open(self) -> Chat:
        return self._world.chats.opened[ID]

    @property
    def conversation(self) -> Conversation:
        return self.open.conversation

    def send(self, turn_id: str, text: str, panel: int = 0, replaces: str | None = None) -> None:
        self.open.send(turn_id, text, panel, replaces)

    def retry(self, turn_id: str, panel: int = 0) -> None:
        self.open.retry(turn_id, panel)

    def cancel(self, turn_id: str, panel: int = 0) -> None:
        self.open.cancel(turn_id, panel)

    def send_now(self, turn_id: str, panel: int = 0) -> None:
        self.open.send_now(turn_id, panel)

    def stop(self) -> None:
        self.open.stop()


def story(*deltas: str, pace_s: float = 0.0) -> Reply:
    stream = ResponsesStream().created().text(*deltas).completed()
    return Reply(stream.paced(pace_s) if pace_s else stream)


def in_world(
    *exchanges: Any, store: MemoryStore | None = None, then: Any = None
) -> Callable[[Callable[[World], Awaitable[None]]], None]:
    """Run the decorated coroutine in a world of its own."""

    def decorate(scene: Callable[[World], Awaitable[None]]) -> None:
        async def play() -> None:
            world = World(*exchanges, store=store, then=then)
            await world.begin()
            await scene(world)

        run(play())

    return decorate
