"""Sends more requests than the API can answer: python -m benchmarks.faults.overload

Requests come at a fixed rate, whether or not earlier ones were answered, as from many independent clients, each over a
connection of its own: 2, 4 and 8 times the capacity, which is measured before each. The server has a core of its own,
and the clients the others. The table says how many requests were answered, also for each second of the server's
processor time, how long these answers took, and how soon the other requests were refused.

The first answers after the start, while the queue fills, do not count. Times begin when a request was due, not when the
client came to send it. Where the clients lag behind, the last column says how much, and the times are theirs.
"""

import argparse
import asyncio
import multiprocessing
import os
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles

from benchmarks.support.client import address_of, upload_raw
from benchmarks.support.images import MEGAPIXEL, image_files
from benchmarks.support.machine import describe_machine, spread
from benchmarks.support.servers import SERVE, Running, load, running
from digits.cli.arguments import whole_number
from digits.recognizer import shipped_model

_TIMES = (2, 4, 8)
# Seconds after which the queue has filled and its mean times are known.
_WARM_UP = 1.0
_PATIENCE = 60.0


@dataclass
class Outcome:
    """The outcome of the requests at one rate, without those of the warm-up.

    Args:
        answered: the seconds that each answer with 200 took.
        refused: the seconds that each refusal with 503 took.
        failed: the number of requests that got neither.
        lag: the seconds by which each request was sent too late.
        processor_seconds: of the server, while the answers came.
    """

    answered: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)
    failed: int = 0
    lag: list[float] = field(default_factory=list)
    processor_seconds: float = 0.0


class _Client(asyncio.Protocol):
    """Sends one request, and waits for the head of its answer."""

    def __init__(self, request: bytes, answered: asyncio.Future[bytes]) -> None:
        self._request, self._answered, self._head = request, answered, b""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Sends the request."""
        self._transport = transport
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        """Ends when the head is there."""
        self._head += data
        if b"\r\n\r\n" in self._head and not self._answered.done():
            self._answered.set_result(self._head)
            # What has not been sent is not needed any more.
            self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Ends without an answer."""
        if not self._answered.done():
            self._answered.set_result(b"")


async def _ask(address: tuple[str, int], request: bytes, due: float, counts: bool, outcome: Outcome) -> None:
    loop = asyncio.get_running_loop()
    answered: asyncio.Future[bytes] = loop.create_future()
    lag = time.perf_counter() - due
    try:
        await loop.create_connection(lambda: _Client(request, answered), *address)
        head = await asyncio.wait_for(answered, _PATIENCE)
    except (OSError, TimeoutError):
        head = b""
    seconds = time.perf_counter() - due
    if not counts:
        return
    outcome.lag.append(lag)
    if head.startswith(b"HTTP/1.1 200"):
        outcome.answered.append(seconds)
    elif head.startswith(b"HTTP/1.1 503"):
        outcome.refused.append(seconds)
    else:
        outcome.failed += 1


async def send(address: tuple[str, int], request: bytes, rate: float, seconds: float, warm_up: float) -> Outcome:
    """Sends requests at a fixed rate, each over a connection of its own.

    Args:
        address: host and port of the server.
        request: the bytes of each request.
        rate: requests per second.
        seconds: how long to send after the warm-up.
        warm_up: how long to send before, in seconds.
    """
    outcome = Outcome()
    start, sent = time.perf_counter(), 0
    tasks: set[asyncio.Task[None]] = set()
    while (passed := time.perf_counter() - start) < warm_up + seconds:
        while sent / rate < passed:
            due = sent / rate
            task = asyncio.create_task(_ask(address, request, start + due, due >= warm_up, outcome))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
            sent += 1
        await asyncio.sleep(min(0.002, 1.0 / rate))
    await asyncio.gather(*tasks)
    return outcome


