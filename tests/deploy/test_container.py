"""The container file and compose.yaml: their commands run one by one, outside a container."""

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from digits.service.settings import Settings
from tests.conftest import BIN, ROOT, Server, child_environment, free_port, repository_files

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
MODELS = "/srv/digits/models"


@dataclass
class Stage:
    """One stage of the container file.

    Args:
        base: the stage that it starts from, None for an image.
        steps: its instructions in order, each a keyword and the rest.
    """

    base: "Stage | None"
    steps: list[tuple[str, str]] = field(default_factory=list)

    def every(self, keyword: str) -> list[str]:
        """What the instructions of one kind say, those of the base first."""
        return (self.base.every(keyword) if self.base else []) + [rest for word, rest in self.steps if word == keyword]

    def environment(self) -> dict[str, str]:
        """The variables that it sets, but for the path."""
        pairs = [pair.partition("=") for rest in self.every("ENV") for pair in shlex.split(rest)]
        return {name: value for name, _, value in pairs if name != "PATH"}

    def copied(self) -> list[tuple[str, str]]:
        """What it copies from the repository, and where to."""
        found = []
        for rest in self.every("COPY"):
            *sources, target = rest.split()
            if not sources[0].startswith("--from="):
                found += [(source, target) for source in sources]
        return found


def read_stages() -> dict[str, Stage]:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    lines = re.sub(r"\\\n", " ", re.sub(r"^#.*\n", "", text, flags=re.MULTILINE)).splitlines()
    stages: dict[str, Stage] = {}
    for line in filter(None, lines):
        keyword, rest = line.split(maxsplit=1)
        if keyword == "FROM":
            base, _, name = rest.split()
            stage = stages[name] = Stage(stages.get(base))
        else:
            stage.steps.append((keyword, rest))
    return stages


STAGES = read_stages()


def words(stage: Stage, keyword: str, *, port: int | None = None, inside: int = 0) -> list[str]:
    """The last command of a kind in its list form, with this environment's programs and, if given, another port."""
    command: list[str] = json.loads(stage.every(keyword)[-1].rpartition("CMD ")[2])
    changed = [word.replace(str(inside), str(port)) for word in command] if port else command
    return [str(BIN / changed[0]), *changed[1:]]


def copy_into(folder: Path, stage: Stage) -> None:
    """What the stage copies, of the files that .dockerignore lets through."""
    for source, target in stage.copied():
        for file in repository_files():
            if file.is_relative_to(source) and reaches_builder(file):
                inner = file.relative_to(source)
                whole = folder / target / (inner if inner.parts else file.name if target.endswith("/") else "")
                whole.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / file, whole)


def reaches_builder(path: Path) -> bool:
    """Whether .dockerignore lets a file through: the last line that fits it, or a folder above it, decides."""
    through = True
    for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            pattern = re.escape(line.removeprefix("!")).replace(r"\*\*/", "(.*/)?").replace(r"\*", "[^/]*")
            pattern = pattern.replace(r"\[", "[").replace(r"\]", "]")
            if any(re.fullmatch(pattern, place.as_posix()) for place in (path, *path.parents)):
                through = line.startswith("!")
    return through


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project as the images hold it: the wheel that the container file builds, unpacked."""
    folder = tmp_path_factory.mktemp("build")
    copy_into(folder, STAGES["wheel"])
    command = next(rest for rest in STAGES["wheel"].every("RUN") if rest.startswith("pip wheel"))
    done = subprocess.run(
        ["sh", "-c", command], cwd=folder, env=child_environment(folder), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = (folder / "wheels").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


@dataclass(frozen=True)
class Box:
    """A started image, as far as it goes outside a container."""

    server: Server
    healthy: list[str]
    environment: dict[str, str]
    written: list[Path]

    def health(self) -> int:
        """The exit code of its health check."""
        return subprocess.run(
            self.healthy, env=os.environ | self.environment, capture_output=True, check=False
        ).returncode


def start_box(folder: Path, site: Path, stage: Stage, port: int, inside: int, **extra: str) -> Box:
    work, home, scratch = folder / "work", folder / "home", folder / "tmp"
    for place in (work, home, scratch):
        place.mkdir()
    copy_into(work, stage)
    environment = stage.environment() | {"HOME": str(home), "TMPDIR": str(scratch), "PYTHONPATH": str(site)} | extra
    server = Server([*words(stage, "CMD"), "--port", str(port)], work, f"http://127.0.0.1:{port}", environment)
    healthy = words(stage, "HEALTHCHECK", port=port, inside=inside)
    return Box(server, healthy, environment, [work, home])


def files_in(places: list[Path]) -> set[Path]:
    return {file for place in places for file in place.rglob("*") if file.is_file() and file.suffix != ".log"}


def test_the_linter_finds_nothing_in_the_container_file() -> None:
    done = subprocess.run([str(BIN / "hadolint"), "Dockerfile"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_what_is_copied_is_there_and_nothing_else_reaches_the_builder() -> None:
    files = [file for file in repository_files() if reaches_builder(file)]
    stages = ("wheel", "install-api", "install-app", "install-ray", "api", "app", "ray")
    copied = [source for name in stages for source, _ in STAGES[name].copied()]
    for source in copied:
        assert [file for file in files if file.is_relative_to(source)], source
    for file in files:
        assert file.parent == Path("requirements") or any(file.is_relative_to(source) for source in copied), file
    for left_out in (Path("models/mnist_model.keras"), Path("digits/__pycache__/errors.pyc"), Path(".git/HEAD")):
        assert not reaches_builder(left_out)


INSTALLS = [("wheel", "build"), ("install-api", "serve"), ("install-app", "app"), ("install-ray", "ray")]


@pytest.mark.parametrize(("stage", "lock"), INSTALLS)
def test_each_install_takes_its_lock_with_hashes_and_no_more(stage: str, lock: str) -> None:
    installs = [rest for rest in STAGES[stage].every("RUN") if rest.startswith("pip install ")]
    # All but the tools that build the wheel go into the environment that the images copy.
    into = None if stage == "wheel" else "/opt/digits/bin/python"
    assert STAGES[stage].environment().get("PIP_PYTHON") == into
    assert f"--require-hashes --only-binary :all: -r requirements/{lock}.txt" in installs[0]
    assert [source for source, _ in STAGES[stage].copied() if source.startswith("requirements")] == [
        f"requirements/{lock}.txt"
    ]
    # What else is installed is the project's own wheel.
    assert all("--no-deps --no-index wheels/*.whl" in rest for rest in installs[1:])


@pytest.mark.parametrize("name", ["api", "app", "ray"])
def test_the_images_run_without_rights_and_get_signals_themselves(name: str) -> None:
    stage = STAGES[name]
    user = stage.every("USER")[-1]
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", user)
    assert f"--uid {user.partition(':')[0]} " in " ".join(stage.every("RUN"))
    assert stage.every("STOPSIGNAL") == ["SIGTERM"]
    assert stage.every("CMD")[-1].startswith("[")
    # Nothing that builds is left in what runs.
    assert not any("pip" in rest for rest in stage.every("RUN"))


def test_the_image_of_the_api_serves_says_when_it_is_healthy_and_ends_by_its_stop_signal(
    installed: Path, tmp_path: Path
) -> None:
    assert (installed / "digits" / "shipped" / "mnist_model.keras").is_file()
    box = start_box(tmp_path, installed, STAGES["api"], free_port(), 8000, DIGITS_DRAIN_SECONDS="1")
    try:
        assert box.health() != 0
        box.server.wait_until("/health/ready")
        assert box.health() == 0
        box.server.process.send_signal(getattr(signal, STAGES["api"].every("STOPSIGNAL")[-1]))
        assert box.server.process.poll() is None
        assert box.health() != 0
        assert box.server.process.wait(20) == 0
    finally:
        box.server.stop()
    # A read-only file system does no harm.
    assert files_in(box.written) == set()
    # The log is what a machine can read.
    assert all(json.loads(line) for line in box.server.output().splitlines() if line.startswith("{"))


def test_the_image_of_the_app_serves_and_says_when_it_is_healthy(installed: Path, tmp_path: Path) -> None:
    box = start_box(tmp_path, installed, STAGES["app"], free_port(), 8501)
    try:
        before = files_in(box.written)
        assert box.health() != 0
        box.server.wait_until("/_stcore/health")
        assert box.health() == 0
        assert files_in(box.written) == before
    finally:
        box.server.stop()


@pytest.fixture(params=SERVICES)
def service(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Each service of compose.yaml."""
    return {"name": request.param, **SERVICES[request.param]}


