"""From pixels to the 28x28 image that the network sees."""
