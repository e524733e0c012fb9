"""What each receiver of a request accepts: the rules, as data, each with its source.

A *receiver* is a server, one of its two wire APIs, and the model behind it: the three together
decide about order, ids, names, reasoning, parameters and tool schemas. It is recognised by the
origin of the base URL, else by the preset, and by the model's family where a rule belongs to the
model's chat template; never by a display name. Everybody else is ``unknown`` and gets what all of
them take.

The builders in `sidestream.payload` obey these rules; `sidestream.testing.check_request` checks
requests against them. A source is a public report (repository#number), a server's documentation,
or the wording of its error.
"""

from __future__ import annotations

import hashlib
import re
import string
from dataclasses import dataclass, replace
from typing import Any, Literal

from sidestream.provider import Provider
from sidestream.types.wire_api import WireApi

ReasoningBack = Literal["never", "turn", "tools", "always"]
SchemaRules = Literal["any", "gemini", "moonshot"]

NO_REASONING = "(The reasoning of this step is not available.)"
"""Stands for the reasoning of a call that has none, where the receiver insists on some."""
SKIP_SIGNATURE = "skip_thought_signature_validator"
"""Google's documented stand-in for the thought signature of a call that Gemini did not make
(ai.google.dev/gemini-api/docs/thought-signatures; earendil-works/pi#1825)."""

CACHE_KEY_LENGTH = 64
"""The longest ``prompt_cache_key`` that OpenAI takes (opencode#31062)."""


