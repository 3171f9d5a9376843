"""The documentation site: it builds, its links lead somewhere, and it needs nothing of the internet."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from digits.model.artifact import read
from digits.recognizer import shipped_model
from scripts.model_card import PAGE, page_with
from tests.conftest import BIN, ROOT

# What a page loads by itself; links that a reader follows are not among it.
_LOADED = re.compile(r"""<(?:script|img|iframe)[^>]*\ssrc="(https?:)?//|<link[^>]*\shref="(https?:)?//""")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    clone = tmp_path_factory.mktemp("clone")
    for name in ("docs", "digits"):
        shutil.copytree(ROOT / name, clone / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "zensical.toml", clone)
    built = subprocess.run([BIN / "zensical", "build", "--strict"], cwd=clone, capture_output=True, text=True)
    assert built.returncode == 0, built.stdout + built.stderr
    return clone / "site"


def test_every_page_of_the_documents_is_built(site: Path) -> None:
    pages = {page.relative_to(ROOT / "docs").with_suffix(".html") for page in (ROOT / "docs").rglob("*.md")}
    assert len(pages) >= 15
    assert {page for page in pages if not (site / page).is_file()} == set()


def test_every_page_is_in_the_navigation(site: Path) -> None:
    start = (site / "index.html").read_text(encoding="utf-8")
    for page in (ROOT / "docs").rglob("*.md"):
        address = page.relative_to(ROOT / "docs").with_suffix(".html").as_posix()
        assert f'href="{address}"' in start or f'href="./{address}"' in start, address


def test_no_page_loads_anything_from_the_internet(site: Path) -> None:
    pages = list(site.rglob("*.html"))
    assert len(pages) >= 15
    for page in pages:
        assert not _LOADED.search(page.read_text(encoding="utf-8")), page.name


def test_the_reference_shows_what_the_package_offers(site: Path) -> None:
    reference = (site / "python_reference.html").read_text(encoding="utf-8")
    for name in ("Recognizer", "Prediction", "NumberReader", "Reading", "ReadDigit", "NoInkError"):
        assert 'id="digits.' in reference
        assert re.search(rf'id="digits\.[\w.]*\.{name}"', reference), name


def test_a_link_that_leads_nowhere_stops_the_build(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "index.md").write_text("# Start\n\nSee [there](nowhere.md).\n", encoding="utf-8")
    (tmp_path / "zensical.toml").write_text('[project]\nsite_name = "Digits"\n', encoding="utf-8")
    built = subprocess.run([BIN / "zensical", "build", "--strict"], cwd=tmp_path, capture_output=True, text=True)
    assert built.returncode != 0


def test_the_model_card_has_the_figures_of_the_model_that_ships() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page_with(page, read(shipped_model()).card) == page, "run: python -m scripts.model_card"


def test_a_page_without_a_place_for_a_table_is_refused() -> None:
    with pytest.raises(ValueError, match="no place for the table of facts"):
        page_with("# Model card\n", read(shipped_model()).card)


def test_the_check_says_what_to_run(tmp_path: Path) -> None:
    checked = subprocess.run(
        [sys.executable, "-m", "scripts.model_card", "--check"], cwd=ROOT, capture_output=True, text=True
    )
    assert checked.returncode == 0, checked.stderr
