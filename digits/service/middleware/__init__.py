"""ASGI middleware: access log, API keys, trusted hosts, rate limit, traces."""
