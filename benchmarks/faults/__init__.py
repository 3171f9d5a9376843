"""Kills, reloads and long use, on one machine and on a Ray cluster."""
