"""`digits serve`: the API in production, in one process or several."""

import logging
import os
import shutil
import signal
from types import FrameType
from typing import Any

from api.logs import server_log_config
from api.runtime import base_folder
from api.settings import Settings, read_settings
from digits import __version__
from digits.arguments import EXIT_FAILED, EXIT_OK

# A worker that is busy with large photos answers its supervisor late, and is not hung.
_HEALTH_CHECK_SECONDS = 30


def serve(host: str, port: int, workers: int) -> int:
    """Runs the API until a signal stops it.

    Args:
        host: address to listen on.
        port: to listen on.
        workers: processes that answer.

    Returns:
        Exit code 0 after a stop in order, 1 if the API could not be started.

    Raises:
        SettingError: a setting has a wrong value.
    """
    settings = read_settings()
    import uvicorn

    from api.connections import PatientProtocol

    config = uvicorn.Config(
        "api:app",
        host=host,
        port=port,
        workers=workers,
        http=PatientProtocol,
        log_config=server_log_config(settings),
        # Each request has a line of ours.
        access_log=settings.access_log,
        server_header=False,
        timeout_graceful_shutdown=settings.shutdown_seconds,
        timeout_worker_healthcheck=_HEALTH_CHECK_SECONDS,
    )
    if settings.log_format == "json":
        told = {"version": __version__, "workers": workers, "settings": settings.effective()}
        logging.getLogger("digits").info("Digits starts", extra=told)
    else:
        print(_summary(settings, workers), flush=True)
    if workers == 1:
        return _serve_alone(config)
    return _supervise(config)


def _summary(settings: Settings, workers: int) -> str:
    chosen = settings.effective()
    width = max(map(len, chosen))
    lines = [f"  {name:{width}}  {value}".rstrip() for name, value in chosen.items()]
    return "\n".join([f"Digits {__version__}, {workers} worker{'s' * (workers > 1)}, settings:", *lines])


def _serve_alone(config: Any) -> int:
    import uvicorn

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise SystemExit(EXIT_OK)

    # After a stop in order uvicorn raises the signal again, for whoever handled it before: nobody, which would look
    # like a crash.
    signal.signal(signal.SIGTERM, stop)

    server = uvicorn.Server(config)
    try:
        server.run()
    except SystemExit as ended:
        return EXIT_FAILED if ended.code else EXIT_OK
    except KeyboardInterrupt:
        pass
    return EXIT_OK if server.started else EXIT_FAILED


def _supervise(config: Any) -> int:
    from uvicorn.supervisors import Multiprocess

    class Supervisor(Multiprocess):
        """Starts the workers, and others in the place of those that die."""

        def init_processes(self) -> None:
            """Starts the workers."""
            super().init_processes()
            self._leave_ends()

        def keep_subprocess_alive(self) -> None:
            """Starts others in the place of those that have died."""
            super().keep_subprocess_alive()
            self._leave_ends()

        def _leave_ends(self) -> None:
            # A worker's end of its pipe, held open here, would keep a question to one that was killed waiting.
            for process in self.processes:
                process.child_conn.close()

        def handle_hup(self) -> None:
            """Has each worker read the model anew; uvicorn would replace the workers."""
            for process in self.processes:
                if process.pid is not None:
                    os.kill(process.pid, signal.SIGHUP)

        def terminate_all(self) -> None:
            """Stops the workers; once they take no more connections, nobody does."""
            # Held open here, it would let clients connect whom nobody will answer.
            listener.close()
            super().terminate_all()

    listener = config.bind_socket()
    supervisor = Supervisor(config, [listener])
    try:
        supervisor.run()
    except KeyboardInterrupt:
        supervisor.terminate_all()
        supervisor.join_all()
    finally:
        shutil.rmtree(base_folder() / str(os.getpid()), ignore_errors=True)
    failed = any(process.exitcode not in (0, -signal.SIGTERM, -signal.SIGINT) for process in supervisor.processes)
    return EXIT_FAILED if failed else EXIT_OK
