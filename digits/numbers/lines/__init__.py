"""Reads whole lines at once, without taking them apart: what they look like, the network, and what it says."""
