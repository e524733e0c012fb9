"""Has the model write summaries, which stand for the conversation before them (compaction)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import aclosing
from uuid import uuid4

from sidestream.errors import ErrorKind, SidestreamError
from sidestream.session.compaction import MAX_CUT_SUMMARIES, MAX_SUMMARY_TRIES
from sidestream.session.connection import Connection
from sidestream.session.conversation import Conversation
from sidestream.session.endings import is_about_images, is_too_large
from sidestream.session.failure_reports import FailureReports
from sidestream.session.panel_messages import PanelMessages
from sidestream.session.requests import Answer, Requests
from sidestream.session.services import Services
from sidestream.session.summaries import (
    CUT_SUMMARY,
    check_summary,
    is_cut_short,
    is_too_much,
    not_summarised,
)
from sidestream.session.turn import Turn, TurnStatus

Read = Callable[[Turn, Answer], Awaitable[None]]
"""Reads an answer into a turn."""
_MIN_WORDS = 60
"""A summary is never limited to fewer words."""
_MIN_TOKENS = 200
"""A request of fewer tokens is not refused for its length."""


class Summariser:
    """Asks for the summaries of one conversation, and for shorter ones where they do not fit."""

    def __init__(
        self,
        conversation: Conversation,
        services: Services,
        panels: PanelMessages,
        requests: Requests,
        reports: FailureReports,
    ) -> None:
        self._conversation = conversation
        self._services = services
        self._panels = panels
        self._requests = requests
        self._reports = reports

    async def ask(self, compaction: Turn, connection: Connection) -> Answer:
        """Ask for the summary of all that comes before a compaction."""
        room = self._requests.summary_room(connection)
        return await self._requests.ask_summary(compaction, connection, room)

    async def read(self, compaction: Turn, answer: Answer, read: Read) -> None:
        """Read a summary. As long as its request is too long, ask for a summary of less.

        If summaries keep ending at a token limit, the last one is kept as it is: without any, the
        conversation could not continue.
        """
        connection, images = answer.connection, True
        cut_short = 0
        words: int | None = None
        for tries_left in reversed(range(MAX_SUMMARY_TRIES)):
            try:
                await read(compaction, answer)
                check_summary(compaction)
                return
            except SidestreamError as failure:
                sent = self._requests.estimated
                is_cut = is_cut_short(failure, compaction)
                cut_short += is_cut
                if is_cut and cut_short >= MAX_CUT_SUMMARIES:
                    compaction.note(CUT_SUMMARY)
                    return
                if not tries_left or not is_too_much(failure, compaction) or sent < _MIN_TOKENS:
                    raise not_summarised(failure) from None
                if failure.kind is ErrorKind.CONTEXT_WINDOW_EXCEEDED:
                    self._requests.learn_window(connection, failure)
                images = images and not (is_too_large(error := failure.to_dict()))
                images = images and not is_about_images(error)
                if failure.kind is ErrorKind.INCOMPLETE:
                    # Some servers have a low limit of output tokens.
                    words = max(len(compaction.text.split()) * 2 // 3, _MIN_WORDS)
                fits = self._requests.summary_room(connection)
                knows = failure.context_window is not None and fits is not None
                room = sent * 7 // 10 if knows else sent // 2
                room = room if fits is None else min(room, fits)
            compaction.ask_again()
            if compaction is self._conversation.running:
                self._panels.send_turn(compaction)
            answer = await self._requests.ask_summary(
                compaction, connection, room, images=images, words=words
            )

    async def summarise_within(self, turn: Turn, connection: Connection) -> None:
        """Summarise what comes before a turn while it runs; its own calls are kept as they are.

        If that fails, the oldest messages are left out of the turn's requests instead.
        """
        compaction = Turn(
            id=str(uuid4()),
            user="",
            created_at=self._services.now_ms(),
            kind="compaction",
            parent=turn.parent,
            model=turn.model,
            origin=turn.origin,
        )
        compaction.start()
        turn.notice = "Summarising the conversation before this message"
        self._panels.send_turn(turn)
        try:
            answer = await self.ask(compaction, connection)
            await self.read(compaction, answer, _read_unseen)
        except SidestreamError as failure:
            self._reports.log(compaction, connection, failure)
            self._requests.trimmed = turn.id
            turn.note(
                "The conversation could not be summarised, so its oldest messages were left out."
            )
        else:
            compaction.finish(TurnStatus.COMPLETED)
            compaction.sent = True
            self._conversation.insert_done(compaction, turn)
            # The count of tokens was for the context before the summary.
            turn.context_tokens = None
            self._services.writer.write(self._conversation, compaction)
            self._services.writer.write(self._conversation, turn)
        turn.notice = None
        self._panels.send_conversation()


async def _read_unseen(turn: Turn, answer: Answer) -> None:
    """Read an answer that the panels are not shown while it is written."""
    async with aclosing(answer.batches) as batches:
        async for batch in batches:
            for event in batch:
                turn.apply(event)
