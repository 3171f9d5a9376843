"""`digits serve`: the API in production, in one process or several."""

import contextlib
import functools
import logging
import os
import shutil
import signal
import sys
from types import FrameType

import uvicorn

from digits import __version__
from digits.errors import SettingError
from digits.service.logs import JsonLines, server_log_config
from digits.service.process.connection_room import ConnectionRoom, allow_connections
from digits.service.process.connections import PREFIX, make_connection
from digits.service.process.container import WORKERS_VARIABLE
from digits.service.process.runtime import ADDRESS_VARIABLE, announce_stop, base_folder, running, sweep
from digits.service.process.shutdown import DrainingServer, DrainingWorker
from digits.service.process.signals import END_SECONDS
from digits.service.process.uvicorn_internals import Supervisor
from digits.service.settings import Settings, read_settings

_log = logging.getLogger("digits")

# A worker that is busy with large photos answers its supervisor late without being hung. But while the supervisor waits
# for the answer of one that is hung, it heeds no signal.
_HEALTH_CHECK_SECONDS = 10


def serve(host: str, port: int, workers: int, root_path: str = "", *, brief: bool = False) -> bool:
    """Runs the API until a signal stops it.

    Args:
        host: address to listen on.
        port: port to listen on.
        workers: number of processes that answer.
        root_path: prefix that a proxy takes off the paths of requests, such as /ml.
        brief: whether to leave out the settings from what is printed at the start.

    Returns:
        True after a stop in order, False if the API could not be started or a worker failed.

    Raises:
        SettingError: a setting has a wrong value, or the system does not allow as many connections.
    """
    settings = read_settings()
    if root_path and not PREFIX.fullmatch(root_path):
        raise SettingError(f"--root-path is {root_path!r}; it must be a path such as /ml, without a slash at its end.")
    allow_connections(settings.max_connections)
    room = ConnectionRoom(settings.max_connections, settings.max_connections_per_address)
    protocol = functools.partial(make_connection, settings.header_seconds, room)
    config = uvicorn.Config(
        "digits.service.app:create_app",
        factory=True,
        host=host,
        port=port,
        root_path=root_path,
        workers=workers,
        http=protocol,  # type: ignore[arg-type] # uvicorn only calls it
        log_config=server_log_config(settings),
        # Digits writes the line of each request itself.
        access_log=settings.access_log,
        server_header=False,
        timeout_graceful_shutdown=settings.shutdown_seconds,
        timeout_worker_healthcheck=_HEALTH_CHECK_SECONDS,
    )
    # Each worker takes its share of the container's memory.
    os.environ[WORKERS_VARIABLE] = str(workers)
    os.environ[ADDRESS_VARIABLE] = f"http://{f'[{host}]' if ':' in host else host}:{port}{root_path}"
    if not brief:
        # On a full disk the service answers all the same.
        with contextlib.suppress(OSError):
            print(_summary(settings, workers), flush=True)
    try:
        return _serve_alone(config) if workers == 1 else _supervise(config, settings)
    finally:
        _let_go_of_output()


def _summary(settings: Settings, workers: int) -> str:
    if settings.log_format == "json":
        fields = {"version": __version__, "workers": workers, "settings": settings.effective()}
        return JsonLines().format(
            logging.makeLogRecord({"name": "digits", "levelname": "INFO", "msg": "Digits starts", **fields})
        )
    chosen = settings.effective()
    width = max(map(len, chosen))
    lines = [f"  {name:{width}}  {value}".rstrip() for name, value in chosen.items()]
    return "\n".join([f"Digits {__version__}, {workers} worker{'s' * (workers > 1)}, settings:", *lines])


def _serve_alone(config: uvicorn.Config) -> bool:
    _ignore_hangup()

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise SystemExit(0)

    # After a stop in order uvicorn raises the signal again for the previous handler. Without one, the process would
    # end by the signal, which looks like a crash.
    signal.signal(signal.SIGTERM, stop)

    server = DrainingServer(config)
    try:
        server.run()
    except SystemExit as ended:
        return not ended.code
    except KeyboardInterrupt:
        pass
    return server.started


class _ReloadingSupervisor(Supervisor):
    """Has its workers read the model anew at SIGHUP."""

    def worker_replaced(self, pid: int, exit_code: int, *, silent: bool) -> None:
        """Logs how a worker ended."""
        if silent:
            _log.error(
                "Worker %d did not answer its supervisor for %d s and was ended; another took its place",
                *(pid, _HEALTH_CHECK_SECONDS),
            )
        else:
            _log.error("Worker %d ended with %s; another took its place", pid, _end(exit_code))

    def handle_hup(self) -> None:
        """Passes the signal on to the workers; uvicorn would replace them."""
        # A worker that is starting reads the model anyway, and does not handle the signal yet.
        for pid in running().get(os.getpid(), {}):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGHUP)

    def about_to_stop(self) -> None:
        """Tells the workers, which may get the same signal, that all of them stop."""
        announce_stop()

    def worker_hangs(self, pid: int) -> None:
        """Logs that a worker is killed."""
        _log.error("Worker %d did not end within %g s of the signal to stop and was killed", pid, self.patience)

    def terminate_all(self) -> None:
        """Stops the workers."""
        # As long as it were open here, clients could connect to a server that answers nobody.
        self.listener.close()
        announce_stop()
        super().terminate_all()


def _supervise(config: uvicorn.Config, settings: Settings) -> bool:
    sweep()
    try:
        listener = config.bind_socket()
    except SystemExit:
        # uvicorn has logged the reason.
        raise SettingError(
            f"Cannot listen on {config.host}, port {config.port}. Choose another with --port or --host."
        ) from None
    # A worker that hangs should end by itself before, and say where it was.
    patience = settings.drain_seconds + settings.shutdown_seconds + 2 * END_SECONDS
    supervisor = _ReloadingSupervisor(config, listener, DrainingWorker, patience)
    try:
        supervisor.run()
    except KeyboardInterrupt:
        supervisor.terminate_all()
        supervisor.join_all()
    finally:
        shutil.rmtree(base_folder() / str(os.getpid()), ignore_errors=True)
    failed = any(process.exitcode not in (0, -signal.SIGTERM, -signal.SIGINT) for process in supervisor.processes)
    return not failed


def _let_go_of_output() -> None:
    """Leaves out what could not be printed: Python would end with another exit code when it fails once more."""
    try:
        sys.stdout.flush()
    except OSError:
        sys.stdout = None


def _ignore_hangup() -> None:
    """Ignores SIGHUP, which would end the process, until the application handles it."""
    if hangup := getattr(signal, "SIGHUP", None):
        signal.signal(hangup, signal.SIG_IGN)


def _end(code: int) -> str:
    """Returns in words how a process ended."""
    return f"signal {-code} ({signal.Signals(-code).name})" if code < 0 else f"exit code {code}"