def _send_apart(
    cores: set[int], address: tuple[str, int], request: bytes, rate: float, seconds: float, clock: str
) -> Outcome:
    """Sends from a process of its own, on some cores; reads the server's processor time where `clock` says."""
    os.sched_setaffinity(0, cores)

    async def watched() -> Outcome:
        task = asyncio.create_task(send(address, request, rate, seconds, _WARM_UP))
        await asyncio.sleep(_WARM_UP)
        before = _processor_seconds(clock)
        await asyncio.sleep(seconds)
        used = _processor_seconds(clock) - before
        outcome = await task
        outcome.processor_seconds = used
        return outcome

    return asyncio.run(watched())


def _processor_seconds(stat: str) -> float:
    fields = Path(stat).read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Row:
    """What one rate brought.

    Args:
        goodput: answers per second, of those at capacity.
        of_processor: answers per second of the server's processor time, of those at capacity.
        outcome: of the requests.
    """

    goodput: float
    of_processor: float
    outcome: Outcome


def _measure(server: Running, image: bytes, times: int, seconds: int, clients: set[int]) -> Row:
    os.sched_setaffinity(0, clients)
    before = server.processor_seconds()
    at_capacity = load(server.url, image, raw=True, connections=4, seconds=seconds)
    used = server.processor_seconds() - before
    stat = f"/proc/{server.process.pid}/stat"
    arguments = (clients, address_of(server.url), upload_raw(image), times * at_capacity.rate, float(seconds), stat)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        outcome = pool.apply(_send_apart, arguments)
    answered = len(outcome.answered)
    return Row(
        answered / seconds / at_capacity.rate,
        answered / outcome.processor_seconds / (at_capacity.requests / used),
        outcome,
    )


def _percentile(values: list[float], share: int) -> float:
    return quantiles(values, n=100)[share - 1] if len(values) > 1 else float("nan")


def _table_row(times: int, rows: Sequence[Row]) -> str:
    outcomes = [row.outcome for row in rows]
    cells = (
        f"{times}",
        spread([row.goodput * 100 for row in rows], "%", 0),
        spread([row.of_processor * 100 for row in rows], "%", 0),
        spread([median(outcome.answered) for outcome in outcomes], "s", 3),
        spread([_percentile(outcome.answered, 99) for outcome in outcomes], "s", 3),
        f"{sum(len(outcome.answered) for outcome in outcomes):,}",
        f"{sum(len(outcome.refused) for outcome in outcomes):,}",
        spread([median(outcome.refused) * 1e3 for outcome in outcomes if outcome.refused], "ms", 1),
        f"{sum(outcome.failed for outcome in outcomes)}",
        spread([_percentile(outcome.lag, 99) * 1e3 for outcome in outcomes], "ms", 1),
    )
    return f"| {' | '.join(cells)} |"


def main(argv: Sequence[str] | None = None) -> int:
    """Measures each rate beside the capacity, and prints the table; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--seconds", type=whole_number(1, 600), default=5, help="length of each measurement (default: 5)"
    )
    parser.add_argument("--rounds", type=whole_number(2, 100), default=5, help="default: 5")
    parser.add_argument("--times", type=whole_number(1, 100), nargs="+", default=_TIMES, help="default: 2 4 8")
    options = parser.parse_args(argv)
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        parser.error("this benchmark needs two cores: one for the server, one for its clients")
    image = image_files(1)[MEGAPIXEL][0]
    print(f"{describe_machine()}; one-megapixel PNG of {len(image):,} bytes, n = {options.rounds}\n")
    rows: dict[int, list[Row]] = {times: [] for times in options.times}
    with tempfile.TemporaryDirectory() as folder:
        environment = {"DIGITS_MODEL": str(shipped_model()), "DIGITS_ACCESS_LOG": "false", "XDG_RUNTIME_DIR": folder}
        os.sched_setaffinity(0, cores[:1])
        with running(SERVE, image, environment) as server:
            for _ in range(options.rounds):
                for times, measured in rows.items():
                    measured.append(_measure(server, image, times, options.seconds, set(cores[1:])))
    print(
        "| times capacity | goodput, of capacity | the same for each processor second | p50 answered | p99 answered |"
        " answered | refused | refusal, median | failed | client's lag, p99 |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for times, measured in rows.items():
        print(_table_row(times, measured))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
