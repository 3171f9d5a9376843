"""A replica, a node and a model that go while clients send: what becomes of the requests to a Ray cluster."""

import json
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from benchmarks.faults.ray_nodes import Nodes
from benchmarks.faults.reloading import model_of_temperature
from benchmarks.support.client import Connection, UnansweredError, address_of, upload, upload_batch
from benchmarks.support.operating import SAMPLE
from digits.answers import BatchPrediction
from digits.recognizer import Recognizer

# The documented retry: after so many seconds, for so many seconds.
_PAUSE, _LONGEST = 1.0, 60.0
# What says that the same request may succeed later.
_AGAIN = frozenset({429, 500, 502, 503, 504})
_TEMPERATURES = (2.0, 5.0)
_PATIENCE = 120.0


@dataclass(frozen=True)
class Asked:
    """What became of a request.

    Args:
        start: when it was sent first, by `time.monotonic`.
        failures: why it was not answered, for each time that it was not.
        body: of the answer; None if none came.
    """

    start: float
    failures: tuple[str, ...]
    body: bytes | None


@dataclass(frozen=True)
class Outage:
    """What clients saw of a change, and how long it took.

    Args:
        requests: that were sent.
        failed: of these, how many were not answered when they were sent first, by why.
        lost: how many were never answered, though they were sent again.
        seconds: until all was as before.
    """

    requests: int
    failed: Mapping[str, int]
    lost: int
    seconds: float

    @property
    def failed_share(self) -> float:
        """Share of the requests that were lost to clients that do not send again, 0..1."""
        return sum(self.failed.values()) / max(1, self.requests)


@contextmanager
def asking(url: str, requests: Sequence[bytes], clients: int) -> Iterator[list[Asked]]:
    """Clients that send, and send again what was not answered, until the end of the block."""
    asked: list[Asked] = []
    stop = threading.Event()
    failures: list[BaseException] = []

    def ask(number: int) -> None:
        try:
            with Connection(address_of(url)) as connection:
                while not stop.is_set():
                    asked.append(_ask(connection, requests[number % len(requests)]))
                    number += 1
        except BaseException as error:  # noqa: BLE001 - raised below, in the thread that asked
            failures.append(error)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    try:
        yield asked
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    if failures:
        raise failures[0]


def _ask(connection: Connection, request: bytes) -> Asked:
    start, failures = time.monotonic(), list[str]()
    while time.monotonic() - start < _LONGEST:
        try:
            answer = connection.exchange(request)
        except UnansweredError as error:
            failures.append(error.loss)
        else:
            if answer.status not in _AGAIN:
                return Asked(start, tuple(failures), answer.body)
            failures.append(str(answer.status))
        time.sleep(_PAUSE)
    return Asked(start, tuple(failures), None)


def _outage(asked: Sequence[Asked], seconds: float) -> Outage:
    failed = Counter(one.failures[0] for one in asked if one.failures)
    return Outage(len(asked), failed, sum(one.body is None for one in asked), seconds)


def kill_replica(nodes: Nodes, clients: int, seconds: float) -> Outage:
    """-9 to one of the replicas."""
    before = set(nodes.replicas())
    with asking(nodes.url, [upload(SAMPLE.read_bytes())], clients) as asked:
        time.sleep(seconds)
        victim, moment = min(before), time.monotonic()
        os.kill(victim, signal.SIGKILL)
        _wait(lambda: len(set(nodes.replicas()) - {victim}) == len(before) == _running(nodes))
        full = time.monotonic() - moment
        time.sleep(seconds)
    return _outage(asked, full)


def kill_node(nodes: Nodes, node: int, cpus: int, clients: int, seconds: float) -> Outage:
    """-9 to all processes of a node, in whose place another is started at once."""
    count = len(nodes.replicas())
    with asking(nodes.url, [upload(SAMPLE.read_bytes())], clients) as asked:
        time.sleep(seconds)
        if not nodes.replicas(node):
            raise RuntimeError(f"Node {node} has no replica.")
        moment = time.monotonic()
        nodes.kill(node)
        nodes.add(cpus)
        _wait(lambda: len(nodes.replicas()) == count and _running(nodes) == count)
        full = time.monotonic() - moment
        time.sleep(seconds)
    return _outage(asked, full)


@dataclass(frozen=True)
class Update:
    """What came of a rolling update.

    Args:
        outage: of the clients.
        mixed: answers of neither model, or of both in one batch.
        models: how many answers each of the two models gave, the old one first.
        stale: answers of the old model to requests sent after the update was over.
        refused: whether a file that is no model was refused, and the new model went on answering; None if not tried.
    """

    outage: Outage
    mixed: int
    models: tuple[int, int]
    stale: int
    refused: bool | None


def update(nodes: Nodes, replicas: int, clients: int, seconds: float, *, broken: bool) -> Update:
    """Another model, and then, if `broken`, a file that is none, deployed with `serve deploy`."""
    folder = nodes.folder
    image = SAMPLE.read_bytes()
    models = [model_of_temperature(folder / f"{one}.keras", one) for one in _TEMPERATURES]
    expected = [BatchPrediction.of(Recognizer.load(one).recognize(image)).probabilities for one in models]
    nodes.deploy(replicas, settings={"model": str(models[0])})
    nodes.wait_until_running()
    old = set(nodes.replicas())
    with asking(nodes.url, [upload(image), upload_batch([image] * 5)], clients) as asked:
        time.sleep(seconds)
        moment = time.monotonic()
        nodes.deploy(replicas, settings={"model": str(models[1])})
        _wait(lambda: not old & set(nodes.replicas()) and _running(nodes) == replicas)
        over = time.monotonic()
        time.sleep(seconds)
        if broken:
            none = folder / "broken.keras"
            none.write_bytes(b"no model")
            nodes.deploy(replicas, settings={"model": str(none)})
            _wait(lambda: nodes.status().get("status") == "DEPLOY_FAILED")
        end = time.monotonic()
        time.sleep(seconds)
    answers = [(one, _model_of(one.body, expected)) for one in asked if one.body is not None]
    counts = Counter(which for _, which in answers)
    return Update(
        _outage(asked, over - moment),
        counts[None],
        (counts[0], counts[1]),
        sum(which == 0 and one.start > over for one, which in answers),
        any(which == 1 and one.start > end for one, which in answers) if broken else None,
    )


def _model_of(body: bytes, expected: Sequence[Any]) -> int | None:
    """Which of the models gave all of an answer."""
    answer = json.loads(body)
    given = [item["prediction"]["probabilities"] for item in answer["results"]] if "results" in answer else []
    given = given or [answer.get("probabilities")]
    return next((which for which, one in enumerate(expected) if all(each == one for each in given)), None)


def _running(nodes: Nodes) -> int:
    """How many replicas answer, if no others are on their way."""
    deployment = nodes.status().get("deployments", {}).get("Digits", {})
    states = Counter(replica["state"] for replica in deployment.get("replicas", []))
    return states["RUNNING"] if set(states) <= {"RUNNING"} else -1


def _wait(condition: Any) -> None:
    end = time.monotonic() + _PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise RuntimeError(f"The cluster is not as it was after {_PATIENCE:.0f} seconds.")
        time.sleep(0.1)
