"""One change to a refused request, and the sentence that tells the user of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

MAX_CHANGES = 6
"""The limit of changes in one call of the model; each of them follows a refusal."""

Action = Literal["drop", "rename", "set", "history"]
Scope = Literal["model", "conversation", "once"]

Request = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Change:
    """One change to a request.

    ``drop`` removes the field at ``path``, ``rename`` gives it the name ``value``, ``set`` gives it
    the value; ``history`` names one of `HISTORY_CHANGES`. In a path ``[]`` stands for every element
    of a list.
    """

    action: Action
    path: str
    value: str | int | None = None
    scope: Scope = "model"
    """For what the change is remembered: the model, one conversation with it, or not at all."""

    @property
    def notice(self) -> str:
        """The sentence that the user sees, once; empty if nothing was lost."""
        label = _LABELS.get(self.path, f"“{self.path.removeprefix('schema:').replace('[]', '')}”")
        if self.path == "long texts":
            return "Earlier texts that are too long for the provider were cut. It was asked again."
        if self.action == "history":
            return f"The provider did not accept {label}. It was asked again without."
        if self.action == "set":
            return f"The provider did not accept {label} as set. It was asked with {self.value}."
        if self.action == "rename":
            return ""
        return f"The provider does not accept {label} here. It was asked again without it."


_LABELS = {
    "stream_options": "the request for token usage (stream_options)",
    "reasoning_effort": "this reasoning effort",
    "reasoning.effort": "this reasoning effort",
    "reasoning.summary": "the request for reasoning summaries",
    "text.verbosity": "this verbosity",
    "verbosity": "this verbosity",
    "temperature": "a temperature",
    "top_p": "top_p",
    "max_tokens": "this limit of output tokens",
    "max_completion_tokens": "this limit of output tokens",
    "max_output_tokens": "this limit of output tokens",
    "images": "images in the conversation",
    "earlier images": "the size of the request. Earlier images were left out",
    "image": "an image in the conversation",
    "encrypted reasoning": "the reasoning of earlier answers",
    "reasoning": "the reasoning of earlier answers",
    "ids": "the ids of earlier messages",
    "signatures": "the signatures of earlier reasoning",
    "parallel calls": "several tool calls in one message",
    "empty content": "messages without content",
    "system": "a system message",
    "schema": "details of the tools' schemas",
    "tools[].function.strict": "strict tools",
    "tools[].strict": "strict tools",
}

WITHOUT_IMAGES = (
    "The provider has refused images for this model before, so those of this message were left out."
)


def removes_images(change: Change) -> bool:
    """Whether a change removes images."""
    return change.action == "history" and change.path in ("images", "image", "earlier images")
