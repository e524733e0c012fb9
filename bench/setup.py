"""What each benchmark receives."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Setup:
    """Where everything is, and how thorough to be."""

    extension: Path
    """The built extension, as users have it."""
    bench_extension: Path
    """The same, with the peers in it."""
    empty_extension: Path
    """A module worker that answers and does nothing else."""
    archive: Path
    """The extension's zip."""
    quick: bool
    """Only check that everything works; the figures mean nothing."""
