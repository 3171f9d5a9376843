"""Trains a network on MNIST and writes models/mnist_model.keras: python train.py

The story of the training is in digits/training/run.py: load, scale, build, compile, fit, evaluate, save.
"""

import sys

from digits.cli.commands.train import main

if __name__ == "__main__":
    sys.exit(main())
