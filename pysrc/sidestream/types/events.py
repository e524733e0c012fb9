"""`ResponseEvent`: the events of a turn, in one discriminated union.

The names in ``type`` are Codex's variant names, fields are in snake_case. Order within a turn:
header events first (`ServerModel`, `RateLimits`, `ModelsEtag`, `ServerReasoningIncluded`), then
the events of the body, then exactly one `Completed`, last. Only `Reconnecting`, `StreamIdle` and
`Notice` may come before the header events, while there is no answer yet. A repeated request gives
a header event again only if it differs.
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
    """An item is finished. It agrees with the deltas that came before it."""

    type: Literal["OutputItemDone"] = "OutputItemDone"
    item: ResponseItem


class OutputTextDelta(WireModel):
    """More text of the assistant's message."""

    type: Literal["OutputTextDelta"] = "OutputTextDelta"
    delta: str
    item_id: str | None = None


class OutputTextReplaced(WireModel):
    """The text of the open message is ``text`` from here on: its deltas were reasoning.

    The reasoning follows as an item of its own, before the message.
    """

    type: Literal["OutputTextReplaced"] = "OutputTextReplaced"
    text: str = ""
    item_id: str | None = None


class RefusalDelta(WireModel):
    """More of the text in which the model refuses to answer."""

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
    """A part of the reasoning summary is finished."""

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
    """A built-in tool of the provider reports its progress.

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
    """The rate limits of one family, if the response's headers report any."""

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
    """The result of the provider's moderation of the turn (``response.metadata``)."""

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
    """Nothing has arrived for a while. After ``timeout_ms`` of silence the attempt fails."""

    type: Literal["StreamIdle"] = "StreamIdle"
    idle_ms: int
    timeout_ms: int


class Reconnecting(WireModel):
    """The request is sent again after ``delay_ms``.

    This voids every delta since the last `OutputItemDone`, where the new answer starts. If it
    ``resumes``, nothing is void: the same answer continues, and the next delta follows the last.
    """

    type: Literal["Reconnecting"] = "Reconnecting"
    attempt: int
    """1 for the first retry."""
    max_attempts: int
    delay_ms: int
    reason: str
    reason_text: dict[str, Any] | None = None
    """The key and the parameters of the reason (`sidestream.texts`)."""
    resumes: bool = False


class Notice(WireModel):
    """What the user should know about the request, such as what it was sent without."""

    type: Literal["Notice"] = "Notice"
    message: str
    message_text: dict[str, Any] | None = None
    """The key and the parameters of the message (`sidestream.texts`)."""


class Completed(WireModel):
    """The last event of a turn. Its ``response_id`` is empty for an answer that is not finished."""

    type: Literal["Completed"] = "Completed"
    response_id: str = ""
    token_usage: TokenUsage | None = None
    end_turn: bool | None = None
    finish_reason: str | None = None
    """Why the model stopped, as the server puts it (``stop``, ``length``, ``tool_calls``,
    ``completed``, ``max_output_tokens``, ...). ``None`` when the server did not say."""


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
    """Events that arrived at once, and how far the answer has arrived with them.

    The position is known only where the provider keeps the answer (`CallOptions.background`).
    `Client.resume` streams what comes after it.
    """

    response_id: str = ""
    sequence_number: int | None = None
