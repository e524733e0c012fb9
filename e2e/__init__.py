"""End-to-end tests: the built extension in Chromium, against servers with real sockets."""
