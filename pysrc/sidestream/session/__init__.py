"""Conversation, queue, usage and rate limits: what outlives one call."""
