"""The README runs: each of its commands, in order, word for word, in a copy of the repository."""

import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from digits.model.artifact import read
from digits.recognizer import shipped_model
from scripts.settings_page import PAGE, page
from tests.conftest import BIN, ROOT, Server, child_environment, copy_repository, free_port, run_python

README = (ROOT / "README.md").read_text(encoding="utf-8")

# What cannot be run from within a test, since it would change the environment that runs it: `make test` has done
# the installing, and the benchmark of the serving install runs these two in an environment of their own.
NOT_RUN = [
    "python -m pip install --require-hashes -r requirements/build.txt -r requirements/serve.txt",
    "python -m pip install --no-deps --no-build-isolation .",
]
SERVERS = {
    "make run": "/health/ready",
    "streamlit run app.py": "/_stcore/health",
    "fastapi dev api": "/health/ready",
    "digits serve --workers 2": "/health/ready",
}


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


COMMANDS = [line for block in blocks("sh") for line in block.splitlines()]


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the repository after `make install`, which has made the environment that runs this test."""
    folder = copy_repository(tmp_path_factory.mktemp("clone"))
    (folder / ".venv").mkdir()
    (folder / ".venv" / "bin").symlink_to(BIN)
    for stamp in ("made", "installed-app", "installed-all"):
        (folder / ".venv" / stamp).touch()
    return folder


@pytest.fixture
def running() -> Iterator[list[Server]]:
    servers: list[Server] = []
    yield servers
    for server in servers:
        server.stop()


def serve(clone: Path, command: str, api_port: int, app_port: int) -> Server:
    """Starts a server's command word for word; ports come from the environment, so that none is taken."""
    environment = {"API_PORT": str(api_port), "APP_PORT": str(app_port), "PORT": str(api_port)}
    environment |= {"STREAMLIT_SERVER_PORT": str(app_port), "STREAMLIT_SERVER_HEADLESS": "true"}
    port = app_port if command.startswith("streamlit") else api_port
    # The one port that no variable sets.
    words = f"{command} --port {port}" if command.startswith("digits serve") else command
    server = Server(["sh", "-c", words], clone, f"http://127.0.0.1:{port}", environment)
    server.wait_until(SERVERS[command])
    return server


def stop(server: Server) -> None:
    """What Ctrl-C in a terminal does."""
    os.killpg(server.process.pid, signal.SIGINT)
    server.process.wait(20)


def test_each_command_runs_in_order(clone: Path, running: list[Server]) -> None:
    api_port, app_port = free_port(), free_port()
    for command in COMMANDS:
        if command in NOT_RUN:
            continue
        if command in SERVERS:
            for server in running:
                stop(server)
            running[:] = [serve(clone, command, api_port, app_port)]
            continue
        done = subprocess.run(
            ["sh", "-c", command.replace(":8000", f":{api_port}")],
            cwd=clone,
            env=child_environment(clone),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        if command.startswith("curl"):
            answer = json.loads(done.stdout)
            assert len(answer["lines"]) == 2 if "/read/" in command else answer["predicted_digit"] == 7
    assert (clone / "models" / "mnist_model.keras").is_file()
    for block in blocks("python"):
        done = run_python(["-c", block], clone)
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("command", ["fastapi dev", "fastapi run api"])
def test_the_other_ways_to_start_the_api_work(clone: Path, running: list[Server], command: str) -> None:
    port = free_port()
    running.append(Server(["sh", "-c", command], clone, f"http://127.0.0.1:{port}", {"PORT": str(port)}))
    running[0].wait_until("/health/ready")
    assert httpx.get(f"http://127.0.0.1:{port}/model").status_code == 200


def test_the_example_answer_is_what_the_shipped_model_answers(sample: Path, tmp_path: Path) -> None:
    done = run_python(["-m", "digits.cli.main", "predict", "--json", str(sample)], tmp_path)
    real = json.loads(done.stdout)
    example = json.loads(blocks("json")[0])
    for name in ("predicted_digit", "confidence", "probabilities"):
        assert example[name] == pytest.approx(real[name], abs=1e-4)


def test_every_picture_and_link_is_there() -> None:
    targets = re.findall(r"\]\((?!http)([^)]+)\)", README)
    assert len([target for target in targets if target.endswith(".png")]) >= 3
    anchors = [f"#{title.lower().replace(' ', '-')}" for title in re.findall(r"^#+ (.+)$", README, re.MULTILINE)]
    for target in targets:
        # tests/test_documents.py looks for the headings of other pages.
        file = target.partition("#")[0]
        assert (ROOT / file).is_file() if file else target in anchors, target


def test_the_page_of_settings_is_what_the_code_says() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python -m scripts.settings_page"
    assert "docs/settings.md" in README


def test_make_help_lists_the_commands_that_the_documents_name() -> None:
    listed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    documents = README + (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    for target in set(re.findall(r"\bmake ([a-z]+)", documents)) - {"help"}:
        assert f"make {target}" in listed, target


def test_the_figures_of_the_shipped_model_are_those_of_its_card() -> None:
    card = read(shipped_model()).card
    test = card.metrics["test"]
    figures = (ROOT / "docs" / "figures.md").read_text(encoding="utf-8")
    assert f"| MNIST's {test['n']:,} test images, read correctly | {test['accuracy']:.2%} |" in README
    accuracy = f"| test accuracy of the shipped model, one seed | {test['accuracy'] * 100:.2f} % of {test['n']:,} |"
    assert accuracy in figures
    assert f"| its expected calibration error, 15 bins | {test['calibration_error'] * 100:.2f} % |" in figures
