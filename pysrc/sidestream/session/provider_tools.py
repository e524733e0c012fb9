"""The provider's own tools: which provider has which, and what a conversation offers of them.

They run at the provider, where no call can wait for an approval, so they are either on or off.
``worker/settings/provider-tools.js`` has the same table; ``docs/providers.md`` names the source of
each fact.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from sidestream.session.conversation import ConversationSettings
from sidestream.types.tools import (
    CodeInterpreterTool,
    FileSearchTool,
    ImageGenerationTool,
    ToolSpec,
    WebSearchTool,
)
from sidestream.types.wire_api import WireApi

Support = Literal["yes", "perhaps"]
"""Whether a provider has a tool; ``perhaps`` where it depends on the user's server."""

PROVIDER_TOOLS = ("web_search", "code_interpreter", "image_generation", "file_search")
"""The names of all of them, as in the settings."""

_ALL: dict[str, Support] = dict.fromkeys(PROVIDER_TOOLS, "yes")
_BY_PRESET: dict[str, dict[str, Support]] = {
    "openai": _ALL,
    "azure": _ALL,
    "chatgpt": {"web_search": "yes", "image_generation": "yes"},
    "openrouter": {"web_search": "yes"},
    "vllm": {"code_interpreter": "perhaps"},
    "custom": dict.fromkeys(PROVIDER_TOOLS, "perhaps"),
}


def provider_tools(preset: str, wire_api: WireApi) -> dict[str, Support]:
    """The tools that a provider has. The Chat Completions API has none of them."""
    return _BY_PRESET.get(preset, {}) if wire_api is WireApi.RESPONSES else {}


def offered(settings: ConversationSettings, has: Mapping[str, Support]) -> list[ToolSpec]:
    """What a conversation offers of the tools that its provider ``has``."""
    tools: list[ToolSpec] = []
    for name in PROVIDER_TOOLS:
        if name not in has or (settings.tools or {}).get(name) != "always":
            continue
        match name:
            case "web_search":
                tools.append(WebSearchTool())
            case "code_interpreter":
                tools.append(CodeInterpreterTool())
            case "image_generation":
                tools.append(ImageGenerationTool())
            case _:
                # File search needs a vector store.
                if settings.vector_stores:
                    tools.append(FileSearchTool(vector_store_ids=settings.vector_stores))
    return tools
