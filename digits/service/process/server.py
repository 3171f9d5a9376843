"""`digits serve`: the API in production, in one process or several."""

import contextlib
import functools
import logging
import os
import shutil
import signal
from types import FrameType
from typing import Any

from digits import __version__
from digits.errors import SettingError
from digits.service.logs import JsonLines, server_log_config
from digits.service.process.runtime import base_folder, running, sweep
from digits.service.settings import Settings, read_settings

_log = logging.getLogger("digits")

# A worker that is busy with large photos answers its supervisor late, and is not hung; but while the supervisor waits
# for one that is, it heeds no signal.
_HEALTH_CHECK_SECONDS = 10


def serve(host: str, port: int, workers: int) -> bool:
    """Runs the API until a signal stops it.

    Args:
        host: address to listen on.
        port: to listen on.
        workers: processes that answer.

    Returns:
        True after a stop in order, False if the API could not be started or a worker failed.

    Raises:
        SettingError: a setting has a wrong value.
    """
    settings = read_settings()
    import uvicorn

    from digits.service.process.connections import PatientProtocol

    protocol = functools.partial(
        PatientProtocol, header_seconds=settings.header_seconds, max_connections=settings.max_connections
    )
    config = uvicorn.Config(
        "digits.service.app:create_app",
        factory=True,
        host=host,
        port=port,
        workers=workers,
        http=protocol,  # type: ignore[arg-type] # uvicorn does no more with it than call it
        log_config=server_log_config(settings),
        # Each request has a line of ours.
        access_log=settings.access_log,
        server_header=False,
        timeout_graceful_shutdown=settings.shutdown_seconds,
        timeout_worker_healthcheck=_HEALTH_CHECK_SECONDS,
    )
    print(_summary(settings, workers), flush=True)
    return _serve_alone(config) if workers == 1 else _supervise(config)


def _summary(settings: Settings, workers: int) -> str:
    if settings.log_format == "json":
        told = {"version": __version__, "workers": workers, "settings": settings.effective()}
        return JsonLines().format(
            logging.makeLogRecord({"name": "digits", "levelname": "INFO", "msg": "Digits starts", **told})
        )
    chosen = settings.effective()
    width = max(map(len, chosen))
    lines = [f"  {name:{width}}  {value}".rstrip() for name, value in chosen.items()]
    return "\n".join([f"Digits {__version__}, {workers} worker{'s' * (workers > 1)}, settings:", *lines])


def _serve_alone(config: Any) -> bool:
    from digits.service.process.shutdown import DrainingServer

    _ignore_hangup()

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise SystemExit(0)

    # After a stop in order uvicorn raises the signal again, for whoever handled it before: nobody, which would look
    # like a crash.
    signal.signal(signal.SIGTERM, stop)

    server = DrainingServer(config)
    try:
        server.run()
    except SystemExit as ended:
        return not ended.code
    except KeyboardInterrupt:
        pass
    return bool(server.started)


def _supervise(config: Any) -> bool:
    from uvicorn.supervisors import Multiprocess, multiprocess

    from digits.service.process.shutdown import DrainingWorker

    # uvicorn has no other way to say what its workers are.
    multiprocess.Process = DrainingWorker  # type: ignore[misc]

    class Supervisor(Multiprocess):
        """Starts the workers, and others in the place of those that die."""

        def init_processes(self) -> None:
            """Starts the workers."""
            super().init_processes()
            self._leave_ends()

        def keep_subprocess_alive(self) -> None:
            """Starts others in the place of those that have died."""
            before = list(self.processes)
            super().keep_subprocess_alive()
            for process in before:
                if process not in self.processes and process.exitcode is not None:
                    _log.error("Worker %d ended with %s; another took its place", process.pid, _end(process.exitcode))
            self._leave_ends()

        def _leave_ends(self) -> None:
            # A worker's end of its pipe, held open here, would keep a question to one that was killed waiting.
            for process in self.processes:
                process.child_conn.close()

        def handle_hup(self) -> None:
            """Has each worker read the model anew; uvicorn would replace the workers."""
            # One that starts reads it anyway, and does not know the signal yet.
            for pid in running().get(os.getpid(), {}):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGHUP)

        def terminate_all(self) -> None:
            """Stops the workers; once they take no more connections, nobody does."""
            # Held open here, it would let clients connect whom nobody will answer.
            listener.close()
            super().terminate_all()

    sweep()
    try:
        listener = config.bind_socket()
    except SystemExit:
        # uvicorn has logged the reason.
        raise SettingError(
            f"Cannot listen on {config.host}, port {config.port}. Choose another with --port or --host."
        ) from None
    supervisor = Supervisor(config, [listener])
    try:
        supervisor.run()
    except KeyboardInterrupt:
        supervisor.terminate_all()
        supervisor.join_all()
    finally:
        shutil.rmtree(base_folder() / str(os.getpid()), ignore_errors=True)
    return all(process.exitcode in (0, -signal.SIGTERM, -signal.SIGINT) for process in supervisor.processes)


def _ignore_hangup() -> None:
    """Until the application can heed it: it would end the process."""
    if hangup := getattr(signal, "SIGHUP", None):
        signal.signal(hangup, signal.SIG_IGN)


def _end(code: int) -> str:
    """How a process ended, in words."""
    return f"signal {-code} ({signal.Signals(-code).name})" if code < 0 else f"exit code {code}"
