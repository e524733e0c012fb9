"""What the model calls in the turns of one conversation: offered, asked about, carried out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

from sidestream.errors import ErrorKind, SidestreamError
from sidestream.session import provider_tools
from sidestream.session.conversation import Conversation, ConversationSettings, Turn
from sidestream.session.tools import Permission, Tool, Tools
from sidestream.types.items import FunctionCallItem
from sidestream.types.tools import ToolSpec

MAX_ROUNDS = 25
"""So many times in a turn the model may be called again with the outputs of its calls."""


class ToolCalls:
    """Carries out the calls of a conversation's turns, as its settings allow.

    Args:
        conversation: Whose settings say what may act.
        tools: All there are.
        tell: Told of a turn that has changed.
        write: Stores a turn.
        configure: Gives the conversation new settings.

    """

    def __init__(
        self,
        conversation: Conversation,
        tools: Sequence[Tool],
        *,
        tell: Callable[[Turn], None],
        write: Callable[[Turn], None],
        configure: Callable[[ConversationSettings], None],
    ) -> None:
        self._conversation = conversation
        self._all = tools
        self._tell = tell
        self._write = write
        self._configure = configure
        self._asked: dict[str, asyncio.Future[bool]] = {}

    @property
    def _tools(self) -> Tools:
        return Tools(self._all, self._conversation.settings.tools)

    def offered(self, has: Mapping[str, provider_tools.Support]) -> list[ToolSpec]:
        """What the model is told that it may call; ``has``: the provider's own tools."""
        settings = self._conversation.settings
        return [*self._tools.specs(), *provider_tools.offered(settings, has)]

    async def carry_out(self, turn: Turn) -> bool:
        """Carry out what the model has called, all at once. False when there is nothing."""
        calls = turn.open_calls
        # Without tools on offer, a call is only shown: nobody has asked for it to be carried out.
        if not calls or not self._tools.specs():
            return False
        await asyncio.gather(*(self._carry_out(turn, call) for call in calls))
        turn.begin_call()
        return True

    async def _carry_out(self, turn: Turn, call: FunctionCallItem) -> None:
        loop = asyncio.get_running_loop()
        began, attempt = loop.time(), turn.attempt

        async def ask() -> bool:
            nonlocal began
            allowed = await self._ask(turn, call)
            began = loop.time()
            return allowed

        output = await self._tools.call(call, self._conversation.id, ask)
        if turn.attempt != attempt or not turn.status.running:
            return
        turn.finish_call(call, output, int((loop.time() - began) * 1000))
        self._tell(turn)
        self._write(turn)

    async def _ask(self, turn: Turn, call: FunctionCallItem) -> bool:
        answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._asked[call.call_id] = answer
        if block := turn.call_block(call):
            block.asks = True
        self._tell(turn)
        try:
            return await answer
        finally:
            del self._asked[call.call_id]
            if block:
                block.asks = None
            self._tell(turn)

    def decide(self, call_id: str, *, allow: bool, always: bool = False) -> None:
        """The user's word on a call that asks; with ``always`` on all later ones of that tool."""
        answer = self._asked.get(call_id)
        turn = self._conversation.running
        if answer is None or answer.done() or turn is None:
            return
        if always:
            name = next(call.name for call in turn.open_calls if call.call_id == call_id)
            own = self._conversation.settings
            tools: dict[str, Permission] = {**(own.tools or {}), name: "always"}
            self._configure(own.model_copy(update={"tools": tools}))
        answer.set_result(allow)


def too_many_calls() -> SidestreamError:
    """The end of a turn in which the model calls tools for ever."""
    return SidestreamError(
        ErrorKind.INCOMPLETE,
        f"The model has used tools {MAX_ROUNDS} times in a row without coming to an end.",
        hint="Continue, if that is what you want.",
    )
