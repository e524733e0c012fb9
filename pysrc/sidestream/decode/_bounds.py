"""How much one answer may hold."""

from __future__ import annotations

MAX_ITEMS = 1_000
"""So many items, parts of one item or sources an answer may have; with more it is ended. Nothing
that a model writes comes near it, and what is done for each of them adds up."""

MAX_TEXT_BYTES = 16 * 1024 * 1024
"""So much of one frame may be text, or a picture of Chat Completions: the rest of the way it is
looked at as a whole. Texts of 10 MB in one delta are known."""
