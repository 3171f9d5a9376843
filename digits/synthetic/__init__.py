"""Digits, pages and other pictures that are drawn by code, to train and to test with."""