@dataclass(frozen=True, slots=True)
class Receiver:
    """What one server takes, over one wire API, for one model.

    The defaults are those of OpenAI itself, which wrote the APIs.
    """

    key: str = "openai"
    label: str = "OpenAI"
    wire_api: WireApi = WireApi.RESPONSES

    # --- the order of messages -----------------------------------------------------------------
    merges_users: bool = False
    """Two user messages in a row are refused, so they are sent as one."""
    bridges_tools: bool = False
    """A user message right after a tool's is refused: a short assistant message goes between."""
    starts_with_user: bool = False
    """The first message after the system's must be the user's."""
    ends_with_user: bool = False
    """An answer that has been begun (an assistant message at the end) is refused."""
    system_first: bool = False
    """A system message is taken at the beginning only."""
    empty_content: Literal["", "null"] = "null"
    """What stands for the text of an assistant message that has tool calls only."""
    blank_outputs: bool = True
    """Whether a tool's output may be empty."""
    tool_name: bool = False
    """Whether a tool's message must name the tool."""

    # --- names and ids -------------------------------------------------------------------------
    name_start: Literal["any", "letter_or_underscore", "letter"] = "any"
    """How a tool's name may begin. It always matches ``[a-zA-Z0-9_-]{1,64}``."""
    call_id_length: int = 64
    """The longest id of a call,"""
    call_id_exact: bool = False
    """or the only length,"""
    call_id_characters: Literal["any", "word", "alphanumeric"] = "any"
    """and its characters: ``word`` is ``[a-zA-Z0-9_-]``."""

    # --- what only OpenAI knows ----------------------------------------------------------------
    namespaces: bool = True
    custom_calls: bool = True
    provider_items: bool = True
    """What OpenAI's own tools and compaction leave behind."""
    stored_items: bool = False
    """Items are known here by the ids under which they were stored."""
    images: bool = True
    audio: bool = True

    # --- reasoning -----------------------------------------------------------------------------
    encrypted_reasoning: bool = True
    """Encrypted reasoning that it made goes back."""
    raw_reasoning: bool = False
    """Reasoning in plain words goes back in the Responses API."""
    reasoning_ids: bool = False
    """A reasoning item keeps its id though nothing is stored: the specification wants one."""
    reasoning_back: ReasoningBack = "never"
    """Which reasoning Chat Completions take back: of no message, of those after the user's last
    one, of those and of all tool calls, or of all."""
    reasoning_field: str = ""
    """Its field in Chat Completions; empty: the one that it came in,"""
    reasoning_default: str = "reasoning_content"
    """or this one, where that is not known."""
    needs_reasoning: bool = False
    """A message with tool calls is refused without any."""
    signed_by_model: bool = False
    """Reasoning and unknown fields are for the very model that made them."""
    thought_signatures: bool = False
    """Each step's first call needs a signature, or the documented stand-in for one."""
    unknown_fields: bool = True
    """Fields that came with an item and that we do not know go back with it."""

    # --- parameters ----------------------------------------------------------------------------
    efforts: tuple[str, ...] = ()
    """The reasoning efforts that the server knows at all; empty: any."""
    stream_options: bool = True
    store: bool = True
    service_tier: bool = True
    metadata: bool = True
    cache_key: bool = True
    """The conversation's id is sent as ``prompt_cache_key``."""
    completion_tokens: bool = True
    """The limit of output tokens is called ``max_completion_tokens`` for every model; else for
    OpenAI's reasoning models only."""
    sampling: bool = True
    """``temperature``, ``top_p``, ``max_output_tokens`` and ``metadata`` are taken at all."""
    defaults_required: bool = False
    """The parameters that are optional elsewhere are required (the ChatGPT backend)."""
    includes_encrypted: bool = True
    """Encrypted reasoning has to be asked for, or the next request has none."""
    tools_for_history: bool = False
    """Tool calls in the history are refused unless the request declares tools."""
    tool_choice_none: bool = False
    """Declared only for that, they may be sent with ``tool_choice: none``."""

    # --- tools ---------------------------------------------------------------------------------
    schemas: SchemaRules = "any"
    """Which JSON schemas are taken for a tool's arguments."""

    @property
    def first_party(self) -> bool:
        """OpenAI's own servers, and Azure's."""
        return self.key in _FIRST_PARTY

    @property
    def name_pattern(self) -> re.Pattern[str]:
        """What a tool's name must match."""
        start = {"any": "", "letter_or_underscore": "(?=[a-zA-Z_])", "letter": "(?=[a-zA-Z])"}
        return re.compile(start[self.name_start] + r"[a-zA-Z0-9_-]{1,64}")

    @property
    def call_id_pattern(self) -> re.Pattern[str]:
        """What a call's id must match."""
        sets = {"any": r"[\s\S]", "word": "[a-zA-Z0-9_-]", "alphanumeric": "[a-zA-Z0-9]"}
        least = self.call_id_length if self.call_id_exact else 1
        return re.compile(f"{sets[self.call_id_characters]}{{{least},{self.call_id_length}}}")

    def fit_name(self, name: str) -> str:
        """The name as it is sent: itself where it fits, else one that tells it from all others."""
        if self.name_pattern.fullmatch(name):
            return name
        clean = re.sub(r"[^a-zA-Z0-9_-]", "_", name)
        start = "" if self.name_pattern.fullmatch(clean[:1]) else "t_"
        return f"{start}{clean[: 64 - 9 - len(start)]}_{_digest(name)[:8]}"

    def fit_call_id(self, call_id: str) -> str:
        """The call's id as it is sent: itself where it fits, else one made of it."""
        if self.call_id_pattern.fullmatch(call_id):
            return call_id
        if self.call_id_exact:
            return _alphanumeric(call_id)[: self.call_id_length]
        return f"call_{_digest(call_id)[: min(24, self.call_id_length - 5)]}"

    def wire_model(self, slug: str) -> str:
        """The model's name as it is sent: OpenAI itself does not know its names at OpenRouter."""
        return slug.removeprefix("openai/") if self.key == "openai" else slug

    def wire_cache_key(self, key: str) -> str:
        """A cache key of a length that is taken, and still one of its own for each key."""
        return key if len(key) <= CACHE_KEY_LENGTH else _digest(key)

    def limit_field(self, slug: str) -> str:
        """What Chat Completions call the limit of output tokens, for this model."""
        # Azure serves others' models too.
        openai = self.completion_tokens and (self.key == "openai" or not _is_others(slug))
        return "max_completion_tokens" if openai or reasons_at_openai(slug) else "max_tokens"


_FIRST_PARTY = ("openai", "azure", "chatgpt")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


_ALPHANUMERIC = string.digits + string.ascii_letters


def _alphanumeric(text: str) -> str:
    number = int(_digest(text), 16)
    digits = []
    for _ in range(40):
        number, digit = divmod(number, len(_ALPHANUMERIC))
        digits.append(_ALPHANUMERIC[digit])
    return "".join(digits)


# --- families of models ------------------------------------------------------------------------
# Searched for in the model's name without its maker, in lower case.

