"""Pictures drawn by code, and the answers that they get, to see whether a change of the code changes an answer."""
