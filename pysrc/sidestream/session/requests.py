"""The requests of one conversation: how large they are, what is left out, and what is asked."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from sidestream.client import Client
from sidestream.errors import SidestreamError
from sidestream.prompt import CallOptions, Prompt
from sidestream.session.attachments import check_there
from sidestream.session.compaction import Compaction, summary_reserve
from sidestream.session.conversation import COMPACTION_PROMPT, Conversation
from sidestream.session.fitting import fit_outputs, fit_summary, tokens_in
from sidestream.session.limits import LimitKey
from sidestream.session.provider_tools import Support
from sidestream.session.turn import Turn
from sidestream.session.untrusted import instructions_for
from sidestream.session.usage import text_tokens
from sidestream.session.windows import Windows
from sidestream.session.writer import Store
from sidestream.types import events
from sidestream.types.items import InputText, MessageItem
from sidestream.types.tools import ToolSpec

MAX_WAITING = 100
"""Messages that may wait at once, in all conversations, unless the settings say otherwise."""
_ENOUGH_TO_COMPARE = 1_000
"""Estimated tokens from which on a count says something of how the model counts."""
_SMALL_RESERVE = 4_000
"""A summary with less room than this, in tokens, is asked for in a limited number of words."""
_FRAME = 50
"""What a request has around its items, in tokens."""
_ANSWERS = 5
"""How many of the last answers tell how long the next one may be."""


@dataclass(frozen=True)
class Connection:
    """Who answers a turn, and how."""

    client: Client
    model: str
    origin: str
    """Scheme, host and port of the provider."""
    options: CallOptions = field(default_factory=CallOptions)
    """What the conversation or the profile wants of each call."""
    instructions: str | None = None
    compaction: Compaction = field(default_factory=Compaction)
    provider_tools: Mapping[str, Support] = field(default_factory=dict)
    """The provider's own tools, as far as it has any."""
    max_waiting: int = MAX_WAITING
    """Messages that may wait at once."""
    requests_per_minute: int | None = None
    """What the user lets through to the provider; None for no limit."""

    @property
    def limit_key(self) -> LimitKey:
        """What the provider's limits are about."""
        return self.origin, self.model


@dataclass(frozen=True)
class Answer:
    """An answer that is being read."""

    connection: Connection
    batches: AsyncGenerator[events.Batch, None]


