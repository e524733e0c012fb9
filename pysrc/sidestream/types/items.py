"""`ResponseItem` and `ContentItem`: the parts of a conversation, as in the Responses API.

Names follow Codex's ``protocol/models.rs``. Reading is lenient, because servers leave things out:
unknown item and content types become `OtherItem` and `OtherContent` and keep all their fields.
"""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Discriminator, Field, Tag, TypeAdapter, field_validator

from sidestream.types._base import WireModel

# --- content -----------------------------------------------------------------------------------


class InputText(WireModel):
    """Text that the user, a developer or a tool wrote."""

    type: Literal["input_text"] = "input_text"
    text: str


class InputImage(WireModel):
    """An image, as an ``https:`` or ``data:`` URL."""

    type: Literal["input_image"] = "input_image"
    image_url: str
    detail: Literal["auto", "low", "high", "original"] | None = None


class InputAudio(WireModel):
    """Sound, as a ``data:`` URL."""

    type: Literal["input_audio"] = "input_audio"
    audio_url: str


class OutputText(WireModel):
    """Text that the model wrote, with its citations if it gave any."""

    type: Literal["output_text"] = "output_text"
    text: str = ""
    annotations: list[dict[str, Any]] | None = None


class Refusal(WireModel):
    """The text in which the model refuses to answer."""

    type: Literal["refusal"] = "refusal"
    refusal: str = ""


class OtherContent(WireModel):
    """A content type that this version does not know; all its fields are kept."""

    model_config = ConfigDict(extra="allow")
    type: str


def _content_tag(value: Any) -> str:
    tag = value.get("type") if isinstance(value, dict) else getattr(value, "type", None)
    return tag if tag in _CONTENT_TAGS else "other"


_CONTENT_TAGS = frozenset({"input_text", "input_image", "input_audio", "output_text", "refusal"})

ContentItem = Annotated[
    Annotated[InputText, Tag("input_text")]
    | Annotated[InputImage, Tag("input_image")]
    | Annotated[InputAudio, Tag("input_audio")]
    | Annotated[OutputText, Tag("output_text")]
    | Annotated[Refusal, Tag("refusal")]
    | Annotated[OtherContent, Tag("other")],
    Discriminator(_content_tag),
]

# What a tool gives back: plain text, or content parts (text, images, ...).
ToolOutput = str | list[ContentItem]


class SummaryText(WireModel):
    """One part of a reasoning summary."""

    type: Literal["summary_text"] = "summary_text"
    text: str = ""


class ReasoningText(WireModel):
    """One part of raw reasoning. Some servers say ``text`` where OpenAI says ``reasoning_text``."""

    type: Literal["reasoning_text", "text"] = "reasoning_text"
    text: str = ""


# --- items -------------------------------------------------------------------------------------

IN_BAND = "think"
"""The `ReasoningItem.field` of reasoning between ``<think>`` and ``</think>`` in the text."""


class ItemOrigin(WireModel):
    """The provider and the model that made an item."""

    provider: str
    """`Provider.origin`: scheme, host and port."""
    model: str = ""
    """The model that was asked."""


class _Item(WireModel):
    id: str | None = None
    origin: ItemOrigin | None = None
    """Which model made the item. An id, reasoning and ``extra`` are sent to this origin only.
    The origin itself is never sent. ``None``: the item may go to any provider."""
    extra: dict[str, Any] | None = None
    """Fields that this version does not know, such as Gemini's ``extra_content`` of a call. They
    are sent back unchanged, to the origin only."""

    @field_validator("origin", "extra", mode="before")
    @classmethod
    def _ours_or_nothing(cls, value: Any) -> Any:
        # A server's item may have fields of these names, which mean something else.
        return value if isinstance(value, (dict, ItemOrigin)) else None


class MessageItem(_Item):
    """A message of any role. ``content`` may be given as a plain string."""

    type: Literal["message"] = "message"
    role: str
    content: list[ContentItem] = Field(default_factory=list)
    phase: str | None = None

    @field_validator("content", mode="before")
    @classmethod
    def _string_is_one_part(cls, value: Any, info: Any) -> Any:
        if value is None:
            return []
        if isinstance(value, str):
            kind = "output_text" if info.data.get("role") == "assistant" else "input_text"
            return [{"type": kind, "text": value}]
        return value

    @property
    def text(self) -> str:
        """All text parts joined; refusals are not text."""
        return "".join(p.text for p in self.content if isinstance(p, (InputText, OutputText)))


class ReasoningItem(_Item):
    """The model's reasoning: a summary, the raw text, or only an encrypted form."""

    type: Literal["reasoning"] = "reasoning"
    summary: list[SummaryText] = Field(default_factory=list)
    content: list[ReasoningText] | None = None
    encrypted_content: str | None = None
    field: str | None = None
    """The field of Chat Completions that held it (``reasoning_content``, ``reasoning``, ...), or
    `IN_BAND` for reasoning within the text."""

    @field_validator("summary", mode="before")
    @classmethod
    def _missing_summary(cls, value: Any) -> Any:
        return [] if value is None else value


class FunctionCallItem(_Item):
    """A call of a function tool; ``arguments`` is the JSON text that the model wrote."""

    type: Literal["function_call"] = "function_call"
    name: str = ""
    namespace: str | None = None
    arguments: str = ""
    call_id: str = ""

    @field_validator("arguments", mode="before")
    @classmethod
    def _arguments_as_text(cls, value: Any) -> Any:
        # Several local servers send the parsed object.
        if value is None:
            return ""
        return value if isinstance(value, str) else json.dumps(value)


