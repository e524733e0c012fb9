"""The request of the Responses API (``POST /responses``)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sidestream.errors import ErrorKind, SidestreamError
from sidestream.models import ModelInfo, clamp_effort, nearest_effort
from sidestream.payload.history import valid_history
from sidestream.payload.tools import responses_tool_choice, responses_tools, stubs
from sidestream.prompt import CallOptions, Prompt
from sidestream.provider import Provider
from sidestream.receivers import Receiver, receiver_of
from sidestream.texts import text
from sidestream.types.items import (
    CompactionItem,
    ContentItem,
    InputAudio,
    InputImage,
    MessageItem,
    OutputText,
    ReasoningItem,
    ResponseItem,
)
from sidestream.types.tools import CustomTool, NamespaceTool, ToolSpec
from sidestream.types.wire_api import WireApi

ENCRYPTED_REASONING = "reasoning.encrypted_content"
_RESULTS = {
    "web_search": "web_search_call.action.sources",
    "code_interpreter": "code_interpreter_call.outputs",
    "file_search": "file_search_call.results",
}
"""The ``include`` values with which the provider sends the results of its own tools."""


def wire_effort(
    effort: str | None, model: ModelInfo | None = None, receiver: Receiver | None = None
) -> str | None:
    """The effort to send: the nearest one that the model and the server take.

    ``ultra`` is Codex's name for ``max``.
    """
    if not effort:
        return None
    fit = clamp_effort(model, effort) if model else effort
    if fit == "ultra":
        fit = "max"
    return nearest_effort(fit, receiver.efforts) if receiver and receiver.efforts else fit


def _wire_service_tier(tier: str | None) -> str | None:
    """The service tier under the servers' name, or None if it need not be sent."""
    return {"default": None, "fast": "priority"}.get(tier or "default", tier)


def add_tier_and_cache_key(
    request: dict[str, Any], options: CallOptions, receiver: Receiver
) -> None:
    """Set the service tier and the key of the prompt cache, which both wire APIs have."""
    tier = _wire_service_tier(options.service_tier)
    if tier and receiver.service_tier:
        request["service_tier"] = tier
    cache_key = options.prompt_cache_key or (receiver.cache_key and options.conversation_id)
    if cache_key:
        request["prompt_cache_key"] = receiver.wire_cache_key(cache_key)


def takes_sampling(model: ModelInfo, effort: str | None) -> bool:
    """Whether the model takes ``temperature`` and ``top_p`` at this effort."""
    if model.sampling == "without_reasoning":
        return effort == "none"
    return model.sampling != "never"


def build_responses_request(
    prompt: Prompt, options: CallOptions, provider: Provider
) -> dict[str, Any]:
    """Return the whole request as JSON data. ``options`` are merged already and name the model.

    Raises `SidestreamError` of kind ``configuration`` for what cannot be sent.
    """
    model = options.resolved_model()
    receiver = _receiver(prompt, options, provider, model)
    required = receiver.defaults_required
    lite = provider.is_chatgpt and model.uses_responses_lite
    given: Sequence[ResponseItem] = prompt.input
    if model.supports_reasoning is False:
        # "Reasoning input items can only be provided to a reasoning or computer use model."
        given = [item for item in given if not isinstance(item, ReasoningItem)]
    items = valid_history(given, receiver, origin=provider.origin, model=model.slug)
    offered = prompt.tools
    if not offered and receiver.tools_for_history:
        offered = stubs(items)
    tools = responses_tools(offered, namespaces=receiver.namespaces, receiver=receiver)
    instructions = prompt.instructions or ""
    if required and not instructions:
        # The backend refuses a request without them.
        instructions = "You are a helpful assistant."

    request: dict[str, Any] = {"model": receiver.wire_model(model.slug)}
    if instructions and not lite:
        request["instructions"] = instructions
    request["input"] = [_wire_item(item, provider, receiver, lite=lite) for item in items]
    if lite:
        request["input"][:0] = _lite_preamble(instructions, tools)
    elif tools or required:
        request["tools"] = tools
    request |= _tool_fields(options, receiver, model, offered=prompt.tools, tools=tools, lite=lite)
    reasoning = _reasoning(options, receiver, model, lite=lite)
    if reasoning is not None:
        request["reasoning"] = reasoning
    background = asks_background(options, provider)
    if background:
        request["background"] = True
    if receiver.store or background or options.store is not None:
        # OpenAI stores every response unless the request says otherwise.
        request["store"] = _store(options, provider) or background
    request["stream"] = True
    include = included(options, provider, prompt.tools)
    if include:
        request["include"] = include
    add_tier_and_cache_key(request, options, receiver)
    text = _text(prompt, options, receiver, model)
    if text:
        request["text"] = text
    if provider.is_chatgpt:
        client_metadata = dict(options.client_metadata or {})
        if options.conversation_id:
            client_metadata.setdefault("session_id", options.conversation_id)
            client_metadata.setdefault("thread_id", options.conversation_id)
        if client_metadata:
            request["client_metadata"] = client_metadata
    if receiver.sampling:
        if options.max_output_tokens is not None:
            request["max_output_tokens"] = options.max_output_tokens
        if takes_sampling(model, options.effort):
            if options.temperature is not None:
                request["temperature"] = options.temperature
            if options.top_p is not None:
                request["top_p"] = options.top_p
    if options.metadata and receiver.metadata:
        request["metadata"] = dict(options.metadata)
    return {**request, **(options.extra_body or {}), "stream": True}


