"""Measures the API of Digits under load: python -m benchmarks.speed.under_load

Measures whether the large photos of one client delay the small images of others, whether memory grows over many
requests, and how many requests several workers answer. `--costly` measures instead how much one client delays the
others that sends the most costly of small pictures in a loop.
"""

import argparse
import http.client
import os
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

import cv2

from benchmarks.hostile.growing_pictures import GROWING
from benchmarks.hostile.rare_bombs import jpeg2000_passes
from benchmarks.support.client import FORM_TYPE, form
from benchmarks.support.images import PHOTO, SMALL, image_files
from benchmarks.support.machine import describe_machine, spread
from benchmarks.support.servers import DIGITS, load, running
from digits.cli.arguments import whole_number
from digits.model.artifact import read
from digits.numbers.reader import PAGE_SIDE
from digits.recognizer import shipped_model

_CONNECTIONS = 8


@contextmanager
def uploading(
    url: str, photos: Sequence[bytes], path: str = "/predict/", *, refused: bool = False
) -> Iterator[list[float]]:
    """Runs a client that uploads photos one after the other until the block ends.

    Args:
        url: the upload endpoint; only its host and port count.
        photos: the image files, which the client sends in turn.
        path: to which the client sends them.
        refused: whether a photo may also be refused because of what it shows.

    Yields:
        The seconds that each upload took; the list grows while the client runs.

    Raises:
        RuntimeError: a photo got another answer.
    """
    stop = threading.Event()
    taken: list[float] = []
    parts = urlsplit(url)
    bodies = [form([photo]) for photo in photos]
    failures: list[Exception] = []

    def upload() -> None:
        try:
            with closing(http.client.HTTPConnection(parts.netloc, timeout=60)) as connection:
                upload_until_stopped(connection)
        except Exception as error:  # noqa: BLE001 - raised below, in the thread that asked
            failures.append(error)

    def upload_until_stopped(connection: http.client.HTTPConnection) -> None:
        while not stop.is_set():
            start = time.perf_counter()
            body = bodies[len(taken) % len(bodies)]
            connection.request("POST", path, body, {"Content-Type": FORM_TYPE})
            answer = connection.getresponse()
            answer.read()
            if answer.status != 200 and not (refused and answer.status in (413, 422)):
                raise RuntimeError(f"A photo was answered with {answer.status} instead of 200.")
            taken.append(time.perf_counter() - start)

    thread = threading.Thread(target=upload)
    thread.start()
    try:
        yield taken
    finally:
        stop.set()
        thread.join()
    if failures:
        raise failures[0]


def measure_costly(image: bytes, environment: Mapping[str, str], rounds: int, seconds: int) -> None:
    """Prints how long small images take alone, and beside one client that sends a costly picture in a loop.

    Args:
        image: the small image file.
        environment: of the service.
        rounds: measurements of each, by turns.
        seconds: how long each of them takes.
    """
    print(
        "| picture | for | p99 alone | p99 beside it | times | each then took |\n| --- | --- | --- | --- | --- | --- |"
    )
    with running(DIGITS, image, environment) as server:
        load(server.url, image, raw=False, connections=_CONNECTIONS, seconds=1)
        for name, picture in costly_pictures().items():
            for path in ("/predict/", "/read/"):
                with uploading(server.url, [picture], path, refused=True):
                    # What the first picture of its kind loads is there now.
                    pass
                alone, beside, taken = [], [], list[float]()
                for _ in range(rounds):
                    alone.append(load(server.url, image, raw=False, connections=_CONNECTIONS, seconds=seconds).p99)
                    with uploading(server.url, [picture], path, refused=True) as seconds_each:
                        beside.append(load(server.url, image, raw=False, connections=_CONNECTIONS, seconds=seconds).p99)
                    taken += seconds_each
                cells = (
                    *(name, path, spread(alone, "ms", 1), spread(beside, "ms", 1)),
                    *(
                        f"{median(beside) / median(alone):.1f}",
                        f"{median(taken) * 1e3:.0f} ms (median, n = {len(taken)})",
                    ),
                )
                print(f"| {' | '.join(cells)} |", flush=True)


def costly_pictures() -> dict[str, bytes]:
    """Returns the pictures that `benchmarks.hostile.costs` found to take the most time, by name."""
    grown = {name: cv2.imencode(".png", GROWING[name](PAGE_SIDE))[1].tobytes() for name in ("boxes", "sticks", "rings")}
    return {**grown, "jpeg2000 passes": jpeg2000_passes()}


def main(argv: Sequence[str] | None = None) -> int:
    """Prints the figures; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=shipped_model(), help="default: the shipped one")
    parser.add_argument("--rounds", type=whole_number(1, 100), default=3, help="default: 3")
    parser.add_argument("--seconds", type=whole_number(1, 600), default=5, help="length of each load (default: 5)")
    parser.add_argument(
        "--requests",
        type=whole_number(1_000, 10_000_000),
        default=100_000,
        help="requests between the two measurements of memory (default: 100000)",
    )
    parser.add_argument("--costly", action="store_true", help="measure beside the most costly pictures alone")
    options = parser.parse_args(argv)
    files = image_files(1)
    image, photos = files[SMALL][0], files[PHOTO]
    environment = {"DIGITS_MODEL": str(options.model.resolve())}
    print(f"{read(options.model).card.recipe} network, 28x28 PNG as a form; {describe_machine()}\n")
    if options.costly:
        measure_costly(image, environment, options.rounds, options.seconds)
        return 0
    with running(DIGITS, image, environment) as server:
        load(server.url, image, raw=False, connections=_CONNECTIONS, seconds=1)
        alone, beside, seconds = [], [], []
        for _ in range(options.rounds):
            alone.append(load(server.url, image, raw=False, connections=_CONNECTIONS, seconds=options.seconds))
            with uploading(server.url, photos) as taken:
                beside.append(load(server.url, image, raw=False, connections=_CONNECTIONS, seconds=options.seconds))
            seconds += taken
        print(f"{_CONNECTIONS} connections: p99 {spread([each.p99 for each in alone], 'ms', 1)}")
        print(
            f"  while one client uploads 12-megapixel photos: p99 {spread([result.p99 for result in beside], 'ms', 1)}"
        )
        print(f"  each photo then took {median(seconds) * 1000.0:.0f} ms (median, n = {len(seconds)})")
        print(f"  errors: {sum(each.errors for each in alone + beside)}")
        before, sent = server.memory(), 0
        while sent < options.requests:
            sent += load(server.url, image, raw=False, connections=_CONNECTIONS, seconds=options.seconds).requests
        print(f"memory: {before:.0f} MB before, {server.memory():.0f} MB after {sent:,} more requests")
    for workers in range(1, (os.cpu_count() or 1) + 1):
        with running(DIGITS, image, environment, ("--workers", str(workers))) as server:
            load(server.url, image, raw=False, connections=64, seconds=1)
            rates = [
                load(server.url, image, raw=False, connections=64, seconds=options.seconds).rate
                for _ in range(options.rounds)
            ]
            memory = server.memory()
        print(f"{workers} worker(s): {spread(rates, 'requests/s at 64 connections', 0)}, memory {memory:.0f} MB")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
