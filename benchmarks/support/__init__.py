"""Servers, clients, image files and tables that several benchmarks use."""
