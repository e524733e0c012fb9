"""`SecondTry`: the request again, without what the server has refused."""

from __future__ import annotations

from typing import Any

from sidestream.adjust import (
    MAX_CHANGES,
    WITHOUT_IMAGES,
    Adjustments,
    Change,
    apply,
    changes_for,
    loses_images,
    removes_images,
)
from sidestream.errors import SidestreamError
from sidestream.prompt import CallOptions
from sidestream.provider import Provider
from sidestream.types.events import Notice, ResponseEvent
from sidestream.types.wire_api import WireApi


class SecondTry:
    """The changes to the requests of one call, those known from earlier calls included."""

    def __init__(self, adjustments: Adjustments, provider: Provider, options: CallOptions) -> None:
        self._adjustments = adjustments
        self._origin = provider.origin
        self._model = options.model or ""
        self._conversation_id = options.conversation_id or ""
        self._changes: list[Change] = []
        """What this call has learnt."""
        self._notices: list[ResponseEvent] = []
        self._mentioned_images = False

    def learn(
        self, error: SidestreamError, request: dict[str, Any], wire_api: WireApi
    ) -> list[ResponseEvent] | None:
        """Find the changes that avoid a refusal, and return the notices of them.

        ``None``: there is nothing that the request could be sent without.
        """
        if len(self._changes) >= MAX_CHANGES:
            return None
        changes = changes_for(error, request, self._changes)
        for change in changes:
            self._adjustments.add(
                self._origin, self._model, wire_api, self._conversation_id, change
            )
        self._changes += changes
        self._mentioned_images |= any(removes_images(change) for change in changes)
        return [Notice(message=c.notice) for c in changes if c.notice] if changes else None

    def apply(self, request: dict[str, Any], wire_api: WireApi) -> dict[str, Any]:
        """Return the request without what the server is known to refuse."""
        known = self._adjustments.known(self._origin, self._model, wire_api, self._conversation_id)
        changed = apply(request, dict.fromkeys([*known, *self._changes]))
        if not self._mentioned_images and loses_images(request, changed):
            # The notice of the call that learnt it may be old, and about another image.
            self._notices.append(Notice(message=WITHOUT_IMAGES))
        return changed

    def take_notices(self) -> list[ResponseEvent]:
        """Return the notices that `apply` has made, once."""
        notices, self._notices = self._notices, []
        self._mentioned_images |= bool(notices)
        return notices
