"""Measures two versions of the API side by side: python -m benchmarks.speed.checkouts FOLDER

FOLDER is another checkout of the repository, such as `git worktree add FOLDER COMMIT` makes. Both servers run at the
same time and get the same 28x28 PNG in turn. The order alternates from round to round, so that other load affects both
alike. The benchmark prints requests per second, the processor time of the server per request, which depends less on
other load, and the ratio of the two versions with its standard error.
"""

import argparse
import contextlib
import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from statistics import mean, stdev

from benchmarks.support.images import SMALL, image_files
from benchmarks.support.machine import describe_machine
from benchmarks.support.servers import DIGITS, DIGITS_RAW, ROOT, Server, load, running
from digits.cli.arguments import whole_number
from digits.recognizer import shipped_model


def measure(other: Path, kind: Server, rounds: int, seconds: float, connections: int) -> None:
    """Measures one way to send the image and prints its results.

    Args:
        other: the root of the other checkout.
        kind: the server, which determines how the image is sent.
        rounds: the number of pairs of measurements.
        seconds: the length of each measurement.
        connections: the number of connections that send at a time.

    Raises:
        RuntimeError: a server does not answer, or a request failed.
    """
    image = image_files(1)[SMALL][0]
    rates, costs = defaultdict[str, list[float]](list), defaultdict[str, list[float]](list)
    with contextlib.ExitStack() as stack:
        servers = {}
        for name, folder in (("other", other), ("this", ROOT)):
            environment = {"DIGITS_MODEL": str(shipped_model()), "PYTHONPATH": str(folder)}
            # uvicorn would put the current folder, this checkout, before PYTHONPATH.
            servers[name] = stack.enter_context(
                running(kind, image, environment, ("--app-dir", str(folder)), sys.executable)
            )
            load(servers[name].url, image, raw=kind.raw, connections=connections, seconds=1)
        for number in range(rounds):
            for name in ("other", "this") if number % 2 else ("this", "other"):
                before = servers[name].processor_seconds()
                result = load(servers[name].url, image, raw=kind.raw, connections=connections, seconds=seconds)
                if result.errors:
                    raise RuntimeError(
                        f'{result.errors} of {result.requests} requests to the checkout "{name}" failed.'
                    )
                rates[name].append(result.rate)
                costs[name].append((servers[name].processor_seconds() - before) / result.requests * 1e6)
    print(f"\n{kind.name}, 28x28 PNG, {connections} connections, {rounds} pairs of {seconds:g} s")
    for name in ("other", "this"):
        print(
            f"  {name:6} {mean(rates[name]):7,.0f} ± {stdev(rates[name]):4,.0f} requests/s,"
            f" {mean(costs[name]):6,.0f} ± {stdev(costs[name]):4,.0f} µs of processor time each"
        )
    for label, values in (("requests/s", rates), ("processor time", costs)):
        ratios = [this / before for this, before in zip(values["this"], values["other"], strict=True)]
        print(
            f"  this / other, {label}: {mean(ratios):.3f} ± {stdev(ratios) / len(ratios) ** 0.5:.3f} (standard error)"
        )


def main(argv: Sequence[str] | None = None) -> int:
    """Measures both ways to send an image; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("other", type=Path, help="another checkout of the repository")
    parser.add_argument("--rounds", type=whole_number(2, 1_000), default=10, help="pairs (default: 10)")
    parser.add_argument("--seconds", type=whole_number(1, 600), default=2, help="length of each load (default: 2)")
    parser.add_argument("--connections", type=whole_number(1, 1_000), default=8, help="default: 8")
    options = parser.parse_args(argv)
    print(describe_machine())
    for kind in (DIGITS_RAW, DIGITS):
        measure(options.other.resolve(), kind, options.rounds, options.seconds, options.connections)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
