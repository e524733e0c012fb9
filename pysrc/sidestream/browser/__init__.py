"""Adapters to the browser, the only package that knows JavaScript and Pyodide."""
