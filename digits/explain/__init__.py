"""Explains answers, pictures and models to people."""