class Requests:
    """Asks the model for answers and summaries, each within what its context window holds.

    Args:
        conversation: Whose requests they are.
        store: Has the contents of attachments.
        windows: What errors have told of context windows.
        offered: The tools that a turn's requests offer.

    """

    def __init__(
        self,
        conversation: Conversation,
        store: Store,
        windows: Windows,
        offered: Callable[[Turn, Connection], list[ToolSpec]],
    ) -> None:
        self._conversation = conversation
        self._store = store
        self._windows = windows
        self._offered = offered
        self.estimated = 0
        """The size of the last request, as it was estimated, in tokens."""
        self.density = 1.0
        """How many tokens the model counts for each one that is estimated."""
        self.trimmed = ""
        """The turn whose requests leave the oldest messages out, as they cannot be summarised."""
        self._asked_with = self._counted = 0
        """What went with the last request, and with the last one that was counted, beside items."""

    def is_due(self, turn: Turn, connection: Connection) -> bool:
        """Whether what comes before a turn should be summarised before the next request."""
        if turn.id == self.trimmed:
            return False
        # In a small window the usual share may be less than an answer takes.
        compaction = connection.compaction.with_answer(self._usual_answer(turn))
        return compaction.is_due(
            self._conversation,
            turn,
            overhead=(overhead := self._overhead(turn, connection)),
            uncounted=max(overhead - self._counted, 0) if self._counted else 0,
            density=self.density,
        )

    def _usual_answer(self, turn: Turn) -> int:
        """What the longest of the last answers took, in tokens; 0 when nothing is known."""
        usages = [
            each.usage.output_tokens // (each.calls + 1)
            for each in self._conversation.context(turn)[-_ANSWERS:]
            if each.usage is not None and each.kind is None
        ]
        return max(usages, default=0)

    def _overhead(self, turn: Turn, connection: Connection) -> int:
        """What goes with every request, in estimated tokens: instructions and tools."""
        tools = [tool.to_json() for tool in self._offered(turn, connection)]
        return sum(map(text_tokens, (connection.instructions or "", *tools)))

    def learn_density(self, counted: int) -> None:
        """Compare what the server has counted with what was estimated."""
        self._counted = self._asked_with
        if self.estimated >= _ENOUGH_TO_COMPARE and counted * 4 > self.estimated:
            self.density = min(max(counted / self.estimated, 0.75), 4.0)

    def learn_window(self, connection: Connection, failure: SidestreamError) -> None:
        """A request was too long: the window is smaller than it was."""
        windows, key = self._windows, connection.limit_key
        size = int(self.estimated * self.density)
        if failure.context_window:
            windows.told(key, failure.context_window)
            if self.estimated >= _ENOUGH_TO_COMPARE:
                least = failure.context_window / self.estimated
                self.density = min(max(self.density, least), 4.0)
        elif size >= _ENOUGH_TO_COMPARE:
            windows.exceeded(key, size)

    async def ask(self, turn: Turn, connection: Connection) -> Answer:
        """Call the model for a turn, which may have called tools already."""
        conversation, compaction = self._conversation, connection.compaction
        await self._store.save(conversation.head(), turn.record())
        origin, own, most = connection.origin, turn.items, None
        if compaction.compact_at is not None and compaction.mode != "off":
            overhead = self._overhead(turn, connection)
            most = max(int(compaction.compact_at / self.density) - overhead, 0)
        room = None
        if most is not None and (compaction.mode == "trim" or turn.id == self.trimmed):
            room = most - tokens_in(own)
        contents = await self._contents(
            turn, conversation.in_request(turn, origin, max_tokens=room)
        )
        history = conversation.history(turn, origin, max_tokens=room, contents=contents)
        if most is not None and own:
            own = fit_outputs(own, most - tokens_in(history))
        items = [*history, *own]
        self._asked_with = self._overhead(turn, connection)
        self.estimated = tokens_in(items) + self._asked_with
        prompt = Prompt(
            input=items,
            instructions=instructions_for(connection.instructions, items),
            tools=self._offered(turn, connection),
        )
        own_options = CallOptions(
            conversation_id=conversation.id, idempotency_key=turn.idempotency_key
        )
        options = own_options.over(connection.options)
        return Answer(connection, connection.client.stream_batches(prompt, options))

    def summary_room(self, connection: Connection) -> int | None:
        """The estimated tokens that a summary's request may hold beside its own message."""
        window = self.window(connection)
        if window is None:
            return None
        room = window - summary_reserve(window)
        instructions = self._summary_instructions(connection) or ""
        asks = text_tokens(COMPACTION_PROMPT) + _FRAME + text_tokens(instructions)
        return max(int(room / self.density) - asks, 0)

    def window(self, connection: Connection) -> int | None:
        """The smallest window that anybody has told."""
        told = self._windows.get(connection.limit_key)
        known = connection.compaction.context_window
        return min(filter(None, (told, known)), default=None)

    def _summary_instructions(self, connection: Connection) -> str | None:
        """The user's instructions, unless they would take much of the window."""
        text, window = connection.instructions, self.window(connection)
        return text if text and (window is None or text_tokens(text) <= window // 8) else None

    async def ask_summary(
        self,
        compaction: Turn,
        connection: Connection,
        room: int | None,
        *,
        images: bool = True,
        words: int | None = None,
    ) -> Answer:
        """Ask for a summary of all that comes before, as far as there is ``room``."""
        conversation = self._conversation
        earlier = conversation.context(compaction)
        contents = await self._contents(compaction, earlier)
        *said, _ = conversation.parts(compaction, connection.origin, contents=contents)
        summarised = any(turn.is_summary for turn in earlier[:1])
        items = fit_summary(said, room, images=images, summarised=summarised)
        reserve = summary_reserve(self.window(connection) or 0)
        if words is None and 0 < reserve < _SMALL_RESERVE:
            words = reserve // 2
        asked = f"{COMPACTION_PROMPT} Use at most {words} words." if words else COMPACTION_PROMPT
        items.append(MessageItem(role="user", content=[InputText(text=asked)]))
        instructions = self._summary_instructions(connection)
        self.estimated = tokens_in(items) + text_tokens(instructions or "")
        prompt = Prompt(input=items, instructions=instructions_for(instructions, items))
        own = CallOptions(
            conversation_id=conversation.id, idempotency_key=compaction.idempotency_key
        )
        # The user's limit is one of answers: a summary that is cut short is none.
        options = connection.options.model_copy(update={"max_output_tokens": None})
        return Answer(connection, connection.client.stream_batches(prompt, own.over(options)))

    async def _contents(self, turn: Turn, turns: Sequence[Turn]) -> dict[str, str | None]:
        """What is attached to the messages of a request, by id. The turn's own must be there."""
        contents: dict[str, str | None] = {}
        for each in turns:
            for attached in each.attachments or ():
                if attached.id not in contents:
                    content = await self._store.attachment(self._conversation.id, attached.id)
                    contents[attached.id] = content
        check_there(turn.attachments or (), contents)
        return contents
