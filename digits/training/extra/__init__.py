"""Training on pictures besides MNIST: reads a folder, finds near-duplicates, and compares the models."""
