"""Makes the connection to a provider from the settings of the user."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from sidestream.adjust import Adjustments
from sidestream.auth import ApiKeyAuth, Auth, NoAuth
from sidestream.client import Client
from sidestream.errors import ErrorKind, SidestreamError
from sidestream.models import ModelInfo, get_auto_compact_token_limit, get_model_context_window
from sidestream.presets import PRESETS
from sidestream.prompt import CallOptions
from sidestream.provider import Provider
from sidestream.session.compaction import Compaction
from sidestream.session.conversation_settings import ConversationSettings
from sidestream.session.known_models import KnownModels
from sidestream.session.limits import LimitKey
from sidestream.session.provider_tools import Support, provider_tools
from sidestream.session.sign_ins import SignIns
from sidestream.texts import text
from sidestream.transport import Fetch

# Settings that are fields of the provider; an empty one counts as not set.
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

It is longer than `Provider`'s default: reasoning takes minutes, in which many providers send
nothing. After a timeout, the user pays twice; until then, the user sees the silence and can stop.
"""

MAX_WAITING = 100
"""How many messages may be queued in all conversations, unless the settings say otherwise."""


@dataclass(frozen=True)
class Connection:
    """The client that answers a turn, with the options and limits to use."""

    client: Client
    model: str
    origin: str
    """Scheme, host and port of the provider."""
    options: CallOptions = field(default_factory=CallOptions)
    """The options that the conversation or the profile has for each call."""
    instructions: str | None = None
    compaction: Compaction = field(default_factory=Compaction)
    provider_tools: Mapping[str, Support] = field(default_factory=dict)
    """The provider's own tools."""
    max_waiting: int = MAX_WAITING
    """How many messages may be queued."""
    requests_per_minute: int | None = None
    """How many requests the user allows to the provider; None for no limit."""

    @property
    def limit_key(self) -> LimitKey:
        """The key of the provider's limits."""
        return self.origin, self.model


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
    for a sign-in of ``sign_ins``. The conversation's ``own`` settings and ``provider_fields`` have
    precedence. ``models`` knows the provider's list of models, ``adjustments`` what servers have
    refused. Raises `SidestreamError` of kind ``configuration``.
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
            text("error_bad_settings"),
            hint=text("hint_bad_settings"),
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
    """The named settings that the user has set; 0 counts as set."""
    return {name: settings[name] for name in names if settings.get(name) is not None}


def _auth(data: dict[str, Any], sign_ins: SignIns | None) -> Auth:
    if sign_ins is not None and data.get("auth_json"):
        return sign_ins.auth(data["profile_id"], data["auth_json"])
    if data.get("api_key"):
        return ApiKeyAuth(data["api_key"])
    if data["settings"].get("preset") == "chatgpt":
        raise SidestreamError(
            ErrorKind.SIGN_IN_REQUIRED,
            text("error_no_sign_in"),
            hint=text("hint_no_sign_in"),
        )
    return NoAuth()


def describe_model(settings: dict[str, Any], models: KnownModels) -> dict[str, Any]:
    """What the settings pages show of a model, without any request.

    These are its efforts, abilities and context window; what is unknown is left out.
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


def __getattr__(name: str) -> Any:
    """`connection_check` builds on this module, so its names are found here only when asked for."""
    if name in ("list_models", "try_connection"):
        from sidestream.session import connection_check

        return getattr(connection_check, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
