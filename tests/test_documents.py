"""The documents name only commands, files and headings that exist."""

import importlib.util
import re
from pathlib import Path

import pytest

import digits.errors
from benchmarks.support.all import module_of
from digits import NumberReader, Prediction, Reading, Recognizer
from digits.vision.views.table import FIRST, GLANCE
from scripts import views_page
from tests.conftest import ROOT, run_python

DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
MODULES = sorted(
    {
        (document.relative_to(ROOT).as_posix(), module)
        for document in DOCUMENTS
        for module in re.findall(
            r"python -m ((?:digits|benchmarks|scripts)(?:\.\w+)*)", document.read_text(encoding="utf-8")
        )
    }
)


def test_the_documents_name_commands() -> None:
    assert len(DOCUMENTS) >= 18
    assert len(MODULES) >= 20


@pytest.mark.parametrize(("document", "module"), MODULES)
def test_each_module_that_a_document_runs_exists(document: str, module: str) -> None:
    path = ROOT / module.replace(".", "/")
    assert path.with_suffix(".py").is_file() or (path / "__main__.py").is_file(), f"{document}: python -m {module}"


@pytest.mark.parametrize("name", re.findall(r"^BENCHMARKS := (.*)$", (ROOT / "Makefile").read_text(), re.M)[0].split())
def test_each_benchmark_of_make_bench_exists(name: str) -> None:
    assert importlib.util.find_spec(module_of(name))


def test_a_benchmark_that_does_not_exist_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"no benchmark 'nonsense'.*latency"):
        module_of("nonsense")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_each_link_leads_to_a_file_and_a_heading(document: Path) -> None:
    for target in re.findall(r"\]\((?!http)([^)]+)\)", document.read_text(encoding="utf-8")):
        file, _, anchor = target.partition("#")
        page = document.parent / file if file else document
        assert page.is_file(), target
        if anchor:
            titles = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in titles}, target


PYTHON_PAGE = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
# Each example, and what the page says that it prints.
EXAMPLES = re.findall(r"^```python\n(.*?)^```\n\n```text\n(.*?)^```", PYTHON_PAGE, re.M | re.S)


def test_each_example_of_the_python_page_has_what_it_prints() -> None:
    assert len(EXAMPLES) == PYTHON_PAGE.count("```python") >= 5


@pytest.mark.parametrize(("example", "printed"), EXAMPLES)
def test_each_example_of_the_python_page_prints_what_stands_below_it(example: str, printed: str) -> None:
    done = run_python(["-W", "error", "-c", example], ROOT)
    assert done.returncode == 0, done.stderr
    assert done.stdout == printed


def test_the_python_page_names_calls_fields_and_errors_that_exist() -> None:
    kinds = (Recognizer, Prediction, NumberReader, Reading)
    known = {name for kind in kinds for name in (kind.__name__, *dir(kind), *vars(kind).get("__annotations__", ()))}
    cells = re.findall(r"^\| (`.*?) \|", PYTHON_PAGE, re.M)
    named = {name for cell in cells for name in re.findall(r"`(?:recognizer\.|reader\.)?(\w+)", cell)}
    assert len(named) >= 25
    assert {name for name in named if not hasattr(digits.errors, name)} <= known


def test_the_page_of_views_is_what_the_code_says() -> None:
    page = views_page.PAGE.read_text(encoding="utf-8")
    assert page == views_page.page_with_tables(), "run: python -m scripts.views_page"
    assert f"`{FIRST}`" in page
    assert f"`{GLANCE}`" in page
    # What a view does stands in the docstrings of its functions.
    assert "|  |" not in page


def test_the_readme_gives_the_address_of_each_page_of_the_app() -> None:
    app = (ROOT / "digits" / "app" / "main.py").read_text(encoding="utf-8")
    paths = ["", *(f"/{path}" for path in re.findall(r'url_path="(\w+)"', app))]
    assert len(paths) == app.count("st.Page(")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| \w+ \| http://127.0.0.1:8501(/?\w*) \|", readme, re.M) == paths
