"""Sidestream: a typed client for the OpenAI Responses API and Chat Completions."""
