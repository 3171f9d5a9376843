"""The model file, the network that it holds, and what its probabilities mean."""
