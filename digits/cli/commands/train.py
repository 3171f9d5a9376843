"""`digits train`, and `python train.py` in a clone: train a network on MNIST."""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from digits.cli.arguments import (
    EXIT_FAILED,
    EXIT_INTERRUPTED,
    EXIT_NOT_BETTER,
    EXIT_OK,
    ArgumentParser,
    Commands,
    add_command,
    add_keep,
    in_a_sentence,
    keras_file,
    one_of,
    whole_number,
)
from digits.errors import DigitsError

_PURPOSE = "train a network on MNIST, test it, and write it with a report"


def add(commands: Commands) -> None:
    """Adds the command, whose arguments are declared when it is chosen: the recipes take a while to load."""
    add_command(commands, "train", _PURPOSE, declare)


def declare(parser: ArgumentParser) -> None:
    """Declares the command's arguments."""
    from digits.recognizer import TRAINED_MODEL
    from digits.training.config import MAX_BATCH_SIZE, MAX_EPOCHS, MAX_SEED
    from digits.training.extra.folder import HELD_OUT_ONE_IN
    from digits.training.job import REPORTS
    from digits.training.recipes import RECIPES

    parser.add_argument(
        "--recipe",
        type=one_of(list(RECIPES)),
        default="reference",
        help="; ".join(f"{recipe.name}: {recipe.description}" for recipe in RECIPES.values()) + " (default: reference)",
    )
    parser.add_argument(
        "--epochs", type=whole_number(1, MAX_EPOCHS), help="passes over the data (default: the recipe's)"
    )
    parser.add_argument(
        "--batch-size", type=whole_number(1, MAX_BATCH_SIZE), help="images per step (default: the recipe's)"
    )
    parser.add_argument(
        "--seed",
        type=whole_number(0, MAX_SEED),
        default=0,
        help="the same seed on the same machine gives the same weights (default: 0)",
    )
    parser.add_argument(
        "--from",
        dest="start",
        type=keras_file,
        metavar="FILE",
        help="start from the weights of this model file, which must be of the same recipe, instead of random ones",
    )
    parser.add_argument(
        "--data",
        type=Path,
        metavar="SOURCE",
        help="an mnist.npz to use instead of a download; or your own labeled pictures to learn from instead of MNIST: "
        "an npz (images and labels, or x_train, y_train, x_test and y_test), a folder with a subfolder for each digit, "
        "a folder with a labels.csv, or IDX files (EMNIST, QMNIST); one picture in six is held out to test, unless "
        "there is a test part",
    )
    parser.add_argument(
        "--extra",
        type=Path,
        metavar="FOLDER",
        help="also learn from the labeled pictures in this folder, which has the form that digits feedback export "
        f"writes; one picture in {HELD_OUT_ONE_IN} is held out, and the new model replaces the present one only if it "
        "is at least as good on the held-out pictures and on the test images (if not, the exit code is "
        f"{EXIT_NOT_BETTER})",
    )
    parser.add_argument(
        "--out",
        type=keras_file,
        default=TRAINED_MODEL,
        metavar="FILE",
        help=f"write the model to this file, and its report to a folder {REPORTS}/ beside it (default: "
        f"{TRAINED_MODEL}, with the report in {REPORTS}/)",
    )
    add_keep(parser)
    parser.add_argument(
        "--resume",
        action="store_true",
        help="go on with a run that was stopped, after its last whole epoch; the result is that of a run that was not "
        "stopped",
    )
    parser.set_defaults(command=run, name="digits")


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command as train.py; returns its exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    options = ArgumentParser(prog="train.py", description=in_a_sentence(_PURPOSE), declare=declare).parse_args(
        arguments
    )
    options.name, options.command_line = "train.py", ["python", "train.py", *arguments]
    return run(options)


def run(options: argparse.Namespace) -> int:
    """Trains, writes and reports; returns the exit code."""
    from digits.data import mnist
    from digits.model.artifact import check_writable
    from digits.training.config import TrainingConfig
    from digits.training.extra.own_data import load_data
    from digits.training.job import Job, state_file_of, train_and_compare, train_and_write
    from digits.training.keras_install import require_keras

    written, started = False, time.time()

    def note_written() -> None:
        nonlocal written
        written = True

    try:
        check_writable(options.out)
        data = load_data(options.data, print) if options.data else None
        require_keras()
        config = TrainingConfig(options.recipe, options.epochs, options.batch_size, options.seed, options.start)
        job = Job(
            config, data or mnist.load(), options.out, options.command_line, note_written, options.keep, options.resume
        )
        if options.extra is None:
            train_and_write(job)
            return EXIT_OK
        return EXIT_OK if train_and_compare(job, options.extra) else EXIT_NOT_BETTER
    except (DigitsError, OSError) as error:
        print(f"{options.name}: {error}", file=sys.stderr)
        _tell_of_candidate(options.out, started)
        return EXIT_FAILED
    except KeyboardInterrupt:
        state = "was not written" if not options.out.exists() else "is new" if written else "is as it was"
        print(f"\nStopped; {options.out} {state}.", file=sys.stderr)
        if not written and state_file_of(options.out).exists():
            print("The same command with --resume goes on after the last whole epoch.", file=sys.stderr)
        _tell_of_candidate(options.out, started)
        return EXIT_INTERRUPTED


def _tell_of_candidate(out: Path, started: float) -> None:
    """Prints the path of the new model if it was trained but not compared."""
    from digits.training.extra.comparison import candidate_of

    candidate = candidate_of(out)
    if candidate.exists() and candidate.stat().st_mtime >= started:
        print(f"The new model is kept as {candidate}; nothing uses it.", file=sys.stderr)
