"""`digits quantize`: adds an int8 form to a model file."""

import argparse
import sys
from pathlib import Path

from digits.cli.arguments import EXIT_OK, MODEL_HELP, Commands


def add(commands: Commands) -> None:
    """Declares the command's arguments."""
    parser = commands.add_parser(
        "quantize", help="add to a model file the int8 form that DIGITS_PRECISION=int8 serves (training install)"
    )
    parser.add_argument("model", type=Path, nargs="?", metavar="MODEL", help=MODEL_HELP)
    parser.add_argument(
        "--data",
        type=Path,
        metavar="SOURCE",
        help="the data that the model was trained on with --data, or an mnist.npz (default: MNIST, downloaded)",
    )
    parser.set_defaults(command=run)


def run(options: argparse.Namespace) -> int:
    """Quantizes and says what came of it; returns the exit code."""
    from digits.data import mnist
    from digits.recognizer import find_model
    from digits.training.keras_install import require_keras

    require_keras()
    from digits.training.extra.own_data import load_data
    from digits.training.quantization import describe, quantize

    def say(line: str) -> None:
        print(line, file=sys.stderr)

    path = options.model or find_model()
    data = load_data(options.data, say) if options.data else mnist.load(say=say)
    card = quantize(path, data, options.command_line)
    print("\n".join(describe(card)))
    print(f"Model: {path}. DIGITS_PRECISION=int8 serves this form where the processor is fit for it")
    return EXIT_OK
