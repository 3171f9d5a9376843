"""The API and bulk on Ray, on this machine: python -m benchmarks.faults.cluster overhead scaling kill update bulk

- overhead: one replica beside one process without Ray, and beside a Ray Serve deployment of an upload endpoint that
  does nothing; with HAProxy, as deploy/ray.env has it, and with Ray's own proxy.
- scaling: one replica and two, and what a model of it says for more.
- kill: SIGKILL to a replica, and to a whole node in whose place another is started at once.
- update: another model with `serve deploy`, and then a file that is none.
- bulk: `digits predict --engine ray` beside `--engine local`; and with SIGKILL in the middle and a second start; or
  those that --runs names.
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
# Of bulk: the engine, and whether it is killed.
_BULK_RUNS = {"local": ("local", False), "ray": ("ray", False), "killed": ("ray", True)}


def overhead(options: argparse.Namespace) -> bool:
    """One replica beside what it can be compared with; returns whether it reaches the target."""
    image = image_files(1)[SMALL][0]
    loads: dict[str, list[list[Load]]] = {}

    def measure(name: str, url: str) -> None:
        load(url, image, raw=False, connections=8, seconds=1)
        one = [load(url, image, raw=False, connections=count, seconds=options.seconds) for count in _CONNECTIONS]
        loads.setdefault(name, []).append(one)

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
    for name, found in loads.items():
        cells = [
            text
            for number in range(len(_CONNECTIONS))
            for text in (
                spread([one[number].rate for one in found], "", 0),
                spread([one[number].p50 for one in found], "", 2),
            )
        ]
        print(f"| {name} | {' | '.join(cells)} | {sum(each.errors for one in found for each in one)} |")
    shares = {
        way: mean(one[1].rate for one in loads[f"Digits, Ray Serve with {way}"])
        / mean(one[1].rate for one in loads[f"does nothing, Ray Serve with {way}"])
        for way in ways
    }
    print("\nOf a deployment that does nothing, 8 connections: ", end="")
    print(", ".join(f"{share:.2f} with {way}" for way, share in shares.items()) + f"; target {_TARGET}", flush=True)
    return shares["HAProxy"] >= _TARGET


def scaling(options: argparse.Namespace) -> bool:
    """One replica and two, and what each request costs; returns whether two answer more."""
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
                one = load(nodes.url + "/predict/", image, raw=False, connections=32, seconds=options.seconds)
                after = _cpu_seconds(nodes.replicas()), _cpu_seconds(nodes.proxies())
                rates.setdefault(replicas, []).append(one.rate)
                costs.setdefault(replicas, []).append(
                    ((after[0] - before[0]) / one.requests * 1e3, (after[1] - before[1]) / one.requests * 1e3)
                )
    for replicas, found in rates.items():
        print(f"{replicas} replica(s), 32 connections: {spread(found, 'requests/s', 0)}")
    reading, handing = (mean(one[which] for one in costs[1]) for which in (0, 1))
    print(f"A request takes {reading:.3f} ms of a core in its replica and {handing:.3f} ms in the proxies.")
    print(
        f"Model: n cores answer n / ({reading:.3f} + {handing:.3f} ms) requests/s. It assumes a core for each replica, "
        "proxies on\nevery node, a balancer before them, small images, and a network that is not full; the client is "
        "elsewhere."
    )
    for cores in (2, 8, 32):
        print(f"  {cores} cores: {cores / (reading + handing) * 1e3:,.0f} requests/s by the model")
    return mean(rates[2]) > mean(rates[1])


def _cpu_seconds(pids: Sequence[int]) -> float:
    ticks = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def kill(options: argparse.Namespace) -> bool:
    """A replica and a node die; returns whether nothing was lost to clients that send again."""
    kept = True
    for what in ("replica", "node"):
        found = []
        for _ in range(options.rounds):
            with started((1, 1)) as nodes:
                nodes.deploy(2, settings=_QUIET)
                nodes.wait_until_running()
                found.append(
                    ray_chaos.kill_replica(nodes, options.clients, options.seconds)
                    if what == "replica"
                    else ray_chaos.kill_node(nodes, 1, 1, options.clients, options.seconds)
                )
            print(f"{what} killed: {found[-1]}", flush=True)
        shares = spread([one.failed_share * 100.0 for one in found], "%", 3)
        print(
            f"{what}: lost {shares} of the requests without a retry, {sum(one.lost for one in found)} with it; full "
            f"strength after {spread([one.seconds for one in found], 's', 1)}",
            flush=True,
        )
        kept = kept and not any(one.lost for one in found)
    return kept


def update(options: argparse.Namespace) -> bool:
    """Another model; returns whether nothing was lost, mixed or stale."""
    good = True
    for _ in range(options.rounds):
        with started((2,)) as nodes:
            found = ray_chaos.update(nodes, 2, options.clients, options.seconds, broken=True)
        print(f"update: {found}", flush=True)
        lost = found.outage.lost + sum(found.outage.failed.values())
        good = good and bool(found.refused) and not (lost or found.mixed or found.stale)
    return good


def bulk(options: argparse.Namespace) -> bool:
    """Many images; returns whether each has one row."""
    kept = True
    with tempfile.TemporaryDirectory() as name:
        begin = time.monotonic()
        ray_bulk.write_images(Path(name), options.images)
        print(
            f"{options.images:,} images of 28x28 in npz files, written in {time.monotonic() - begin:.0f} s", flush=True
        )
        for engine, killed in (_BULK_RUNS[name] for name in dict.fromkeys(options.runs)):
            found = ray_bulk.run(engine, Path(name), options.images, killed=killed)
            after = "" if found.kept is None else f", killed at {found.kept:,} rows and started again"
            print(
                f"--engine {engine}{after}: {found.rate:,.0f} images/s; at most {found.peak / 1e6:,.0f} MB in all "
                f"processes; {found.lost} lost, {found.doubled} doubled",
                flush=True,
            )
            kept = kept and not (found.lost or found.doubled)
    return kept


def main(argv: Sequence[str] | None = None) -> int:
    """Prints the figures; returns the exit code."""
    runs: dict[str, Callable[[argparse.Namespace], bool]] = {
        one.__name__: one for one in (overhead, scaling, kill, update, bulk)
    }
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="+", type=one_of(list(runs)), metavar="WHAT", help=", ".join(runs))
    parser.add_argument("--rounds", type=whole_number(1, 100), default=3, help="default: 3")
    parser.add_argument("--seconds", type=whole_number(1, 600), default=3, help="of each load (default: 3)")
    parser.add_argument("--clients", type=whole_number(1, 200), default=8, help="default: 8")
    parser.add_argument("--images", type=whole_number(1, 100_000_000), default=1_000_000, help="default: 1000000")
    parser.add_argument(
        "--runs",
        nargs="+",
        type=one_of(list(_BULK_RUNS)),
        default=list(_BULK_RUNS),
        metavar="RUN",
        help=f"of bulk: {', '.join(_BULK_RUNS)} (default: all)",
    )
    options = parser.parse_args(argv)
    # Whoever ends it by a signal wants Ray's processes to end, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    print(f"{describe_machine()}, all nodes on it\n", flush=True)
    kept = []
    for what in options.what:
        print(f"{what}:", flush=True)
        kept.append(runs[what](options))
        print(flush=True)
    return EXIT_OK if all(kept) else EXIT_FAILED


if __name__ == "__main__":
    raise SystemExit(main())
