"""Who we talk to: address, wire API, limits, headers, and what each known provider is like."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import SplitResult, parse_qsl, quote, urlencode, urlsplit

from pydantic import Field, field_validator

from sidestream.errors import ErrorKind, SidestreamError
from sidestream.types._base import WireModel
from sidestream.types.wire_api import WireApi

if TYPE_CHECKING:
    from sidestream.prompt import CallOptions

MAX_RETRIES = 100
"""What both retry settings are capped at (Codex ``model-provider-info``)."""

# Codex's list, and the host of Azure AI Foundry's resources.
_AZURE_MARKS = (
    "openai.azure.",
    "cognitiveservices.azure.",
    "services.ai.azure.",
    "aoai.azure.",
    "azure-api.",
    "azurefd.",
    "windows.net/openai",
)
KNOWN_HOSTS: dict[str, str] = {
    "api.openai.com": "openai",
    "chatgpt.com": "chatgpt",
    "generativelanguage.googleapis.com": "gemini",
    "aiplatform.googleapis.com": "gemini",
    "api.mistral.ai": "mistral",
    "codestral.mistral.ai": "mistral",
    "api.deepseek.com": "deepseek",
    "api.moonshot.ai": "moonshot",
    "api.moonshot.cn": "moonshot",
    "api.kimi.com": "moonshot",
    "api.groq.com": "groq",
    "api.cerebras.ai": "cerebras",
    "openrouter.ai": "openrouter",
    "api.anthropic.com": "anthropic",
}
"""Who is at which host; what is below one belongs to it (``eu.api.openai.com``)."""
_BEDROCK = r"bedrock[a-z-]{0,40}\.[a-z0-9-]{1,40}\.(?:amazonaws\.com|api\.aws)"
_VERTEX = r"[a-z0-9-]{1,40}-aiplatform\.googleapis\.com"
_KNOWN_HOST = re.compile(f"(?P<bedrock>{_BEDROCK})|(?P<gemini>{_VERTEX})")
_ENDPOINT_SUFFIX = re.compile(r"/(responses|chat/completions|models)$")
_AZURE_DEPLOYMENT = re.compile(r"/deployments/[^/]+$")

# Where these two listen unless told otherwise, and hardly anybody else does.
_PORTS = {11434: "ollama", 1234: "lmstudio"}

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
# "Forbidden request-header" of the Fetch standard.
_FORBIDDEN_HEADERS = {
    *("accept-charset", "accept-encoding", "access-control-request-headers"),
    *("access-control-request-method", "access-control-request-private-network", "connection"),
    *("content-length", "cookie", "cookie2", "date", "dnt", "expect", "host", "keep-alive"),
    *("origin", "referer", "set-cookie", "te", "trailer", "transfer-encoding", "upgrade", "via"),
}

# What the ChatGPT backend wants to know before it lists models.
_CHATGPT_CLIENT_VERSION = "0.147.0"


class Provider(WireModel):
    """Where requests go and what that server is like (Codex ``ModelProviderInfo``)."""

    name: str
    base_url: str
    """Up to and including the version, as in ``https://api.openai.com/v1``."""
    wire_api: WireApi = WireApi.RESPONSES
    request_max_retries: int = Field(default=4, ge=0)
    stream_max_retries: int = Field(default=5, ge=0)
    stream_idle_timeout_ms: int = Field(default=300_000, gt=0)
    http_headers: dict[str, str] = Field(default_factory=dict, repr=False)
    """Sent with every request; they win over our own. Headers that a browser keeps to itself
    (``Cookie``, ``Host``, ``Origin``, ...) are left out everywhere."""
    query_params: dict[str, str] = Field(default_factory=dict, repr=False)
    """Added to every URL, such as Azure's ``api-version``."""
    organization: str | None = None
    project: str | None = None
    preset: str = ""
    """The key of the preset that it was made from, which tells local servers apart."""

    supports_json_schema: bool = True
    """Whether Chat Completions take an output schema as ``response_format``."""
    supports_stream_options: bool = True
    """Whether Chat Completions take ``stream_options``, which asks for the usage."""
    reasoning_field: Literal["reasoning", "reasoning_content", "none", "auto"] = "auto"
    """The field in which Chat Completions take back a message's reasoning."""

    @field_validator("request_max_retries", "stream_max_retries")
    @classmethod
    def _cap_retries(cls, value: int) -> int:
        return min(value, MAX_RETRIES)

    @property
    def is_azure(self) -> bool:
        """Azure OpenAI, by Codex's list of hosts (``*.azurewebsites.net`` is not), or by preset.

        The preset counts at an address that is nobody else's, such as an API gateway of one's own.
        """
        address = f"{self._host}/{self.base_url.lower().partition('//')[2].partition('/')[2]}"
        if any(mark in address.partition("?")[0] for mark in _AZURE_MARKS):
            return True
        return self.preset == "azure" and not self._is_known_host

    @property
    def is_chatgpt(self) -> bool:
        """The backend that serves ChatGPT plans."""
        return self._is_at("chatgpt.com")

    @property
    def is_openai(self) -> bool:
        """The public OpenAI API, by host, or by its preset at an address that is nobody else's."""
        if self._is_at("api.openai.com"):
            return True
        return self.preset == "openai" and not (self._is_known_host or self.is_azure)

    @property
    def is_openrouter(self) -> bool:
        """OpenRouter."""
        return self.maker == "openrouter"

    @property
    def is_first_party(self) -> bool:
        """OpenAI, Azure OpenAI or the ChatGPT backend: takes OpenAI's own headers and fields."""
        return self.is_openai or self.is_azure or self.is_chatgpt

    @property
    def keeps_responses(self) -> bool:
        """Whether it may take ``background``: the ChatGPT backend and OpenRouter store nothing."""
        return not (self.is_chatgpt or self.is_openrouter)

    @property
    def maker(self) -> str:
        """Who it is: a key of `sidestream.receivers`, ``unknown`` for everybody else.

        By host, else by preset, else by a local server's own port. The display name says nothing.
        """
        if self.is_azure:
            return "azure"
        for host, key in KNOWN_HOSTS.items():
            if self._is_at(host):
                return key
        if known := _KNOWN_HOST.fullmatch(self._host):
            return str(known.lastgroup)
        if self.preset in PRESETS and self.preset != "custom":
            return self.preset
        return _PORTS.get(self._port, "unknown")

    @property
    def _port(self) -> int:
        try:
            return urlsplit(self.base_url.strip()).port or 0
        except ValueError:
            return 0

    @property
    def origin(self) -> str:
        """Scheme, host and port of the base URL; empty when it is none."""
        try:
            parts = urlsplit(self.base_url.strip())
        except ValueError:
            return ""
        return f"{parts.scheme}://{parts.netloc}".lower() if parts.netloc else ""

    @property
    def host(self) -> str:
        """The base URL's host in lower case; empty when there is none."""
        return self._host

    @property
    def _is_known_host(self) -> bool:
        return any(map(self._is_at, KNOWN_HOSTS)) or bool(_KNOWN_HOST.fullmatch(self._host))

    def _is_at(self, host: str) -> bool:
        return self._host == host or self._host.endswith("." + host)

    @property
    def _host(self) -> str:
        try:
            return (urlsplit(self.base_url.strip()).hostname or "").lower()
        except ValueError:
            return ""

    def url(
        self,
        path: str,
        *,
        model: str | None = None,
        params: Iterable[tuple[str, str]] = (),
    ) -> str:
        """The address of an endpoint: ``responses``, ``chat/completions``, ``models``, or below.

        ``params`` are added to the query.
        ``model`` matters to Azure's older addresses only, where it is the name of a deployment.
        A base URL that already ends in an endpoint is understood, and so is a bare Azure resource.

        Raises `SidestreamError` of kind ``configuration`` when the base URL is none.
        """
        parts = self._split_base_url()
        base = _ENDPOINT_SUFFIX.sub("", parts.path.rstrip("/")).rstrip("/")
        path = path.strip("/")
        query = [*parse_qsl(parts.query, keep_blank_values=True)]
        overridden = {name.lower() for name in self.query_params}
        query = [(name, value) for name, value in query if name.lower() not in overridden]
        query += self.query_params.items()
        names = {name.lower() for name, _ in query}
        if self.is_azure:
            base = _azure_base(base, path, model, versioned="api-version" in names)
        elif self.is_chatgpt:
            if base == "/backend-api":
                base = "/backend-api/codex"
            if path == "models" and "client_version" not in names:
                query.append(("client_version", _CHATGPT_CLIENT_VERSION))
        query += params
        return parts._replace(
            path=f"{base}/{path}",
            query=urlencode(query, quote_via=quote),
            fragment="",
            scheme=parts.scheme.lower(),
        ).geturl()

    def _split_base_url(self) -> SplitResult:
        text = self.base_url.strip()
        if not text:
            raise _bad_base_url("The provider has no base URL.")
        if re.search(r"[\x00-\x20\x7f\\]", text):
            raise _bad_base_url("The base URL holds a blank, a backslash or a control character.")
        try:
            parts = urlsplit(text)
            _ = parts.port
        except ValueError:
            raise _bad_base_url("The base URL is malformed.") from None
        if parts.scheme.lower() not in ("http", "https"):
            raise _bad_base_url("The base URL must begin with https:// or http://.")
        if not parts.hostname:
            raise _bad_base_url("The base URL names no host.")
        if "@" in parts.netloc:
            raise _bad_base_url("The base URL holds a user name or password; browsers refuse that.")
        return parts


