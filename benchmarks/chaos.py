"""What is lost when the service changes under load: python -m benchmarks.chaos drain|kill|reload

drain: SIGTERM. Requests that were sent whole and not answered are counted, with a balancer that heeds /health/ready
and with clients that do not. kill: -9 to one of several workers. reload: the model file is replaced again and again,
by two models that answer otherwise and by a file that is none; each answer has to be one of the two models', and a
batch of one alone. Exits with 1 if more is lost than may be.
"""

import argparse
import json
import os
import signal
import tempfile
import threading
import time
import zipfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.client import Connection, UnansweredError, address_of, request, upload, upload_batch
from benchmarks.images import SMALL, image_files
from benchmarks.machine import describe_machine
from benchmarks.servers import Running, Server, running
from digits.arguments import EXIT_FAILED, EXIT_OK, one_of, whole_number
from digits.recognizer import shipped_model

_SERVER = Server("Digits", ("-m", "digits", "serve", "--port", "{port}"))
_CARD = "digits/card.json"
# Before a client asks again that found nobody.
_PAUSE_SECONDS = 0.01


@dataclass
class Seen:
    """What the clients saw."""

    answers: Counter[int] = field(default_factory=Counter)
    losses: Counter[str] = field(default_factory=Counter)
    confidences: set[tuple[float, ...]] = field(default_factory=set)

    @property
    def lost(self) -> int:
        """Requests that were sent whole and not answered."""
        return sum(count for loss, count in self.losses.items() if loss not in ("refused", "unsent"))

    def __str__(self) -> str:
        answers = ", ".join(f"{status}: {count:,}" for status, count in sorted(self.answers.items()))
        losses = ", ".join(f"{loss}: {count:,}" for loss, count in sorted(self.losses.items())) or "none"
        return f"answers {answers}; without an answer: {losses}"


@contextmanager
def load(url: str, clients: int, data: Sequence[bytes], *, keep: bool, heed: bool = False) -> Iterator[Seen]:
    """Clients that send requests one after the other, meanwhile.

    Args:
        url: of the service.
        clients: how many.
        data: the requests.
        keep: whether each keeps its connection.
        heed: whether they stop as soon as the service says that it is not ready, as a balancer has them do.
    """
    seen, stop, guard = Seen(), threading.Event(), threading.Lock()
    address = address_of(url)

    def ask(number: int) -> None:
        with Connection(address) as connection:
            while not stop.is_set():
                number += 1
                try:
                    answer = connection.exchange(data[number % len(data)])
                except UnansweredError as error:
                    with guard:
                        seen.losses[error.loss] += 1
                    time.sleep(_PAUSE_SECONDS)
                    continue
                confidences = _confidences(answer.body) if answer.status == 200 else ()
                with guard:
                    seen.answers[answer.status] += 1
                    seen.confidences.add(confidences)
                if not keep:
                    connection.close()

    def watch() -> None:
        while not stop.is_set():
            try:
                with Connection(address) as connection:
                    if connection.exchange(request("GET", "/health/ready")).status != 200:
                        stop.set()
            except UnansweredError:
                stop.set()
            time.sleep(0.1)

    threads = [threading.Thread(target=ask, args=(i,)) for i in range(clients)]
    threads += [threading.Thread(target=watch)] if heed else []
    for thread in threads:
        thread.start()
    try:
        yield seen
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def _confidences(body: bytes) -> tuple[float, ...]:
    answer = json.loads(body)
    results = [one["prediction"] for one in answer["results"]] if "results" in answer else [answer]
    return tuple(one["confidence"] for one in results)


def drain(options: argparse.Namespace, image: bytes) -> bool:
    """SIGTERM under load; returns whether nothing was lost."""
    kept = True
    for heed in (True, False):
        lost, seconds, ways = 0, [], Counter[str]()
        for _ in range(options.rounds):
            environment = _environment() | {"DIGITS_DRAIN_SECONDS": "1"}
            with (
                running(_SERVER, image, environment, _workers(options)) as server,
                load(server.url, options.clients, [upload(image)], keep=True, heed=heed) as seen,
            ):
                time.sleep(1.0)
                start = time.perf_counter()
                server.process.send_signal(signal.SIGTERM)
                code = server.process.wait(60)
                seconds.append(time.perf_counter() - start)
            lost += seen.lost
            ways.update(seen.losses)
            kept = kept and code == 0
        who = "clients behind a balancer that heeds /health/ready" if heed else "clients that go on regardless"
        print(
            f"drain, {who}: {lost} requests lost in {options.rounds} rounds ({dict(ways)}); it took at most "
            f"{max(seconds):.1f} s, of which 1 s to drain",
            flush=True,
        )
        kept = kept and (lost == 0 or not heed)
    return kept


