"""How image files of each format are built, checked before a decoder opens them."""
