"""Pydantic models of everything that crosses a border: events, items, usage, rate limits, tools."""
