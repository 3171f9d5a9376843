"""Requests per second for what people send: python -m benchmarks.speed.serving_workloads

Sends the pictures of `workload_files` to the API of Digits, to LitServe and BentoML, which reduce each picture with
Pillow and run the same network, and to an upload endpoint that does nothing. All run at the same time, and one after
the other gets 8 connections for a moment, round after round, so that a busy machine slows all of them alike. Prints the
requests per second, their ratio to the endpoint that does nothing, the processor time of a request in all processes of
the server, which depends less on other work, and how many of the pictures each server reads right; then, for Digits,
the 99th percentile of the smallest pictures' latency alone and while another client sends larger ones.
"""

import argparse
import contextlib
import json
import tempfile
import urllib.error
import urllib.request
from collections import defaultdict
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from benchmarks.speed.under_load import uploading
from benchmarks.speed.workload_files import DIGITS as WRITTEN
from benchmarks.speed.workload_files import workload_files
from benchmarks.support.client import FORM_TYPE, form
from benchmarks.support.machine import describe_machine
from benchmarks.support.servers import (
    BENTOML,
    DIGITS,
    LITSERVE,
    NOTHING,
    Running,
    interpreter,
    load,
    running,
)
from digits.cli.arguments import whole_number
from digits.model.artifact import read
from digits.recognizer import shipped_model

_SERVERS = (NOTHING, DIGITS, LITSERVE, BENTOML)
_CONNECTIONS = 8
_SMALLEST = "a"
# What another client sends meanwhile.
_BESIDE = ("c", "g")


def _read_right(server: Running, files: Sequence[bytes]) -> int:
    """Returns how many pictures a server reads right."""
    right = 0
    for digit, file in zip(WRITTEN, files, strict=False):
        request = urllib.request.Request(server.url, form([file]), {"Content-Type": FORM_TYPE})
        # A server that refuses a picture has not read it.
        with (
            contextlib.suppress(urllib.error.HTTPError),
            urllib.request.urlopen(request, timeout=60) as answer,
        ):
            right += json.load(answer)["predicted_digit"] == digit
    return right


def _rates(
    servers: Sequence[Running], file: bytes, rounds: int, seconds: float
) -> tuple[list[list[float]], list[list[float]]]:
    """Returns the requests per second of each server in each round, and the processor time of a request in ms."""
    rates: list[list[float]] = [[] for _ in servers]
    costs: list[list[float]] = [[] for _ in servers]
    for number in range(rounds):
        for i in range(len(servers)) if number % 2 == 0 else range(len(servers) - 1, -1, -1):
            before = servers[i].processor_seconds()
            result = load(servers[i].url, file, raw=False, connections=_CONNECTIONS, seconds=seconds)
            costs[i].append((servers[i].processor_seconds() - before) * 1e3 / max(1, result.requests))
            if result.errors:
                raise RuntimeError(f"{result.errors} of {result.requests} requests failed.")
            rates[i].append(result.rate)
    return rates, costs


def main(argv: Sequence[str] | None = None) -> int:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=whole_number(1, 100), default=5, help="default: 5")
    parser.add_argument("--seconds", type=whole_number(1, 600), default=2, help="length of each load (default: 2)")
    parser.add_argument("--only", default="abcef", metavar="LETTERS", help="workloads to send (default: abcef)")
    options = parser.parse_args(argv)
    workloads = {name[0]: (name, files) for name, files in workload_files().items()}
    first = workloads[_SMALLEST][1][0]
    for server in _SERVERS:
        interpreter(server)
    print(f"{describe_machine()}\n\n{_CONNECTIONS} connections, medians of {options.rounds} rounds.\n")
    print("| picture | server | requests/s | of doing nothing | processor time of one | read right |")
    print("| --- | --- | ---: | ---: | ---: | ---: |")
    with ExitStack() as stack, tempfile.TemporaryDirectory() as folder:
        onnx = Path(folder) / "model.onnx"
        onnx.write_bytes(read(shipped_model()).onnx)
        environment = {"DIGITS_MODEL": str(shipped_model()), "PEER_ONNX": str(onnx), "BENTOML_DO_NOT_TRACK": "True"}
        started = [stack.enter_context(running(server, first, environment)) for server in _SERVERS]
        for letter in options.only:
            name, files = workloads[letter]
            rates, costs = _rates(started, files[0], options.rounds, options.seconds)
            for server, process, measured, cost in zip(_SERVERS, started, rates, costs, strict=True):
                ratio = median(rate / most for rate, most in zip(measured, rates[0], strict=True))
                right = "" if server is NOTHING else f"{_read_right(process, files)} of {len(files)}"
                cells = (f"{median(measured):,.0f}", f"{ratio:.3f}", f"{median(cost):.2f} ms", right)
                print(f"| {name} | {server.name} | {' | '.join(cells)} |", flush=True)
        digits = started[_SERVERS.index(DIGITS)]
        p99s: dict[str, list[float]] = defaultdict(list)
        for _ in range(options.rounds):
            p99s["alone"].append(_p99(digits, first, options.seconds))
            for letter in _BESIDE:
                with uploading(digits.url, workloads[letter][1]):
                    p99s[letter].append(_p99(digits, first, options.seconds))
    print(f"\n{workloads[_SMALLEST][0]}, {_CONNECTIONS} connections: p99 {median(p99s['alone']):.1f} ms")
    for letter in _BESIDE:
        ratio = median(beside / alone for beside, alone in zip(p99s[letter], p99s["alone"], strict=True))
        print(f"  while one client sends {workloads[letter][0]}: {median(p99s[letter]):.1f} ms, {ratio:.2f} times")
    return 0


def _p99(server: Running, file: bytes, seconds: float) -> float:
    return load(server.url, file, raw=False, connections=_CONNECTIONS, seconds=seconds).p99


if __name__ == "__main__":
    raise SystemExit(main())
