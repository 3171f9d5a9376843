"""Kills a replica or a node of a Ray cluster, or changes its model, while clients send."""

import json
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from benchmarks.faults.ray_nodes import Nodes
from benchmarks.faults.reloading import model_of_temperature
from benchmarks.support.client import Connection, UnansweredError, address_of, upload, upload_batch
from benchmarks.support.clients import in_threads
from benchmarks.support.operating import SAMPLE
from digits.answers import BatchPrediction
from digits.recognizer import Recognizer

# The retry that docs/cluster.md advises: the pause before it, and the longest time to go on, in seconds.
_PAUSE, _LONGEST = 1.0, 60.0
# The statuses after which the same request may succeed later.
_AGAIN = frozenset({429, 500, 502, 503, 504})
_TEMPERATURES = (2.0, 5.0)
_PATIENCE = 120.0


@dataclass(frozen=True)
class Asked:
    """The outcome of a request.

    Args:
        start: when it was first sent, by `time.monotonic`.
        failures: for each attempt that failed, a status or how the request was lost.
        body: body of the answer; None if no attempt succeeded.
    """

    start: float
    failures: tuple[str, ...]
    body: bytes | None


@dataclass(frozen=True)
class Outage:
    """What clients saw of a change, and how long it took.

    Args:
        requests: the number of requests.
        failed: the number of requests whose first attempt failed, by reason.
        lost: the number of requests that were never answered, in spite of retries.
        seconds: time until the cluster was at full strength again.
    """

    requests: int
    failed: Mapping[str, int]
    lost: int
    seconds: float

    @property
    def failed_share(self) -> float:
        """The share of requests that clients without a retry lose, 0..1."""
        return sum(self.failed.values()) / max(1, self.requests)


@contextmanager
def asking(url: str, requests: Sequence[bytes], clients: int) -> Iterator[list[Asked]]:
    """Runs clients that send requests, and retry them, until the block ends; yields the outcomes so far.

    Args:
        url: the address of the API.
        requests: the requests that each client sends in turn.
        clients: the number of clients.
    """
    asked: list[Asked] = []
    stop = threading.Event()

    def ask(number: int) -> None:
        with Connection(address_of(url)) as connection:
            while not stop.is_set():
                asked.append(_ask(connection, requests[number % len(requests)]))
                number += 1

    with in_threads(ask, clients, stop):
        yield asked


def _ask(connection: Connection, request: bytes) -> Asked:
    """Sends a request until it is answered, or until the time for retries is over."""
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
    failed = Counter(request.failures[0] for request in asked if request.failures)
    return Outage(len(asked), failed, sum(request.body is None for request in asked), seconds)


def kill_replica(nodes: Nodes, clients: int, seconds: float) -> Outage:
    """Sends SIGKILL to a replica while clients send.

    Args:
        nodes: the cluster, on which the API runs.
        clients: the number of clients.
        seconds: how long the clients send before the kill, and after the cluster is at full strength again.
    """
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
    """Sends SIGKILL to all processes of a node while clients send, and starts another node at once.

    Args:
        nodes: the cluster, on which the API runs.
        node: the number of the node to kill, which must run a replica.
        cpus: the number of CPUs of the new node.
        clients: the number of clients.
        seconds: how long the clients send before the kill, and after the cluster is at full strength again.

    Raises:
        RuntimeError: the node has no replica, or the cluster does not recover.
    """
    count = len(nodes.replicas())
    with asking(nodes.url, [upload(SAMPLE.read_bytes())], clients) as asked:
        time.sleep(seconds)
        if not nodes.replicas(node):
            raise RuntimeError(f"Node {node} has no replica. Choose a node that runs one.")
        moment = time.monotonic()
        nodes.kill(node)
        nodes.add(cpus)
        _wait(lambda: len(nodes.replicas()) == count and _running(nodes) == count)
        full = time.monotonic() - moment
        time.sleep(seconds)
    return _outage(asked, full)


@dataclass(frozen=True)
class Update:
    """The result of a rolling update.

    Args:
        outage: what the clients saw.
        mixed: the number of answers that came from neither model, or of batches that came from both.
        models: the number of answers of the old model and of the new one.
        stale: the number of answers of the old model to requests sent after the update was over.
        refused: whether a file that is no model was refused and the new model went on answering; None if not tried.
    """

    outage: Outage
    mixed: int
    models: tuple[int, int]
    stale: int
    refused: bool | None


def update(nodes: Nodes, replicas: int, clients: int, seconds: float, *, broken: bool) -> Update:
    """Deploys another model with `serve deploy` while clients send.

    Args:
        nodes: the cluster.
        replicas: the number of replicas.
        clients: the number of clients.
        seconds: how long the clients send before, between and after the changes.
        broken: whether to deploy a file that is no model afterwards.

    Raises:
        RuntimeError: the cluster does not reach the expected state.
    """
    folder = nodes.folder
    image = SAMPLE.read_bytes()
    models = [model_of_temperature(folder / f"{temperature}.keras", temperature) for temperature in _TEMPERATURES]
    recognizers = [Recognizer.load(model, precision="auto") for model in models]
    expected = [BatchPrediction.of(recognizer.recognize(image)).probabilities for recognizer in recognizers]
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
    answers = [(request, _model_of(request.body, expected)) for request in asked if request.body is not None]
    counts = Counter(model for _, model in answers)
    return Update(
        _outage(asked, over - moment),
        counts[None],
        (counts[0], counts[1]),
        sum(model == 0 and request.start > over for request, model in answers),
        any(model == 1 and request.start > end for request, model in answers) if broken else None,
    )


def _model_of(body: bytes, expected: Sequence[Any]) -> int | None:
    """Returns the index of the model that gave all of an answer; None if no model did.

    Args:
        body: the answer to a single image or to a batch.
        expected: the probabilities that each model gives.
    """
    answer = json.loads(body)
    answered = [item["prediction"]["probabilities"] for item in answer["results"]] if "results" in answer else []
    answered = answered or [answer.get("probabilities")]
    return next((model for model, right in enumerate(expected) if all(each == right for each in answered)), None)


def _running(nodes: Nodes) -> int:
    """Returns the number of running replicas; -1 while any replica starts or stops."""
    deployment = nodes.status().get("deployments", {}).get("Digits", {})
    states = Counter(replica["state"] for replica in deployment.get("replicas", []))
    return states["RUNNING"] if set(states) <= {"RUNNING"} else -1


def _wait(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + _PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise RuntimeError(f"After {_PATIENCE:.0f} seconds the cluster has not reached the expected state.")
        time.sleep(0.1)
