"""From a page to the numbers that are written on it."""
