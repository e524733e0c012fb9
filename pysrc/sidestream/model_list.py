"""`parse_model_list`: reads a provider's list of models, in any shape that servers use."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from sidestream._json import parse
from sidestream.errors import ErrorKind, SidestreamError
from sidestream.models import ModelInfo, model_info
from sidestream.texts import text

# Models that are not for chat, by the names that OpenAI gives them.
_NOT_FOR_CHAT = re.compile(
    r"embed|whisper|moderation|transcribe|dall-e|gpt-image|chatgpt-image|\btts\b|\bsora\b|realtime"
    r"|^babbage|^davinci|bge-|rerank"
)
_NOT_FOR_CHAT_TYPES = {
    *("audio", "embedding", "embeddings", "image", "moderation"),
    *("rerank", "reranker", "transcribe", "tts", "video"),
}


MAX_MODELS = 5_000
"""The number of models that are read of a list."""
_LONGEST_NAME = 300


def parse_model_list(body: bytes) -> list[ModelInfo]:
    """The models of a ``/models`` response, in its order.

    What the response says of a model wins over the known figures.

    Understands the shapes of OpenAI, OpenRouter, Ollama, LM Studio, llama.cpp, vLLM, Groq, Mistral,
    Together and the ChatGPT backend, plain lists of names, and the ``null`` of a server that has
    none. Models that are not made for chat are left out, unless there are no others.

    Raises `SidestreamError` of kind ``bad_response`` when the response is not a list of models.
    """
    try:
        data = parse(body)
    except ValueError:
        data = None
    entries = _entries(data)
    if entries is None:
        raise SidestreamError(
            ErrorKind.BAD_RESPONSE,
            text("error_no_model_list"),
            hint=text("hint_no_model_list"),
        )
    found: dict[str, tuple[ModelInfo, bool]] = {}
    for entry in entries[:MAX_MODELS]:
        entry = {"id": entry} if isinstance(entry, str) else entry
        for slug in _first_text(entry, "id", "slug", "name", "model"):
            if slug not in found and len(slug) <= _LONGEST_NAME:
                found[slug] = (model_info(slug, _listed(entry)), _is_for_chat(slug, entry))
    chat = [info for info, for_chat in found.values() if for_chat]
    return chat or [info for info, _ in found.values()]


def _entries(data: Any) -> list[Any] | None:
    """The entries of a list, or ``None`` when it is not one. ``null`` means that it is empty."""
    if not isinstance(data, dict):
        return data if isinstance(data, list) else None
    places = [data[name] for name in ("data", "models") if name in data]
    lists = [place for place in places if isinstance(place, list)]
    if lists:
        return lists[0]
    nothing = bool(places) and all(place is None for place in places)
    return [] if nothing and not data.get("error") else None


def _is_for_chat(slug: str, entry: dict[str, Any]) -> bool:
    if entry.get("visibility") == "hide":
        return False
    if isinstance(entry.get("type"), str) and entry["type"].lower() in _NOT_FOR_CHAT_TYPES:
        return False
    outputs = _texts(_dict(entry, "architecture").get("output_modalities"))
    if outputs and "text" not in outputs:
        return False
    return not _NOT_FOR_CHAT.search(slug.lower())


def _listed(entry: dict[str, Any]) -> dict[str, Any]:
    """What one entry of a list says, by the names of `ModelInfo`. ``None``: it does not say."""
    meta, top = _dict(entry, "meta"), _dict(entry, "top_provider")
    limits = _dict(_dict(entry, "capabilities"), "limits") or _dict(entry, "limits")
    window = _first_size(
        (entry, "loaded_context_length", "context_window", "max_model_len"),
        (meta, "n_ctx"),
        (top, "context_length"),
        (entry, "context_length", "max_context_length", "max_context"),
        (meta, "n_ctx_train"),
        (limits, "max_context_window_tokens", "max_prompt_tokens", "max_input_tokens"),
        (entry, "max_input_tokens"),
    )
    largest = _first_size(
        (entry, "max_context_window", "max_context_length"), (meta, "n_ctx_train")
    )
    listed: dict[str, Any] = {
        "display_name": next(_first_text(entry, "display_name", "name"), None),
        "context_window": window,
        # With only one figure, it is unknown whether the window may be larger.
        "max_context_window": largest if largest and window and largest > window else None,
        "max_output_tokens": _first_size(
            (top, "max_completion_tokens"),
            (entry, "max_output_tokens", "max_completion_tokens", "max_tokens"),
        ),
        "auto_compact_token_limit": _first_size((entry, "auto_compact_token_limit")),
        "default_effort": next(_first_text(entry, "default_reasoning_level"), None),
        "default_summary": next(_first_text(entry, "default_reasoning_summary"), None),
        "default_verbosity": next(_first_text(entry, "default_verbosity"), None),
        "supports_verbosity": _flag(entry, "support_verbosity"),
        "supports_reasoning_summaries": _flag(entry, "supports_reasoning_summaries"),
        "supports_parallel_tool_calls": _flag(entry, "supports_parallel_tool_calls"),
        "uses_responses_lite": _flag(entry, "use_responses_lite"),
        "effective_context_window_percent": _first_size(
            (entry, "effective_context_window_percent")
        ),
    }
    levels = entry.get("supported_reasoning_levels")
    if isinstance(levels, list):
        efforts = [e for level in levels for e in _first_text(level, "effort")]
        listed["efforts"] = efforts or None
        listed["supports_reasoning"] = bool(efforts)
    inputs = _texts(_dict(entry, "architecture").get("input_modalities"))
    inputs = inputs or _texts(entry.get("input_modalities"))
    if inputs:
        listed["supports_images"] = "image" in inputs
        listed["supports_audio"] = "audio" in inputs
    elif entry.get("type") in ("vlm", "llm"):
        listed["supports_images"] = entry["type"] == "vlm"
    capabilities = entry.get("capabilities")
    if isinstance(capabilities, dict):
        listed["supports_images"] = _flag(capabilities, "vision")
        listed["supports_tools"] = _flag(capabilities, "function_calling")
    parameters = _texts(entry.get("supported_parameters"))
    if parameters:
        listed["supports_tools"] = "tools" in parameters
        listed["supports_reasoning"] = bool(parameters & {"reasoning", "reasoning_effort"})
        listed["supports_verbosity"] = "verbosity" in parameters
        if "temperature" not in parameters:
            listed["sampling"] = "never"
    return listed


def _dict(entry: dict[str, Any], name: str) -> dict[str, Any]:
    value = entry.get(name)
    return value if isinstance(value, dict) else {}


def _first_text(entry: Any, *names: str) -> Iterator[str]:
    """The first of the fields that holds text, if any does."""
    if isinstance(entry, dict):
        for name in names:
            value = entry.get(name)
            if isinstance(value, str) and value.strip():
                yield value.strip()
                return


def _first_size(*places: tuple[Any, ...]) -> int | None:
    for entry, *names in places:
        for name in names:
            value = entry.get(name)
            if isinstance(value, str) and value.isascii() and value.isdigit():
                value = int(value[:18])
            if (
                isinstance(value, (int, float))
                and not isinstance(value, bool)
                and 1 <= value < 1e12
            ):
                return int(value)
    return None


def _flag(entry: dict[str, Any], name: str) -> bool | None:
    value = entry.get(name)
    return value if isinstance(value, bool) else None


def _texts(value: Any) -> set[str]:
    if not isinstance(value, list):
        return set()
    return {item.lower() for item in value if isinstance(item, str)}
