"""Sends the API what nobody should send: python -m benchmarks.hostile.fuzz --requests 20000 --seed 0

Image files of all supported formats, damaged at random, and requests that break the rules of HTTP and its forms, go to
a real server over real connections. Each request follows from the seed and its number alone, so that `--only NUMBER`
sends it again; `--save DIR` keeps those that failed, and `--digest` prints a digest of all requests and sends none.

What must hold: no answer of 500 or more but 503 `overloaded`; what is refused for want of memory or of processor time
is answered when it is sent again, as the refusal asks for; no hang; every refusal of the application is problem details
of a known type; the process lives, answers a good image in between, logs no traceback, and takes at most 5% more memory
in the last fifth of the requests than in the second. If not, the exit code is 1.
"""

import argparse
import hashlib
import itertools
import json
import random
import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np

from benchmarks.hostile.malformed import Case, make_case
from benchmarks.hostile.mutations import Files
from benchmarks.hostile.specimens import SAMPLES, specimens
from benchmarks.support.client import Answer, Connection, UnansweredError, address_of, upload
from benchmarks.support.machine import describe_machine
from benchmarks.support.servers import SERVE, Running, running
from digits.cli.arguments import whole_number
from digits.recognizer import shipped_model
from digits.service.problems import MEDIA_TYPE, PROBLEMS

_SAMPLE = SAMPLES / "7_stylus.png"
# A good image in between, so often.
_CONTROL = 200
# A request that is not answered for so long hangs: on a busy machine, a batch may take 200 seconds by the service's own
# limits. A body that stops is given up after the second of these.
_PATIENCE = 240.0
_RECEIVE_SECONDS = 1.0
# What is refused for a moment is sent again so often.
_TRIES = 8
# How much more memory at the end is no growth: decoders keep some of what the largest image took.
_GROWTH = 0.05
_TOO_FEW_FOR_MEMORY = 5_000
# At the memory, in a fifth of the requests.
_LOOKS = 8

SERVER_SETTINGS = {
    "DIGITS_MODEL": str(shipped_model()),
    "DIGITS_RECEIVE_SECONDS": str(_RECEIVE_SECONDS),
    "DIGITS_ACCESS_LOG": "false",
}

_TYPES = {problem.type: problem.status for problem in PROBLEMS.values()}
_OVERLOADED = "urn:digits:problem:overloaded"
_FOR_A_MOMENT = (b'"urn:digits:problem:buffers-full"', b'"urn:digits:problem:processor-busy"')


@dataclass(frozen=True)
class Finding:
    """Something that did not hold.

    Args:
        number: of the request after which it did not; with the seed it makes the request again. None if it is not known
            after which.
        what: the request in words, or where it was seen.
        wrong: what did not hold.
    """

    number: int | None
    what: str
    wrong: str


def case_of(seed: int, number: int, files: Files) -> Case:
    """The request of this number."""
    return make_case(random.Random(f"{seed}/{number}"), files)  # noqa: S311 - it has to be repeatable


def digest(seed: int, requests: int, files: Files) -> str:
    """SHA-256 of all requests, in hexadecimal."""
    sha = hashlib.sha256()
    for number in range(requests):
        for piece in case_of(seed, number, files).pieces:
            sha.update(piece)
    return sha.hexdigest()


def judge(case: Case, answer: Answer) -> str | None:
    """What is wrong with an answer; None if nothing is."""
    if answer.status < 400:
        return None
    own = answer.media_type == "text/plain" and answer.body.startswith(b"Invalid HTTP request received")
    if own and answer.status == 400:
        # The server itself refuses what is not HTTP, before the application sees it.
        return "is well-formed HTTP, and the server says it is not" if case.is_http else None
    if case.pieces[0].startswith(b"HEAD "):
        return None if answer.status < 500 else f"status {answer.status}"
    if answer.media_type != MEDIA_TYPE:
        return f"status {answer.status} with {answer.media_type or 'no type'}: {answer.body[:200]!r}"
    try:
        problem = json.loads(answer.body)
        kind, status = problem["type"], problem["status"]
    except (ValueError, KeyError) as error:
        return f"status {answer.status} with a body that is no problem details ({error!r}): {answer.body[:200]!r}"
    if status != answer.status or (kind != "about:blank" and _TYPES.get(kind) != status):
        return f"status {answer.status} with problem {kind!r} of status {status}"
    if status == 408 and not answer.closes:
        return "status 408 without Connection: close, so that the next request would be taken for the rest of this one"
    return f"status {answer.status}: {problem}" if status >= 500 and kind != _OVERLOADED else None


