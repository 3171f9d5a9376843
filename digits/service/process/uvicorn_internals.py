"""The private parts of uvicorn that `digits serve` builds on. No other module imports them.

They may change with any release, so pyproject.toml bounds the version, and the test of this module names it. To raise
the bound: read what changed in the classes imported here, run tests/service/process, and change both.
"""

import asyncio
import contextlib
import functools
import os
import signal
import socket
import time
from types import FrameType
from typing import Any, ClassVar

import uvicorn
from starlette.applications import Starlette
from uvicorn.middleware.proxy_headers import _TrustedHosts
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.supervisors import Multiprocess, multiprocess
from uvicorn.supervisors.multiprocess import Process

__all__ = [
    "HttpToolsProtocol",
    "Supervisor",
    "Worker",
    "application_state",
    "is_trusted_proxy",
    "listening_sockets",
    "make_protocol",
]

# A worker may take so long to start, in seconds: on a busy machine, importing the libraries alone can take ten. Until
# it has answered once, the supervisor waits so long for an answer at a time: while it waits, it heeds no signal.
STARTING_SECONDS, _STARTING_LOOK = 60.0, 1.0


@functools.lru_cache(maxsize=8)
def _trusted(hosts: str) -> _TrustedHosts:
    return _TrustedHosts(hosts)


def is_trusted_proxy(config: uvicorn.Config, address: str | None) -> bool:
    """Returns whether uvicorn trusts the forwarded headers of a peer (`FORWARDED_ALLOW_IPS`)."""
    hosts = config.forwarded_allow_ips
    return address in _trusted(hosts if isinstance(hosts, str) else ",".join(hosts))


def application_state(config: uvicorn.Config) -> object:
    """Returns the `app.state.service` of the application that a server runs; None if there is none."""
    app = _application(config.loaded_app)
    return None if app is None else getattr(app.state, "service", None)


# It is asked for at each connection.
@functools.lru_cache(maxsize=1)
def _application(app: Any) -> Starlette | None:
    while not isinstance(app, Starlette):
        # uvicorn wraps applications in middleware of its own.
        app = getattr(app, "app", None)
        if app is None:
            return None
    return app


class Worker(Process):
    """A worker process; subclasses choose its server.

    Attributes:
        was_silent: whether it was running, but did not answer, when it was last asked whether it is alive.
    """

    server_class: ClassVar[type[uvicorn.Server]] = uvicorn.Server
    was_silent = False
    _has_answered = False
    _started = 0.0

    def start(self) -> None:
        """Starts the process."""
        self._started = time.monotonic()
        super().start()

    def is_alive(self, timeout: float = 5) -> bool:
        """Returns whether the worker answers in time. One that has never answered may still be starting."""
        # The answer to an earlier question may have come since.
        with contextlib.suppress(OSError, EOFError):
            while self.parent_conn.poll(0):
                self.parent_conn.recv()
        if super().is_alive(timeout if self._has_answered else min(timeout, _STARTING_LOOK)):
            self._has_answered = True
            return True
        is_running = self.process.is_alive()
        if is_running and not self._has_answered and time.monotonic() < self._started + STARTING_SECONDS:
            return True
        self.was_silent = is_running
        return False

    @property
    def server(self) -> uvicorn.Server:
        """The server, which is made at the first access, in the worker's own process."""
        if self._server is None:
            self._server = self.server_class(self.config)
        return self._server


class Supervisor(Multiprocess):
    """Starts worker processes of a chosen class, and others in the place of those that die.

    Args:
        config: of the server that each worker runs.
        listener: the socket at which the workers accept connections.
        worker_class: of the worker processes.
        patience: workers that have not ended so many seconds after they were told to are killed.
    """

    def __init__(
        self, config: uvicorn.Config, listener: socket.socket, worker_class: type[Worker], patience: float
    ) -> None:
        # uvicorn has no other way to choose the class.
        multiprocess.Process = worker_class  # type: ignore[misc]
        super().__init__(config, [listener])
        self.listener = listener
        self.patience = patience
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._note_stop)

    def _note_stop(self, number: int, _frame: FrameType | None) -> None:
        self.about_to_stop()
        # `run` looks there twice a second. No lock may be taken here: the thread that was interrupted may hold it.
        self.signal_queue.append(number)

    def about_to_stop(self) -> None:
        """Called at a signal that stops all workers, before they are told; it takes no locks."""

    def join_all(self) -> None:
        """Waits until the workers have ended, and kills those that do not."""
        end = time.monotonic() + self.patience
        for process in self.processes:
            process.process.join(max(0.0, end - time.monotonic()))
            if process.process.is_alive() and process.pid is not None:
                self.worker_hangs(process.pid)
                process.kill()
        super().join_all()

    def worker_hangs(self, pid: int) -> None:
        """Called when a worker is killed because it does not end.

        Args:
            pid: of its process.
        """

    def init_processes(self) -> None:
        """Starts the workers."""
        super().init_processes()
        self._close_child_ends()

    def keep_subprocess_alive(self) -> None:
        """Replaces the workers that have died."""
        before = list(self.processes)
        super().keep_subprocess_alive()
        for process in before:
            if process not in self.processes and process.pid is not None and process.exitcode is not None:
                silent = isinstance(process, Worker) and process.was_silent
                self.worker_replaced(process.pid, process.exitcode, silent=silent)
        self._close_child_ends()

    def worker_replaced(self, pid: int, exit_code: int, *, silent: bool) -> None:
        """Called when another worker has taken the place of one that died.

        Args:
            pid: of the process that died.
            exit_code: of that process.
            silent: whether it was ended because it did not answer.
        """

    def _close_child_ends(self) -> None:
        # If the supervisor held a worker's end of their pipe open, a question to a killed worker would wait for ever.
        for process in self.processes:
            process.child_conn.close()


def listening_sockets(server: uvicorn.Server) -> list[socket.socket]:
    """Returns duplicates of the sockets at which a server listens; they stay open when the server closes its own."""
    return [socket.socket(fileno=os.dup(own.fileno())) for loop in server.servers for own in loop.sockets]


def make_protocol(server: uvicorn.Server) -> asyncio.Protocol:
    """Returns a protocol for one more connection, made as the server makes them."""
    return server.config.http_protocol_class(  # type: ignore[call-arg] # as uvicorn calls it
        config=server.config, server_state=server.server_state, app_state=server.lifespan.state
    )
