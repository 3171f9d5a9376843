"""`digits read`: read whole numbers, of any count of digits and lines."""

import argparse
import json
import sys
from pathlib import Path

from digits.arguments import EXIT_FAILED, EXIT_OK, MODEL_HELP, Commands
from digits.errors import ImageError


def add(commands: Commands) -> None:
    """Declares the command's arguments."""
    parser = commands.add_parser("read", help="read all digits in images: numbers, dates, several lines")
    parser.add_argument(
        "images",
        nargs="+",
        type=Path,
        metavar="IMAGE",
        help="a PNG, JPEG, WebP, GIF, BMP or TIFF file, a folder of them, or an npz file (images)",
    )
    parser.add_argument("--json", action="store_true", help="print JSON lines, with a box for each digit")
    parser.add_argument("--model", type=Path, metavar="FILE", help=MODEL_HELP)
    parser.set_defaults(command=run)


def run(options: argparse.Namespace) -> int:
    """Reads the images; returns the exit code."""
    from digits.reading import read_picture
    from digits.recognizer import Recognizer
    from digits.sources import pictures_of

    recognizer = Recognizer.load(options.model)
    if not options.json:
        print(f"Using {recognizer.description}", file=sys.stderr)
    failed = 0
    for name, picture in pictures_of(options.images, recognizer.limits.max_bytes):
        try:
            if isinstance(picture, ImageError):
                raise picture
            found = read_picture(recognizer, picture)
        except ImageError as error:
            failed += 1
            if options.json:
                print(json.dumps({"file": name, "error": str(error)}))
            else:
                print(f"digits: {name}: {error}", file=sys.stderr)
            continue
        if options.json:
            print(json.dumps({"file": name} | found.to_json()))
        else:
            print(f"{name}: {' / '.join(line for line in found.lines if line)}")
    return EXIT_FAILED if failed else EXIT_OK
