"""`digits read`: reads whole numbers, with any count of digits and lines."""

import argparse
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from digits.cli.arguments import EXIT_FAILED, EXIT_OK, MODEL_HELP, Commands, add_images, add_page
from digits.cli.refusals import print_refusal, printable
from digits.errors import ImageError

if TYPE_CHECKING:
    from digits.numbers.document import DocumentReading


def add(commands: Commands) -> None:
    """Declares the command's arguments."""
    parser = commands.add_parser("read", help="read all digits in each image: numbers, dates, several lines")
    add_images(parser)
    parser.add_argument("--json", action="store_true", help="print JSON lines, with a box for each digit")
    parser.add_argument(
        "--expect",
        metavar="PATTERN",
        help="what each line must hold: a count of digits (4, 4-6), or a mask in which # is a digit and #+ one or "
        "more (####, ##/##/####, #+.##)",
    )
    add_page(parser, "all pages")
    parser.add_argument("--model", type=Path, metavar="FILE", help=MODEL_HELP)
    parser.set_defaults(command=run)


def run(options: argparse.Namespace) -> int:
    """Reads the images; returns the exit code."""
    from digits.answers import ReadResponse
    from digits.images.refusals import no_such_page
    from digits.images.sources import pictures_of
    from digits.numbers.document import DocumentReading, PageReading, read_document
    from digits.numbers.expectation import parse_expectation
    from digits.numbers.reader import read_picture
    from digits.recognizer import Recognizer

    if options.expect is not None:
        # A pattern that cannot be understood is one error, not one for each image.
        parse_expectation(options.expect)
    recognizer = Recognizer.load(options.model)
    if not options.json:
        print(f"Using {recognizer.description}", file=sys.stderr)
    failed = 0
    for name, picture in pictures_of(options.images, recognizer.limits.max_bytes):
        start = time.perf_counter()
        try:
            if isinstance(picture, ImageError):
                raise picture
            if isinstance(picture, bytes):
                document = read_document(recognizer, picture, options.page, options.expect)
            elif options.page not in (None, 1):
                raise no_such_page(options.page, 1)
            else:
                reading = read_picture(recognizer, picture, expect=options.expect)
                document = DocumentReading((PageReading(1, reading),))
        except ImageError as error:
            failed += 1
            print_refusal(name, error, as_json=options.json)
            continue
        if options.json:
            taken = round((time.perf_counter() - start) * 1000.0, 3)
            answer = ReadResponse.timed(document, taken).model_dump(exclude_unset=True)
            print(json.dumps({"file": name} | answer))
        else:
            _print_lines(printable(name), document)
    return EXIT_FAILED if failed else EXIT_OK


def _print_lines(name: str, document: "DocumentReading") -> None:
    """Prints the lines of a document, with the page of each if there are several pages."""
    for page in document.pages:
        place = f"{name}, page {page.page} of {document.page_count}" if document.page_count > 1 else name
        if page.problem:
            print(f"digits: {place}: {page.problem}", file=sys.stderr)
        for number, line in enumerate(page.reading.lines):
            if line:
                reason = page.reading.reason_of(number)
                doubt = "" if reason is None else f" (not accepted: {reason.replace('_', ' ')})"
                written = page.reading.transcript_lines[number]
                # Nothing is left out without a word.
                signs = f" [{written}]" if written != line else ""
                print(f"{place}: {line}{signs}{doubt}")
