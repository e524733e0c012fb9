"""The prompt, and the options of one call."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Literal, Self

from pydantic import Field

from sidestream.errors import ErrorKind, SidestreamError
from sidestream.models import ModelInfo, model_info
from sidestream.texts import text
from sidestream.types._base import WireModel
from sidestream.types.items import ContentItem, InputText, MessageItem, ResponseItem
from sidestream.types.tools import ToolSpec
from sidestream.types.wire_api import WireApi


class StreamMode(StrEnum):
    """Which events `Client.stream` gives (Codex ``StreamMode``)."""

    STREAMING = "streaming"
    """Deltas as they arrive, then each whole item."""
    AGGREGATED = "aggregated"
    """Whole items only."""


class Prompt(WireModel):
    """What the model gets in one request (Codex ``Prompt``)."""

    input: list[ResponseItem]
    instructions: str | None = None
    tools: list[ToolSpec] = Field(default_factory=list)
    output_schema: dict[str, Any] | None = None
    """A JSON schema that the answer must follow."""
    output_schema_name: str = "codex_output_schema"
    output_schema_strict: bool = True

    @classmethod
    def from_text(cls, text: str, *, instructions: str | None = None) -> Self:
        """A prompt of one user message."""
        content: list[ContentItem] = [InputText(text=text)]
        return cls(input=[MessageItem(role="user", content=content)], instructions=instructions)


class CallOptions(WireModel):
    """The options of one call. For ``None`` the client's defaults hold, then the documented ones.

    An option that the model or the provider is known to refuse is left out of the request.
    """

    model: str | None = None
    wire_api: WireApi | None = None
    """Wins over the provider's ``wire_api``."""
    effort: str | None = None
    """Reasoning effort: none, minimal, low, medium, high, xhigh, max, ultra, or a provider's own
    level. For a model whose efforts are known, the nearest one is sent."""
    summary: Literal["auto", "concise", "detailed", "none"] | None = None
    """Reasoning summary."""
    verbosity: Literal["low", "medium", "high"] | None = None
    output_schema: dict[str, Any] | None = None
    """Wins over the prompt's own schema."""
    conversation_id: str | None = None
    stream_mode: StreamMode | None = None
    show_raw_reasoning: bool | None = None
    """Whether to give raw reasoning too, where a provider sends it. Default: yes."""
    store: bool | None = None
    """Whether the provider keeps the response. Default: yes for Azure, which needs it; no for
    OpenAI. To others nothing is sent."""
    background: bool | None = None
    """Whether the provider produces the answer in the background and keeps it, so that a stream
    that breaks continues where it broke. Implies ``store``. Responses API only. Default: no."""
    include: list[str] | None = None
    """Extra output to include. Default: encrypted reasoning, where there is any."""
    tool_choice: str | dict[str, Any] | None = None
    """auto, none, required, a tool's name, or the Responses API's object."""
    parallel_tool_calls: bool | None = None
    prompt_cache_key: str | None = None
    """Default: the conversation id, at OpenAI and Azure. A long one is sent as its digest."""
    service_tier: str | None = None
    """flex, priority (``fast`` means the same), ..."""
    max_output_tokens: int | None = Field(default=None, gt=0)
    temperature: float | None = Field(default=None, ge=0, le=2, allow_inf_nan=False)
    """0 to 2. Other values raise pydantic's ``ValidationError``, a `ValueError`."""
    top_p: float | None = Field(default=None, ge=0, le=1, allow_inf_nan=False)
    """0 to 1. Other values raise the same error."""
    metadata: dict[str, str] | None = None
    client_metadata: dict[str, str] | None = None
    """Sent to the ChatGPT backend only."""
    idempotency_key: str | None = Field(default=None, repr=False)
    model_info: ModelInfo | None = None
    """What is known of the model. Default: its entry in the table of `sidestream.models`."""
    extra_body: dict[str, Any] | None = None
    """Further fields of the request, for servers with options of their own. They win."""

    def over(self, defaults: CallOptions) -> CallOptions:
        """Return these options, with the defaults in place of ``None``."""
        said = {name: value for name, value in self if value is not None}
        return defaults.model_copy(update=said)

    def resolved_model(self) -> ModelInfo:
        """Return what is known of the call's model.

        Raises `SidestreamError` of kind ``configuration`` when none is chosen.
        """
        slug = (self.model or "").strip()
        if not slug:
            hint = text("hint_no_model")
            raise SidestreamError(ErrorKind.CONFIGURATION, text("error_no_model"), hint=hint)
        known = self.model_info
        return known if known and known.slug == slug else model_info(slug)
