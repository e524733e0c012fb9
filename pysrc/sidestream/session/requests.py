"""Makes the requests of one conversation, each small enough for the context window."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from sidestream.errors import ErrorKind, SidestreamError
from sidestream.prompt import CallOptions, Prompt
from sidestream.session.attachments import check_there
from sidestream.session.compaction import Compaction, summary_reserve
from sidestream.session.connection import MAX_WAITING, Connection
from sidestream.session.conversation import Conversation
from sidestream.session.conversation_settings import ConversationSettings
from sidestream.session.fitting import fit_outputs, fit_summary, tokens_in
from sidestream.session.history import COMPACTION_PROMPT
from sidestream.session.provider_tools import Support
from sidestream.session.turn import Turn
from sidestream.session.untrusted import instructions_for
from sidestream.session.usage import text_tokens
from sidestream.session.windows import Windows
from sidestream.session.writer import Store
from sidestream.types import events
from sidestream.types.items import InputText, MessageItem
from sidestream.types.tools import ToolSpec

_ENOUGH_TO_COMPARE = 1_000
"""From this many estimated tokens on, a count of the server shows how the model counts."""
_SMALL_RESERVE = 4_000
"""With less room than this, in tokens, a summary is limited to a number of words."""
_FRAME = 50
"""The tokens that a request has besides its items."""
_ANSWERS = 5
"""How many of the last answers show how long the next one may be."""


@dataclass(frozen=True)
class Answer:
    """An answer that is being read."""

    connection: Connection
    batches: AsyncGenerator[events.Batch, None]


class Requests:
    """Asks the model for answers and summaries, in requests that fit into its context window.

    Args:
        conversation: The conversation that the requests are made of.
        store: Has the contents of attachments.
        windows: What errors have reported of context windows.
        connect: Makes the connection for the next request.
        offered: Gives the tools that may be offered, by the provider's own tools.

    """

    def __init__(
        self,
        conversation: Conversation,
        store: Store,
        windows: Windows,
        connect: Callable[[ConversationSettings], Awaitable[Connection]],
        offered: Callable[[Mapping[str, Support]], list[ToolSpec]],
    ) -> None:
        self._conversation = conversation
        self._store = store
        self._windows = windows
        self._connect = connect
        self._offered_with = offered
        self.compaction: Compaction | None = None
        """The compaction of the last connection, which knows the size of the context window."""
        self.max_waiting = MAX_WAITING
        """How many messages may be queued, by the last connection."""
        self.estimated = 0
        """The estimated size of the last request, in tokens."""
        self.density = 1.0
        """How many tokens the model counts for each estimated one."""
        self.trimmed = ""
        """The turn whose requests leave out the oldest messages, since the summary failed."""
        self._asked_with = self._counted = 0
        """The overhead of the last request, and of the last one that the server counted."""

    async def connect(self) -> Connection:
        """The connection for the next request, with what is known of the context window."""
        connection = await self._connect(self._conversation.settings)
        reported = self._windows.get(connection.limit_key)
        compaction = connection.compaction.within(reported)
        compaction = compaction.with_answer(connection.options.max_output_tokens)
        connection = replace(connection, compaction=compaction)
        self.compaction = connection.compaction
        self.max_waiting = connection.max_waiting
        return connection

    async def resume(self, turn: Turn) -> Answer:
        """The rest of an answer that the provider keeps, after what the turn holds of it."""
        connection = await self.connect()
        if connection.origin != turn.origin or None in (turn.response_id, turn.sequence_number):
            raise SidestreamError(ErrorKind.NOT_FOUND, "Another provider answers now.")
        own = CallOptions(conversation_id=self._conversation.id)
        batches = connection.client.resume(
            turn.response_id or "",
            turn.sequence_number or 0,
            own.over(connection.options),
            finished_items=turn.items,
            tools=self._offered(turn, connection),
        )
        return Answer(connection, batches)

    def _offered(self, turn: Turn, connection: Connection) -> list[ToolSpec]:
        return [] if turn.kind is not None else self._offered_with(connection.provider_tools)

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
        """The tokens of the longest of the last answers; 0 if none is known."""
        usages = [
            each.usage.output_tokens // (each.calls + 1)
            for each in self._conversation.context(turn)[-_ANSWERS:]
            if each.usage is not None and each.kind is None
        ]
        return max(usages, default=0)

    def _overhead(self, turn: Turn, connection: Connection) -> int:
        """The estimated tokens of what every request contains: instructions and tools."""
        tools = [tool.to_json() for tool in self._offered(turn, connection)]
        return sum(map(text_tokens, (connection.instructions or "", *tools)))

    def learn_density(self, counted: int) -> None:
        """Compare the tokens that the server counted with the estimate."""
        self._counted = self._asked_with
        if self.estimated >= _ENOUGH_TO_COMPARE and counted * 4 > self.estimated:
            self.density = min(max(counted / self.estimated, 0.75), 4.0)

    def learn_window(self, connection: Connection, failure: SidestreamError) -> None:
        """Note that a request was too long, so the context window is smaller than its size."""
        windows, key = self._windows, connection.limit_key
        size = int(self.estimated * self.density)
        if failure.context_window:
            windows.reported(key, failure.context_window)
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
        """The smallest context window that is known."""
        reported = self._windows.get(connection.limit_key)
        known = connection.compaction.context_window
        return min(filter(None, (reported, known)), default=None)

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
        """Ask for a summary of all that comes before, as far as it fits into ``room``."""
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
        # The user's limit of output tokens is meant for answers; it would cut summaries short.
        options = connection.options.model_copy(update={"max_output_tokens": None})
        return Answer(connection, connection.client.stream_batches(prompt, own.over(options)))

    async def _contents(self, turn: Turn, turns: Sequence[Turn]) -> dict[str, str | None]:
        """The contents of attachments, by id. Those of the turn itself must be in the store."""
        contents: dict[str, str | None] = {}
        for each in turns:
            for attached in each.attachments or ():
                if attached.id not in contents:
                    content = await self._store.attachment(self._conversation.id, attached.id)
                    contents[attached.id] = content
        check_there(turn.attachments or (), contents)
        return contents
