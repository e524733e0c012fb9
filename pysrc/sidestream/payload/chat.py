"""The request of Chat Completions (``POST /chat/completions``)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sidestream.errors import ErrorKind, SidestreamError
from sidestream.models import ModelInfo
from sidestream.payload.history import Accepts, valid_history
from sidestream.payload.responses import (
    input_audio,
    takes_sampling,
    wire_effort,
    wire_service_tier,
)
from sidestream.payload.tools import chat_tool_choice, chat_tools, flat_name
from sidestream.prompt import CallOptions, Prompt
from sidestream.provider import Provider
from sidestream.types.items import (
    ContentItem,
    FunctionCallItem,
    FunctionCallOutputItem,
    InputAudio,
    InputImage,
    InputText,
    MessageItem,
    OutputText,
    ReasoningItem,
    Refusal,
    ResponseItem,
)

IMAGES_FOLLOW = "[The images that the tool gave back:]"

# Servers that refuse a message with a field that they do not know.
_NO_REASONING_HOSTS = ("api.groq.com", "api.mistral.ai", "api.cerebras.ai")


def build_chat_request(prompt: Prompt, options: CallOptions, provider: Provider) -> dict[str, Any]:
    """The whole request as JSON data. ``options`` are merged already and name the model.

    Raises `SidestreamError` of kind ``unsupported`` for what Chat Completions, or this provider's,
    cannot do.
    """
    model = options.resolved_model()
    openai = provider.is_openai or provider.is_azure
    tools = chat_tools(prompt.tools)
    request: dict[str, Any] = {
        "model": model.slug,
        "messages": _messages(prompt, provider, model),
        "stream": True,
    }
    if provider.supports_stream_options:
        request["stream_options"] = {"include_usage": True}
    if tools:
        request["tools"] = tools
        if options.tool_choice is not None:
            request["tool_choice"] = chat_tool_choice(options.tool_choice)
        # Some models refuse the field itself, so it is sent for those who ask.
        parallel = options.parallel_tool_calls
        if parallel is not None and model.supports_parallel_tool_calls is not False:
            request["parallel_tool_calls"] = parallel
    schema = options.output_schema or prompt.output_schema
    if schema is not None:
        request["response_format"] = _response_format(prompt, schema, provider)
    if options.effort and model.supports_reasoning is not False:
        request["reasoning_effort"] = wire_effort(options.effort)
    if options.verbosity and model.supports_verbosity:
        request["verbosity"] = options.verbosity
    if options.max_output_tokens is not None:
        # OpenAI's reasoning models refuse the older name; most other servers know no other.
        field = "max_completion_tokens" if openai else "max_tokens"
        request[field] = options.max_output_tokens
    if takes_sampling(model, options.effort):
        if options.temperature is not None:
            request["temperature"] = options.temperature
        if options.top_p is not None:
            request["top_p"] = options.top_p
    if options.store is not None and openai:
        request["store"] = options.store
    if options.metadata:
        request["metadata"] = dict(options.metadata)
    tier = wire_service_tier(options.service_tier)
    if tier and openai:
        request["service_tier"] = tier
    cache_key = options.prompt_cache_key or (provider.is_openai and options.conversation_id)
    if cache_key:
        request["prompt_cache_key"] = cache_key
    return {**request, **(options.extra_body or {}), "stream": True}


def _response_format(prompt: Prompt, schema: dict[str, Any], provider: Provider) -> dict[str, Any]:
    if not provider.supports_json_schema:
        raise SidestreamError(
            ErrorKind.UNSUPPORTED,
            f"{provider.name} takes no output schema in Chat Completions.",
            hint="Use the Responses API or another provider, or ask without a schema.",
        )
    return {
        "type": "json_schema",
        "json_schema": {
            "name": prompt.output_schema_name,
            "strict": prompt.output_schema_strict,
            "schema": schema,
        },
    }


# --- messages ----------------------------------------------------------------------------------


def _messages(prompt: Prompt, provider: Provider, model: ModelInfo) -> list[dict[str, Any]]:
    """The conversation as messages: what the model did in one go is one assistant message."""
    accepts = Accepts(
        images=model.supports_images is not False,
        audio=model.supports_audio is not False,
        encrypted_reasoning=False,
        custom_calls=False,
        provider_items=False,
    )
    items = valid_history(prompt.input, accepts)
    leading = 0
    while leading < len(items) and _role(items[leading]) == "system":
        leading += 1
    # One system message at the start is all that many chat templates allow.
    system = [prompt.instructions or "", *(_text_of(item) for item in items[:leading])]
    messages: list[dict[str, Any]] = []
    if any(system):
        messages.append({"role": "system", "content": "\n\n".join(filter(None, system))})
    users = [place for place, item in enumerate(items) if _role(item) == "user"]
    last_user = users[-1] if users else -1
    field = _reasoning_field(provider)

    run: list[ResponseItem] = []
    images: list[dict[str, Any]] = []
    for place, item in enumerate(items[leading:], leading):
        if not isinstance(item, FunctionCallOutputItem) and images:
            messages.append(_images_message(images))
            images = []
        if _role(item) == "assistant":
            run.append(item)
            continue
        messages += _assistant(run, field if place > last_user else None)
        run = []
        if isinstance(item, MessageItem):
            messages.append({"role": _role(item), "content": _content(item.content)})
        elif isinstance(item, FunctionCallOutputItem):
            text, shown = _tool_output(item)
            messages.append({"role": "tool", "tool_call_id": item.call_id, "content": text})
            images += shown
    messages += _assistant(run, field)
    if images:
        messages.append(_images_message(images))
    return messages


def _role(item: ResponseItem) -> str:
    if isinstance(item, MessageItem):
        # Servers other than OpenAI's know no ``developer``, and OpenAI reads ``system`` as that.
        return "system" if item.role == "developer" else item.role
    return "tool" if isinstance(item, FunctionCallOutputItem) else "assistant"


def _text_of(item: ResponseItem) -> str:
    return item.text if isinstance(item, MessageItem) else ""


def _reasoning_field(provider: Provider) -> str | None:
    """The field for reasoning that goes back; None where a message may hold no such field."""
    if provider.reasoning_field != "auto":
        return None if provider.reasoning_field == "none" else provider.reasoning_field
    if provider.is_openai or provider.is_azure or provider.host in _NO_REASONING_HOSTS:
        return None
    return "reasoning_content" if provider.host == "api.deepseek.com" else "reasoning"


def _assistant(run: Sequence[ResponseItem], field: str | None) -> list[dict[str, Any]]:
    """What the model did in one go, as one message: its text, its calls, and why."""
    texts: list[str] = []
    calls: list[dict[str, Any]] = []
    thoughts: list[str] = []
    for item in run:
        if isinstance(item, MessageItem):
            text = _assistant_text(item)
            if text not in texts[-1:]:
                texts.append(text)
        elif isinstance(item, ReasoningItem):
            thoughts.append("".join(part.text for part in item.content or []))
        elif isinstance(item, FunctionCallItem):
            calls.append(_tool_call(item))
    if not texts and not calls:
        return []
    message: dict[str, Any] = {"role": "assistant", "content": "\n\n".join(texts) or None}
    if calls:
        message["tool_calls"] = calls
    reasoning = "\n".join(thought for thought in thoughts if thought.strip())
    if field and reasoning:
        message[field] = reasoning
    return [message]


def _assistant_text(item: MessageItem) -> str:
    return "".join(
        part.refusal if isinstance(part, Refusal) else part.text
        for part in item.content
        if isinstance(part, (OutputText, Refusal))
    )


def _tool_call(item: FunctionCallItem) -> dict[str, Any]:
    function = {"name": flat_name(item.namespace, item.name), "arguments": item.arguments}
    return {"id": item.call_id, "type": "function", "function": function}


def _content(parts: Sequence[ContentItem]) -> str | list[dict[str, Any]]:
    """Plain text where there is nothing else, since not every server takes parts."""
    if all(isinstance(part, InputText) for part in parts):
        return "".join(part.text for part in parts if isinstance(part, InputText))
    return [_part(part) for part in parts]


def _part(part: ContentItem) -> dict[str, Any]:
    if isinstance(part, InputImage):
        image = {"url": part.image_url}
        if part.detail:
            # "original" is the Responses API's alone.
            image["detail"] = "high" if part.detail == "original" else part.detail
        return {"type": "image_url", "image_url": image}
    if isinstance(part, InputAudio):
        return {"type": "input_audio", "input_audio": input_audio(part.audio_url)}
    return {"type": "text", "text": getattr(part, "text", "")}


def _tool_output(item: FunctionCallOutputItem) -> tuple[str, list[dict[str, Any]]]:
    """A tool message's text, and the images, which only a user's message may hold."""
    if isinstance(item.output, str):
        return item.output, []
    text = "".join(part.text for part in item.output if isinstance(part, InputText))
    shown = [_part(part) for part in item.output if not isinstance(part, InputText)]
    return text, shown


def _images_message(images: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {"role": "user", "content": [{"type": "text", "text": IMAGES_FOLLOW}, *images]}
