"""Screens JPEG 2000 files (ITU-T T.800): boxes, the codestream in them, and what it asks of a decoder."""