# Their template and tokenizer (mistral-common) make the rules, whoever serves them: vLLM, NIM,
# Scaleway, oMLX (hermes-agent#20154, LibreChat-AI/agents#344, jundot/omlx#1995, pi-neuralwatt#12).
_MISTRAL = re.compile(r"(?:mis|minis|magis)tral|mixtral|devstral|codestral|pixtral|voxtral")
# "tool_use.id: String should match pattern" (ClawRouter#17, nanobot#4356, forgecode#1142); no
# assistant message at the end since Claude 4.6 (CLIProxyAPI#5319, opencode#29760).
_CLAUDE = re.compile(r"claude")
# Kimi's thinking models (pi#4251, zeroclaw#5600, OmniRoute#6419).
_KIMI = re.compile(r"kimi-(?:k2\.[5-9]|k2-thinking|k[3-9]|for-coding|latest|thinking)")
# DeepSeek's since V4, which think unless told not to (pi#3636, paper-chat-for-zotero#16).
_DEEPSEEK = re.compile(r"deepseek-(?:v[4-9]|v\d\d|reasoner|flash|pro)")
# Those before Gemini 3 know no thought signatures (rust-genai#115).
_GEMINI = re.compile(r"gemini")
_OLD_GEMINI = re.compile(r"gemini-[12](?!\d)|gemini-pro$")
_OPENAI_REASONING = re.compile(r"(?:gpt-(?:[5-9]|\d\d)(?![0-9a-z])|o[1-9](?![0-9a-z])|codex)")
_OTHERS = re.compile(
    r"mistral|mixtral|devstral|llama|deepseek|kimi|qwen|grok|claude|gemini|gemma|phi-|command-|glm"
)


def _name(slug: str) -> str:
    return slug.strip().lower().rpartition("/")[2]


def reasons_at_openai(slug: str) -> bool:
    """Whether it is one of OpenAI's reasoning models, by its name, whoever serves it."""
    # "azure/gpt-5", "openai.gpt-5", "ft:o4-mini:org::id".
    return bool(_OPENAI_REASONING.match(re.sub(r"^(?:ft:|openai[.:_-])", "", _name(slug))))


def _is_others(slug: str) -> bool:
    return bool(_OTHERS.search(_name(slug)))


# --- receivers ---------------------------------------------------------------------------------

