"""`digits predict`: reads the digit in each image."""

import argparse
import json
import sys
from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from digits.cli.arguments import EXIT_FAILED, EXIT_OK, MODEL_HELP, Commands, add_command, add_images, add_page
from digits.cli.refusals import print_refusal, printable
from digits.errors import DigitsError, ProcessStartError

if TYPE_CHECKING:
    from digits.images.sources import Named, Unopened
    from digits.recognizer import Prediction, Recognizer


def add(commands: Commands) -> None:
    """Declares the command's arguments."""
    parser = add_command(commands, "predict", "read the digit in each image")
    add_images(parser)
    answers = parser.add_mutually_exclusive_group()
    answers.add_argument("--json", action="store_true", help="print JSON lines")
    answers.add_argument(
        "--out",
        type=Path,
        metavar="FOLDER",
        help="write the answers to Parquet files in this folder, on all cores; images may also come from Parquet files "
        "with a column image; an image that cannot be read is a row with its error; the same command goes on after a "
        "stop",
    )
    parser.add_argument(
        "--engine",
        choices=("local", "ray"),
        default="local",
        help="with --out: compute on this machine (default), or on the Ray cluster that RAY_ADDRESS names, whose nodes "
        "see the same folders",
    )
    add_page(parser, "page 1")
    parser.add_argument("--model", type=Path, metavar="FILE", help=MODEL_HELP)
    parser.set_defaults(command=run, refuse=parser.error, page=1)


def run(options: argparse.Namespace) -> int:
    """Reads the images; returns the exit code."""
    if options.out is not None:
        if options.page != 1:
            options.refuse("--page cannot be used with --out, which reads page 1 of each file")
        return _run_bulk(options)
    if options.engine != "local":
        options.refuse("--engine ray needs --out FOLDER")
    from digits.answers import BatchPrediction
    from digits.images.sources import pictures_of
    from digits.recognizer import Recognizer

    recognizer = Recognizer.load(options.model)
    if not options.json:
        print(f"Using {recognizer.description}", file=sys.stderr)
    failed = 0
    pictures = pictures_of(options.images, recognizer.limits.max_bytes)
    for name, answer, page_count in _answers(recognizer, pictures, options.page):
        if isinstance(answer, DigitsError):
            failed += 1
            print_refusal(name, answer, as_json=options.json)
        elif options.json:
            fields = BatchPrediction.of(answer, options.page, page_count).model_dump(exclude_unset=True)
            print(json.dumps({"file": name} | fields), flush=True)
        else:
            doubt = "" if answer.reason is None else f", not accepted: {answer.reason.replace('_', ' ')}"
            page = f", page {options.page} of {page_count}" if page_count > 1 else ""
            print(f"{printable(name)}: {answer.digit} ({answer.confidence_text}{doubt}{page})", flush=True)
    return EXIT_FAILED if failed else EXIT_OK


def _answers(
    recognizer: "Recognizer", pictures: "Iterable[Named]", page: int
) -> "Iterator[tuple[str, Prediction | DigitsError, int]]":
    """Yields for each picture its name, the answer or why there is none, and how many pages its file has."""
    from digits.images.sources import open_each

    remaining = iter(pictures)
    # What was taken and has no answer yet: several are read at a time.
    waiting: deque[Named] = deque()

    def taken() -> "Iterator[Unopened]":
        for named in remaining:
            waiting.append(named)
            yield named[1]

    def read(pictures: "Iterable[Unopened]") -> "Iterator[tuple[str, Prediction | DigitsError, int]]":
        page_counts: list[int] = []
        answers = recognizer.recognize_many(open_each(pictures, recognizer.limits, page_counts, page))
        for number, answer in enumerate(answers):
            yield waiting.popleft()[0], answer, page_counts[number]

    is_done = False
    while not is_done:
        try:
            yield from read(taken())
            is_done = True
        except ProcessStartError:
            # One of them needs a process, and the others do not: each alone.
            while waiting:
                try:
                    yield from read([waiting[0][1]])
                except ProcessStartError as error:
                    yield waiting.popleft()[0], error, 1


def _run_bulk(options: argparse.Namespace) -> int:
    from digits.bulk.job import opened_job
    from digits.bulk.progress import Progress
    from digits.bulk.tables import require_parquet
    from digits.bulk.workers import score_all
    from digits.model.artifact import read
    from digits.recognizer import find_model

    require_parquet()
    if options.engine == "ray":
        from digits.bulk.on_ray import require_ray, score_all_on_ray

        require_ray()
    model = options.model or find_model()
    artifact = read(model)
    with opened_job(options.images, model, options.out) as job, Progress(job, sys.stderr) as progress:
        if options.engine == "ray":
            counts = score_all_on_ray(job, model)
        else:
            counts = score_all(job.unfinished(), artifact, job.out)
        for rows, errors in counts:
            progress.add(rows, errors)
    return EXIT_OK
