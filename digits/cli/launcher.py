"""Starts servers together, waits until they answer, and stops them together."""

import contextlib
import ctypes
import importlib.util
import os
import signal
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
from digits.cli.ports import check_port
from digits.errors import MissingInstallError, SettingError
from digits.installation import clone, install_command

LOOPBACK = "127.0.0.1"
# Without the current folder on the path: a file there, such as the user's api.py, hides none of the server's modules.
_PYTHON = (sys.executable, "-P", "-m")
_APP_SCRIPT = Path(__file__).resolve().parents[1] / "app" / "script" / "digits_app.py"
_START_SECONDS = 60.0
_STOP_SECONDS = 10.0
# What is waited for at the end is said after this.
_QUIET_SECONDS = 1.0
_POLL_SECONDS = 0.1
_PR_SET_PDEATHSIG = 1
_STOP_SIGNALS = [signal.SIGINT, signal.SIGTERM] + ([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])


@dataclass(frozen=True)
class Service:
    """A server to run.

    Args:
        name: of the server, for messages.
        port: TCP port that it listens on.
        other_port: a command that runs it on another port; `{port}` stands for the port.
        ready_path: the path that answers 200 once the server can be used.
        command: the command line that starts it.
        environment: variables that it gets unless the user has set them.
        host: address that it listens on.
        uses_model: whether it reads the model file once, and again at SIGHUP.
    """

    name: str
    port: int
    other_port: str
    ready_path: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    host: str = LOOPBACK
    uses_model: bool = False

    @property
    def address(self) -> str:
        """The URL at which a person on this machine reaches it."""
        everywhere = self.host in ("0.0.0.0", "::", "")  # noqa: S104 # compared, not listened on
        return f"http://{LOOPBACK if everywhere else self.host}:{self.port}"


def services(api_port: int, app_port: int) -> tuple[Service, Service]:
    """Returns the API and the app, which tells people to ask that API."""
    command = "make run API_PORT={port}" if clone() else "digits run --api-port {port}"
    api = Service(
        "API",
        api_port,
        command,
        "/health/ready",
        (*_PYTHON, "digits", "serve", "--host", LOOPBACK, "--port", str(api_port), "--brief"),
        uses_model=True,
    )
    command = "make run APP_PORT={port}" if clone() else "digits run --app-port {port}"
    return api, app_service(app_port, command, environment={API_URL_VARIABLE: api.address})


def app_service(
    port: int, other_port: str, host: str = LOOPBACK, environment: Mapping[str, str] | None = None
) -> Service:
    """Returns the app as a server; the arguments are those of `Service`."""
    return Service(
        "app",
        port,
        other_port,
        "/_stcore/health",
        (
            *(*_PYTHON, "streamlit", "run", str(_APP_SCRIPT), "--server.headless", "true"),
            # The launcher prints the address itself.
            *("--logger.hideWelcomeMessage", "true"),
            *("--server.address", host, "--server.port", str(port)),
        ),
        environment or {},
        host,
    )


def run(chosen: Sequence[Service]) -> int:
    """Starts servers, prints their addresses once all answer, and waits for Ctrl-C.

    Args:
        chosen: the servers; the last is the one that a person opens in a browser.

    Returns:
        Exit code 0 after Ctrl-C or a signal to stop, 1 if a server failed.

    Raises:
        SettingError: a port cannot be listened at, or two servers have the same.
        MissingInstallError: Streamlit, which the app needs, is not installed.
    """
    check(chosen)
    # Before the servers read it: a change while they start counts, too.
    model = _model_state()
    with _stop_requests() as stop:
        running: list[tuple[Service, subprocess.Popen[bytes]]] = []
        try:
            places = (f"{service.name} at {service.address}" for service in chosen)
            print(f"Starting the {' and the '.join(places)} ...", flush=True)
            for service in chosen:
                # One by one, so that the first is stopped if the second cannot be started.
                running.append((service, _start(service)))  # noqa: PERF401
            if not _wait_until_ready(running, stop):
                return EXIT_OK if stop else EXIT_FAILED
            print()
            for service in chosen:
                print(f"{service.name}: {service.address}", flush=True)
            names = " and ".join(f"the {service.name}" for service in reversed(chosen))
            print(f"Open {chosen[-1].address} in a browser. Ctrl-C stops {names}.", flush=True)
            while not stop:
                if _report_dead(running):
                    return EXIT_FAILED
                if (state := _model_state()) != model:
                    model = state
                    _reload_model(running)
                time.sleep(_POLL_SECONDS)
            return EXIT_OK
        finally:
            _stop(running, stop)


def _model_state() -> tuple[str, int, int] | None:
    """Returns path, time of the last change and inode of the model file in use; None while there is none."""
    from digits.recognizer import find_model

    path = find_model()
    try:
        state = path.stat()
    except OSError:
        return None
    return str(path), state.st_mtime_ns, state.st_ino


def _reload_model(running: Sequence[tuple[Service, subprocess.Popen[bytes]]]) -> None:
    """Has servers that read the model file once read it again, after somebody has replaced it."""
    for service, process in running:
        if not service.uses_model:
            continue
        if hasattr(signal, "SIGHUP"):
            print(f"The model file has changed: the {service.name} reads it again.", flush=True)
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGHUP)
        else:
            print(f"The model file has changed: restart, so that the {service.name} reads it.", flush=True)


def check(chosen: Sequence[Service]) -> None:
    """Checks that servers can be started.

    Raises:
        SettingError: a port cannot be listened at, or two servers have the same.
        MissingInstallError: Streamlit, which the app needs, is not installed.
    """
    if importlib.util.find_spec("streamlit") is None:
        raise MissingInstallError(
            f"The app needs Streamlit, which is not installed. Install it with: {install_command('app')}"
        )
    if len({service.port for service in chosen}) < len(chosen):
        raise SettingError(f"API and app cannot share port {chosen[0].port}. Choose another for one of them.")
    for service in chosen:
        check_port(service.host, service.port, f"the {service.name}", service.other_port)


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
        env={**service.environment, **os.environ, **_path_of_clone(), "PYTHONUNBUFFERED": "1"},
        stdin=subprocess.DEVNULL,
        preexec_fn=_end_with_parent if sys.platform == "linux" else None,
    )


def _path_of_clone() -> dict[str, str]:
    """Returns the variable with which a server imports the same clone as this process, which may be one of several."""
    root = clone()
    if root is None:
        return {}
    others = os.environ.get("PYTHONPATH")
    return {"PYTHONPATH": f"{root}{os.pathsep}{others}" if others else str(root)}


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


def _stop(running: Sequence[tuple[Service, subprocess.Popen[bytes]]], stop: Sequence[int]) -> None:
    """Stops servers, which may first answer the requests that they have; a further signal ends them at once."""
    processes = [process for _, process in running]
    for process in processes:
        _signal_session(process, signal.SIGTERM)
    start, asked, is_said = time.monotonic(), len(stop), False
    while (taken := time.monotonic() - start) < _STOP_SECONDS and len(stop) == asked:
        names = [service.name for service, process in running if process.poll() is None]
        if not names:
            break
        if taken >= _QUIET_SECONDS and not is_said:
            is_said = True
            print(
                f"Waiting for the {' and the '.join(names)}: requests that have begun are answered first, for "
                f"{_STOP_SECONDS:g} seconds at the most. Ctrl-C ends it now.",
                flush=True,
            )
        time.sleep(_POLL_SECONDS)
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
