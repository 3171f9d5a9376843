"""Signals: SIGTERM, or the end of the supervisor, stops a worker in order; SIGHUP has it read the model anew."""

import asyncio
import contextlib
import faulthandler
import logging
import multiprocessing
import signal
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator
from types import FrameType
from typing import Any

_log = logging.getLogger("digits")

# A process that has not ended so many seconds after the last requests were to be answered hangs.
END_SECONDS = 10.0


def end_after(seconds: float) -> None:
    """Has this process end with exit code 1 if it has not ended in so many seconds, and print where its threads are.

    A later call takes the place of an earlier one.
    """
    # It cannot print where standard error is closed.
    with contextlib.suppress(AttributeError, RuntimeError, ValueError):
        faulthandler.dump_traceback_later(seconds, exit=True)


@contextlib.contextmanager
def handled(
    drain_seconds: float,
    drain: Callable[[], None],
    reload: Callable[[], Coroutine[Any, Any, object]],
    stop_seconds: float | None = None,
) -> Iterator[None]:
    """Handles SIGTERM and SIGHUP while the application runs, under any server.

    At SIGTERM the application stops being ready at once. The server stops `drain_seconds` later, so that load balancers
    have time to notice. A second SIGTERM ends the wait, except in a worker, to which its supervisor sends one as well.
    A worker whose supervisor has ended stops as at SIGTERM. Outside the main thread nothing is handled.

    Args:
        drain_seconds: time from SIGTERM to the stop of the server.
        drain: called at SIGTERM.
        reload: started at SIGHUP.
        stop_seconds: how long the server may then take to stop. If the process has not ended `END_SECONDS` after that,
            it prints where it hangs and ends. None where another than `digits serve` stops it.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    server_stops = signal.getsignal(signal.SIGTERM)
    supervisor = multiprocessing.parent_process()
    tasks: set[asyncio.Task[object]] = set()
    draining = False

    def stop_server(number: int, frame: FrameType | None) -> None:
        if callable(server_stops):
            server_stops(number, frame)
        else:
            # No server had taken the signal: it does what it does to any process.
            signal.signal(signal.SIGTERM, server_stops)
            signal.raise_signal(signal.SIGTERM)

    def start_drain() -> None:
        drain()
        if drain_seconds:
            _log.info("Draining for %g seconds: not ready any more, and still answering", drain_seconds)
            loop.call_later(drain_seconds, stop_server, signal.SIGTERM, None)

    def note_terminate(number: int, frame: FrameType | None) -> None:
        nonlocal draining
        again, draining = draining, True
        if not again and stop_seconds is not None:
            # Now, not once the event loop has its turn: that may be what hangs.
            end_after(drain_seconds + stop_seconds + END_SECONDS)
        # A signal may come at any moment, also while this thread holds a lock that metrics or log would wait for.
        if not again:
            loop.call_soon_threadsafe(start_drain)
        # A worker gets it twice if it goes to all processes of the service: from whoever stops them, and from its
        # supervisor.
        if not drain_seconds or (again and supervisor is None):
            stop_server(number, frame)

    def start_reload() -> None:
        task = asyncio.ensure_future(reload())
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    def leave_as_orphan() -> None:
        loop.remove_reader(parent)
        _log.error("The process that supervises this worker is gone: the worker ends, too")
        signal.raise_signal(signal.SIGTERM)

    before = signal.signal(signal.SIGTERM, note_terminate)
    # Left behind, a worker would hold the port against the next server, and answer with a model of its own.
    parent = supervisor.sentinel if supervisor is not None and sys.platform != "win32" else -1
    if parent >= 0:
        loop.add_reader(parent, leave_as_orphan)
    hangup = getattr(signal, "SIGHUP", None)
    if hangup is not None:
        loop.add_signal_handler(hangup, start_reload)
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        if parent >= 0:
            loop.remove_reader(parent)
        if hangup is not None:
            loop.remove_signal_handler(hangup)
        signal.signal(signal.SIGTERM, before)
