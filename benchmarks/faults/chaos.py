"""Stops, kills and reloads the service under load: python -m benchmarks.faults.chaos drain kill reload

A request counts as lost if it was sent whole over a connection that stood, and no whole answer came. One that found no
connection, or could not be sent whole, is counted apart: the client knows that nobody has read it, and sends it again.

- drain: SIGTERM. Clients that behave as a load balancer does send nothing new once /health/ready answers 503; others go
  on until they are refused. Half of each keep their connection, half make a new one for each request.
- kill: SIGKILL to one of several workers. No more may be lost than it had connections, each with one request in flight.
- reload: the model file is replaced and SIGHUP sent, again and again, every third time with a file that cannot be used.
  Every answer has to be one of the two models', and a batch all one model's.
"""

import argparse
import os
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.faults.reloading import reload
from benchmarks.hostile.specimens import specimens
from benchmarks.support.client import Connection, Loss, UnansweredError, address_of, request, upload
from benchmarks.support.clients import Clients, busy, in_words, losses
from benchmarks.support.machine import describe_machine, spread
from benchmarks.support.operating import PATIENCE, SAMPLE, Options, serving, wait_until, workers
from digits.cli.arguments import EXIT_FAILED, EXIT_OK, one_of, whole_number
from digits.recognizer import shipped_model

_READY = request("GET", "/health/ready")


@dataclass(frozen=True)
class Drained:
    """What came of one SIGTERM.

    Args:
        heeds: whether the clients heeded the readiness.
        answered: requests answered after it.
        lost: sent whole and not answered.
        others: those that were refused or not sent whole.
        not_ready: seconds until /health/ready answered 503; None if it never did.
        ended: seconds until the server had ended.
        code: its exit code.
    """

    heeds: bool
    answered: int
    lost: int
    others: Counter[Loss]
    not_ready: float | None
    ended: float
    code: int


def drain(options: Options, *, heeds: bool, drain_seconds: float = 1.0) -> Drained:
    """Ends the service by SIGTERM while clients send."""
    requests = [upload(SAMPLE.read_bytes()), upload(specimens()["jpeg large"])]
    with (
        tempfile.TemporaryDirectory() as folder,
        serving(options, Path(folder), shipped_model(), drain_seconds) as server,
    ):
        address = address_of(server.url)
        with busy(address, requests, options.clients, keep=lambda number: number % 2 == 0) as clients:
            time.sleep(options.seconds)
            term = time.monotonic()
            server.process.send_signal(signal.SIGTERM)
            not_ready = _watch_readiness(address, clients if heeds else None)
            code = server.process.wait(PATIENCE)
            ended = time.monotonic()
        after = clients.since(term)
        return Drained(
            heeds,
            sum(one.loss is None for one in after),
            sum(one.is_lost for one in clients.sent),
            losses([one for one in after if one.start < ended and not one.is_lost]),
            not_ready and not_ready - term,
            ended - term,
            code,
        )


def _watch_readiness(address: tuple[str, int], clients: Clients | None) -> float | None:
    """When /health/ready answered 503; the clients that heed it are then told. None if the service ended before."""
    while True:
        try:
            with Connection(address, 5.0) as connection:
                status = connection.exchange(_READY).status
        except UnansweredError:
            return None
        if status == 503:
            if clients:
                clients.stop()
            return time.monotonic()
        time.sleep(0.005)


@dataclass(frozen=True)
class Killed:
    """What came of one SIGKILL.

    Args:
        connections: that the worker had, each with no more than one request in flight.
        lost: requests sent whole and not answered.
        others: those that were refused or not sent whole.
        meanwhile: requests answered until all workers were there again.
        restored: seconds until then.
    """

    connections: int
    lost: int
    others: Counter[Loss]
    meanwhile: int
    restored: float


def kill(options: Options) -> list[Killed]:
    """Kills one worker after the other while clients send."""
    results = []
    with tempfile.TemporaryDirectory() as name, serving(options, Path(name), shipped_model()) as server:
        folder, address = Path(name), address_of(server.url)
        for _ in range(options.rounds):
            with busy(address, [upload(SAMPLE.read_bytes())], options.clients) as clients:
                time.sleep(options.seconds)
                before = set(workers(folder))
                victim = max(before, key=_connections)
                connections, moment = _connections(victim), time.monotonic()
                os.kill(victim, signal.SIGKILL)
                wait_until(lambda: len(set(workers(folder)) - {victim}) == len(before), "another worker has come")  # noqa: B023
                restored = time.monotonic()
                time.sleep(options.seconds)
            since = clients.since(moment)
            results.append(
                Killed(
                    connections,
                    sum(one.is_lost for one in clients.sent),
                    losses([one for one in since if not one.is_lost]),
                    sum(one.loss is None and one.end <= restored for one in since),
                    restored - moment,
                )
            )
    return results


