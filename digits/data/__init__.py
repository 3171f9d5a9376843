"""Data sets and labeled pictures."""
