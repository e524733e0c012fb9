"""What is known of models: context windows, limits, and the options that they accept.

The figures of OpenAI's models are those of Codex (``models.json`` and the older
``openai_model_info``). Other models are known from the provider's list of models only, which
`sidestream.model_list` reads.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from sidestream.errors import ErrorKind, SidestreamError
from sidestream.texts import text
from sidestream.types._base import WireModel

Sampling = Literal["always", "without_reasoning", "never"]

AUTO_COMPACT_SHARE = (9, 10)
"""A conversation is compacted when it fills this share of the window, if nothing else is set."""


class ModelInfo(WireModel):
    """What one model can do (Codex ``ModelInfo``). ``None`` means unknown; sizes are in tokens."""

    slug: str
    display_name: str | None = None
    context_window: int | None = None
    max_context_window: int | None = None
    """The largest value of ``context_window``."""
    effective_context_window_percent: int = 95
    """The share of the window that a conversation may fill; the rest is room for the answer."""
    max_output_tokens: int | None = None
    auto_compact_token_limit: int | None = None
    supports_reasoning: bool | None = None
    efforts: list[str] = []
    default_effort: str | None = None
    supports_reasoning_summaries: bool | None = None
    default_summary: str | None = None
    supports_verbosity: bool | None = None
    default_verbosity: str | None = None
    sampling: Sampling | None = None
    """When the model takes ``temperature`` and ``top_p``; ``without_reasoning``: effort none."""
    supports_parallel_tool_calls: bool | None = None
    supports_images: bool | None = None
    supports_audio: bool | None = None
    supports_tools: bool | None = None
    uses_responses_lite: bool = False
    """Whether the ChatGPT backend takes this model's tools and instructions inside the input."""

    @property
    def effective_context_window(self) -> int | None:
        """The tokens that a conversation may fill."""
        window = self.context_window or self.max_context_window
        return window and window * self.effective_context_window_percent // 100


_GPT_5 = {
    "context_window": 272_000,
    "max_output_tokens": 128_000,
    "supports_reasoning": True,
    "default_effort": "medium",
    "supports_reasoning_summaries": True,
    "supports_verbosity": True,
    "default_verbosity": "medium",
    "sampling": "never",
    "supports_parallel_tool_calls": True,
    "supports_images": True,
    "supports_audio": False,
    "supports_tools": True,
}
_LOW_TO_XHIGH = ["low", "medium", "high", "xhigh"]
_GPT_5_1 = {
    **_GPT_5,
    "efforts": ["none", "low", "medium", "high"],
    "default_verbosity": "low",
    "sampling": "without_reasoning",
}
_GPT_5_2 = {**_GPT_5_1, "efforts": ["none", *_LOW_TO_XHIGH]}
_GPT_5_6 = {
    **_GPT_5_2,
    "max_context_window": 272_000,
    "efforts": [*_LOW_TO_XHIGH, "max", "ultra"],
    "uses_responses_lite": True,
}
# Variants tuned for Codex take no verbosity and no sampling parameters.
_CODEX = {
    **_GPT_5,
    "efforts": ["low", "medium", "high"],
    "supports_verbosity": False,
    "default_verbosity": None,
}
_CHAT = {
    **_CODEX,
    "context_window": 128_000,
    "max_output_tokens": 16_384,
    "efforts": ["medium"],
}
_O_SERIES = {
    "context_window": 200_000,
    "max_output_tokens": 100_000,
    "supports_reasoning": True,
    "efforts": ["low", "medium", "high"],
    "default_effort": "medium",
    "supports_reasoning_summaries": True,
    "supports_verbosity": False,
    "sampling": "never",
    "supports_parallel_tool_calls": False,
    "supports_images": True,
    "supports_audio": False,
    "supports_tools": True,
}
_GPT_4 = {
    "supports_reasoning": False,
    "supports_reasoning_summaries": False,
    "supports_verbosity": False,
    "sampling": "always",
    "supports_parallel_tool_calls": True,
    "supports_images": True,
    "supports_audio": False,
    "supports_tools": True,
}