def _connections(process: int) -> int:
    """How many connections a process holds."""
    inodes = set()
    for descriptor in Path(f"/proc/{process}/fd").iterdir():
        try:
            target = str(descriptor.readlink())
        except OSError:
            continue  # It was closed meanwhile.
        if target.startswith("socket:["):
            inodes.add(target[8:-1])
    established = "01"
    rows = [line.split() for line in Path(f"/proc/{process}/net/tcp").read_text().splitlines()[1:]]
    return sum(row[3] == established and row[9] in inodes for row in rows)


Rows = list[dict[str, str]]


def drain_rows(options: Options) -> tuple[Rows, bool]:
    """Ends the service again and again; the rows of a table, and whether all was well."""
    rows, well = Rows(), True
    for heeds in (True, False):
        rounds = [drain(options, heeds=heeds) for _ in range(options.rounds)]
        lost, codes = sum(one.lost for one in rounds), sorted({one.code for one in rounds})
        not_ready = [one.not_ready * 1e3 for one in rounds if one.not_ready is not None]
        rows.append(
            {
                "clients": "heed /health/ready" if heeds else "go on",
                "answered after SIGTERM": f"{sum(one.answered for one in rounds):,}",
                "lost": str(lost),
                "not sent": in_words(sum((one.others for one in rounds), Counter[Loss]())),
                "503 after": spread(not_ready, "ms", 0) if not_ready else "never",
                "ended after": spread([one.ended for one in rounds], "s"),
                "exit codes": ", ".join(map(str, codes)),
            }
        )
        well = well and lost == 0 and codes == [EXIT_OK] and len(not_ready) == options.rounds
    return rows, well


def kill_rows(options: Options) -> tuple[Rows, bool]:
    """Kills workers; the rows of a table, and whether all was well."""
    killed = kill(options)
    rows = [
        {
            "kill": str(number),
            "connections of the worker": str(one.connections),
            "lost": str(one.lost),
            "not sent": in_words(one.others),
            "answered meanwhile": f"{one.meanwhile:,}",
            "all workers again after": f"{one.restored:.2f} s",
        }
        for number, one in enumerate(killed, 1)
    ]
    return rows, all(one.lost <= one.connections for one in killed)


def reload_rows(options: Options) -> tuple[Rows, bool]:
    """Reloads the model; the row of a table, and whether all was well."""
    one, broken = reload(options), options.rounds // 3
    row = {
        "good files": str(options.rounds - broken),
        "replaced the model": str(one.replaced),
        "broken files": str(broken),
        "left it": str(one.kept),
        "answers": f"{one.answers:,}",
        "lost": str(one.lost),
        "of neither model or both": str(one.foreign),
        "of the old model afterwards": str(one.stale),
    }
    well = one.replaced == options.rounds - broken and one.kept == broken
    return [row], well and one.lost + one.foreign + one.stale == 0


def table(rows: Rows) -> str:
    """Rows as a table."""
    lines = [list(rows[0]), ["---"] * len(rows[0]), *([*row.values()] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


# What is done, and by default how often and by how many workers.
_EXPERIMENTS = {"drain": (drain_rows, 5, 1), "kill": (kill_rows, 5, 2), "reload": (reload_rows, 30, 2)}


def main(argv: Sequence[str] | None = None) -> int:
    """Prints a table of each; fails if more was lost than may be."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = list(_EXPERIMENTS)
    parser.add_argument(
        "experiments", nargs="*", type=one_of(names), help=f"some of: {', '.join(names)} (default: all)"
    )
    parser.add_argument("--rounds", type=whole_number(1, 10_000), help="default: 5, and 30 reloads")
    parser.add_argument("--clients", type=whole_number(2, 256), default=8, help="at a time (default: 8)")
    parser.add_argument("--workers", type=whole_number(1, 64), help="of the service (default: 1 to drain, else 2)")
    parser.add_argument("--seconds", type=float, default=0.5, help="of load between two events (default: 0.5)")
    options = parser.parse_args(argv)
    print(describe_machine())
    all_well = True
    for name in options.experiments or names:
        run, rounds, count = _EXPERIMENTS[name]
        chosen = Options(options.rounds or rounds, options.clients, options.workers or count, options.seconds)
        rows, well = run(chosen)
        print(f"\n{name}: {chosen.rounds} times, {chosen.clients} clients, {chosen.workers} worker(s)\n", flush=True)
        print(table(rows), flush=True)
        all_well = all_well and well
    print("\nNothing was lost that could be kept." if all_well else "\nMore was lost than may be.")
    return EXIT_OK if all_well else EXIT_FAILED


if __name__ == "__main__":
    raise SystemExit(main())
