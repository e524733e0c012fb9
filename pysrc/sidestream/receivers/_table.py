"""The rules of each receiver, as data, each rule with its source."""

from __future__ import annotations

from typing import Any

from sidestream.receivers._rules import Receiver

# The rules of every receiver that is not OpenAI's own, unless its entry has another one.
_BEYOND_OPENAI: dict[str, Any] = {
    "namespaces": False,
    "custom_calls": False,
    "provider_items": False,
    "raw_reasoning": True,
    "reasoning_ids": True,
    "store": False,
    "service_tier": False,
    "cache_key": False,
    "completion_tokens": False,
    "includes_encrypted": False,
    "blank_outputs": False,
    # OpenAI's limit for Chat Completions, which gateways pass on (litellm#11392, Helicone#5575).
    "call_id_length": 40,
    # "must start with a letter" (kimi-cli#1773, kimi-cli#2531); Gemini takes an underscore too.
    "name_start": "letter",
    "reasoning_back": "tools",
}

# Chat templates that count roles: "Conversation roles must alternate user/assistant" (llama_index
# #11731, generic-copilot#43), "System message must be at the beginning" (llama.cpp#27367,
# Qwen3.8#244), "Assistant response prefill is incompatible with enable_thinking" (llama.cpp#20861),
# "Unexpected role 'user' after role 'tool'" (hermes-agent#20154).
STRICT_TEMPLATE: dict[str, Any] = {
    "merges_users": True,
    "bridges_tools": True,
    "starts_with_user": True,
    "ends_with_user": True,
    "system_first": True,
}

# Bedrock and Anthropic behind the Chat Completions of a gateway: blank text blocks (litellm#7169,
# OpenHands#5339), an assistant message at the end (ursa#283), tool calls without declared tools
# ("toolConfig field must be defined": opencode#10259, pydantic-ai#1966, oh-my-pi#1227).
_CLAUDE_GATEWAY: dict[str, Any] = {
    "merges_users": True,
    "starts_with_user": True,
    "ends_with_user": True,
    "system_first": True,
    "call_id_characters": "word",
    "tools_for_history": True,
}


def _receiver(key: str, label: str, **rules: Any) -> Receiver:
    return Receiver(**{**_BEYOND_OPENAI, "key": key, "label": label, **rules})


RULES: dict[str, Receiver] = {
    receiver.key: receiver
    for receiver in (
        # Encrypted reasoning instead of ids, since nothing is stored (vercel/ai#7543,
        # zed#60132); call ids of 64 characters (openai/codex#14355).
        Receiver(key="openai", label="OpenAI"),
        # Its items are stored and known by their ids; reasoning is encrypted for one resource
        # (openai/codex#3573, CLIProxyAPI#1793).
        Receiver(key="azure", label="Azure OpenAI", cache_key=True),
        # What Codex always sends is required, what it never sends is refused.
        Receiver(
            key="chatgpt",
            label="ChatGPT",
            sampling=False,
            metadata=False,
            defaults_required=True,
            unknown_fields=False,
        ),
        # Google's compatible endpoint is strict: "Unknown name \"reasoning\": Cannot find field."
        # (ComfyUI-NewBie-LLM-Formatter#3). Tool messages name their tool (hermes-agent#19728),
        # names begin with a letter or an underscore (gemini-cli#2966, ccs#25), schemas are a
        # subset (zed#44875, openswarm#24), signatures come back (pi#6733, openclaude#76).
        _receiver(
            "gemini",
            "Gemini",
            tool_name=True,
            name_start="letter_or_underscore",
            starts_with_user=True,
            reasoning_back="never",
            signed_by_model=True,
            efforts=("none", "minimal", "low", "medium", "high"),
            metadata=False,
            schemas="gemini",
        ),
        # Mistral's API refuses every field that it does not know: stream_options (anon-kode#53),
        # max_completion_tokens (eca#231), reasoning_content (crush#1590).
        _receiver(
            "mistral",
            "Mistral",
            **STRICT_TEMPLATE,
            reasoning_back="never",
            stream_options=False,
            metadata=False,
            unknown_fields=False,
        ),
        # In thinking mode the reasoning of every tool turn comes back, also in later turns
        # (api-docs.deepseek.com/guides/thinking_mode; pi#3636, SillyTavern#5545).
        _receiver(
            "deepseek",
            "DeepSeek",
            reasoning_back="always",
            reasoning_field="reasoning_content",
            unknown_fields=False,
        ),
        # An empty reasoning_content counts as a missing one (pi#4251); schemas are of a flavour
        # of their own (kimi-cli#2531, kimi-cli#2061, kimi-code#1610).
        _receiver(
            "moonshot",
            "Moonshot",
            reasoning_back="always",
            reasoning_field="reasoning_content",
            schemas="moonshot",
            unknown_fields=False,
        ),
        # "property 'reasoning_content' is unsupported" (freellmapi#1070, jan#8136,
        # hermes-agent#11089), and so is "reasoning" (musistudio/llms#64).
        _receiver(
            "groq",
            "Groq",
            reasoning_back="never",
            service_tier=True,
            unknown_fields=False,
        ),
        _receiver("cerebras", "Cerebras", reasoning_back="never", unknown_fields=False),
        # reasoning_details go back unchanged, to the model that made them (aider-desk#513,
        # nagobot#21, UncommonRoute#20); its Responses API stores nothing (kilocode#10197).
        _receiver(
            "openrouter",
            "OpenRouter",
            reasoning_back="tools",
            reasoning_field="reasoning",
            signed_by_model=True,
            includes_encrypted=True,
        ),
        # docs.anthropic.com/en/api/openai-sdk: system messages are hoisted, reasoning is neither
        # given nor taken.
        _receiver(
            "anthropic",
            "Anthropic",
            **_CLAUDE_GATEWAY,
            reasoning_back="never",
            tool_choice_none=True,
            unknown_fields=False,
        ),
        # "tool_choice: Input tag 'none' … does not match" (botocore#3458, litellm#37980).
        _receiver(
            "bedrock",
            "Amazon Bedrock",
            **_CLAUDE_GATEWAY,
            reasoning_back="never",
            unknown_fields=False,
        ),
        # Templates, and reasoning_content in and out (vllm#12468 tells of the field's origin).
        _receiver("llamacpp", "llama.cpp", **STRICT_TEMPLATE, reasoning_field="reasoning_content"),
        # Reads "reasoning" since 0.16 and ignores the older field (vllm-project/router#115,
        # opencode#30477); an empty assistant message is refused (vllm#21089).
        _receiver("vllm", "vLLM", **STRICT_TEMPLATE, reasoning_default="reasoning"),
        # "invalid message content type: <nil>" (pydantic-ai#5206, cheetahclaws#72).
        _receiver("ollama", "Ollama", empty_content="", reasoning_default="reasoning"),
        # "'content' field must be a string or an array of objects" (lmstudio-bug-tracker#261);
        # alternation (generic-copilot#43).
        _receiver("lmstudio", "LM Studio", **STRICT_TEMPLATE, empty_content=""),
        _receiver("transformers", "transformers serve", **STRICT_TEMPLATE),
        # Any other server, and anything behind a gateway: every rule is the careful one.
        _receiver("unknown", "Unknown", **STRICT_TEMPLATE, tools_for_history=True),
    )
}