def _bad_base_url(message: str) -> SidestreamError:
    hint = "Set the base URL in the settings, for example https://api.openai.com/v1."
    return SidestreamError(ErrorKind.CONFIGURATION, message, hint=hint)


def _azure_base(base: str, path: str, model: str | None, *, versioned: bool) -> str:
    """The path of an Azure resource, in its ``/openai/v1`` form or the older one.

    The older form wants an ``api-version`` and names the deployment in the path, though for Chat
    Completions only: the Responses API lives beside the deployments.
    """
    if not base:
        base = "/openai" if versioned else "/openai/v1"
    if path != WireApi.CHAT.path:
        return _AZURE_DEPLOYMENT.sub("", base)
    if base.endswith("/openai") and model:
        return f"{base}/deployments/{quote(model, safe='')}"
    return base


# --- headers -----------------------------------------------------------------------------------


def request_headers(
    provider: Provider,
    auth_headers: Mapping[str, str],
    options: CallOptions | None = None,
    *,
    request_id: str | None = None,
    accept: str = "text/event-stream",
) -> dict[str, str]:
    """All headers of one request.

    The provider's own ``http_headers`` win over everything, since the user wrote them; a blank one
    counts as not written, so that a key is never lost by accident.

    Raises `SidestreamError` of kind ``configuration``, naming the header that cannot be sent.
    """
    headers = _Headers()
    headers.add("Content-Type", "application/json")
    headers.add("Accept", accept)
    if provider.is_first_party:
        wire_api = (options and options.wire_api) or provider.wire_api
        if wire_api is WireApi.RESPONSES:
            headers.add("OpenAI-Beta", "responses=experimental")
        if options and options.conversation_id:
            for name in ("conversation_id", "session_id", "session-id", "thread-id"):
                headers.add(name, options.conversation_id)
        if request_id:
            headers.add("x-client-request-id", request_id)
    model = options.resolved_model() if options and options.model else None
    if provider.is_chatgpt and model and model.uses_responses_lite:
        headers.add("x-openai-internal-codex-responses-lite", "true")
    if options and options.idempotency_key:
        headers.add("Idempotency-Key", options.idempotency_key)
    headers.add("OpenAI-Organization", provider.organization or "")
    headers.add("OpenAI-Project", provider.project or "")
    for name, value in auth_headers.items():
        if provider.is_azure and name.lower() == "authorization":
            name, value = _azure_key(value)
        headers.add(name, value)
    for name, value in provider.http_headers.items():
        headers.add(name, value)
    return headers.values


