"""How a request that the provider refused is repeated: with less of the conversation in it."""

from __future__ import annotations

from dataclasses import replace

from sidestream.errors import ErrorKind, SidestreamError
from sidestream.session.attachments import with_images
from sidestream.session.connection import Connection
from sidestream.session.conversation import Conversation
from sidestream.session.endings import is_about_images, is_too_large
from sidestream.session.failure_reports import FailureReports
from sidestream.session.panel_messages import PanelMessages
from sidestream.session.requests import Requests
from sidestream.session.services import Services
from sidestream.session.summariser import Summariser
from sidestream.session.turn import Turn


class RefusedRequests:
    """Removes what the provider refuses from the next requests of a conversation."""

    def __init__(
        self,
        conversation: Conversation,
        services: Services,
        panels: PanelMessages,
        requests: Requests,
        reports: FailureReports,
        summariser: Summariser,
    ) -> None:
        self._conversation = conversation
        self._services = services
        self._panels = panels
        self._requests = requests
        self._reports = reports
        self._summariser = summariser

    def ask_again(self, turn: Turn) -> None:
        """Drop the present answer of a turn, so that its request can be repeated."""
        turn.ask_again()
        self._panels.send_turn(turn)

    def may_be_shorter(self, turn: Turn, connection: Connection, failure: SidestreamError) -> bool:
        """Whether a request that was too long is repeated with less, without asking the user."""
        mode, earlier = connection.compaction.mode, self._conversation.context(turn)
        too_long = failure.kind is ErrorKind.CONTEXT_WINDOW_EXCEEDED or (
            is_too_large(failure.to_dict()) and not self._conversation.images_before(turn)
        )
        if mode == "trim":
            return too_long and bool(earlier or turn.calls)
        return too_long and mode == "summarise" and bool(turn.calls)

    async def make_shorter(
        self, turn: Turn, connection: Connection, failure: SidestreamError
    ) -> Connection:
        """Have the next request of a turn be shorter; returns the connection for it."""
        sent = int(self._requests.estimated * self._requests.density)
        if failure.kind is ErrorKind.CONTEXT_WINDOW_EXCEEDED:
            self._requests.learn_window(connection, failure)
        self._reports.log(turn, connection, failure)
        self.ask_again(turn)
        window = min(filter(None, (self._requests.window(connection), sent)))
        narrower = replace(connection.compaction, by_user=False).within(window)
        # The request did not fit, whatever its size was estimated to be.
        compact_at = min(narrower.compact_at or sent, sent * 3 // 4)
        narrower = replace(narrower, compact_at=compact_at)
        connection = replace(connection, compaction=narrower)
        self._requests.compaction = narrower
        before = self._conversation.before(turn)
        summarises = narrower.mode == "summarise" and self._requests.trimmed != turn.id
        if summarises and before is not None and before.kind is None:
            await self._summariser.summarise_within(turn, connection)
        return connection

    def leave_images_out(self, turn: Turn, failure: SidestreamError) -> bool:
        """Leave the images of the older half of the earlier messages out of all later requests.

        Returns False when there are none, or when the provider refuses something else.
        """
        error = failure.to_dict()
        about_size, about_images = is_too_large(error), is_about_images(error)
        if not (about_size or about_images) or turn.answer:
            return False
        earlier = self._conversation.images_before(turn)
        for each in earlier[: (len(earlier) + 1) // 2 if about_size else len(earlier)]:
            each.without_images = True
            self._services.writer.write(self._conversation, each)
        if earlier:
            turn.note("Images of earlier messages were left out, since the provider refused them.")
        elif with_images(turn.attachments):
            # A retry of this message sends them again; later messages only name them.
            turn.without_images = True
        return bool(earlier)

    def leave_flagged_out(self, turn: Turn) -> bool:
        """Leave messages out of all later requests whose answers the provider's filter stopped.

        Returns False when there are none: then the provider refuses the message itself.
        """
        flagged = [
            earlier
            for earlier in self._conversation.context(turn)
            if earlier.finish_reason == "content_filter" and not earlier.left_out
        ]
        for earlier in flagged:
            earlier.left_out = True
            self._services.writer.write(self._conversation, earlier)
        if flagged:
            turn.note("An earlier message was left out, since the provider's policy refused it.")
        return bool(flagged)
