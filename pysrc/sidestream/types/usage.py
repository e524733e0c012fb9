"""Token usage of a call and of a session."""

from __future__ import annotations

from sidestream.types._base import WireModel


class TokenUsage(WireModel):
    """Tokens that one model call used (Codex ``TokenUsage``)."""

    input_tokens: int = 0
    cached_input_tokens: int = 0
    cache_write_input_tokens: int = 0
    output_tokens: int = 0
    reasoning_output_tokens: int = 0
    total_tokens: int = 0
