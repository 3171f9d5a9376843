"""The clients of docs/clients.md for curl, Python, Node and the browser are run against a real server."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright._impl._driver import compute_driver_executable
from playwright.sync_api import Page

from tests.conftest import ROOT, SAMPLES, Server, serve

PAGE = (ROOT / "docs" / "clients.md").read_text(encoding="utf-8")
# Playwright brings a Node, so that there is one wherever the tests run.
NODE = compute_driver_executable()[0]
ADDRESS = "http://127.0.0.1:8000"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = serve(tmp_path_factory.mktemp("clients"), DIGITS_CORS_ORIGINS="*")
    yield server
    server.stop()


def run(command: list[str], code: str | None = None) -> str:
    done = subprocess.run(command, cwd=ROOT, input=code, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_page_has_a_client_in_each_language() -> None:
    counts = {language: len(blocks(language)) for language in ("sh", "python", "js", "csharp", "java", "go")}
    assert counts == {"sh": 4, "python": 2, "js": 2, "csharp": 1, "java": 1, "go": 1}


@pytest.mark.parametrize("block", range(4))
def test_curl(server: Server, block: int) -> None:
    if shutil.which("curl") is None:
        pytest.skip("no curl on this machine")
    answer = json.loads(run(["sh"], blocks("sh")[block].replace(ADDRESS, server.url)))
    assert answer.get("name") == "digits" or (answer["predicted_digit"], answer["accepted"]) == (7, True)


@pytest.mark.parametrize("block", range(2))
def test_python(server: Server, block: int) -> None:
    printed = run([sys.executable, "-"], blocks("python")[block].replace(ADDRESS, server.url)).splitlines()
    if block == 0:
        assert printed == ["7 True"]
    else:
        assert printed == [f"{file.name} {file.name[0]}" for file in SAMPLES]


def test_node(server: Server) -> None:
    assert run([NODE, "--input-type=module", "-"], blocks("js")[0].replace(ADDRESS, server.url)) == "7\n"


def test_a_canvas_in_the_browser(server: Server, page: Page, tmp_path: Path) -> None:
    page.set_content("<canvas width=280 height=280></canvas>")
    page.evaluate(
        "() => { const pen = document.querySelector('canvas').getContext('2d'); pen.lineWidth = 18;"
        " pen.beginPath(); pen.moveTo(80, 60); pen.lineTo(200, 60); pen.lineTo(130, 230); pen.stroke(); }"
    )
    page.evaluate(f"async () => {{ {blocks('js')[1].replace(ADDRESS, server.url)} }}")
    assert page.inner_text("body").strip() == "7"
