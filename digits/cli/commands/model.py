"""`digits model`: shows the model in use, compares two, goes back to the one before, and adds an int8 form."""

import argparse
import json
import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from digits.cli.arguments import EXIT_OK, MODEL_HELP, Commands, add_command
from digits.errors import ModelNotFoundError

if TYPE_CHECKING:
    from digits.evaluation.comparison import ModelComparison, Standing
    from digits.model.card import Card
    from digits.recognizer import Recognizer

# The name of the model that ships, where a model file is asked for.
SHIPPED = "shipped"
_SHOWN = 20


def add(commands: Commands) -> None:
    """Declares the command's arguments."""
    parser = add_command(commands, "model", "show the model in use and how good it is; compare two; go back; quantize")
    parser.add_argument("--json", action="store_true", help="print the whole card as JSON")
    parser.add_argument("--model", type=Path, metavar="FILE", help=MODEL_HELP)
    parser.set_defaults(command=run)
    actions = parser.add_subparsers(metavar="ACTION", title="actions")
    comparison = add_command(actions, "compare", "compare two models on the MNIST test set, or on your own pictures")
    for name in ("A", "B"):
        comparison.add_argument(name, type=Path, metavar=name, help=f"a model file, or the word {SHIPPED}")
    comparison.add_argument(
        "--on",
        type=Path,
        nargs="+",
        metavar="SOURCE",
        help="labeled pictures, as digits evaluate takes them (default: the MNIST test set)",
    )
    comparison.add_argument("--data", type=Path, metavar="FILE", help="an mnist.npz to use instead of a download")
    comparison.add_argument("--json", action="store_true", help="print JSON, with all images on which they differ")
    comparison.set_defaults(command=compare)
    back = add_command(actions, "rollback", "put the model back that the present one replaced")
    back.add_argument("--list", action="store_true", help="list the models that are kept, the last one first")
    back.add_argument(
        "--model", type=Path, metavar="FILE", help="the model file to put back (default: models/mnist_model.keras)"
    )
    back.set_defaults(command=roll_back)
    quantized = add_command(
        actions,
        "quantize",
        "add an int8 form to a model file, in which the network takes about half the time (training install)",
    )
    # Not `model`, which the parser above has set already.
    quantized.add_argument("file", type=Path, nargs="?", metavar="MODEL", help=MODEL_HELP)
    quantized.add_argument(
        "--data",
        type=Path,
        metavar="SOURCE",
        help="the data that the model was trained on with --data, or an mnist.npz (default: MNIST, downloaded)",
    )
    quantized.set_defaults(command=quantize)


def run(options: argparse.Namespace) -> int:
    """Shows the model; returns the exit code."""
    from digits.numbers.decoding_file import shipped_decoding
    from digits.recognizer import Recognizer

    recognizer = Recognizer.load(options.model)
    card = recognizer.card
    if options.json:
        print(json.dumps(card.to_json(), indent=1))
        return EXIT_OK
    test = card.metrics.get("test", {})
    rows = {
        "model": recognizer.path,
        "recipe": card.recipe,
        "test accuracy": f"{test['accuracy']:.2%} of {test['n']:,} images" if test else "unknown",
        "calibration error": f"{test['calibration_error']:.2%} (temperature {card.temperature:.3f})" if test else None,
        "parameters": card.parameters and f"{card.parameters:,}",
        "made by": card.command,
        "seed": card.seed,
        "created": card.created,
        "with": ", ".join(f"{name} {version}" for name, version in card.versions.items()),
        "accepted from": f"{recognizer.thresholds.confidence:.2%} confidence, {recognizer.thresholds.digit:.2%} for "
        "the two most likely digits together",
        "numbers": "read with weights that were fitted for this model"
        if shipped_decoding().suits(card.onnx_sha256)
        else "read with default weights: those that ship were fitted for another model (python -m "
        "digits.training.segmenter.run --decoding-only --model FILE fits them for this one)",
        "preprocessing": f"version {card.preprocessing}",
        "input form": card.input_form,
        "ONNX digest": card.onnx_sha256,
        "int8 form": _int8_in_words(card),
    }
    for name, value in rows.items():
        if value is not None:
            print(f"{name + ':':20}{value}")
    for note in recognizer.notes:
        print(note)
    return EXIT_OK


def _int8_in_words(card: "Card") -> str:
    if card.int8 is None:
        return "none (digits model quantize adds one)"
    test, changed = card.int8["test"], card.int8.get("changed", {})
    beside = f", {changed['digits']} of which it reads otherwise than float32" if "digits" in changed else ""
    return f"test accuracy {test['accuracy']:.2%} of {test['n']:,} images{beside}"


def compare(options: argparse.Namespace) -> int:
    """Compares two models; returns the exit code."""
    from digits.data import mnist
    from digits.data.labeled import read_labeled
    from digits.errors import DataMismatchError
    from digits.evaluation.comparison import compare_on_mnist, compare_on_pictures
    from digits.evaluation.numbers import is_number

    first, second = _load(options.A), _load(options.B)
    if options.on:
        pictures = [picture for source in options.on for picture in read_labeled(source)]
        singles = [picture for picture in pictures if not is_number(picture.label)]
        if not singles:
            raise DataMismatchError(
                f"There is no picture of a single digit in {', '.join(map(str, options.on))}. Name another source."
            )
        comparison = compare_on_pictures(first, second, singles)
        names = [picture.name for picture in singles]
    else:
        data = mnist.load(options.data, say=lambda line: print(line, file=sys.stderr))
        comparison = compare_on_mnist(first, second, data.x_test, data.y_test)
        names = [f"MNIST test image {i}" for i in range(len(data.y_test))]
    if options.json:
        print(json.dumps(comparison.to_json(), indent=1))
    else:
        _print_comparison(comparison, names)
    return EXIT_OK


