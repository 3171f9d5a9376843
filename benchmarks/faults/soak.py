"""Sends the service many requests, good and bad: python -m benchmarks.faults.soak --requests 500000

Several clients send a seeded mixture over connections that they keep open: digits in forms, as bodies and in batches,
photos, blank and damaged images, malformed requests, and slow and abandoned uploads. The benchmark prints the answers
to each kind, how long they took at the start and at the end, and how much memory the service used. It exits with 1 if
an answer differs from the expected digit or problem, if an answer is missing, or if memory grew by more than 5%.
"""

import argparse
import json
import random
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from statistics import quantiles
from typing import Any

import numpy as np

from benchmarks.support.client import (
    Answer,
    Connection,
    UnansweredError,
    address_of,
    request,
    upload,
    upload_batch,
    upload_raw,
)
from benchmarks.support.images import PHOTO, SMALL, encode, image_files
from benchmarks.support.machine import describe_machine
from benchmarks.support.servers import SERVE, running
from digits.cli.arguments import EXIT_FAILED, EXIT_OK, whole_number
from digits.errors import (
    BrokenImageError,
    DigitsError,
    EmptyFileError,
    ImageError,
    NoInkError,
    UnsupportedFormatError,
)
from digits.recognizer import Recognizer, shipped_model
from digits.service.errors import MalformedFormError, UnsupportedMediaTypeError
from digits.service.problems import BLANK, MEDIA_TYPE, PROBLEMS, problem_of

_SLOW, _LEAVES = "slow upload", "abandoned upload"


# The share by which the memory of the service may grow.
GROWTH = 0.05


@dataclass(frozen=True)
class Ask:
    """A request and the right answer to it.

    Args:
        data: the request's bytes.
        status: the HTTP status of the answer.
        told: the digit, or the problem's type; for a batch, one for each file.
    """

    data: bytes
    status: int
    told: int | str | tuple[int | str, ...]


@dataclass(frozen=True)
class Kind:
    """A kind of request.

    Args:
        share: its weight among all kinds.
        asks: the requests of this kind that clients choose from.
    """

    share: float
    asks: tuple[Ask, ...]


@dataclass
class Outcome:
    """What one client saw, by kind of request: the answers, and the seconds of the first and the last tenth."""

    statuses: dict[str, Counter[str]] = field(default_factory=dict)
    first: dict[str, list[float]] = field(default_factory=dict)
    last: dict[str, list[float]] = field(default_factory=dict)

    def add(self, other: "Outcome") -> None:
        """Adds what another client saw."""
        for name, counts in other.statuses.items():
            self.statuses.setdefault(name, Counter()).update(counts)
        for mine, theirs in ((self.first, other.first), (self.last, other.last)):
            for name, seconds in theirs.items():
                mine.setdefault(name, []).extend(seconds)


