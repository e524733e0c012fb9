"""How long a test waits for an event, and how much longer on a busy machine."""

from __future__ import annotations

import os

PATIENCE = 120.0
"""Seconds. An upper bound: no test takes so long where everything goes well."""


def slowness() -> float:
    """How many times longer than on an idle machine things may take now.

    For the few limits in seconds that are themselves what a test checks.
    """
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    return max(1.0, load / (os.cpu_count() or 1))
