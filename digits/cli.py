"""The `digits` command.

digits predict 7.png photo.jpg
digits model
digits evaluate models/mnist_model.keras --seeds 5
digits evaluate my-digits/ --save-mistakes mistakes/
digits run
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from digits import __version__
from digits.arguments import EXIT_FAILED, EXIT_INTERRUPTED, EXIT_OK, ArgumentParser, whole_number
from digits.errors import DigitsError, ImageError
from digits.image import ImageLimits, too_many_bytes

_EXIT_CODES = """exit codes:
  0    all went well
  1    something could not be done; the message says what
  2    the command was not understood
  130  stopped with Ctrl-C"""


def build_parser() -> ArgumentParser:
    """The command's arguments; each subcommand sets `command` to the function that runs it."""
    parser = ArgumentParser(
        prog="digits",
        description="Recognize handwritten digits.",
        epilog=_EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"digits {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True, parser_class=ArgumentParser)

    model_help = "model file (default: DIGITS_MODEL, else models/mnist_model.keras, else the one that ships)"

    predict = commands.add_parser("predict", help="read the digit in image files, a line per image")
    predict.add_argument(
        "images", nargs="+", type=Path, metavar="IMAGE", help="a PNG, JPEG, WebP, GIF, BMP or TIFF file"
    )
    predict.add_argument("--json", action="store_true", help="print JSON lines")
    predict.add_argument("--model", type=Path, metavar="FILE", help=model_help)
    predict.set_defaults(command=_predict)

    model = commands.add_parser("model", help="show which model is used, how it was made and how good it is")
    model.add_argument("--json", action="store_true", help="print the whole card as JSON")
    model.add_argument("--model", type=Path, metavar="FILE", help=model_help)
    model.set_defaults(command=_model)

    evaluate = commands.add_parser("evaluate", help="score a model on the MNIST test set, or on your own pictures")
    evaluate.add_argument(
        "what",
        type=Path,
        metavar="WHAT",
        help="a model file, to score on the MNIST test set; or a folder with a labels.csv (file, label and, if "
        "wanted, source), or an npz (images, labels), to score the model in use on",
    )
    evaluate.add_argument("--model", type=Path, metavar="FILE", help=f"for a folder or npz: {model_help}")
    evaluate.add_argument("--json", action="store_true", help="for a folder or npz: print JSON")
    evaluate.add_argument(
        "--save-mistakes",
        type=Path,
        metavar="DIR",
        help="for a folder or npz: write each misread picture beside the 28x28 image that the network saw",
    )
    evaluate.add_argument("--data", type=Path, metavar="FILE", help="an mnist.npz to use instead of a download")
    evaluate.add_argument(
        "--seeds",
        type=whole_number(1, 100),
        metavar="N",
        help="for a model: also train its recipe anew with N seeds, and print mean and spread",
    )
    evaluate.set_defaults(command=_evaluate)

    run = commands.add_parser("run", help="start API and app together; Ctrl-C stops both")
    run.add_argument("--api-port", type=whole_number(1, 65_535), default=8000, metavar="PORT", help="default: 8000")
    run.add_argument("--app-port", type=whole_number(1, 65_535), default=8501, metavar="PORT", help="default: 8501")
    run.set_defaults(command=_run)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    options = build_parser().parse_args(argv)
    try:
        code: int = options.command(options)
    except DigitsError as error:
        print(f"digits: {error}", file=sys.stderr)
        return EXIT_FAILED
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # The reader, such as `head`, has seen enough. Python would complain once more while flushing at exit.
        sys.stdout = None
        return EXIT_OK
    return code


def _predict(options: argparse.Namespace) -> int:
    from digits.recognizer import Recognizer

    recognizer = Recognizer.load(options.model)
    if not options.json:
        print(f"Using {recognizer.description}", file=sys.stderr)
    failed = 0
    for file in options.images:
        try:
            prediction = recognizer.recognize(_read_image(file, recognizer.limits))
        except (ImageError, OSError) as error:
            failed += 1
            message = error.strerror or str(error) if isinstance(error, OSError) else str(error)
            if options.json:
                print(json.dumps({"file": str(file), "error": message}))
            else:
                print(f"digits: {file}: {message}", file=sys.stderr)
            continue
        if options.json:
            answer = {
                "file": str(file),
                "predicted_digit": prediction.digit,
                "confidence": round(prediction.confidence, 6),
                "probabilities": [round(float(value), 6) for value in prediction.probabilities],
            }
            print(json.dumps(answer), flush=True)
        else:
            print(f"{file}: {prediction.digit} ({prediction.confidence_text})", flush=True)
    return EXIT_FAILED if failed else EXIT_OK


def _read_image(file: Path, limits: ImageLimits) -> bytes:
    """The file's bytes; one that is too large is not read whole."""
    with file.open("rb") as handle:
        data = handle.read(limits.max_bytes + 1)
    if len(data) > limits.max_bytes:
        from digits.errors import ImageTooLargeError

        raise ImageTooLargeError(too_many_bytes(limits.max_bytes))
    return data


def _model(options: argparse.Namespace) -> int:
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
        "ONNX digest": card.onnx_sha256,
    }
    for name, value in rows.items():
        if value is not None:
            print(f"{name + ':':20}{value}")
    return EXIT_OK


def _evaluate(options: argparse.Namespace) -> int:
    return _evaluate_model(options) if options.what.suffix == ".keras" else _evaluate_pictures(options)


def _evaluate_pictures(options: argparse.Namespace) -> int:
    from rich.console import Console
    from rich.progress import track

    from digits.labeled import read_labeled
    from digits.measure import measure
    from digits.recognizer import Recognizer

    recognizer = Recognizer.load(options.model)
    pictures = read_labeled(options.what)
    console = Console(stderr=True)
    watched = track(pictures, "Reading", console=console, transient=True, disable=not console.is_terminal)
    try:
        found = measure(recognizer, watched, options.save_mistakes)
    except OSError as error:
        print(f"digits: {error}", file=sys.stderr)
        return EXIT_FAILED
    if options.json:
        print(json.dumps({"model": recognizer.name} | found.to_json(), indent=1))
        return EXIT_OK
    print(f"{options.what}, read with {recognizer.description}")
    print(f"accuracy: {found.accuracy}, 95% interval in brackets")
    print(f"refused:  {found.refused}")
    for source, share in found.by_source.items():
        print(f"  {source}: {share}")
    if found.confused:
        print(f"most confused: {', '.join(found.confused)}")
    if found.left_out:
        print(f"left out: {found.left_out} whose label is not a digit")
    return EXIT_OK


def _evaluate_model(options: argparse.Namespace) -> int:
    from digits import mnist
    from digits.evaluation import confused_pairs, confusion_matrix, spread
    from digits.recognizer import Recognizer

    recognizer = Recognizer.load(options.what)
    data = mnist.load(options.data, say=lambda line: print(line, file=sys.stderr))
    read = recognizer.classify(data.x_test).argmax(axis=1)
    accuracy = float((read == data.y_test).mean())
    print(f"{recognizer.name}: test accuracy {accuracy:.2%} ({len(read):,} images)")
    print(f"Most confused: {', '.join(confused_pairs(confusion_matrix(data.y_test, read)))}")
    if options.seeds:
        from digits.fitting import TrainingConfig
        from digits.training import Run, accuracies_over_seeds

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


def _run(options: argparse.Namespace) -> int:
    from digits.launcher import run

    return run(options.api_port, options.app_port)


if __name__ == "__main__":
    raise SystemExit(main())