def kinds(seed: int) -> dict[str, Kind]:
    """Returns the mixture by kind. The same model, in this process, says what each image shows.

    Args:
        seed: seed of the images.
    """
    files, recognizer = image_files(16, seed), Recognizer.load(shipped_model(), precision="auto")
    small = tuple(files[SMALL])
    blank = encode(np.full((64, 64), 255, np.uint8))
    text = {"Content-Type": "text/csv"}

    def asks(images: Iterable[bytes], ask: Callable[[bytes], bytes]) -> tuple[Ask, ...]:
        return tuple(Ask(ask(image), *_right_answer(recognizer, image)) for image in images)

    def asked(data: bytes, error: type[DigitsError]) -> tuple[Ask, ...]:
        return (Ask(data, PROBLEMS[error].status, PROBLEMS[error].type),)

    together = tuple(_right_answer(recognizer, image)[1] for image in small[:8])
    malformed = upload(small[0]).replace(b"--digits", b"--damage")
    forms = asks(small, upload)
    return {
        "28x28 form": Kind(50, forms),
        "28x28 raw": Kind(25, asks(small, upload_raw)),
        "batch of 8": Kind(1, (Ask(upload_batch(small[:8]), 200, together),)),
        "12-megapixel photo": Kind(0.1, asks(files[PHOTO][:2], upload)),
        "blank": Kind(5, asked(upload(blank), NoInkError)),
        "damaged": Kind(5, tuple(asked(upload(file[: len(file) // 2]), BrokenImageError)[0] for file in small)),
        "no image": Kind(4, asked(upload(b"only text"), UnsupportedFormatError)),
        "empty file": Kind(2, asked(upload(b""), EmptyFileError)),
        "malformed form": Kind(3, asked(malformed, MalformedFormError)),
        "wrong media type": Kind(3, asked(request("POST", "/predict/", text, b"{}"), UnsupportedMediaTypeError)),
        "unknown path": Kind(1, (Ask(request("GET", "/nowhere"), 404, BLANK),)),
        _SLOW: Kind(0.3, forms),
        _LEAVES: Kind(0.6, forms),
    }


def _right_answer(recognizer: Recognizer, image: bytes) -> tuple[int, int | str]:
    """Returns the HTTP status, and the digit or the problem's type."""
    try:
        return 200, recognizer.recognize(image).digit
    except ImageError as error:
        # A digit that looks like several is a problem of its own.
        return problem_of(error).status, problem_of(error).type


def is_right(answer: Answer, ask: Ask) -> bool:
    """Returns whether a request got the right answer."""
    try:
        body = json.loads(answer.body)
        if answer.status != 200:
            return (answer.status, answer.media_type, body["type"]) == (ask.status, MEDIA_TYPE, ask.told)
        return bool(answer.status == ask.status and _told(body) == ask.told)
    except (KeyError, TypeError, ValueError):
        return False


def _told(body: Mapping[str, Any]) -> int | str | tuple[int | str, ...]:
    """Returns the digit of an answer; for a batch, the digit or the problem's type for each file."""
    if "results" not in body:
        return int(body["predicted_digit"])
    return tuple(
        result["prediction"]["predicted_digit"] if result["prediction"] else result["problem"]["type"]
        for result in body["results"]
    )


def send(address: tuple[str, int], mixture: Mapping[str, Kind], seed: int, count: int) -> Outcome:
    """Sends requests one after the other, as one client.

    Args:
        address: host and port of the service.
        mixture: the kinds of requests.
        seed: seed of their order.
        count: the number of requests.
    """
    rng, outcome = random.Random(seed), Outcome()  # noqa: S311
    names = rng.choices(list(mixture), [kind.share for kind in mixture.values()], k=count)
    with Connection(address, 60.0) as connection:
        for number, name in enumerate(names):
            kind = mixture[name]
            ask = rng.choice(kind.asks)
            data = ask.data
            counts = outcome.statuses.setdefault(name, Counter())
            try:
                if name == _LEAVES:
                    connection.connect().sendall(data[: len(data) // 2])
                    connection.close()
                    counts["left"] += 1
                    continue
                half = len(data) // 2
                answer = (
                    connection.exchange(data[:half], data[half:], pause=0.05)
                    if name == _SLOW
                    else connection.exchange(data)
                )
            except UnansweredError as error:
                counts[error.loss] += 1
                continue
            except OSError:
                connection.close()
                counts["unsent"] += 1
                continue
            expected = is_right(answer, ask)
            counts[f"{answer.status}{'' if expected else ' (unexpected)'}"] += 1
            if number < count // 10:
                outcome.first.setdefault(name, []).append(answer.seconds)
            elif number >= count - count // 10:
                outcome.last.setdefault(name, []).append(answer.seconds)
    return outcome


def soak(address: tuple[str, int], mixture: Mapping[str, Kind], requests: int, clients: int, seed: int) -> Outcome:
    """Sends requests from several clients, each in a process of its own; returns what all of them saw.

    Args:
        address: host and port of the service.
        mixture: the kinds of requests.
        requests: the number of requests of all clients together.
        clients: the number of clients.
        seed: seed of the first client; the next ones have the next numbers.
    """
    outcome = Outcome()
    with ProcessPoolExecutor(clients, get_context("spawn")) as pool:
        shares = [requests // clients + (i < requests % clients) for i in range(clients)]
        for seen in pool.map(send, [address] * clients, [mixture] * clients, range(seed, seed + clients), shares):
            outcome.add(seen)
    return outcome


def unexpected(outcome: Outcome) -> int:
    """Returns how many requests got another answer than expected, or none."""
    return sum(
        count
        for counts in outcome.statuses.values()
        for answer, count in counts.items()
        if not (answer.isdecimal() or answer == "left")
    )


def table(outcome: Outcome) -> str:
    """Returns a table in Markdown: for each kind the answers, and p50 and p99 of the first and the last tenth in ms."""
    lines = ["| requests | answers | p50, p99 of the first tenth | of the last tenth |", "| --- | --- | --- | --- |"]
    for name, counts in sorted(outcome.statuses.items()):
        answers = ", ".join(f"{answer}: {count:,}" for answer, count in sorted(counts.items()))
        first, last = (_percentiles(times.get(name, [])) for times in (outcome.first, outcome.last))
        lines.append(f"| {name} | {answers} | {first} | {last} |")
    return "\n".join(lines)


def _percentiles(seconds: Sequence[float]) -> str:
    if len(seconds) < 2:
        return ""
    cuts = quantiles(seconds, n=100)
    return f"{cuts[49] * 1e3:.1f} ms, {cuts[98] * 1e3:.1f} ms (n = {len(seconds):,})"


def main(argv: Sequence[str] | None = None) -> int:
    """Prints the table; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=whole_number(100, 100_000_000), default=500_000, help="default: 500000")
    parser.add_argument("--clients", type=whole_number(1, 100), default=6, help="default: 6")
    parser.add_argument("--workers", type=whole_number(1, 100), default=1, help="workers of the service (default: 1)")
    parser.add_argument("--seed", type=whole_number(0, 2**31), default=0, help="default: 0")
    options = parser.parse_args(argv)
    environment = {"DIGITS_MODEL": str(shipped_model()), "DIGITS_ACCESS_LOG": "false"}
    mixture = kinds(options.seed)
    image = image_files(1)[SMALL][0]
    print(f"{options.requests:,} requests from {options.clients} clients; {describe_machine()}\n", flush=True)
    with running(SERVE, image, environment, ("--workers", str(options.workers))) as server:
        address = address_of(server.url)
        # Warms up, so that threads, caches and the heap reach their final size. The heap grows by a step whenever
        # several rare and large requests first meet, and a photo is one of a thousand requests.
        soak(address, mixture, max(200, options.requests // 10), options.clients, options.seed + 1_000)
        before = server.memory()
        outcome = soak(address, mixture, options.requests, options.clients, options.seed)
        after = server.memory()
    print(table(outcome))
    print(f"\nunexpected or unanswered: {unexpected(outcome)} of {options.requests:,}")
    growth = after / before - 1.0
    print(f"memory: {before:.0f} MB at the start, {after:.0f} MB at the end ({growth:+.1%}; {GROWTH:.0%} are allowed)")
    return verdict(outcome, growth)


def verdict(outcome: Outcome, growth: float) -> int:
    """Returns the exit code for the outcome of the requests and the share by which memory grew."""
    return EXIT_FAILED if unexpected(outcome) or growth > GROWTH else EXIT_OK


if __name__ == "__main__":
    raise SystemExit(main())
