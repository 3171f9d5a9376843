"""The processes of the service: start, signals, shutdown, and what they share."""
