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
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="write Parquet files there; goes on after a stop")
    parser.set_defaults(command=run)


def run(options: argparse.Namespace) -> int:
    """Reads the images; returns the exit code."""
    if options.out is not None:
        return _run_bulk(options)
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


def _run_bulk(options: argparse.Namespace) -> int:
    from digits.artifact import read
    from digits.bulk.job import open_job, require_parquet, run_local, unfinished
    from digits.recognizer import find_model

    require_parquet()
    model, out = options.model or find_model(), options.out.resolve()
    artifact = read(model)
    open_job(options.images, model, out)
    rows = errors = 0
    for found, failed in run_local(unfinished(out), artifact, out):
        rows, errors = rows + found, errors + failed
    print(f"{options.out}: {rows:,} rows written, {errors:,} of them errors", file=sys.stderr)
    return EXIT_OK
