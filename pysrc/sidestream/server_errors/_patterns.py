"""Patterns that are compiled when they are first needed.

There are hundreds, and most starts of the worker see no error at all.
"""

from __future__ import annotations

import re
from functools import lru_cache


@lru_cache(maxsize=256)
def compiled(pattern: str) -> re.Pattern[str]:
    """The compiled pattern."""
    return re.compile(pattern)
