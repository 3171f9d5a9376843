"""The servers that are compared: how each is installed, started and measured."""

import hashlib
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from benchmarks.support.client import FORM_TYPE, form

ROOT = Path(__file__).resolve().parents[2]
# Keeps the environments of the other servers between runs.
CACHE = ROOT / ".benchmarks"
# The longest time that a server may take to start, in seconds.
_PATIENCE = 120.0

_WRK_SCRIPT = """
wrk.method = "POST"
local file = io.open(os.getenv("BODY"), "rb")
wrk.body = file:read("*a")
wrk.headers["Content-Type"] = os.getenv("CONTENT_TYPE")
done = function(summary, latency, requests)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  io.write(string.format("RESULT %d %d %d %d %d\\n", summary.requests, summary.duration, latency:percentile(50),
    latency:percentile(99), failed))
end
"""


@dataclass(frozen=True)
class Server:
    """A server that can be started.

    Args:
        name: its name in the table.
        command: the words after the interpreter that start it; `{port}` stands for its port.
        lock: the lock file, in requirements/, of its own environment; None if it runs in the benchmark's environment.
        raw: whether clients send the image as the body, not in a form.
    """

    name: str
    command: tuple[str, ...]
    lock: str | None = None
    raw: bool = False


_UVICORN = ("-m", "uvicorn", "--host", "127.0.0.1", "--port", "{port}", "--no-access-log")
DIGITS = Server("Digits, form", (*_UVICORN, "api:app"))
DIGITS_RAW = Server("Digits, raw body", (*_UVICORN, "api:app"), raw=True)
SERVE = Server("digits serve", ("-m", "digits", "serve", "--port", "{port}"))
NOTHING = Server("FastAPI upload endpoint that does nothing", (*_UVICORN, "benchmarks.peers.nothing:app"))
COMMON = Server("FastAPI with Keras' `model.predict`", (*_UVICORN, "benchmarks.peers.common:app"))
LITSERVE = Server("LitServe, ONNX Runtime", ("benchmarks/peers/litserve_server.py", "{port}"), "bench-litserve.txt")
BENTOML = Server(
    "BentoML, ONNX Runtime",
    ("-m", "bentoml", "serve", "benchmarks.peers.bentoml_service:Digits", "--host", "127.0.0.1", "--port", "{port}"),
    "bench-bentoml.txt",
)


def content_type(*, raw: bool) -> str:
    """Returns the Content-Type of a request with an image, as the body (`raw`) or in a form."""
    return "application/octet-stream" if raw else FORM_TYPE


def free_port() -> int:
    """Returns a port of this machine on which nothing listens just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def interpreter(server: Server) -> str:
    """Returns the path of the Python that runs a server, and makes its environment if it does not exist yet.

    Raises:
        subprocess.CalledProcessError: the environment cannot be made.
    """
    if server.lock is None:
        return sys.executable
    lock = ROOT / "requirements" / server.lock
    folder = CACHE / f"{lock.stem}-{hashlib.sha256(lock.read_bytes()).hexdigest()[:12]}"
    python = folder / "bin" / "python"
    done = folder / "installed"
    if not done.exists():
        print(f"Making the environment of {server.name} ...", file=sys.stderr, flush=True)
        make_environment(folder, lock)
        done.touch()
    return str(python)


def make_environment(folder: Path, *locks: Path) -> list[str]:
    """Makes a virtual environment with locked requirements; returns the words of its `pip install` command.

    Raises:
        subprocess.CalledProcessError: the environment cannot be made.
    """
    subprocess.run(["sh", "scripts/make_venv.sh", str(folder), sys.executable], cwd=ROOT, check=True, stdout=2)
    python = str(folder / "bin" / "python")
    pip = [python, "-m", "pip", "--disable-pip-version-check", "--quiet", "install"]
    requirements = [word for lock in locks for word in ("-r", str(lock))]
    command = [*pip, "--require-hashes", *requirements]
    subprocess.run(command, cwd=ROOT, check=True, stdout=2, stderr=subprocess.DEVNULL)
    return pip


@dataclass(frozen=True)
class Running:
    """A running server.

    Args:
        url: the URL of its upload endpoint.
        process: its first process, which may have started others.
        first_answer: time from the start of the process to the first answer, in seconds.
        log: the file that holds its output.
    """

    url: str
    process: subprocess.Popen[bytes]
    first_answer: float
    log: Path

    def output(self) -> str:
        """Returns what the server has printed."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def memory(self) -> float:
        """Returns the resident memory of all its processes, in MB; NaN on systems without /proc.

        Files, such as libraries, count once: as much of them as the process has that has most of them.
        """
        own, files = 0, [0]
        for text in self._read_of_all("status"):
            sizes = {name: int(size) for name, size in _RESIDENT.findall(text)}
            own += sizes.get("Anon", 0) + sizes.get("Shmem", 0)
            files.append(sizes.get("File", 0))
        return (own + max(files)) / 1024.0 if own else float("nan")

    @contextmanager
    def watched(self) -> Iterator[list[float]]:
        """Looks at its memory every hundredth of a second, inside; yields the list that all looks are added to."""
        looks, ended = [self.memory()], threading.Event()

        def look() -> None:
            while not ended.wait(_LOOK_SECONDS):
                looks.append(self.memory())

        watcher = threading.Thread(target=look)
        watcher.start()
        try:
            yield looks
        finally:
            ended.set()
            watcher.join()

    def processor_seconds(self) -> float:
        """Returns the processor time that its processes have used, in seconds; 0 on systems without /proc."""
        # User and system time: fields 14 and 15 of the whole line.
        times = [_fields(text)[11:13] for text in self._read_of_all("stat")]
        return sum(int(user) + int(system) for user, system in times) / os.sysconf("SC_CLK_TCK")

    def _read_of_all(self, name: str) -> list[str]:
        """Returns the text of a file in /proc for each of the server's processes: the first and all that descend of it.

        Some servers start their workers in process groups and sessions of their own.
        """
        parents = {
            int(file.parent.name): int(_fields(text)[1]) for file, text in _read_each(Path("/proc").glob("[0-9]*/stat"))
        }
        ours = {self.process.pid}
        while more := {pid for pid, parent in parents.items() if parent in ours} - ours:
            ours |= more
        return [text for _, text in _read_each(Path(f"/proc/{pid}/{name}") for pid in sorted(ours))]


