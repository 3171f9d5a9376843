"""Clients that keep a service busy and record the outcome of each request."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from benchmarks.support.client import Connection, Loss, UnansweredError

# How long a client waits before it tries to connect again, in seconds.
_PAUSE = 0.005


@dataclass(frozen=True)
class Sent:
    """The outcome of one request.

    Args:
        start: when it was sent, by `time.monotonic`.
        end: when its answer was complete, or when it was lost.
        loss: how it was lost; None if it was answered.
        status: HTTP status of the answer; 0 if there is none.
        body: body of the answer; empty if there is none.
    """

    start: float
    end: float
    loss: Loss | None
    status: int
    body: bytes

    @property
    def is_lost(self) -> bool:
        """Whether the whole request was sent over an open connection and got no complete answer."""
        return self.loss is not None and self.loss not in ("refused", "unsent")


@dataclass
class Clients:
    """Clients, each of which sends its next request as soon as the last one is answered.

    Args:
        sent: the outcomes of all requests, in the order in which they ended.
        stopped: when set, the clients send no further request.
    """

    sent: list[Sent]
    stopped: threading.Event

    def stop(self) -> None:
        """Tells each client to stop after its current request."""
        self.stopped.set()

    def since(self, moment: float) -> list[Sent]:
        """Returns the requests that ended at `moment` or later, by `time.monotonic`."""
        return [request for request in self.sent if request.end >= moment]


@contextmanager
def busy(
    address: tuple[str, int], requests: Sequence[bytes], count: int, *, keep: Callable[[int], bool] = lambda _: True
) -> Iterator[Clients]:
    """Runs clients until they are told to stop, or until the block ends.

    Args:
        address: host and port of the service.
        requests: the requests that each client sends in turn.
        count: the number of clients.
        keep: returns, for a client's number, whether it keeps its connection. Other clients open a new connection for
            each request.

    Raises:
        Exception: the first error that ended a client.
    """
    clients = Clients([], threading.Event())

    def send(number: int) -> None:
        _send_until(clients, Connection(address, 30.0), requests, number, keep=keep(number))

    with in_threads(send, count, clients.stopped):
        yield clients


@contextmanager
def in_threads(work: Callable[[int], None], count: int, stop: threading.Event) -> Iterator[None]:
    """Runs a function in several threads until the block ends.

    Args:
        work: called with the number of its thread; returns soon after `stop` is set.
        count: the number of threads.
        stop: is set when the block ends.

    Raises:
        BaseException: the first error that ended a thread.
    """
    failures: list[BaseException] = []

    def run(number: int) -> None:
        try:
            work(number)
        except BaseException as error:  # noqa: BLE001 - raised below, in the thread that asked
            failures.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    if failures:
        raise failures[0]


def _send_until(
    clients: Clients, connection: Connection, requests: Sequence[bytes], number: int, *, keep: bool
) -> None:
    while not clients.stopped.is_set():
        start = time.monotonic()
        try:
            answer = connection.exchange(requests[number % len(requests)])
            sent = Sent(start, time.monotonic(), None, answer.status, answer.body)
        except UnansweredError as error:
            sent = Sent(start, time.monotonic(), error.loss, 0, b"")
        clients.sent.append(sent)
        number += 1
        if not keep:
            connection.close()
        if sent.loss == "refused":
            time.sleep(_PAUSE)
    connection.close()


def losses(sent: Sequence[Sent]) -> Counter[Loss]:
    """Returns how many requests were lost in each way."""
    return Counter(request.loss for request in sent if request.loss is not None)


def in_words(counts: Counter[Loss]) -> str:
    """Returns losses as text for a table, such as `refused: 3`."""
    return ", ".join(f"{loss}: {count}" for loss, count in sorted(counts.items())) or "none"
