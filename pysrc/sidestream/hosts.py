"""Whose a host is: this computer's, the local network's, or a known provider's."""

from __future__ import annotations

import re

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
_KNOWN_HOSTS = {
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
_BEDROCK = r"bedrock[a-z-]{0,40}\.[a-z0-9-]{1,40}\.(?:amazonaws\.com|api\.aws)"
_VERTEX = r"[a-z0-9-]{1,40}-aiplatform\.googleapis\.com"
_KNOWN_HOST = re.compile(f"(?P<bedrock>{_BEDROCK})|(?P<gemini>{_VERTEX})")
# The ports on which these two listen by default, and hardly any other server does.
_LOCAL_PORTS = {11434: "ollama", 1234: "lmstudio"}

# Private addresses, all of IPv6, and names without a dot.
_LOCAL_NETWORK = re.compile(
    r".*\.local|127\.[\d.]+|10\.[\d.]+|192\.168\.[\d.]+"
    r"|172\.(?:1[6-9]|2\d|3[01])\.[\d.]+|\[.*\]|[^.]+",
    re.I,
)


def is_loopback(host: str | None) -> bool:
    """Whether a host name or address is this computer's own, so that a refusal is certain."""
    host = (host or "").strip("[]").rstrip(".").lower()
    return (
        host in ("localhost", "::1", "0.0.0.0")  # noqa: S104 - compared, not listened on
        or host.endswith(".localhost")
        or re.fullmatch(r"127(?:\.\d{1,3}){3}|::ffff:127(?:\.\d{1,3}){3}", host) is not None
    )


def may_be_local(url: str) -> bool:
    """Whether a URL is of this computer or of its network; one without a host may be."""
    found = re.match(r"https?://(\[[^\]]*\]|[^/:?#]*)", url, re.I)
    if found is None:
        return True
    private = (
        r".*\.local|10\.[\d.]+|192\.168\.[\d.]+|172\.(?:1[6-9]|2\d|3[01])\.[\d.]+|\[.*\]|[^.]+"
    )
    return is_loopback(found[1]) or re.fullmatch(private, found[1], re.I) is not None


def is_at(host: str, domain: str) -> bool:
    """Whether a host is the domain or lies below it, as ``eu.api.openai.com`` does."""
    return host == domain or host.endswith("." + domain)


def is_azure_address(address: str) -> bool:
    """Whether an address without its scheme and query is of Azure OpenAI.

    Codex's list of hosts decides; ``*.azurewebsites.net``, where anybody's pages are, is not on it.
    """
    return any(mark in address for mark in _AZURE_MARKS)


def maker_at(host: str) -> str | None:
    """The provider whose host it is: a key of `sidestream.receivers`. ``None`` when unknown."""
    for domain, maker in _KNOWN_HOSTS.items():
        if is_at(host, domain):
            return maker
    known = _KNOWN_HOST.fullmatch(host)
    return known.lastgroup if known else None


def local_server_at(port: int) -> str | None:
    """The local server that listens at a port by default. ``None`` when it may be any."""
    return _LOCAL_PORTS.get(port)
