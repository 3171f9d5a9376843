"""Makes int8 forms of trained networks."""
