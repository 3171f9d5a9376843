"""Training: recipes, the loop, and the report."""
