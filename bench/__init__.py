"""Benchmarks in a real Chromium, each with its peer in the same run: `build.py bench`."""
