"""ResponseEvent: everything that a turn can tell, in one discriminated union.

The names in ``type`` are Codex's variant names, fields are in snake_case. Order within a turn:
header events first (`ServerModel`, `RateLimits`, `ModelsEtag`, `ServerReasoningIncluded`), then
what the body says, then exactly one `Completed`, last. Only `Reconnecting`, `StreamIdle` and
`Notice` may come before the header events, while there is no answer yet. A repeated request gives
those header events again that differ.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from sidestream.types._base import WireModel
from sidestream.types.items import ResponseItem
from sidestream.types.rate_limits import RateLimitSnapshot
from sidestream.types.usage import TokenUsage


class Created(WireModel):
    """The provider accepted the request (``response.created``)."""

    type: Literal["Created"] = "Created"
    response_id: str | None = None


class OutputItemAdded(WireModel):
    """An item has begun; its deltas follow."""

    type: Literal["OutputItemAdded"] = "OutputItemAdded"
    item: ResponseItem


class OutputItemDone(WireModel):
    """An item is finished and whole. What it holds agrees with the deltas that came before it."""

    type: Literal["OutputItemDone"] = "OutputItemDone"
    item: ResponseItem


class OutputTextDelta(WireModel):
    """More text of the assistant's message."""

    type: Literal["OutputTextDelta"] = "OutputTextDelta"
    delta: str
    item_id: str | None = None


class OutputTextReplaced(WireModel):
    """The text of the open message is ``text`` from here on: what was shown of it was reasoning.

    The reasoning follows as an item of its own, before the message.
    """

    type: Literal["OutputTextReplaced"] = "OutputTextReplaced"
    text: str = ""
    item_id: str | None = None


class RefusalDelta(WireModel):
    """More of the model's words for not answering."""

    type: Literal["RefusalDelta"] = "RefusalDelta"
    delta: str
    item_id: str | None = None


class OutputTextAnnotationAdded(WireModel):
    """A citation was added to the text (``response.output_text.annotation.added``)."""

    type: Literal["OutputTextAnnotationAdded"] = "OutputTextAnnotationAdded"
    annotation: dict[str, Any]
    item_id: str | None = None


class FunctionCallArgumentsDelta(WireModel):
    """More of a function call's JSON arguments."""

    type: Literal["FunctionCallArgumentsDelta"] = "FunctionCallArgumentsDelta"
    delta: str
    item_id: str
    call_id: str | None = None
    name: str | None = None


class ToolCallInputDelta(WireModel):
    """More of a custom tool call's input."""

    type: Literal["ToolCallInputDelta"] = "ToolCallInputDelta"
    delta: str
    item_id: str
    call_id: str | None = None


class ReasoningSummaryPartAdded(WireModel):
    """A new part of the reasoning summary has begun."""

    type: Literal["ReasoningSummaryPartAdded"] = "ReasoningSummaryPartAdded"
    summary_index: int = 0


class ReasoningSummaryDelta(WireModel):
    """More of the reasoning summary."""

    type: Literal["ReasoningSummaryDelta"] = "ReasoningSummaryDelta"
    delta: str
    summary_index: int = 0


class ReasoningSummaryDone(WireModel):
    """A part of the reasoning summary is whole."""

    type: Literal["ReasoningSummaryDone"] = "ReasoningSummaryDone"
    item_id: str
    text: str
    summary_index: int = 0


class ReasoningContentDelta(WireModel):
    """More of the raw reasoning, where a provider shows it."""

    type: Literal["ReasoningContentDelta"] = "ReasoningContentDelta"
    delta: str
    content_index: int = 0


class WebSearchCallBegin(WireModel):
    """The provider has begun a web search."""

    type: Literal["WebSearchCallBegin"] = "WebSearchCallBegin"
    call_id: str


class ToolCallProgress(WireModel):
    """A built-in tool of the provider has got further.

    ``tool`` is the item type (``web_search_call``, ``file_search_call``, ``code_interpreter_call``,
    ``image_generation_call``, ``mcp_call``, ...), ``status`` the last part of the event's name
    (``in_progress``, ``searching``, ``completed``, ...).
    """

    type: Literal["ToolCallProgress"] = "ToolCallProgress"
    item_id: str
    tool: str
    status: str
    detail: str | None = None


