"""`Provider`: where requests go, which wire API is spoken there, and what that server is like."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal
from urllib.parse import SplitResult, parse_qsl, quote, urlencode, urlsplit

from pydantic import Field, field_validator

from sidestream.errors import ErrorKind, SidestreamError
from sidestream.hosts import is_at, is_azure_address, local_server_at, maker_at
from sidestream.texts import text
from sidestream.types._base import WireModel
from sidestream.types.wire_api import WireApi

MAX_RETRIES = 100
"""What both retry settings are capped at (Codex ``model-provider-info``)."""

MAKERS_WITH_PRESET = frozenset(
    {
        *("openai", "azure", "chatgpt", "openrouter"),
        *("ollama", "lmstudio", "llamacpp", "vllm"),
    }
)
"""The presets whose key names the server, even at an unknown host."""
_ENDPOINT_SUFFIX = re.compile(r"/(responses|chat/completions|models)$")
_AZURE_DEPLOYMENT = re.compile(r"/deployments/[^/]+$")

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
    """Sent with every request; they win over the client's own. Headers that only a browser may set
    (``Cookie``, ``Host``, ``Origin``, ...) are left out."""
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
        """Azure OpenAI, by its address or by preset.

        The preset counts at a host of no known provider, such as an API gateway of one's own.
        """
        address = f"{self.host}/{self.base_url.lower().partition('//')[2].partition('/')[2]}"
        if is_azure_address(address.partition("?")[0]):
            return True
        return self.preset == "azure" and maker_at(self.host) is None

    @property
    def is_chatgpt(self) -> bool:
        """The backend that serves ChatGPT plans."""
        return is_at(self.host, "chatgpt.com")

    @property
    def is_openai(self) -> bool:
        """The public OpenAI API, by host, or by its preset at a host of no known provider."""
        if is_at(self.host, "api.openai.com"):
            return True
        return self.preset == "openai" and maker_at(self.host) is None and not self.is_azure

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
        """Whether it can store responses, which the ChatGPT backend and OpenRouter do not."""
        return not (self.is_chatgpt or self.is_openrouter)

    @property
    def maker(self) -> str:
        """Which server it is: a key of `sidestream.receivers`, or ``unknown``.

        The host decides, else the preset, else a local server's default port. The name of the
        provider does not matter.
        """
        if self.is_azure:
            return "azure"
        if maker := maker_at(self.host):
            return maker
        if self.preset in MAKERS_WITH_PRESET:
            return self.preset
        return local_server_at(self._port) or "unknown"

    @property
    def _port(self) -> int:
        try:
            return urlsplit(self.base_url.strip()).port or 0
        except ValueError:
            return 0

    @property
    def origin(self) -> str:
        """Scheme, host and port of the base URL. Empty for a base URL that is not valid."""
        try:
            parts = urlsplit(self.base_url.strip())
        except ValueError:
            return ""
        return f"{parts.scheme}://{parts.netloc}".lower() if parts.netloc else ""

    @property
    def host(self) -> str:
        """The base URL's host in lower case; empty when there is none."""
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

        ``params`` are added to the query. ``model`` matters to Azure's older addresses only, where
        it is the name of a deployment. The base URL may already end in an endpoint, or be the
        address of an Azure resource without a path.

        Raises `SidestreamError` of kind ``configuration`` when the base URL is not valid.
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
        base_url = self.base_url.strip()
        if not base_url:
            raise _bad_base_url("error_no_base_url")
        if re.search(r"[\x00-\x20\x7f\\]", base_url):
            raise _bad_base_url("error_base_url_characters")
        try:
            parts = urlsplit(base_url)
            _ = parts.port
        except ValueError:
            raise _bad_base_url("error_base_url_malformed") from None
        if parts.scheme.lower() not in ("http", "https"):
            raise _bad_base_url("error_base_url_scheme")
        if not parts.hostname:
            raise _bad_base_url("error_base_url_no_host")
        if "@" in parts.netloc:
            raise _bad_base_url("error_base_url_user")
        return parts


def _bad_base_url(key: str) -> SidestreamError:
    return SidestreamError(ErrorKind.CONFIGURATION, text(key), hint=text("hint_base_url"))


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