def _load(path: Path) -> "Recognizer":
    from digits.recognizer import Recognizer, shipped_model

    return Recognizer.load(shipped_model() if str(path) == SHIPPED and not path.exists() else path)


def _print_comparison(comparison: "ModelComparison", names: list[str]) -> None:
    for letter, standing in zip("AB", comparison.standings, strict=True):
        print(f"{letter}: {standing.model}")
    print(f"\n{len(names):,} images; 95% intervals in brackets\n{'':30}{'A':42}B")
    for name, texts in _rows(comparison.standings).items():
        print(f"{name:30}{texts[0]:42}{texts[1]}")
    only_first, only_second = comparison.only_right
    print(
        f"\nThey differ on {len(comparison.differing):,} images: only A is right on {only_first}, only B on "
        f"{only_second} (by chance if both are equally good: p = {comparison.chance:.2g})"
    )
    first, second = comparison.answers
    for i in comparison.differing[:_SHOWN]:
        reads = (_answer(int(answers.digits[i]), float(answers.confidences[i])) for answers in (first, second))
        print(f"  {names[i]}, {comparison.labels[i]}: A reads {next(reads)}, B {next(reads)}")
    if len(comparison.differing) > _SHOWN:
        print(f"  and {len(comparison.differing) - _SHOWN:,} more, which --json lists")


def _rows(standings: "tuple[Standing, Standing]") -> dict[str, list[str]]:
    def percent(value: float | None) -> str:
        return "unknown" if value is None else f"{value:.2%}"

    rows = {
        "accuracy": [str(standing.accuracy) for standing in standings],
        "calibration error": [percent(standing.calibration_error) for standing in standings],
        "accepted": [str(standing.accepted) for standing in standings],
        "right if accepted": [
            str(standing.accepted_accuracy) if standing.accepted_accuracy.n else "none" for standing in standings
        ],
        "other things not accepted": [str(standing.rejected) for standing in standings],
        "drawn outliers not accepted": [f"{percent(standing.outliers_refused)} (card)" for standing in standings],
        "forward pass": [
            f"{standing.microseconds[0]:.0f} ± {standing.microseconds[1]:.0f} µs" for standing in standings
        ],
    }
    return {name: texts for name, texts in rows.items() if texts != ["None", "None"]}


def _answer(digit: int, confidence: float) -> str:
    return "nothing" if digit < 0 else f"{digit} ({confidence:.1%})"


def roll_back(options: argparse.Namespace) -> int:
    """Puts the model back that the present one replaced; returns the exit code."""
    from digits.model import history
    from digits.model.artifact import read
    from digits.recognizer import MODEL_VARIABLE, TRAINED_MODEL, Recognizer, find_model, shipped_model

    path = options.model or TRAINED_MODEL
    named = os.environ.get(MODEL_VARIABLE)
    if options.list:
        for file in history.kept(path):
            print(f"{file}: {Recognizer.load(file).description.partition(' (')[2].rstrip(')')}")
        return EXIT_OK
    if named and not options.model and not Path(named).exists():
        way_back = f"put its earlier model back (digits model rollback --model {shlex.quote(named)}), "
        raise ModelNotFoundError(
            f"{MODEL_VARIABLE} names {named}, and there is no such file. To have a model in use, "
            f"{way_back if history.kept(Path(named)) else ''}set {MODEL_VARIABLE} to a file that is there, or unset "
            "it. Nothing was changed."
        )
    try:
        if files := history.kept(path):
            # A damaged file must not replace one that works.
            read(files[0])
        _, aside = history.roll_back(path)
    except ModelNotFoundError:
        if not options.model and find_model() == shipped_model():
            raise ModelNotFoundError(
                "You use the model that ships with Digits; there is nothing to go back to."
            ) from None
        if options.model or not path.exists() or (named and Path(named).resolve() == path.resolve()):
            raise
        # Before the first training the model that ships answered.
        aside = history.set_aside(path)
        path = shipped_model()
    is_used = not named or Path(named).resolve() == path.resolve()
    print(f"{'In use now' if is_used else 'Put back'}: {Recognizer.load(path).description}")
    if aside:
        print(f"The model that was there is kept as {aside}")
    print(history.WHO_USES_IT if is_used else f"{MODEL_VARIABLE} names another model, which stays in use: {named}")
    return EXIT_OK


def quantize(options: argparse.Namespace) -> int:
    """Adds an int8 form and says how good it is; returns the exit code."""
    from digits.data import mnist
    from digits.recognizer import find_model
    from digits.training.extra.own_data import load_data
    from digits.training.quantization import int8_form

    def say(line: str) -> None:
        print(line, file=sys.stderr)

    path = options.file or find_model()
    int8_form.require_quantizer()
    data = load_data(options.data, say) if options.data else mnist.load(say=say)
    card = int8_form.quantize(path, data, options.command_line)
    print("\n".join(int8_form.describe(card)))
    how = "Servers use this form" if card.is_as_accurate_in_int8 else "DIGITS_PRECISION=int8 serves this form"
    print(f"Model: {path}. {how} where the processor is fit for it")
    return EXIT_OK
