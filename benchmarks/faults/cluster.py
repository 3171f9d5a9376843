"""Measures API and bulk jobs on Ray: python -m benchmarks.faults.cluster overhead scaling kill update bulk

All nodes of the cluster run on this machine.

- overhead: compares one replica with one process without Ray, and with a Ray Serve deployment of an upload endpoint
  that does nothing. Measures with HAProxy, as deploy/ray.env sets it, and with Ray's own proxy.
- scaling: measures one replica and two, and says what a model predicts for more.
- kill: sends SIGKILL to a replica, and to a whole node, which another node replaces at once.
- update: deploys another model with `serve deploy`, and then a file that is not a model.
- bulk: compares `digits predict --engine ray` with `--engine local`, and with a job that gets SIGKILL halfway and is
  started again. --runs chooses among these.
"""

import argparse
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import mean

from benchmarks.faults import ray_bulk, ray_chaos
from benchmarks.faults.ray_nodes import started
from benchmarks.support.images import SMALL, image_files
from benchmarks.support.machine import describe_machine, spread
from benchmarks.support.servers import DIGITS, Load, load, running
from digits.cli.arguments import EXIT_FAILED, EXIT_OK, one_of, whole_number
from digits.recognizer import shipped_model

_QUIET = {"access_log": "false"}
_CONNECTIONS = (1, 8)
_TARGET = 0.7
# The runs of bulk: the engine, and whether the job is killed halfway.
_BULK_RUNS = {"local": ("local", False), "ray": ("ray", False), "killed": ("ray", True)}


