"""A test kit for code that uses Sidestream: virtual time, scripted servers, injected faults.

Nothing here needs sockets, threads or real waiting, so tests run on CPython and inside Pyodide.
"""

from __future__ import annotations

from sidestream.testing.clock import DeadlockError, VirtualTimeLoop, now, run
from sidestream.testing.fetch import FakeFetch, FakeResponse, Refuse, Reply, ScriptedReply
from sidestream.testing.receivers import check_request
from sidestream.testing.stored import StoredResponses
from sidestream.testing.streams import ChatStream, MockSSEStream, ResponsesStream

__all__ = [
    "ChatStream",
    "DeadlockError",
    "FakeFetch",
    "FakeResponse",
    "MockSSEStream",
    "Refuse",
    "Reply",
    "ResponsesStream",
    "ScriptedReply",
    "StoredResponses",
    "VirtualTimeLoop",
    "check_request",
    "now",
    "run",
]
