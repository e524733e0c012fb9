"""A turn: one message of the user and the answer to it, with all that can happen to it."""

from __future__ import annotations

from typing import Any

from pydantic import PrivateAttr

from sidestream.errors import ErrorKind
from sidestream.session.blocks import Block, item_id_of
from sidestream.session.tools import ToolOutput
from sidestream.session.turn_record import CALL_ENDED_EARLY, RECORD_VERSION, TurnRecord
from sidestream.session.turn_reducer import TurnReducer
from sidestream.session.turn_status import TurnStatus, Waiting
from sidestream.types.events import ResponseEvent
from sidestream.types.items import (
    CustomToolCallItem,
    FunctionCallItem,
    FunctionCallOutputItem,
    LocalShellCallItem,
)

__all__ = ["INTERRUPTED", "NOT_RUN", "RECORD_VERSION", "Turn", "TurnStatus", "Waiting"]

NOT_RUN = "not_run"
"""The status of a call that was not carried out by anybody."""
_CALLS = (FunctionCallItem, CustomToolCallItem, LocalShellCallItem)
_BROKEN_OFF = {
    TurnStatus.STOPPED: "The user stopped the answer",
    TurnStatus.INTERRUPTED: "The browser stopped Sidestream",
    TurnStatus.INCOMPLETE: "The answer came to a limit",
    TurnStatus.FAILED: "The answer failed",
}
INTERRUPTED: dict[str, Any] = {
    "kind": ErrorKind.STREAM_CLOSED.value,
    "message": "The browser stopped Sidestream while this answer was being written.",
    "hint": "What had arrived is kept, and nothing is sent again unless you say so.",
    "retryable": True,
}
"""The error of a turn that was running when the worker ended."""


