"""Looks at how an image file is built before a decoder sees it: one module for each format."""
