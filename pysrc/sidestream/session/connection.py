"""From what the user entered to a client, and whether that client can be used."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

from pydantic import ValidationError

from sidestream.auth import ApiKeyAuth, Auth, ChatGptAuth, NoAuth
from sidestream.client import Client
from sidestream.errors import ErrorKind, SidestreamError
from sidestream.http import Fetch
from sidestream.models import get_auto_compact_token_limit, get_model_context_window
from sidestream.prompt import CallOptions, Prompt
from sidestream.provider import PRESETS, Provider
from sidestream.session.chat import Connection
from sidestream.session.compaction import Compaction
from sidestream.session.conversation import ConversationSettings
from sidestream.session.provider_tools import provider_tools

# Errors of the model list that say nothing about whether the provider answers prompts.
_NO_LIST = {
    ErrorKind.NOT_FOUND,
    ErrorKind.UNSUPPORTED,
    ErrorKind.BAD_RESPONSE,
    ErrorKind.INVALID_REQUEST,
}


IDLE_TIMEOUT_MS = 900_000
"""How long a provider may be silent in a chat, unless the settings say otherwise.

More than `Provider`'s own: reasoning takes minutes, in which many providers send nothing. To give
up means to ask again and to pay twice, while a person sees the silence and has a Stop button.
"""

SaveTokens = Callable[[str, str, str], Awaitable[str]]
"""Keeps an ``auth.json``: profile id, content before, new content. Empty, or why not."""

_log = logging.getLogger(__name__)


class SignIns:
    """The ChatGPT sign-ins in use, one object for each profile.

    A refresh token works once, so all who use the same sign-in at the same time must share its
    renewals.
    """

    def __init__(self, save: SaveTokens, now: Callable[[], float] = time.time) -> None:
        self._save = save
        self._now = now
        self._known: dict[str, _SignIn] = {}

    def auth(self, profile_id: str, auth_json: str) -> ChatGptAuth:
        """As whom the profile talks. ``auth_json`` is what is stored for it now."""
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
        """The content at the beginning and after each renewal: all of them are this sign-in."""
        self.auth = ChatGptAuth(auth_json, now=now, on_refresh=self._keep)

    async def _keep(self, renewed: dict[str, Any]) -> None:
        content = json.dumps(renewed)
        self.contents.add(content)
        if await self._save(self._profile_id, self._stored, content):
            # The new tokens serve as long as this process lives; the next renewal is stored again.
            _log.error("The renewed ChatGPT sign-in could not be stored")
        else:
            self._stored = content


def connect(
    data: dict[str, Any],
    fetch: Fetch,
    sign_ins: SignIns | None = None,
    own: ConversationSettings | None = None,
    **provider_fields: Any,
) -> Connection:
    """A client from a ``Connection`` of ``extension/runtime/settings.js``.

    ``{"settings": Settings}`` with an ``"api_key"``, or with ``"auth_json"`` and ``"profile_id"``
    for a sign-in of ``sign_ins``. What the conversation has of its ``own`` and ``provider_fields``
    win over the settings. Raises `SidestreamError` of kind ``configuration``.
    """
    settings = data["settings"] | (own.model_dump(exclude_none=True) if own else {})
    fields = {
        name: settings[name]
        for name in (
            "base_url",
            "wire_api",
            "http_headers",
            "query_params",
            "stream_idle_timeout_ms",
        )
        if settings.get(name)
    }
    fields.setdefault("stream_idle_timeout_ms", IDLE_TIMEOUT_MS)
    preset = PRESETS.get(settings.get("preset", ""), PRESETS["custom"])
    try:
        provider = preset.provider(**{**fields, **provider_fields})
    except ValidationError:
        raise SidestreamError(
            ErrorKind.CONFIGURATION,
            "The provider's settings cannot be used.",
            hint="Open the settings and save them again.",
        ) from None
    model = settings.get("model") or ""
    window = settings.get("context_window")
    return Connection(
        client=Client(provider=provider, auth=_auth(data, sign_ins), fetch=fetch, model=model),
        model=model,
        origin=_origin(provider),
        options=CallOptions(
            effort=settings.get("effort") or None,
            verbosity=settings.get("verbosity") or None,
            background=settings.get("background") or None,
        ),
        instructions=settings.get("instructions") or None,
        compaction=Compaction(
            mode=settings.get("compaction") or "summarise",
            context_window=get_model_context_window(model, window),
            compact_at=get_auto_compact_token_limit(model, context_window=window),
        ),
        provider_tools=provider_tools(preset.key, provider.wire_api),
    )


def _auth(data: dict[str, Any], sign_ins: SignIns | None) -> Auth:
    if sign_ins is not None and data.get("auth_json"):
        return sign_ins.auth(data["profile_id"], data["auth_json"])
    if data.get("api_key"):
        return ApiKeyAuth(data["api_key"])
    if data["settings"].get("preset") == "chatgpt":
        raise SidestreamError(
            ErrorKind.SIGN_IN_REQUIRED,
            "There is no ChatGPT sign-in yet.",
            hint="Import the auth.json of Codex in the settings (codex login makes it).",
        )
    return NoAuth()


def _origin(provider: Provider) -> str:
    parts = urlsplit(provider.base_url)
    return f"{parts.scheme}://{parts.netloc}"


async def list_models(
    data: dict[str, Any], fetch: Fetch, sign_ins: SignIns | None = None
) -> list[str]:
    """The names of the provider's models. Raises `SidestreamError`."""
    models = await _impatient(data, fetch, sign_ins).client.list_models()
    if not models:
        raise SidestreamError(
            ErrorKind.NOT_FOUND,
            "The provider's list of models is empty.",
            hint="Type the model's name, or load a model on the server first.",
        )
    return [model.slug for model in models]


async def try_connection(
    data: dict[str, Any], fetch: Fetch, sign_ins: SignIns | None = None
) -> str:
    """Whether the settings work, in a sentence for the user. Raises `SidestreamError` if not.

    The model list costs nothing, so it is asked first; a provider without one gets a real, tiny
    prompt.
    """
    connection = _impatient(data, fetch, sign_ins)
    name, model = data["settings"].get("name") or connection.origin, connection.model
    try:
        models = [info.slug for info in await connection.client.list_models()]
    except SidestreamError as error:
        if error.kind not in _NO_LIST:
            raise
        models = []
    if _named(model, models):
        return f"Connected to {name}. Model {model} is available."
    if models:
        return f"Connected to {name}, but model {model} is not in the provider's list."
    result = await connection.client.complete(
        Prompt.from_text("Reply with OK."), CallOptions(max_output_tokens=16)
    )
    # An answer that was cut short is an answer.
    if result.error is not None and result.error.kind is not ErrorKind.INCOMPLETE:
        raise result.error
    return f"Connected to {name}. Model {model} answers."


def _impatient(data: dict[str, Any], fetch: Fetch, sign_ins: SignIns | None) -> Connection:
    """Someone waits for a plain yes or no, so nothing is repeated."""
    return connect(
        data,
        fetch,
        sign_ins,
        request_max_retries=0,
        stream_max_retries=0,
        stream_idle_timeout_ms=60_000,
    )


def _named(model: str, models: list[str]) -> bool:
    # Ollama lists a model without a tag as `name:latest`; Google prefixes `models/`.
    return any(name.removeprefix("models/") in (model, f"{model}:latest") for name in models)
