"""How much one answer may hold."""

from __future__ import annotations

MAX_ITEMS = 1_000
"""The limit of items, parts of one item or sources in an answer, which ends an answer with more.

No model writes nearly as many, and the work for each of them adds up."""

MAX_TEXT_BYTES = 16 * 1024 * 1024
"""The limit for the text of one frame, or for an image in Chat Completions.

Later steps handle such a text as a whole. Deltas with 10 MB of text occur."""
