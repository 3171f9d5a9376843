"""`digits predict`: read the digits in images."""

import argparse
import json
import sys
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from digits.arguments import EXIT_FAILED, EXIT_OK, MODEL_HELP, Commands
from digits.errors import ImageError


def add(commands: Commands) -> None:
    """Declares the command's arguments."""
    parser = commands.add_parser("predict", help="read the digits in images, a line per image")
    parser.add_argument(
        "images",
        nargs="+",
        type=Path,
        metavar="IMAGE",
        help="a PNG, JPEG, WebP, GIF, BMP or TIFF file, a folder of them, or an npz file (images)",
    )
    parser.add_argument("--json", action="store_true", help="print JSON lines")
    parser.add_argument("--model", type=Path, metavar="FILE", help=MODEL_HELP)
    parser.set_defaults(command=run)


def run(options: argparse.Namespace) -> int:
    """Reads the images; returns the exit code."""
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
