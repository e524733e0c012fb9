"""From what the user entered to a client, and whether that client can be used."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from pydantic import ValidationError

from sidestream.auth import ApiKeyAuth, Auth, NoAuth
from sidestream.client import Client
from sidestream.errors import ErrorKind, SidestreamError
from sidestream.http import Fetch
from sidestream.prompt import CallOptions, Prompt
from sidestream.provider import PRESETS, Provider
from sidestream.session.chat import Connection

# Errors of the model list that say nothing about whether the provider answers prompts.
_NO_LIST = {
    ErrorKind.NOT_FOUND,
    ErrorKind.UNSUPPORTED,
    ErrorKind.BAD_RESPONSE,
    ErrorKind.INVALID_REQUEST,
}


def connect(data: dict[str, Any], fetch: Fetch, **provider_fields: Any) -> Connection:
    """A client from ``{"settings": Settings, "api_key": ...}`` of ``extension/protocol.js``.

    ``provider_fields`` win over the settings. Raises `SidestreamError` of kind ``configuration``.
    """
    settings, api_key = data["settings"], data.get("api_key")
    fields = {
        name: settings[name]
        for name in ("name", "base_url", "wire_api", "http_headers", "query_params")
        if settings.get(name)
    }
    preset = PRESETS.get(settings.get("preset", ""), PRESETS["custom"])
    try:
        provider = preset.provider(**{**fields, **provider_fields})
    except ValidationError:
        raise SidestreamError(
            ErrorKind.CONFIGURATION,
            "The provider's settings cannot be used.",
            hint="Open the settings and save them again.",
        ) from None
    auth: Auth = ApiKeyAuth(api_key) if api_key else NoAuth()
    model = settings.get("model") or ""
    return Connection(
        client=Client(provider=provider, auth=auth, fetch=fetch, model=model),
        model=model,
        origin=_origin(provider),
        instructions=settings.get("instructions") or None,
    )


def _origin(provider: Provider) -> str:
    parts = urlsplit(provider.base_url)
    return f"{parts.scheme}://{parts.netloc}"


async def list_models(data: dict[str, Any], fetch: Fetch) -> list[str]:
    """The names of the provider's models. Raises `SidestreamError`."""
    models = await _impatient(data, fetch).client.list_models()
    if not models:
        raise SidestreamError(
            ErrorKind.NOT_FOUND,
            "The provider's list of models is empty.",
            hint="Type the model's name, or load a model on the server first.",
        )
    return [model.slug for model in models]


async def try_connection(data: dict[str, Any], fetch: Fetch) -> str:
    """Whether the settings work, in a sentence for the user. Raises `SidestreamError` if not.

    The model list costs nothing, so it is asked first; a provider without one gets a real, tiny
    prompt.
    """
    connection = _impatient(data, fetch)
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


def _impatient(data: dict[str, Any], fetch: Fetch) -> Connection:
    """Someone waits for a plain yes or no, so nothing is repeated."""
    return connect(
        data, fetch, request_max_retries=0, stream_max_retries=0, stream_idle_timeout_ms=60_000
    )


def _named(model: str, models: list[str]) -> bool:
    # Ollama lists a model without a tag as `name:latest`; Google prefixes `models/`.
    return any(name.removeprefix("models/") in (model, f"{model}:latest") for name in models)
