"""`digits evaluate`: scores a model on the MNIST test set, or on labeled pictures."""

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from digits.cli.arguments import EXIT_FAILED, EXIT_OK, MODEL_HELP, Commands, add_command, whole_number
from digits.errors import DataMismatchError, DataUnavailableError, SettingError

# Loading these takes longer than `digits --help` should.
if TYPE_CHECKING:
    from digits.data.labeled import LabeledPicture
    from digits.evaluation.numbers import NumbersMeasurement
    from digits.evaluation.pictures import Measurement
    from digits.model.engine import Precision
    from digits.recognizer import Recognizer


def add(commands: Commands) -> None:
    """Declares the command's arguments."""
    parser = add_command(commands, "evaluate", "score a model on the MNIST test set, or on your own pictures")
    parser.add_argument(
        "sources",
        nargs="*",
        type=Path,
        metavar="SOURCE",
        help="a model file, to score on the MNIST test set (default: the model in use); or labeled pictures, to score "
        "the model in use on: a folder with a labels.csv (file, label and, if wanted, source), a folder with a "
        "subfolder for each digit, an npz (images, labels) or IDX files (EMNIST, QMNIST), or several of these; a label "
        "of several digits is a number, with a blank for a new line; any other says what else a picture shows",
    )
    parser.add_argument("--model", type=Path, metavar="FILE", help=f"for a folder or npz: {MODEL_HELP}")
    parser.add_argument("--json", action="store_true", help="for a folder or npz: print JSON")
    parser.add_argument(
        "--save-mistakes",
        type=Path,
        metavar="DIR",
        help="for a folder or npz: write each misread picture beside the 28x28 image that the network saw; of a "
        "number, with what was read, if anything was, drawn on it",
    )
    parser.add_argument("--data", type=Path, metavar="FILE", help="an mnist.npz to use instead of a download")
    parser.add_argument(
        "--precision",
        choices=("float32", "int8"),
        default="float32",
        help="in which the network computes, as DIGITS_PRECISION names it for servers (default: float32)",
    )
    parser.add_argument(
        "--seeds",
        type=whole_number(1, 100),
        metavar="N",
        help="for a model: also train its recipe anew with N seeds, and print mean and spread",
    )
    parser.set_defaults(command=run)


def run(options: argparse.Namespace) -> int:
    """Scores; returns the exit code."""
    models = [source for source in options.sources if source.suffix == ".keras"]
    if models and len(options.sources) > 1:
        raise SettingError("Name one model file, or folders and npz files, but not both.")
    if not options.sources:
        from digits.recognizer import find_model

        models = [find_model()]
    return _evaluate_model(options, models[0]) if models else _evaluate_pictures(options)


def _evaluate_pictures(options: argparse.Namespace) -> int:
    from rich.console import Console
    from rich.progress import track

    from digits.evaluation.numbers import is_number, measure_numbers
    from digits.evaluation.pictures import measure

    recognizer = _load(options.model, options.precision)
    pictures = _read_pictures(options.sources)
    numbers = [picture for picture in pictures if is_number(picture.label)]
    others = [picture for picture in pictures if not is_number(picture.label)]
    console = Console(stderr=True)

    def watched(labeled: list["LabeledPicture"]) -> Iterable["LabeledPicture"]:
        return track(labeled, "Reading", console=console, transient=True, disable=not console.is_terminal)

    try:
        measurement = measure(recognizer, watched(others), options.save_mistakes) if others else None
        read = measure_numbers(recognizer, watched(numbers), options.save_mistakes) if numbers else None
    except OSError as error:
        print(f"digits: {error.filename or error}: {error.strerror or 'cannot be used'}", file=sys.stderr)
        return EXIT_FAILED
    names = ", ".join(map(str, options.sources))
    kept = _keep(recognizer, names, measurement) if measurement else None
    if options.json:
        scores = {"model": recognizer.name} | (measurement.to_json() if measurement else {})
        print(json.dumps(scores | ({"numbers": read.to_json()} if read else {}), indent=1))
        return EXIT_OK
    print(f"{names}, read with {recognizer.description}")
    print("95% intervals in brackets")
    if measurement:
        _print_digits(measurement)
    if read:
        _print_numbers(read)
    if kept:
        print(kept)
    return EXIT_OK


