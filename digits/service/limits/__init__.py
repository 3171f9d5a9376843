"""Limits on what the service does at a time, and for each client."""