def overhead(options: argparse.Namespace) -> bool:
    """Prints how one replica compares with the alternatives; returns whether it reaches the target."""
    image = image_files(1)[SMALL][0]
    loads: dict[str, list[list[Load]]] = {}

    def measure(name: str, url: str) -> None:
        load(url, image, raw=False, connections=8, seconds=1)
        loads.setdefault(name, []).append(
            [load(url, image, raw=False, connections=count, seconds=options.seconds) for count in _CONNECTIONS]
        )

    ways = {"HAProxy": "1", "Ray's own proxy": "0"}
    for way, value in ways.items():
        with started((2,), {"RAY_SERVE_ENABLE_HA_PROXY": value}) as nodes:
            for _ in range(options.rounds):
                for name, path, settings in (
                    ("does nothing", "benchmarks.peers.nothing_on_ray:app", {}),
                    ("Digits", "cluster:app", _QUIET),
                ):
                    nodes.deploy(1, import_path=path, settings=settings)
                    nodes.wait_until_running()
                    measure(f"{name}, Ray Serve with {way}", nodes.url + "/predict/")
                if way == "HAProxy":
                    with running(DIGITS, image, {"DIGITS_MODEL": str(shipped_model())}) as server:
                        measure("Digits, one process without Ray", server.url)
    print("| | requests/s, 1 connection | p50, ms | requests/s, 8 connections | p50, ms | errors |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name, rounds in loads.items():
        cells = [
            text
            for number in range(len(_CONNECTIONS))
            for text in (
                spread([results[number].rate for results in rounds], "", 0),
                spread([results[number].p50 for results in rounds], "", 2),
            )
        ]
        print(f"| {name} | {' | '.join(cells)} | {sum(result.errors for results in rounds for result in results)} |")
    shares = {
        way: mean(results[1].rate for results in loads[f"Digits, Ray Serve with {way}"])
        / mean(results[1].rate for results in loads[f"does nothing, Ray Serve with {way}"])
        for way in ways
    }
    print("\nOf a deployment that does nothing, 8 connections: ", end="")
    print(", ".join(f"{share:.2f} with {way}" for way, share in shares.items()) + f"; target {_TARGET}", flush=True)
    return shares["HAProxy"] >= _TARGET


def scaling(options: argparse.Namespace) -> bool:
    """Prints what one replica and two answer, and what a request costs; returns whether two answer more."""
    image = image_files(1)[SMALL][0]
    rates: dict[int, list[float]] = {}
    costs: dict[int, list[tuple[float, float]]] = {}
    with started((2,)) as nodes:
        for _ in range(options.rounds):
            for replicas in (1, 2):
                nodes.deploy(replicas, settings=_QUIET)
                nodes.wait_until_running()
                load(nodes.url + "/predict/", image, raw=False, connections=8, seconds=1)
                before = _cpu_seconds(nodes.replicas()), _cpu_seconds(nodes.proxies())
                result = load(nodes.url + "/predict/", image, raw=False, connections=32, seconds=options.seconds)
                after = _cpu_seconds(nodes.replicas()), _cpu_seconds(nodes.proxies())
                rates.setdefault(replicas, []).append(result.rate)
                costs.setdefault(replicas, []).append(
                    ((after[0] - before[0]) / result.requests * 1e3, (after[1] - before[1]) / result.requests * 1e3)
                )
    for replicas, measured in rates.items():
        print(f"{replicas} replica(s), 32 connections: {spread(measured, 'requests/s', 0)}")
    reading, handing = (mean(cost[i] for cost in costs[1]) for i in (0, 1))
    print(f"A request takes {reading:.3f} ms of a core in its replica and {handing:.3f} ms in the proxies.")
    print(
        f"Model: n cores answer n / ({reading:.3f} + {handing:.3f} ms) requests/s. It assumes a core for each replica, "
        "a proxy\non every node with a balancer before them, small images, a network that is not full, and a client "
        "that runs elsewhere."
    )
    for cores in (2, 8, 32):
        print(f"  {cores} cores: {cores / (reading + handing) * 1e3:,.0f} requests/s by the model")
    return mean(rates[2]) > mean(rates[1])


def _cpu_seconds(pids: Sequence[int]) -> float:
    """Returns the processor time that processes have used together, in seconds."""
    ticks = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def kill(options: argparse.Namespace) -> bool:
    """Kills a replica, then a node; returns whether clients that retry lost nothing."""
    kept = True
    for target in ("replica", "node"):
        outages = []
        for _ in range(options.rounds):
            with started((1, 1)) as nodes:
                nodes.deploy(2, settings=_QUIET)
                nodes.wait_until_running()
                outages.append(
                    ray_chaos.kill_replica(nodes, options.clients, options.seconds)
                    if target == "replica"
                    else ray_chaos.kill_node(nodes, 1, 1, options.clients, options.seconds)
                )
            print(f"{target} killed: {outages[-1]}", flush=True)
        shares = spread([outage.failed_share * 100.0 for outage in outages], "%", 3)
        print(
            f"{target}: lost {shares} of the requests without a retry, {sum(outage.lost for outage in outages)} with "
            f"it; full strength after {spread([outage.seconds for outage in outages], 's', 1)}",
            flush=True,
        )
        kept = kept and not any(outage.lost for outage in outages)
    return kept


def update(options: argparse.Namespace) -> bool:
    """Deploys another model; returns whether no answer was lost, mixed or stale."""
    good = True
    for _ in range(options.rounds):
        with started((2,)) as nodes:
            result = ray_chaos.update(nodes, 2, options.clients, options.seconds, broken=True)
        print(f"update: {result}", flush=True)
        lost = result.outage.lost + sum(result.outage.failed.values())
        good = good and bool(result.refused) and not (lost or result.mixed or result.stale)
    return good


def bulk(options: argparse.Namespace) -> bool:
    """Reads many images; returns whether each image has exactly one row."""
    kept = True
    with tempfile.TemporaryDirectory() as name:
        begin = time.monotonic()
        ray_bulk.write_images(Path(name), options.images)
        print(
            f"{options.images:,} images of 28x28 in npz files, written in {time.monotonic() - begin:.0f} s", flush=True
        )
        for engine, killed in (_BULK_RUNS[name] for name in dict.fromkeys(options.runs)):
            job = ray_bulk.run(engine, Path(name), options.images, killed=killed)
            after = "" if job.kept is None else f", killed at {job.kept:,} rows and started again"
            print(
                f"--engine {engine}{after}: {job.rate:,.0f} images/s; at most {job.peak / 1e6:,.0f} MB in all "
                f"processes; {job.lost} lost, {job.doubled} doubled",
                flush=True,
            )
            kept = kept and not (job.lost or job.doubled)
    return kept


def main(argv: Sequence[str] | None = None) -> int:
    """Prints the figures; returns the exit code."""
    runs: dict[str, Callable[[argparse.Namespace], bool]] = {
        run.__name__: run for run in (overhead, scaling, kill, update, bulk)
    }
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("experiments", nargs="+", type=one_of(list(runs)), metavar="EXPERIMENT", help=", ".join(runs))
    parser.add_argument("--rounds", type=whole_number(1, 100), default=3, help="default: 3")
    parser.add_argument("--seconds", type=whole_number(1, 600), default=3, help="length of each load (default: 3)")
    parser.add_argument("--clients", type=whole_number(1, 200), default=8, help="default: 8")
    parser.add_argument("--images", type=whole_number(1, 100_000_000), default=1_000_000, help="default: 1000000")
    parser.add_argument(
        "--runs",
        nargs="+",
        type=one_of(list(_BULK_RUNS)),
        default=list(_BULK_RUNS),
        metavar="RUN",
        help=f"runs of bulk: {', '.join(_BULK_RUNS)} (default: all)",
    )
    options = parser.parse_args(argv)
    # A signal that ends the benchmark must end Ray's processes, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    print(f"{describe_machine()}, all nodes on it\n", flush=True)
    kept = []
    for experiment in options.experiments:
        print(f"{experiment}:", flush=True)
        kept.append(runs[experiment](options))
        print(flush=True)
    return EXIT_OK if all(kept) else EXIT_FAILED


if __name__ == "__main__":
    raise SystemExit(main())
