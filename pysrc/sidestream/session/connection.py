"""From what the user entered to a client, and whether that client can be used."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import time
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

from pydantic import ValidationError

from sidestream.adjust import Adjustments
from sidestream.auth import ApiKeyAuth, Auth, ChatGptAuth, NoAuth
from sidestream.client import Client, TurnResult
from sidestream.errors import ErrorKind, SidestreamError
from sidestream.models import ModelInfo, get_auto_compact_token_limit, get_model_context_window
from sidestream.presets import PRESETS
from sidestream.prompt import CallOptions, Prompt
from sidestream.provider import Provider
from sidestream.session.chat import Connection
from sidestream.session.compaction import Compaction
from sidestream.session.conversation import ConversationSettings
from sidestream.session.known_models import KnownModels
from sidestream.session.provider_tools import provider_tools
from sidestream.transport import Fetch
from sidestream.types.wire_api import WireApi

# Settings that are the provider's as they stand; an empty one counts as not set.
_PROVIDER_TEXTS = (
    "base_url",
    "wire_api",
    "http_headers",
    "query_params",
    "stream_idle_timeout_ms",
    "organization",
    "project",
)

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
    *,
    models: KnownModels | None = None,
    adjustments: Adjustments | None = None,
    **provider_fields: Any,
) -> Connection:
    """A client from a ``Connection`` of ``extension/worker/settings/connections.js``.

    ``{"settings": Settings}`` with an ``"api_key"``, or with ``"auth_json"`` and ``"profile_id"``
    for a sign-in of ``sign_ins``. What the conversation has of its ``own`` and ``provider_fields``
    win over the settings. ``models`` says what the provider's list told of its models,
    ``adjustments`` what servers have refused. Raises `SidestreamError` of kind ``configuration``.
    """
    settings = data["settings"] | (own.model_dump(exclude_none=True) if own else {})
    model = (settings.get("model") or "").strip()
    try:
        provider = _provider(settings, provider_fields)
        info = models.info(provider.origin, model) if models and model else None
        options = _options(settings, info)
        queue = _chosen(settings, "max_waiting", "requests_per_minute")
        if min(queue.values(), default=1) < 1:
            raise ValueError(queue)
    except ValueError:
        raise SidestreamError(
            ErrorKind.CONFIGURATION,
            "The provider's settings cannot be used.",
            hint="Open the settings and save them again.",
        ) from None
    window = settings.get("context_window")
    return Connection(
        client=Client(
            provider=provider,
            auth=_auth(data, sign_ins),
            fetch=fetch,
            model=model,
            adjustments=adjustments,
        ),
        model=model,
        origin=provider.origin,
        options=options,
        instructions=settings.get("instructions") or None,
        compaction=Compaction(
            mode=settings.get("compaction") or "summarise",
            context_window=get_model_context_window(info or model, window),
            compact_at=get_auto_compact_token_limit(info or model, context_window=window),
            by_user=window is not None,
        ),
        provider_tools=provider_tools(provider.preset, provider.wire_api),
        **queue,
    )


def _provider(settings: dict[str, Any], provider_fields: dict[str, Any]) -> Provider:
    fields = {name: settings[name] for name in _PROVIDER_TEXTS if settings.get(name)}
    fields |= _chosen(settings, "request_max_retries", "stream_max_retries")
    fields.setdefault("stream_idle_timeout_ms", IDLE_TIMEOUT_MS)
    preset = PRESETS.get(settings.get("preset", ""), PRESETS["custom"])
    return preset.provider(**{**fields, **provider_fields})


def _options(settings: dict[str, Any], info: ModelInfo | None) -> CallOptions:
    summary = settings.get("summary") or None
    return CallOptions(
        effort=settings.get("effort") or None,
        summary="none" if summary == "off" else summary,
        verbosity=settings.get("verbosity") or None,
        background=settings.get("background") or None,
        model_info=info,
        **_chosen(settings, "temperature", "top_p", "max_output_tokens"),
    )


def _chosen(settings: dict[str, Any], *names: str) -> dict[str, Any]:
    """Those of the settings that the user has set; 0 is a choice."""
    return {name: settings[name] for name in names if settings.get(name) is not None}


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


def describe_model(settings: dict[str, Any], models: KnownModels) -> dict[str, Any]:
    """What a page may want to know of a model before it is used. Nothing is asked of anybody.

    Efforts, whether it reasons, and its context window in tokens; what is unknown is left out.
    """
    model = (settings.get("model") or "").strip()
    if not model:
        return {}
    try:
        origin = _provider(settings, {}).origin
    except ValidationError:
        origin = ""
    info = models.info(origin, model)
    described = {
        "efforts": info.efforts or None,
        "default_effort": info.default_effort,
        "supports_reasoning": info.supports_reasoning,
        "supports_reasoning_summaries": info.supports_reasoning_summaries,
        "supports_verbosity": info.supports_verbosity,
        "takes_sampling": None if info.sampling is None else info.sampling != "never",
        "context_window": get_model_context_window(info),
    }
    return {name: value for name, value in described.items() if value is not None}


# --- trying the settings out --------------------------------------------------------------------

TRIAL_TOKENS = 64
"""The limit of a trial's answer. OpenAI wants at least 16, and reasoning needs some as well."""
LIST_TIMEOUT_S = 15.0
"""How long a trial waits for the list of models, which it can do without."""
TRIAL_TIMEOUT_S = 120.0
"""How long it waits for the answer. A local server may have to load the model first."""

