"""Fixtures and helpers of several test modules: data, a trained model, running servers, a browser."""

import contextlib
import io
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import hypothesis
import numpy.typing as npt
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from digits.data.mnist import Mnist, load
from digits.model.artifact import read
from digits.recognizer import Recognizer, shipped_model
from scripts.find_browser import BROWSER_ARGUMENTS, find_browser
from tests.browsing import PATIENCE
from tests.kinds import KINDS, alone, mark

# On a slow machine an example may take long. `make check` takes fewer examples.
hypothesis.settings.register_profile("patient", deadline=None)
hypothesis.settings.register_profile("quick", deadline=None, max_examples=20)
hypothesis.settings.load_profile("patient")

ROOT = Path(__file__).resolve().parent.parent
SAMPLES = sorted((ROOT / "digits" / "samples").glob("*.png"))
BIN = Path(sys.executable).parent


@pytest.fixture(scope="session")
def mnist() -> Mnist:
    """The MNIST data set, training and test images."""
    return load()


def encode_png(pixels: npt.NDArray[Any], **options: Any) -> bytes:
    """Returns a picture as the bytes of a PNG file.

    Args:
        pixels: array of shape (height, width) or (height, width, channels), of a type that Pillow takes.
        options: options of Pillow's `save`.
    """
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", **options)
    return file.getvalue()


@pytest.fixture(scope="session")
def sample() -> Path:
    """The path of an image of a 7."""
    return ROOT / "digits" / "samples" / "7_stylus.png"


def repository_files() -> list[Path]:
    """Returns the files that git tracks or does not ignore, relative to the root."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    return [Path(name) for name in filter(None, listed.stdout.decode().split("\0")) if (ROOT / name).is_file()]


def copy_repository(folder: Path) -> Path:
    """Copies the files of `repository_files` to a folder, as a fresh clone would hold them; returns the folder."""
    for name in repository_files():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, folder / name)
    return folder


@pytest.fixture(scope="session")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the repository after `python train.py`, made once for all processes that share the tests."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "trained"
    with alone(folder.with_suffix(".lock")):
        log = folder / "train.log"
        if not log.exists():
            copy_repository(folder)
            done = run_python(["train.py"], cwd=folder)
            assert done.returncode == 0, done.stderr
            log.write_text(done.stdout, encoding="utf-8")
    return folder


def run_python(arguments: list[str], cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs this environment's Python as a person would, with the code of the folder `cwd`."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env=child_environment(cwd, environment),
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )


def child_environment(cwd: Path, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Returns the environment of a started program, without the settings of whoever runs the tests.

    It imports the package of the folder `cwd` if that is a copy of the repository, and else the package that is tested:
    an environment may be shared by several clones.
    """
    # Without the settings of whoever runs the tests, `make` and its variables among them.
    foreign = ("DIGITS_", "MAKE", "MFLAGS", "ARGS", "API_PORT", "APP_PORT")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    if cache := os.environ.get("DIGITS_CACHE"):
        clean["DIGITS_CACHE"] = cache
    path = f"{BIN}{os.pathsep}{os.environ.get('PATH', '')}"
    code = cwd if (cwd / "digits").is_dir() else ROOT
    return clean | {"PATH": path, "PYTHONPATH": str(code), "PYTHONUNBUFFERED": "1"} | dict(extra or {})


