"""Compares the time to train the reference recipe with Keras' compile and fit: python -m benchmarks.speed.training

Both train the same network on the same images, with the same batch size and number of epochs. They take turns, each
time in a new process, and the time includes compilation. The benchmark prints the ratio of the times, and both test
accuracies.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Sequence

from benchmarks.support.machine import describe_machine, spread
from digits.cli.arguments import whole_number
from digits.data.mnist import load, split
from digits.training.config import TrainingConfig
from digits.training.keras_install import require_keras
from digits.training.loop import scale
from digits.training.recipes import RECIPES
from digits.training.run import compile_and_fit

WAYS = ("digits", "plain")


def train_once(way: str, seed: int) -> tuple[float, float]:
    """Trains in this process; returns the seconds and the test accuracy, 0..1.

    Args:
        way: `digits`, or `plain` for Keras' compile and fit.
        seed: seed of the weights and of the order of the images.
    """
    require_keras()
    import keras

    data = load()
    parts = split(data)
    recipe = RECIPES["reference"]
    keras.utils.set_random_seed(seed)
    start = time.perf_counter()
    model = recipe.build()
    if way == "digits":
        compile_and_fit(model, parts, TrainingConfig(seed=seed), show_progress=False)
    else:
        model.compile(optimizer=recipe.optimizer(0), loss="sparse_categorical_crossentropy", metrics=["accuracy"])
        model.fit(
            scale(parts.x_fit),
            parts.y_fit,
            epochs=recipe.epochs,
            batch_size=recipe.batch_size,
            validation_data=(scale(parts.x_validation), parts.y_validation),
            verbose=0,
        )
    seconds = time.perf_counter() - start
    _, accuracy = model.evaluate(scale(data.x_test), data.y_test, verbose=0)
    return seconds, float(accuracy)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the rounds and prints the results; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=whole_number(1, 100), default=3, help="default: 3")
    parser.add_argument("--once", nargs=2, metavar=("WAY", "SEED"), help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    if options.once:
        print(json.dumps(train_once(options.once[0], int(options.once[1]))))
        return 0
    print(f"Reference recipe, {RECIPES['reference'].epochs} epochs. {describe_machine()}")
    times: dict[str, list[float]] = {way: [] for way in WAYS}
    accuracies: dict[str, list[float]] = {way: [] for way in WAYS}
    for seed in range(options.rounds):
        for way in WAYS:
            command = [sys.executable, "-m", "benchmarks.speed.training", "--once", way, str(seed)]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            seconds, accuracy = json.loads(done.stdout.splitlines()[-1])
            times[way].append(seconds)
            accuracies[way].append(accuracy * 100.0)
            print(f"  seed {seed}, {way}: {seconds:.1f} s, test accuracy {accuracy:.2%}", flush=True)
    for way in WAYS:
        print(f"{way:7} {spread(times[way], 's')}, test accuracy {spread(accuracies[way], '%')}")
    ratios = [ours / plain for ours, plain in zip(times["digits"], times["plain"], strict=True)]
    print(f"ratio   {spread(ratios, 'of the time of compile and fit', 3)}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
