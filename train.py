"""Trains a network on MNIST and writes models/mnist_model.keras: python train.py

The story of a run, step by step, and where to read on. Each step is a few lines; what is clever stands one call below
it. `train_and_write` in digits/training/job.py goes from the first step to the last.

    load       digits.data.mnist.load              60,000 training and 10,000 test images, checked by their digest
    split      digits.data.mnist.split             55,000 images to fit, 5,000 to validate
    scale      digits.training.loop.scale          pixels of 0..255 to numbers of 0..1
    build      digits.training.recipes.RECIPES     the networks, and how each is trained
    compile    digits.training.run.compile_and_fit the loss and the optimizer
    fit        digits.training.loop.fit            ten epochs, in a loop that TensorFlow compiles
    calibrate  digits.model.calibration.fit_temperature   makes a confidence of 80% right 80 times in 100
    evaluate   digits.evaluation.classification.score     once, on the test images that nothing else has seen
    save       digits.training.export.save         Keras and ONNX form in one file, if both give the same answers

    python train.py --epochs 3 --seed 7 --out models/quick.keras
    python train.py --recipe convnet --extra my_pictures
"""

import sys

from digits.cli.commands.train import main

if __name__ == "__main__":
    sys.exit(main())
