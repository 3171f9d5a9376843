"""Servers, clients and figures that several benchmarks share."""
