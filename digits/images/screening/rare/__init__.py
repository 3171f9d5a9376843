"""Screens the formats that few pictures have, but for JPEG 2000, which has a folder of its own."""
