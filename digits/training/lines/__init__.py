"""Trains the network that reads whole lines."""
