"""Stops, kills and reloads the service under load: python -m benchmarks.faults.chaos drain group kill reload

A request counts as lost if the whole request was sent over an open connection and no complete answer came. Requests
that got no connection, or that were not sent whole, are counted separately: their client knows that no server has read
them, and can send them again.

- drain: SIGTERM. Some clients behave like a load balancer and send nothing new once /health/ready answers 503. Others
  go on until they are refused. Half of each keep their connection, half open a new one for each request.
- group: SIGTERM or SIGINT to all processes of a service without a drain at once, as from systemd or from Ctrl-C in a
  terminal. The clients go on.
- kill: SIGKILL to one of several workers. At most as many requests may be lost as the worker had connections, each
  with one request in flight.
- reload: replaces the model file and sends SIGHUP, again and again. Every third file cannot be used. Each answer must
  come from one of the two models, and each batch from a single model.
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
from benchmarks.support.operating import SAMPLE, Options, code_at_end, serving, wait_until, workers
from digits.cli.arguments import EXIT_FAILED, EXIT_OK, one_of, whole_number
from digits.recognizer import shipped_model

_READY = request("GET", "/health/ready")


@dataclass(frozen=True)
class Drained:
    """The result of one signal that stops the service.

    Args:
        heeds: whether the clients stopped when the service was no longer ready.
        answered: the number of requests answered after the signal.
        lost: the number of requests that were sent whole and not answered.
        others: the number of requests that were refused or not sent whole, by kind.
        not_ready: time until /health/ready answered 503, in seconds; None if it never did.
        ended: time until the server had ended, in seconds.
        code: its exit code.
    """

    heeds: bool
    answered: int
    lost: int
    others: Counter[Loss]
    not_ready: float | None
    ended: float
    code: int


def drain(
    options: Options, *, heeds: bool, drain_seconds: float = 1.0, to_all: signal.Signals | None = None
) -> Drained:
    """Ends the service by a signal while clients send.

    Args:
        options: the experiment's options.
        heeds: whether the clients stop once the service is no longer ready.
        drain_seconds: how long the service takes new requests after the signal.
        to_all: the signal that all of its processes get; if None, its first process gets SIGTERM.
    """
    requests = [upload(SAMPLE.read_bytes()), upload(specimens()["jpeg large"])]
    with (
        tempfile.TemporaryDirectory() as folder,
        serving(options, Path(folder), shipped_model(), drain_seconds) as server,
    ):
        address = address_of(server.url)
        with busy(address, requests, options.clients, keep=lambda number: number % 2 == 0) as clients:
            time.sleep(options.seconds)
            term = time.monotonic()
            if to_all is None:
                server.process.send_signal(signal.SIGTERM)
            else:
                os.killpg(server.process.pid, to_all)
            not_ready = _watch_readiness(address, clients if heeds else None)
            code = code_at_end(server)
            ended = time.monotonic()
        after = clients.since(term)
        return Drained(
            heeds,
            sum(request.loss is None for request in after),
            sum(request.is_lost for request in clients.sent),
            losses([request for request in after if request.start < ended and not request.is_lost]),
            not_ready and not_ready - term,
            ended - term,
            code,
        )


def _watch_readiness(address: tuple[str, int], clients: Clients | None) -> float | None:
    """Waits until /health/ready answers 503, and then stops the clients, if there are any to stop.

    Returns:
        The time of that answer, by `time.monotonic`; None if the service ended first.
    """
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
    """The result of one SIGKILL.

    Args:
        connections: the number of connections that the worker had, each with at most one request in flight.
        lost: the number of requests that were sent whole and not answered.
        others: the number of requests that were refused or not sent whole, by kind.
        meanwhile: the number of requests answered until all workers ran again.
        restored: time until all workers ran again, in seconds.
    """

    connections: int
    lost: int
    others: Counter[Loss]
    meanwhile: int
    restored: float


def kill(options: Options) -> list[Killed]:
    """Kills one worker after the other while clients send; returns a result for each."""
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
                wait_until(lambda: len(set(workers(folder)) - {victim}) == len(before), "a new worker runs")  # noqa: B023
                restored = time.monotonic()
                time.sleep(options.seconds)
            since = clients.since(moment)
            results.append(
                Killed(
                    connections,
                    sum(request.is_lost for request in clients.sent),
                    losses([request for request in since if not request.is_lost]),
                    sum(request.loss is None and request.end <= restored for request in since),
                    restored - moment,
                )
            )
    return results


def _connections(process: int) -> int:
    """Returns the number of TCP connections that a process holds."""
    inodes = set()
    for descriptor in Path(f"/proc/{process}/fd").iterdir():
        try:
            target = str(descriptor.readlink())
        except OSError:
            continue  # It was closed in the meantime.
        if target.startswith("socket:["):
            inodes.add(target[8:-1])
    established = "01"
    rows = [line.split() for line in Path(f"/proc/{process}/net/tcp").read_text().splitlines()[1:]]
    return sum(row[3] == established and row[9] in inodes for row in rows)


Rows = list[dict[str, str]]


def drain_rows(options: Options) -> tuple[Rows, bool]:
    """Ends the service several times; returns the rows of a table, and whether nothing was lost."""
    rows, well = Rows(), True
    for heeds in (True, False):
        rounds = [drain(options, heeds=heeds) for _ in range(options.rounds)]
        lost, codes = sum(result.lost for result in rounds), sorted({result.code for result in rounds})
        not_ready = [result.not_ready * 1e3 for result in rounds if result.not_ready is not None]
        rows.append(
            {
                "clients": "heed /health/ready" if heeds else "go on",
                "answered after SIGTERM": f"{sum(result.answered for result in rounds):,}",
                "lost": str(lost),
                "not sent": in_words(sum((result.others for result in rounds), Counter[Loss]())),
                "503 after": spread(not_ready, "ms", 0) if not_ready else "never",
                "ended after": spread([result.ended for result in rounds], "s"),
                "exit codes": ", ".join(map(str, codes)),
            }
        )
        well = well and lost == 0 and codes == [EXIT_OK] and len(not_ready) == options.rounds
    return rows, well


def group_rows(options: Options) -> tuple[Rows, bool]:
    """Stops all processes at once; returns the rows of a table, and whether nothing was lost."""
    rows, well = Rows(), True
    for number in (signal.SIGTERM, signal.SIGINT):
        rounds = [drain(options, heeds=False, drain_seconds=0.0, to_all=number) for _ in range(options.rounds)]
        lost, codes = sum(result.lost for result in rounds), sorted({result.code for result in rounds})
        rows.append(
            {
                "signal to all processes": number.name,
                "answered after it": f"{sum(result.answered for result in rounds):,}",
                "lost": str(lost),
                "not sent": in_words(sum((result.others for result in rounds), Counter[Loss]())),
                "ended after": spread([result.ended for result in rounds], "s"),
                "exit codes": ", ".join(map(str, codes)),
            }
        )
        well = well and lost == 0 and codes == [EXIT_OK]
    return rows, well


def kill_rows(options: Options) -> tuple[Rows, bool]:
    """Kills workers; returns the row of a table, and whether no more was lost than may be."""
    killed = kill(options)
    too_many = sum(result.lost > result.connections for result in killed)
    row = {
        "kills": str(len(killed)),
        "connections of the workers": str(sum(result.connections for result in killed)),
        "lost": str(sum(result.lost for result in killed)),
        "kills that lost more": str(too_many),
        "not sent": in_words(sum((result.others for result in killed), Counter[Loss]())),
        "answered meanwhile": f"{sum(result.meanwhile for result in killed):,}",
        "all workers again after": spread([result.restored for result in killed], "s"),
    }
    return [row], not too_many


def reload_rows(options: Options) -> tuple[Rows, bool]:
    """Reloads the model; returns the row of a table, and whether all reloads and answers were right."""
    result, broken = reload(options), options.rounds // 3
    row = {
        "good files": str(options.rounds - broken),
        "replaced the model": str(result.replaced),
        "broken files": str(broken),
        "left it": str(result.kept),
        "answers": f"{result.answers:,}",
        "lost": str(result.lost),
        "of neither model or both": str(result.foreign),
        "of the old model afterwards": str(result.stale),
    }
    well = result.replaced == options.rounds - broken and result.kept == broken
    return [row], well and result.lost + result.foreign + result.stale == 0


def table(rows: Rows) -> str:
    """Returns rows as a table in Markdown."""
    lines = [list(rows[0]), ["---"] * len(rows[0]), *([*row.values()] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


# Each experiment, its default number of rounds, and its default number of workers.
_EXPERIMENTS = {
    "drain": (drain_rows, 5, 1),
    "group": (group_rows, 5, 2),
    "kill": (kill_rows, 5, 2),
    "reload": (reload_rows, 30, 2),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Prints a table of each experiment; returns the exit code, which is not 0 if more was lost than may be."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = list(_EXPERIMENTS)
    parser.add_argument(
        "experiments", nargs="*", type=one_of(names), help=f"experiments: {', '.join(names)} (default: all)"
    )
    parser.add_argument("--rounds", type=whole_number(1, 10_000), help="default: 5; 30 for reload")
    parser.add_argument("--clients", type=whole_number(2, 256), default=8, help="clients at a time (default: 8)")
    parser.add_argument(
        "--workers", type=whole_number(1, 64), help="workers of the service (default: 1 for drain, else 2)"
    )
    parser.add_argument(
        "--seconds", type=float, default=0.5, help="length of the load between two events (default: 0.5)"
    )
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
