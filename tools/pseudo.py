"""A pseudo-locale: the catalogue's texts with accents, brackets and more length.

In a build with it, every text without brackets is hard-wired, and whatever overflows would overflow
in German too.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

ACCENTS = str.maketrans("aceinouyACEINOUY", "áçéíñóúýÁÇÉÍÑÓÚÝ")
PLACEHOLDER = re.compile(r"(\$\w+\$|\$[1-9$])")
LONGER = 0.4
"""By what part of its length a text grows, as English grows in other languages."""
LONGEST_WORD = 12
"""In characters: the padding can be wrapped like any text."""
KEPT = {"language"}
"""Messages that are data and no text."""


def pseudo(message: str) -> str:
    """The message in the pseudo-locale; its placeholders stay as they are."""
    parts = PLACEHOLDER.split(message)
    parts[::2] = [part.translate(ACCENTS) for part in parts[::2]]
    padding = "·" * round(LONGER * len(message))
    words = [padding[at : at + LONGEST_WORD] for at in range(0, len(padding), LONGEST_WORD)]
    return f"⟦{''.join(parts)}{' '.join(words)}⟧"


def translate(extension: Path) -> None:
    """Replace the catalogue of a built extension by its pseudo-locale."""
    path = extension / "_locales" / "en" / "messages.json"
    catalogue: dict[str, dict[str, Any]] = json.loads(path.read_text("utf-8"))
    for key, entry in catalogue.items():
        if key not in KEPT:
            entry["message"] = pseudo(entry["message"])
    path.write_text(json.dumps(catalogue, ensure_ascii=False), "utf-8")
