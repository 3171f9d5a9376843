"""Compares the API with other ways to serve the network: python -m benchmarks.speed.serving

The servers are the API of Digits, LitServe, BentoML, the common design (`model.predict` in an async endpoint), and an
upload endpoint of the same framework that does nothing (the ceiling). They answer the same image with the same
network, one after the other, in an order that changes from round to round. On each connection, wrk sends the next
request as soon as it has the answer.
"""

import argparse
import random
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from statistics import mean, stdev

from benchmarks.support.images import SMALL, image_files
from benchmarks.support.machine import describe_machine, models_to_measure
from benchmarks.support.servers import (
    BENTOML,
    COMMON,
    DIGITS,
    DIGITS_RAW,
    LITSERVE,
    NOTHING,
    Load,
    Server,
    interpreter,
    load,
    running,
)
from digits.cli.arguments import whole_number
from digits.model.artifact import read
from digits.recognizer import TRAINED_MODEL

SERVERS = (NOTHING, DIGITS, DIGITS_RAW, LITSERVE, BENTOML, COMMON)
CONNECTIONS = (1, 8, 64)


@dataclass
class Results:
    """The measurements of one server, one per round."""

    loads: dict[int, list[Load]] = field(default_factory=lambda: defaultdict(list))
    starts: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)

    def rate(self, connections: int) -> float:
        """Returns the mean requests per second with a number of connections."""
        return mean(result.rate for result in self.loads[connections])


def measure(model: Path, rounds: int, seconds: float) -> dict[Server, Results]:
    """Measures all servers with one model.

    Args:
        model: the model file.
        rounds: how often each server is started and measured.
        seconds: the length of each load.

    Raises:
        RuntimeError: a server does not answer, or wrk failed.
    """
    image = image_files(1)[SMALL][0]
    results: dict[Server, Results] = {server: Results() for server in SERVERS}
    order = random.Random(0)  # noqa: S311
    with tempfile.TemporaryDirectory() as folder:
        onnx = Path(folder) / "model.onnx"
        onnx.write_bytes(read(model).onnx)
        environment = {"DIGITS_MODEL": str(model), "PEER_KERAS": str(model), "PEER_ONNX": str(onnx)}
        environment |= {"TF_CPP_MIN_LOG_LEVEL": "2", "BENTOML_DO_NOT_TRACK": "True"}
        for _ in range(rounds):
            for server in order.sample(SERVERS, len(SERVERS)):
                measured = results[server]
                with running(server, image, environment) as started:
                    measured.starts.append(started.first_answer)
                    load(started.url, image, raw=server.raw, connections=8, seconds=1)
                    for connections in CONNECTIONS:
                        measured.loads[connections].append(
                            load(started.url, image, raw=server.raw, connections=connections, seconds=seconds)
                        )
                    measured.memory.append(started.memory())
    return results


def _mean_and_deviation(values: Sequence[float], digits: int = 0) -> str:
    """Returns mean and standard deviation with `digits` decimal places; the mean alone for a single value."""
    return f"{mean(values):,.{digits}f}" + (f" ± {stdev(values):,.{digits}f}" if len(values) > 1 else "")


def print_table(model: Path, results: dict[Server, Results], rounds: int) -> None:
    """Prints the table of one model in Markdown, and how Digits compares."""
    print(f"\n{read(model).card.recipe} network, 28x28 PNG, mean ± standard deviation of {rounds} rounds\n")
    heads = [f"requests/s, {count} conn." for count in CONNECTIONS] + ["of the ceiling, 8 conn."]
    heads += [f"p50 / p99 ms, {count}" for count in CONNECTIONS] + ["errors", "memory, MB", "first answer, s"]
    print(f"| | {' | '.join(heads)} |\n|{' --- |' * (len(heads) + 1)}")
    for server, measured in results.items():
        cells = [_mean_and_deviation([result.rate for result in measured.loads[count]]) for count in CONNECTIONS]
        cells.append(f"{measured.rate(8) / results[NOTHING].rate(8):.3f}")
        for count in CONNECTIONS:
            loads = measured.loads[count]
            cells.append(f"{mean(result.p50 for result in loads):.2f} / {mean(result.p99 for result in loads):.2f}")
        cells.append(str(sum(result.errors for loads in measured.loads.values() for result in loads)))
        cells += [_mean_and_deviation(measured.memory), _mean_and_deviation(measured.starts, 2)]
        print(f"| {server.name} | {' | '.join(cells)} |", flush=True)
    ours = results[DIGITS].rate(8)
    best = max(results[LITSERVE].rate(8), results[BENTOML].rate(8))
    print(
        f"\nDigits (form, 8 connections): {ours / best:.1f} times the better of LitServe and BentoML, "
        f"{ours / results[COMMON].rate(8):.0f} times the common design."
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the rounds and prints a table for each model; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "models", nargs="*", type=Path, help=f"model files (default: {TRAINED_MODEL}, if trained, and the shipped one)"
    )
    parser.add_argument("--rounds", type=whole_number(1, 100), default=3, help="default: 3")
    parser.add_argument("--seconds", type=whole_number(1, 600), default=3, help="length of each load (default: 3)")
    options = parser.parse_args(argv)
    models = options.models or models_to_measure()
    for server in SERVERS:
        interpreter(server)
    packages = ("fastapi", "uvicorn", "onnxruntime", "pillow", "keras")
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in packages)
    print(f"{describe_machine()}; {versions}; LitServe and BentoML as locked in requirements/")
    for model in models:
        print_table(model, measure(model.resolve(), options.rounds, options.seconds), options.rounds)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
