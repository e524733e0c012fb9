"""Texts that a request has in the place of what cannot be sent."""

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
"""What the assistant says between a tool's output and the user, for those who insist on that."""
START = "[The conversation begins with an answer.]"
"""The user's first words, where an answer may not come first."""
CONTINUE = "Please continue."
"""The user's last words, where an answer may not come last."""
