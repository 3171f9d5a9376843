"""Measures the API of Digits under load: python -m benchmarks.speed.under_load

Measures whether the large photos of one client delay the small images of others, whether memory grows over many
requests, and how many requests several workers answer.
"""

import argparse
import http.client
import os
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

from benchmarks.support.client import FORM_TYPE, form
from benchmarks.support.images import PHOTO, SMALL, image_files
from benchmarks.support.machine import describe_machine, spread
from benchmarks.support.servers import DIGITS, load, running
from digits.cli.arguments import whole_number
from digits.model.artifact import read
from digits.recognizer import shipped_model

_CONNECTIONS = 8


@contextmanager
def uploading(url: str, photos: Sequence[bytes]) -> Iterator[list[float]]:
    """Runs a client that uploads photos one after the other until the block ends.

    Args:
        url: the upload endpoint.
        photos: the image files, which the client sends in turn.

    Yields:
        The seconds that each upload took; the list grows while the client runs.

    Raises:
        RuntimeError: a photo got an answer other than 200.
    """
    stop = threading.Event()
    taken: list[float] = []
    parts = urlsplit(url)
    bodies = [form([photo]) for photo in photos]
    failures: list[Exception] = []

    def upload() -> None:
        try:
            upload_until_stopped()
        except Exception as error:  # noqa: BLE001 - raised below, in the thread that asked
            failures.append(error)

    def upload_until_stopped() -> None:
        connection = http.client.HTTPConnection(parts.netloc, timeout=60)
        while not stop.is_set():
            start = time.perf_counter()
            body = bodies[len(taken) % len(bodies)]
            connection.request("POST", parts.path, body, {"Content-Type": FORM_TYPE})
            answer = connection.getresponse()
            answer.read()
            if answer.status != 200:
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
    options = parser.parse_args(argv)
    files = image_files(1)
    image, photos = files[SMALL][0], files[PHOTO]
    environment = {"DIGITS_MODEL": str(options.model.resolve())}
    print(f"{read(options.model).card.recipe} network, 28x28 PNG as a form; {describe_machine()}\n")
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
