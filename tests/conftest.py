"""Hypothesis profiles: the same examples on every run, and fewer of them where Python is slow.

`build.py test --explore` draws other examples, from a seed that it prints.
"""

from __future__ import annotations

import os
import sys

from hypothesis import HealthCheck, settings

# No check depends on the load of the machine: a commit has the same result everywhere.
settings.register_profile(
    "default",
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("quick", settings.get_profile("default"), max_examples=20)
settings.register_profile(
    "explore", settings.get_profile("default"), derandomize=False, print_blob=True
)
settings.register_profile(
    "thorough", settings.get_profile("default"), derandomize=False, max_examples=5_000
)
settings.load_profile(
    "quick" if sys.platform == "emscripten" else os.environ.get("HYPOTHESIS_PROFILE", "default")
)
