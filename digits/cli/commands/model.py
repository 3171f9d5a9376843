"""`digits model`: shows the model in use, how it was made, and how good it is."""

import argparse
import json
from pathlib import Path

from digits.cli.arguments import EXIT_OK, MODEL_HELP, Commands


def add(commands: Commands) -> None:
    """Declares the command's arguments."""
    parser = commands.add_parser("model", help="show the model in use, how it was made, and how good it is")
    parser.add_argument("--json", action="store_true", help="print the whole card as JSON")
    parser.add_argument("--model", type=Path, metavar="FILE", help=MODEL_HELP)
    parser.set_defaults(command=run)


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
    }
    for name, value in rows.items():
        if value is not None:
            print(f"{name + ':':20}{value}")
    for note in recognizer.notes:
        print(note)
    return EXIT_OK
