"""Prompt to request: what each wire API and each provider wants to be sent. Pure functions."""
