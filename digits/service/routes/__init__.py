"""The endpoints of the API, and how their requests are read."""
