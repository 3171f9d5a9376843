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
    handlers = _Handlers(asyncio.get_running_loop(), drain_seconds, drain, reload, stop_seconds)
    handlers.install()
    try:
        yield
    finally:
        handlers.remove()


class _Handlers:
    """What SIGTERM, SIGHUP and the end of the supervisor do in one process; arguments as for `handled`."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        drain_seconds: float,
        drain: Callable[[], None],
        reload: Callable[[], Coroutine[Any, Any, object]],
        stop_seconds: float | None,
    ) -> None:
        self._loop = loop
        self._drain_seconds, self._stop_seconds = drain_seconds, stop_seconds
        self._drain, self._reload = drain, reload
        self._server_stops = signal.getsignal(signal.SIGTERM)
        self._supervisor = multiprocessing.parent_process()
        self._parent = -1
        if self._supervisor is not None and sys.platform != "win32":
            self._parent = self._supervisor.sentinel
        self._hangup = getattr(signal, "SIGHUP", None)
        self._reloads: set[asyncio.Task[object]] = set()
        self._is_draining = False

    def install(self) -> None:
        """Takes the signals."""
        signal.signal(signal.SIGTERM, self._note_terminate)
        # Left behind, a worker would hold the port against the next server, and answer with a model of its own.
        if self._parent >= 0:
            self._loop.add_reader(self._parent, self._leave_as_orphan)
        if self._hangup is not None:
            self._loop.add_signal_handler(self._hangup, self._start_reload)

    def remove(self) -> None:
        """Gives the signals back to whoever had them, and ends reloads."""
        for task in self._reloads:
            task.cancel()
        if self._parent >= 0:
            self._loop.remove_reader(self._parent)
        if self._hangup is not None:
            self._loop.remove_signal_handler(self._hangup)
        signal.signal(signal.SIGTERM, self._server_stops)

    def _note_terminate(self, number: int, frame: FrameType | None) -> None:
        again, self._is_draining = self._is_draining, True
        if not again and self._stop_seconds is not None:
            # Now, not once the event loop has its turn: that may be what hangs.
            end_after(self._drain_seconds + self._stop_seconds + END_SECONDS)
        # A signal may come at any moment, also while this thread holds a lock that metrics or log would wait for.
        if not again:
            self._loop.call_soon_threadsafe(self._start_drain)
        # A worker gets it twice if it goes to all processes of the service: from whoever stops them, and from its
        # supervisor.
        if not self._drain_seconds or (again and self._supervisor is None):
            self._stop_server(number, frame)

    def _start_drain(self) -> None:
        self._drain()
        if self._drain_seconds:
            _log.info("Draining for %g seconds: not ready any more, and still answering", self._drain_seconds)
            self._loop.call_later(self._drain_seconds, self._stop_server, signal.SIGTERM, None)

    def _stop_server(self, number: int, frame: FrameType | None) -> None:
        if callable(self._server_stops):
            self._server_stops(number, frame)
        else:
            # No server had taken the signal: it does what it does to any process.
            signal.signal(signal.SIGTERM, self._server_stops)
            signal.raise_signal(signal.SIGTERM)

    def _start_reload(self) -> None:
        task = asyncio.ensure_future(self._reload())
        self._reloads.add(task)
        task.add_done_callback(self._reloads.discard)

    def _leave_as_orphan(self) -> None:
        self._loop.remove_reader(self._parent)
        _log.error("The process that supervises this worker is gone: the worker ends, too")
        signal.raise_signal(signal.SIGTERM)
