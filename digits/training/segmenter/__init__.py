"""Training of the segment classifier and of the weights of its decoding."""
