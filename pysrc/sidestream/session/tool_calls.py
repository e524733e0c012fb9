"""The calls of the model in one conversation: which are offered, approved and carried out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Literal

from sidestream.errors import ErrorKind, SidestreamError
from sidestream.session import provider_tools
from sidestream.session.conversation import Conversation, ConversationSettings
from sidestream.session.python_tool import PythonTool, network_note
from sidestream.session.tools import (
    DEFAULT_CALLS,
    Approval,
    Permission,
    Tool,
    ToolLimits,
    ToolOutput,
    Tools,
)
from sidestream.session.turn import Turn
from sidestream.session.untrusted import mark
from sidestream.types.items import FunctionCallItem
from sidestream.types.tools import ToolSpec

MOST_AT_ONCE = 64
"""How many calls of one answer are carried out: limits count rounds, and each call may ask."""
_TOO_MANY = ToolOutput(
    f"error: Too many calls in one answer. Only the first {MOST_AT_ONCE} are carried out.",
    failed=True,
    ours=True,
    status="not_carried_out",
)


class LimitReachedError(SidestreamError):
    """A turn has continued as far without the user as the conversation's settings allow."""

    def __init__(self, limit: Literal["calls", "seconds", "tokens"], message: str) -> None:
        super().__init__(
            ErrorKind.INCOMPLETE,
            message,
            hint="Continue if it may go on, or change the limit in the conversation's settings.",
        )
        self.limit = limit


