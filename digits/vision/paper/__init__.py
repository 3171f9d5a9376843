"""The lines, squares, boxes and combs that are printed on paper, off the ink of a picture."""