# What every receiver but OpenAI's own is not asked for.
_FOREIGN: dict[str, Any] = {
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
_STRICT_TEMPLATE: dict[str, Any] = {
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


def _others(key: str, label: str, **rules: Any) -> Receiver:
    return Receiver(**{**_FOREIGN, "key": key, "label": label, **rules})


_RECEIVERS: dict[str, Receiver] = {
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
        _others(
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
        _others(
            "mistral",
            "Mistral",
            **_STRICT_TEMPLATE,
            reasoning_back="never",
            stream_options=False,
            metadata=False,
            unknown_fields=False,
        ),
        # In thinking mode the reasoning of every tool turn comes back, also in later turns
        # (api-docs.deepseek.com/guides/thinking_mode; pi#3636, SillyTavern#5545).
        _others(
            "deepseek",
            "DeepSeek",
            reasoning_back="always",
            reasoning_field="reasoning_content",
            unknown_fields=False,
        ),
        # An empty reasoning_content counts as a missing one (pi#4251); schemas are of a flavour
        # of their own (kimi-cli#2531, kimi-cli#2061, kimi-code#1610).
        _others(
            "moonshot",
            "Moonshot",
            reasoning_back="always",
            reasoning_field="reasoning_content",
            schemas="moonshot",
            unknown_fields=False,
        ),
        # "property 'reasoning_content' is unsupported" (freellmapi#1070, jan#8136,
        # hermes-agent#11089), and so is "reasoning" (musistudio/llms#64).
        _others(
            "groq",
            "Groq",
            reasoning_back="never",
            service_tier=True,
            unknown_fields=False,
        ),
        _others("cerebras", "Cerebras", reasoning_back="never", unknown_fields=False),
        # reasoning_details go back unchanged, to the model that made them (aider-desk#513,
        # nagobot#21, UncommonRoute#20); its Responses API stores nothing (kilocode#10197).
        _others(
            "openrouter",
            "OpenRouter",
            reasoning_back="tools",
            reasoning_field="reasoning",
            signed_by_model=True,
            includes_encrypted=True,
        ),
        # docs.anthropic.com/en/api/openai-sdk: system messages are hoisted, reasoning is neither
        # given nor taken.
        _others(
            "anthropic",
            "Anthropic",
            **_CLAUDE_GATEWAY,
            reasoning_back="never",
            tool_choice_none=True,
            unknown_fields=False,
        ),
        # "tool_choice: Input tag 'none' … does not match" (botocore#3458, litellm#37980).
        _others(
            "bedrock",
            "Amazon Bedrock",
            **_CLAUDE_GATEWAY,
            reasoning_back="never",
            unknown_fields=False,
        ),
        # Templates, and reasoning_content in and out (vllm#12468 tells of the field's origin).
        _others("llamacpp", "llama.cpp", **_STRICT_TEMPLATE, reasoning_field="reasoning_content"),
        # Reads "reasoning" since 0.16 and ignores the older field (vllm-project/router#115,
        # opencode#30477); an empty assistant message is refused (vllm#21089).
        _others("vllm", "vLLM", **_STRICT_TEMPLATE, reasoning_default="reasoning"),
        # "invalid message content type: <nil>" (pydantic-ai#5206, cheetahclaws#72).
        _others("ollama", "Ollama", empty_content="", reasoning_default="reasoning"),
        # "'content' field must be a string or an array of objects" (lmstudio-bug-tracker#261);
        # alternation (generic-copilot#43).
        _others("lmstudio", "LM Studio", **_STRICT_TEMPLATE, empty_content=""),
        _others("transformers", "transformers serve", **_STRICT_TEMPLATE),
        # Anybody, and anything behind a gateway: careful about all of it.
        _others("unknown", "Unknown", **_STRICT_TEMPLATE, tools_for_history=True),
    )
}

RECEIVERS = tuple(_RECEIVERS)
"""The keys of all receivers."""


def receiver_of(provider: Provider, model: str, wire_api: WireApi | None = None) -> Receiver:
    """The rules for a provider, a model and a wire API (the provider's own unless given)."""
    return receiver(provider.maker, model, wire_api or provider.wire_api)


def receiver(key: str, model: str = "", wire_api: WireApi = WireApi.CHAT) -> Receiver:
    """The rules by a receiver's key (one of `RECEIVERS`), for a model and a wire API."""
    rules: dict[str, Any] = {"wire_api": wire_api}
    found = _RECEIVERS[key]
    if found.first_party and wire_api is WireApi.CHAT:
        # Ids of 40 characters (azure-sdk-for-python#45920, autogen#6377).
        rules |= {"call_id_length": 40, "unknown_fields": False, "cache_key": key == "openai"}
    if not found.first_party or (key == "azure" and _is_others(model)):
        # Azure serves the models of other makers too.
        rules |= _family_rules(found, _name(model))
    if wire_api is WireApi.CHAT:
        # Functions and plain words are all that there is.
        rules |= {
            "namespaces": False,
            "custom_calls": False,
            "provider_items": False,
            "encrypted_reasoning": False,
            "raw_reasoning": rules.get("reasoning_back", found.reasoning_back) != "never",
        }
    return replace(found, **rules)


def _family_rules(found: Receiver, name: str) -> dict[str, Any]:
    """What the model's template or maker asks for, whoever serves it."""
    rules: dict[str, Any] = {}
    if _MISTRAL.search(name) or found.key == "mistral":
        # Nine letters or digits: mistral-common's validator (vllm#12332, opencode#1680,
        # mistral-vibe#1075). Null content is refused by its server (mistral-common#324).
        rules |= {
            **_STRICT_TEMPLATE,
            "call_id_exact": True,
            "call_id_length": 9,
            "call_id_characters": "alphanumeric",
            "empty_content": "",
        }
    elif _CLAUDE.search(name):
        rules |= {"call_id_characters": "word", "ends_with_user": True, "system_first": True}
    elif _GEMINI.search(name):
        # A gateway's translation needs the name as well (hermes-agent#16482, gcli2api#200).
        rules["tool_name"] = True
        if found.key == "gemini":
            old = bool(_OLD_GEMINI.search(name))
            rules["thought_signatures"] = not old
            # Thinking can be turned off in the smaller models of 2.5 alone (DeepTutor#809).
            if not old or "pro" in name:
                rules["efforts"] = tuple(word for word in found.efforts if word != "none")
    elif found.reasoning_back != "never" and _must_tell_reasoning(found, name):
        rules |= {"needs_reasoning": True, "reasoning_back": "always"}
    return rules


def _must_tell_reasoning(found: Receiver, name: str) -> bool:
    if found.key == "moonshot":
        return not name.startswith("moonshot-v1")
    # The older names at DeepSeek mean modes of the same models.
    return bool(_KIMI.search(name) or _DEEPSEEK.search(name)) or found.key == "deepseek"