class Turn(TurnRecord):
    """A turn as its conversation uses it: it is queued, started, written and ended."""

    _own_reducer: TurnReducer | None = PrivateAttr(default=None)

    @property
    def _reducer(self) -> TurnReducer:
        reducer = self._own_reducer
        if reducer is None or not reducer.is_of(self):
            reducer = self._own_reducer = TurnReducer(self)
        return reducer

    def apply(self, event: ResponseEvent) -> bool:
        """Apply an event. Returns whether the status or the notice has changed."""
        return self._reducer.apply(event)

    # --- life ---------------------------------------------------------------------------------

    def wait(self, waiting: Waiting) -> None:
        """Queue the turn, of which nothing has been sent."""
        self.status = TurnStatus.QUEUED
        self.waiting = waiting
        self.error = None
        self.sent = False

    def start(self) -> None:
        """Run the turn. An earlier answer is dropped, unless the turn was queued in its middle."""
        self.status = TurnStatus.RUNNING
        self.waiting = None
        self.sent = False
        self.without_images = self.left_out = False
        self.attempt += 1
        if self.begun:
            self.begun = False
            return
        self.blocks = []
        self.withdrawn = None
        self.items = []
        self._reducer.forget_items()
        self.error = None
        self.usage = None
        self.usage_before = None
        self.context_tokens = None
        self.calls = 0
        self.notice = None
        self.notices = None
        self.finish_reason = None
        self.model = None
        self.forget_response()

    def put_back(self, waiting: Waiting) -> None:
        """Queue the turn again; it will continue its answer if calls have been carried out."""
        self._reducer.end_blocks()
        if done := self.done_rounds:
            answered = [i for i, block in enumerate(self.blocks) if block.output is not None]
            self.items = done
            self._reducer.forget_items()
            self.blocks = self.blocks[: answered[-1] + 1] if answered else []
            self.begun = True
        self.put_off += 1
        self.notice = None
        self.urgent = False
        self.limited = True
        self.forget_response()
        self.wait(waiting)

    def reached(self, response_id: str, sequence_number: int) -> None:
        """Note how far the answer has been read that the provider keeps."""
        self.response_id = response_id
        self.sequence_number = sequence_number

    def reconnect(self, notice: str) -> None:
        """Note that the connection is lost while the provider continues to write."""
        self.status = TurnStatus.RECONNECTING
        self.notice = notice

    def finish(self, status: TurnStatus, error: dict[str, Any] | None = None) -> None:
        """End the turn. What arrived is kept, also for later requests."""
        self._reducer.end_blocks()
        if why := _BROKEN_OFF.get(status):
            for call in self.open_calls:
                self._break_off(call, why)
        self._mark_what_nobody_ran()
        self.status = status
        self.error = error
        self.notice = None
        self.waiting = None
        self.urgent = False
        self.limited = False
        self.begun = False
        self.put_off = 0
        self.forget_response()

    def _mark_what_nobody_ran(self) -> None:
        """Mark the calls without an output that were ours to carry out.

        Calls without an id, and those of other kinds, are carried out by the provider.
        """
        elsewhere = {
            getattr(item, "call_id", None) for item in self.items if not isinstance(item, _CALLS)
        }
        for block in self.blocks:
            ours = block.kind == "tool" and block.call_id and block.call_id not in elsewhere
            if ours and block.output is None:
                block.status = NOT_RUN

    # --- calls --------------------------------------------------------------------------------

    def call_block(self, call: FunctionCallItem) -> Block | None:
        """The block that shows a call."""
        item_id = item_id_of(call)
        # Two calls may have the same item id: one must not be shown for the other.
        known = self._reducer.index.last_of("tool", item_id)
        if known is None or known.call_id == call.call_id:
            return known
        same_item = reversed(self._reducer.index.tools(item_id))
        return next((block for block in same_item if block.call_id == call.call_id), None)

    def ask_about(self, call: FunctionCallItem) -> Block | None:
        """Show a call exactly as it would be carried out, and ask the user for approval."""
        block = self.call_block(call)
        if block is not None:
            # The deltas of the arguments may differ from the arguments of the whole call.
            block.close(call.arguments)
            block.asks = True
        return block

    def begin_call(self) -> None:
        """Prepare for the next call of the model, with the outputs of its calls."""
        self._reducer.end_blocks()
        self.calls += 1
        self.usage_before = self.usage
        self.finish_reason = None
        self.forget_response()

    def ask_again(self) -> None:
        """Drop the present answer, for which the model is asked once more."""
        self._reducer.end_blocks()
        answer = self.answer
        if answer:
            self.items = self.items[: len(self.items) - len(answer)]
            self._reducer.forget_items()
        answered = [i for i, block in enumerate(self.blocks) if block.output is not None]
        self.blocks = self.blocks[: answered[-1] + 1] if answered else []
        self.attempt += 1
        self.usage_before = self.usage
        self.finish_reason = None
        self.forget_response()

    def finish_call(
        self,
        call: FunctionCallItem,
        output: ToolOutput,
        duration_ms: int | None = None,
        *,
        for_model: str | None = None,
    ) -> None:
        """Note the output of a call; ``for_model`` is what the model receives instead of it."""
        text = output.text if for_model is None else for_model
        self._reducer.forget_items()
        self.items.append(FunctionCallOutputItem(call_id=call.call_id, output=text))
        block = self.call_block(call)
        if block is not None:
            block.asks = block.begun = None
            block.output = output.text
            block.failed = output.failed or None
            block.duration_ms = duration_ms
            block.shown = output.shown or None
            block.status = output.status

    def _break_off(self, call: FunctionCallItem, why: str) -> None:
        """Give a call an output that tells the model how the end of the turn affected it."""
        block = self.call_block(call)
        if block is not None and block.begun:
            text = f"error: {why} before this call was done. It may have had effects all the same."
            status = CALL_ENDED_EARLY
        else:
            text = f"error: {why} before this call was carried out. Nothing of it was done."
            status = "not_carried_out"
        self.finish_call(call, ToolOutput(text, failed=True, ours=True, status=status))
