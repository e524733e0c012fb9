"""The providers that a user can pick by name.

The options page offers the same ones, from ``extension/shared/presets.js``, and a test of it
compares the two lists.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field

from sidestream.provider import Provider
from sidestream.types._base import WireModel
from sidestream.types.wire_api import WireApi


class ProviderPreset(WireModel):
    """A provider that a user can pick by name."""

    key: str
    label: str
    name: str
    base_url: str
    """The part that the user must fill in is in capitals."""
    wire_api: WireApi = WireApi.RESPONSES
    wire_apis: tuple[WireApi, ...] = (WireApi.RESPONSES, WireApi.CHAT)
    """The wire APIs of the provider."""
    needs_key: bool = True
    needs_sign_in: bool = False
    """Whether it takes the tokens of a ChatGPT sign-in, not a key."""
    key_hint: str = ""
    """What a key looks like."""
    key_url: str = ""
    """Where keys are made."""
    query_params: dict[str, str] = Field(default_factory=dict)
    notes: str = ""
    capabilities: dict[str, Any] = Field(default_factory=dict)
    """Capability fields of `Provider` that differ from the usual."""

    def provider(self, **fields: Any) -> Provider:
        """Make a provider from this preset; ``fields`` win."""
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
