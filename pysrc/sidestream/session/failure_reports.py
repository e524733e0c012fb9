"""What is shown and logged of a turn that failed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sidestream.errors import ErrorKind, SidestreamError
from sidestream.session.attachments import with_images
from sidestream.session.connection import Connection
from sidestream.session.conversation import Conversation
from sidestream.session.endings import may_be_the_images
from sidestream.session.error_log import error_details
from sidestream.session.requests import Requests
from sidestream.session.services import Services
from sidestream.session.tool_calls import LimitReachedError
from sidestream.session.turn import Turn

_TOO_LONG_ALONE = (
    "This message alone is too long for the model. Edit it to make it shorter, or choose a model "
    "with a larger context window."
)


class FailureReports:
    """Makes a turn's error of a failure, and writes failures to the error log."""

    def __init__(self, conversation: Conversation, services: Services, requests: Requests) -> None:
        self._conversation = conversation
        self._services = services
        self._requests = requests
        self.attempts = 0
        """The number of requests that the running turn has sent."""

    def error_of(
        self, turn: Turn, connection: Connection | None, failure: SidestreamError
    ) -> dict[str, Any]:
        """The error that a turn ends with, with the details that a bug report needs.

        Also marks what later requests must leave out because the provider refuses it.
        """
        error = failure.to_dict()
        if failure.kind is ErrorKind.CONTEXT_WINDOW_EXCEEDED and connection is not None:
            self._requests.learn_window(connection, failure)
            before = self._conversation.before(turn)
            if turn.kind is None and not turn.items and (before is None or before.is_summary):
                error["hint"] = _TOO_LONG_ALONE
        if turn.kind is None and with_images(turn.attachments) and may_be_the_images(failure):
            turn.without_images = True
        if turn.kind is None and not turn.items and failure.kind is ErrorKind.CONTENT_POLICY:
            turn.left_out = True
        if isinstance(failure, LimitReachedError):
            # The user has set that limit, so there is nothing to report.
            return error
        if details := self._details(turn, connection, error):
            error["details"] = details
        self._add(turn, failure, details)
        return error

    def log(self, turn: Turn, connection: Connection | None, failure: SidestreamError) -> None:
        """Log a failure that the turn survives."""
        self._add(turn, failure, self._details(turn, connection, failure.to_dict()))

    def _details(
        self, turn: Turn, connection: Connection | None, error: Mapping[str, Any]
    ) -> dict[str, Any]:
        if connection is None and turn.origin is None:
            # No provider was asked.
            return {}
        if connection is None:
            return error_details(error, origin=turn.origin, model=turn.model)
        client = connection.client
        return error_details(
            error,
            provider=client.provider.name,
            origin=connection.origin,
            model=connection.model,
            wire_api=client.provider.wire_api.value,
            finish_reason=turn.finish_reason,
            attempts=self.attempts,
            notices=turn.notices or (),
            exchange=client.last_failed_exchange,
        )

    def _add(self, turn: Turn, failure: SidestreamError, details: dict[str, Any]) -> None:
        self._services.log.add(
            self._services.now(),
            str(failure),
            kind=failure.kind.value,
            turn=turn.kind or "message",
            details=details,
        )
