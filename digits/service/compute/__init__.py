"""Reads images in processes of their own: what takes long runs beside the event loop, not in turns with it."""
