"""Sidestream: a typed client for the OpenAI Responses API and Chat Completions."""

from __future__ import annotations

from sidestream.auth import ApiKeyAuth, Auth, ChatGptAuth, NoAuth
from sidestream.client import Client, TurnResult
from sidestream.errors import ErrorKind, SidestreamError
from sidestream.presets import PRESETS
from sidestream.prompt import CallOptions, Prompt, StreamMode
from sidestream.provider import Provider
from sidestream.transport import Fetch, HttpRequest, HttpResponse
from sidestream.types.events import ResponseEvent
from sidestream.types.wire_api import WireApi

__all__ = [
    "PRESETS",
    "ApiKeyAuth",
    "Auth",
    "CallOptions",
    "ChatGptAuth",
    "Client",
    "ErrorKind",
    "Fetch",
    "HttpRequest",
    "HttpResponse",
    "NoAuth",
    "Prompt",
    "Provider",
    "ResponseEvent",
    "SidestreamError",
    "StreamMode",
    "TurnResult",
    "WireApi",
]