class Fuzzer:
    """Sends requests and notes what did not hold.

    Args:
        url: of the server.
        seed: makes the requests, with their numbers.
        files: the undamaged image files.
    """

    def __init__(self, url: str, seed: int, files: Files) -> None:
        self.address = address_of(url)
        self.seed = seed
        self.files = files
        self.findings: list[Finding] = []
        self.outcomes: Counter[str] = Counter()
        self._control = upload(_SAMPLE.read_bytes())
        self._lock = threading.Lock()

    def send(self, numbers: Sequence[int], connections: int) -> None:
        """Sends the requests of these numbers, over so many connections at a time."""
        waiting = iter(numbers)
        with ThreadPoolExecutor(connections) as threads:
            for done in [threads.submit(self._send_all, waiting) for _ in range(connections)]:
                done.result()

    def _send_all(self, waiting: Iterator[int]) -> None:
        with Connection(self.address, _PATIENCE) as connection:
            while True:
                with self._lock:
                    number = next(waiting, None)
                if number is None:
                    return
                self._send_one(connection, number)
                if number % _CONTROL == 0:
                    self._send_control(connection, number)

    def _send_one(self, connection: Connection, number: int) -> None:
        case = case_of(self.seed, number, self.files)
        wrong: str | None = None
        try:
            if case.leaves:
                connection.close()
                outcome = _send_and_leave(connection, case.pieces, wait=number % 2 == 0)
                wrong = "the connection was still open seconds after the client's end" if outcome == "held" else None
            else:
                answer = self._exchange(connection, case)
                outcome, wrong = _name(answer), judge(case, answer)
        except UnansweredError as error:
            outcome = f"no answer: {error}"
            if case.is_http or error.loss in ("timeout", "refused"):
                wrong = str(error)
        if case.stops or not case.is_http:
            connection.close()
        self._note(number, case.what, outcome, wrong)

    def _exchange(self, connection: Connection, case: Case) -> Answer:
        """Sends a request, and again if it is refused for a moment; returns the last answer."""
        for _ in range(_TRIES):
            answer = connection.exchange(*case.pieces)
            if answer.status != 503 or not any(kind in answer.body for kind in _FOR_A_MOMENT):
                break
            with self._lock:
                self.outcomes[f"{_name(answer)}, and sent again"] += 1
            # The server would close it meanwhile, perhaps in the moment in which the request is sent again.
            connection.close()
            time.sleep(float(answer.headers["retry-after"]))
        return answer

    def _send_control(self, connection: Connection, number: int) -> None:
        try:
            answer = connection.exchange(self._control)
            right = answer.status == 200 and json.loads(answer.body)["predicted_digit"] == 7
            wrong = None if right else f"a good image was answered with {answer.status}: {answer.body[:200]!r}"
        except UnansweredError as error:
            wrong = f"a good image was not answered: {error}"
        self._note(number, "after it", "good image in between", wrong)

    def _note(self, number: int, what: str, outcome: str, wrong: str | None) -> None:
        with self._lock:
            self.outcomes[outcome] += 1
            if wrong:
                self.findings.append(Finding(number, what, wrong))


def _name(answer: Answer) -> str:
    if answer.media_type == MEDIA_TYPE and answer.body.startswith(b"{"):
        return f"{answer.status} {json.loads(answer.body).get('type', '')}".replace("urn:digits:problem:", "")
    return f"{answer.status} {answer.media_type}"


