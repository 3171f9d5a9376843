"""The lines, squares, boxes and combs that are printed on paper, and rings around writing, off the ink of a picture."""
