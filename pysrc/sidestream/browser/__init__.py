"""Adapters to the browser: the only package that imports JavaScript and Pyodide."""