# The model list cannot be had, and that says nothing about prompts.
_NO_LIST = {
    ErrorKind.NOT_FOUND,
    ErrorKind.UNSUPPORTED,
    ErrorKind.BAD_RESPONSE,
    ErrorKind.INVALID_REQUEST,
    ErrorKind.MODEL_NOT_FOUND,
}
_API_NAMES = {WireApi.RESPONSES: "Responses API", WireApi.CHAT: "Chat Completions API"}
_CHOICES = {WireApi.RESPONSES: "Responses", WireApi.CHAT: "Chat Completions"}
# A refusal that is about the address: LM Studio says it with 200, gateways with 400 or 403.
_ABOUT_THE_ADDRESS = re.compile(
    r"unexpected endpoint|/(?:chat/completions|responses)\b"
    r"|\b(?:responses|chat[ -]?completions?) (?:api|endpoint)|\bapi\.responses\b|\bnot implemented"
    r"|\b(?:unknown|no such|invalid|for this) (?:route|endpoint)",
    re.IGNORECASE,
)
# The model has answered, and its reasoning has used the limit up: Azure says so with a 400,
# LiteLLM with a 502.
_CUT_SHORT = re.compile(
    r"max_tokens or model output limit was reached|could not finish the message"
    r"|successful but empty completion",
    re.IGNORECASE,
)


Report = Callable[[Connection, SidestreamError], None]
"""Receives a failure with the connection that it happened on."""


async def list_models(
    data: dict[str, Any],
    fetch: Fetch,
    sign_ins: SignIns | None = None,
    *,
    models: KnownModels | None = None,
    report: Report = lambda *_: None,
) -> list[str]:
    """The names of the provider's models. Raises `SidestreamError`.

    What the list says of them is added to ``models``.
    """
    connection = _impatient(data, fetch, sign_ins)
    try:
        listed = await connection.client.list_models()
    except SidestreamError as error:
        failure = _without_list(error)
        report(connection, failure)
        raise failure from None
    if not listed:
        raise SidestreamError(
            ErrorKind.NOT_FOUND,
            "The provider's list of models is empty.",
            hint="Type the model's name, or load a model on the server first.",
        )
    if models is not None:
        models.learn(connection.origin, listed)
    return [info.slug for info in listed]


def _without_list(error: SidestreamError) -> SidestreamError:
    """The error of a model list, with what the user can do in spite of it."""
    type_it = "Type the model's name. Test connection then tells whether it answers."
    if error.kind in _NO_LIST:
        error.kind, error.message, error.hint = (
            ErrorKind.NOT_FOUND,
            "This server has no list of models.",
            type_it,
        )
    elif error.status is not None and error.status >= 500:
        error.message, error.hint = "The server could not give its list of models.", type_it
    elif error.kind is ErrorKind.PERMISSION:
        error.message, error.hint = "The server does not list its models for this key.", type_it
    elif error.kind is ErrorKind.AUTHENTICATION:
        error.hint += (
            " A key that may not list models can work all the same: type the model's name, and "
            "use Test connection."
        )
    return error


