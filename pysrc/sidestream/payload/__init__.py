"""From a prompt to the request that a wire API and a provider accept. Pure functions."""
