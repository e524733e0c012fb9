"""Hypothesis profiles: the same examples on every run, and fewer of them where Python is slow."""

from __future__ import annotations

import os
import sys

from hypothesis import settings

settings.register_profile("default", deadline=None, derandomize=True, database=None)
settings.register_profile("quick", settings.get_profile("default"), max_examples=20)
settings.register_profile("thorough", deadline=None, max_examples=5_000)
settings.load_profile(
    "quick" if sys.platform == "emscripten" else os.environ.get("HYPOTHESIS_PROFILE", "default")
)
