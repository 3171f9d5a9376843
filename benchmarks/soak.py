"""What becomes of the service under many requests, good and bad: python -m benchmarks.soak --requests 500000

Several clients send a seeded mixture over connections that they keep: digits as forms, raw and in batches, photos,
blank and damaged images, malformed requests, slow and abandoned uploads. Prints what each kind was answered, how long
that took at the start and at the end, and how much memory the service took. Exits with 1 if an answer was not the one
expected, or if one failed to come.
"""

import argparse
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from statistics import quantiles

import numpy as np

from benchmarks.client import Connection, UnansweredError, address_of, request, upload, upload_batch, upload_raw
from benchmarks.images import PHOTO, SMALL, encode, image_files
from benchmarks.machine import describe_machine
from benchmarks.servers import SERVE, running
from digits.arguments import EXIT_FAILED, EXIT_OK, whole_number
from digits.recognizer import shipped_model

_SLOW, _LEAVES = "slow upload", "abandoned upload"


@dataclass(frozen=True)
class Kind:
    """A kind of request.

    Args:
        share: how many of all, in parts of the sum of all shares.
        requests: some of them, as bytes.
        statuses: with which it may be answered.
    """

    share: float
    requests: tuple[bytes, ...]
    statuses: frozenset[int]


@dataclass
class Outcome:
    """What one client saw; times in seconds."""

    statuses: dict[str, Counter[str]] = field(default_factory=dict)
    first: dict[str, list[float]] = field(default_factory=dict)
    last: dict[str, list[float]] = field(default_factory=dict)

    def add(self, other: "Outcome") -> None:
        """Takes in what another client saw."""
        for name, counts in other.statuses.items():
            self.statuses.setdefault(name, Counter()).update(counts)
        for mine, theirs in ((self.first, other.first), (self.last, other.last)):
            for name, seconds in theirs.items():
                mine.setdefault(name, []).extend(seconds)


def kinds(seed: int) -> dict[str, Kind]:
    """The mixture."""
    files = image_files(16, seed)
    small = tuple(files[SMALL])
    blank = encode(np.full((64, 64), 255, np.uint8))
    ok, refused = frozenset({200}), frozenset({422})
    digit = ok | refused  # A digit that the network finds to be several is a problem of its own.
    text = {"Content-Type": "application/json"}
    damaged = tuple(one[: len(one) // 2] for one in small)
    return {
        "28x28 form": Kind(50, tuple(map(upload, small)), digit),
        "28x28 raw": Kind(25, tuple(map(upload_raw, small)), digit),
        "batch of 8": Kind(1, (upload_batch(small[:8]),), ok),
        "12-megapixel photo": Kind(0.1, tuple(map(upload, files[PHOTO][:2])), digit),
        "blank": Kind(5, (upload(blank),), refused),
        "damaged": Kind(5, tuple(map(upload, damaged)), refused),
        "no image": Kind(4, (upload(b"only text"),), frozenset({415})),
        "empty file": Kind(2, (upload(b""),), refused),
        "malformed form": Kind(3, (upload(small[0]).replace(b"--digits", b"--damage"),), frozenset({400, 422})),
        "wrong media type": Kind(3, (request("POST", "/predict/", text, b"{}"),), frozenset({415})),
        "unknown path": Kind(1, (request("GET", "/nowhere"),), frozenset({404})),
        _SLOW: Kind(0.3, tuple(map(upload, small)), digit),
        _LEAVES: Kind(0.6, tuple(map(upload, small)), frozenset()),
    }


def send(address: tuple[str, int], mixture: Mapping[str, Kind], seed: int, count: int) -> Outcome:
    """One client: sends requests one after the other.

    Args:
        address: of the service.
        mixture: what to send.
        seed: of its order.
        count: how many.
    """
    rng, outcome = random.Random(seed), Outcome()  # noqa: S311
    names = rng.choices(list(mixture), [kind.share for kind in mixture.values()], k=count)
    with Connection(address, 60.0) as connection:
        for number, name in enumerate(names):
            kind = mixture[name]
            data = rng.choice(kind.requests)
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
            expected = answer.status in kind.statuses
            counts[f"{answer.status}{'' if expected else ' (unexpected)'}"] += 1
            if number < count // 10:
                outcome.first.setdefault(name, []).append(answer.seconds)
            elif number >= count - count // 10:
                outcome.last.setdefault(name, []).append(answer.seconds)
    return outcome


def soak(address: tuple[str, int], mixture: Mapping[str, Kind], requests: int, clients: int, seed: int) -> Outcome:
    """Sends so many requests of a mixture from so many clients, each a process of its own."""
    outcome = Outcome()
    with ProcessPoolExecutor(clients, get_context("spawn")) as pool:
        shares = [requests // clients + (i < requests % clients) for i in range(clients)]
        for one in pool.map(send, [address] * clients, [mixture] * clients, range(seed, seed + clients), shares):
            outcome.add(one)
    return outcome


def unexpected(outcome: Outcome) -> int:
    """How many requests were answered otherwise than expected, or not at all."""
    return sum(
        count
        for counts in outcome.statuses.values()
        for what, count in counts.items()
        if not (what.isdecimal() or what == "left")
    )


def table(outcome: Outcome) -> str:
    """What each kind was answered, and its p50 and p99 in the first and the last tenth, in ms."""
    lines = ["| requests | answers | p50, p99 of the first tenth | of the last tenth |", "| --- | --- | --- | --- |"]
    for name, counts in sorted(outcome.statuses.items()):
        answers = ", ".join(f"{what}: {count:,}" for what, count in sorted(counts.items()))
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
    parser.add_argument("--workers", type=whole_number(1, 100), default=1, help="of the service (default: 1)")
    parser.add_argument("--seed", type=whole_number(0, 2**31), default=0, help="default: 0")
    options = parser.parse_args(argv)
    environment = {"DIGITS_MODEL": str(shipped_model()), "DIGITS_ACCESS_LOG": "false"}
    mixture = kinds(options.seed)
    image = image_files(1)[SMALL][0]
    print(f"{options.requests:,} requests from {options.clients} clients; {describe_machine()}\n", flush=True)
    with running(SERVE, image, environment, ("--workers", str(options.workers))) as server:
        address = address_of(server.url)
        # Threads, caches and the heap take their final size.
        soak(address, mixture, max(100, options.requests // 50), options.clients, options.seed + 1_000)
        before = server.memory()
        outcome = soak(address, mixture, options.requests, options.clients, options.seed)
        after = server.memory()
    print(table(outcome))
    print(f"\nunexpected or unanswered: {unexpected(outcome)} of {options.requests:,}")
    print(f"memory: {before:.0f} MB at the start, {after:.0f} MB at the end ({after / before - 1.0:+.1%})")
    return EXIT_FAILED if unexpected(outcome) else EXIT_OK


if __name__ == "__main__":
    raise SystemExit(main())
