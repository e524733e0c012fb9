"""From samples to figures: medians, their spread, ratios."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median
from typing import Any


def summary(samples: Sequence[float]) -> dict[str, Any]:
    """Summarise samples by median, smallest, largest and count."""
    return {
        "median": _rounded(median(samples)),
        "min": _rounded(min(samples)),
        "max": _rounded(max(samples)),
        "n": len(samples),
    }


def ratio(ours: Sequence[float], peers: Sequence[float]) -> dict[str, Any]:
    """Return the ratio of the medians. Its spread is that of the ratios round by round."""
    rounds = [one / other for one, other in zip(ours, peers, strict=True)]
    return {
        "ratio": _rounded(median(ours) / median(peers)),
        "min": _rounded(min(rounds)),
        "max": _rounded(max(rounds)),
    }


def percentile(samples: Sequence[float], percent: float) -> float:
    """Return the percentile by the nearest-rank method."""
    ranked = sorted(samples)
    return ranked[max(0, math.ceil(len(ranked) * percent / 100) - 1)]


def _rounded(value: float) -> float:
    return float(f"{value:.4g}")
