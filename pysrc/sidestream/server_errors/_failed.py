"""`FailedResponse`: everything that is known of a failure when its error is made."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import tzinfo

from sidestream.server_errors.causes import Cause
from sidestream.server_errors.shapes import ReportedError


@dataclass(slots=True)
class FailedResponse:
    """A response that is an error, or an error inside a stream."""

    reported: ReportedError
    status: int | None
    headers: Mapping[str, str]
    now: float
    url: str
    tz: tzinfo | None
    fallback: str = ""
    """The message where the server gives none."""
    cause: Cause | None = None

    @property
    def message(self) -> str:
        """The server's message, or nothing."""
        return self.reported.message or ""

    @property
    def cause_name(self) -> str:
        """The name of the cause, or nothing."""
        return self.cause.name if self.cause else ""


def without_query(url: str) -> str:
    """An address without its query, which may hold a key."""
    return re.split(r"[?#]", url, maxsplit=1)[0]