def _read_pictures(sources: Sequence[Path]) -> list["LabeledPicture"]:
    """Returns the labeled pictures of some sources, each of which can be opened.

    Raises:
        DataMismatchError: there is none.
        DataUnavailableError: a table names a file that is not there.
    """
    from digits.data.labeled import LABELS_FILE, read_labeled

    pictures = [picture for source in sources for picture in read_labeled(source, _say)]
    if not pictures:
        raise DataMismatchError(f"There is no picture to score in {', '.join(map(str, sources))}.")
    missing = [
        picture.name for picture in pictures if isinstance(picture.content, Path) and not picture.content.exists()
    ]
    if missing:
        more = f" and {len(missing) - 1:,} more" if len(missing) > 1 else ""
        raise DataUnavailableError(
            f"{LABELS_FILE} names {missing[0]}{more}, which {'are' if more else 'is'} not there. Correct the table, or "
            "put the files in their place."
        )
    return pictures


def _keep(recognizer: "Recognizer", sources: str, measurement: "Measurement") -> str | None:
    """Keeps the figures for the app's page about the model; returns a line that says so, None if they are not for it.

    Whoever wants the figures alone gets them, even if they cannot be kept.
    """
    from digits.evaluation.records import EVALUATIONS, keep_evaluation

    # The page is about float32.
    if recognizer.precision != "float32":
        return None
    try:
        keep_evaluation(recognizer.card.onnx_sha256, sources, measurement)
    except (OSError, DataMismatchError) as error:
        return f"not kept for the app's page about the model: {error}"
    return f"kept for the app's page about the model in {EVALUATIONS}"


def _load(model: Path | None, precision: "Precision") -> "Recognizer":
    """Loads a model; what is measured is in the precision that was asked for.

    Raises:
        SettingError: the model or the processor has none such.
    """
    from digits.recognizer import Recognizer

    recognizer = Recognizer.load(model, precision=precision)
    if recognizer.precision_note:
        raise SettingError(recognizer.precision_note)
    return recognizer


def _say(line: str) -> None:
    print(line, file=sys.stderr)


def _print_digits(measurement: "Measurement") -> None:
    if measurement.accuracy.n:
        print(f"accuracy: {measurement.accuracy}")
        for source, share in measurement.by_source.items():
            print(f"  {source}: {share}")
        print(f"accepted: {measurement.accepted}")
        if measurement.accepted_accuracy.n:
            print(f"accuracy of the accepted: {measurement.accepted_accuracy}")
    if measurement.confused:
        print(f"most confused: {', '.join(measurement.confused)}")
    for kind, share in measurement.rejected.items():
        print(f"not accepted, {kind}: {share}")
    if measurement.auroc is not None:
        print(f"AUROC of digits against other things: {measurement.auroc:.4f}")


def _print_numbers(measurement: "NumbersMeasurement") -> None:
    print(f"numbers read exactly: {measurement.exact}")
    for source, share in measurement.by_source.items():
        print(f"  {source}: {share}")
    print(f"digit error rate, edit distance over length: {measurement.digit_errors}")
    if measurement.misread:
        print(f"misread: {', '.join(measurement.misread)}")


def _evaluate_model(options: argparse.Namespace, model: Path) -> int:
    from digits.data import mnist
    from digits.evaluation.classification import confused_pairs, confusion_matrix
    from digits.evaluation.statistics import spread

    recognizer = _load(model, options.precision)
    data = mnist.load(options.data, say=lambda line: print(line, file=sys.stderr))
    read = recognizer.classify(data.x_test).argmax(axis=1)
    accuracy = float((read == data.y_test).mean())
    print(f"{recognizer.name}: test accuracy {accuracy:.2%} ({len(read):,} images)")
    print(f"Most confused: {', '.join(confused_pairs(confusion_matrix(data.y_test, read)))}")
    if options.seeds:
        from digits.training.config import TrainingConfig
        from digits.training.run import Run, accuracies_over_seeds

        card = recognizer.card
        config = TrainingConfig(card.recipe, card.epochs, card.batch_size)
        print(
            f"Training recipe {config.recipe}, {config.epochs} epochs, with the seeds 0 to {options.seeds - 1}:",
            flush=True,
        )

        def report(run: Run) -> None:
            print(
                f"  seed {run.config.seed}: test accuracy {run.test.accuracy:.2%}, "
                f"training accuracy {run.training.accuracy:.2%}",
                flush=True,
            )

        runs = accuracies_over_seeds(config, data, options.seeds, report)
        print(f"Test accuracy over seeds: {spread(runs)}")
    return EXIT_OK
