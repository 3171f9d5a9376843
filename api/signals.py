"""What SIGTERM and SIGHUP do: leave in order, and read the model anew."""

import asyncio
import contextlib
import logging
import signal
import threading
from collections.abc import Callable, Coroutine, Iterator
from types import FrameType
from typing import Any

_log = logging.getLogger("digits")


@contextlib.contextmanager
def handled(
    drain_seconds: float, drain: Callable[[], None], reload: Callable[[], Coroutine[Any, Any, object]]
) -> Iterator[None]:
    """Handles both signals while the application runs, whatever server runs it.

    At SIGTERM the application is told at once, and the server, which then stops, after a while: time for load
    balancers to notice. A second SIGTERM does not wait. In a thread that is not the main one nothing is handled.

    Args:
        drain_seconds: that while.
        drain: called at SIGTERM.
        reload: started at SIGHUP.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    server_stops = signal.getsignal(signal.SIGTERM)
    tasks: set[asyncio.Task[object]] = set()
    draining = False

    def stop_server(number: int, frame: FrameType | None) -> None:
        if callable(server_stops):
            server_stops(number, frame)
        else:
            # No server had taken the signal: it does what it does to any process.
            signal.signal(signal.SIGTERM, server_stops)
            signal.raise_signal(signal.SIGTERM)

    def note_terminate(number: int, frame: FrameType | None) -> None:
        nonlocal draining
        again, draining = draining, True
        drain()
        if again or drain_seconds == 0.0:
            stop_server(number, frame)
            return
        _log.info("Draining for %g seconds: not ready any more, and still answering", drain_seconds)
        # A signal may come at any moment, within the loop's own code, too.
        loop.call_soon_threadsafe(loop.call_later, drain_seconds, stop_server, number, None)

    def start_reload() -> None:
        task = asyncio.ensure_future(reload())
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    before = signal.signal(signal.SIGTERM, note_terminate)
    hangup = getattr(signal, "SIGHUP", None)
    if hangup is not None:
        loop.add_signal_handler(hangup, start_reload)
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        if hangup is not None:
            loop.remove_signal_handler(hangup)
        signal.signal(signal.SIGTERM, before)
