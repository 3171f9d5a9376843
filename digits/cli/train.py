"""Trains a digit network on MNIST and writes models/mnist_model.keras.

python train.py
python train.py --epochs 3 --seed 7 --out models/quick.keras
python train.py --recipe convnet --extra my_pictures
"""

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from digits.cli.arguments import (
    EXIT_FAILED,
    EXIT_INTERRUPTED,
    EXIT_NOT_BETTER,
    EXIT_OK,
    ArgumentParser,
    keras_file,
    one_of,
    whole_number,
)
from digits.data import mnist
from digits.errors import DigitsError
from digits.model.artifact import Card, check_writable
from digits.model.calibration import apply_temperature
from digits.recognizer import TRAINED_MODEL, Recognizer
from digits.training import run as training
from digits.training.comparison import Comparison, candidate_of, model_to_beat, standing
from digits.training.extra import HELD_OUT_ONE_IN, Extra, read_extra
from digits.training.loop import MAX_BATCH_SIZE, MAX_EPOCHS, MAX_SEED, TrainingConfig
from digits.training.recipes import RECIPES

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
        "--extra",
        type=Path,
        metavar="FOLDER",
        help=f"labeled pictures to learn from, too, as digits feedback export writes them and digits evaluate scores "
        f"them; one in {HELD_OUT_ONE_IN} is held out, and the model that is there stays unless the new one is at least "
        f"as good on those and on the MNIST test set (if not, the exit code is {EXIT_NOT_BETTER})",
    )
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
    written, started = False, time.time()

    def note_written() -> None:
        nonlocal written
        written = True

    try:
        check_writable(options.out)
        data = mnist.load(options.data) if options.data else None
        training.require_keras()
        config = TrainingConfig(options.recipe, options.epochs, options.batch_size, options.seed)
        job = Job(config, data or mnist.load(), options.out, ["python", "train.py", *arguments], note_written)
        if options.extra is None:
            train_and_write(job)
            return EXIT_OK
        return EXIT_OK if train_and_compare(job, options.extra) else EXIT_NOT_BETTER
    except (DigitsError, OSError) as error:
        print(f"train.py: {error}", file=sys.stderr)
        _tell_of_candidate(options.out, started)
        return EXIT_FAILED
    except KeyboardInterrupt:
        state = "was not written" if not options.out.exists() else "is new" if written else "is as it was"
        print(f"\nStopped; {options.out} {state}.", file=sys.stderr)
        _tell_of_candidate(options.out, started)
        return EXIT_INTERRUPTED


def _tell_of_candidate(out: Path, started: float) -> None:
    """Says where the new model is if it was trained, and then not compared."""
    candidate = candidate_of(out)
    if candidate.exists() and candidate.stat().st_mtime >= started:
        print(f"The new model is kept as {candidate}; nothing uses it.", file=sys.stderr)


@dataclass(frozen=True)
class Job:
    """What to train, and where it goes.

    Args:
        config: the recipe and its settings.
        data: MNIST.
        out: the model file.
        command: that asked for it, for the card.
        when_written: is called once the file is in place.
    """

    config: TrainingConfig
    data: mnist.Mnist
    out: Path
    command: list[str]
    when_written: Callable[[], None]


def train_and_write(job: Job) -> None:
    """Trains, writes the model file and its report, and says what came of it."""
    run = train(job)
    card = training.save(run, job.data, job.out, job.command)
    job.when_written()
    report(job, run, card)


def train_and_compare(job: Job, folder: Path) -> bool:
    """Trains on other pictures, too, and replaces the model that is there if the new one is no worse.

    Returns:
        Whether it was replaced.
    """
    extra = read_extra(folder, job.data)
    rival = model_to_beat(job.out)
    print("\n".join(extra.describe()))
    if rival.path != job.out:
        print(f"There is no {job.out} yet; {rival.name} has answered so far, and is what the new one has to match.")
    before = standing(rival, job.data, extra.held_out)
    run = train(job, extra)
    candidate = candidate_of(job.out)
    card = training.save(run, job.data, candidate, job.command)
    compared = Comparison(before, standing(Recognizer.load(candidate), job.data, extra.held_out))
    print("\n" + "\n".join(compared.lines()) + "\n")
    if compared.worse_on:
        print("\n".join(compared.refusal(rival, job.config.recipe, candidate)))
        return False
    print("The new model is at least as good on both, and is in place.")
    candidate.replace(job.out)
    job.when_written()
    report(job, run, card)
    return True


def train(job: Job, extra: Extra | None = None) -> training.Run:
    """Says what is trained, and trains it."""
    config, data = job.config, job.data
    print(f"Recipe {config.recipe}, epochs {config.epochs}, batch size {config.batch_size}, seed {config.seed}")
    print(f"MNIST from {data.source}: {len(data.x_train):,} training and {len(data.x_test):,} test images")
    return training.train(config, data, extra)


def report(job: Job, run: training.Run, card: Card) -> None:
    """Writes the report of a model that is in place, and says how good it is."""
    from digits.evaluation.classification import confused_pairs
    from digits.training.report import write_report

    calibrated = apply_temperature(run.test_probabilities, run.temperature)
    files = write_report(reports_folder(job.out), card, job.data.x_test, job.data.y_test, calibrated)
    print()
    print(f"Test accuracy {run.test.accuracy:.2%}, test loss {run.test.loss:.4f} ({run.test.n:,} images)")
    print(f"Training accuracy {run.training.accuracy:.2%}, validation accuracy {run.validation.accuracy:.2%}")
    refused = run.rejection
    print(
        f"Calibration error {run.test.calibration_error:.2%}; refused: {refused['test_digits']:.2%} of the test "
        f"images, {refused['held_out_outliers']:.1%} of images of other things"
    )
    print(f"Most confused: {', '.join(confused_pairs(run.test.confusion))}")
    print(f"Model:   {job.out}")
    if job.out == TRAINED_MODEL:
        print("App and command line use it now, and so does the API once it is started anew, or told by digits reload.")
    print(f"Reports: {', '.join(str(file) for file in files)}")


if __name__ == "__main__":
    raise SystemExit(main())
