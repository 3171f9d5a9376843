"""The wheel: what it installs, and its commands in a folder whose files have names of the doors of a clone."""

import json
import os
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser

from tests.browsing import PATIENCE, settled
from tests.conftest import ROOT, Server, child_environment, copy_repository, free_port

# Modules of the user's that have the names of a clone's doors, or of modules of the app.
TRAPS = ("api.py", "app.py", "api/__init__.py", "train.py", "cluster.py", "pages.py", "models.py", "calls.py")


@dataclass
class Installed:
    """An environment into which the wheel was installed, and a folder of a user's.

    Args:
        bin: the environment's programs.
        packages: the folder with the installed package.
        folder: the user's folder; it is the current one, and on the path.
    """

    bin: Path
    packages: Path
    folder: Path

    def environment(self) -> dict[str, str]:
        variables = child_environment(self.folder)
        return variables | {"PATH": f"{self.bin}{os.pathsep}{variables['PATH']}", "PYTHONPATH": str(self.folder)}

    def digits(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(self.bin / "digits"), *arguments],
            cwd=self.folder,
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    source = copy_repository(tmp_path_factory.mktemp("source"))
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", "--quiet", "--no-index"]
    options = ["--no-deps", "--no-build-isolation", "--wheel-dir", str(folder)]
    subprocess.run([*command, *options, str(source)], check=True, env=child_environment(source))
    (file,) = folder.glob("*.whl")
    return file


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """A fresh environment with the wheel; the wheel's dependencies are those of the environment that runs this test."""
    environment = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(environment)], check=True)
    programs = environment / "bin"
    (packages,) = environment.glob("lib/python*/site-packages")
    # The editable install of the project is no part of this: files named in a folder on the path are not read.
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", str(programs / "python")]
    options = ["install", "--quiet", "--no-index", "--no-deps", "--ignore-installed"]
    subprocess.run([*pip, *options, str(wheel)], check=True)
    folder = tmp_path_factory.mktemp("user")
    for name in TRAPS:
        trap = folder / name
        trap.parent.mkdir(exist_ok=True)
        trap.write_text(
            "from pathlib import Path\nPath(__file__).with_suffix('.imported').touch()\nraise SystemExit(9)\n",
            encoding="utf-8",
        )
    return Installed(programs, packages, folder)


@pytest.fixture(autouse=True)
def no_file_of_the_users_was_imported(installed: Installed) -> Iterator[None]:
    yield
    assert list(installed.folder.rglob("*.imported")) == []


def test_the_wheel_installs_one_name(wheel: Path) -> None:
    names = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert {name for name in names if not name.endswith(".dist-info")} == {"digits"}


def test_the_wheel_holds_every_file_of_the_package(wheel: Path) -> None:
    held = set(zipfile.ZipFile(wheel).namelist())
    files = [file.relative_to(ROOT).as_posix() for file in (ROOT / "digits").rglob("*") if file.is_file()]
    missing = [file for file in files if "__pycache__" not in file and file not in held]
    assert missing == []
    for name in (
        "digits/app/components/canvas.js",
        "digits/app/page.css",
        "digits/app/script/.streamlit/config.toml",
        "digits/cluster.py",
        "digits/samples/7_stylus.png",
        "digits/service/app.py",
        "digits/shipped/mnist_model.keras",
        "digits/training/run.py",
    ):
        assert name in held


def test_the_commands_use_the_installed_package(installed: Installed) -> None:
    script = "import digits; print(digits.__file__)"
    command = [str(installed.bin / "python"), "-P", "-c", script]
    done = subprocess.run(
        command, cwd=installed.folder, env=installed.environment(), capture_output=True, text=True, check=True
    )
    assert Path(done.stdout.strip()).parent == installed.packages / "digits"


def test_digits_are_read(installed: Installed, sample: Path) -> None:
    done = installed.digits("predict", "--json", str(sample))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["predicted_digit"] == 7


def test_numbers_are_read(installed: Installed) -> None:
    done = installed.digits("read", "--json", str(ROOT / "digits" / "samples" / "numbers" / "two_lines.png"))
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)["lines"]) == 2


