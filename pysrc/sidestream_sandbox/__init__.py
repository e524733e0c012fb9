"""Runs the code of users and models in the sandbox's interpreter.

Only the sandbox loads this package. It uses nothing of the client or of the extension.
"""
