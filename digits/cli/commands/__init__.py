"""The commands of `digits`: one module for each."""
