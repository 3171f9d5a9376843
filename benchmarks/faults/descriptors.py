"""Leaves the service few files to open: python -m benchmarks.faults.descriptors

Every connection, pipe and file takes a descriptor, of which the system allows a process so many. While clients send
digits, numbers, documents and batches over connections that they keep, the worker may suddenly open only some files
more, and then none. Newcomers open more connections than that, probes ask for the health over new ones, and a client
sends a file of each format, of some of which the decoder is loaded only then.

Whoever is connected must get the answer that the same request gets otherwise, or 503; no request may be lost. While
some files are left, a newcomer must be answered or told 503, and probes must be answered. While none is left, a
connection that cannot be taken is closed: a probe that sees this tells the truth, too. As soon as files may be opened
again, everybody must be answered; in the end, the worker must hold as many files as in the beginning. If not, the exit
code is 1. It needs Linux.
"""

import argparse
import contextlib
import json
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.faults.chaos import table
from benchmarks.hostile.specimens import specimens
from benchmarks.support.client import Connection, UnansweredError, address_of, request, upload, upload_batch
from benchmarks.support.clients import busy, in_threads
from benchmarks.support.machine import describe_machine
from benchmarks.support.operating import SAMPLE, wait_until
from benchmarks.support.servers import SERVE, Running, running
from digits.cli.arguments import EXIT_FAILED, EXIT_OK, whole_number
from digits.recognizer import shipped_model

if sys.platform != "win32":
    import resource

# Files that may be opened: some more than the service keeps for itself and for probes, and none.
_LEFT = {"some": 40, "none": 0}
# A probe asks so often, in seconds.
_PROBE_SECONDS = 0.1
_PROBES = ("/health/live", "/health/ready")
# What a process keeps open for each that it has started: a pipe to it, and one from it.
_PIPES = 2
# Whoever has not been answered by then hangs, in seconds.
_PATIENCE = 5.0
# They are asked for first, and again once all formats have been read.
_USUAL = ("number", "pdf", "batch")
# Members of an answer that are not the same for the same request.
_CHANGING = ("prediction_time_ms", "reading_time_ms", "request_id")
# What is as it is while files are not short.
_RIGHT = "as otherwise"


@dataclass
class Seen:
    """What was seen while files were short, and afterwards.

    Args:
        kept: how the clients that were connected before were answered: "as otherwise", "503", or what was wrong.
        newcomers: how each newcomer was answered: the status, or in a word how the request was lost.
        formats: how the files of all formats were answered, as `kept`.
        probes: how each probe was answered, as `newcomers`.
        slowest_probe: seconds until the slowest answer to a probe.
        recovered: seconds until a newcomer was answered, once files could be opened again.
        later: how the files of all formats were answered then, as `kept`.
        files: how many files the worker had open before, and in the end, without the pipes to its processes.
        has_traceback: whether the log holds a fault.
    """

    kept: Counter[str] = field(default_factory=Counter)
    newcomers: Counter[str] = field(default_factory=Counter)
    formats: Counter[str] = field(default_factory=Counter)
    probes: Counter[str] = field(default_factory=Counter)
    slowest_probe: float = 0.0
    recovered: float = float("inf")
    later: Counter[str] = field(default_factory=Counter)
    files: tuple[int, int] = (0, 0)
    has_traceback: bool = False

    def is_well(self, left: int) -> bool:
        """Whether all is as it must be, if so many files were left."""
        may_close = {"closed", "reset", "unsent"} if left == 0 else set()
        return (
            {*self.kept, *self.formats} <= {_RIGHT, "503"}
            and {*self.newcomers} <= {"200", "503", *may_close}
            and {*self.probes} <= {"200", *may_close}
            and self.recovered < _PATIENCE
            and set(self.later) == {_RIGHT}
            and self.files[1] <= self.files[0]
            and not self.has_traceback
        )


def open_files(process: int) -> int:
    """Returns how many files a process has open."""
    return sum(1 for _ in Path(f"/proc/{process}/fd").iterdir())


def files_without_processes(process: int) -> int:
    """Returns how many files a process has open besides the two pipes to each process that it has started.

    It keeps compute processes, of which it starts another one when more images than before come at a time.
    """
    # Counted first: one that ends meanwhile makes the number higher, not lower.
    files = open_files(process)
    tasks = Path(f"/proc/{process}/task").glob("*/children")
    return files - _PIPES * sum(len(task.read_text(encoding="ascii").split()) for task in tasks)


@contextlib.contextmanager
def limited(process: int, left: int) -> Iterator[None]:
    """Lets a process open only so many files more than it has open, until the block ends."""
    before = resource.prlimit(process, resource.RLIMIT_NOFILE)
    resource.prlimit(process, resource.RLIMIT_NOFILE, (open_files(process) + left, before[1]))
    try:
        yield
    finally:
        resource.prlimit(process, resource.RLIMIT_NOFILE, before)


def _requests() -> dict[str, bytes]:
    """Returns a request for each kind of work and for a file of each format, by name."""
    sample = SAMPLE.read_bytes()
    files = {name: upload(file) for name, file in specimens().items()}
    return files | {"number": upload(sample, "/read/"), "batch": upload_batch([sample] * 3)}


def _answer_to(connection: Connection, data: bytes) -> str:
    """Returns what a request is answered with, without times and the request's id; in a word if it is lost."""
    try:
        answer = connection.exchange(data)
    except UnansweredError as error:
        return error.loss
    return "503" if answer.status == 503 else f"{answer.status} {_content_of(answer.body)}"


def _content_of(body: bytes) -> str:
    content = json.loads(body)
    return json.dumps({name: content[name] for name in content if name not in _CHANGING})