def _azure_key(authorization: str) -> tuple[str, str]:
    """Azure reads API keys from ``api-key``; only Entra ID tokens (JWTs) are bearer tokens."""
    token = authorization.removeprefix("Bearer ").strip()
    if token.startswith("eyJ") and token.count(".") == 2:
        return "Authorization", authorization
    return "api-key", token


class _Headers:
    """Headers by name in any case; the last one of a name wins."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}
        self._spelt: dict[str, str] = {}

    def add(self, name: str, value: str) -> None:
        value = value.strip(" \t\r\n")
        name = name.strip()
        key = name.lower()
        if not value or not name:
            return
        if not _TOKEN.fullmatch(name):
            raise _bad_header(_shown(name), "its name holds a character that no name may hold")
        if key in _FORBIDDEN_HEADERS or key.startswith(("proxy-", "sec-")):
            return
        if re.search(r"[\x00-\x08\x0a-\x1f\x7f]", value):
            raise _bad_header(name, "its value holds a line break or another control character")
        if re.search(r"[^\x00-\xff]", value):
            raise _bad_header(name, "its value holds a character that no header may hold")
        self.values.pop(self._spelt.get(key, name), None)
        self._spelt[key] = name
        self.values[name] = value


def _shown(name: str) -> str:
    """As much of a bad name as is surely a name: the rest may be a pasted key."""
    good = _TOKEN.match(name)
    return good.group()[:40] if good else "?"


def _bad_header(name: str, why: str) -> SidestreamError:
    hint = "Correct the extra headers in the settings."
    if name.lower() in ("authorization", "api-key"):
        hint = "Copy the API key again, whole and without anything around it."
    return SidestreamError(
        ErrorKind.CONFIGURATION, f"The header {name!r} cannot be sent: {why}.", hint=hint
    )


# --- presets -----------------------------------------------------------------------------------


class ProviderPreset(WireModel):
    """A provider that a user can pick by name."""

    key: str
    label: str
    name: str
    base_url: str
    """Where the user must fill something in, that part stands in capitals."""
    wire_api: WireApi = WireApi.RESPONSES
    wire_apis: tuple[WireApi, ...] = (WireApi.RESPONSES, WireApi.CHAT)
    """What it speaks."""
    needs_key: bool = True
    needs_sign_in: bool = False
    """Takes the tokens of a ChatGPT sign-in, not a key."""
    key_hint: str = ""
    """What a key looks like."""
    key_url: str = ""
    """Where keys are made."""
    query_params: dict[str, str] = Field(default_factory=dict)
    notes: str = ""
    capabilities: dict[str, Any] = Field(default_factory=dict)
    """Capability fields of `Provider` that differ from the usual."""

    def provider(self, **fields: Any) -> Provider:
        """A provider made from this preset; ``fields`` win."""
        preset = {
            "name": self.name,
            "base_url": self.base_url,
            "wire_api": self.wire_api,
            "query_params": self.query_params,
            "preset": self.key,
            **self.capabilities,
        }
        return Provider(**{**preset, **fields})


PRESETS: dict[str, ProviderPreset] = {
    preset.key: preset
    for preset in (
        ProviderPreset(
            key="openai",
            label="OpenAI",
            name="OpenAI",
            base_url="https://api.openai.com/v1",
            key_hint="sk-...",
            key_url="https://platform.openai.com/api-keys",
        ),
        ProviderPreset(
            key="azure",
            label="Azure OpenAI",
            name="Azure",
            base_url="https://YOUR-RESOURCE.openai.azure.com/openai/v1",
            key_hint="The resource's key 1 or key 2, or an Entra ID token",
            key_url="https://portal.azure.com/",
            notes="The model is the name of your deployment. Addresses without /v1 need the query "
            "parameter api-version, for example 2025-04-01-preview.",
        ),
        ProviderPreset(
            key="chatgpt",
            label="ChatGPT",
            name="ChatGPT",
            base_url="https://chatgpt.com/backend-api/codex",
            wire_apis=(WireApi.RESPONSES,),
            needs_key=False,
            needs_sign_in=True,
            notes="Uses the ChatGPT sign-in of a Codex auth.json.",
        ),
        ProviderPreset(
            key="openrouter",
            label="OpenRouter",
            name="OpenRouter",
            base_url="https://openrouter.ai/api/v1",
            wire_api=WireApi.CHAT,
            key_hint="sk-or-...",
            key_url="https://openrouter.ai/settings/keys",
            notes="Models are named with their maker, as in openai/gpt-5.2. "
            "Its Responses API is in beta.",
        ),
        ProviderPreset(
            key="ollama",
            label="Ollama",
            name="Ollama",
            base_url="http://localhost:11434/v1",
            wire_api=WireApi.CHAT,
            needs_key=False,
            notes="If Ollama answers 403, start it with OLLAMA_ORIGINS=chrome-extension://*. "
            "Responses API from version 0.13.3 on.",
        ),
        ProviderPreset(
            key="lmstudio",
            label="LM Studio",
            name="LM Studio",
            base_url="http://localhost:1234/v1",
            wire_api=WireApi.CHAT,
            needs_key=False,
            notes="Start the server in LM Studio's Developer tab. "
            "Responses API from version 0.3.29 on.",
        ),
        ProviderPreset(
            key="llamacpp",
            label="llama.cpp",
            name="llama.cpp",
            base_url="http://localhost:8080/v1",
            wire_api=WireApi.CHAT,
            needs_key=False,
            notes="llama-server; tools need --jinja. A key only if started with --api-key.",
            capabilities={"reasoning_field": "reasoning_content"},
        ),
        ProviderPreset(
            key="vllm",
            label="vLLM",
            name="vLLM",
            base_url="http://localhost:8000/v1",
            wire_api=WireApi.CHAT,
            needs_key=False,
            notes="vllm serve MODEL; tools need --enable-auto-tool-choice and --tool-call-parser. "
            "A key only if started with --api-key.",
        ),
        ProviderPreset(
            key="custom",
            label="Custom",
            name="Custom",
            base_url="",
            wire_api=WireApi.CHAT,
            needs_key=False,
            notes="Any server that speaks the Responses API or Chat Completions.",
        ),
    )
}
"""The known providers by key, in the order in which they are offered."""