_FAMILIES: dict[str, dict[str, Any]] = {
    "gpt-5.6": _GPT_5_6,
    "gpt-5.6-sol": {**_GPT_5_6, "default_effort": "low"},
    "gpt-5.6-luna": {**_GPT_5_6, "efforts": [*_LOW_TO_XHIGH, "max"]},
    "gpt-5.5": {**_GPT_5_2, "max_context_window": 272_000},
    "gpt-5.4": {**_GPT_5_2, "max_context_window": 1_000_000},
    "gpt-5.4-mini": {**_GPT_5_2, "max_context_window": 272_000, "default_verbosity": "medium"},
    "gpt-5.3-codex": {**_CODEX, "efforts": _LOW_TO_XHIGH},
    "gpt-5.3-chat": _CHAT,
    "gpt-5.2": {**_GPT_5_2, "max_context_window": 272_000, "default_summary": "auto"},
    "gpt-5.2-codex": {**_CODEX, "efforts": _LOW_TO_XHIGH},
    "gpt-5.2-chat": _CHAT,
    "gpt-5.2-pro": {**_GPT_5, "efforts": ["medium", "high", "xhigh"]},
    "gpt-5.1": _GPT_5_1,
    "gpt-5.1-codex": _CODEX,
    "gpt-5.1-codex-max": {**_CODEX, "efforts": _LOW_TO_XHIGH},
    "gpt-5.1-chat": _CHAT,
    "gpt-5": {**_GPT_5, "efforts": ["minimal", "low", "medium", "high"]},
    "gpt-5-codex": _CODEX,
    "gpt-5-pro": {**_GPT_5, "efforts": ["high"], "default_effort": "high"},
    "gpt-5-chat": {
        **_GPT_4,
        "context_window": 128_000,
        "max_output_tokens": 16_384,
    },
    "codex": _CODEX,
    "codex-auto-review": {
        **_GPT_5_2,
        "max_context_window": 1_000_000,
        "efforts": _LOW_TO_XHIGH,
        "sampling": "never",
    },
    "codex-mini-latest": {**_O_SERIES},
    "o1": _O_SERIES,
    "o3": _O_SERIES,
    "o3-mini": {**_O_SERIES, "supports_images": False},
    "o4-mini": _O_SERIES,
    "gpt-4.1": {**_GPT_4, "context_window": 1_047_576, "max_output_tokens": 32_768},
    "gpt-4o": {**_GPT_4, "context_window": 128_000, "max_output_tokens": 16_384},
    "gpt-4o-2024-05-13": {**_GPT_4, "context_window": 128_000, "max_output_tokens": 4_096},
    "gpt-4-turbo": {**_GPT_4, "context_window": 128_000, "max_output_tokens": 4_096},
    "gpt-4": {
        **_GPT_4,
        "context_window": 8_192,
        "max_output_tokens": 8_192,
        "supports_images": False,
    },
    "gpt-3.5-turbo": {
        **_GPT_4,
        "context_window": 16_385,
        "max_output_tokens": 4_096,
        "supports_images": False,
    },
    "gpt-oss": {
        "context_window": 96_000,
        "max_output_tokens": 32_000,
        "supports_reasoning": True,
        "efforts": ["low", "medium", "high"],
        "sampling": "always",
        "supports_verbosity": False,
        "supports_images": False,
        "supports_audio": False,
        "supports_tools": True,
    },
}
_NEWER_GPT = re.compile(r"gpt-([5-9]|\d\d)(?![0-9a-z])")


def _family(slug: str) -> dict[str, Any]:
    """The figures of the longest family name that the slug begins with, at a word's border."""
    # "openai/gpt-5:free" (OpenRouter), "ft:gpt-4o:org::id" (fine-tuned), "gpt-oss:20b" (Ollama).
    name = slug.strip().lower().rpartition("/")[2].removeprefix("ft:").replace(":", "-")
    end = len(name)
    while end > 0:
        family = _FAMILIES.get(name[:end])
        if family is not None and not name[end : end + 1].isalnum():
            return family
        end -= 1
    # Codex's fallback for a slug that it does not know.
    return {"context_window": 272_000} if _NEWER_GPT.match(name) else {}


def model_info(slug: str, overrides: ModelInfo | Mapping[str, Any] | None = None) -> ModelInfo:
    """What is known of a model: its family's figures, and ``overrides`` over them.

    ``overrides`` is what a configuration or a provider's listing says; what it leaves open stays
    as the family has it. A window beyond ``max_context_window`` is cut to that.

    Raises `SidestreamError` of kind ``configuration`` when an override has the wrong type.
    """
    fields = {**_family(slug), "slug": slug}
    if isinstance(overrides, ModelInfo):
        overrides = overrides.model_dump(exclude_unset=True)
    for name, value in (overrides or {}).items():
        if value is not None and name != "slug":
            fields[name] = value
    try:
        info = ModelInfo.model_validate(fields)
    except ValueError:
        message = text("error_model_settings", model=repr(slug))
        raise SidestreamError(ErrorKind.CONFIGURATION, message) from None
    if info.max_context_window and (info.context_window or 0) > info.max_context_window:
        info = info.model_copy(update={"context_window": info.max_context_window})
    return info


EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max", "ultra")
"""The known reasoning efforts, from none to all."""


def clamp_effort(model: str | ModelInfo, effort: str) -> str:
    """The effort, or the nearest one that the model takes, as the Codex clients choose it.

    A word that is not in `EFFORTS`, and any word for a model whose efforts are not known, is left
    alone. Reasoning is not turned off for somebody who asked for a little.
    """
    return nearest_effort(effort, _info(model).efforts)


def nearest_effort(effort: str, taken: Sequence[str]) -> str:
    """Return the effort if it is accepted, else the nearest accepted one, the lower first."""
    if not taken or effort in taken or effort not in EFFORTS:
        return effort
    known = [word for word in EFFORTS if word in taken and word != "none"]
    wanted = EFFORTS.index(effort)
    return min(known, key=lambda word: abs(EFFORTS.index(word) - wanted), default=effort)


def _info(model: str | ModelInfo) -> ModelInfo:
    return model if isinstance(model, ModelInfo) else model_info(model)


def get_model_context_window(model: str | ModelInfo, configured: int | None = None) -> int | None:
    """The context window in tokens: as configured, else as known; ``None`` when unknown."""
    info = _info(model)
    if configured is not None:
        return min(configured, info.max_context_window or configured)
    return info.context_window or info.max_context_window


def get_auto_compact_token_limit(
    model: str | ModelInfo, configured: int | None = None, *, context_window: int | None = None
) -> int | None:
    """The tokens from which on a conversation is compacted; never more than 9/10 of the window.

    ``context_window`` is a configured window. Without any window it is what is configured.
    """
    info = _info(model)
    limit = info.auto_compact_token_limit if configured is None else configured
    window = get_model_context_window(info, context_window)
    if window is None:
        return limit
    share = window * AUTO_COMPACT_SHARE[0] // AUTO_COMPACT_SHARE[1]
    return share if limit is None else min(limit, share)
