"""What one server accepts, over one wire API, for one model."""

from __future__ import annotations

import hashlib
import re
import string
from dataclasses import dataclass
from typing import Literal

from sidestream.receivers._families import is_made_by_others, reasons_at_openai
from sidestream.types.wire_api import WireApi

ReasoningBack = Literal["never", "turn", "tools", "always"]
SchemaRules = Literal["any", "gemini", "moonshot"]

NO_REASONING = "(The reasoning of this step is not available.)"
"""The reasoning of a call that has none, where the receiver requires some."""
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
    """An assistant message at the end is refused."""
    system_first: bool = False
    """A system message is taken at the beginning only."""
    empty_content: Literal["", "null"] = "null"
    """The content of an assistant message that has tool calls only."""
    blank_outputs: bool = True
    """Whether a tool's output may be empty."""
    tool_name: bool = False
    """Whether a tool's message must name the tool."""

    # --- names and ids -------------------------------------------------------------------------
    name_start: Literal["any", "letter_or_underscore", "letter"] = "any"
    """How a tool's name may begin. It always matches ``[a-zA-Z0-9_-]{1,64}``."""
    call_id_length: int = 64
    """The longest id that a call may have."""
    call_id_exact: bool = False
    """Whether every id must have just that length."""
    call_id_characters: Literal["any", "word", "alphanumeric"] = "any"
    """The characters that an id may have: ``word`` is ``[a-zA-Z0-9_-]``."""

    # --- what only OpenAI knows ----------------------------------------------------------------
    namespaces: bool = True
    custom_calls: bool = True
    provider_items: bool = True
    """Items of OpenAI's own tools and of compaction are taken."""
    stored_items: bool = False
    """The server knows items by the ids under which it stored them."""
    images: bool = True
    audio: bool = True

    # --- reasoning -----------------------------------------------------------------------------
    encrypted_reasoning: bool = True
    """Encrypted reasoning that the server made goes back to it."""
    raw_reasoning: bool = False
    """Reasoning in plain text goes back in the Responses API."""
    reasoning_ids: bool = False
    """A reasoning item keeps its id even if nothing is stored, as the specification requires."""
    reasoning_back: ReasoningBack = "never"
    """Which reasoning Chat Completions take back: of no message, of those after the user's last
    one, of those and of all tool calls, or of all."""
    reasoning_field: str = ""
    """The field for reasoning in Chat Completions; empty means the field in which it arrived."""
    reasoning_default: str = "reasoning_content"
    """The field where it is not known in which one the reasoning arrived."""
    needs_reasoning: bool = False
    """A message with tool calls is refused without reasoning."""
    signed_by_model: bool = False
    """Reasoning and unknown fields go back only to the model that made them."""
    thought_signatures: bool = False
    """Each step's first call needs a signature, or the documented stand-in for one."""
    unknown_fields: bool = True
    """Unknown fields that arrived with an item go back with it."""

    # --- parameters ----------------------------------------------------------------------------
    efforts: tuple[str, ...] = ()
    """The reasoning efforts that the server knows; empty means any."""
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
        """The name as it is sent: unchanged if it fits, else a name that no other tool gets."""
        if self.name_pattern.fullmatch(name):
            return name
        clean = re.sub(r"[^a-zA-Z0-9_-]", "_", name)
        start = "" if self.name_pattern.fullmatch(clean[:1]) else "t_"
        return f"{start}{clean[: 64 - 9 - len(start)]}_{_digest(name)[:8]}"

    def fit_call_id(self, call_id: str) -> str:
        """The call's id as it is sent: unchanged if it fits, else an id derived from it."""
        if self.call_id_pattern.fullmatch(call_id):
            return call_id
        if self.call_id_exact:
            return _alphanumeric_digest(call_id)[: self.call_id_length]
        return f"call_{_digest(call_id)[: min(24, self.call_id_length - 5)]}"

    def wire_model(self, slug: str) -> str:
        """The model's name as it is sent. OpenAI does not know the names with its prefix."""
        return slug.removeprefix("openai/") if self.key == "openai" else slug

    def wire_cache_key(self, key: str) -> str:
        """The cache key as it is sent: a digest of it if it is too long."""
        return key if len(key) <= CACHE_KEY_LENGTH else _digest(key)

    def limit_field(self, slug: str) -> str:
        """The field for the limit of output tokens in Chat Completions, for this model."""
        # Azure serves models of other makers too.
        openai = self.completion_tokens and (self.key == "openai" or not is_made_by_others(slug))
        return "max_completion_tokens" if openai or reasons_at_openai(slug) else "max_tokens"


_FIRST_PARTY = ("openai", "azure", "chatgpt")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


_ALPHANUMERIC = string.digits + string.ascii_letters


def _alphanumeric_digest(text: str) -> str:
    number = int(_digest(text), 16)
    digits = []
    for _ in range(40):
        number, digit = divmod(number, len(_ALPHANUMERIC))
        digits.append(_ALPHANUMERIC[digit])
    return "".join(digits)
