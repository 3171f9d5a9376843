"""`digits read`: reads whole numbers, with any count of digits and lines."""

import argparse
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from digits.cli.arguments import EXIT_FAILED, EXIT_OK, MODEL_HELP, Commands, add_command, add_images, add_page
from digits.cli.refusals import print_refusal, printable
from digits.errors import ImageError, ProcessStartError

if TYPE_CHECKING:
    from digits.numbers.document import DocumentReading
    from digits.numbers.reading import Reading


def add(commands: Commands) -> None:
    """Declares the command's arguments."""
    parser = add_command(commands, "read", "read all digits in each image: numbers, dates, several lines")
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
        except (ImageError, ProcessStartError) as error:
            failed += 1
            print_refusal(name, error, as_json=options.json)
            continue
        if options.json:
            taken = round((time.perf_counter() - start) * 1000.0, 3)
            answer = ReadResponse.timed(document, taken).model_dump(exclude_unset=True)
            print(json.dumps({"file": name} | answer))
        else:
            _print_lines(printable(name), document)
        # In the order of the files, beside errors on standard error.
        sys.stdout.flush()
    return EXIT_FAILED if failed else EXIT_OK


def _print_lines(name: str, document: "DocumentReading") -> None:
    """Prints the lines of a document, with the page of each if there are several pages."""
    is_doubted = False
    for page in document.pages:
        place = f"{name}, page {page.page} of {document.page_count}" if document.page_count > 1 else name
        if page.problem:
            print(f"digits: {place}: {page.problem}", file=sys.stderr)
        for number, line in enumerate(page.reading.lines):
            # Nothing is left out without a word, such as a line that holds only signs.
            if written := page.reading.transcript_lines[number]:
                parts = (line, f"[{written}]" if written != line else "", _doubt(page.reading.reason_of(number)))
                print(f"{place}: {' '.join(filter(None, parts))}")
        is_doubted |= _print_doubt_of_all(place, page.reading)
    if not is_doubted and len(document.pages) > 1:
        _print_doubt_of_all(name, document.joined)


def _print_doubt_of_all(place: str, reading: "Reading") -> bool:
    """Says if lines are not accepted together; returns whether any is not accepted, alone or with the others."""
    count = len(reading.line_confidences)
    if not any(map(reading.reason_of, range(count))) and count > 1 and reading.reason is not None:
        print(
            f"{place}: {_doubt(reading.reason)} Each of the {count} lines is more likely right than wrong, but that "
            f"all are right has a probability of {reading.confidence:.0%}."
        )
    return count > 0 and not reading.accepted


def _doubt(reason: str | None) -> str:
    return "" if reason is None else f"(not accepted: {reason.replace('_', ' ')})"
