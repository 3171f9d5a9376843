"""How well pictures and numbers are read."""
