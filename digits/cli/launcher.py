"""Starts API and app together and stops both together."""

import contextlib
import ctypes
import importlib.util
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from digits.app.calls import API_URL_VARIABLE
from digits.cli.arguments import EXIT_FAILED, EXIT_OK
from digits.errors import MissingInstallError, SettingError

_HOST = "127.0.0.1"
# Streamlit runs a file.
_APP = Path(__file__).resolve().parents[1] / "app" / "main.py"
_START_SECONDS = 60.0
_STOP_SECONDS = 10.0
_POLL_SECONDS = 0.1
_PR_SET_PDEATHSIG = 1
_STOP_SIGNALS = [signal.SIGINT, signal.SIGTERM] + ([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])


@dataclass(frozen=True)
class Service:
    """A server to run.

    Args:
        name: for people.
        port: where it listens, on the loopback address.
        option: the option of `make run` that chooses another port.
        ready_path: answers 200 once the server can be used.
        command: that starts it.
        environment: variables that it gets where they are not set.
    """

    name: str
    port: int
    option: str
    ready_path: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def address(self) -> str:
        """Where a person reaches it."""
        return f"http://{_HOST}:{self.port}"


def services(api_port: int, app_port: int) -> tuple[Service, Service]:
    """API and app, as they are run from the repository's root."""
    python = sys.executable
    api = Service(
        "API",
        api_port,
        "API_PORT",
        "/health/ready",
        (
            *(python, "-m", "uvicorn", "--factory", "digits.service.app:create_app"),
            *("--host", _HOST, "--port", str(api_port)),
        ),
    )
    return (
        api,
        Service(
            "app",
            app_port,
            "APP_PORT",
            "/_stcore/health",
            (
                *(python, "-m", "streamlit", "run", str(_APP), "--server.headless", "true"),
                *("--server.address", _HOST, "--server.port", str(app_port)),
            ),
            {API_URL_VARIABLE: api.address},
        ),
    )


def run(api_port: int, app_port: int) -> int:
    """Starts API and app, prints their addresses once both answer, and waits for Ctrl-C.

    Returns:
        Exit code 0 after Ctrl-C or a signal to stop, 1 if a server failed.

    Raises:
        SettingError: a port is in use, or both are the same.
        MissingInstallError: the app's install is missing, or the app is.
    """
    chosen = services(api_port, app_port)
    _check(chosen)
    with _stop_requests() as stop:
        running: list[tuple[Service, subprocess.Popen[bytes]]] = []
        try:
            print("Starting API and app ...", flush=True)
            for service in chosen:
                # One by one, so that the first is stopped if the second cannot be started.
                running.append((service, _start(service)))  # noqa: PERF401
            if not _wait_until_ready(running, stop):
                return EXIT_OK if stop else EXIT_FAILED
            print()
            for service in chosen:
                print(f"{service.name}: {service.address}", flush=True)
            while not stop:
                if _report_dead(running):
                    return EXIT_FAILED
                time.sleep(_POLL_SECONDS)
            return EXIT_OK
        finally:
            _stop([process for _, process in running])


def _check(chosen: Sequence[Service]) -> None:
    if importlib.util.find_spec("streamlit") is None:
        raise MissingInstallError("The app needs Streamlit, which is not installed. Install it with: make install")
    if len({service.port for service in chosen}) < len(chosen):
        raise SettingError(f"API and app cannot share port {chosen[0].port}. Choose another for one of them.")
    for service in chosen:
        if not _is_free(service.port):
            other = service.port + 1
            raise SettingError(
                f"Port {service.port}, for the {service.name}, is in use. "
                f"Choose another, for example: make run {service.option}={other}"
            )


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As servers do: a port whose last connections are only fading counts as free.
        if os.name == "posix":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_HOST, port))
        except OSError:
            return False
    return True


@contextlib.contextmanager
def _stop_requests() -> Iterator[list[int]]:
    """A list that stays empty until a signal asks to stop."""
    requests: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        requests.append(number)

    before = {number: signal.signal(number, note) for number in _STOP_SIGNALS}
    try:
        yield requests
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _start(service: Service) -> subprocess.Popen[bytes]:
    # A session of its own: Ctrl-C in the terminal reaches the launcher alone, which then stops both in order,
    # and a signal to the whole session reaches whatever the server has started itself.
    return subprocess.Popen(
        service.command,
        start_new_session=True,
        env={**service.environment, **os.environ, "PYTHONUNBUFFERED": "1"},
        stdin=subprocess.DEVNULL,
        preexec_fn=_end_with_parent if sys.platform == "linux" else None,
    )


def _end_with_parent() -> None:
    """Has Linux end this process with its parent, should that be killed without a chance to stop it."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _wait_until_ready(running: Sequence[tuple[Service, subprocess.Popen[bytes]]], stop: Sequence[int]) -> bool:
    deadline = time.monotonic() + _START_SECONDS
    waiting = [service for service, _ in running]
    while waiting and not stop:
        if _report_dead(running):
            return False
        if time.monotonic() > deadline:
            names = " and ".join(service.name for service in waiting)
            print(f"digits: the {names} did not start within {_START_SECONDS:.0f} seconds.", file=sys.stderr)
            return False
        waiting = [service for service in waiting if not _answers(service)]
        time.sleep(_POLL_SECONDS)
    return not stop


def _answers(service: Service) -> bool:
    try:
        with urllib.request.urlopen(service.address + service.ready_path, timeout=1.0) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _report_dead(running: Sequence[tuple[Service, subprocess.Popen[bytes]]]) -> bool:
    """Whether a server has ended by itself; says which."""
    for service, process in running:
        if process.poll() is not None:
            print(
                f"digits: the {service.name} ended with code {process.returncode}; its last lines above say why.",
                file=sys.stderr,
            )
            return True
    return False


def _stop(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        _signal_session(process, signal.SIGTERM)
    deadline = time.monotonic() + _STOP_SECONDS
    for process in processes:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(max(0.0, deadline - time.monotonic()))
    for process in processes:
        # Also after a clean end: a child of the server's own may have outlived it.
        _signal_session(process, getattr(signal, "SIGKILL", signal.SIGTERM))
        process.wait()


def _signal_session(process: subprocess.Popen[bytes], number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if os.name == "posix":
            os.killpg(process.pid, number)
        else:
            process.send_signal(number)