# Of the memory of a process: what is its own, what it shares in memory, and what is a part of files.
_RESIDENT = re.compile(r"Rss(Anon|Shmem|File):\s+(\d+)")
_LOOK_SECONDS = 0.01


def _read_each(files: Iterable[Path]) -> Iterator[tuple[Path, str]]:
    """Yields files with their texts; leaves out those of processes that have ended in the meantime."""
    for file in files:
        with suppress(OSError):
            yield file, file.read_text()


def _fields(stat: str) -> list[str]:
    """Returns the fields of a process's line in /proc from the third on, behind its name, which may hold blanks."""
    return stat.rpartition(")")[2].split()


@contextmanager
def running(
    server: Server,
    image: bytes,
    environment: Mapping[str, str],
    extra: tuple[str, ...] = (),
    python: str | None = None,
) -> Iterator[Running]:
    """Starts a server, yields it when it has answered an image, and stops it when the block ends.

    Args:
        server: the server to start.
        image: the image file that it has to answer.
        environment: the variables that it needs.
        extra: further words of its command.
        python: the interpreter; if None, that of the server's own environment.

    Raises:
        RuntimeError: the server ended, or did not answer in time.
    """
    python = python or interpreter(server)
    port = free_port()
    clean = {name: value for name, value in os.environ.items() if not name.startswith("DIGITS_")}
    command = [python, *(word.replace("{port}", str(port)) for word in server.command), *extra]
    body = image if server.raw else form([image])
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/predict/", body, {"Content-Type": content_type(raw=server.raw)}
    )
    start = time.perf_counter()
    with tempfile.NamedTemporaryFile() as log:
        process = subprocess.Popen(
            command, cwd=ROOT, env=clean | dict(environment), stdout=log, stderr=log, start_new_session=True
        )
        try:
            while True:
                try:
                    with urllib.request.urlopen(request, timeout=30):
                        break
                except (urllib.error.URLError, ConnectionError) as error:
                    if process.poll() is not None or time.perf_counter() - start > _PATIENCE:
                        reason = Path(log.name).read_text(encoding="utf-8", errors="replace")[-2_000:]
                        raise RuntimeError(f"{server.name} does not answer ({error}):\n{reason}") from None
                    time.sleep(0.01)
            yield Running(request.full_url, process, time.perf_counter() - start, Path(log.name))
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


@dataclass(frozen=True)
class Load:
    """The result of sending one image as often as possible.

    Args:
        rate: requests per second.
        p50: median latency, in ms.
        p99: 99th percentile of the latency, in ms.
        errors: the number of requests that got no answer, or a status of 400 or more.
        requests: the number of requests.
    """

    rate: float
    p50: float
    p99: float
    errors: int
    requests: int


def load(url: str, image: bytes, *, raw: bool, connections: int, seconds: float) -> Load:
    """Sends one image with wrk over several connections. Each sends its next request as soon as it has an answer.

    Args:
        url: the upload endpoint.
        image: the image file.
        raw: whether the image is the body, not in a form.
        connections: the number of connections.
        seconds: how long to send.

    Raises:
        RuntimeError: wrk is not installed, or it failed.
    """
    with tempfile.TemporaryDirectory() as folder:
        script, body = Path(folder) / "post.lua", Path(folder) / "body"
        script.write_text(_WRK_SCRIPT)
        body.write_bytes(image if raw else form([image]))
        command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s", "-s", str(script), url]
        environment = os.environ | {"BODY": str(body), "CONTENT_TYPE": content_type(raw=raw)}
        try:
            done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        except FileNotFoundError:
            raise RuntimeError("This benchmark needs wrk, which most systems package: apt-get install wrk") from None
        except subprocess.CalledProcessError as error:
            raise RuntimeError(f"wrk failed: {error.stdout}{error.stderr}") from None
    result = re.search(r"RESULT (\d+) (\d+) (\d+) (\d+) (\d+)", done.stdout)
    if result is None:
        raise RuntimeError(f"wrk printed no result: {done.stdout}")
    requests, duration, p50, p99, errors = (int(value) for value in result.groups())
    return Load(requests / duration * 1e6, p50 / 1e3, p99 / 1e3, errors, requests)