async def try_connection(
    data: dict[str, Any],
    fetch: Fetch,
    sign_ins: SignIns | None = None,
    *,
    models: KnownModels | None = None,
    adjustments: Adjustments | None = None,
    report: Report = lambda *_: None,
) -> str:
    """Whether a message will be answered, in a sentence for the user.

    A tiny prompt is sent over the chosen wire API; the model list only helps to say more, and may
    be closed, missing or unreadable. Raises `SidestreamError` when the prompt is not answered.
    """
    connection = _impatient(data, fetch, sign_ins, models=models, adjustments=adjustments)
    try:
        listed = await _listed(connection)
        if models is not None:
            models.learn(connection.origin, listed)
        return await _try(connection, data, fetch, sign_ins, listed)
    except SidestreamError as error:
        report(connection, error)
        raise


async def _try(
    connection: Connection,
    data: dict[str, Any],
    fetch: Fetch,
    sign_ins: SignIns | None,
    listed: list[ModelInfo],
) -> str:
    names = [info.slug for info in listed]
    name, model = data["settings"].get("name") or connection.origin, connection.model
    answered, seconds = await _ask(connection)
    if answered is None:
        said = f"Connected to {name}. Model {model} answered in {_shown(seconds)}"
        # Azure lists the models that can be deployed, not the deployments.
        if not names or _is_named(model, names) or connection.client.provider.is_azure:
            return f"{said}."
        return f"{said}, although it is not in the server's list of models."
    if _is_about_the_address(answered):
        await _check_other_api(connection, answered)
        await _check_base_url(data, fetch, sign_ins, answered)
    if answered.kind is ErrorKind.MODEL_NOT_FOUND:
        if connection.client.provider.is_azure:
            answered.hint = "Enter the name of your deployment, which can differ from the model's."
        elif names:
            answered.hint = _suggestion(model, names)
    raise answered


async def _listed(connection: Connection) -> list[ModelInfo]:
    """The provider's models; none where it does not list them. Raises if nothing answers at all."""
    try:
        async with asyncio.timeout(LIST_TIMEOUT_S):
            return await connection.client.list_models()
    except TimeoutError:
        return []
    except SidestreamError as error:
        if error.kind in (ErrorKind.NETWORK, ErrorKind.SIGN_IN_REQUIRED):
            raise
        return []


async def _ask(
    connection: Connection, wire_api: WireApi | None = None
) -> tuple[SidestreamError | None, float]:
    """Why a tiny prompt is not answered, or None, and how many seconds it took."""
    loop = asyncio.get_running_loop()
    start = loop.time()
    # All that a message would be sent with, or a good answer would prove nothing.
    chosen = connection.options
    limit = chosen.max_output_tokens or TRIAL_TOKENS
    update = {"wire_api": wire_api, "max_output_tokens": limit, "background": None}
    options = chosen.model_copy(update=update)
    prompt = Prompt.from_text("Reply with OK.", instructions=connection.instructions)
    error: SidestreamError | None
    try:
        async with asyncio.timeout(TRIAL_TIMEOUT_S):
            result = await connection.client.complete(prompt, options)
        error = None if _has_answered(result) else result.error
    except TimeoutError:
        error = SidestreamError(
            ErrorKind.TIMEOUT,
            f"The server took the request, and has not answered for {TRIAL_TIMEOUT_S:.0f} seconds.",
            hint="A local server may still be loading the model: try again in a moment.",
        )
    return error, loop.time() - start


def _has_answered(result: TurnResult) -> bool:
    """Whether the model answers, even if our limit has left nothing to see of it."""
    error = result.error
    if error is None or error.kind is ErrorKind.INCOMPLETE:
        return True
    if _CUT_SHORT.search(error.server_message or ""):
        return True
    # All of it was reasoning that is not shown.
    thought = result.usage is not None and result.usage.output_tokens > 0
    return thought and bool(result.finish_reason) and error.kind is ErrorKind.BAD_RESPONSE


