"""The API on a Ray cluster: serve run cluster:app"""

from digits.cluster import app

__all__ = ["app"]
