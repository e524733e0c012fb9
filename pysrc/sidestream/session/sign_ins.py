"""The ChatGPT sign-ins of the provider profiles."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any

from sidestream.auth import ChatGptAuth

SaveTokens = Callable[[str, str, str], Awaitable[str]]
"""Stores an ``auth.json``: takes the profile's id, the content before and the new content.

Returns "", or why it was not stored.
"""

_log = logging.getLogger(__name__)


class SignIns:
    """The ChatGPT sign-ins in use, one object for each profile.

    A refresh token works once, so all clients of the same sign-in must share its renewals.
    """

    def __init__(self, save: SaveTokens, now: Callable[[], float] = time.time) -> None:
        self._save = save
        self._now = now
        self._known: dict[str, _SignIn] = {}

    def auth(self, profile_id: str, auth_json: str) -> ChatGptAuth:
        """The authentication of a profile. ``auth_json`` is what is stored for it now."""
        known = self._known.get(profile_id)
        if known is None or auth_json not in known.contents:
            known = _SignIn(profile_id, auth_json, self._save, self._now)
            self._known[profile_id] = known
        return known.auth


class _SignIn:
    def __init__(
        self, profile_id: str, auth_json: str, save: SaveTokens, now: Callable[[], float]
    ) -> None:
        self._profile_id = profile_id
        self._stored = auth_json
        self._save = save
        self.contents = {auth_json}
        """The content at first and after each renewal: all of them belong to this sign-in."""
        self.auth = ChatGptAuth(auth_json, now=now, on_refresh=self._keep)

    async def _keep(self, renewed: dict[str, Any]) -> None:
        content = json.dumps(renewed)
        self.contents.add(content)
        if await self._save(self._profile_id, self._stored, content):
            # The new tokens work in this process; the next renewal will be stored again.
            _log.error("The renewed ChatGPT sign-in could not be stored")
        else:
            self._stored = content
