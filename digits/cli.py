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
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path

from digits import __version__
from digits.arguments import EXIT_FAILED, EXIT_INTERRUPTED, EXIT_OK, ArgumentParser, whole_number
from digits.errors import DataMismatchError, DigitsError, ImageError, SettingError

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

    predict = commands.add_parser("predict", help="read the digits in images, a line per image")
    predict.add_argument(
        "images",
        nargs="+",
        type=Path,
        metavar="IMAGE",
        help="a PNG, JPEG, WebP, GIF, BMP or TIFF file, a folder of them, or an npz file (images)",
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
        nargs="+",
        type=Path,
        metavar="WHAT",
        help="a model file, to score on the MNIST test set; or a folder with a labels.csv (file, label and, if "
        "wanted, source) or an npz (images, labels), or several of them, to score the model in use on; a label that is "
        "no digit says what else a picture shows",
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
    from digits.recognizer import Picture, Recognizer
    from digits.sources import pictures_of

    recognizer = Recognizer.load(options.model)
    if not options.json:
        print(f"Using {recognizer.description}", file=sys.stderr)
    failed = 0
    names: deque[str] = deque()

    def pictures() -> Iterator[Picture | ImageError]:
        for name, picture in pictures_of(options.images, recognizer.limits.max_bytes):
            names.append(name)
            yield picture

    for found in recognizer.recognize_many(pictures()):
        name = names.popleft()
        if isinstance(found, ImageError):
            failed += 1
            if options.json:
                print(json.dumps({"file": name, "error": str(found)}))
            else:
                print(f"digits: {name}: {found}", file=sys.stderr)
        elif options.json:
            print(json.dumps({"file": name} | found.to_json()))
        else:
            doubt = "" if found.reason is None else f", not accepted: {found.reason.replace('_', ' ')}"
            print(f"{name}: {found.digit} ({found.confidence_text}{doubt})")
    return EXIT_FAILED if failed else EXIT_OK


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
        "accepted from": f"{recognizer.thresholds.confidence:.2%} confidence, {recognizer.thresholds.digit:.2%} for "
        "the two most likely digits together",
        "ONNX digest": card.onnx_sha256,
    }
    for name, value in rows.items():
        if value is not None:
            print(f"{name + ':':20}{value}")
    return EXIT_OK


def _evaluate(options: argparse.Namespace) -> int:
    models = [what for what in options.what if what.suffix == ".keras"]
    if models and len(options.what) > 1:
        raise SettingError("Name one model file, or folders and npz files, but not both.")
    return _evaluate_model(options, models[0]) if models else _evaluate_pictures(options)


def _evaluate_pictures(options: argparse.Namespace) -> int:
    from rich.console import Console
    from rich.progress import track

    from digits.labeled import read_labeled
    from digits.measure import measure
    from digits.recognizer import Recognizer

    recognizer = Recognizer.load(options.model)
    pictures = [picture for what in options.what for picture in read_labeled(what)]
    if not pictures:
        raise DataMismatchError(f"There is no picture to score in {', '.join(str(what) for what in options.what)}.")
    console = Console(stderr=True)
    watched = track(pictures, "Reading", console=console, transient=True, disable=not console.is_terminal)
    try:
        found = measure(recognizer, watched, options.save_mistakes)
    except OSError as error:
        print(f"digits: {error.filename or error}: {error.strerror or 'cannot be used'}", file=sys.stderr)
        return EXIT_FAILED
    if options.json:
        print(json.dumps({"model": recognizer.name} | found.to_json(), indent=1))
        return EXIT_OK
    print(f"{', '.join(str(what) for what in options.what)}, read with {recognizer.description}")
    print("95% intervals in brackets")
    if found.accuracy.n:
        print(f"accuracy: {found.accuracy}")
        for source, share in found.by_source.items():
            print(f"  {source}: {share}")
        print(f"accepted: {found.accepted}")
        if found.accepted_accuracy.n:
            print(f"accuracy of the accepted: {found.accepted_accuracy}")
    if found.confused:
        print(f"most confused: {', '.join(found.confused)}")
    for kind, share in found.rejected.items():
        print(f"rejected, {kind}: {share}")
    if found.auroc is not None:
        print(f"AUROC of digits against other things: {found.auroc:.4f}")
    if found.left_out:
        print(f"left out: {found.left_out} of several digits")
    return EXIT_OK


def _evaluate_model(options: argparse.Namespace, model: Path) -> int:
    from digits import mnist
    from digits.evaluation import confused_pairs, confusion_matrix, spread
    from digits.recognizer import Recognizer

    recognizer = Recognizer.load(model)
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