def free_port() -> int:
    """Returns a port that no process listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(autouse=True)
def main_module() -> Iterator[None]:
    """Restores the main module of the process after each test: Streamlit's AppTest puts its script in that place.

    A process that is spawned afterwards would run that script, and die of it.
    """
    before = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = before


class Server:
    """A running server, started as a person would start it.

    Args:
        command: the command line.
        cwd: the folder to start it in.
        url: where it answers.
        environment: variables besides the test's own.
    """

    def __init__(self, command: list[str], cwd: Path, url: str, environment: Mapping[str, str] | None = None) -> None:
        self.url = url
        self.log = cwd / f"server-{free_port()}.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                command,
                cwd=cwd,
                env=child_environment(cwd, environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def output(self) -> str:
        """Returns what the server has printed."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def wait_until(self, path: str, seconds: float = 60.0) -> None:
        """Waits until `path` answers 200.

        Raises:
            AssertionError: the server ended, or does not answer after `seconds`.
        """
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            assert self.process.poll() is None, f"the server ended: {self.output()}"
            with contextlib.suppress(httpx.TransportError):
                if httpx.get(self.url + path).status_code == 200:
                    return
            time.sleep(0.05)
        raise AssertionError(f"{self.url}{path} does not answer: {self.output()}")

    def wait_for_output(self, text: str, seconds: float = 20.0) -> None:
        """Waits until the server has printed a text: a line of the log may come after the answer.

        Raises:
            AssertionError: it has not after `seconds`.
        """
        deadline = time.monotonic() + seconds
        while text not in self.output():
            assert time.monotonic() < deadline, f"{text!r} was not printed: {self.output()}"
            time.sleep(0.05)

    def stop(self) -> None:
        """Ends the server and all processes that it started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, 15)
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, 9)
            self.process.wait()


def start_api(cwd: Path, **environment: str) -> Server:
    """Starts `fastapi run api` on a free port."""
    port = free_port()
    command = ["fastapi", "run", "api", "--host", "127.0.0.1", "--port", str(port)]
    return Server([str(BIN / command[0]), *command[1:]], cwd, f"http://127.0.0.1:{port}", environment)


def serve(folder: Path, *options: str, **environment: str) -> Server:
    """Starts `digits serve` on a free port and waits until it is ready. Its workers share `folder`."""
    port = free_port()
    command = [str(BIN / "digits"), "serve", "--port", str(port), *options]
    settings = {"DIGITS_MODEL": str(shipped_model()), "XDG_RUNTIME_DIR": str(folder)}
    server = Server(command, folder, f"http://127.0.0.1:{port}", settings | environment)
    server.wait_until("/health/ready")
    return server


def pytest_configure(config: pytest.Config) -> None:
    """Registers the markers."""
    for kind, meaning in KINDS.items():
        config.addinivalue_line("markers", f"{kind}: {meaning}")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Gives each test its markers."""
    mark(items, ROOT / "tests", longest_first=hasattr(config, "workerinput"))


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds `--on-ray`, with which the tests of the API run against a Ray cluster."""
    parser.addoption("--on-ray", action="store_true", help="have the API run on a Ray cluster, not in one process")


@contextlib.contextmanager
def api_served(cwd: Path, *, on_ray: bool, **settings: str) -> Iterator[str]:
    """Runs the API until the block ends, and yields its address.

    Args:
        cwd: the working folder.
        on_ray: whether the API runs on a Ray cluster, not in one process.
        settings: settings of the API, by name.
    """
    if on_ray:
        from benchmarks.faults.ray_nodes import started

        with started((2,), cwd=cwd) as nodes:
            nodes.deploy(1, settings=settings)
            nodes.wait_until_running()
            yield nodes.url
        return
    server = start_api(cwd, **{f"DIGITS_{name.upper()}": value for name, value in settings.items()})
    try:
        server.wait_until("/health/ready")
        yield server.url
    finally:
        server.stop()


@pytest.fixture(scope="session")
def api(repository: Path, pytestconfig: pytest.Config) -> Iterator[str]:
    """The address of a running API that serves the trained model."""
    with api_served(repository, on_ray=pytestconfig.getoption("--on-ray")) as url:
        yield url


@pytest.fixture(scope="session")
def recognizer() -> Recognizer:
    """The model that ships."""
    return Recognizer.load(shipped_model())


@pytest.fixture(scope="session")
def first_view() -> Recognizer:
    """The model that ships, which sees each picture in one way only."""
    return Recognizer(read(shipped_model()), looks_again=False)


STRICT_BYTES, STRICT_BATCH_FILES, STRICT_BATCH_BYTES = 30_000, 3, 60_000


@pytest.fixture(scope="session")
def strict_api(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Iterator[str]:
    """The address of a running API that serves the shipped model with low limits."""
    folder = tmp_path_factory.mktemp("strict")
    (folder / "api").symlink_to(ROOT / "api")
    with api_served(
        folder,
        on_ray=pytestconfig.getoption("--on-ray"),
        model=str(shipped_model()),
        max_bytes=str(STRICT_BYTES),
        max_batch_files=str(STRICT_BATCH_FILES),
        max_batch_bytes=str(STRICT_BATCH_BYTES),
    ) as url:
        yield url


@pytest.fixture(scope="session")
def app_server(repository: Path) -> Iterator[str]:
    """The address of the running app."""
    port = free_port()
    command = [str(BIN / "streamlit"), "run", "app.py", "--server.headless", "true", "--server.port", str(port)]
    server = Server([*command, "--server.address", "127.0.0.1"], repository, f"http://127.0.0.1:{port}")
    try:
        server.wait_until("/_stcore/health")
        yield server.url
    finally:
        server.stop()


@pytest.fixture(scope="session")
def browser_path() -> Path:
    """The path of a real browser. Without one, the tests are skipped, except in continuous integration."""
    path = find_browser()
    if path is None:
        message = "no Chromium or Chrome on this machine: install one, or name it in DIGITS_BROWSER"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return path


@pytest.fixture(scope="module")
def browser(browser_path: Path) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser_path, args=BROWSER_ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    page = browser.new_page()
    page.set_default_timeout(PATIENCE)
    yield page
    page.close()
