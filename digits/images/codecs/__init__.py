"""Decoders of formats that Pillow does not decode, or not as fast: one module for each format."""
