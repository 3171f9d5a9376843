"""Sends more requests than the API can answer: python -m benchmarks.faults.overload

Requests come at a fixed rate, whether or not earlier ones were answered, as from many independent clients. The rates
are the capacity, which is measured first, and 2, 4 and 8 times the capacity. The table says how many requests were
answered, how long these answers took, and how soon the other requests were refused.
"""

import argparse
import asyncio
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median, quantiles

from benchmarks.support.client import address_of, upload_raw
from benchmarks.support.images import MEGAPIXEL, image_files
from benchmarks.support.machine import describe_machine
from benchmarks.support.servers import SERVE, load, running
from digits.cli.arguments import whole_number
from digits.recognizer import shipped_model

_TIMES = (1, 2, 4, 8)


@dataclass
class Outcome:
    """The outcome of the requests at one rate.

    Args:
        answered: the seconds that each answer with 200 took.
        refused: the seconds that each refusal with 503 took.
        failed: the number of requests that got neither.
    """

    answered: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)
    failed: int = 0


async def _ask(address: tuple[str, int], request: bytes, outcome: Outcome) -> None:
    start = time.perf_counter()
    try:
        reader, writer = await asyncio.open_connection(*address)
        try:
            writer.write(request)
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 60.0)
        finally:
            writer.close()
    except (OSError, asyncio.IncompleteReadError, TimeoutError):
        outcome.failed += 1
        return
    seconds = time.perf_counter() - start
    if head.startswith(b"HTTP/1.1 200"):
        outcome.answered.append(seconds)
    elif head.startswith(b"HTTP/1.1 503"):
        outcome.refused.append(seconds)
    else:
        outcome.failed += 1


async def send(address: tuple[str, int], request: bytes, rate: float, seconds: float) -> Outcome:
    """Sends requests at a fixed rate, each over a connection of its own.

    Args:
        address: host and port of the server.
        request: the bytes of each request.
        rate: requests per second.
        seconds: how long to send.
    """
    outcome = Outcome()
    start, sent = time.perf_counter(), 0
    tasks: list[asyncio.Task[None]] = []
    while (passed := time.perf_counter() - start) < seconds:
        while sent < passed * rate:
            tasks.append(asyncio.create_task(_ask(address, request, outcome)))
            sent += 1
        await asyncio.sleep(0.002)
    await asyncio.gather(*tasks)
    return outcome


def _percentile(values: list[float], share: int) -> float:
    return quantiles(values, n=100)[share - 1] if len(values) > 1 else float("nan")


def main(argv: Sequence[str] | None = None) -> int:
    """Measures the capacity, then each rate, and prints the table; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--seconds", type=whole_number(1, 600), default=8, help="length of each measurement (default: 8)"
    )
    parser.add_argument("--rounds", type=whole_number(1, 100), default=2, help="default: 2")
    options = parser.parse_args(argv)
    image = image_files(1)[MEGAPIXEL][0]
    print(f"{describe_machine()}; one-megapixel PNG of {len(image):,} bytes, {options.rounds} rounds")
    print("| times capacity | sent/s | answered/s | of it | p50 / p99 answered, s | refused | median, ms | failed |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder:
        environment = {"DIGITS_MODEL": str(shipped_model()), "DIGITS_ACCESS_LOG": "false", "XDG_RUNTIME_DIR": folder}
        with running(SERVE, image, environment) as server:
            address, request = address_of(server.url), upload_raw(image)
            for _ in range(options.rounds):
                capacity = load(server.url, image, raw=True, connections=4, seconds=options.seconds).rate
                for times in _TIMES:
                    outcome = asyncio.run(send(address, request, times * capacity, options.seconds))
                    rate = len(outcome.answered) / options.seconds
                    refusal = median(outcome.refused) * 1e3 if outcome.refused else float("nan")
                    print(
                        f"| {times} | {times * capacity:.0f} | {rate:.0f} | {rate / capacity:.0%} |"
                        f" {median(outcome.answered):.3f} / {_percentile(outcome.answered, 99):.3f} |"
                        f" {len(outcome.refused)} | {refusal:.0f} | {outcome.failed} |",
                        flush=True,
                    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