def asks_background(options: CallOptions, provider: Provider) -> bool:
    """Whether the answer is made in the background, so that it can be resumed."""
    return options.background is True and provider.keeps_responses


def _store(options: CallOptions, provider: Provider) -> bool:
    """Whether ``store`` is on: by default only on Azure, where item ids must be known.

    ``background`` has no influence. It stores this response, but earlier turns may not be stored,
    so the history is still sent without ids.
    """
    if provider.is_chatgpt:
        return False
    return provider.is_azure if options.store is None else options.store


def _receiver(
    prompt: Prompt, options: CallOptions, provider: Provider, model: ModelInfo
) -> Receiver:
    """Return the receiver's rules, adapted to this request and this model."""
    receiver = receiver_of(provider, model.slug, WireApi.RESPONSES)
    return replace(
        receiver,
        images=model.supports_images is not False,
        audio=model.supports_audio is not False,
        stored_items=receiver.first_party and _store(options, provider),
        custom_calls=receiver.custom_calls or _offers_custom_tools(prompt),
    )


def _offers_custom_tools(prompt: Prompt) -> bool:
    return any(
        isinstance(tool, CustomTool)
        or (isinstance(tool, NamespaceTool) and any(isinstance(t, CustomTool) for t in tool.tools))
        for tool in prompt.tools
    )


def _tool_fields(
    options: CallOptions,
    receiver: Receiver,
    model: ModelInfo,
    *,
    offered: Sequence[ToolSpec],
    tools: Sequence[dict[str, Any]],
    lite: bool,
) -> dict[str, Any]:
    """Return ``tool_choice`` and ``parallel_tool_calls`` as chosen, or as Codex sends them."""
    fields: dict[str, Any] = {}
    if offered and options.tool_choice is not None:
        fields["tool_choice"] = responses_tool_choice(options.tool_choice, receiver)
    elif tools and not offered and receiver.tool_choice_none:
        fields["tool_choice"] = "none"
    elif receiver.defaults_required:
        fields["tool_choice"] = "auto"
    parallel = options.parallel_tool_calls
    supported = model.supports_parallel_tool_calls
    if receiver.defaults_required:
        wanted = bool(supported) if parallel is None else parallel
        fields["parallel_tool_calls"] = wanted and supported is not False and not lite
    elif offered and parallel is not None and supported is not False:
        fields["parallel_tool_calls"] = parallel
    return fields


def _reasoning(
    options: CallOptions, receiver: Receiver, model: ModelInfo, *, lite: bool
) -> dict[str, Any] | None:
    """Return the chosen values, or the defaults where they are required, or None."""
    if model.supports_reasoning is False:
        return None
    effort, summary = options.effort, options.summary
    if receiver.defaults_required:
        effort = effort or model.default_effort
        summary = summary or model.default_summary  # type: ignore[assignment]
    reasoning: dict[str, Any] = {}
    if sent := wire_effort(effort, model, receiver):
        reasoning["effort"] = sent
    if summary and summary != "none" and model.supports_reasoning_summaries is not False:
        reasoning["summary"] = summary
    if lite:
        reasoning["context"] = "all_turns"
    return reasoning or None


