"""`digits convert`: makes a model file of Digits from a model that was made elsewhere."""

import argparse
import sys
from pathlib import Path

from digits.cli.arguments import EXIT_OK, Commands, add_command, add_keep, keras_file
from digits.errors import DataError
from digits.model.foreign import converted_path


def add(commands: Commands) -> None:
    """Declares the command's arguments."""
    parser = add_command(
        commands, "convert", "make a model file of Digits from a model made elsewhere (training install)"
    )
    parser.add_argument(
        "model",
        type=Path,
        metavar="MODEL",
        help="a .keras or .h5 file of Keras, a SavedModel folder, or an ONNX file; the network must read 28x28 images "
        "of digits",
    )
    parser.add_argument(
        "--out", type=keras_file, metavar="FILE", help="the file to write (default: MODEL-digits.keras, beside MODEL)"
    )
    parser.add_argument(
        "--mnist", type=Path, metavar="FILE", help="an mnist.npz to measure and calibrate with, instead of a download"
    )
    add_keep(parser)
    parser.set_defaults(command=run)


def run(options: argparse.Namespace) -> int:
    """Converts and says what came of it; returns the exit code."""
    from digits.data import mnist
    from digits.training.keras_install import require_keras

    require_keras()
    from digits.training.conversion import convert, describe

    try:
        data = mnist.load(options.mnist, say=lambda line: print(line, file=sys.stderr))
    except DataError as error:
        if options.mnist:
            raise
        print(f"digits: {error}", file=sys.stderr)
        data = None
    out = options.out or converted_path(options.model)
    card = convert(options.model, out, data, options.command_line, options.keep)
    print("\n".join(describe(card)))
    print(f"Model: {out}. Use it with --model {out}, or DIGITS_MODEL={out}")
    return EXIT_OK
