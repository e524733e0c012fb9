"""Texts that are sent in place of something that cannot be sent."""

from __future__ import annotations

ABORTED = "aborted"
"""The output of a call that never got one (Codex)."""
IMAGE_OMITTED = "[An image was left out: this model cannot see images.]"
AUDIO_OMITTED = "[A recording was left out: this model cannot hear.]"
NO_OUTPUT = "(no output)"
"""The output of code that printed nothing."""
IMAGE_SHOWN = "[An image was shown to the user.]"
IMAGES_FOLLOW = "[The images that the tool gave back:]"
BRIDGE = "[The tool's output was received.]"
"""An assistant message between a tool's output and the user's message, where one is required."""
START = "[The conversation begins with an answer.]"
"""A user message at the beginning, where the first message must be the user's."""
CONTINUE = "Please continue."
"""A user message at the end, where the last message must be the user's."""