def test_the_model_is_described(installed: Installed) -> None:
    done = installed.digits("model")
    assert done.returncode == 0, done.stderr
    assert "test accuracy:" in done.stdout


def test_a_model_is_trained_scored_and_used(installed: Installed, sample: Path) -> None:
    trained = installed.digits("train", "--epochs", "1", "--out", "quick.keras")
    assert trained.returncode == 0, trained.stderr
    assert (installed.folder / "reports" / "metrics.json").is_file()
    scored = installed.digits("evaluate", "quick.keras")
    assert scored.returncode == 0, scored.stderr
    assert "quick.keras: test accuracy 9" in scored.stdout
    described = json.loads(installed.digits("model", "--model", "quick.keras", "--json").stdout)
    assert described["command"] == "digits train --epochs 1 --out quick.keras"
    assert installed.digits("predict", "--model", "quick.keras", str(sample)).returncode == 0


def test_serve_answers(installed: Installed, sample: Path) -> None:
    port = free_port()
    command = [str(installed.bin / "digits"), "serve", "--port", str(port)]
    server = Server(command, installed.folder, f"http://127.0.0.1:{port}", installed.environment())
    try:
        server.wait_until("/health/ready")
        answer = httpx.post(f"{server.url}/predict/", files={"file": sample.read_bytes()})
        assert answer.json()["predicted_digit"] == 7
    finally:
        server.stop()


def test_run_starts_api_and_app(installed: Installed, sample: Path) -> None:
    api_port, app_port = free_port(), free_port()
    command = [str(installed.bin / "digits"), "run", "--api-port", str(api_port), "--app-port", str(app_port)]
    server = Server(command, installed.folder, f"http://127.0.0.1:{api_port}", installed.environment())
    try:
        server.wait_until("/health/ready")
        answer = httpx.post(f"{server.url}/predict/", files={"file": sample.read_bytes()})
        assert answer.json()["predicted_digit"] == 7
        server.url = f"http://127.0.0.1:{app_port}"
        server.wait_until("/_stcore/health")
    finally:
        server.stop()


def test_the_app_reads_digits_and_has_its_theme(installed: Installed, browser: Browser) -> None:
    port = free_port()
    command = [str(installed.bin / "digits"), "app", "--port", str(port)]
    server = Server(command, installed.folder, f"http://127.0.0.1:{port}", installed.environment())
    try:
        server.wait_until("/_stcore/health")
        page = browser.new_page()
        page.set_default_timeout(PATIENCE)
        page.goto(server.url)
        # The first request of the app comes from a page; the traps would be imported now.
        settled(page)
        settings = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
        title = page.get_by_role("heading", level=1).evaluate("title => getComputedStyle(title).fontSize")
        # Streamlit's own size is 2.75rem.
        assert title == f"{float(settings['theme']['headingFontSizes'][0].removesuffix('rem')) * 16:g}px"
        page.close()
    finally:
        server.stop()


def test_a_missing_model_is_answered_with_the_command_that_is_there(installed: Installed) -> None:
    done = installed.digits("model", "--model", "nowhere.keras")
    assert done.returncode == 1
    assert "train one with digits train and name none" in done.stderr


@pytest.mark.parametrize(
    ("hidden", "command", "advice"),
    [
        ("streamlit", ["run"], 'pip install "digits[app]"'),
        ("streamlit", ["app"], 'pip install "digits[app]"'),
        ("tensorflow", ["train"], 'pip install "digits[train]"'),
        ("pyarrow", ["predict", "7.png", "--out", "answers"], 'pip install "digits[bulk]"'),
        ("ray", ["predict", "7.png", "--out", "answers", "--engine", "ray"], 'pip install "digits[ray]"'),
    ],
)
def test_a_missing_part_is_named_with_the_install_that_adds_it(
    installed: Installed, hidden: str, command: list[str], advice: str
) -> None:
    script = (
        f"import sys\nsys.modules[{hidden!r}] = None\nfrom digits.cli.main import main\nsys.exit(main({command!r}))\n"
    )
    done = subprocess.run(
        [str(installed.bin / "python"), "-P", "-c", script],
        cwd=installed.folder,
        env=installed.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert f"Install it with: {advice}" in line
