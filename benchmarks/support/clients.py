"""Clients that keep a service busy and remember what became of each request."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from benchmarks.support.client import Connection, Loss, UnansweredError

# A client that cannot connect tries again after so many seconds.
_PAUSE = 0.005


@dataclass(frozen=True)
class Sent:
    """What became of one request.

    Args:
        start: when it was sent, by `time.monotonic`.
        end: when its answer was there, or failed to come.
        loss: how it was lost; None if it was answered.
        status: of the answer, 0 if there is none.
        body: of the answer.
    """

    start: float
    end: float
    loss: Loss | None
    status: int
    body: bytes

    @property
    def is_lost(self) -> bool:
        """Whether it was sent whole over a connection that stood, and got no whole answer."""
        return self.loss is not None and self.loss not in ("refused", "unsent")


@dataclass
class Clients:
    """Clients, each of which sends its next request as soon as the last is answered.

    Args:
        sent: what became of all their requests, in the order of their ends.
        stopped: set when they are to send nothing more.
    """

    sent: list[Sent]
    stopped: threading.Event

    def stop(self) -> None:
        """Has each of them stop after the request that it has sent."""
        self.stopped.set()

    def since(self, moment: float) -> list[Sent]:
        """The requests that were not answered yet at a moment, and later ones."""
        return [one for one in self.sent if one.end >= moment]


@contextmanager
def busy(
    address: tuple[str, int], requests: Sequence[bytes], count: int, *, keep: Callable[[int], bool] = lambda _: True
) -> Iterator[Clients]:
    """Clients that send until they are told to stop, or until the end of the block.

    Args:
        address: of the service.
        requests: each sends them in turn.
        count: how many clients.
        keep: which of them keep their connection; the others make a new one for each request.
    """
    clients = Clients([], threading.Event())
    failures: list[BaseException] = []

    def send(number: int) -> None:
        try:
            _send_until(clients, Connection(address, 30.0), requests, number, keep=keep(number))
        except BaseException as error:  # noqa: BLE001 - raised below, in the thread that asked
            failures.append(error)

    threads = [threading.Thread(target=send, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    try:
        yield clients
    finally:
        clients.stop()
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
    """How many requests were not answered, by how they were lost."""
    return Counter(one.loss for one in sent if one.loss is not None)


def in_words(counts: Counter[Loss]) -> str:
    """The same for a table."""
    return ", ".join(f"{loss}: {number}" for loss, number in sorted(counts.items())) or "none"