def _is_about_the_address(error: SidestreamError) -> bool:
    """Whether the endpoint is what is missing, and not the model or the right to use it."""
    if error.status is not None and 300 <= error.status < 400:
        return False
    if _ABOUT_THE_ADDRESS.search(error.server_message or ""):
        return True
    if error.kind in (ErrorKind.NOT_FOUND, ErrorKind.BAD_RESPONSE):
        return True
    return error.status in (404, 405, 501) and error.kind is not ErrorKind.MODEL_NOT_FOUND


async def _check_other_api(connection: Connection, answered: SidestreamError) -> None:
    """Raise what is really wrong where the server knows the other wire API."""
    provider = connection.client.provider
    if provider.is_chatgpt:
        return
    chosen = provider.wire_api
    other = WireApi.CHAT if chosen is WireApi.RESPONSES else WireApi.RESPONSES
    failure, _ = await _ask(connection, other)
    if failure is not None and _is_about_the_address(failure):
        return
    if answered.kind is ErrorKind.PERMISSION:
        what = f"this key may not use the {_API_NAMES[chosen]}"
    elif re.search(r"\bmodel\b", answered.server_message or "", re.IGNORECASE):
        what = f"this server does not offer the model over the {_API_NAMES[chosen]}"
    else:
        what = f"this server has no {_API_NAMES[chosen]}"
    raise SidestreamError(
        ErrorKind.CONFIGURATION,
        f"Wire API: {what}; choose {_CHOICES[other]}.",
        param="wire_api",
        hint=f"It answers there: {failure}"
        if failure
        else f"Model {connection.model} answers there.",
        status=answered.status,
        server_message=answered.server_message,
    )


async def _check_base_url(
    data: dict[str, Any], fetch: Fetch, sign_ins: SignIns | None, answered: SidestreamError
) -> None:
    """Raise what is really wrong where the base URL only lacks the version, or has one too many."""
    base_url = (data["settings"].get("base_url") or "").strip().rstrip("/")
    path = urlsplit(base_url).path
    if path.endswith("/v1"):
        other = base_url.removesuffix("/v1")
    elif base_url and not re.search(r"/v\d", path):
        other = f"{base_url}/v1"
    else:
        return
    moved = {**data, "settings": {**data["settings"], "base_url": other}}
    connection = _impatient(moved, fetch, sign_ins)
    provider = connection.client.provider
    if provider.is_azure or provider.is_chatgpt:
        return
    failure, _ = await _ask(connection)
    if failure is not None and _is_about_the_address(failure):
        return
    raise SidestreamError(
        ErrorKind.CONFIGURATION,
        f"Base URL: the API of this server is at {other}.",
        param="base_url",
        hint=f"It answers there: {failure}" if failure else "Enter that address.",
        status=answered.status,
        server_message=answered.server_message,
    )


def _impatient(
    data: dict[str, Any], fetch: Fetch, sign_ins: SignIns | None, **known: Any
) -> Connection:
    """Someone waits for a plain yes or no, so nothing is repeated."""
    return connect(
        data,
        fetch,
        sign_ins,
        request_max_retries=0,
        stream_max_retries=0,
        stream_idle_timeout_ms=int(TRIAL_TIMEOUT_S * 1000),
        **known,
    )


def _is_named(model: str, names: list[str]) -> bool:
    # Ollama lists a model without a tag as `name:latest`; Google prefixes `models/`.
    return any(name.removeprefix("models/") in (model, f"{model}:latest") for name in names)


_SUGGESTED = 3


def _suggestion(model: str, names: list[str]) -> str:
    """What to do about a model that the provider does not know."""
    import difflib  # slow to import, and seldom needed

    short = model.rpartition("/")[2].lower()
    by_words = [name for name in names if short and short in name.lower()]
    by_letters = difflib.get_close_matches(model, names[:1000], _SUGGESTED, 0.5)
    close = list(dict.fromkeys([*by_words, *by_letters]))[:_SUGGESTED]
    if close:
        return f"Did you mean {' or '.join(close)}?"
    rest = len(names) - _SUGGESTED
    more = f" and {rest} more" if rest > 0 else ""
    return f"The server lists {', '.join(names[:_SUGGESTED])}{more}: pick one from the list."


def _shown(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds >= 10 else f"{max(seconds, 0.1):.1f} s"
