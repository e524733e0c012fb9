"""The request of Chat Completions (``POST /chat/completions``)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sidestream.errors import ErrorKind, SidestreamError
from sidestream.models import ModelInfo
from sidestream.payload.history import valid_history
from sidestream.payload.responses import (
    add_tier_and_cache_key,
    input_audio,
    takes_sampling,
    wire_effort,
    with_unknown,
)
from sidestream.payload.tools import chat_tool_choice, chat_tools, stubs
from sidestream.prompt import CallOptions, Prompt
from sidestream.provider import Provider
from sidestream.receivers import NO_REASONING, SKIP_SIGNATURE, Receiver, receiver_of
from sidestream.texts import text
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
from sidestream.types.wire_api import WireApi


def build_chat_request(prompt: Prompt, options: CallOptions, provider: Provider) -> dict[str, Any]:
    """Return the whole request as JSON data. ``options`` are merged already and name the model.

    Raises `SidestreamError` of kind ``unsupported`` for what Chat Completions, or this provider,
    cannot do.
    """
    model = options.resolved_model()
    receiver = _receiver(provider, model)
    items = valid_history(prompt.input, receiver, origin=provider.origin, model=model.slug)
    tools = chat_tools(prompt.tools, receiver=receiver)
    request: dict[str, Any] = {
        "model": receiver.wire_model(model.slug),
        "messages": _messages(items, prompt, receiver),
        "stream": True,
    }
    if provider.supports_stream_options and receiver.stream_options:
        request["stream_options"] = {"include_usage": True}
    if tools:
        request["tools"] = tools
        if options.tool_choice is not None:
            request["tool_choice"] = chat_tool_choice(options.tool_choice, receiver)
        # Some models refuse the field itself, so it is sent only if it was set.
        parallel = options.parallel_tool_calls
        if parallel is not None and model.supports_parallel_tool_calls is not False:
            request["parallel_tool_calls"] = parallel
    elif receiver.tools_for_history and (called := stubs(items)):
        request["tools"] = chat_tools(called, receiver=receiver)
        if receiver.tool_choice_none:
            request["tool_choice"] = "none"
    schema = options.output_schema or prompt.output_schema
    if schema is not None:
        request["response_format"] = _response_format(prompt, schema, provider)
    if model.supports_reasoning is not False and (
        effort := wire_effort(options.effort, model, receiver)
    ):
        request["reasoning_effort"] = effort
    if options.verbosity and model.supports_verbosity:
        request["verbosity"] = options.verbosity
    if options.max_output_tokens is not None:
        request[receiver.limit_field(model.slug)] = options.max_output_tokens
    if takes_sampling(model, options.effort):
        if options.temperature is not None:
            request["temperature"] = options.temperature
        if options.top_p is not None:
            request["top_p"] = options.top_p
    if options.store is not None and receiver.store:
        request["store"] = options.store
    if options.metadata and receiver.metadata:
        request["metadata"] = dict(options.metadata)
    add_tier_and_cache_key(request, options, receiver)
    return {**request, **(options.extra_body or {}), "stream": True}


def _receiver(provider: Provider, model: ModelInfo) -> Receiver:
    """Return the receiver's rules, adapted to the provider's settings and the model."""
    receiver = receiver_of(provider, model.slug, WireApi.CHAT)
    field = provider.reasoning_field
    if field == "none" or model.supports_reasoning is False:
        receiver = replace(receiver, reasoning_back="never", raw_reasoning=False)
        receiver = replace(receiver, needs_reasoning=False)
    elif field != "auto":
        back = "tools" if receiver.reasoning_back == "never" else receiver.reasoning_back
        receiver = replace(receiver, reasoning_back=back, raw_reasoning=True, reasoning_field=field)
    return replace(
        receiver,
        images=model.supports_images is not False,
        audio=model.supports_audio is not False,
    )


def _response_format(prompt: Prompt, schema: dict[str, Any], provider: Provider) -> dict[str, Any]:
    if not provider.supports_json_schema:
        raise SidestreamError(
            ErrorKind.UNSUPPORTED,
            text("error_no_schema", provider=provider.name),
            hint=text("hint_no_schema"),
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


def _messages(
    items: Sequence[ResponseItem], prompt: Prompt, receiver: Receiver
) -> list[dict[str, Any]]:
    """Return the conversation as messages. Consecutive output of the model is one message."""
    leading = 0
    while leading < len(items) and _role(items[leading]) == "system":
        leading += 1
    # Many chat templates allow only one system message, at the start.
    system = [prompt.instructions or "", *(_text_of(item) for item in items[:leading])]
    messages: list[dict[str, Any]] = []
    if any(system):
        messages.append({"role": "system", "content": "\n\n".join(filter(None, system))})
    names: dict[str, str] = {}
    run: list[ResponseItem] = []
    for item in items[leading:]:
        if _role(item) == "assistant":
            run.append(item)
            if isinstance(item, FunctionCallItem):
                names[item.call_id] = item.name
            continue
        messages += _assistant(run, receiver)
        run = []
        if isinstance(item, MessageItem):
            messages.append({"role": _role(item), "content": _content(item.content)})
        elif isinstance(item, FunctionCallOutputItem):
            message = {"role": "tool", "tool_call_id": item.call_id, "content": item.output}
            if receiver.tool_name:
                message["name"] = names.get(item.call_id, "")
            messages.append(message)
    return messages + _assistant(run, receiver)


def _role(item: ResponseItem) -> str:
    if isinstance(item, MessageItem):
        # Only OpenAI knows ``developer``, and it reads ``system`` as the same.
        return "system" if item.role == "developer" else item.role
    return "tool" if isinstance(item, FunctionCallOutputItem) else "assistant"


def _text_of(item: ResponseItem) -> str:
    return item.text if isinstance(item, MessageItem) else ""


def _assistant(run: Sequence[ResponseItem], receiver: Receiver) -> list[dict[str, Any]]:
    """Make one message of consecutive output: text, calls and reasoning."""
    texts: list[str] = []
    calls: list[dict[str, Any]] = []
    thoughts: dict[str, list[str]] = {}
    unknown: dict[str, Any] = {}
    for item in run:
        if isinstance(item, MessageItem):
            text = _assistant_text(item)
            if text not in texts[-1:]:
                texts.append(text)
            _add(unknown, item.extra)
        elif isinstance(item, ReasoningItem):
            text = "".join(part.text for part in item.content or [])
            thoughts.setdefault(_reasoning_field(item, receiver), []).append(text)
            _add(unknown, item.extra)
        elif isinstance(item, FunctionCallItem):
            calls.append(with_unknown(_tool_call(item), item.extra))
    if not texts and not calls:
        return []
    empty = None if receiver.empty_content == "null" else ""
    message: dict[str, Any] = {"role": "assistant", "content": "\n\n".join(texts) or empty}
    if calls:
        message["tool_calls"] = calls
        # Only the first of parallel calls is signed.
        if receiver.thought_signatures and "extra_content" not in calls[0]:
            for call in calls:
                call.setdefault("extra_content", {"google": {"thought_signature": SKIP_SIGNATURE}})
    # OpenRouter's details include the text.
    if "reasoning_details" not in unknown:
        for field, said in thoughts.items():
            if text := "\n".join(thought for thought in said if thought.strip()):
                message[field] = text
    message = with_unknown(message, unknown)
    field = receiver.reasoning_field or receiver.reasoning_default
    if receiver.needs_reasoning and not any(
        map(message.get, (field, *thoughts, "reasoning_details"))
    ):
        if calls:
            message[field] = NO_REASONING
        elif receiver.key == "deepseek":
            # An answer without reasoning gets an empty one (claude-code-best/claude-code#403).
            message[field] = ""
    return [message]


_FIELD = re.compile(r"[a-z][a-z0-9_]{0,39}")
_KNOWN_FIELDS = {"role", "content", "tool_calls", "name", "refusal", "audio", "function_call"}


def _reasoning_field(item: ReasoningItem, receiver: Receiver) -> str:
    """The field for reasoning: the one that the server documents, else the one it came in."""
    field = item.field or ""
    if receiver.reasoning_field or not _FIELD.fullmatch(field) or field in _KNOWN_FIELDS:
        return receiver.reasoning_field or receiver.reasoning_default
    return field


def _add(unknown: dict[str, Any], extra: dict[str, Any] | None) -> None:
    """Add the unknown fields of another item of the same message. Lists are joined."""
    for name, value in (extra or {}).items():
        before = unknown.get(name)
        both = isinstance(before, list) and isinstance(value, list)
        unknown[name] = [*before, *value] if both and before is not None else value


def _assistant_text(item: MessageItem) -> str:
    return "".join(
        part.refusal if isinstance(part, Refusal) else part.text
        for part in item.content
        if isinstance(part, (OutputText, Refusal))
    )


def _tool_call(item: FunctionCallItem) -> dict[str, Any]:
    function = {"name": item.name, "arguments": item.arguments}
    return {"id": item.call_id, "type": "function", "function": function}


def _content(parts: Sequence[ContentItem]) -> str | list[dict[str, Any]]:
    """Return plain text if there is nothing else, since not every server takes parts."""
    if all(isinstance(part, InputText) for part in parts):
        return "".join(part.text for part in parts if isinstance(part, InputText))
    # Some refuse blank parts: "The text field in the ContentBlock object is blank."
    return [_part(part) for part in parts if not isinstance(part, InputText) or part.text.strip()]


def _part(part: ContentItem) -> dict[str, Any]:
    if isinstance(part, InputImage):
        image = {"url": part.image_url}
        if part.detail:
            # Only the Responses API knows "original".
            image["detail"] = "high" if part.detail == "original" else part.detail
        return {"type": "image_url", "image_url": image}
    if isinstance(part, InputAudio):
        return {"type": "input_audio", "input_audio": input_audio(part.audio_url)}
    return {"type": "text", "text": getattr(part, "text", "")}