class ToolCalls:
    """Carries out the calls of a conversation's turns, as far as its settings permit.

    Args:
        conversation: Its settings have the permissions.
        tools: All tools that exist.
        show: Sends a turn that has changed to the panels.
        write: Stores a turn.
        drain: Waits until everything that was given to ``write`` is stored.
        configure: Gives the conversation new settings.

    """

    def __init__(
        self,
        conversation: Conversation,
        tools: Sequence[Tool],
        *,
        show: Callable[[Turn], None],
        write: Callable[[Turn], None],
        drain: Callable[[], Awaitable[None]],
        configure: Callable[[ConversationSettings], None],
    ) -> None:
        self._conversation = conversation
        self._all = tools
        self._show = show
        self._write = write
        self._drain = drain
        self._configure = configure
        self._asked: dict[str, tuple[str, asyncio.Future[Approval]]] = {}
        """The tool and the user's decision to come, by the id of the call."""
        self._clock: asyncio.Timeout | None = None
        """Ends a turn that takes too long; is stopped while a call waits for an approval."""
        self._left_s: float | None = None
        """The time that is left while the clock is stopped."""

    @property
    def _tools(self) -> Tools:
        settings = self._conversation.settings
        return Tools(
            self._all, settings.tools, notes={PythonTool.name: network_note(settings.network)}
        )

    @property
    def _limits(self) -> ToolLimits:
        return self._conversation.settings.limits or ToolLimits()

    def offered(self, has: Mapping[str, provider_tools.Support]) -> list[ToolSpec]:
        """The tools that the model is offered; ``has`` are the provider's own ones."""
        settings = self._conversation.settings
        return [*self._tools.specs(), *provider_tools.offered(settings, has)]

    # --- limits -------------------------------------------------------------------------------

    @asynccontextmanager
    async def within_time(self, turn: Turn) -> AsyncIterator[None]:
        """Raises `LimitReachedError` in what takes longer than the user allows."""
        seconds = self._limits.seconds if turn.kind is None else None
        try:
            async with asyncio.timeout(seconds) as clock:
                self._clock, self._left_s = clock, None
                yield
        except TimeoutError:
            if not clock.expired():
                raise
            message = f"This answer has taken {seconds} s, as long as this conversation allows."
            raise LimitReachedError("seconds", message) from None
        finally:
            if self._clock is clock:
                self._clock = None

    def _check(self, turn: Turn) -> None:
        calls = self._limits.calls or DEFAULT_CALLS
        if turn.calls >= calls:
            times = "once" if calls == 1 else f"{calls} times"
            message = f"The model has used tools {times}, as often as this conversation allows."
            raise LimitReachedError("calls", message)
        tokens, used = self._limits.tokens, turn.usage.total_tokens if turn.usage else 0
        if tokens is not None and used >= tokens:
            message = f"This answer has used {used:,} tokens; this conversation allows {tokens:,}."
            raise LimitReachedError("tokens", message)

    def _hold_clock(self) -> None:
        clock = self._clock
        if clock is not None and (at := clock.when()) is not None:
            self._left_s = at - asyncio.get_running_loop().time()
            clock.reschedule(None)

    def _let_clock_run(self) -> None:
        if self._clock is not None and self._left_s is not None:
            self._clock.reschedule(asyncio.get_running_loop().time() + self._left_s)
            self._left_s = None

    # --- calls --------------------------------------------------------------------------------

    async def carry_out(self, turn: Turn, *, parallel: bool = True) -> bool:
        """Carry out the calls of the last answer, all at once or one by one.

        Returns False if there are none. Raises `LimitReachedError` if the turn may not continue.
        """
        calls = turn.open_calls
        # Where no tools were offered, a call is only shown.
        if not calls or turn.kind is not None or not (turn.calls or self._tools.specs()):
            return False
        self._check(turn)
        # The answer is whole. A process that resumed it would carry out its calls once more.
        turn.forget_response()
        for call in calls[MOST_AT_ONCE:]:
            turn.finish_call(call, _TOO_MANY)
        calls = calls[:MOST_AT_ONCE]
        self._write(turn)
        if parallel:
            await asyncio.gather(*(self._carry_out(turn, call) for call in calls))
        else:
            for call in calls:
                await self._carry_out(turn, call)
        turn.begin_call()
        return True

    async def _carry_out(self, turn: Turn, call: FunctionCallItem) -> None:
        loop = asyncio.get_running_loop()
        began: float | None = None
        attempt = turn.attempt

        async def begin() -> None:
            nonlocal began
            if block := turn.call_block(call):
                block.begun = True
            self._show(turn)
            # The next process has to know that the call may have had effects.
            self._write(turn)
            await self._drain()
            began = loop.time()

        output = await self._tools.call(
            call, self._conversation.id, lambda: self._ask(turn, call), begin
        )
        if turn.attempt != attempt or not turn.status.running:
            return
        secret = f"{self._conversation.id} {turn.idempotency_key} {call.call_id}"
        turn.finish_call(
            call,
            output,
            None if began is None else int((loop.time() - began) * 1000),
            for_model=None if output.ours else mark(output.text, call.name, secret),
        )
        self._show(turn)
        self._write(turn)

    async def _ask(self, turn: Turn, call: FunctionCallItem) -> Approval:
        answer: asyncio.Future[Approval] = asyncio.get_running_loop().create_future()
        if not self._asked:
            self._hold_clock()
        self._asked[call.call_id] = asked = (call.name, answer)
        block = turn.ask_about(call)
        self._show(turn)
        try:
            return await answer
        finally:
            if self._asked.get(call.call_id) is asked:
                del self._asked[call.call_id]
            if not self._asked:
                self._let_clock_run()
            if block:
                block.asks = None
            self._show(turn)

    def decide(
        self,
        call_id: str,
        *,
        allow: bool,
        always: bool = False,
        never: bool = False,
        page: str | None = None,
    ) -> None:
        """Take the user's decision about a call; ``page`` is the one that was shown with it.

        With ``always`` or ``never`` it applies to all calls of that tool in the conversation, also
        to those that wait for an approval already.
        """
        name, answer = self._asked.get(call_id, ("", None))
        if answer is None or answer.done():
            return
        if always or never:
            own = self._conversation.settings
            permission: Permission = "always" if allow else "never"
            tools: dict[str, Permission] = {**(own.tools or {}), name: permission}
            self._configure(own.model_copy(update={"tools": tools}))
        for other_id, (other, waiting) in self._asked.items():
            concerned = other == name if always or never else other_id == call_id
            if concerned and not waiting.done():
                waiting.set_result(Approval(allow, page if other_id == call_id else None))