def _compare(answer: str, otherwise: str, name: str = "") -> str:
    """Returns whether an answer is as otherwise, or else its status, with the name of what was asked for."""
    status = answer.partition(" ")[0]
    return _RIGHT if answer == otherwise else status if status == "503" else f"{status} {name}".rstrip()


def _status(address: tuple[str, int], path: str) -> str:
    """Returns the status of the answer to a newcomer; in a word if there is none."""
    with Connection(address, _PATIENCE) as connection:
        return _answer_to(connection, request("GET", path)).partition(" ")[0]


def _probe(address: tuple[str, int], seen: Seen, stop: threading.Event) -> None:
    while not stop.wait(_PROBE_SECONDS):
        for path in _PROBES:
            start = time.monotonic()
            seen.probes[_status(address, path)] += 1
            seen.slowest_probe = max(seen.slowest_probe, time.monotonic() - start)


def shortage(
    server: Running, left: int, clients: int, newcomers: int, seconds: float, otherwise: Mapping[str, str]
) -> Seen:
    """Has a service run short of files under load, and then no longer; returns what was seen.

    Args:
        server: with one worker, which has answered hardly anything yet.
        left: how many files the worker may open more.
        clients: that keep their connections.
        newcomers: connections that are opened meanwhile.
        seconds: how long the shortage lasts, at least.
        otherwise: what each of `_requests` is answered with by a service that is not short of files.
    """
    address, process, requests, seen = address_of(server.url), server.process.pid, _requests(), Seen()
    usual = [name for name in _USUAL if name in requests]
    before = files_without_processes(process)
    stop = threading.Event()
    with Connection(address) as connection, contextlib.ExitStack() as opened:
        connection.exchange(request("GET", "/health/live"))
        with busy(address, [requests["png sample"]], clients) as kept:
            wait_until(lambda: len(kept.sent) >= 2 * clients, "all clients are answered")
            with limited(process, left), in_threads(lambda _: _probe(address, seen, stop), 1, stop):
                start = time.monotonic()
                for _ in range(newcomers):
                    newcomer = opened.enter_context(Connection(address, _PATIENCE))
                    seen.newcomers[_answer_to(newcomer, requests["png sample"]).partition(" ")[0]] += 1
                for name in (*usual, *requests, *usual):
                    seen.formats[_compare(_answer_to(connection, requests[name]), otherwise[name], name)] += 1
                time.sleep(max(0.0, start + seconds - time.monotonic()))
            start = time.monotonic()
            while _status(address, "/health/ready") != "200" and time.monotonic() < start + _PATIENCE:
                time.sleep(0.01)
            seen.recovered = time.monotonic() - start
            for name, data in requests.items():
                seen.later[_compare(_answer_to(connection, data), otherwise[name], name)] += 1
    for sent in kept.sent:
        answer = f"200 {_content_of(sent.body)}" if sent.status == 200 else sent.loss or str(sent.status)
        seen.kept[_compare(answer, otherwise["png sample"])] += 1
    with contextlib.suppress(RuntimeError):
        wait_until(lambda: files_without_processes(process) <= before, "all connections are closed")
    seen.files, seen.has_traceback = (before, files_without_processes(process)), "Traceback" in server.output()
    return seen


def _row(name: str, seen: Seen) -> dict[str, str]:
    def told(counts: Counter[str]) -> str:
        return ", ".join(f"{count:,} {answer}" for answer, count in sorted(counts.items()))

    return {
        "files left": name,
        "who was connected": told(seen.kept),
        "newcomers": told(seen.newcomers),
        "all formats": told(seen.formats),
        "probes": f"{told(seen.probes)}; at most {seen.slowest_probe * 1e3:.0f} ms",
        "answers again after": f"{seen.recovered * 1e3:.0f} ms",
        "all formats then": told(seen.later),
        "open before, in the end": f"{seen.files[0]}, {seen.files[1]}",
        "faults in the log": str(int(seen.has_traceback)),
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Prints the table; returns the exit code, which is not 0 if something was lost or answered wrongly."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=whole_number(1, 1_000), default=8, help="that are connected (default: 8)")
    parser.add_argument("--newcomers", type=whole_number(1, 10_000), default=100, help="default: 100")
    parser.add_argument("--seconds", type=whole_number(0, 600), default=10, help="of each shortage (default: 10)")
    options = parser.parse_args(argv)
    if sys.platform != "linux":
        parser.error("this benchmark needs Linux, which lets it change the limits of another process")
    rows: list[dict[str, str]] = []
    all_well = True
    with tempfile.TemporaryDirectory() as folder:
        environment = {"DIGITS_MODEL": str(shipped_model()), "DIGITS_ACCESS_LOG": "false", "XDG_RUNTIME_DIR": folder}
        with (
            running(SERVE, SAMPLE.read_bytes(), environment) as server,
            Connection(address_of(server.url)) as connection,
        ):
            otherwise = {name: _answer_to(connection, data) for name, data in _requests().items()}
        for name, left in _LEFT.items():
            with running(SERVE, SAMPLE.read_bytes(), environment) as server:
                seen = shortage(server, left, options.clients, options.newcomers, options.seconds, otherwise)
            rows.append(_row(f"{name} ({left})", seen))
            all_well = all_well and seen.is_well(left)
    print(f"{describe_machine()}\n\n{table(rows)}\n")
    print("Nothing was lost." if all_well else "Something was lost, or answered wrongly.")
    return EXIT_OK if all_well else EXIT_FAILED


if __name__ == "__main__":
    raise SystemExit(main())