class RateLimits(WireModel):
    """The limits of one family, from the response's headers. No headers, no event."""

    type: Literal["RateLimits"] = "RateLimits"
    snapshot: RateLimitSnapshot


class ServerModel(WireModel):
    """The model that really answers (header ``openai-model``)."""

    type: Literal["ServerModel"] = "ServerModel"
    model: str


class ModelsEtag(WireModel):
    """The version of the provider's model list (header ``x-models-etag``)."""

    type: Literal["ModelsEtag"] = "ModelsEtag"
    etag: str


class ServerReasoningIncluded(WireModel):
    """The provider counts past reasoning in its usage (header ``x-reasoning-included``)."""

    type: Literal["ServerReasoningIncluded"] = "ServerReasoningIncluded"
    included: bool = True


class ModelVerifications(WireModel):
    """Verifications that the provider recommends (``response.metadata``)."""

    type: Literal["ModelVerifications"] = "ModelVerifications"
    verifications: list[str]


class TurnModerationMetadata(WireModel):
    """What the provider's moderation says of the turn (``response.metadata``)."""

    type: Literal["TurnModerationMetadata"] = "TurnModerationMetadata"
    metadata: Any


class SafetyBuffering(WireModel):
    """The provider holds the answer back for checks."""

    type: Literal["SafetyBuffering"] = "SafetyBuffering"
    use_cases: list[str]
    reasons: list[str]
    show_buffering_ui: bool = True
    faster_model: str | None = None


class StreamIdle(WireModel):
    """Nothing has come for a while; the stream is given up after ``timeout_ms`` of silence."""

    type: Literal["StreamIdle"] = "StreamIdle"
    idle_ms: int
    timeout_ms: int


class Reconnecting(WireModel):
    """The answer is about to be asked for again after ``delay_ms``.

    Voids every delta since the last `OutputItemDone`, where the new answer starts. Not so if it
    ``resumes``: then the same answer goes on, and the next delta follows the last one.
    """

    type: Literal["Reconnecting"] = "Reconnecting"
    attempt: int
    """1 for the first repetition."""
    max_attempts: int
    delay_ms: int
    reason: str
    resumes: bool = False


class Notice(WireModel):
    """Something that the user should know of the request, once: what it was sent without."""

    type: Literal["Notice"] = "Notice"
    message: str


class Completed(WireModel):
    """The turn's last event. ``response_id`` is empty when the provider never said it was done."""

    type: Literal["Completed"] = "Completed"
    response_id: str = ""
    token_usage: TokenUsage | None = None
    end_turn: bool | None = None
    finish_reason: str | None = None
    """Why the model stopped, in the server's words (``stop``, ``length``, ``tool_calls``,
    ``completed``, ``max_output_tokens``, ...); ``None`` when it never said."""


ResponseEvent = Annotated[
    Created
    | OutputItemAdded
    | OutputItemDone
    | OutputTextDelta
    | OutputTextReplaced
    | RefusalDelta
    | OutputTextAnnotationAdded
    | FunctionCallArgumentsDelta
    | ToolCallInputDelta
    | ReasoningSummaryPartAdded
    | ReasoningSummaryDelta
    | ReasoningSummaryDone
    | ReasoningContentDelta
    | WebSearchCallBegin
    | ToolCallProgress
    | RateLimits
    | ServerModel
    | ModelsEtag
    | ServerReasoningIncluded
    | ModelVerifications
    | TurnModerationMetadata
    | SafetyBuffering
    | StreamIdle
    | Reconnecting
    | Notice
    | Completed,
    Field(discriminator="type"),
]

response_event: TypeAdapter[ResponseEvent] = TypeAdapter(ResponseEvent)
"""Validates one event from JSON or from Python data."""


class Batch(list[ResponseEvent]):
    """Events that came at once, and how far the answer has got with them.

    Both are told only where the provider keeps the answer (`CallOptions.background`):
    `Client.resume` gives what comes after them.
    """

    response_id: str = ""
    sequence_number: int | None = None
