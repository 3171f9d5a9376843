"""Trains a digit network on MNIST and writes models/mnist_model.keras.

python train.py
python train.py --epochs 3 --seed 7 --out models/quick.keras
"""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from digits import mnist, training
from digits.arguments import (
    EXIT_FAILED,
    EXIT_INTERRUPTED,
    EXIT_OK,
    ArgumentParser,
    keras_file,
    one_of,
    whole_number,
)
from digits.artifact import check_writable
from digits.calibration import apply_temperature
from digits.errors import DigitsError
from digits.fitting import MAX_BATCH_SIZE, MAX_EPOCHS, MAX_SEED, TrainingConfig
from digits.recipes import RECIPES
from digits.recognizer import TRAINED_MODEL

REPORTS = Path("reports")


def build_parser() -> ArgumentParser:
    """The command's arguments."""
    parser = ArgumentParser(
        prog="train.py",
        description="Train a digit network on MNIST, test it, and write it with a report.",
    )
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
    parser.add_argument("--data", type=Path, metavar="FILE", help="an mnist.npz to use instead of a download")
    parser.add_argument(
        "--out",
        type=keras_file,
        default=TRAINED_MODEL,
        metavar="FILE",
        help=f"the model file (default: {TRAINED_MODEL}, reports in {REPORTS}/; else reports in a folder beside it)",
    )
    return parser


def reports_folder(out: Path) -> Path:
    """Where the report of the model file `out` goes."""
    return REPORTS if out == TRAINED_MODEL else out.parent / REPORTS


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    options = build_parser().parse_args(arguments)
    written = False

    def note_written() -> None:
        nonlocal written
        written = True

    try:
        check_writable(options.out)
        data = mnist.load(options.data) if options.data else None
        training.require_keras()
        config = TrainingConfig(options.recipe, options.epochs, options.batch_size, options.seed)
        train_and_write(config, data or mnist.load(), options.out, ["python", "train.py", *arguments], note_written)
    except (DigitsError, OSError) as error:
        print(f"train.py: {error}", file=sys.stderr)
        return EXIT_FAILED
    except KeyboardInterrupt:
        state = "was not written" if not options.out.exists() else "is new" if written else "is as it was"
        print(f"\nStopped; {options.out} {state}.", file=sys.stderr)
        return EXIT_INTERRUPTED
    return EXIT_OK


def train_and_write(
    config: TrainingConfig, data: mnist.Mnist, out: Path, command: list[str], when_written: Callable[[], None]
) -> None:
    """Trains, writes the model file, calls `when_written`, writes the report, and says what came of it."""
    from digits.evaluation import confused_pairs
    from digits.report import write_report

    print(f"Recipe {config.recipe}, epochs {config.epochs}, batch size {config.batch_size}, seed {config.seed}")
    print(f"MNIST from {data.source}: {len(data.x_train):,} training and {len(data.x_test):,} test images")
    run = training.train(config, data)
    card = training.save(run, data, out, command)
    when_written()
    calibrated = apply_temperature(run.test_probabilities, run.temperature)
    files = write_report(reports_folder(out), card, data.x_test, data.y_test, calibrated)
    print()
    print(f"Test accuracy {run.test.accuracy:.2%}, test loss {run.test.loss:.4f} ({run.test.n:,} images)")
    print(f"Training accuracy {run.training.accuracy:.2%}, validation accuracy {run.validation.accuracy:.2%}")
    refused = run.rejection
    print(
        f"Calibration error {run.test.calibration_error:.2%}; refused: {refused['test_digits']:.2%} of the test "
        f"images, {refused['held_out_outliers']:.1%} of images of other things"
    )
    print(f"Most confused: {', '.join(confused_pairs(run.test.confusion))}")
    print(f"Model:   {out}")
    if out == TRAINED_MODEL:
        print("App and command line use it now, and so does the API once it is started anew.")
    print(f"Reports: {', '.join(str(file) for file in files)}")


if __name__ == "__main__":
    raise SystemExit(main())