def included(options: CallOptions, provider: Provider, tools: Sequence[ToolSpec] = ()) -> list[str]:
    """Return the user's ``include``, else encrypted reasoning and the results of ``tools``.

    Each name is sent only to servers that are known to have it, since strict ones refuse unknown
    names.
    """
    if options.include is not None:
        return list(options.include)
    model = options.resolved_model()
    receiver = receiver_of(provider, model.slug, WireApi.RESPONSES)
    told = receiver.first_party and not receiver.defaults_required
    offered = {tool.type for tool in tools} if told else set()
    results = [include for tool, include in _RESULTS.items() if tool in offered]
    lite = provider.is_chatgpt and model.uses_responses_lite
    asked = bool(_reasoning(options, receiver, model, lite=lite))
    reasons = receiver.includes_encrypted and (asked or model.supports_reasoning)
    return [*([ENCRYPTED_REASONING] if reasons else []), *results]


def _text(
    prompt: Prompt, options: CallOptions, receiver: Receiver, model: ModelInfo
) -> dict[str, Any]:
    text: dict[str, Any] = {}
    if model.supports_verbosity:
        default = model.default_verbosity if receiver.defaults_required else None
        if verbosity := options.verbosity or default:
            text["verbosity"] = verbosity
    schema = options.output_schema or prompt.output_schema
    if schema is not None:
        text["format"] = {
            "type": "json_schema",
            "name": prompt.output_schema_name,
            "strict": prompt.output_schema_strict,
            "schema": schema,
        }
    return text


def _lite_preamble(instructions: str, tools: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return tools and instructions as the first items, for models that expect them there."""
    content = [{"type": "input_text", "text": instructions}]
    return [
        {"type": "additional_tools", "role": "developer", "tools": tools},
        {"type": "message", "role": "developer", "content": content},
    ]


# --- items -------------------------------------------------------------------------------------


def _wire_item(
    item: ResponseItem, provider: Provider, receiver: Receiver, *, lite: bool
) -> dict[str, Any]:
    wire = item.model_dump(exclude_none=True, exclude={"origin", "extra", "field"})
    if isinstance(item, MessageItem):
        wire["role"] = _role(item.role, provider)
        wire["content"] = [_wire_content(part, provider, lite=lite) for part in item.content]
        if not receiver.first_party:
            wire.pop("phase", None)
    elif isinstance(item, ReasoningItem):
        if item.content:
            wire["content"] = [{"type": "reasoning_text", "text": p.text} for p in item.content]
    elif isinstance(item, CompactionItem):
        wire["type"] = "compaction"
    elif isinstance(wire.get("output"), list):
        parts = getattr(item, "output", [])
        wire["output"] = [_wire_content(part, provider, lite=lite) for part in parts]
    return with_unknown(wire, item.extra)


# The status of an item is set by the server, which refuses it in some items.
_NOT_RETURNED = {"status", "id"}


def with_unknown(wire: dict[str, Any], extra: dict[str, Any] | None) -> dict[str, Any]:
    """Add the unknown fields that arrived with an item."""
    kept = {name: value for name, value in (extra or {}).items() if name not in _NOT_RETURNED}
    return {**kept, **wire}


def _role(role: str, provider: Provider) -> str:
    """Map roles: the ChatGPT backend has no ``system``, most others have no ``developer``."""
    if provider.is_chatgpt and role == "system":
        return "developer"
    if not provider.is_first_party and role == "developer":
        return "system"
    return role


def _wire_content(part: ContentItem, provider: Provider, *, lite: bool) -> dict[str, Any]:
    if isinstance(part, OutputText):
        return {"type": "output_text", "text": part.text}
    if isinstance(part, InputAudio) and not provider.is_chatgpt:
        return {"type": "input_audio", "input_audio": input_audio(part.audio_url)}
    wire: dict[str, Any] = part.model_dump(exclude_none=True)
    if isinstance(part, InputImage):
        if lite:
            wire.pop("detail", None)
        else:
            # The specification requires it, and some servers check it.
            wire.setdefault("detail", "auto")
    return wire


def input_audio(url: str) -> dict[str, str]:
    """Return a recording as both public APIs take it: its base64 data, and its format.

    Raises `SidestreamError` of kind ``unsupported`` for anything but a base64 data URL.
    """
    head, comma, data = url.partition(",")
    kind, _, encoding = head.removeprefix("data:").partition(";")
    if not (head.startswith("data:audio/") and comma and encoding.endswith("base64")):
        raise SidestreamError(
            ErrorKind.UNSUPPORTED,
            text("error_audio_url"),
            hint=text("hint_audio_url"),
        )
    subtype = kind.removeprefix("audio/")
    formats = {"mpeg": "mp3", "x-wav": "wav", "wave": "wav", "vnd.wave": "wav"}
    return {"data": data, "format": formats.get(subtype, subtype)}
