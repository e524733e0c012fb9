"""Benchmarks in a real Chromium, each beside its peer in the same run: `build.py bench`."""