def seconds(text: str) -> float:
    match = re.fullmatch(r"(\d+)s", text)
    assert match is not None, text
    return float(match[1])


def test_every_service_is_held_to_its_limits_and_watched(service: dict[str, Any]) -> None:
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert [place.partition(":")[0] for place in service["tmpfs"]] == ["/tmp"]
    assert set(service["deploy"]["resources"]["limits"]) == {"cpus", "memory", "pids"}
    for port in service["ports"]:
        assert re.fullmatch(r"127\.0\.0\.1:(\d+):\1", port), port
    if "build" in service:
        assert STAGES[service["build"]["target"]].every("HEALTHCHECK")
        assert service["ports"][0].rpartition(":")[2] in STAGES[service["build"]["target"]].every("EXPOSE")
    else:
        assert re.search(r":v?\d+\.\d+\.\d+$", service["image"])
        assert service["healthcheck"]["test"][0] == "CMD"


def test_what_services_mount_is_there(service: dict[str, Any]) -> None:
    for volume in service["volumes"]:
        source, target, *mode = volume.split(":")
        if source.startswith("."):
            assert mode == ["ro"]
            assert target == MODELS or (ROOT / source).exists(), volume
        else:
            assert source in COMPOSE["volumes"]


@pytest.fixture
def settings_of(monkeypatch: pytest.MonkeyPatch) -> Callable[[Mapping[str, str]], Settings]:
    """Reads settings from an environment that has these variables and no other of the kind."""

    def read(variables: Mapping[str, str]) -> Settings:
        for name in [name for name in os.environ if name.startswith("DIGITS_")]:
            monkeypatch.delenv(name)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        return Settings()

    return read


def test_the_settings_of_image_and_service_exist_and_leave_time_to_drain(
    settings_of: Callable[[Mapping[str, str]], Settings],
) -> None:
    service = SERVICES["api"]
    variables = STAGES["api"].environment() | service["environment"]
    variables = {name: value for name, value in variables.items() if name.startswith("DIGITS_")}
    assert {name.removeprefix("DIGITS_").lower() for name in variables} <= set(Settings.model_fields)
    settings = settings_of(variables)
    assert seconds(service["stop_grace_period"]) > settings.drain_seconds + settings.shutdown_seconds
    assert service["command"][: len(words(STAGES["api"], "CMD"))] == json.loads(STAGES["api"].every("CMD")[-1])


def test_a_mounted_model_is_where_the_images_look_for_it() -> None:
    assert f"{STAGES['run'].every('WORKDIR')[-1]}/models" == MODELS
    assert all(f"./models:{MODELS}:ro" in SERVICES[name]["volumes"] for name in ("api", "app"))