def kill(options: argparse.Namespace, image: bytes) -> bool:
    """-9 to a worker under load; returns whether no more than its requests in flight were lost."""
    lost, seconds = [], []
    environment = _environment()
    with tempfile.TemporaryDirectory() as folder:
        environment |= {"XDG_RUNTIME_DIR": folder}
        with running(_SERVER, image, environment, ("--workers", "2")) as server:
            for _ in range(options.rounds):
                _wait_for_workers(Path(folder), 2)
                with load(server.url, options.clients, [upload(image)], keep=True) as seen:
                    time.sleep(1.0)
                    victim = min(_workers_in(Path(folder)))
                    start = time.perf_counter()
                    os.kill(victim, signal.SIGKILL)
                    while victim in _workers_in(Path(folder)) or len(_workers_in(Path(folder))) < 2:
                        time.sleep(0.05)
                        _collect(server)
                    seconds.append(time.perf_counter() - start)
                    time.sleep(0.5)
                lost.append(seen.lost)
                print(f"kill: {seen}", flush=True)
    print(
        f"kill: {sum(lost)} requests lost in {options.rounds} rounds, at most {max(lost)} in one, of "
        f"{options.clients} clients; full strength after {max(seconds):.1f} s at most",
        flush=True,
    )
    return max(lost) <= options.clients


def reload(options: argparse.Namespace, image: bytes) -> bool:
    """Another model again and again under load; returns whether nothing was lost or mixed."""
    with tempfile.TemporaryDirectory() as name:
        folder, model = Path(name), Path(name) / "model.keras"
        models = [_with_temperature(folder / f"{one}.keras", one) for one in (1.0, 3.0)]
        model.write_bytes(models[0])
        environment = {"DIGITS_MODEL": str(model), "DIGITS_ACCESS_LOG": "false", "XDG_RUNTIME_DIR": name}
        with running(_SERVER, image, environment, _workers(options)) as server:
            data = [upload(image), upload_batch([image] * 20)]
            with load(server.url, options.clients, data, keep=True) as seen:
                for number in range(options.rounds * 6):
                    part = folder / "part"
                    part.write_bytes(b"no model" if number % 3 == 2 else models[(number + 1) % 2])
                    part.replace(model)
                    for worker in _workers_in(folder):
                        os.kill(worker, signal.SIGHUP)
                    time.sleep(0.3)
            with Connection(address_of(server.url)) as connection:
                answer = connection.exchange(request("GET", "/metrics")).body.decode()
    outcomes = [line for line in answer.splitlines() if line.startswith("digits_model_reloads_total")]
    mixed = sum(len(set(one)) > 1 for one in seen.confidences)
    models_seen = {one for batch in seen.confidences for one in batch}
    print(
        f"reload: {seen}; {mixed} mixtures; {len(models_seen)} different answers to one image; {outcomes}", flush=True
    )
    return seen.lost == mixed == 0 and set(seen.answers) == {200} and len(models_seen) == 2


def _environment() -> dict[str, str]:
    return {"DIGITS_MODEL": str(shipped_model()), "DIGITS_ACCESS_LOG": "false"}


def _workers(options: argparse.Namespace) -> tuple[str, ...]:
    return ("--workers", str(options.workers))


def _workers_in(runtime: Path) -> set[int]:
    return {int(file.stem) for file in (runtime / "digits").glob("*/*.worker")}


def _wait_for_workers(runtime: Path, count: int) -> None:
    while len(_workers_in(runtime)) < count:
        time.sleep(0.05)


def _collect(server: Running) -> None:
    """Asks for the metrics, at which the living workers note which of them are dead."""
    try:
        with Connection(address_of(server.url)) as connection:
            connection.exchange(request("GET", "/metrics"))
    except UnansweredError:
        pass


def _with_temperature(path: Path, temperature: float) -> bytes:
    """The shipped model, more or less sure of itself, so that its answers tell which one it is."""
    with zipfile.ZipFile(shipped_model()) as original, zipfile.ZipFile(path, "w") as changed:
        for name in original.namelist():
            content = original.read(name)
            if name == _CARD:
                content = json.dumps(json.loads(content) | {"temperature": temperature}).encode()
            changed.writestr(name, content)
    return path.read_bytes()


def main(argv: Sequence[str] | None = None) -> int:
    """Prints what was lost; returns the exit code."""
    runs = {"drain": drain, "kill": kill, "reload": reload}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="+", type=one_of(list(runs)), metavar="WHAT", help="drain, kill or reload")
    parser.add_argument("--rounds", type=whole_number(1, 1_000), default=5, help="default: 5")
    parser.add_argument("--clients", type=whole_number(1, 200), default=8, help="default: 8")
    parser.add_argument("--workers", type=whole_number(1, 100), default=1, help="but for kill (default: 1)")
    options = parser.parse_args(argv)
    image = image_files(5)[SMALL][2]
    print(f"{options.clients} clients; {describe_machine()}", flush=True)
    kept = [runs[what](options, image) for what in options.what]
    return EXIT_OK if all(kept) else EXIT_FAILED


if __name__ == "__main__":
    raise SystemExit(main())