def _send_and_leave(connection: Connection, pieces: Sequence[bytes], *, wait: bool) -> str:
    """Sends, says that no more comes, and waits for the server's end of the connection, or does not."""
    opened = connection.connect()
    outcome = "the client left"
    try:
        for piece in pieces:
            opened.sendall(piece)
        if wait:
            opened.shutdown(socket.SHUT_WR)
            while opened.recv(65_536):
                outcome = "the client left after an answer"
    except TimeoutError:
        outcome = "held"
    except OSError:
        outcome = "the server left first"
    connection.close()
    return outcome


def watch(server: Running, fuzzer: Fuzzer, requests: int, connections: int) -> tuple[float, float]:
    """Sends all requests; returns the server's memory in MB in their second fifth and in their last.

    What the heap keeps goes up and down with the sizes of the images that came last: each is a median of several looks.
    """
    bounds = np.linspace(0, requests, _LOOKS * 5 + 1).astype(int)
    memory = []
    for first, end in itertools.pairwise(bounds):
        fuzzer.send(range(first, end), connections)
        memory.append(server.memory())
    before, after = median(memory[_LOOKS : 2 * _LOOKS]), median(memory[-_LOOKS:])
    if server.process.poll() is not None:
        fuzzer.findings.append(Finding(None, "the end", f"the server ended with {server.process.returncode}"))
    elif requests >= _TOO_FEW_FOR_MEMORY and after > before * (1.0 + _GROWTH):
        fuzzer.findings.append(Finding(None, "the end", f"memory grew from {before:.0f} to {after:.0f} MB"))
    if "Traceback" in (log := server.output()):
        fuzzer.findings.append(Finding(None, "the log", log[log.index("Traceback") :][:2_000]))
    return before, after


def main(argv: Sequence[str] | None = None) -> int:
    """Prints what was answered, and what did not hold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=whole_number(1, 10_000_000), default=20_000, help="default: 20000")
    parser.add_argument("--seed", type=whole_number(0, 2**31), default=0, help="default: 0")
    parser.add_argument("--connections", type=whole_number(1, 64), default=4, help="at a time (default: 4)")
    parser.add_argument("--only", type=whole_number(0, 10_000_000), metavar="NUMBER", help="send this request alone")
    parser.add_argument("--save", type=Path, metavar="DIR", help="write the bytes of what failed there")
    parser.add_argument("--digest", action="store_true", help="print a digest of the requests and send none")
    options = parser.parse_args(argv)
    files = specimens()
    if options.digest:
        print(digest(options.seed, options.requests, files))
        return 0
    print(f"{describe_machine()}\n")
    with running(SERVE, _SAMPLE.read_bytes(), SERVER_SETTINGS) as server:
        fuzzer, start = Fuzzer(server.url, options.seed, files), time.monotonic()
        if options.only is not None:
            case = case_of(options.seed, options.only, files)
            print(case.what)
            fuzzer.send([options.only], 1)
        else:
            before, after = watch(server, fuzzer, options.requests, options.connections)
            print(f"{options.requests:,} requests from seed {options.seed} in {time.monotonic() - start:.0f} s")
            print(f"memory: {before:.0f} MB in the second fifth of them, {after:.0f} MB in the last\n")
    print("| answered with | requests |\n| --- | --- |")
    for outcome, count in sorted(fuzzer.outcomes.items()):
        print(f"| {outcome} | {count:,} |")
    print(f"\nfindings: {len(fuzzer.findings)}")
    for finding in fuzzer.findings:
        only = "" if finding.number is None else f" --only {finding.number}"
        print(f"- --seed {options.seed}{only}: {finding.what}: {finding.wrong}", file=sys.stderr)
        if options.save and finding.number is not None:
            options.save.mkdir(parents=True, exist_ok=True)
            pieces = case_of(options.seed, finding.number, files).pieces
            (options.save / f"{options.seed}-{finding.number}.http").write_bytes(b"".join(pieces))
    return 1 if fuzzer.findings else 0


if __name__ == "__main__":
    raise SystemExit(main())
