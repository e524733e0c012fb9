"""Families of models, recognised by the model's name without its maker, in lower case."""

from __future__ import annotations

import re

_OPENAI_REASONING = re.compile(r"(?:gpt-(?:[5-9]|\d\d)(?![0-9a-z])|o[1-9](?![0-9a-z])|codex)")
_OTHERS = re.compile(
    r"mistral|mixtral|devstral|llama|deepseek|kimi|qwen|grok|claude|gemini|gemma|phi-|command-|glm"
)


def bare_name(slug: str) -> str:
    """The model's name without its maker, in lower case."""
    return slug.strip().lower().rpartition("/")[2]


def reasons_at_openai(slug: str) -> bool:
    """Whether it is one of OpenAI's reasoning models, by its name, at any server."""
    # "azure/gpt-5", "openai.gpt-5", "ft:o4-mini:org::id".
    return bool(_OPENAI_REASONING.match(re.sub(r"^(?:ft:|openai[.:_-])", "", bare_name(slug))))


def is_made_by_others(slug: str) -> bool:
    """Whether the name is that of a model which OpenAI did not make."""
    return bool(_OTHERS.search(bare_name(slug)))
