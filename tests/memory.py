"""Memory that another thread has taken."""

import contextlib
import threading
from collections.abc import Iterator

from digits.budget import MemoryBound
from digits.errors import MemoryBusyError


@contextlib.contextmanager
def taken_by_another_thread(bound: MemoryBound, size: int) -> Iterator[None]:
    """Has another thread take memory, and give it back afterwards; what it raises is raised here."""
    held, done, raised = threading.Event(), threading.Event(), list[Exception]()

    def hold() -> None:
        try:
            with bound.taken(size):
                held.set()
                done.wait(60.0)
        except MemoryBusyError as error:
            raised.append(error)
            held.set()

    thread = threading.Thread(target=hold)
    thread.start()
    try:
        assert held.wait(60.0)
        if raised:
            raise raised[0]
        yield
    finally:
        done.set()
        thread.join()