class FunctionCallOutputItem(_Item):
    """The output of a function call."""

    type: Literal["function_call_output"] = "function_call_output"
    call_id: str
    output: ToolOutput


class CustomToolCallItem(_Item):
    """A call of a custom (free-form) tool."""

    type: Literal["custom_tool_call"] = "custom_tool_call"
    status: str | None = None
    call_id: str = ""
    name: str = ""
    namespace: str | None = None
    input: str = ""


class CustomToolCallOutputItem(_Item):
    """The output of a custom tool call."""

    type: Literal["custom_tool_call_output"] = "custom_tool_call_output"
    call_id: str
    name: str | None = None
    output: ToolOutput


class LocalShellCallItem(_Item):
    """A call of the built-in shell tool."""

    type: Literal["local_shell_call"] = "local_shell_call"
    call_id: str | None = None
    status: str = "completed"
    action: dict[str, Any] = Field(default_factory=dict)


class WebSearchCallItem(_Item):
    """A web search that the provider made."""

    type: Literal["web_search_call"] = "web_search_call"
    status: str | None = None
    action: dict[str, Any] | None = None


class ImageGenerationCallItem(_Item):
    """An image that the provider made; ``result`` is base64."""

    type: Literal["image_generation_call"] = "image_generation_call"
    status: str = ""
    revised_prompt: str | None = None
    result: str | None = None


class CodeInterpreterCallItem(_Item):
    """Code that ran at the provider. ``outputs`` are logs and images, where they were asked for."""

    type: Literal["code_interpreter_call"] = "code_interpreter_call"
    status: str | None = None
    code: str | None = None
    container_id: str | None = None
    outputs: list[dict[str, Any]] | None = None

    @property
    def logs(self) -> str:
        """Everything that the code printed."""
        parts = (part.get("logs") for part in self.outputs or ())
        return "\n".join(logs for logs in parts if isinstance(logs, str) and logs)


class FileSearchCallItem(_Item):
    """A search in the provider's vector stores, with ``results`` if they were asked for."""

    type: Literal["file_search_call"] = "file_search_call"
    status: str | None = None
    queries: list[str] = Field(default_factory=list)
    results: list[dict[str, Any]] | None = None


class ToolSearchCallItem(_Item):
    """A search among deferred tools."""

    type: Literal["tool_search_call"] = "tool_search_call"
    call_id: str | None = None
    status: str | None = None
    execution: str = ""
    arguments: Any = None


class ToolSearchOutputItem(_Item):
    """The tools that a tool search found."""

    type: Literal["tool_search_output"] = "tool_search_output"
    call_id: str | None = None
    status: str = ""
    execution: str = ""
    tools: list[Any] = Field(default_factory=list)


class CompactionItem(_Item):
    """A provider-made, encrypted summary that stands for earlier items."""

    type: Literal["compaction", "compaction_summary"] = "compaction"
    encrypted_content: str


class ContextCompactionItem(_Item):
    """A provider-made compaction marker."""

    type: Literal["context_compaction"] = "context_compaction"
    encrypted_content: str | None = None


class OtherItem(_Item):
    """An item type that this version does not know; all its fields are kept, none is sent back."""

    model_config = ConfigDict(extra="allow")
    type: str
    # A server may have fields of these names, and they may hold anything.
    origin: Any = None
    extra: Any = None


_ITEM_TAGS = {
    "message": "message",
    "reasoning": "reasoning",
    "function_call": "function_call",
    "function_call_output": "function_call_output",
    "custom_tool_call": "custom_tool_call",
    "custom_tool_call_output": "custom_tool_call_output",
    "local_shell_call": "local_shell_call",
    "web_search_call": "web_search_call",
    "image_generation_call": "image_generation_call",
    "code_interpreter_call": "code_interpreter_call",
    "file_search_call": "file_search_call",
    "tool_search_call": "tool_search_call",
    "tool_search_output": "tool_search_output",
    "compaction": "compaction",
    "compaction_summary": "compaction",
    "context_compaction": "context_compaction",
}


def _item_tag(value: Any) -> str:
    tag = value.get("type") if isinstance(value, dict) else getattr(value, "type", None)
    return _ITEM_TAGS.get(tag, "other") if isinstance(tag, str) else "other"


ResponseItem = Annotated[
    Annotated[MessageItem, Tag("message")]
    | Annotated[ReasoningItem, Tag("reasoning")]
    | Annotated[FunctionCallItem, Tag("function_call")]
    | Annotated[FunctionCallOutputItem, Tag("function_call_output")]
    | Annotated[CustomToolCallItem, Tag("custom_tool_call")]
    | Annotated[CustomToolCallOutputItem, Tag("custom_tool_call_output")]
    | Annotated[LocalShellCallItem, Tag("local_shell_call")]
    | Annotated[WebSearchCallItem, Tag("web_search_call")]
    | Annotated[ImageGenerationCallItem, Tag("image_generation_call")]
    | Annotated[CodeInterpreterCallItem, Tag("code_interpreter_call")]
    | Annotated[FileSearchCallItem, Tag("file_search_call")]
    | Annotated[ToolSearchCallItem, Tag("tool_search_call")]
    | Annotated[ToolSearchOutputItem, Tag("tool_search_output")]
    | Annotated[CompactionItem, Tag("compaction")]
    | Annotated[ContextCompactionItem, Tag("context_compaction")]
    | Annotated[OtherItem, Tag("other")],
    Discriminator(_item_tag),
]

response_item: TypeAdapter[ResponseItem] = TypeAdapter(ResponseItem)
"""Validates one item from JSON or from Python data."""
