"""The version, as ``pyproject.toml`` and the extension's manifest have it."""

VERSION = "0.1.0"
